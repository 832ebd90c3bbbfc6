//! What the service does: the runs that a scheduler would start, with the same words, and what is known of them.

use std::path::{Path, PathBuf};

use crate::base::{Fault, Instant, Result, Span};
use crate::cli::connect::RepositoryArgs;
use crate::cli::schedule::jobs;
use crate::evidence::Ran;
use crate::policy::{Policy, Scheduler, Work};
use crate::schedule::Schedule;
use crate::schedule::due::Done;
use crate::schedule::emit::{Argument, For, When, limit};

/// A run that is due at times, or that goes on for ever.
#[derive(Debug, Clone)]
pub struct Task {
    pub name: String,
    pub verb: String,
    pub asset: Option<String>,
    pub protection: Option<String>,
    /// None: it goes on for ever.
    pub schedule: Option<Schedule>,
    /// A run that takes longer hangs.
    pub limit: Span,
    /// As on the command line, without the program.
    pub words: Vec<String>,
}

/// Where what all of them need stands.
pub struct Given<'a> {
    pub policy: &'a Path,
    pub repository: &'a RepositoryArgs,
    /// What a drill opens what is encrypted with; who only writes needs none.
    pub identities: &'a [PathBuf],
    pub quiet: bool,
    pub json: bool,
}

/// Names, and why Plimsoll does not run them.
type LeftOut = Vec<(String, String)>;

/// All that the policy plans and leaves to Plimsoll, and what is left to others, with the reason.
pub fn of(policy: &Policy, given: &Given) -> Result<(Vec<Task>, LeftOut)> {
    let (planned, mut left_out) = jobs::of(policy, For::Crontab);
    let mut tasks = Vec::new();
    for job in planned {
        let mut words = Vec::new();
        for argument in job.arguments {
            words.push(match argument {
                Argument::Word(word) => word,
                Argument::Variable(name) => std::env::var(&name).map_err(|_| {
                    Fault::usage(format!("`{}` needs the variable `{name}` of the environment", job.name))
                        .help("set it where the service runs")
                })?,
            });
        }
        let after = |flag: &str| words.iter().skip_while(|word| *word != flag).nth(1).cloned();
        let (asset, protection) = (after("--asset"), after("--protection"));
        let scheduler = protection.as_ref().and_then(|name| policy.protection(name)?.scheduler.as_ref());
        if scheduler.is_some_and(|scheduler| scheduler.value != Scheduler::Plimsoll) {
            left_out.push((job.name, "the policy leaves it to another scheduler".to_string()));
            continue;
        }
        let verb = words.first().cloned().unwrap_or_default();
        given.add(&verb, &mut words);
        let (schedule, limit) = match job.when {
            When::At { schedule, takes } => (Some(schedule), limit(takes)),
            When::Always => (None, Span::LONGEST),
        };
        tasks.push(Task { name: job.name, verb, asset, protection, schedule, limit, words });
    }
    Ok((tasks, left_out))
}

impl Given<'_> {
    fn add(&self, verb: &str, words: &mut Vec<String>) {
        let policy = self.policy.display().to_string();
        words.extend(["--repo".to_string(), self.repository.repo.clone()]);
        match verb {
            "notify" => words.push(policy),
            _ => words.extend(["--policy".to_string(), policy]),
        }
        if verb == Work::Drill.word() {
            let files = self.identities.iter().map(|file| file.display().to_string());
            words.extend(files.flat_map(|file| ["--identity".to_string(), file]));
        }
        let s3 = &self.repository.s3;
        for (flag, value) in [("--s3-endpoint", &s3.s3_endpoint), ("--s3-region", &s3.s3_region)] {
            words.extend(value.iter().filter(|value| !value.is_empty()).flat_map(|v| [flag.to_string(), v.clone()]));
        }
        words.extend(self.quiet.then(|| "--quiet".to_string()));
        words.extend(self.json.then(|| "--format=json".to_string()));
    }
}

impl Task {
    /// What the evidence shows of it. That a verification or a drill found something wrong is work done.
    pub fn done(&self, ran: &[Ran]) -> Done {
        // That nothing was new leaves no record: whoever begins looks.
        if self.verb == Work::Notify.word() {
            return Done::default();
        }
        let of_protection = |run: &Ran| self.protection.is_none() || run.protection == self.protection;
        let mut own: Vec<&Ran> = ran.iter().filter(|run| run.verb == self.verb && of_protection(run)).collect();
        own.retain(|run| self.asset.as_ref().is_none_or(|asset| *asset == run.asset));
        own.sort_by_key(|run| run.started_at);
        let found = matches!(self.verb.as_str(), "verify" | "drill");
        let mut done = Done::default();
        for run in own {
            done = match found || run.failed.is_none() {
                true => after_well(done, run.started_at, run.ended_at()),
                false => after_failure(done, run.ended_at()),
            };
        }
        done
    }
}

pub fn after_well(before: Done, began: Instant, ended: Instant) -> Done {
    Done { well: before.well.max(Some(began)), tried: before.tried.max(Some(ended)), failures: 0 }
}

pub fn after_failure(before: Done, ended: Instant) -> Done {
    Done { tried: before.tried.max(Some(ended)), failures: before.failures.saturating_add(1), ..before }
}

/// What this process knows and what the evidence shows, together: whichever is newer.
pub fn newer(own: Done, shown: Done) -> Done {
    let well = own.well.max(shown.well);
    if shown.well > own.well {
        return Done { well, ..shown };
    }
    let failures = own.failures.max(if shown.tried > own.tried { shown.failures } else { 0 });
    Done { well, tried: own.tried.max(shown.tried), failures }
}
