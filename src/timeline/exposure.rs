//! The loss window over a whole window of failure instants: exact, by one sweep over events, O(n log n).
//!
//! Between two events the newest usable instant either stands still, so that the loss rises with slope 1, or follows the
//! failure at a fixed distance, so that the loss is constant. All sums are of whole milliseconds in 128 bits.

use std::collections::BTreeMap;

use super::failure::Failure;
use super::history::History;
use super::recoverable::{Loss, Reach, Way, best_ways};
use crate::base::{Instant, Span, Window};

/// A piece of `loss(t)`: from `at.from` (where it is `start`) it rises with `slope` (1, or 0) until `at.until`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Segment {
    pub at: Window,
    pub start: Loss,
    pub rises: bool,
}

/// `loss(t)` for every failure instant of `window`.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Exposure {
    pub window: Window,
    /// Gap-free and in order; together they are the window.
    pub segments: Vec<Segment>,
    /// Supremum, and the instant that it is approached at.
    pub worst: Loss,
    pub worst_at: Instant,
    /// Time average; none if any instant loses everything.
    pub mean: Option<Span>,
}

/// The loss for every failure instant of `window`. An empty window has no segments, no mean, and loses nothing.
pub fn sweep(history: &History, failure: &Failure, window: Window) -> Exposure {
    let mut ways: Vec<Way> = best_ways(history, failure, window);
    ways.iter_mut().for_each(|way| way.usable = way.usable.within(window));
    // Points come in order, so that this finds most of them sorted.
    ways.sort_by_key(|way| way.usable.from);
    let mut opening = ways.into_iter().peekable();
    let (mut fixed, mut trailing) = (Open::default(), Open::default());
    let mut segments = Segments { failure, done: Vec::new() };
    let mut from = window.from;
    while from < window.until {
        while let Some(way) = opening.next_if(|way| way.usable.from <= from) {
            match way.reach {
                Reach::Fixed(instant) => fixed.add(instant, way.usable.until),
                // The nearest is the best, so that the order is turned round.
                Reach::Trailing(behind) => trailing.add(Span(-behind.0), way.usable.until),
            }
        }
        let newest = fixed.best_at(from);
        let nearest = trailing.best_at(from).map(|(behind, until)| (Span(-behind.0), until));
        let ends = [newest.map(|best| best.1), nearest.map(|best| best.1), opening.peek().map(|way| way.usable.from)];
        let until = ends.into_iter().flatten().fold(window.until, Instant::min);
        segments.add(Window::new(from, until), newest.map(|best| best.0), nearest.map(|best| best.0));
        from = until;
    }
    Exposure::of(window, segments.done)
}

/// The ways that are open, without those that a better one outlasts: what is left gets worse the longer it lasts.
struct Open<K>(BTreeMap<K, Instant>);

impl<K> Default for Open<K> {
    fn default() -> Self {
        Open(BTreeMap::new())
    }
}

impl<K: Ord + Copy> Open<K> {
    fn add(&mut self, key: K, until: Instant) {
        // The next better one outlasts all that are better still.
        if self.0.range(key..).next().is_some_and(|(_, better)| *better >= until) {
            return;
        }
        while let Some((worse, _)) = self.0.range(..=key).next_back().filter(|(_, end)| **end <= until) {
            let worse = *worse;
            self.0.remove(&worse);
        }
        self.0.insert(key, until);
    }

    /// The best that is still open at `at`, and until when it is.
    fn best_at(&mut self, at: Instant) -> Option<(K, Instant)> {
        loop {
            let last = self.0.last_entry()?;
            if *last.get() > at {
                return Some((*last.key(), *last.get()));
            }
            last.remove();
        }
    }
}

struct Segments<'a> {
    failure: &'a Failure,
    done: Vec<Segment>,
}

impl Segments<'_> {
    fn add(&mut self, at: Window, fixed: Option<Instant>, trailing: Option<Span>) {
        match (fixed, trailing) {
            (None, None) => self.push(at, Loss::Total, false),
            (Some(newest), None) => self.push(at, self.failure.loses(at.from, newest), true),
            (None, Some(behind)) => self.push(at, self.failure.loses(at.from, at.from - behind), false),
            (Some(newest), Some(behind)) => {
                // Until then the fixed instant is the newer of the two.
                let cross = (newest + behind).max(at.from).min(at.until);
                self.push(Window::new(at.from, cross), self.failure.loses(at.from, newest), true);
                self.push(Window::new(cross, at.until), self.failure.loses(cross, cross - behind), false);
            }
        }
    }

    fn push(&mut self, at: Window, start: Loss, rises: bool) {
        if at.is_empty() {
            return;
        }
        match self.done.last_mut() {
            Some(last) if last.rises == rises && last.end() == start => last.at.until = at.until,
            _ => self.done.push(Segment { at, start, rises }),
        }
    }
}

