//! Many years, spread over threads, read as one result.

use std::sync::atomic::{AtomicU64, Ordering};

use super::model::Model;
use super::prepared::Prepared;
use super::read::read;
use super::result::Simulation;
use super::shard::{self, Partial, Shard};
use super::tally::Tally;
use super::year::Years;
use crate::base::{Instant, Result};
use crate::evidence::Evidence;
use crate::policy::Policy;
use crate::timeline::Basis;

#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub seed: u64,
    /// Years to simulate.
    pub years: u64,
    /// What is simulated: the plan as declared, or the record as observed.
    pub basis: Basis,
    /// Threads to use; the result does not depend on it.
    pub threads: usize,
    /// Where the declared plan's window begins, and where the record ends.
    pub as_of: Instant,
}

/// Incidents to draw, at most: what takes seconds. Fewer years are simulated instead, and the result says so.
const INCIDENTS_MAX: f64 = 100e6;
/// Years that a thread takes at a time.
const CHUNK: u64 = 512;
/// Years of the first round of a campaign that goes on until its error is small: whole chunks.
const FIRST_ROUND: u64 = 16 * CHUNK;

/// Simulates `options.years` years of the policy's scenarios.
pub fn run(policy: &Policy, evidence: Option<&Evidence>, options: &Options) -> Simulation {
    let (prepared, years) = prepare(policy, evidence, options);
    let mut tally = Tally::new(&prepared);
    spread(&prepared, options, (0, years), &mut tally);
    read(policy, prepared, options, years, &tally)
}

/// Simulates more and more years, until the standard error of the expected annual loss is no more than `error` of it, or
/// `options.years` are done. How many that takes does not depend on the threads.
pub fn run_until(policy: &Policy, evidence: Option<&Evidence>, options: &Options, error: f64) -> Simulation {
    let (mut prepared, most) = prepare(policy, evidence, options);
    let mut tally = Tally::new(&prepared);
    let (mut done, mut next) = (0, FIRST_ROUND.min(most));
    loop {
        spread(&prepared, options, (done, next), &mut tally);
        done = next;
        let reached = tally.annual(&prepared).is_some_and(|cents| cents.standard_error <= error * cents.mean);
        if reached && tally.incidents().all(|incidents| incidents > 0) {
            break;
        }
        if done >= most {
            prepared.model.say(format!(
                "after {done} years the error is still more than {} % of the expected loss",
                error * 100.0
            ));
            break;
        }
        next = done.saturating_mul(2).min(most);
    }
    read(policy, prepared, options, done, &tally)
}

/// Simulates the years of one shard.
pub fn part(policy: &Policy, evidence: Option<&Evidence>, options: &Options, inputs: String, shard: Shard) -> Partial {
    let (prepared, years) = prepare(policy, evidence, options);
    let (from, until) = shard.of_chunks(years.div_ceil(CHUNK));
    let mut tally = Tally::new(&prepared);
    spread(&prepared, options, (from * CHUNK, (until * CHUNK).min(years)), &mut tally);
    Partial { format: shard::FORMAT, inputs, shard, tally }
}

/// Reads all shards as the one campaign that they are.
pub fn join(
    policy: &Policy,
    evidence: Option<&Evidence>,
    options: &Options,
    inputs: &str,
    parts: Vec<Partial>,
) -> Result<Simulation> {
    let (prepared, years) = prepare(policy, evidence, options);
    let tally = shard::join(inputs, parts, Tally::new(&prepared))?;
    Ok(read(policy, prepared, options, years, &tally))
}

/// What the years are simulated with, and how many of them.
fn prepare<'a>(policy: &'a Policy, evidence: Option<&Evidence>, options: &Options) -> (Prepared<'a>, u64) {
    let mut model = Model::new(policy, evidence, options.basis, options.as_of);
    let per_year: f64 = model.scenarios.iter().map(|hazard| hazard.drawn_per_year).sum();
    let affordable = if per_year > 0.0 { (INCIDENTS_MAX / per_year).floor().max(1.0) as u64 } else { u64::MAX };
    let years = options.years.min(affordable);
    if years < options.years {
        model.say(format!(
            "{years} years are simulated instead of {}: at {per_year:.0} incidents a year, that is the work allowed",
            options.years
        ));
    }
    (Prepared::new(policy, model, years), years)
}

/// The years `from` (a whole chunk's first) to before `until`, in chunks that idle threads take in turn.
fn spread(prepared: &Prepared, options: &Options, (from, until): (u64, u64), into: &mut Tally) {
    let chunks = until.div_ceil(CHUNK);
    let next = AtomicU64::new(from / CHUNK);
    let work = || {
        let mut tally = Tally::new(prepared);
        let mut years = Years::new(prepared, options.seed);
        loop {
            let chunk = next.fetch_add(1, Ordering::Relaxed);
            if chunk >= chunks {
                return tally;
            }
            for year in chunk * CHUNK..((chunk + 1) * CHUNK).min(until) {
                years.simulate(year, &mut tally);
            }
        }
    };
    let threads = (options.threads.max(1) as u64).min(chunks.max(1));
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        into.merge(work());
        for other in others {
            match other.join() {
                Ok(part) => into.merge(part),
                // A thread that stopped took years with it: a result without them would be wrong in silence.
                Err(stopped) => std::panic::resume_unwind(stopped),
            }
        }
    });
}
