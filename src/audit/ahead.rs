//! The holes that are to come in one case, and what opens the first of them.

use crate::base::{Instant, Span, Window};
use crate::policy::{Mechanism, Place, Policy};
use crate::timeline::{Candidate, Covered, Failure, History, Hole, Restorable, exposure, forward, recoverable};

/// What a look ahead shows of one case.
pub struct Ahead {
    pub window: Window,
    pub holes: Vec<Hole>,
    /// Of the first hole.
    pub cause: Cause,
}

/// Why more is lost than before, and the protection of which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Nothing stands where the failure does not reach.
    Nothing,
    /// It is no longer kept.
    Gone(Option<String>),
    /// Its lock ends before the failure is noticed.
    Unlocked(Option<String>),
    /// No newer one follows it in time.
    NoNewer(Option<String>),
}

impl Ahead {
    pub(super) fn of(history: &History, failure: &Failure, rpo: Span, window: Window) -> Self {
        let holes = forward::holes(&exposure::sweep(history, failure, window), rpo);
        let cause = holes.first().map_or(Cause::Nothing, |hole| Cause::of(history, failure, hole.at.from));
        Ahead { window, holes, cause }
    }
}

impl Cause {
    fn of(history: &History, failure: &Failure, opens: Instant) -> Self {
        let before = recoverable::newest_at(history, failure, opens - Span::millis(1));
        let after = recoverable::newest_at(history, failure, opens);
        match (before, after) {
            (None, None) => Cause::Nothing,
            (Some(before), after) if after.is_none_or(|after| after.instant < before.instant) => {
                Cause::of_ending(before, failure, opens)
            }
            (_, Some(after)) => Cause::NoNewer(name_of(after)),
            (Some(before), None) => Cause::of_ending(before, failure, opens),
        }
    }

    /// The first that ends of the point and the log that led back until `at`.
    fn of_ending(before: Restorable, failure: &Failure, at: Instant) -> Self {
        let noticed = at + failure.noticed_after;
        let deletable = |point: &&Candidate| failure.can_delete(&point.stored_in);
        let unlocked = before.point.filter(deletable).filter(|p| p.locked_until.is_none_or(|until| until <= noticed));
        let kept = |point: &&Candidate| point.expires_at.is_none_or(|end| end > at + failure.needed_for());
        let log = |log: &Covered| log.protection.as_deref().map(str::to_string);
        let point = |point: &Candidate| point.protection.as_deref().map(str::to_string);
        match (before.log, before.point) {
            (_, Some(_)) if unlocked.is_some() => Cause::Unlocked(unlocked.and_then(point)),
            (Some(by), Some(base)) if kept(&base) && failure.can_delete(&by.stored_in) => Cause::Unlocked(log(by)),
            (Some(by), Some(base)) if kept(&base) => Cause::Gone(log(by)),
            (_, Some(base)) => Cause::Gone(point(base)),
            (by, None) => Cause::Gone(by.and_then(log)),
        }
    }

    pub fn protection(&self) -> Option<&str> {
        match self {
            Cause::Nothing => None,
            Cause::Gone(name) | Cause::Unlocked(name) | Cause::NoNewer(name) => name.as_deref(),
        }
    }

    /// The line of the policy that opens the hole.
    pub fn place(&self, policy: &Policy) -> Option<Place> {
        let protection = policy.protection(self.protection()?)?;
        let line = match (self, &protection.mechanism) {
            (Cause::Gone(_), Mechanism::Log { window, .. }) => Some(window.at),
            (Cause::Gone(_), _) => protection.retention.as_ref().map(|kept| kept.at),
            (Cause::Unlocked(_), _) => protection.lock.as_ref().map(|lock| lock.at),
            _ => Some(protection.pace()),
        };
        Some(line.unwrap_or(protection.at))
    }

    /// A clause.
    pub fn says(&self) -> String {
        let of = |name: &Option<String>| name.as_ref().map_or("what is there".to_string(), |name| format!("`{name}`"));
        match self {
            Cause::Nothing => "nothing is kept where it does not reach".to_string(),
            Cause::Gone(name) => format!("what {} keeps is gone by then", of(name)),
            Cause::Unlocked(name) => format!("the lock of {} has ended by then", of(name)),
            Cause::NoNewer(name) => format!("nothing newer than the last of {} is there by then", of(name)),
        }
    }
}

fn name_of(restorable: Restorable) -> Option<String> {
    let name = match (restorable.log, restorable.point) {
        (Some(log), _) => log.protection.as_deref(),
        (None, point) => point.and_then(|point| point.protection.as_deref()),
    };
    name.map(str::to_string)
}
