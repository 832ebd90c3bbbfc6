//! What becomes of what is planned: runs fail, hang and hold up others, or are late; captures lag and break.
//!
//! The fate of each run depends on the incident's stream and the run's own instant alone, whoever asks and in whatever
//! order: all copies of one run share its fate.

use std::sync::Arc;

use super::draw::{Known, Time, time};
use super::incident::Chances;
use crate::base::rng::Stream;
use crate::base::{Instant, Span, Window};
use crate::evidence::{Evidence, Run, RunOutcome};
use crate::policy::{Asset, Mechanism, Policy, Protection};
use crate::timeline::{Basis, Candidate, Covered, History};

/// The points of one protection, and what goes wrong with the runs that make them.
#[derive(Debug)]
pub struct Runs {
    /// Indices into the history's points, in order of their instants.
    pub points: Vec<usize>,
    /// The protection whose runs they are: copies share the runs of what they copy.
    origin: u64,
    /// Share that fails, where no run is on record.
    fails: f64,
    hangs: f64,
    /// How long a run that fails or hangs holds up those after it.
    holds: Option<Time>,
    late: Option<Time>,
}

/// What goes wrong with one log.
#[derive(Debug, Default)]
pub struct Capture {
    late: Option<Time>,
    breaks: Option<(f64, Time)>,
}

/// What one run comes to.
#[derive(Debug, Clone, Copy, Default)]
struct Fate {
    fails: bool,
    holds: Span,
    late: Span,
}

/// Parts of the stream of one asset's trouble.
const OUTCOME: u64 = 0;
const BAD: u64 = 1;
const CAPTURES: u64 = 2;
const YEAR_MILLIS: f64 = 365.25 * 86_400_000.0;

impl Runs {
    pub fn of(
        policy: &Policy,
        asset: &Asset,
        name: Option<&Arc<str>>,
        points: Vec<usize>,
        evidence: Option<&Evidence>,
        basis: Basis,
    ) -> Self {
        let mut runs = Runs { points, origin: 0, fails: 0.0, hangs: 0.0, holds: None, late: None };
        let Some(protection) = name.and_then(|name| origin(policy, name)) else { return runs };
        let place = policy.protections.iter().position(|p| p.name == protection.name);
        runs.origin = place.unwrap_or_default() as u64 + 1;
        // The points of a record are there, and were there when they were there.
        if basis == Basis::Observed {
            return runs;
        }
        let trouble = &protection.trouble;
        let declared = trouble.late.as_ref().map(|late| time(&late.value, None, &[], None, basis));
        let (delays, held) = recorded(asset, protection, evidence);
        runs.late = match declared {
            _ if delays.iter().any(|late| *late > Span::ZERO) => Some(Time::Measured(delays)),
            Some(Known::Yes(late)) if held.is_empty() && delays.is_empty() => Some(late),
            _ => None,
        };
        if !held.is_empty() {
            runs.holds = Some(Time::Measured(held));
        }
        if evidence.is_none_or(|e| e.runs.iter().all(|run| run.asset != asset.name)) {
            runs.fails = trouble.fails.as_ref().map_or(0.0, |share| share.value);
            if let Some((share, hangs_for)) = &trouble.hangs {
                (runs.hangs, runs.holds) = (share.value, Some(Time::Constant(*hangs_for)));
            }
        }
        runs
    }

    pub fn troubled(&self) -> bool {
        self.fails > 0.0 || self.hangs > 0.0 || self.late.is_some()
    }
}

/// The protection whose runs made the points of the one that is named.
fn origin<'a>(policy: &'a Policy, name: &str) -> Option<&'a Protection> {
    let mut protection = policy.protection(name)?;
    for _ in 0..policy.protections.len() {
        match &protection.mechanism {
            Mechanism::Copy { of, .. } => protection = policy.protection(&of.value)?,
            _ => break,
        }
    }
    Some(protection)
}

