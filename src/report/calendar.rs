//! Runs by day: what each job did on each of the last days, and where its schedule asks for more than the records show.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::audit::runs;
use crate::base::{Instant, Span, Window};
use crate::evidence::{Evidence, RunOutcome};
use crate::policy::{Mechanism, Policy, Protection};

/// What a job did on a day in UTC. The worst of the day last, so that the maximum stands for all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Day {
    /// Nothing ran, and nothing had to.
    None,
    Done,
    /// A run was planned of which nothing is on record: it may be from before the records, or what it left may be gone.
    Unknown,
    /// What was planned was there, later than is allowed.
    Late,
    /// What was planned left nothing.
    Missed,
    Failed,
}

/// One job over the days, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// A protection, or a verb that belongs to none.
    pub job: String,
    pub asset: String,
    pub days: Vec<Day>,
}

/// The days up to the one that holds `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    first: i64,
    count: usize,
}

const DAY: Span = Span::days(1);

fn number(at: Instant) -> i64 {
    at.0.div_euclid(DAY.0)
}

impl Days {
    pub fn up_to(until: Instant, count: u32) -> Self {
        let count = count.max(1);
        Days { first: number(until) - i64::from(count) + 1, count: count as usize }
    }

    pub fn from(&self) -> Instant {
        Instant(self.first.saturating_mul(DAY.0))
    }

    pub fn each(&self) -> impl Iterator<Item = Instant> + '_ {
        (0..self.count as i64).map(|n| self.from() + DAY.saturating_mul(n))
    }

    /// An empty row of days.
    pub fn none(&self) -> Vec<Day> {
        vec![Day::None; self.count]
    }

    /// Sets the day that holds `at`, where it is one of these and was nothing worse.
    pub fn mark(&self, days: &mut [Day], at: Instant, day: Day) {
        let place = usize::try_from(number(at) - self.first).ok();
        if let Some(there) = place.and_then(|place| days.get_mut(place)) {
            *there = (*there).max(day);
        }
    }
}

/// Protection and asset.
type Of<'a> = (&'a str, &'a str);
/// Instants that points are of, and from when each was there.
type Made = Vec<(Instant, Instant)>;

/// A line for every protection that has a schedule, and for every verb on record that belongs to none; the worst first,
/// then in the order of their names.
pub fn lines(policy: &Policy, evidence: &Evidence, until: Instant, days: Days) -> Vec<Line> {
    let mut lines: BTreeMap<(String, String), Vec<Day>> = BTreeMap::new();
    let mut made: BTreeMap<Of, Made> = BTreeMap::new();
    for point in &evidence.points {
        if let Some(protection) = &point.protection {
            made.entry((protection, &point.asset)).or_default().push((point.consistent_at, point.available_at));
        }
    }
    for run in &evidence.runs {
        let job = run.protection.as_ref().unwrap_or(&run.verb);
        let line = lines.entry((job.clone(), run.asset.clone())).or_insert_with(|| days.none());
        match run.outcome {
            RunOutcome::Failed { .. } => days.mark(line, run.started_at, Day::Failed),
            RunOutcome::Done => days.mark(line, run.started_at, Day::Done),
        }
        if let (Some(protection), RunOutcome::Done) = (&run.protection, &run.outcome) {
            made.entry((protection, &run.asset)).or_default().push((run.started_at, run.ended_at));
        }
    }
    for drill in &evidence.drills {
        let line = lines.entry(("drill".to_string(), drill.asset.clone())).or_insert_with(|| days.none());
        days.mark(line, drill.started_at, if drill.passed() { Day::Done } else { Day::Failed });
    }
    for protection in &policy.protections {
        for asset in &protection.assets {
            let made = made.remove(&(protection.name.as_str(), asset.value.as_str())).unwrap_or_default();
            let there: Vec<Instant> = made.iter().map(|(of, _)| *of).collect();
            let Some(planned) = planned(protection, made, until, days) else { continue };
            let line = lines.entry((protection.name.clone(), asset.value.clone())).or_insert_with(|| days.none());
            // What is there is done, even where it is not due yet.
            there.into_iter().for_each(|at| days.mark(line, at, Day::Done));
            planned.iter().for_each(|(at, day)| days.mark(line, *at, *day));
        }
    }
    let made = lines.into_iter().map(|((job, asset), days)| Line { job, asset, days });
    let mut lines: Vec<Line> = made.filter(|line| line.days.iter().any(|day| *day != Day::None)).collect();
    lines.sort_by_cached_key(|line| {
        let of = |day| line.days.iter().filter(|there| **there == day).count();
        std::cmp::Reverse((of(Day::Failed) + of(Day::Missed), of(Day::Late), of(Day::Unknown)))
    });
    lines
}

/// What the schedule asked for on each day, and what shows that it was done. None of what has no schedule.
fn planned(protection: &Protection, mut made: Made, until: Instant, days: Days) -> Option<Vec<(Instant, Day)>> {
    made.sort_unstable();
    let slots = runs::due(protection, Window::new(days.from(), until), &made)?;
    let first = made.first().map(|(of, _)| *of);
    // What was kept no longer than this leaves no trace, nor does what the next run overwrites.
    let (takes, overwritten) = match &protection.mechanism {
        Mechanism::Snapshot { takes, .. } => (takes.value, false),
        Mechanism::Mirror { takes, .. } => (takes.value, true),
        _ => (Span::ZERO, false),
    };
    let gone = protection.retention.as_ref().filter(|_| !overwritten).map(|kept| until - kept.value);
    let newest = slots.last().map(|slot| slot.at);
    let allowed = protection.late_by.as_ref().map(|late| takes + late.value);
    let day = |slot: &runs::Slot| match slot.made {
        Some(made) if allowed.is_some_and(|allowed| made - slot.at > allowed) => Day::Late,
        Some(_) => Day::Done,
        None if first.is_none_or(|first| slot.next <= first) => Day::Unknown,
        None if gone.map_or(Some(slot.at) < newest, |gone| slot.at < gone) => Day::Unknown,
        None => Day::Missed,
    };
    Some(slots.iter().map(|slot| (slot.at, day(slot))).collect())
}
