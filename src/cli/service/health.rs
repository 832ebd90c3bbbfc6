//! The health file: written whole by the service's own loop, so that it grows old when the loop hangs.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::base::{Fault, Instant, Result, Span};
use crate::report::write;

/// Older than so, nobody writes it any more.
pub const GOOD_FOR: Span = Span::minutes(1);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Health {
    pub format: u32,
    pub policy: String,
    pub pid: u32,
    /// When the loop last went round.
    pub at: Instant,
    pub state: State,
    pub jobs: Vec<JobHealth>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Running,
    Stopping,
    Stopped,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JobHealth {
    pub name: String,
    /// Since when it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running_since: Option<Instant>,
    /// When the last run that did its work began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_well: Option<Instant>,
    pub failures: u32,
    /// Why the last run failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// When it is due, or was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Instant>,
    /// It runs for longer than it may.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hangs: bool,
}

impl Health {
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(|e| Fault::bug("cannot write JSON").because(e))?;
        write::file(path, &(text + "\n"))
    }

    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read(path).map_err(|e| Fault::io("read the health in", path.display(), e))?;
        let wrong = |e| Fault::corrupt(format!("`{}` is no health of a service", path.display())).because(e);
        serde_json::from_slice(&text).map_err(wrong)
    }

    /// Nothing failed last, and nothing hangs.
    pub fn is_well(&self) -> bool {
        self.jobs.iter().all(|job| job.failed.is_none() && job.failures == 0 && !job.hangs)
    }

    /// Whether the service that wrote it is alive at `now`; jobs that fail are told elsewhere, and no reason to end it.
    pub fn must_be_alive(&self, now: Instant) -> Result<()> {
        let age = now - self.at;
        if self.state == State::Stopped {
            return Err(Fault::missing(format!("the service of `{}` has stopped at {}", self.policy, self.at)));
        }
        match age <= GOOD_FOR {
            true => Ok(()),
            false => Err(Fault::unreachable(format!("the service of `{}` gave its last sign {age} ago", self.policy))
                .help("it hangs or was killed: start it again")),
        }
    }
}
