//! What is run beside the backups, and the places that failures, breaches and recoveries are told to.

use serde::{Deserialize, Serialize};

use super::{Place, Placed};
use crate::base::Span;
use crate::schedule::Schedule;

/// When what no protection does by itself is done; none where it is left to people.
#[derive(Debug, Clone, Default)]
pub struct Operations {
    pub verify: Option<Placed<Schedule>>,
    pub prune: Option<Placed<Schedule>>,
    pub drill: Option<Placed<Schedule>>,
    pub notify: Option<Placed<Schedule>>,
    /// How much a verification reads, as it is written: "5%".
    pub verify_sample: Option<String>,
    pub jitter: Span,
}

/// A place to tell.
#[derive(Debug, Clone, PartialEq)]
pub struct Notify {
    pub name: String,
    pub at: Place,
    pub channel: Channel,
    pub address: Secret,
    /// What it is signed with.
    pub key: Option<Secret>,
    pub on: Vec<Occasion>,
    pub remind_every: Option<Span>,
    pub after: Vec<Work>,
    pub allow_private: bool,
}

/// Where a secret stands; never the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    Variable(String),
    /// Relative to the file called `from`.
    File {
        from: String,
        path: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    Slack,
    Json,
    Ping,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Occasion {
    Failure,
    Breach,
    Unproven,
    Recovery,
}

/// What may go well or fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    Backup,
    Capture,
    Verify,
    Prune,
    Drill,
    Notify,
    /// The service's own heartbeat.
    Run,
}

impl Work {
    pub fn word(self) -> &'static str {
        match self {
            Work::Backup => "backup",
            Work::Capture => "capture",
            Work::Verify => "verify",
            Work::Prune => "prune",
            Work::Drill => "drill",
            Work::Notify => "notify",
            Work::Run => "run",
        }
    }
}

impl Operations {
    /// What is scheduled, in the order in which it is done where all of it is due at once: what nobody has looked at is
    /// read before it is restored, and what is told comes last.
    pub fn scheduled(&self) -> impl Iterator<Item = (Work, &Placed<Schedule>)> {
        let all = [
            (Work::Verify, &self.verify),
            (Work::Prune, &self.prune),
            (Work::Drill, &self.drill),
            (Work::Notify, &self.notify),
        ];
        all.into_iter().filter_map(|(work, schedule)| Some((work, schedule.as_ref()?)))
    }
}
