//! What a plan is expected to lose a year: exact in the failure instant, since under Poisson failures the mean loss is
//! the time average of loss(t) (Wolff 1982, "Poisson arrivals see time averages").

use crate::base::rng::Stream;
use crate::base::{Instant, Span};
use crate::sim::draw::Time;
use crate::sim::incident;
use crate::sim::model::{Hazard, Model};
use crate::sim::money::Rates;
use crate::timeline::{Exposure, Failure, Loss, exposure};

/// Money a year, and the share of it that could not be priced.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Expected {
    pub annual: f64,
    /// Total losses a year that have no amount.
    pub unpriced_totals: f64,
}

/// Times to notice: the middle of each of this many equally likely parts of the distribution.
const NOTICES: usize = 24;
/// Draws that the middle is found from, and draws of the runbook: the same for every plan.
const DRAWS_A_PART: usize = 9;
const RUNBOOKS: u64 = 4096;
const SEED: u64 = 0x506C_696D_736F_6C6C;

/// What one scenario is expected to cost a year.
#[derive(Debug, Clone)]
pub struct OfScenario {
    pub scenario: String,
    pub data: f64,
    pub downtime: f64,
    pub fixed: f64,
    /// Total losses a year that have no amount.
    pub unpriced_totals: f64,
}

impl OfScenario {
    pub fn annual(&self) -> f64 {
        self.data + self.downtime + self.fixed
    }
}

/// The expected annual loss of `model`'s plan, by scenario.
pub fn of(model: &Model) -> Vec<OfScenario> {
    let each = model.scenarios.iter().map(|hazard| {
        let per_year = hazard.drawn_per_year * hazard.stands_for;
        let known = hazard.noticed_after.as_ref().map(|notice| lost_data(hazard, model, notice));
        let data = known.unwrap_or_default();
        let whole = |amount: f64| if known.is_some() { per_year * amount } else { 0.0 };
        OfScenario {
            scenario: hazard.scenario.name.clone(),
            data: per_year * data.annual,
            downtime: whole(downtime_cost(hazard)),
            fixed: whole(hazard.rates.fixed),
            unpriced_totals: per_year * data.unpriced_totals,
        }
    });
    each.collect()
}

/// What the lost writes of one incident cost in the mean.
fn lost_data(hazard: &Hazard, model: &Model, notice: &Time) -> Expected {
    let notices = notices(notice);
    let mut data = Expected::default();
    for noticed_after in &notices {
        let exposures: Vec<Exposure> = hazard
            .assets
            .iter()
            .filter_map(|struck| {
                if let Some(exposure) = &struck.exposure {
                    return Some(exposure.clone());
                }
                let failure = Failure { noticed_after: *noticed_after, ..struck.failure.clone() };
                Some(exposure::sweep(&model.histories.get(struck.index)?.history, &failure, hazard.window))
            })
            .collect();
        let one = data_cost(&hazard.rates, &exposures);
        data.annual += one.annual / notices.len() as f64;
        data.unpriced_totals += one.unpriced_totals / notices.len() as f64;
    }
    data
}

fn notices(notice: &Time) -> Vec<Span> {
    if let Some(always) = notice.constant() {
        return vec![always];
    }
    let mut stream = Stream::new(SEED, 0);
    let mut drawn: Vec<Span> = (0..NOTICES * DRAWS_A_PART).map(|_| notice.draw(&mut stream)).collect();
    drawn.sort_unstable();
    drawn.chunks(DRAWS_A_PART).filter_map(|part| part.get(part.len() / 2).copied()).collect()
}

fn downtime_cost(hazard: &Hazard) -> f64 {
    let Some(rate) = hazard.rates.downtime_per_hour else { return 0.0 };
    let fixed = hazard.steps.iter().all(|step| step.takes.as_ref().is_none_or(|t| t.constant().is_some()))
        && hazard.noticed_after.as_ref().is_none_or(|t| t.constant().is_some());
    let draws = if fixed { 1 } else { RUNBOOKS };
    let downs = (0..draws).filter_map(|n| incident::downtime_without_trouble(hazard, &Stream::new(SEED, n)));
    let (count, hours) = downs.fold((0_u64, 0.0), |(n, sum), down| (n + 1, sum + down.as_hours()));
    if count == 0 { 0.0 } else { rate * hours / count as f64 }
}

/// The time average of what lost writes cost. Between two instants at which any asset's loss bends, each cost is a line,
/// so the integral is exact.
pub fn data_cost(rates: &Rates, exposures: &[Exposure]) -> Expected {
    let Some(window) = exposures.first().map(|e| e.window).filter(|w| !w.is_empty()) else {
        return Expected::default();
    };
    let mut bends: Vec<Instant> = exposures.iter().flat_map(|e| &e.segments).map(|s| s.at.from).collect();
    bends.push(window.until);
    bends.sort_unstable();
    bends.dedup();
    let mut at: Vec<usize> = vec![0; exposures.len()];
    let (mut sum, mut unpriced) = (0.0, 0.0);
    for (from, until) in bends.iter().zip(bends.iter().skip(1)) {
        let hours = (*until - *from).as_hours();
        let mut piece = Piece::default();
        for ((exposure, rate), at) in exposures.iter().zip(&rates.assets).zip(&mut at) {
            while exposure.segments.get(*at).is_some_and(|s| s.at.until <= *from) {
                *at += 1;
            }
            let Some(segment) = exposure.segments.get(*at) else { continue };
            let (per_hour, total) = rate.map_or((0.0, None), |r| (r.per_hour, r.total));
            let shared = rate.is_some_and(|r| r.shared);
            match segment.start {
                Loss::Window(start) => {
                    let risen = if segment.rises { *from - segment.at.from } else { Span::ZERO };
                    let slope = if segment.rises { per_hour } else { 0.0 };
                    piece.add((start + risen).as_hours() * per_hour, slope, shared);
                }
                Loss::Total => {
                    piece.unpriced |= total.is_none();
                    piece.add(total.unwrap_or_default(), 0.0, shared);
                }
            }
        }
        sum += piece.integral(hours);
        unpriced += if piece.unpriced { hours } else { 0.0 };
    }
    let length = window.length().as_hours();
    Expected { annual: sum / length, unpriced_totals: unpriced / length }
}

/// The costs of one stretch of time, as lines over it. All rising shared costs rise alike, since they share one rate.
#[derive(Default)]
struct Piece {
    own_start: f64,
    own_slope: f64,
    /// Greatest shared cost that stands still, and greatest that rises.
    still: f64,
    rising: Option<(f64, f64)>,
    unpriced: bool,
}

impl Piece {
    fn add(&mut self, start: f64, slope: f64, shared: bool) {
        match (shared, slope > 0.0) {
            (false, _) => (self.own_start, self.own_slope) = (self.own_start + start, self.own_slope + slope),
            (true, false) => self.still = self.still.max(start),
            (true, true) => {
                let start = self.rising.map_or(start, |(before, _)| before.max(start));
                self.rising = Some((start, slope));
            }
        }
    }

    fn integral(&self, hours: f64) -> f64 {
        let line = |start: f64, slope: f64, hours: f64| start * hours + slope * hours * hours / 2.0;
        let own = line(self.own_start, self.own_slope, hours);
        own + match self.rising {
            None => self.still * hours,
            Some((start, slope)) => {
                // Until then the cost that stands still is the greater.
                let still = ((self.still - start) / slope).clamp(0.0, hours);
                self.still * still + line(start + slope * still, slope, hours - still)
            }
        }
    }
}