impl Segment {
    /// The loss that the segment approaches at its end.
    pub fn end(&self) -> Loss {
        match self.start {
            Loss::Window(start) if self.rises => Loss::Window(start + self.at.length()),
            other => other,
        }
    }
}

impl Exposure {
    fn of(window: Window, segments: Vec<Segment>) -> Self {
        let mut worst = (Loss::Window(Span::ZERO), window.from);
        for segment in &segments {
            if segment.end() > worst.0 {
                worst = (segment.end(), if segment.rises { segment.at.until } else { segment.at.from });
            }
        }
        let mean = mean(&segments);
        Exposure { window, segments, worst: worst.0, worst_at: worst.1, mean }
    }

    /// The loss of a failure at `at`; none outside the window.
    pub fn loss_at(&self, at: Instant) -> Option<Loss> {
        let segment = self.segments.get(self.segments.partition_point(|s| s.at.until <= at))?;
        let rise = if segment.rises { at - segment.at.from } else { Span::ZERO };
        segment.at.contains(at).then_some(match segment.start {
            Loss::Window(start) => Loss::Window(start + rise),
            Loss::Total => Loss::Total,
        })
    }

    /// The smallest loss that a share `q` of all failure instants does not exceed, rounded up to a millisecond.
    pub fn quantile(&self, q: f64) -> Loss {
        let length = i128::from(self.window.length().0);
        let wanted = ((length as f64 * q.clamp(0.0, 1.0)).ceil() as i128).clamp(0, length);
        // The measure of {loss ≤ v}: a flat segment adds its length at its value, a rising one with slope 1 along it.
        let mut changes: BTreeMap<i64, (i128, i128)> = BTreeMap::new();
        for segment in &self.segments {
            let (Loss::Window(start), Loss::Window(end)) = (segment.start, segment.end()) else { continue };
            if segment.rises {
                changes.entry(start.0).or_default().1 += 1;
                changes.entry(end.0).or_default().1 -= 1;
            } else {
                changes.entry(start.0).or_default().0 += i128::from(segment.at.length().0);
            }
        }
        let (mut measure, mut slope, mut value) = (0_i128, 0_i128, 0_i64);
        for (at, (jump, bend)) in changes {
            let risen = measure + slope * (i128::from(at) - i128::from(value));
            if slope > 0 && risen >= wanted {
                let missing = (wanted - measure).max(0);
                return Loss::Window(Span(value.saturating_add(((missing + slope - 1) / slope) as i64)));
            }
            (measure, slope, value) = (risen + jump, slope + bend, at);
            if measure >= wanted && (jump > 0 || wanted == 0) {
                return Loss::Window(Span(at));
            }
        }
        if self.segments.is_empty() { self.worst } else { Loss::Total }
    }

    /// Time of the window in which a failure loses more than `rpo`.
    pub fn in_breach(&self, rpo: Span) -> Span {
        let breach = |segment: &Segment| match (segment.start, segment.rises) {
            (Loss::Total, _) => segment.at.length(),
            (Loss::Window(start), false) => {
                if start > rpo {
                    segment.at.length()
                } else {
                    Span::ZERO
                }
            }
            (Loss::Window(start), true) => {
                let kept = (rpo - start).max(Span::ZERO).min(segment.at.length());
                segment.at.length() - kept
            }
        };
        self.segments.iter().map(breach).sum()
    }

    /// Time of the window in which a failure loses everything.
    pub fn in_total_loss(&self) -> Span {
        self.segments.iter().filter(|s| s.start == Loss::Total).map(|s| s.at.length()).sum()
    }

    /// The worst loss that is not total.
    pub fn worst_window(&self) -> Option<Span> {
        self.worst_window_at().map(|(worst, _)| worst)
    }

    /// The worst loss that is not total, and the first instant that it is approached at: what is known where the rest
    /// is not.
    pub fn worst_window_at(&self) -> Option<(Span, Instant)> {
        let ends = self.segments.iter().filter_map(|s| match s.end() {
            Loss::Window(span) => Some((span, if s.rises { s.at.until } else { s.at.from })),
            Loss::Total => None,
        });
        ends.max_by_key(|(span, at)| (*span, std::cmp::Reverse(*at)))
    }
}

/// Σ(start·length + rise²/2) / Σ length, rounded to a millisecond.
fn mean(segments: &[Segment]) -> Option<Span> {
    let (mut twice_area, mut length) = (0_i128, 0_i128);
    for segment in segments {
        let Loss::Window(start) = segment.start else { return None };
        let l = i128::from(segment.at.length().0);
        twice_area += 2 * i128::from(start.0) * l + if segment.rises { l * l } else { 0 };
        length += l;
    }
    (length > 0).then(|| Span(((twice_area + length) / (2 * length)) as i64))
}
