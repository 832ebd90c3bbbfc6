//! Round numbers for axes: spans, calendar days, money over decades.

use chrono::Datelike;

use super::canvas::Frame;
use crate::base::{Instant, Span, Window};

const SPAN_STEPS: [Span; 28] = [
    Span::millis(100),
    Span::millis(500),
    Span::secs(1),
    Span::secs(2),
    Span::secs(5),
    Span::secs(10),
    Span::secs(20),
    Span::secs(30),
    Span::minutes(1),
    Span::minutes(2),
    Span::minutes(5),
    Span::minutes(10),
    Span::minutes(15),
    Span::minutes(30),
    Span::hours(1),
    Span::hours(2),
    Span::hours(3),
    Span::hours(6),
    Span::hours(12),
    Span::days(1),
    Span::days(2),
    Span::days(7),
    Span::days(14),
    Span::days(30),
    Span::days(90),
    Span::days(365),
    Span::days(3650),
    Span::days(36500),
];

/// Multiples of a round span from zero up to `most`, at most `ticks` steps, each with its name in one common unit.
pub fn spans(most: Span, ticks: i64) -> Vec<(Span, String)> {
    let fits = |step: &&Span| most.0 / step.0 <= ticks;
    let step = SPAN_STEPS.iter().find(fits).copied().unwrap_or(Span(most.0 / ticks.max(1) + 1));
    let (unit, name) = match step {
        // People say 24 h and 48 h, but 4 d.
        s if s > Span::days(1) || (s == Span::days(1) && most > Span::hours(96)) => (Span::days(1), "d"),
        s if s >= Span::hours(1) => (Span::hours(1), "h"),
        s if s >= Span::minutes(1) => (Span::minutes(1), "min"),
        s if s >= Span::secs(1) => (Span::secs(1), "s"),
        _ => (Span::millis(1), "ms"),
    };
    let label = |at: Span| if at.0 == 0 { "0".to_string() } else { format!("{} {name}", at.0 / unit.0) };
    (0..=most.0 / step.0).map(|n| step.saturating_mul(n)).map(|at| (at, label(at))).collect()
}

/// Midnights within the window, with what to call the day that begins there; at most about one for `room` points.
pub fn days(window: Window, width: f64, room: f64) -> Vec<(Instant, String)> {
    let day = Span::days(1).0;
    let first = window.from.0.div_euclid(day) + i64::from(window.from.0.rem_euclid(day) != 0);
    let last = window.until.0.div_euclid(day);
    let total = (last - first + 1).max(1);
    let most = (width / room).floor().max(1.0) as i64;
    let every = [1, 2, 3, 7, 14, 30, 91, 182, 365, 730, 3650].into_iter().find(|n| total / n <= most).unwrap_or(36_500);
    let format = if total <= 366 { "%-d %b" } else { "%b %Y" };
    (first..=last)
        .step_by(every as usize)
        .map(|n| Instant(n.saturating_mul(day)))
        .map(|at| {
            let date = at.to_utc();
            let name = if every <= 3 {
                format!("{} {}", date.weekday(), date.format(format))
            } else {
                date.format(format).to_string()
            };
            (at, name)
        })
        .collect()
}

/// Round instants within the window with their names: midnights, or times of day where the window is shorter than two.
pub fn instants(window: Window, width: f64, room: f64) -> Vec<(Instant, String)> {
    let length = window.length();
    if length > Span::days(2) {
        return days(window, width, room);
    }
    let most = (width / room).floor().max(1.0) as i64;
    let whole_seconds = SPAN_STEPS.iter().filter(|step| **step >= Span::secs(1));
    let step = whole_seconds.copied().find(|step| length.0 / step.0 <= most).unwrap_or(Span::days(1));
    let format = if step < Span::minutes(1) { "%H:%M:%S" } else { "%H:%M" };
    let first = window.from.0.div_euclid(step.0) + i64::from(window.from.0.rem_euclid(step.0) != 0);
    (first..=window.until.0.div_euclid(step.0))
        .map(|n| Instant(n.saturating_mul(step.0)))
        .map(|at| (at, at.to_utc().format(format).to_string()))
        .collect()
}

/// An amount on an axis: `20`, `1.5k`, `300k`, `2M`.
pub fn amount_label(amount: f64) -> String {
    let (value, unit) = match amount.abs() {
        a if a >= 1e9 => (amount / 1e9, "bn"),
        a if a >= 1e6 => (amount / 1e6, "M"),
        a if a >= 1e3 => (amount / 1e3, "k"),
        _ => (amount, ""),
    };
    let digits = format!("{value:.2}");
    let digits = if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { &digits };
    format!("{digits}{unit}")
}

/// A scale for amounts: linear from zero, or logarithmic where they span more than a decade. On a logarithmic scale zero
/// has a place of its own below the least amount, since it has no logarithm.
#[derive(Debug, Clone, PartialEq)]
pub struct Amounts {
    pub logarithmic: bool,
    low: f64,
    high: f64,
    zero: bool,
    ticks_most: usize,
}

