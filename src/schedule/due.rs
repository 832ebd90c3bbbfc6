//! Whether a job is due: from its schedule, from what was last done, and from now. Pure, so that a process that was down,
//! for however long, catches up by what the evidence shows and not by what it remembers.
//!
//! One run makes good for all that were missed; what was never done is due at once. A run that failed is tried again,
//! after a pause that doubles. How much later than planned a run begins is drawn from the job and the planned instant: the
//! same on every host and after every restart.

use super::Schedule;
use crate::base::rng::Stream;
use crate::base::{Instant, Span};

const FIRST_PAUSE: Span = Span::minutes(1);
const LONGEST_PAUSE: Span = Span::hours(1);
/// Missed runs are counted so far.
const MOST_MISSED: usize = 10_000;

/// What is known of a job's runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// When the last run that did its work began.
    pub well: Option<Instant>,
    /// When the last run ended, however it did.
    pub tried: Option<Instant>,
    /// Runs that failed in a row since.
    pub failures: u32,
}

/// When a job is to run next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// `missed`: planned runs that this one makes good for, beside its own.
    Now {
        missed: usize,
    },
    At(Instant),
    /// Its calendar has ended.
    Never,
}

/// A job that is planned.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// By which it draws its delays: the policy's name and its own.
    pub name: (&'a str, &'a str),
    pub schedule: &'a Schedule,
    /// The most that it may begin later than planned.
    pub jitter: Span,
}

impl Job<'_> {
    pub fn next(&self, done: Done, now: Instant) -> Next {
        let next = match done.well {
            None => Next::Now { missed: 0 },
            Some(well) => self.after(well, now),
        };
        let pause = done.tried.filter(|_| done.failures > 0).map(|tried| tried + pause(done.failures));
        match (next, pause) {
            (Next::Now { .. }, Some(pause)) if pause > now => Next::At(pause),
            (next, _) => next,
        }
    }

    /// The first planned run after `well`, with its delay.
    fn after(&self, well: Instant, now: Instant) -> Next {
        let mut runs = self.schedule.runs_from(well + Span::millis(1));
        let Some(first) = runs.next() else { return Next::Never };
        let at = first + self.delay(first);
        if at > now {
            return Next::At(at);
        }
        Next::Now { missed: runs.take_while(|run| *run <= now).take(MOST_MISSED).count() }
    }

    /// At most half of the time to the next run, so that no run is delayed into it.
    pub fn delay(&self, planned: Instant) -> Span {
        let next = self.schedule.next_after(planned).map_or(self.jitter, |next| next - planned);
        let most = self.jitter.min(Span(next.0 / 2)).max(Span::ZERO);
        // FNV-1a, each name with its end: the delay must be the same on every platform.
        let bytes = [self.name.0.as_bytes(), &[0], self.name.1.as_bytes()].concat();
        let seed = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let drawn = Stream::new(seed, planned.0.cast_unsigned()).below(most.0.cast_unsigned().saturating_add(1));
        Span(drawn.cast_signed())
    }
}

/// How long after so many failures in a row it is tried again.
pub fn pause(failures: u32) -> Span {
    FIRST_PAUSE.saturating_mul(1_i64 << failures.saturating_sub(1).min(20)).min(LONGEST_PAUSE)
}
