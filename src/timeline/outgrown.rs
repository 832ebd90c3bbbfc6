//! When restores outgrow the time that they have: what drills took, at a size that grows by a fraction a year.
//!
//! A restore's time is taken to grow with its bytes, as the audit takes it. Then at size S a drill of b bytes in time T
//! would take T·S/b, and with S growing as S₀(1+g)^t it exceeds a time R from t = ln(R·b / (T·S₀)) / ln(1+g) on. Each
//! drill gives its own answer; the fastest and the slowest of them bound what can be said.

use super::downtime;
use crate::base::{Instant, Span};
use crate::evidence::Drill;
use crate::evidence::drill::SMALLEST_PART;
use crate::policy::{Duration, Scenario, Step};

const YEAR: f64 = 365.0 * 86_400_000.0;
/// Further ahead nobody's growth is foreseen.
const YEARS_MOST: f64 = 100.0;
/// Fewer drills show no pace that could be told from chance.
pub const DRILLS_LEAST: usize = 2;

/// A drill of something whose size is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timed {
    pub at: Instant,
    pub took: Span,
    pub bytes: u64,
}

/// Restores of one asset, as its size grows.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    pub as_of: Instant,
    /// Bytes as of then.
    pub size: f64,
    /// A fraction a year.
    pub growth: f64,
    /// The time that a restore has.
    pub room: Span,
    /// Oldest first.
    pub drills: Vec<Timed>,
}

/// Milliseconds a byte, of the fastest, the middle and the slowest drill.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    pub fastest: f64,
    pub middle: f64,
    pub slowest: f64,
}

impl Timed {
    /// Of a drill that passed, if it timed this phase and restored enough to say something about `size`.
    pub fn of(drill: &Drill, phase: &str, size: u64) -> Option<Self> {
        let took = drill.phase(phase).filter(|took| *took > Span::ZERO)?;
        let bytes = drill.bytes_restored;
        let enough = bytes > 0 && size / SMALLEST_PART <= bytes;
        (drill.passed() && enough).then_some(Timed { at: drill.started_at, took, bytes })
    }

    fn pace(&self) -> f64 {
        self.took.0 as f64 / self.bytes.max(1) as f64
    }
}

impl Outlook {
    /// None of too few drills, or of nothing to restore.
    pub fn pace(&self) -> Option<Pace> {
        let mut paces: Vec<f64> = self.drills.iter().map(Timed::pace).collect();
        paces.sort_by(f64::total_cmp);
        let (fastest, slowest) = (*paces.first()?, *paces.last()?);
        let half = paces.len() / 2;
        let middle = match paces.len() % 2 {
            1 => *paces.get(half)?,
            _ => (paces.get(half - 1)? + paces.get(half)?) / 2.0,
        };
        (paces.len() >= DRILLS_LEAST && self.size > 0.0).then_some(Pace { fastest, middle, slowest })
    }

    pub fn size_at(&self, at: Instant) -> f64 {
        let years = (at - self.as_of).0 as f64 / YEAR;
        self.size * (1.0 + self.growth.max(-0.99)).powf(years)
    }

    pub fn takes_at(&self, at: Instant, pace: f64) -> Span {
        Span((pace * self.size_at(at)).min(Span::LONGEST.0 as f64) as i64)
    }

    /// What this drill would have taken at the size of its day.
    pub fn scaled(&self, drill: &Timed) -> Span {
        self.takes_at(drill.at, drill.pace())
    }

    /// From when on a restore at this pace takes longer than it has: now at the earliest; None if not within a century.
    pub fn outgrown_at(&self, pace: f64) -> Option<Instant> {
        let times = self.room.0 as f64 / (pace * self.size);
        if times < 1.0 {
            return Some(self.as_of);
        }
        let years = times.ln() / (1.0 + self.growth).ln();
        (self.growth > 0.0 && years <= YEARS_MOST).then(|| self.as_of + Span((years * YEAR) as i64))
    }
}

/// The longest that the steps which measure `phase` of a restore of `asset` may take, so that service is back within
/// `rto`; the other steps take their declared longest. And whether each of those declares one: what declares none is left out, so
/// that there is less room than said.
pub fn room(scenario: &Scenario, (asset, phase): (&str, &str), rto: Span) -> (Span, bool) {
    let noticed = scenario.noticed_after.value.declared_longest();
    let mut whole = noticed.is_some();
    let restores = |step: &Step| {
        let measured = matches!(&step.takes.value, Duration::Measured { phase: of, .. } if of == phase);
        measured && step.asset.as_ref().is_some_and(|name| name.value == asset)
    };
    for step in scenario.runbook.iter().filter(|step| !restores(step)) {
        whole &= step.takes.value.declared_longest().is_some();
    }
    let back = |restore: Span| {
        let takes = |step: &Step| match restores(step) {
            true => Some(restore),
            false => Some(step.takes.value.declared_longest().unwrap_or_default()),
        };
        let path = downtime::critical_path(&scenario.runbook, takes).unwrap_or_default();
        downtime::from_failure(scenario, noticed.unwrap_or_default(), path)
    };
    if back(Span::ZERO) > rto {
        return (Span::ZERO, whole);
    }
    // The longer the restore, the later service is back: the last that is in time lies between these two.
    let (mut fits, mut fails) = (Span::ZERO, Span(rto.0.saturating_add(1)));
    while fails.0 - fits.0 > 1 {
        let middle = Span(fits.0 + (fails.0 - fits.0) / 2);
        if back(middle) <= rto { fits = middle } else { fails = middle }
    }
    (fits, whole)
}
