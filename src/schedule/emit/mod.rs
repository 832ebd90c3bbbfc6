//! What schedulers run from, written from a plan: crontab, systemd units, GitHub Actions, Kubernetes CronJobs.
//!
//! What is written says its time zone, holds no secret but the name of the place where it stands, asks for the least that
//! it needs, tells somebody when a run fails, and can be started by hand. What is written here, [`super::read`] reads as
//! the same schedule.

mod crontab;
mod github;
mod kubernetes;
mod systemd;
mod words;

pub use kubernetes::simulation;

use super::Schedule;
use crate::base::Span;

/// A run of a plan: on a schedule, or for ever.
#[derive(Debug, Clone)]
pub struct Job {
    /// The protection's name; letters, digits, `-` and `_`.
    pub name: String,
    /// In a few words, for people.
    pub about: String,
    pub when: When,
    /// Arguments of the program: words, and variables of the environment.
    pub arguments: Vec<Argument>,
    /// Variables of the environment that it needs beyond the usual ones.
    pub variables: Vec<String>,
}

#[derive(Debug, Clone)]
pub enum When {
    /// `takes`: longer than planned, it hangs.
    At { schedule: Schedule, takes: Span },
    /// A service that runs all the time.
    Always,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    Word(String),
    /// What this variable holds.
    Variable(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    Crontab,
    Systemd,
    Github,
    Kubernetes,
}

/// A file to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emitted {
    pub path: String,
    pub text: String,
}

/// Variables of the environment that a run needs, with what they are for. Secrets stand in no file that is written here.
pub const VARIABLES: &[(&str, &str)] = &[
    ("PLIMSOLL_REPO", "the repository, such as s3://bucket/prefix"),
    ("PLIMSOLL_URI", "the database's address, with its password"),
    ("PLIMSOLL_BUCKET", "the bucket of uploads, where there is one"),
    ("PLIMSOLL_POLICY", "the policy's file"),
    ("PLIMSOLL_WEBHOOK", "where failures are told; nothing is told without it"),
    ("AWS_ACCESS_KEY_ID", "the key of the repository's store"),
    ("AWS_SECRET_ACCESS_KEY", "and its secret"),
];

/// A run that takes so many times what is planned is ended, and tells of it.
const PATIENCE: i64 = 4;
const LEAST_LIMIT: Span = Span::hours(1);

/// The files for all of these; or why one of them cannot be written for it.
pub fn emit(jobs: &[Job], to: For) -> Result<Vec<Emitted>, String> {
    match to {
        For::Crontab => crontab::emit(jobs),
        For::Systemd => systemd::emit(jobs),
        For::Github => github::emit(jobs),
        For::Kubernetes => kubernetes::emit(jobs),
    }
}

impl Job {
    /// All variables whose values are secrets, or stand with them.
    fn secrets(&self) -> impl Iterator<Item = &str> {
        let usual = VARIABLES.iter().map(|(name, _)| *name).filter(|name| *name != "PLIMSOLL_POLICY");
        usual.chain(self.variables.iter().map(String::as_str))
    }
}

/// A run that takes longer than this hangs.
pub fn limit(takes: Span) -> Span {
    takes.saturating_mul(PATIENCE).max(LEAST_LIMIT)
}

/// Words that any shell takes as they are, else in single quotes.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_string(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// The command as a shell runs it.
fn command(job: &Job) -> String {
    let argument = |argument: &Argument| match argument {
        Argument::Word(word) => quoted(word),
        Argument::Variable(name) => format!("\"${name}\""),
    };
    let arguments: Vec<String> = job.arguments.iter().map(argument).collect();
    format!("plimsoll {}", arguments.join(" "))
}

/// Tells of a failure where anybody asked for it. The text is fixed, so that no name can become a part of the program.
fn tell(job: &Job, by: &str) -> String {
    let text = format!("{{\"text\":\"Plimsoll: the run of {} failed ({by})\"}}", job.name);
    format!(
        "[ -z \"$PLIMSOLL_WEBHOOK\" ] || curl --silent --show-error --fail --max-time 20 \
         --header 'Content-Type: application/json' --data '{text}' \"$PLIMSOLL_WEBHOOK\""
    )
}
