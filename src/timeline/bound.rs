//! What a policy promises at worst, from the policy alone: for each protection, the longest loss window and how late a
//! failure may be noticed for it to hold.
//!
//! For points: the worst gap between two runs (from the expanded schedule, DST included), once more for each failed run
//! that the policy allows, and the time until a point is available. For a log: its lag, as long as its window reaches
//! back to a usable base. A sweep over the declared history never exceeds the least of these.

use std::sync::Arc;

use super::failure::Failure;
use super::history::{needs, stands_in};
use super::recoverable::Loss;
use crate::base::{Instant, Span};
use crate::policy::{Asset, Consistency, Mechanism, Policy, Protection};

/// What one protection promises against one failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    pub protection: String,
    /// The longest loss window, for a failure that is noticed in time.
    pub loss: Span,
    /// A failure noticed this late or later is past the promise.
    pub noticed_within: Span,
}

/// The least of all promises that hold for the failure's own time to notice.
pub fn bound(policy: &Policy, asset: &Asset, failure: &Failure, from: Instant) -> Loss {
    let promises = promises(policy, asset, failure, from);
    let holding = promises.iter().filter(|p| failure.noticed_after < p.noticed_within);
    holding.map(|p| Loss::Window(p.loss)).min().unwrap_or(Loss::Total)
}

/// What each protection of `asset` promises against `failure`, in the policy's order; those that promise nothing are
/// left out.
pub fn promises(policy: &Policy, asset: &Asset, failure: &Failure, from: Instant) -> Vec<Promise> {
    let context = Context { policy, asset, failure, from };
    let points: Vec<Points> = policy.protections_of(&asset.name).filter_map(|p| context.points(p, DEPTH)).collect();
    let mut promises: Vec<Promise> =
        policy.protections_of(&asset.name).filter_map(|protection| context.promise(protection, &points)).collect();
    if failure.writes_continue {
        promises.iter_mut().for_each(|p| p.loss = p.loss + failure.noticed_after);
    }
    promises
}

/// Copies of copies, at most.
const DEPTH: usize = 8;

struct Context<'a> {
    policy: &'a Policy,
    asset: &'a Asset,
    failure: &'a Failure,
    from: Instant,
}

/// How a protection makes points, and how long they are of use.
struct Points {
    protection: String,
    /// Between two points in a row, allowed failures included.
    gap: Span,
    /// From a point's instant until it is available.
    takes: Span,
    /// From a failure until no more points become available.
    grace: Span,
    kept: Option<Span>,
    lock: Option<Span>,
    stored_in: Arc<[String]>,
    torn: bool,
    mirror: bool,
}

/// How far behind a log is, and how far back it reaches.
struct Rolling {
    lag: Span,
    grace: Span,
    window: Span,
    lock: Option<Span>,
    stored_in: Arc<[String]>,
}

