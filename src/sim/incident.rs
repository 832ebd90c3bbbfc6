//! One incident: when, noticed when, what each asset loses, when service is back, and what it costs.

use serde::{Deserialize, Serialize};

use super::band::Bands;
use super::model::{Hazard, Recorded, Restores};
use super::trouble::Happened;
use crate::base::rng::Stream;
use crate::base::{Instant, Span};
use crate::timeline::recoverable::{loss_at, newest_at};
use crate::timeline::{Failure, History, Loss, downtime};

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
    /// None: no run is on record, and what the plan declares holds.
    pub failed_run: Option<f64>,
    pub bad_restore: f64,
}

impl Chances {
    pub fn draw(recorded: &Recorded, stream: &mut Stream) -> Self {
        Chances {
            failed_run: recorded.failed_run.map(|posterior| posterior.draw(stream)),
            bad_restore: recorded.bad_restore.map_or(0.0, |posterior| posterior.draw(stream)),
        }
    }
}

/// Parts of an incident's stream.
pub const STEPS: u64 = 1;
const ASSETS: u64 = 2;

/// All that incidents of one scenario are played with.
#[derive(Clone, Copy)]
pub struct Stage<'a> {
    pub hazard: &'a Hazard<'a>,
    pub histories: &'a [Recorded],
    /// The prepared losses of the hazard's assets; none are used where something else is gone too.
    pub bands: &'a [Bands],
    /// Those of the hazard's assets; too few mean that nothing is known.
    pub chances: &'a [Chances],
    /// What other failures have taken, from which nobody has recovered yet.
    pub gone: Option<&'a Failure>,
}

impl Stage<'_> {
    /// Plays one failure at `at` into `incident`, whose own memory is used again. False if it cannot be simulated.
    #[inline]
    pub fn play(&self, at: Instant, stream: &Stream, incident: &mut Incident) -> bool {
        let Some(notice) = &self.hazard.noticed_after else { return false };
        incident.at = at;
        incident.noticed_after = notice.draw(&mut stream.clone());
        self.recover(Span::ZERO, stream, &mut stream.fork(STEPS), incident)
    }

    /// What is lost and how long the runbook takes, of a failure whose restores end `later` than planned.
    #[inline]
    pub fn recover(&self, later: Span, stream: &Stream, steps: &mut Stream, incident: &mut Incident) -> bool {
        incident.losses.clear();
        let mut bad_tries = BadTries::default();
        for (place, struck) in self.hazard.assets.iter().enumerate() {
            let Some(recorded) = self.histories.get(struck.index) else { return false };
            let chances = self.chances.get(place).copied().unwrap_or_default();
            let prepared = self.bands.get(place).filter(|_| self.gone.is_none() && !recorded.troubled);
            let (at, noticed_after) = (incident.at, incident.noticed_after);
            let looked_up = prepared.and_then(|bands| bands.loss_at(at, noticed_after));
            let (loss, tries) = looked_up.map(|loss| (loss, 0)).unwrap_or_else(|| {
                let mut failure = Failure { noticed_after, ..struck.failure.clone() };
                failure.restore_takes = failure.restore_takes + later;
                if let Some(gone) = self.gone {
                    failure.destroyed.extend(gone.destroyed.iter().cloned());
                    failure.deletable.extend(gone.deletable.iter().cloned());
                }
                let part = stream.fork(ASSETS + place as u64);
                Search { recorded, at, failure, chances, stream: &part }.restore()
            });
            incident.losses.push(loss);
            bad_tries.add(place, tries);
        }
        let takes = runbook(self.hazard, &bad_tries, steps);
        incident.downtime =
            takes.map(|takes| downtime::from_failure(self.hazard.scenario, incident.noticed_after, takes));
        true
    }
}

/// Restores that were tried in vain, of the assets that had any.
#[derive(Default)]
struct BadTries(Vec<(usize, u32)>);

impl BadTries {
    fn add(&mut self, place: usize, tries: u32) {
        if tries > 0 {
            self.0.push((place, tries));
        }
    }

    #[inline]
    fn of(&self, restores: Restores) -> u32 {
        if self.0.is_empty() {
            return 0;
        }
        let tries = self.0.iter().filter(|(place, _)| match restores {
            Restores::Nothing => false,
            Restores::One(own) => own == *place,
            Restores::Any => true,
        });
        tries.map(|(_, tries)| *tries).max().unwrap_or_default()
    }
}

