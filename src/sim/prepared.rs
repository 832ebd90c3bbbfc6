//! What a campaign works out once, before its first year: losses to look up, numbers of incidents, strata, and which failures
//! meet.

use super::band::Bands;
use super::count::Counts;
use super::incident;
use super::model::{Hazard, Model};
use super::outage::Outage;
use super::strata::Strata;
use super::wheel::Wheel;
use crate::base::rng::Stream;
use crate::policy::Policy;
use crate::timeline::Failure;

#[derive(Debug)]
pub struct Prepared<'a> {
    pub model: Model<'a>,
    pub hazards: Vec<Ready>,
    pub strata: Strata,
    /// Whether the truth about an asset is drawn each year.
    pub uncertain: bool,
}

/// One hazard.
#[derive(Debug)]
pub struct Ready {
    pub counts: Counts,
    /// Its window.
    pub wheel: Wheel,
    /// Of each asset struck.
    pub bands: Vec<Bands>,
    /// What it takes away, whatever the asset.
    pub takes: Failure,
    /// For each hazard whether the two meet: while one is recovered from, the other makes it worse.
    pub meets: Vec<bool>,
    pub meets_any: bool,
    pub unpriced_total: bool,
    /// Where all that it takes is time.
    pub outage: Option<Outage>,
}

impl<'a> Prepared<'a> {
    pub fn new(policy: &Policy, mut model: Model<'a>, years: u64) -> Self {
        let takes: Vec<Failure> = model
            .scenarios
            .iter()
            .map(|hazard| Failure::of_any(policy, hazard.scenario, Default::default(), Default::default()))
            .collect();
        let mut crowds = Vec::new();
        let crowded: Vec<bool> = model.scenarios.iter().map(|hazard| crowded(&model, hazard)).collect();
        let mut hazards = Vec::with_capacity(model.scenarios.len());
        for (own, (hazard, taken)) in model.scenarios.iter().zip(&takes).enumerate() {
            let with = |(other, (met, takes)): (usize, (&Hazard, &Failure))| {
                let ends = |of: usize, hazard: &Hazard| hazard.takes_known() && crowded.get(of) == Some(&false);
                let meet = own == other && !hazard.assets.is_empty()
                    || reaches(policy, hazard, met, takes)
                    || reaches(policy, met, hazard, taken);
                meet && ends(own, hazard) && ends(other, met)
            };
            let meets: Vec<bool> = model.scenarios.iter().zip(&takes).enumerate().map(with).collect();
            hazards.push(Ready {
                counts: match hazard.noticed_after {
                    Some(_) => Counts::of(hazard.drawn_per_year, hazard.scenario.per_year_uncertain),
                    None => Counts::of(0.0, None),
                },
                wheel: Wheel::new(hazard.window),
                bands: bands(&model, hazard),
                takes: taken.clone(),
                meets_any: meets.contains(&true),
                meets,
                unpriced_total: hazard.rates.total_is_unpriced(),
                outage: Outage::of(hazard),
            });
        }
        for (hazard, _) in model.scenarios.iter().zip(&crowded).filter(|(_, crowded)| **crowded) {
            let name = &hazard.scenario.name;
            crowds.push(format!(
                "failures come faster than `{name}` is recovered from: what they do to each other cannot be said, and each is \
                 simulated by itself"
            ));
        }
        let beyond = model.scenarios.iter().zip(&hazards).filter(|(_, ready)| ready.counts.beyond > 1e-9);
        let beyond: Vec<String> = beyond
            .map(|(hazard, ready)| {
                let (name, share) = (&hazard.scenario.name, ready.counts.beyond * 100.0);
                format!("`{name}` may come more than 20,000 times a year: such years, {share:.2} %, are left out")
            })
            .collect();
        beyond.into_iter().chain(crowds).for_each(|line| model.say(line));
        let counts: Vec<Counts> = hazards.iter().map(|ready| ready.counts.clone()).collect();
        let uncertain = model.histories.iter().any(|h| h.failed_run.is_some() || h.bad_restore.is_some());
        Prepared { strata: Strata::of(&counts, years), model, hazards, uncertain }
    }
}

const SEED: u64 = 0x7265_636F_7665_7279;
const HOURS_A_YEAR: f64 = 8766.0;
/// Failures that strike during one recovery, on average, beyond which there is no end to them.
const CROWDED: f64 = 1.0;
/// Recoveries that their mean is found from.
const RECOVERIES: u64 = 64;

/// Whether more failures come than can be recovered from.
fn crowded(model: &Model, hazard: &Hazard) -> bool {
    let all = (0..RECOVERIES).filter_map(|n| incident::downtime_without_trouble(hazard, &Stream::new(SEED, n)));
    let years: f64 = all.map(|down| down.as_hours() / HOURS_A_YEAR / RECOVERIES as f64).sum();
    let per_year: f64 = model.scenarios.iter().map(|hazard| hazard.drawn_per_year).fold(0.0, f64::max);
    let own = if hazard.assets.is_empty() { 0.0 } else { per_year };
    own * years > CROWDED
}

fn bands(model: &Model, hazard: &Hazard) -> Vec<Bands> {
    let of = |struck: &super::model::Struck| match (model.histories.get(struck.index), &hazard.noticed_after) {
        (Some(recorded), Some(notice)) if !recorded.troubled => {
            Bands::of(&recorded.history, &struck.failure, hazard.window, notice)
        }
        _ => Bands::default(),
    };
    hazard.assets.iter().map(of).collect()
}

/// Whether the other failure strikes what this one is recovered from, or takes what its assets could be restored from.
fn reaches(policy: &Policy, hazard: &Hazard, other: &Hazard, takes: &Failure) -> bool {
    hazard.assets.iter().any(|struck| {
        let stored = policy.protections_of(&struck.asset.name).flat_map(|protection| &protection.stored_in);
        let mut stored = stored.map(|domain| &domain.value);
        other.assets.iter().any(|too| too.index == struck.index)
            || stored.any(|domain| takes.destroyed.contains(domain) || takes.deletable.contains(domain))
    })
}
