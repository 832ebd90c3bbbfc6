//! Many years, spread over threads, read as one result.

use std::sync::atomic::{AtomicU64, Ordering};

use super::incident::{Chances, Incident};
use super::model::Model;
use super::result::{AnnualLoss, AssetResult, Estimate, ScenarioResult, Simulation, Story};
use super::shard::{self, Partial, Shard};
use super::tally::{HazardTally, Tally, Worst, YearOfHazard};
use super::{draw, loss::Sketch};
use crate::base::rng::Stream;
use crate::base::{Instant, Result};
use crate::evidence::Evidence;
use crate::policy::Policy;
use crate::timeline::{Basis, Loss};

#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub seed: u64,
    /// Years to simulate.
    pub years: u64,
    /// What is simulated: the plan as declared, or the record as observed.
    pub basis: Basis,
    /// Threads to use; the result does not depend on it.
    pub threads: usize,
    /// Where the declared plan's window begins, and where the record ends.
    pub as_of: Instant,
}

/// Incidents to draw, at most: what takes seconds. Fewer years are simulated instead, and the result says so.
const INCIDENTS_MAX: f64 = 20e6;
/// Years that a thread takes at a time.
const CHUNK: u64 = 512;
/// Years of the first round of a campaign that goes on until its error is small: whole chunks.
const FIRST_ROUND: u64 = 16 * CHUNK;
const EXCEEDANCE_POINTS: usize = 60;

/// Parts of a year's stream: scenarios from the first, assets from the second.
const SCENARIOS: u64 = 0;
const ASSETS: u64 = 1 << 32;

/// Simulates `options.years` years of the policy's scenarios.
pub fn run(policy: &Policy, evidence: Option<&Evidence>, options: &Options) -> Simulation {
    let (model, years) = prepare(policy, evidence, options);
    let mut tally = Tally::new(&model.scenarios);
    spread(&model, options, (0, years), &mut tally);
    read(policy, model, options, years, &tally)
}

/// Simulates more and more years, until the standard error of the expected annual loss is no more than `error` of it, or
/// `options.years` are done. How many that takes does not depend on the threads.
pub fn run_until(policy: &Policy, evidence: Option<&Evidence>, options: &Options, error: f64) -> Simulation {
    let (mut model, most) = prepare(policy, evidence, options);
    let mut tally = Tally::new(&model.scenarios);
    let (mut done, mut next) = (0, FIRST_ROUND.min(most));
    loop {
        spread(&model, options, (done, next), &mut tally);
        done = next;
        let reached = tally.year_cents.mean().is_some_and(|cents| cents.standard_error <= error * cents.mean);
        if reached && tally.hazards.iter().all(|hazard| hazard.incidents > 0) {
            break;
        }
        if done >= most {
            model.say(format!(
                "after {done} years the error is still more than {} % of the expected loss",
                error * 100.0
            ));
            break;
        }
        next = done.saturating_mul(2).min(most);
    }
    read(policy, model, options, done, &tally)
}

/// Simulates the years of one shard.
pub fn part(policy: &Policy, evidence: Option<&Evidence>, options: &Options, inputs: String, shard: Shard) -> Partial {
    let (model, years) = prepare(policy, evidence, options);
    let (from, until) = shard.of_chunks(years.div_ceil(CHUNK));
    let mut tally = Tally::new(&model.scenarios);
    spread(&model, options, (from * CHUNK, (until * CHUNK).min(years)), &mut tally);
    Partial { format: shard::FORMAT, inputs, shard, tally }
}

/// Reads all shards as the one campaign that they are.
pub fn join(
    policy: &Policy,
    evidence: Option<&Evidence>,
    options: &Options,
    inputs: &str,
    parts: Vec<Partial>,
) -> Result<Simulation> {
    let (model, years) = prepare(policy, evidence, options);
    let tally = shard::join(inputs, parts, Tally::new(&model.scenarios))?;
    Ok(read(policy, model, options, years, &tally))
}

/// The model, and how many years of it are to be simulated.
fn prepare<'a>(policy: &'a Policy, evidence: Option<&Evidence>, options: &Options) -> (Model<'a>, u64) {
    let mut model = Model::new(policy, evidence, options.basis, options.as_of);
    let per_year: f64 = model.scenarios.iter().map(|hazard| hazard.drawn_per_year).sum();
    let affordable = if per_year > 0.0 { (INCIDENTS_MAX / per_year).floor().max(1.0) as u64 } else { u64::MAX };
    let years = options.years.min(affordable);
    if years < options.years {
        model.say(format!(
            "{years} years are simulated instead of {}: at {per_year:.0} incidents a year, that is the work allowed",
            options.years
        ));
    }
    (model, years)
}

/// The years `from` (a whole chunk's first) to before `until`, in chunks that idle threads take in turn.
fn spread(model: &Model, options: &Options, (from, until): (u64, u64), into: &mut Tally) {
    let chunks = until.div_ceil(CHUNK);
    let next = AtomicU64::new(from / CHUNK);
    let work = || {
        let mut tally = Tally::new(&model.scenarios);
        loop {
            let chunk = next.fetch_add(1, Ordering::Relaxed);
            if chunk >= chunks {
                return tally;
            }
            for year in chunk * CHUNK..((chunk + 1) * CHUNK).min(until) {
                simulate_year(model, options.seed, year, &mut tally);
            }
        }
    };
    let threads = (options.threads.max(1) as u64).min(chunks.max(1));
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        into.merge(work());
        for other in others {
            match other.join() {
                Ok(part) => into.merge(part),
                // A thread that stopped took years with it: a result without them would be wrong in silence.
                Err(stopped) => std::panic::resume_unwind(stopped),
            }
        }
    });
}