/// Share of the axis that zero takes on a logarithmic scale.
const ZERO_ROOM: f64 = 0.12;

impl Amounts {
    pub fn over(amounts: impl Iterator<Item = f64> + Clone, ticks_most: usize) -> Self {
        let usable = amounts.filter(|a| a.is_finite() && *a >= 0.0);
        let high = usable.clone().fold(0.0, f64::max);
        let low = usable.clone().filter(|a| *a > 0.0).fold(f64::INFINITY, f64::min);
        let zero = usable.clone().any(|a| a <= 0.0);
        let logarithmic = low.is_finite() && high / low > 10.0;
        match logarithmic {
            true => Amounts { logarithmic, low: low / 1.9, high: high * 1.6, zero, ticks_most },
            false => {
                Amounts { logarithmic, low: 0.0, high: if high > 0.0 { high * 1.15 } else { 1.0 }, zero, ticks_most }
            }
        }
    }

    /// Share of the axis, from 0 at its start to 1.
    pub fn share(&self, amount: f64) -> f64 {
        if !self.logarithmic {
            return (amount / self.high).clamp(0.0, 1.0);
        }
        let start = if self.zero { ZERO_ROOM } else { 0.0 };
        if amount <= 0.0 {
            return start / 3.0;
        }
        let share = (amount / self.low).ln() / (self.high / self.low).ln();
        start + (1.0 - start) * share.clamp(0.0, 1.0)
    }

    pub fn ticks(&self) -> Vec<f64> {
        let mut ticks = match self.logarithmic {
            true => self.decades(),
            false => {
                let rough = self.high / self.ticks_most.max(1) as f64;
                let magnitude = 10f64.powf(rough.log10().floor());
                let step =
                    [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * magnitude).find(|s| *s >= rough).unwrap_or(rough);
                (0..=self.ticks_most * 2).map(|n| n as f64 * step).take_while(|t| *t <= self.high).collect()
            }
        };
        if self.logarithmic && self.zero {
            ticks.insert(0, 0.0);
        }
        ticks
    }

    /// 1, 2, 5 in every decade while they are few, else whole decades, else every so many.
    fn decades(&self) -> Vec<f64> {
        let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
        let within = |tick: &f64| *tick >= self.low && *tick <= self.high;
        for parts in [&[1.0, 2.0, 5.0][..], &[1.0, 3.0], &[1.0]] {
            let ticks: Vec<f64> =
                (first..=last).flat_map(|d| parts.iter().map(move |p| p * 10f64.powi(d))).filter(within).collect();
            if ticks.len() <= self.ticks_most {
                return ticks;
            }
        }
        let every = ((last - first) as usize).div_ceil(self.ticks_most.max(1)).max(1);
        (first..=last).step_by(every).map(|d| 10f64.powi(d)).filter(within).collect()
    }
}

/// Where a label of `width` × `height` around `at` disturbs nothing: the first of eight places that is free.
pub fn free_place(at: (f64, f64), (width, height): (f64, f64), taken: &[Frame], inside: &Frame) -> Option<Frame> {
    const GAP: f64 = 9.0;
    let (x, y) = at;
    let middle = y - height / 2.0;
    let corners = [
        (x + GAP, middle),
        (x - GAP - width, middle),
        (x + GAP * 0.6, y - GAP - height),
        (x + GAP * 0.6, y + GAP),
        (x - GAP * 0.6 - width, y - GAP - height),
        (x - GAP * 0.6 - width, y + GAP),
        (x - width / 2.0, y - GAP * 1.3 - height),
        (x - width / 2.0, y + GAP * 1.3),
        (x + GAP, y - GAP * 3.0 - height),
        (x + GAP, y + GAP * 3.0),
        (x - GAP - width, y + GAP * 3.0),
        (x - GAP - width, y - GAP * 3.0 - height),
    ];
    corners
        .into_iter()
        .map(|(left, top)| Frame { left, top, right: left + width, bottom: top + height })
        .find(|frame| frame.within(inside) && !taken.iter().any(|other| other.overlaps(frame)))
}

/// The nearest place anywhere inside that is free, where none right beside `at` is.
pub fn any_place(at: (f64, f64), (width, height): (f64, f64), taken: &[Frame], inside: &Frame) -> Option<Frame> {
    const STEP: f64 = 6.0;
    let steps = |room: f64| (0..=(room / STEP).max(-1.0) as i64).map(|n| n as f64 * STEP);
    let across = steps(inside.width() - width);
    let frames = across.flat_map(|x| steps(inside.height() - height).map(move |y| (inside.left + x, inside.top + y)));
    let frames = frames.map(|(left, top)| Frame { left, top, right: left + width, bottom: top + height });
    let away = |frame: &Frame| {
        let near = (at.0.clamp(frame.left, frame.right), at.1.clamp(frame.top, frame.bottom));
        (near.0 - at.0).hypot(near.1 - at.1)
    };
    let free = frames.filter(|frame| frame.within(inside) && !taken.iter().any(|other| other.overlaps(frame)));
    free.min_by(|a, b| away(a).total_cmp(&away(b)))
}