/// How late the runs on record were, each against the nearest time that it was due at, and how long those that failed went on.
fn recorded(asset: &Asset, protection: &Protection, evidence: Option<&Evidence>) -> (Vec<Span>, Vec<Span>) {
    let (Mechanism::Snapshot { schedule, takes, .. } | Mechanism::Mirror { schedule, takes, .. }) =
        &protection.mechanism
    else {
        return (vec![], vec![]);
    };
    let own = |run: &&Run| run.asset == asset.name && run.protection.as_deref() == Some(&protection.name);
    let (mut delays, mut held) = (vec![], vec![]);
    let gap = evidence.and_then(|evidence| schedule.worst_gap(evidence.read_at)).unwrap_or(Span::days(1));
    for run in evidence.into_iter().flat_map(|evidence| &evidence.runs).filter(own) {
        match run.outcome {
            RunOutcome::Done => {
                let around = Window::new(run.started_at - gap, run.started_at + gap);
                let away = |due: &Instant| (run.started_at - *due).0.abs();
                let due = schedule.runs_in(around).into_iter().min_by_key(away).unwrap_or(run.started_at);
                let took = run.ended_at - run.started_at;
                let late = (run.started_at - due).max(Span::ZERO) + (took - takes.value);
                delays.push(late.max(Span::ZERO).min(Span::LONGEST));
            }
            RunOutcome::Failed { .. } => held.push((run.ended_at - run.started_at).max(Span::ZERO).min(Span::LONGEST)),
        }
    }
    (delays, held)
}

impl Capture {
    pub fn of(policy: &Policy, covered: &Covered, basis: Basis) -> Self {
        let protection = covered.protection.as_ref().and_then(|name| origin(policy, name));
        let Some(protection) = protection.filter(|_| basis == Basis::Declared) else { return Capture::default() };
        if !matches!(protection.mechanism, Mechanism::Log { .. }) {
            return Capture::default();
        }
        let known = |known: Known| match known {
            Known::Yes(time) => Some(time),
            Known::Claimed(_) | Known::No => None,
        };
        let trouble = &protection.trouble;
        Capture {
            late: trouble.late.as_ref().and_then(|late| known(time(&late.value, None, &[], None, basis))),
            breaks: trouble.breaks.as_ref().and_then(|(rate, broken)| {
                Some((rate.value, known(time(broken, None, &[], None, basis))?)).filter(|(rate, _)| *rate > 0.0)
            }),
        }
    }

    pub fn troubled(&self) -> bool {
        self.late.is_some() || self.breaks.is_some()
    }

    /// The log as it is when a failure strikes at `at`: further behind, and in two pieces around its last break.
    fn happened(&self, covered: &Covered, at: Instant, stream: &mut Stream) -> Vec<Covered> {
        let mut whole = covered.clone();
        if let Some(late) = &self.late {
            whole.lag = whole.lag + late.draw(stream);
        }
        let Some((per_year, broken_for)) = &self.breaks else { return vec![whole] };
        let ago = (stream.exponential() / per_year * YEAR_MILLIS).min(Span::LONGEST.0 as f64);
        let broke = at - Span(ago as i64);
        let again = broke + broken_for.draw(stream).max(Span::millis(1));
        let before = Covered { last: whole.last.min(broke), ..whole.clone() };
        let after = Covered { first: whole.first.max(again), first_op: None, ..whole };
        [before, after].into_iter().filter(|piece| piece.first < piece.last).collect()
    }
}

/// The truth about one asset in one incident.
pub struct Happened<'a> {
    pub history: &'a History,
    pub runs: &'a [Runs],
    pub captures: &'a [Capture],
    pub chances: Chances,
    pub stream: &'a Stream,
}

