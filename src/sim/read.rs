//! What a campaign's tally says.

use super::Options;
use super::loss::{Share, Sketch};
use super::mix::{self, Mix, Part};
use super::model::{Hazard, Model};
use super::prepared::Prepared;
use super::result::{AnnualLoss, AssetResult, Errors, Estimate, ScenarioResult, Simulation, Story};
use super::tally::{AssetTally, HazardTally, Stratum, Tally, Worst};
use crate::policy::Policy;

const EXCEEDANCE_POINTS: usize = 60;

/// A tally beside the probabilities of its strata.
struct Weighed<'t> {
    strata: Vec<(f64, &'t Stratum)>,
}

impl<'t> Weighed<'t> {
    fn new(prepared: &Prepared, tally: &'t Tally) -> Self {
        Weighed { strata: prepared.strata.chances.iter().copied().zip(&tally.strata).collect() }
    }

    fn sketches(&self, of: impl Fn(&'t Stratum) -> Option<&'t Sketch>) -> Vec<Part<'t>> {
        let part = |(chance, stratum): &(f64, &'t Stratum)| {
            Some(Part { chance: *chance, years: stratum.years, values: of(stratum)? })
        };
        self.strata.iter().filter_map(part).collect()
    }

    fn share(&self, of: impl Fn(&'t Stratum) -> Option<&'t Share>) -> Option<Estimate> {
        let shares: Vec<_> = self.strata.iter().filter_map(|(chance, s)| Some((*chance, s.years, of(s)?))).collect();
        mix::ratio(shares.iter().copied())
    }
}

impl Tally {
    /// Cents that a year is expected to lose.
    pub fn annual(&self, prepared: &Prepared) -> Option<Estimate> {
        mix::mean_of_years(&Weighed::new(prepared, self).sketches(|stratum| Some(&stratum.year_cents)))
    }

    /// Incidents of each scenario.
    pub fn incidents(&self) -> impl Iterator<Item = u64> + '_ {
        let hazards = self.strata.first().map_or(0, |stratum| stratum.hazards.len());
        (0..hazards).map(|h| self.strata.iter().filter_map(|s| s.hazards.get(h)).map(|hazard| hazard.incidents).sum())
    }
}

pub fn read(policy: &Policy, mut prepared: Prepared, options: &Options, years: u64, tally: &Tally) -> Simulation {
    say_what_is_not_priced(&mut prepared, tally);
    let incidents: Vec<u64> = tally.incidents().collect();
    for (hazard, incidents) in prepared.model.scenarios.iter().zip(&incidents) {
        if *incidents == 0 && hazard.noticed_after.is_some() {
            let name = &hazard.scenario.name;
            prepared
                .model
                .unsaid
                .push(format!("`{name}` never came in {years} years: nothing is said of what it loses"));
        }
    }
    let weighed = Weighed::new(&prepared, tally);
    let scenarios = prepared.model.scenarios.iter().zip(&incidents).enumerate();
    let scenarios = scenarios.map(|(index, (hazard, incidents))| scenario_result(&weighed, index, hazard, *incidents));
    let priced = prepared.model.scenarios.iter().any(|hazard| hazard.rates.any());
    Simulation {
        basis: options.basis,
        seed: options.seed,
        years,
        incidents: incidents.iter().sum(),
        scenarios: scenarios.collect(),
        annual: priced.then(|| annual(policy, &prepared, &weighed, tally)).flatten(),
        worst: tally.worst.as_ref().and_then(|worst| story(&prepared.model, worst)),
        unsaid: prepared.model.unsaid,
    }
}

fn say_what_is_not_priced(prepared: &mut Prepared, tally: &Tally) {
    let unpriced = Weighed::new(prepared, tally).share(|stratum| Some(&stratum.years_unpriced_total));
    let model = &mut prepared.model;
    let priced = model.scenarios.iter().any(|hazard| hazard.rates.any());
    if !priced {
        model.say("the policy declares no loss rates: nothing can be said in money".into());
    } else if !model.scenarios.iter().all(|hazard| hazard.rates.all()) {
        model.say("not every asset has loss rates: its lost writes and downtime are in no amount of money".into());
        model.at_least = true;
    }
    if let (true, Some(share)) = (priced, unpriced.filter(|share| share.mean > 0.0)) {
        model.say(format!(
            "a total loss has no declared amount: it is in no amount of money, and comes in {:.3} % of years",
            share.mean * 100.0
        ));
        model.at_least = true;
    }
}