fn simulate_year(model: &Model, seed: u64, year: u64, tally: &mut Tally) {
    let stream = Stream::new(seed, year);
    let (mut cents, mut unpriced_total) = (0_u64, false);
    let mut worst: Option<Worst> = None;
    for (index, (hazard, tally)) in model.scenarios.iter().zip(&mut tally.hazards).enumerate() {
        let own = stream.fork(SCENARIOS + index as u64);
        let mut counts = YearOfHazard::default();
        let mut arrivals = 0;
        if hazard.noticed_after.is_some() {
            arrivals = draw::arrivals(hazard.drawn_per_year, &mut own.clone());
        }
        let chances: Vec<Chances> = match arrivals {
            0 => vec![],
            _ => hazard.assets.iter().map(|struck| chances(model, struck.index, &stream)).collect(),
        };
        for number in 0..arrivals {
            let Some(incident) = Incident::play(hazard, &model.histories, &chances, &own.fork(number)) else { break };
            let money = incident.cents(hazard);
            unpriced_total |= hazard.rates.total_is_unpriced() && incident.losses.contains(&Loss::Total);
            tally.add(hazard, &incident, money, &mut counts);
            let candidate = Worst { hazard: index, year, number, cents: money, incident };
            if worst.as_ref().is_none_or(|worst| candidate.is_worse_than(worst)) {
                worst = Some(candidate);
            }
        }
        counts.cents = (counts.cents as f64 * hazard.stands_for).round() as u64;
        cents = cents.saturating_add(counts.cents);
        tally.close(&counts);
    }
    tally.year_cents.add(cents);
    tally.years_unpriced_total.add(u64::from(unpriced_total), 1);
    if let Some(worst) = worst {
        tally.consider(worst);
    }
}

fn chances(model: &Model, asset: usize, stream: &Stream) -> Chances {
    let mut own = stream.fork(ASSETS + asset as u64);
    model.histories.get(asset).map(|recorded| Chances::draw(recorded, &mut own)).unwrap_or_default()
}

fn read(policy: &Policy, mut model: Model, options: &Options, years: u64, tally: &Tally) -> Simulation {
    let priced = model.scenarios.iter().any(|hazard| hazard.rates.any());
    if !priced {
        model.say("the policy declares no loss rates: nothing can be said in money".into());
    } else if !model.scenarios.iter().all(|hazard| hazard.rates.all()) {
        model.say("not every asset has loss rates: its lost writes and downtime are in no amount of money".into());
        model.at_least = true;
    }
    let unpriced = tally.years_unpriced_total;
    if let (true, Some(share)) = (priced && unpriced.hits() > 0, unpriced.estimate()) {
        model.say(format!(
            "a total loss has no declared amount: it is in no amount of money, and comes in {:.3} % of years",
            share.mean * 100.0
        ));
        model.at_least = true;
    }
    for (hazard, tally) in model.scenarios.iter().zip(&tally.hazards) {
        if tally.incidents == 0 && hazard.noticed_after.is_some() {
            let name = &hazard.scenario.name;
            model.unsaid.push(format!("`{name}` never came in {years} years: nothing is said of what it loses"));
        }
    }
    let scenarios = model.scenarios.iter().zip(&tally.hazards).map(|(h, t)| scenario_result(h, t)).collect();
    Simulation {
        basis: options.basis,
        seed: options.seed,
        years,
        incidents: tally.hazards.iter().map(|t| t.incidents).sum(),
        scenarios,
        annual: priced.then(|| annual(policy, &model, &tally.year_cents)).flatten(),
        worst: tally.worst.as_ref().and_then(|worst| story(&model, worst)),
        unsaid: model.unsaid,
    }
}

fn scenario_result(hazard: &super::model::Hazard, tally: &HazardTally) -> ScenarioResult {
    let assets = hazard.assets.iter().zip(&tally.assets).filter_map(|(struck, tally)| {
        Some(AssetResult {
            asset: struck.asset.name.clone(),
            loss_window: tally.window.spans(),
            total_loss: tally.total.estimate()?,
            meets_rpo: struck.rpo.and_then(|_| tally.within_rpo.estimate()),
        })
    });
    ScenarioResult {
        scenario: hazard.scenario.name.clone(),
        title: hazard.scenario.title.clone(),
        per_year: hazard.scenario.per_year.value,
        incidents: tally.incidents,
        downtime: tally.downtime.spans(),
        meets_rto: hazard.rto.and_then(|_| tally.within_rto.estimate()),
        assets: assets.collect(),
        annual_loss: hazard.rates.any().then(|| tally.year_cents.mean().map(money)).flatten(),
    }
}

fn money(cents: Estimate) -> Estimate {
    Estimate { mean: cents.mean / 100.0, standard_error: cents.standard_error / 100.0 }
}

fn annual(policy: &Policy, model: &Model, cents: &Sketch) -> Option<AnnualLoss> {
    let at = |q| Some(cents.quantile(q)? / 100.0);
    Some(AnnualLoss {
        currency: policy.currency.clone(),
        at_least: model.at_least,
        expected: money(cents.mean()?),
        p50: at(0.5)?,
        p90: at(0.9)?,
        p95: at(0.95)?,
        p99: at(0.99)?,
        tail_mean_95: cents.tail_mean(0.05)? / 100.0,
        exceedance: cents.exceedance(EXCEEDANCE_POINTS).into_iter().map(|(c, share)| (c / 100.0, share)).collect(),
    })
}

fn story(model: &Model, worst: &Worst) -> Option<Story> {
    let hazard = model.scenarios.get(worst.hazard)?;
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
