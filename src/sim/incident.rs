//! One incident: when, noticed when, what each asset loses, when service is back, and what it costs.

use serde::{Deserialize, Serialize};

use super::model::{Hazard, Recorded, Restores, Struck};
use crate::base::rng::Stream;
use crate::base::{Instant, Span};
use crate::timeline::recoverable::{loss_at, restorable_at};
use crate::timeline::{Candidate, Failure, History, Loss, downtime};

/// What happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    pub at: Instant,
    pub noticed_after: Span,
    /// None where a step's time is not known.
    pub downtime: Option<Span>,
    /// One for each asset struck.
    pub losses: Vec<Loss>,
}

/// The year's truth about what is not known: how often runs and restores of one asset fail.
#[derive(Debug, Clone, Copy, Default)]
pub struct Chances {
    pub failed_run: f64,
    pub bad_restore: f64,
}

impl Chances {
    pub fn draw(recorded: &Recorded, stream: &mut Stream) -> Self {
        Chances {
            failed_run: recorded.failed_run.map_or(0.0, |posterior| posterior.draw(stream)),
            bad_restore: recorded.bad_restore.map_or(0.0, |posterior| posterior.draw(stream)),
        }
    }
}

/// Parts of an incident's stream.
const STEPS: u64 = 1;
const ASSETS: u64 = 2;

impl Incident {
    /// Plays one failure of `hazard`; `chances` are those of the hazard's assets. None if it cannot be simulated.
    pub fn play(hazard: &Hazard, histories: &[Recorded], chances: &[Chances], stream: &Stream) -> Option<Incident> {
        let mut own = stream.clone();
        let length = u64::try_from(hazard.window.length().0).unwrap_or_default();
        let at = hazard.window.from + Span(i64::try_from(own.below(length)).unwrap_or_default());
        let noticed_after = hazard.noticed_after.as_ref()?.draw(&mut own);
        let mut losses = Vec::with_capacity(hazard.assets.len());
        let mut bad_tries = Vec::with_capacity(hazard.assets.len());
        for (place, struck) in hazard.assets.iter().enumerate() {
            let recorded = histories.get(struck.index)?;
            let chances = chances.get(place).copied().unwrap_or_default();
            let mut part = stream.fork(ASSETS + place as u64);
            let restored = Search { struck, recorded, at, noticed_after }.restore(chances, &mut part);
            losses.push(restored.0);
            bad_tries.push(restored.1);
        }
        let takes = runbook(hazard, &bad_tries, &mut stream.fork(STEPS));
        let downtime = takes.map(|takes| downtime::from_failure(hazard.scenario, noticed_after, takes));
        Some(Incident { at, noticed_after, downtime, losses })
    }

    /// Money, in whole cents so that sums are exact.
    pub fn cents(&self, hazard: &Hazard) -> u64 {
        let money = hazard.rates.cost(self.downtime, self.losses.iter().copied());
        (money * 100.0).round() as u64
    }

    pub fn back_at(&self, hazard: &Hazard) -> Option<Instant> {
        let begins = if hazard.scenario.writes_continue { self.at + self.noticed_after } else { self.at };
        self.downtime.map(|down| begins + down)
    }
}

/// Time for the runbook; a step that restores is done once more for each bad try.
fn runbook(hazard: &Hazard, bad_tries: &[u32], stream: &mut Stream) -> Option<Span> {
    if hazard.steps.is_empty() {
        return None;
    }
    let mut steps = hazard.steps.iter();
    downtime::critical_path(&hazard.scenario.runbook, |_| {
        let step = steps.next()?;
        let takes = step.takes.as_ref()?;
        let again = match step.restores {
            Restores::Nothing => 0,
            Restores::One(place) => bad_tries.get(place).copied().unwrap_or_default(),
            Restores::Any => bad_tries.iter().copied().max().unwrap_or_default(),
        };
        Some((0..=again).map(|_| takes.draw(stream)).sum())
    })
}

/// Downtime of one incident in which every restore works at the first try.
pub fn downtime_without_trouble(hazard: &Hazard, stream: &Stream) -> Option<Span> {
    let noticed_after = hazard.noticed_after.as_ref()?.draw(&mut stream.clone());
    let takes = runbook(hazard, &[], &mut stream.fork(STEPS))?;
    Some(downtime::from_failure(hazard.scenario, noticed_after, takes))
}

