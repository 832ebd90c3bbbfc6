//! What schedulers really run, read from their own files: crontab, systemd timers, GitHub Actions, Kubernetes CronJobs.
//!
//! Strict where a line means a time, silent about all else. What a file does not say, such as the time zone of the host
//! that a crontab stands on, stays unsaid: whoever compares must ask for it, never guess.

mod crontab;
mod github;
mod kubernetes;
mod systemd;
mod yaml;

use chrono_tz::Tz;

use super::{Calendar, Schedule};
use crate::base::{Instant, Place, Span};

/// A schedule file is written by hand: anything larger is another file.
const LARGEST_BYTES: usize = 1 << 20;
const MOST_ENTRIES: usize = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Crontab,
    Systemd,
    GithubActions,
    Kubernetes,
}

/// One file with the runs that it starts.
#[derive(Debug, Clone)]
pub struct File {
    pub kind: Kind,
    pub entries: Vec<Entry>,
}

/// One line that starts runs.
#[derive(Debug, Clone)]
pub struct Entry {
    pub at: Place,
    pub times: Times,
    /// As it is written.
    pub text: String,
    /// None: the file does not say, the host's clock decides.
    pub zone: Option<Tz>,
    /// How much later than its time a run may begin by the file's own word.
    pub delay: Option<(Span, Place)>,
    /// Where it is switched off.
    pub suspended: Option<Place>,
    /// What it is called and what it runs: names and commands.
    pub says: Vec<String>,
}

#[derive(Debug, Clone)]
pub enum Times {
    Cron,
    Calendar(Box<Calendar>),
    /// Why no instants can be told from the file alone.
    Unclear(String),
}

/// What is wrong with a schedule file, and where.
pub type Refused = (Place, String);

impl Kind {
    pub fn word(self) -> &'static str {
        match self {
            Kind::Crontab => "crontab",
            Kind::Systemd => "systemd timer",
            Kind::GithubActions => "GitHub Actions workflow",
            Kind::Kubernetes => "Kubernetes CronJob",
        }
    }
}

impl Entry {
    fn new(at: Place, text: &str, times: Times) -> Self {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Entry { at, times, text, zone: None, delay: None, suspended: None, says: vec![] }
    }

    /// Whether it is called so, or runs something called so.
    pub fn mentions(&self, name: &str) -> bool {
        self.says.iter().any(|says| mentions(says, name))
    }

    /// The first `most` runs from `from` on and before `until`, with `host` as the clock of what does not say its own.
    pub fn runs(&self, from: Instant, until: Instant, host: Tz, most: usize) -> Result<Vec<Instant>, String> {
        let zone = self.zone.unwrap_or(host);
        match &self.times {
            Times::Cron => {
                let schedule = Schedule::parse(&self.text, zone)?;
                Ok(schedule.runs_from(from).take_while(|run| *run < until).take(most).collect())
            }
            Times::Calendar(calendar) => {
                Ok(calendar.runs_from(from, zone).take_while(|run| *run < until).take(most).collect())
            }
            Times::Unclear(why) => Err(why.clone()),
        }
    }
}

/// Whether `name` stands in `text` as a word of its own: `backup.sh` in `/opt/backup.sh >> log`, not in `mybackup.sh`.
pub fn mentions(text: &str, name: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let mut found = text.match_indices(name).filter(|_| !name.is_empty());
    found.any(|(at, _)| {
        let before = text.get(..at).and_then(|s| s.chars().next_back());
        let after = text.get(at + name.len()..).and_then(|s| s.chars().next());
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

/// Reads the text of the file called `name`, whose number is `file`.
pub fn read(name: &str, text: &str, file: u32) -> Result<File, Refused> {
    let top = Place::on(file, 1, 1, 1);
    if text.len() > LARGEST_BYTES {
        return Err((top, format!("the file has {} bytes; a schedule of {LARGEST_BYTES} is read", text.len())));
    }
    let is = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    let read = match () {
        () if is(&[".yml", ".yaml"]) => of_yaml(name, text, file)?,
        () if is(&[".timer"]) || text.lines().any(|line| line.trim() == "[Timer]") => systemd::read(name, text, file)?,
        () => crontab::read(text, file)?,
    };
    match read.entries.get(MOST_ENTRIES) {
        Some(entry) => Err((entry.at, format!("more than {MOST_ENTRIES} entries"))),
        None => Ok(read),
    }
}

/// A workflow, or CronJobs among other objects.
fn of_yaml(name: &str, text: &str, file: u32) -> Result<File, Refused> {
    let documents = yaml::read(text, file)?;
    let is_cron_job = |d: &yaml::Node| d.get("kind").and_then(yaml::Node::text) == Some("CronJob");
    let jobs: Vec<&yaml::Node> = documents.iter().flat_map(kubernetes::objects).filter(|d| is_cron_job(d)).collect();
    if !jobs.is_empty() {
        return kubernetes::read(&jobs).map(|entries| File { kind: Kind::Kubernetes, entries });
    }
    match documents.iter().find(|d| d.get("on").is_some()) {
        Some(workflow) => github::read(name, workflow).map(|entries| File { kind: Kind::GithubActions, entries }),
        None => {
            let said = "neither a GitHub Actions workflow (`on:`) nor a Kubernetes CronJob (`kind: CronJob`)";
            Err((Place::on(file, 1, 1, 1), said.to_string()))
        }
    }
}

/// `@daily` and its like, as the five fields that they stand for.
fn nickname(word: &str) -> Option<&'static str> {
    Some(match word {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        _ => return None,
    })
}

/// A cron expression at its place, or why it is none.
fn cron_entry(at: Place, text: &str) -> Result<Entry, Refused> {
    let text = nickname(text.trim()).unwrap_or(text);
    match Schedule::parse(text, Tz::UTC) {
        Ok(_) => Ok(Entry::new(at, text, Times::Cron)),
        Err(said) => Err((at, said)),
    }
}
