//! The history that a policy promises: every run starts on time, takes as long as declared, and succeeds.
//! Failed runs that the policy allows are the business of `bound`.

use std::sync::Arc;

use super::history::{Basis, Candidate, Covered, History, needs, stands_in};
use crate::base::{Instant, Span, Window};
use crate::policy::{Asset, Consistency, Mechanism, Policy, Protection};
use crate::schedule::Schedule;

/// Runs before the window that are worth knowing: only the newest usable points decide what is lost.
const RUNS_BEFORE: i64 = 4096;
/// Copies of copies, at most: a policy that goes in circles is refused when read, and must not hang here either.
const COPIES_DEEP: usize = 8;

/// What `policy` promises to have of `asset` for failures within `window`.
pub fn declared(policy: &Policy, asset: &Asset, window: Window) -> History {
    let (mut points, mut coverage) = (Vec::new(), Vec::new());
    for protection in policy.protections_of(&asset.name) {
        let promised = promises(policy, asset, protection, window, Span::ZERO, COPIES_DEEP);
        points.extend(promised.0);
        coverage.extend(promised.1);
    }
    History::assemble(&asset.name, Basis::Declared, points, coverage)
}

/// `further` is how much longer than by itself its points matter, since something copies them.
fn promises(
    policy: &Policy,
    asset: &Asset,
    protection: &Protection,
    window: Window,
    further: Span,
    depth: usize,
) -> (Vec<Candidate>, Vec<Covered>) {
    match &protection.mechanism {
        Mechanism::Snapshot { schedule, takes, .. } => {
            (runs(asset, protection, schedule, takes.value, further, window), Vec::new())
        }
        Mechanism::Mirror { schedule, takes, .. } => {
            let mut points = runs(asset, protection, schedule, takes.value, further, window);
            for point in &mut points {
                (point.mirror, point.torn, point.expires_at) = (true, true, None);
            }
            supersede(&mut points);
            (points, Vec::new())
        }
        Mechanism::Log { lag, window: reach } => {
            (Vec::new(), vec![log(asset, protection, lag.value, Some(reach.value), window)])
        }
        Mechanism::Versioning => {
            // Without a declared retention nothing is promised to be kept at all.
            let mut covered = log(asset, protection, Span::ZERO, Some(kept(protection)), window);
            // The versions of an object that nobody has touched lately are past any lock: a lock does not help here.
            (covered.own_base, covered.lock) = (true, None);
            (Vec::new(), vec![covered])
        }
        Mechanism::Copy { of, delay } => match policy.protection(&of.value) {
            Some(source) if depth > 0 => {
                let further = further + delay.value + kept(protection);
                let (points, coverage) = promises(policy, asset, source, window, further, depth - 1);
                copied(asset, protection, source, delay.value, points, coverage)
            }
            _ => (Vec::new(), Vec::new()),
        },
        // A running copy follows its primary into every corruption and deletion: service, not data.
        Mechanism::Replica { .. } => (Vec::new(), Vec::new()),
    }
}

fn runs(
    asset: &Asset,
    protection: &Protection,
    schedule: &Schedule,
    takes: Span,
    further: Span,
    window: Window,
) -> Vec<Candidate> {
    let gap = schedule.worst_gap(window.from).unwrap_or(Span::days(366));
    let back = (kept(protection) + gap + gap).min(gap.saturating_mul(RUNS_BEFORE)) + takes + further;
    let name: Arc<str> = Arc::from(protection.name.as_str());
    let (stored_in, runs_in) = (stands_in(protection), needs(protection, asset, &[]));
    let torn = protection.consistency.as_ref().is_none_or(|c| c.value == Consistency::None);
    let starts = schedule.runs_in(Window::new(window.from - back, window.until));
    let mut points: Vec<Candidate> = starts
        .into_iter()
        .map(|start| Candidate {
            id: name.clone(),
            protection: Some(name.clone()),
            consistent_at: start,
            cluster_time: None,
            available_at: start + takes,
            expires_at: protection.retention.as_ref().map(|r| start + r.value),
            locked_until: protection.lock.as_ref().map(|l| start + l.value),
            stored_in: stored_in.clone(),
            runs_in: runs_in.clone(),
            known_bad: false,
            torn,
            mirror: false,
            superseded_at: None,
        })
        .collect();
    if protection.retention.is_none() {
        // Nothing promises more than the newest one.
        supersede(&mut points);
    }
    points
}

/// What is not declared is not promised.
fn kept(protection: &Protection) -> Span {
    protection.retention.as_ref().map_or(Span::ZERO, |r| r.value)
}

/// Each point is gone when the next is there.
pub(super) fn supersede(points: &mut [Candidate]) {
    let next: Vec<Instant> = points.iter().skip(1).map(|p| p.available_at).collect();
    for (point, next) in points.iter_mut().zip(next) {
        point.superseded_at = Some(next);
    }
}

fn log(asset: &Asset, protection: &Protection, lag: Span, reach: Option<Span>, window: Window) -> Covered {
    Covered {
        protection: Some(Arc::from(protection.name.as_str())),
        first: Instant::MIN,
        last: window.until,
        first_op: None,
        lag,
        flushes: Arc::from([]),
        expires_at: None,
        window: reach,
        lock: protection.lock.as_ref().map(|l| l.value),
        own_base: false,
        stored_in: stands_in(protection),
        runs_in: needs(protection, asset, &[]),
    }
}

/// The source's points, in another place, later, with the copy's own retention and lock.
pub(super) fn copied(
    asset: &Asset,
    copy: &Protection,
    source: &Protection,
    delay: Span,
    mut points: Vec<Candidate>,
    mut coverage: Vec<Covered>,
) -> (Vec<Candidate>, Vec<Covered>) {
    let name: Arc<str> = Arc::from(copy.name.as_str());
    let stored_in = stands_in(copy);
    let runs_in = needs(copy, asset, &stands_in(source));
    for point in &mut points {
        point.id = name.clone();
        point.protection = Some(name.clone());
        point.available_at = point.available_at + delay;
        point.expires_at = copy.retention.as_ref().map(|r| point.consistent_at + r.value);
        point.locked_until = copy.lock.as_ref().map(|l| point.consistent_at + l.value);
        (point.stored_in, point.runs_in) = (stored_in.clone(), runs_in.clone());
        // A copy keeps each state that it took: what replaces the source does not replace the copy.
        (point.mirror, point.superseded_at) = (false, None);
    }
    if copy.retention.is_none() {
        supersede(&mut points);
    }
    // Versions live in their bucket alone; a log's pieces can be copied.
    coverage.retain(|c| !c.own_base);
    for covered in &mut coverage {
        covered.protection = Some(name.clone());
        covered.lag = covered.lag + delay;
        covered.window = Some(copy.retention.as_ref().map_or(Span::ZERO, |r| r.value));
        covered.lock = copy.lock.as_ref().map(|l| l.value);
        (covered.stored_in, covered.runs_in) = (stored_in.clone(), runs_in.clone());
    }
    (points, coverage)
}