/// The search for a state to restore one asset to.
struct Search<'a> {
    struck: &'a Struck<'a>,
    recorded: &'a Recorded,
    at: Instant,
    noticed_after: Span,
}

/// What becomes of the state that a restore would take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Restores,
    /// The run that should have made its point failed.
    NeverMade,
    /// It was there, was tried, and did not restore.
    Bad,
}

impl Fate {
    fn draw(chances: Chances, stream: &mut Stream) -> Self {
        let never_made = stream.uniform() < chances.failed_run;
        let bad = stream.uniform() < chances.bad_restore;
        match (never_made, bad) {
            (true, _) => Fate::NeverMade,
            (_, true) => Fate::Bad,
            _ => Fate::Restores,
        }
    }
}

/// Points of one protection near the failure that a search looks at before it looks at all.
const NEAR: usize = 32;

impl Search<'_> {
    /// The loss, and the restores that were tried in vain before.
    fn restore(&self, chances: Chances, stream: &mut Stream) -> (Loss, u32) {
        let mut fate = Fate::draw(chances, stream);
        if let (Fate::Restores, Some(exposure)) = (fate, &self.struck.exposure) {
            return (exposure.loss_at(self.at).unwrap_or(Loss::Total), 0);
        }
        let failure = self.failure();
        if fate == Fate::Restores {
            return (self.loss(&failure), 0);
        }
        let mut near = self.near(NEAR);
        if restorable_at(&near, &failure, self.at).is_empty() {
            near = self.recorded.history.clone();
        }
        let mut bad_tries = 0;
        loop {
            let options = restorable_at(&near, &failure, self.at);
            let Some(first) = options.first() else { return (Loss::Total, bad_tries) };
            let (point, log) = (first.point.cloned(), first.log.and_then(|log| log.protection.clone()));
            // Versions kept beside the live objects are made by no run that could fail.
            let fate_now = if point.is_none() && fate == Fate::NeverMade { Fate::Restores } else { fate };
            match fate_now {
                Fate::Restores => return (failure.loses(self.at, first.instant), bad_tries),
                Fate::Bad => bad_tries += 1,
                Fate::NeverMade => {}
            }
            match point {
                Some(point) => without_point(&mut near, &point, fate_now),
                None => near.coverage.retain(|covered| !covered.own_base || covered.protection != log),
            }
            fate = Fate::draw(chances, stream);
        }
    }

    fn failure(&self) -> Failure {
        Failure { noticed_after: self.noticed_after, ..self.struck.failure.clone() }
    }

    fn loss(&self, failure: &Failure) -> Loss {
        match loss_at(&self.near(NEAR), failure, self.at) {
            Loss::Total => loss_at(&self.recorded.history, failure, self.at),
            found => found,
        }
    }

    /// The history with the newest `keep` points of each protection before the failure. The newest usable state is
    /// among them unless none of them is usable.
    fn near(&self, keep: usize) -> History {
        let history = &self.recorded.history;
        let at = |index: &usize| history.points.get(*index);
        let mut points: Vec<Candidate> = Vec::new();
        for indices in &self.recorded.by_protection {
            let end = indices.partition_point(|i| at(i).is_some_and(|p| p.consistent_at <= self.at));
            let newest = indices.get(end.saturating_sub(keep)..end).unwrap_or_default();
            points.extend(newest.iter().filter_map(at).cloned());
        }
        points.sort_by_key(|p| p.consistent_at);
        History { asset: history.asset.clone(), basis: history.basis, points, coverage: history.coverage.clone() }
    }
}

/// Takes `gone` out, and with it the copies of the same run. Where the run never was, what it would have replaced is
/// still there.
fn without_point(history: &mut History, gone: &Candidate, fate: Fate) {
    if fate == Fate::NeverMade {
        let replaced = |p: &&mut Candidate| {
            p.protection == gone.protection && p.superseded_at.is_some_and(|at| at == gone.available_at)
        };
        history.points.iter_mut().filter(replaced).for_each(|p| p.superseded_at = gone.superseded_at);
    }
    history.points.retain(|p| p.consistent_at != gone.consistent_at);
}
