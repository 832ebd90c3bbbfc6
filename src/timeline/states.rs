//! The instants that an asset can be brought to, and those that two can be brought to together.

use super::history::{Candidate, Covered, History};
use super::interval::IntervalSet;
use crate::base::{Instant, Span, Window};

/// Time is counted in these: an instant is a window of one.
const MOMENT: Span = Span::millis(1);

/// What can be restored at some time, whatever fails.
#[derive(Debug, Clone, Default)]
pub struct States {
    /// Each of them exactly.
    exact: IntervalSet,
    /// The instants of copies whose parts are of different ones, each with that of its last part.
    spread: Vec<(Instant, Instant)>,
}

/// Two assets, the first of which refers to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Together {
    /// The newest instant that both can be brought to.
    pub exact: Option<Instant>,
    /// The newest instant of the first at or after which the second can be brought to another: what was referred to is
    /// there unless it was deleted in between.
    pub before: Option<(Instant, Instant)>,
}

impl States {
    pub fn of(history: &History, at: Instant) -> Self {
        let there = |point: &&Candidate| {
            let ends = [point.expires_at, point.superseded_at].into_iter().flatten().min();
            !point.known_bad && point.available_at <= at && ends.is_none_or(|ends| at < ends)
        };
        let points: Vec<&Candidate> = history.points.iter().filter(there).collect();
        let (spread, sharp): (Vec<&Candidate>, Vec<&Candidate>) = points.into_iter().partition(|p| p.torn);
        let rolled = history.coverage.iter().filter_map(|covered| rolled(covered, &sharp, at));
        let exact = IntervalSet::union(sharp.iter().map(|p| once(p.consistent_at)).chain(rolled));
        let spread = spread.into_iter().map(|p| (p.consistent_at, p.available_at)).collect();
        States { exact, spread }
    }

    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.spread.is_empty()
    }

    /// The newest instant that is not after `limit`.
    fn newest_until(&self, limit: Instant) -> Option<Instant> {
        let exact = self.exact.within(Window::new(Instant::MIN, limit + MOMENT)).last();
        let spread = self.spread.iter().filter(|(_, last)| *last <= limit).map(|(instant, _)| *instant);
        exact.map(|window| window.until - MOMENT).into_iter().chain(spread).max()
    }

    pub fn together_with(&self, referred: &States) -> Together {
        let both = self.exact.windows().iter().rev().find_map(|window| referred.exact.within(*window).last());
        let spread = referred.spread.iter().map(|(instant, _)| *instant);
        let last = referred.exact.windows().last().map(|window| window.until - MOMENT);
        let newest = spread.chain(last).max();
        let before = newest.and_then(|newest| Some((self.newest_until(newest)?, newest)));
        Together { exact: both.map(|window| window.until - MOMENT), before }
    }
}

fn once(at: Instant) -> Window {
    Window::new(at, at + MOMENT)
}

/// The instants that a log leads to: from the first point that it can be rolled forward from, which it still reaches.
fn rolled(covered: &Covered, sharp: &[&Candidate], at: Instant) -> Option<Window> {
    let kept = |base: Instant| covered.reaches_back_until(base).is_none_or(|until| at < until);
    let from = match covered.own_base {
        true => reached_by_itself(covered, at)?,
        false => sharp.iter().find(|p| covered.admits(p) && kept(p.consistent_at))?.consistent_at,
    };
    let last = match covered.flushes.is_empty() {
        true => covered.last.min(at - covered.lag),
        false => covered.flushes.iter().filter(|flush| flush.available_at <= at).map(|flush| flush.last).max()?.min(at),
    };
    (from <= last).then(|| Window::new(from, last + MOMENT))
}

/// The first instant that a log which needs no point still holds.
fn reached_by_itself(covered: &Covered, at: Instant) -> Option<Instant> {
    if covered.expires_at.is_some_and(|until| until <= at) {
        return None;
    }
    let gone = covered.flushes.iter().filter(|flush| flush.expires_at.is_some_and(|until| until <= at));
    let after_gone = gone.map(|flush| flush.last + MOMENT).max();
    let within = covered.window.map(|window| at - window + MOMENT);
    [Some(covered.first), after_gone, within].into_iter().flatten().max()
}
