//! What an incident costs: downtime and lost writes by the hour, a fixed cost, and a total loss by its own amount.

use crate::base::Span;
use crate::policy::{Asset, LossRates, Policy, Scenario};
use crate::timeline::Loss;

/// The rates that hold in one scenario.
#[derive(Debug, Clone)]
pub struct Rates {
    /// None: no downtime can be priced.
    pub downtime_per_hour: Option<f64>,
    pub fixed: f64,
    /// One for each asset struck, in order.
    pub assets: Vec<Option<DataRate>>,
}

/// What lost writes of one asset cost.
#[derive(Debug, Clone, Copy)]
pub struct DataRate {
    pub per_hour: f64,
    pub total: Option<f64>,
    /// The policy's rate, for the business as a whole: an hour that two such assets lose together is lost once.
    pub shared: bool,
}

impl Rates {
    pub fn of<'a>(policy: &Policy, scenario: &Scenario, assets: impl Iterator<Item = &'a Asset>) -> Self {
        let policys = policy.losses.as_ref();
        let per_hour = |rates: &LossRates| rates.downtime_per_hour.value;
        let mut downtime = None;
        let mut data = Vec::new();
        for asset in assets {
            let rates = asset.losses.as_ref().or(policys);
            // One service is down once: the dearest of the assets says what that costs.
            downtime = greater(downtime, rates.map(per_hour));
            data.push(rates.map(|rates| DataRate {
                per_hour: rates.data_per_hour.value,
                total: rates.total_loss.as_ref().map(|total| total.value),
                shared: asset.losses.is_none(),
            }));
        }
        let downtime = if data.is_empty() { policys.map(per_hour) } else { downtime };
        Rates { downtime_per_hour: downtime, fixed: scenario.fixed_cost, assets: data }
    }

    /// Whether any amount is declared.
    pub fn any(&self) -> bool {
        self.downtime_per_hour.is_some() || self.fixed > 0.0 || self.assets.iter().any(Option::is_some)
    }

    /// Whether every hour has a rate.
    pub fn all(&self) -> bool {
        self.downtime_per_hour.is_some() && self.assets.iter().all(Option::is_some)
    }

    /// Whether a total loss of any of the assets has no amount.
    pub fn total_is_unpriced(&self) -> bool {
        self.assets.iter().any(|rate| rate.is_none_or(|rate| rate.total.is_none()))
    }

    /// One incident's cost, so far as it can be priced.
    #[inline]
    pub fn cost(&self, downtime: Option<Span>, losses: impl Iterator<Item = Loss>) -> f64 {
        let down = match (downtime, self.downtime_per_hour) {
            (Some(span), Some(rate)) => hours(span) * rate,
            _ => 0.0,
        };
        down + self.fixed + self.cost_of_data(losses)
    }

    /// The same in whole cents.
    #[inline]
    pub fn cents(&self, downtime: Option<Span>, losses: impl Iterator<Item = Loss>) -> u64 {
        // Half a cent more rounds to the nearest.
        ((self.cost(downtime, losses) * 100.0 + 0.5) as i64).max(0) as u64
    }

    #[inline]
    fn cost_of_data(&self, losses: impl Iterator<Item = Loss>) -> f64 {
        if self.assets.is_empty() {
            return 0.0;
        }
        let (mut shared, mut own) = (0.0_f64, 0.0);
        for (loss, rate) in losses.zip(&self.assets) {
            let Some(rate) = rate else { continue };
            let cost = match loss {
                Loss::Window(span) => hours(span) * rate.per_hour,
                Loss::Total => rate.total.unwrap_or_default(),
            };
            if rate.shared {
                shared = shared.max(cost);
            } else {
                own += cost;
            }
        }
        shared + own
    }
}

/// A division takes longer than all else of a price.
#[inline]
fn hours(span: Span) -> f64 {
    span.0 as f64 * (1.0 / 3_600_000.0)
}

fn greater(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (a, b) => a.or(b),
    }
}
