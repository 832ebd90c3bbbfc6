//! From what a failure can be undone, and what it loses: the one definition, with the clauses of the design's section 4.
//!
//! Each clause bounds the failure instants t for which a point or a log is of use, from below (it must be old enough, and
//! available) or from above (it must still be there). So each gives one [`Way`] back: a window of t, and the instant that
//! it leads to. Everything else follows from the list of ways.

use std::ops::Range;
use std::sync::Arc;

use super::failure::Failure;
use super::history::{Candidate, Covered, History};
use super::interval::IntervalSet;
use crate::base::{Instant, Span, Window};

/// What one failure loses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind", content = "ms")]
pub enum Loss {
    Window(Span),
    /// No usable recovery point: everything. Not an infinite span but a value of its own, greater than any window.
    Total,
}

/// The instant that a way leads back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    Fixed(Instant),
    /// This long before the failure.
    Trailing(Span),
}

/// One way back: for failures within `usable`, the state at `reach` can be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    pub usable: Window,
    pub reach: Reach,
    /// Index of the point, where the way is a point's own.
    pub point: Option<usize>,
    /// Index of the coverage, where a log leads there.
    pub coverage: Option<usize>,
}

/// What a failure can be undone with.
#[derive(Debug, Clone, Copy)]
pub struct Restorable<'a> {
    pub instant: Instant,
    /// The point to restore, or to start from; none where the coverage needs none.
    pub point: Option<&'a Candidate>,
    pub log: Option<&'a Covered>,
}

impl Reach {
    pub fn from(self, failure_at: Instant) -> Instant {
        match self {
            Reach::Fixed(instant) => instant,
            Reach::Trailing(span) => failure_at - span,
        }
    }
}

/// All ways back from a failure within `window`, in no order.
pub fn ways(history: &History, failure: &Failure, window: Window) -> Vec<Way> {
    ways_to(history, failure, window, Wanted::All)
}

/// Those of them that can be the best at some instant of `window`: what a long record has beside them is not looked at.
pub fn best_ways(history: &History, failure: &Failure, window: Window) -> Vec<Way> {
    ways_to(history, failure, window, Wanted::Best)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    All,
    Best,
}

fn ways_to(history: &History, failure: &Failure, window: Window, wanted: Wanted) -> Vec<Way> {
    let mut ways = Vec::new();
    let mut enough = None;
    for (index, point, usable) in usable(history, failure, 0..history.points.len()) {
        // Nothing is better than the newest point that is usable in all of the window, but others of its instant are as
        // good.
        if enough.is_some_and(|newest| point.consistent_at < newest) {
            break;
        }
        if usable.meets(window) {
            let reach = Reach::Fixed(point.consistent_at);
            ways.push(Way { usable, reach, point: Some(index), coverage: None });
        }
        if wanted == Wanted::Best && usable.holds(window) {
            enough = enough.or(Some(point.consistent_at));
        }
    }
    // In the order of the points.
    ways.reverse();
    let ahead = clocks_ahead(history);
    for (index, covered) in history.coverage.iter().enumerate() {
        if failure.destroys(&covered.stored_in) {
            continue;
        }
        let started = started(history, covered, failure, ahead, window);
        for (part, reach) in reaches(covered, failure) {
            let part = if covered.own_base { kept_by_itself(covered, failure, part, reach) } else { Some(part) };
            for usable in part.into_iter().flat_map(|part| started.within(part)).filter(|u| u.meets(window)) {
                ways.push(Way { usable, reach, point: None, coverage: Some(index) });
            }
        }
    }
    ways
}

/// When within `window` there is something that the log can be rolled forward from.
fn started(history: &History, covered: &Covered, failure: &Failure, ahead: Span, window: Window) -> IntervalSet {
    let mut whole = false;
    let starts = starts(history, covered, failure, ahead, window.from).map(|(_, usable)| usable);
    let needed = starts.take_while(|usable| !std::mem::replace(&mut whole, usable.holds(window)));
    IntervalSet::union(needed.filter(|usable| usable.meets(window)))
}

/// The loss of one failure at `at`.
pub fn loss_at(history: &History, failure: &Failure, at: Instant) -> Loss {
    let newest = best_ways(history, failure, at_once(at)).into_iter().map(|way| way.reach.from(at)).max();
    newest.map_or(Loss::Total, |newest| failure.loses(at, newest))
}