impl Context<'_> {
    fn promise(&self, protection: &Protection, points: &[Points]) -> Option<Promise> {
        let promise = |(loss, noticed_within)| Promise { protection: protection.name.clone(), loss, noticed_within };
        if let Some(points) = points.iter().find(|p| p.protection == protection.name) {
            return points.usable(self.failure, Span::ZERO).map(promise);
        }
        if let Mechanism::Versioning = protection.mechanism {
            let stored_in = stands_in(protection);
            let safe = !self.failure.destroys(&stored_in) && !self.failure.can_delete(&stored_in);
            let kept = protection.retention.as_ref().filter(|_| safe)?.value;
            return Some(promise((Span::ZERO, kept - self.failure.restore_takes)));
        }
        let rolling = self.rolling(protection, DEPTH).filter(|r| !self.failure.destroys(&r.stored_in))?;
        let bases = points.iter().filter(|p| !p.torn && !p.mirror);
        let reach = bases.filter_map(|base| rolling.noticed_within(base, self.failure)).max()?;
        Some(promise((rolling.behind(), reach)))
    }

    fn points(&self, protection: &Protection, depth: usize) -> Option<Points> {
        let torn = protection.consistency.as_ref().map(|c| c.value == Consistency::None);
        let kept = protection.retention.as_ref().map(|r| r.value);
        let lock = protection.lock.as_ref().map(|l| l.value);
        let stored_in = stands_in(protection);
        match &protection.mechanism {
            Mechanism::Snapshot { schedule, takes, allowed_failures }
            | Mechanism::Mirror { schedule, takes, allowed_failures } => {
                let mirror = matches!(protection.mechanism, Mechanism::Mirror { .. });
                Some(Points {
                    protection: protection.name.clone(),
                    gap: schedule.worst_gap(self.from)?.saturating_mul(i64::from(*allowed_failures).saturating_add(1)),
                    takes: takes.value,
                    grace: self.failure.grace(&needs(protection, self.asset, &[])),
                    kept: kept.filter(|_| !mirror),
                    lock,
                    stored_in,
                    torn: mirror || torn.unwrap_or(true),
                    mirror,
                })
            }
            Mechanism::Copy { of, delay } if depth > 0 => {
                let source = self.policy.protection(&of.value)?;
                let of_source = self.points(source, depth - 1)?;
                Some(Points {
                    protection: protection.name.clone(),
                    takes: of_source.takes + delay.value,
                    grace: self.failure.grace(&needs(protection, self.asset, &stands_in(source))),
                    kept,
                    lock,
                    stored_in,
                    mirror: false,
                    ..of_source
                })
            }
            _ => None,
        }
    }

    fn rolling(&self, protection: &Protection, depth: usize) -> Option<Rolling> {
        match &protection.mechanism {
            Mechanism::Log { lag, window } => {
                let grace = self.failure.grace(&needs(protection, self.asset, &[]));
                Some(Rolling {
                    lag: lag.value,
                    grace,
                    window: window.value,
                    lock: protection.lock.as_ref().map(|l| l.value),
                    stored_in: stands_in(protection),
                })
            }
            Mechanism::Copy { of, delay } if depth > 0 => {
                let source = self.policy.protection(&of.value)?;
                let of_source = self.rolling(source, depth - 1)?;
                Some(Rolling {
                    lag: of_source.lag + delay.value,
                    grace: self.failure.grace(&needs(protection, self.asset, &stands_in(source))),
                    window: protection.retention.as_ref()?.value,
                    lock: protection.lock.as_ref().map(|l| l.value),
                    stored_in: stands_in(protection),
                })
            }
            _ => None,
        }
    }
}

impl Points {
    /// The worst age of the newest usable point that is at least `behind` old, and how late a failure may be noticed.
    fn usable(&self, failure: &Failure, behind: Span) -> Option<(Span, Span)> {
        if failure.destroys(&self.stored_in) || (failure.corrupts && self.mirror) {
            return None;
        }
        // A corruption gets into what is being read when it strikes.
        let grace = if failure.corrupts && self.torn { Span::ZERO } else { self.grace };
        let wait = (self.takes - grace).max(behind);
        let age = self.gap + wait;
        let by_retention = match self.kept {
            Some(kept) => kept - failure.restore_takes - age,
            // Only the newest is promised: it is gone when the next is there, which must be of use by then.
            None if self.takes - self.grace >= wait => Span::LONGEST,
            None => return None,
        };
        let by_lock = match (failure.can_delete(&self.stored_in), self.lock) {
            (false, _) => Span::LONGEST,
            (true, Some(lock)) => lock - age,
            (true, None) => return None,
        };
        Some((age, by_retention.min(by_lock)))
    }
}

impl Rolling {
    fn behind(&self) -> Span {
        (self.lag - self.grace).max(Span::ZERO)
    }

    /// How late a failure may be noticed so that this log still reaches back to a point of `base`.
    fn noticed_within(&self, base: &Points, failure: &Failure) -> Option<Span> {
        let (age, by_base) = base.usable(failure, self.behind())?;
        let by_window = self.window - failure.restore_takes - age;
        let by_lock = match (failure.can_delete(&self.stored_in), self.lock) {
            (false, _) => Span::LONGEST,
            (true, Some(lock)) => lock - age,
            (true, None) => return None,
        };
        Some(by_base.min(by_window).min(by_lock))
    }
}
