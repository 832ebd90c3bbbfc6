//! Sets of half-open windows and their algebra.

use crate::base::{Instant, Span, Window};

/// Disjoint windows in order, none empty, none touching the next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IntervalSet {
    windows: Vec<Window>,
}

impl IntervalSet {
    /// The union of `windows`, in any order, overlapping or empty.
    pub fn union(windows: impl IntoIterator<Item = Window>) -> Self {
        let mut windows: Vec<Window> = windows.into_iter().filter(|w| !w.is_empty()).collect();
        windows.sort_by_key(|w| (w.from, w.until));
        let mut merged: Vec<Window> = Vec::with_capacity(windows.len());
        for window in windows {
            match merged.last_mut() {
                Some(last) if window.from <= last.until => last.until = last.until.max(window.until),
                _ => merged.push(window),
            }
        }
        IntervalSet { windows: merged }
    }

    pub fn windows(&self) -> &[Window] {
        &self.windows
    }

    pub fn is_empty(&self) -> bool {
        self.windows.is_empty()
    }

    pub fn contains(&self, at: Instant) -> bool {
        let next = self.windows.partition_point(|w| w.until <= at);
        self.windows.get(next).is_some_and(|w| w.contains(at))
    }

    pub fn length(&self) -> Span {
        self.windows.iter().map(|w| w.length()).sum()
    }

    /// The parts of `window` that the set holds.
    pub fn within(&self, window: Window) -> impl Iterator<Item = Window> + '_ {
        let first = self.windows.partition_point(|w| w.until <= window.from);
        self.windows
            .iter()
            .skip(first)
            .take_while(move |w| w.from < window.until)
            .map(move |w| Window::new(w.from.max(window.from), w.until.min(window.until)))
            .filter(|w| !w.is_empty())
    }

    /// The parts of `window` that the set does not hold.
    pub fn gaps(&self, window: Window) -> Vec<Window> {
        let mut gaps = Vec::new();
        let mut from = window.from;
        for held in self.within(window) {
            gaps.push(Window::new(from, held.from));
            from = held.until;
        }
        gaps.push(Window::new(from, window.until));
        gaps.retain(|w| !w.is_empty());
        gaps
    }
}