/// What a restore after a failure at `at` takes: the newest of all that it can be undone with.
pub fn newest_at<'a>(history: &'a History, failure: &Failure, at: Instant) -> Option<Restorable<'a>> {
    let mut ways = best_ways(history, failure, at_once(at));
    // The first of equals, as in the list of all.
    let newest = ways.iter().map(|way| way.reach.from(at)).max();
    ways.retain(|way| Some(way.reach.from(at)) == newest);
    ways.truncate(1);
    restorable_by(history, failure, at, ways).pop()
}

/// What a failure at `at` can be undone with, newest first: the first is what a restore takes, the others what is left
/// if that turns out bad.
pub fn restorable_at<'a>(history: &'a History, failure: &Failure, at: Instant) -> Vec<Restorable<'a>> {
    let mut ways = ways(history, failure, at_once(at));
    ways.sort_by_key(|way| std::cmp::Reverse(way.reach.from(at)));
    restorable_by(history, failure, at, ways)
}

/// What these ways, open at `at`, take.
fn restorable_by<'a>(history: &'a History, failure: &Failure, at: Instant, ways: Vec<Way>) -> Vec<Restorable<'a>> {
    let ahead = clocks_ahead(history);
    let restorable = |way: Way| {
        let log = way.coverage.and_then(|index| history.coverage.get(index));
        let base = log.and_then(|log| {
            let mut starts = starts(history, log, failure, ahead, at).filter(|(_, window)| window.contains(at));
            starts.find_map(|(index, _)| index)
        });
        let point = way.point.or(base).and_then(|index| history.points.get(index));
        Restorable { instant: way.reach.from(at), point, log }
    };
    ways.into_iter().map(restorable).collect()
}

impl Failure {
    /// The loss of a failure at `at` that is undone to `newest`.
    pub fn loses(&self, at: Instant, newest: Instant) -> Loss {
        let last_lost_write = if self.writes_continue { at + self.noticed_after } else { at };
        Loss::Window(last_lost_write - newest)
    }
}

/// The usable ones of these points, the newest first, each with its index and the failure instants for which it is.
fn usable<'a>(
    history: &'a History,
    failure: &'a Failure,
    among: Range<usize>,
) -> impl Iterator<Item = (usize, &'a Candidate, Window)> {
    // Points in a row mostly stand and are made in the same places: what those mean is worked out once.
    let mut last: Option<(&Candidate, Places)> = None;
    let same =
        |a: &Candidate, b: &Candidate| Arc::ptr_eq(&a.stored_in, &b.stored_in) && Arc::ptr_eq(&a.runs_in, &b.runs_in);
    let points = history.points.iter().enumerate().take(among.end).skip(among.start).rev();
    points.filter_map(move |(index, point)| {
        let places = match &last {
            Some((earlier, places)) if same(earlier, point) => *places,
            _ => Places::of(point, failure),
        };
        last = Some((point, places));
        usable_from(point, places, failure).map(|usable| (index, point, usable))
    })
}

/// What a failure does to the places of a point.
#[derive(Clone, Copy)]
struct Places {
    destroyed: bool,
    deletable: bool,
    grace: Span,
}

impl Places {
    fn of(point: &Candidate, failure: &Failure) -> Self {
        Places {
            destroyed: failure.destroys(&point.stored_in),
            deletable: failure.can_delete(&point.stored_in),
            grace: failure.grace(&point.runs_in),
        }
    }
}

fn usable_from(point: &Candidate, places: Places, failure: &Failure) -> Option<Window> {
    let carried_on = failure.corrupts && point.mirror;
    if point.known_bad || carried_on || places.destroyed {
        return None;
    }
    // A corruption gets into what is still being read when it strikes, unless all is read at one instant.
    let grace = if failure.corrupts && point.torn { Span::ZERO } else { places.grace };
    let from = point.consistent_at.max(point.available_at - grace);
    let kept = point.expires_at.map(|at| at - failure.needed_for());
    let replaced = point.superseded_at.map(|at| at - places.grace);
    let locked = places.deletable.then(|| match point.locked_until {
        Some(until) => until - failure.noticed_after,
        None => Instant::MIN,
    });
    window(from, [kept, replaced, locked])
}

/// How far a point's cluster time is after the instant that it is of, at most: it matters to logs alone.
fn clocks_ahead(history: &History) -> Span {
    if history.coverage.is_empty() {
        return Span::ZERO;
    }
    let ahead = history.points.iter().filter_map(|p| Some(p.cluster_time?.instant() - p.consistent_at));
    ahead.max().unwrap_or_default().max(Span::ZERO)
}

