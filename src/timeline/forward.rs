//! The future: what is there now and what the policy declares from now on, replayed to any date, so that a hole in next
//! year's coverage is found today.
//!
//! What is there is kept as long as the evidence says, else as long as the policy says, and what neither promises to keep
//! does not count. What is to come starts on schedule and succeeds, and takes longer as the asset grows. A log goes on
//! from where the evidence leaves it only if it had kept up; otherwise it begins anew and needs a new point.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::declared::{copied, declared, supersede};
use super::exposure::Exposure;
use super::history::{Basis, Candidate, Covered, History};
use super::recoverable::Loss;
use crate::base::{Instant, Span, Window};
use crate::policy::{Asset, Mechanism, Policy, Protection};

const YEAR: Span = Span::days(365);

/// A time in which a failure loses more than is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Hole {
    pub at: Window,
    /// The most that a failure in it loses.
    pub worst: Loss,
}

/// What there will be of `asset` within `window`, which begins now. Without `shown` the plan is taken at its word for the
/// time before too.
pub fn coming(policy: &Policy, asset: &Asset, shown: Option<&History>, window: Window) -> History {
    let History { mut points, mut coverage, .. } = declared(policy, asset, window);
    for point in points.iter_mut().filter(|point| point.consistent_at > window.from) {
        point.available_at = point.available_at + growth(asset, point, window.from);
    }
    if let Some(shown) = shown {
        let there = Candidates { policy, asset, shown, from: window.from };
        points.retain(|point| there.still_comes(point));
        points.extend(there.kept());
        points.extend(there.being_copied());
        there.replace(&mut points);
        coverage = coverage.iter().flat_map(|log| going_on(log, shown, window.from)).collect();
        coverage.extend(shown.coverage.iter().cloned());
    }
    History::assemble(&asset.name, Basis::Declared, points, coverage)
}

/// The times of an exposure in which more than `rpo` is lost, each as long as it lasts.
pub fn holes(exposure: &Exposure, rpo: Span) -> Vec<Hole> {
    let mut holes: Vec<Hole> = Vec::new();
    for segment in &exposure.segments {
        let from = match segment.start {
            Loss::Window(start) if segment.rises => segment.at.from + (rpo - start).max(Span::ZERO),
            Loss::Window(start) if start <= rpo => continue,
            _ => segment.at.from,
        };
        let at = Window::new(from, segment.at.until);
        match holes.last_mut() {
            _ if at.is_empty() || from >= segment.at.until => {}
            Some(last) if last.at.until == from => {
                (last.at.until, last.worst) = (at.until, last.worst.max(segment.end()));
            }
            _ => holes.push(Hole { at, worst: segment.end() }),
        }
    }
    holes
}

/// How much longer than now a run takes, if its time grows with the asset.
fn growth(asset: &Asset, point: &Candidate, now: Instant) -> Span {
    let years = (point.consistent_at - now).0 as f64 / YEAR.0 as f64;
    let factor = (1.0 + asset.growth_per_year.max(0.0)).powf(years) - 1.0;
    let longer = (point.available_at - point.consistent_at).0 as f64 * factor;
    Span(longer.min(Span::LONGEST.0 as f64) as i64)
}

/// Points that are there, beside those to come.
struct Candidates<'a> {
    policy: &'a Policy,
    asset: &'a Asset,
    shown: &'a History,
    from: Instant,
}

impl Candidates<'_> {
    /// Whether the evidence could not hold a declared point yet. What it could hold and does not was never made, nor can
    /// it be copied.
    fn still_comes(&self, point: &Candidate) -> bool {
        let delay = match self.protection(point).map(|p| &p.mechanism) {
            Some(Mechanism::Copy { delay, .. }) => delay.value,
            _ => Span::ZERO,
        };
        point.available_at - delay > self.from
    }

    fn protection(&self, point: &Candidate) -> Option<&Protection> {
        point.protection.as_deref().and_then(|name| self.policy.protection(name))
    }

    /// What is there and will be kept for as long as somebody says.
    fn kept(&self) -> impl Iterator<Item = Candidate> {
        let promised = |p: &&Candidate| p.expires_at.is_some() || self.protection(p).is_some();
        self.shown.points.iter().filter(promised).cloned()
    }

    /// What is there and will be copied.
    fn being_copied(&self) -> Vec<Candidate> {
        let mut copies = Vec::new();
        for copy in self.policy.protections_of(&self.asset.name) {
            let Mechanism::Copy { of, delay } = &copy.mechanism else { continue };
            let Some(source) = self.policy.protection(&of.value) else { continue };
            let taken = self.shown.points.iter().filter(|p| p.protection.as_deref() == Some(&source.name));
            let pending = taken.filter(|p| p.available_at + delay.value > self.from).cloned().collect();
            copies.extend(copied(self.asset, copy, source, delay.value, pending, Vec::new()).0);
        }
        copies
    }

    /// Where only the newest is promised, the first to come replaces the last that is there.
    fn replace(&self, points: &mut Vec<Candidate>) {
        let newest_only = |p: &Protection| matches!(p.mechanism, Mechanism::Mirror { .. }) || p.retention.is_none();
        let names: BTreeSet<Arc<str>> = points.iter().filter_map(|p| p.protection.clone()).collect();
        let one_by_one = names.iter().filter(|name| self.policy.protection(name).is_some_and(newest_only));
        for name in one_by_one {
            let (mut own, rest): (Vec<_>, Vec<_>) =
                std::mem::take(points).into_iter().partition(|p| p.protection.as_ref() == Some(name));
            own.sort_by_key(|p| p.available_at);
            supersede(&mut own);
            *points = rest;
            points.extend(own);
        }
    }
}

/// A declared log from now on, and once more from where the evidence has it if it had kept up.
fn going_on(log: &Covered, shown: &History, from: Instant) -> Vec<Covered> {
    let anew = Covered { first: log.first.max(from), ..log.clone() };
    let before = shown.coverage.iter().filter(|c| c.protection == log.protection && c.last + log.lag >= from);
    let joined = before.max_by_key(|c| c.last).map(|before| {
        // What goes sooner than declared is no place to start from.
        let soon = |at: Instant, last: Instant| log.window.is_none_or(|window| at < last + window);
        let gone = before.flushes.iter().filter(|f| f.expires_at.is_some_and(|at| soon(at, f.last))).map(|f| f.last);
        let first = gone.max().unwrap_or(before.first).max(before.first);
        let first_op = before.first_op.filter(|_| first == before.first);
        Covered { first, first_op, lock: log.lock.min(before.lock), ..log.clone() }
    });
    std::iter::once(anew).chain(joined).collect()
}