fn scenario_result(weighed: &Weighed, index: usize, hazard: &Hazard, incidents: u64) -> ScenarioResult {
    fn asset_of(of: Option<&HazardTally>, place: usize) -> Option<&AssetTally> {
        of.and_then(|hazard| hazard.assets.get(place))
    }
    let assets = hazard.assets.iter().enumerate().filter_map(|(place, struck)| {
        let window = weighed.sketches(|s| asset_of(s.hazards.get(index), place).map(|asset| &asset.window));
        let mean = weighed.share(|s| asset_of(s.hazards.get(index), place).map(|asset| &asset.window_in_year));
        let within = weighed.share(|s| asset_of(s.hazards.get(index), place).map(|asset| &asset.within_rpo));
        Some(AssetResult {
            asset: struck.asset.name.clone(),
            loss_window: mix::spans(&window, mean),
            total_loss: weighed.share(|s| asset_of(s.hazards.get(index), place).map(|asset| &asset.total))?,
            meets_rpo: struck.rpo.and(within),
        })
    });
    let downtime = weighed.sketches(|s| s.hazards.get(index).map(|hazard| &hazard.downtime));
    let mean = weighed.share(|s| s.hazards.get(index).map(|hazard| &hazard.downtime_in_year));
    let within = weighed.share(|s| s.hazards.get(index).map(|hazard| &hazard.within_rto));
    let cents = weighed.sketches(|s| s.hazards.get(index).map(|hazard| &hazard.year_cents));
    ScenarioResult {
        scenario: hazard.scenario.name.clone(),
        title: hazard.scenario.title.clone(),
        per_year: hazard.scenario.per_year.value,
        incidents,
        downtime: mix::spans(&downtime, mean),
        meets_rto: hazard.rto.and(within),
        assets: assets.collect(),
        annual_loss: hazard.rates.any().then(|| mix::mean_of_years(&cents).map(money)).flatten(),
    }
}

fn money(cents: Estimate) -> Estimate {
    Estimate { mean: cents.mean / 100.0, standard_error: cents.standard_error / 100.0 }
}

fn annual(policy: &Policy, prepared: &Prepared, weighed: &Weighed, tally: &Tally) -> Option<AnnualLoss> {
    let filled: Vec<(f64, u64, Sketch)> =
        weighed.strata.iter().map(|(chance, s)| (*chance, s.years, s.year_cents.filled_up(s.years))).collect();
    let parts: Vec<Part> =
        filled.iter().map(|(chance, years, values)| Part { chance: *chance, years: *years, values }).collect();
    let mix = Mix::of(&parts);
    let at = |q| Some(mix.quantile(q)? / 100.0);
    let error = |q| mix.quantile_error(q).map(|cents| cents / 100.0);
    let tail = money(mix.tail_mean(0.05)?);
    let exceeded = |(cents, share, error)| (cents / 100.0, share, error);
    Some(AnnualLoss {
        currency: policy.currency.clone(),
        at_least: prepared.model.at_least,
        expected: money(tally.annual(prepared)?),
        p50: at(0.5)?,
        p90: at(0.9)?,
        p95: at(0.95)?,
        p99: at(0.99)?,
        tail_mean_95: tail.mean,
        errors: Errors { p50: error(0.5), p90: error(0.9), p95: error(0.95), p99: error(0.99) },
        tail_mean_95_error: tail.standard_error,
        exceedance: mix.exceedance(EXCEEDANCE_POINTS).into_iter().map(exceeded).collect(),
    })
}

fn story(model: &Model, worst: &Worst) -> Option<Story> {
    let hazard = model.scenarios.get(worst.place.hazard)?;
    let incident = &worst.incident;
    let hit = hazard.assets.iter().zip(&incident.losses).max_by_key(|(_, loss)| **loss);
    Some(Story {
        scenario: hazard.scenario.name.clone(),
        asset: hit.map(|(struck, _)| struck.asset.name.clone()),
        failed_at: incident.at,
        noticed_at: incident.at + incident.noticed_after,
        back_at: incident.back_at(hazard),
        loss: hit.map(|(_, loss)| *loss),
        money: hazard.rates.any().then_some(worst.cents as f64 / 100.0),
    })
}
