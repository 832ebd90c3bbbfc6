//! One asset in one scenario that strikes it: what was asked, what is promised, what the evidence shows.

use super::{Measure, Recovery, Verdict};
use crate::base::{Instant, Span, Window};
use crate::evidence::Evidence;
use crate::policy::{Asset, Objective, Policy, Scenario};
use crate::timeline::{Exposure, Failure, Loss, Promise, bound, exposure, history, recoverable};

pub struct Case<'a> {
    pub asset: &'a Asset,
    pub scenario: &'a Scenario,
    pub objective: Objective,
    pub failure: Failure,
    /// What each protection promises, however late the failure is noticed.
    pub promises: Vec<Promise>,
    /// The least of those that hold for the longest time to notice.
    pub declared: Loss,
    pub declared_exposure: Exposure,
    /// None: no evidence was asked for.
    pub observed: Option<Observed>,
}

/// What the evidence shows for one case.
pub struct Observed {
    pub exposure: Exposure,
    /// Points and logs of the asset that the evidence holds at all.
    pub pieces: usize,
    /// Of those, the ones that stand where the scenario does not reach, usable or not.
    pub surviving: usize,
    /// What a failure at the end of the window loses, and the newest point that undoes it.
    pub now: Loss,
    pub newest: Option<String>,
}

impl<'a> Case<'a> {
    /// None if the scenario does not strike the asset.
    pub(super) fn of(
        policy: &'a Policy,
        evidence: Option<&Evidence>,
        asset: &'a Asset,
        recovery: &Recovery<'a>,
        window: Window,
    ) -> Option<Case<'a>> {
        let scenario = recovery.scenario;
        let restore_takes = recovery.restore_takes();
        let failure = Failure::of(policy, scenario, asset, recovery.noticed_after, restore_takes);
        if !failure.strikes(asset) {
            return None;
        }
        let promises = bound::promises(policy, asset, &failure, window.from);
        let holding = promises.iter().filter(|p| recovery.noticed_after < p.noticed_within);
        let declared = holding.map(|p| Loss::Window(p.loss)).min().unwrap_or(Loss::Total);
        let declared_exposure = exposure::sweep(&history::declared(policy, asset, window), &failure, window);
        let observed = evidence.map(|evidence| observe(policy, evidence, asset, &failure, &promises, window));
        let objective = policy.objective_for(asset, Some(scenario));
        Some(Case { asset, scenario, objective, failure, promises, declared, declared_exposure, observed })
    }

    pub fn rpo(&self) -> Option<Span> {
        self.objective.rpo.as_ref().map(|rpo| rpo.value)
    }

    /// Whether the plan breaks the objective by its own figures.
    pub fn breaks_declared(&self) -> bool {
        self.rpo().is_some_and(|rpo| self.declared > Loss::Window(rpo))
    }

    /// The best promise for a failure that is noticed at once.
    pub fn best_promise(&self) -> Option<&Promise> {
        self.promises.iter().filter(|p| p.noticed_within > Span::ZERO).min_by_key(|p| p.loss)
    }

    /// Met only if the evidence shows it for every instant; `whole` says that all evidence could be read and is recent.
    pub fn verdict(&self, whole: bool) -> Verdict {
        let Some(rpo) = self.rpo() else { return Verdict::Unproven };
        let observed = self.observed.as_ref().map_or(Verdict::Unproven, |o| o.verdict(rpo));
        match (self.breaks_declared(), observed) {
            (true, _) => Verdict::Breached,
            (false, Verdict::Met) if !whole => Verdict::Unproven,
            (false, observed) => observed,
        }
    }
}

impl Observed {
    pub fn verdict(&self, rpo: Span) -> Verdict {
        if self.exposure.worst_window().is_some_and(|worst| worst > rpo) || self.leaves_nothing() {
            Verdict::Breached
        } else if self.pieces == 0 || self.exposure.worst == Loss::Total {
            Verdict::Unproven
        } else {
            Verdict::Met
        }
    }

    /// Something stands where the scenario does not reach, and a failure now could be undone with none of it. Where
    /// nothing at all is known to stand there, that is a lack of evidence, and no proof.
    pub fn leaves_nothing(&self) -> bool {
        self.now == Loss::Total && self.surviving > 0
    }

    pub fn measure(&self) -> Measure<Loss> {
        match self.pieces {
            0 => Measure::Unknown("the evidence holds no recovery point of it".to_string()),
            _ => Measure::Known(self.exposure.worst),
        }
    }
}

fn observe(
    policy: &Policy,
    evidence: &Evidence,
    asset: &Asset,
    failure: &Failure,
    promises: &[Promise],
    window: Window,
) -> Observed {
    let history = history::observed(policy, evidence, asset);
    let window = witnessed(evidence.read_at, failure, promises, window);
    let exposure = exposure::sweep(&history, failure, window);
    let at = Instant(window.until.0.saturating_sub(1));
    let best = recoverable::restorable_at(&history, failure, at).first().copied();
    let newest = best.map(|best| match (best.point, best.log.and_then(|log| log.protection.as_deref())) {
        (Some(point), Some(log)) => format!("{}, rolled forward by {log} to {}", point.id, best.instant),
        (Some(point), None) => format!("{} of {}", point.id, best.instant),
        (None, log) => format!("{} at {}", log.unwrap_or("a log"), best.instant),
    });
    let points = history.points.iter().filter(|p| !failure.destroys(&p.stored_in)).count();
    let logs = history.coverage.iter().filter(|c| !failure.destroys(&c.stored_in)).count();
    Observed {
        pieces: history.points.len() + history.coverage.len(),
        surviving: points + logs,
        now: best.map_or(Loss::Total, |best| failure.loses(at, best.instant)),
        newest,
        exposure,
    }
}

/// The part of the window that evidence read now can speak for: what has expired since has left no trace. Never empty,
/// since an empty window would lose nothing.
fn witnessed(read_at: Instant, failure: &Failure, promises: &[Promise], window: Window) -> Window {
    let kept =
        promises.iter().map(|p| p.noticed_within + failure.restore_takes).filter(|kept| *kept > Span::ZERO).min();
    let until = window.until.min(read_at);
    let from = kept.map_or(window.from, |kept| window.from.max(until - kept));
    Window::new(from.min(until - Span::millis(1)), until)
}