/// The instant `at` alone.
fn at_once(at: Instant) -> Window {
    Window::new(at, at + Span::millis(1))
}

/// The points that `covered` can be rolled forward from after a failure at `since` or later, the newest first, each with
/// the failure instants for which that works.
fn starts<'a>(
    history: &'a History,
    covered: &'a Covered,
    failure: &'a Failure,
    ahead: Span,
    since: Instant,
) -> Box<dyn Iterator<Item = (Option<usize>, Window)> + 'a> {
    if covered.own_base {
        return Box::new(window(Instant::MIN, []).map(|w| (None, w)).into_iter());
    }
    let deletable = failure.can_delete(&covered.stored_in);
    // Points are in order: those before and after the log need no look.
    let first = covered.first_op.map_or(covered.first, |first| first.instant() - ahead).min(covered.first);
    let from = history.points.partition_point(|p| p.consistent_at < first);
    let until = history.points.partition_point(|p| p.consistent_at <= covered.last);
    let kept = |base: Instant| covered.reaches_back_until(base).map(|at| at - failure.needed_for());
    let points = usable(history, failure, from..until).filter(|(_, point, _)| covered.admits(point));
    let reached =
        points.map(move |(index, point, usable)| (index, point.consistent_at, usable, kept(point.consistent_at)));
    // A log that no longer reaches back to a point reaches back to none before it.
    let reached = reached.take_while(move |(_, _, _, kept)| kept.is_none_or(|kept| kept > since));
    Box::new(reached.filter_map(move |(index, base, usable, kept)| {
        let locked = deletable.then(|| match covered.lock {
            Some(lock) => base + lock - failure.noticed_after,
            None => Instant::MIN,
        });
        let reached = usable.from.max(reached_from(covered, failure, base));
        window(reached, [Some(usable.until), kept, locked]).map(|w| (Some(index), w))
    }))
}

/// The first failure instant for which the log leads to `base` or further.
fn reached_from(covered: &Covered, failure: &Failure, base: Instant) -> Instant {
    let grace = failure.grace(&covered.runs_in);
    if covered.flushes.is_empty() {
        return base + behind(covered, grace);
    }
    let piece = covered.flushes.get(covered.flushes.partition_point(|f| f.last < base));
    piece.map_or(Instant::MAX, |piece| base.max(piece.available_at - grace))
}

fn behind(covered: &Covered, grace: Span) -> Span {
    (covered.lag - grace).max(Span::ZERO)
}

/// Where the log leads for each failure instant, wherever it starts from.
fn reaches(covered: &Covered, failure: &Failure) -> Vec<(Window, Reach)> {
    let grace = failure.grace(&covered.runs_in);
    let mut parts = Vec::new();
    if covered.flushes.is_empty() {
        let behind = behind(covered, grace);
        let (first, last) = (covered.first + behind, covered.last + behind);
        parts.push((Window::new(first, last), Reach::Trailing(behind)));
        parts.push((Window::new(last, Instant::MAX), Reach::Fixed(covered.last)));
    }
    for (index, flush) in covered.flushes.iter().enumerate() {
        let from = covered.first.max(flush.available_at - grace);
        let until = covered.flushes.get(index + 1).map_or(Instant::MAX, |next| next.available_at - grace);
        parts.push((Window::new(from, until.min(flush.last)), Reach::Trailing(Span::ZERO)));
        parts.push((Window::new(from.max(flush.last), until), Reach::Fixed(flush.last)));
    }
    parts.retain(|(window, _)| !window.is_empty());
    parts
}

/// The part for which a log that needs no point still holds the instant that it leads to.
fn kept_by_itself(covered: &Covered, failure: &Failure, part: Window, reach: Reach) -> Option<Window> {
    let needed = failure.needed_for();
    if failure.can_delete(&covered.stored_in) {
        return None;
    }
    let until = match (reach, covered.window) {
        (Reach::Trailing(behind), Some(kept)) if behind + needed >= kept => return None,
        (Reach::Fixed(last), Some(kept)) => Some(last + kept - needed),
        _ => None,
    };
    window(part.from, [Some(part.until), until, covered.expires_at.map(|at| at - needed)])
}

fn window<const N: usize>(from: Instant, ends: [Option<Instant>; N]) -> Option<Window> {
    let until = ends.into_iter().flatten().min().unwrap_or(Instant::MAX);
    (from < until).then_some(Window { from, until })
}
