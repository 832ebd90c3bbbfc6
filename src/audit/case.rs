//! One asset in one scenario that strikes it: what was asked, what is promised, what the evidence shows.

use std::sync::Arc;

use super::{Ahead, Context, Measure, Stock, Verdict};
use crate::base::{Instant, Span, Window};
use crate::policy::{Asset, Objective, Policy, Scenario};
use crate::timeline::{Exposure, Failure, History, Loss, Promise, bound, exposure, forward, history, recoverable};

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
    /// None: nobody looked ahead, or no RPO is asked.
    pub ahead: Option<Ahead>,
}

/// What the evidence shows for one case.
pub struct Observed {
    pub exposure: Exposure,
    /// What the rules read from its segments.
    pub losses: Losses,
    /// Points and logs of the asset that the evidence holds at all.
    pub pieces: usize,
    /// Of those, the ones that stand where the scenario does not reach, usable or not.
    pub surviving: usize,
    /// What a failure at the end of the window loses, and the newest point that undoes it.
    pub now: Loss,
    pub newest: Option<String>,
}

/// An exposure in a few figures: what is left of one where its segments are too many to be kept.
#[derive(Default)]
pub struct Losses {
    /// The worst loss that is not total, and the instant that it is approached at.
    pub worst_window: Option<(Span, Instant)>,
    /// Time in which more is lost than the RPO allows; none where no RPO is asked.
    pub in_breach: Option<Span>,
    pub in_total_loss: Span,
}

/// What all cases of one asset have in common.
pub(super) struct Ground<'a, 's> {
    pub policy: &'a Policy,
    pub asset: &'a Asset,
    pub window: Window,
    pub declared: History,
    /// What there will be, and when.
    pub coming: Option<(History, Window)>,
    pub stock: &'s Stock<'s>,
}

impl<'a, 's> Ground<'a, 's> {
    pub fn new(context: &Context<'a>, asset: &'a Asset, stock: &'s Stock<'s>) -> Self {
        let (policy, window) = (context.policy, context.window);
        let declared = history::declared(policy, asset, window);
        let ahead = |ahead| (forward::coming(policy, asset, stock.history.as_ref(), ahead), ahead);
        Ground { policy, asset, window, declared, coming: context.ahead.map(ahead), stock }
    }
}

impl<'a> Case<'a> {
    /// `failure` is the scenario's, and strikes the asset.
    pub(super) fn of(ground: &Ground<'a, '_>, scenario: &'a Scenario, failure: &Failure) -> Case<'a> {
        let Ground { policy, asset, window, .. } = *ground;
        let failure = failure.clone().on(scenario, asset);
        let objective = policy.objective_for(asset, Some(scenario));
        let rpo = objective.rpo.as_ref().map(|rpo| rpo.value);
        let promises = bound::promises(policy, asset, &failure, window.from);
        let holding = promises.iter().filter(|p| failure.noticed_after < p.noticed_within);
        let declared = holding.map(|p| Loss::Window(p.loss)).min().unwrap_or(Loss::Total);
        let declared_exposure = exposure::sweep(&ground.declared, &failure, window);
        let observed = ground.stock.history.as_ref().map(|history| {
            let window = witnessed(ground.stock.read_at, &failure, &promises, window);
            observe(history, &failure, rpo, window)
        });
        let ahead = ground.coming.as_ref().zip(rpo);
        let ahead = ahead.map(|((history, ahead), rpo)| Ahead::of(history, &failure, rpo, *ahead));
        Case { asset, scenario, objective, failure, promises, declared, declared_exposure, observed, ahead }
    }

    /// Lets go of what only a chart needs.
    pub(super) fn without_segments(mut self) -> Self {
        self.declared_exposure.segments = Vec::new();
        if let Some(observed) = &mut self.observed {
            observed.exposure.segments = Vec::new();
        }
        self
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
        if self.losses.worst_window.is_some_and(|(worst, _)| worst > rpo) || self.leaves_nothing() {
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

fn observe(history: &History, failure: &Failure, rpo: Option<Span>, window: Window) -> Observed {
    let exposure = exposure::sweep(history, failure, window);
    let at = Instant(window.until.0.saturating_sub(1));
    let best = recoverable::newest_at(history, failure, at);
    let newest = best.map(|best| match (best.point, best.log.and_then(|log| log.protection.as_deref())) {
        (Some(point), Some(log)) => format!("{}, rolled forward by {log} to {}", point.id, best.instant),
        (Some(point), None) => format!("{} of {}", point.id, best.instant),
        (None, log) => format!("{} at {}", log.unwrap_or("a log"), best.instant),
    });
    Observed {
        pieces: history.points.len() + history.coverage.len(),
        surviving: surviving(history, failure),
        now: best.map_or(Loss::Total, |best| failure.loses(at, best.instant)),
        newest,
        losses: Losses {
            worst_window: exposure.worst_window_at(),
            in_breach: rpo.map(|rpo| exposure.in_breach(rpo)),
            in_total_loss: exposure.in_total_loss(),
        },
        exposure,
    }
}

/// Points and logs that stand where the failure does not reach.
fn surviving(history: &History, failure: &Failure) -> usize {
    let places = history.points.iter().map(|p| &p.stored_in).chain(history.coverage.iter().map(|c| &c.stored_in));
    // In a row they mostly stand in the same place.
    let mut last: Option<(&Arc<[String]>, bool)> = None;
    let stand = places.filter(|place| {
        let stands = match last {
            Some((earlier, stands)) if Arc::ptr_eq(earlier, place) => stands,
            _ => !failure.destroys(place),
        };
        last = Some((place, stands));
        stands
    });
    stand.count()
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