impl Happened<'_> {
    /// The `newest` points of each protection before `at`, and the logs, as they really are.
    pub fn truth(&self, at: Instant, newest: usize) -> History {
        let mut points: Vec<Candidate> = Vec::new();
        for runs in self.runs {
            let end = runs.points.partition_point(|index| self.instant(*index).is_some_and(|instant| instant <= at));
            for place in end.saturating_sub(newest)..end {
                points.extend(self.point(runs, place));
            }
        }
        points.sort_by_key(|point| point.consistent_at);
        let captures = self.stream.fork(CAPTURES);
        let coverage =
            self.history.coverage.iter().enumerate().flat_map(|(index, covered)| match self.captures.get(index) {
                Some(capture) if capture.troubled() => capture.happened(covered, at, &mut captures.fork(index as u64)),
                _ => vec![covered.clone()],
            });
        History { asset: self.history.asset.clone(), basis: self.history.basis, coverage: coverage.collect(), points }
    }

    /// No point is newer than this that [`Self::truth`] leaves out.
    pub fn unseen_before(&self, at: Instant, newest: usize) -> Instant {
        let oldest_seen = self.runs.iter().filter_map(|runs| {
            let end = runs.points.partition_point(|index| self.instant(*index).is_some_and(|instant| instant <= at));
            let first = end.checked_sub(newest).filter(|first| *first > 0)?;
            self.instant(*runs.points.get(first)?)
        });
        oldest_seen.max().unwrap_or(Instant::MIN)
    }

    /// Whether the state that the point holds does not restore.
    pub fn is_bad(&self, point: Option<&Candidate>) -> bool {
        let own = match point {
            Some(point) => self.stream.fork(BAD).fork(point.consistent_at.0 as u64).fork(self.origin_of(point)),
            None => self.stream.fork(BAD).fork(u64::MAX),
        };
        self.chances.bad_restore > 0.0 && own.clone().uniform() < self.chances.bad_restore
    }

    /// Whether the two are of one run.
    pub fn of_one_run(&self, one: &Candidate, other: &Candidate) -> bool {
        one.consistent_at == other.consistent_at && self.origin_of(one) == self.origin_of(other)
    }

    fn origin_of(&self, point: &Candidate) -> u64 {
        let first = |runs: &&Runs| {
            let first = runs.points.first().and_then(|index| self.history.points.get(*index));
            first.is_some_and(|first| first.protection == point.protection)
        };
        self.runs.iter().find(first).map_or(0, |runs| runs.origin)
    }

    fn instant(&self, index: usize) -> Option<Instant> {
        self.history.points.get(index).map(|point| point.consistent_at)
    }

    fn planned(&self, runs: &Runs, place: usize) -> Option<&Candidate> {
        runs.points.get(place).and_then(|index| self.history.points.get(*index))
    }

    /// The point of one run, if the run made it.
    fn point(&self, runs: &Runs, place: usize) -> Option<Candidate> {
        let mut point = self.planned(runs, place)?.clone();
        if !runs.troubled() && self.chances.failed_run.is_none() {
            return Some(point);
        }
        point.available_at = self.made(runs, place)?;
        if point.superseded_at.is_some() {
            let later = (place + 1..runs.points.len()).find_map(|later| self.made(runs, later));
            point.superseded_at = later;
        }
        Some(point)
    }

    /// When the point of a run is there; none if the run failed, hung or was held up.
    fn made(&self, runs: &Runs, place: usize) -> Option<Instant> {
        let point = self.planned(runs, place)?;
        let fate = self.fate(runs, place);
        let made = !fate.fails && !self.held(runs, place);
        made.then_some(point.available_at + fate.late)
    }

    fn fate(&self, runs: &Runs, place: usize) -> Fate {
        let Some(point) = self.planned(runs, place) else { return Fate::default() };
        let mut own = self.stream.fork(OUTCOME).fork(point.consistent_at.0 as u64).fork(runs.origin);
        let outcome = own.uniform();
        let fails = outcome < self.chances.failed_run.unwrap_or(runs.fails + runs.hangs);
        // Of declared trouble only what hangs holds up others; on record, a run that failed went on for as long as it did.
        let holds = fails && (self.chances.failed_run.is_some() || outcome < runs.hangs);
        Fate {
            fails,
            holds: runs.holds.as_ref().filter(|_| holds).map_or(Span::ZERO, |holds| holds.draw(&mut own)),
            late: runs.late.as_ref().filter(|_| !fails).map_or(Span::ZERO, |late| late.draw(&mut own)),
        }
    }

    /// Whether a run is not started since one before it still hangs. A run that was not started holds up none.
    fn held(&self, runs: &Runs, place: usize) -> bool {
        let Some(longest) = runs.holds.as_ref().and_then(Time::longest) else { return false };
        let at = |place: usize| self.planned(runs, place).map_or(Instant::MIN, |point| point.consistent_at);
        let (mut first, mut before) = (place, place);
        while before > 0 && at(first) - at(before - 1) < longest {
            before -= 1;
            if self.fate(runs, before).holds > Span::ZERO {
                first = before;
            }
        }
        let mut free_at = Instant::MIN;
        for earlier in first..place {
            if at(earlier) >= free_at {
                free_at = at(earlier) + self.fate(runs, earlier).holds;
            }
        }
        at(place) < free_at
    }
}