impl Incident {
    /// One that is to be played.
    pub fn empty() -> Self {
        Incident { at: Instant(0), noticed_after: Span::ZERO, downtime: None, losses: vec![] }
    }

    /// Money, in whole cents so that sums are exact.
    #[inline]
    pub fn cents(&self, hazard: &Hazard) -> u64 {
        hazard.rates.cents(self.downtime, self.losses.iter().copied())
    }

    pub fn back_at(&self, hazard: &Hazard) -> Option<Instant> {
        self.downtime.map(|down| self.down_from(hazard) + down)
    }

    /// When service ends: at once, or where writes go on when somebody notices.
    pub fn down_from(&self, hazard: &Hazard) -> Instant {
        if hazard.scenario.writes_continue { self.at + self.noticed_after } else { self.at }
    }
}

/// Time for the runbook; a step that restores is done once more for each bad try.
#[inline]
fn runbook(hazard: &Hazard, bad_tries: &BadTries, stream: &mut Stream) -> Option<Span> {
    if let (true, Some(folded)) = (bad_tries.0.is_empty(), &hazard.folded) {
        return Some(folded.draw(stream));
    }
    if hazard.steps.is_empty() {
        return None;
    }
    let mut steps = hazard.steps.iter();
    downtime::critical_path(&hazard.scenario.runbook, |_| {
        let step = steps.next()?;
        let takes = step.takes.as_ref()?;
        let mut all = takes.draw(stream);
        for _ in 0..bad_tries.of(step.restores) {
            all = all + takes.draw(stream);
        }
        Some(all)
    })
}

/// Downtime of one incident in which every restore works at the first try.
pub fn downtime_without_trouble(hazard: &Hazard, stream: &Stream) -> Option<Span> {
    let noticed_after = hazard.noticed_after.as_ref()?.draw(&mut stream.clone());
    let takes = runbook(hazard, &BadTries::default(), &mut stream.fork(STEPS))?;
    Some(downtime::from_failure(hazard.scenario, noticed_after, takes))
}

/// The search for a state to restore one asset to.
struct Search<'a> {
    recorded: &'a Recorded,
    at: Instant,
    failure: Failure,
    chances: Chances,
    stream: &'a Stream,
}

/// Points of one protection near the failure that a search looks at before it looks at all.
const NEAR: usize = 32;
/// The same where no log can roll an older point forward, so that what was found can be seen to be the newest.
const FEW: usize = 4;

impl Search<'_> {
    /// The loss, and the restores that were tried in vain before.
    fn restore(&self) -> (Loss, u32) {
        let Recorded { history, runs, captures, .. } = self.recorded;
        let happened = Happened { history, runs, captures, chances: self.chances, stream: self.stream };
        if history.coverage.is_empty() {
            let (found, bad_tries) = self.newest_good(&happened, happened.truth(self.at, FEW));
            // Whatever was not looked at is older than all of its protection that was.
            if let Some(found) = found.filter(|found| *found >= happened.unseen_before(self.at, FEW)) {
                return (self.failure.loses(self.at, found), bad_tries);
            }
        }
        // The newest usable state is among the newest of each protection, unless none of them is usable.
        let mut truth = happened.truth(self.at, NEAR);
        if loss_at(&truth, &self.failure, self.at) == Loss::Total {
            truth = happened.truth(self.at, usize::MAX);
        }
        if self.chances.bad_restore <= 0.0 {
            return (loss_at(&truth, &self.failure, self.at), 0);
        }
        let (found, bad_tries) = self.newest_good(&happened, truth);
        (found.map_or(Loss::Total, |found| self.failure.loses(self.at, found)), bad_tries)
    }

    /// The instant that a restore comes to, and those that were tried in vain before.
    fn newest_good(&self, happened: &Happened, mut truth: History) -> (Option<Instant>, u32) {
        let mut bad_tries = 0;
        loop {
            let Some(first) = newest_at(&truth, &self.failure, self.at) else { return (None, bad_tries) };
            let (point, log) = (first.point.cloned(), first.log.and_then(|log| log.protection.clone()));
            if !happened.is_bad(point.as_ref()) {
                return (Some(first.instant), bad_tries);
            }
            bad_tries += 1;
            match point {
                Some(point) => truth.points.retain(|other| !happened.of_one_run(&point, other)),
                // Versions kept beside the live objects are made by no run: they are bad as a whole.
                None => truth.coverage.retain(|covered| !covered.own_base || covered.protection != log),
            }
        }
    }
}
