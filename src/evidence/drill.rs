//! A restore that was really done.

use serde::{Deserialize, Serialize};

use super::Origin;
use crate::base::{Instant, OpTime, Span};
use crate::seal::Recipient;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drill {
    pub id: String,
    pub asset: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<String>,
    /// The recovery point that was restored.
    pub point: String,
    /// The instant that the restore aimed at, where it replayed a log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<OpTime>,
    /// Where the tool does not record it: equal to `ended_at`, so that the drill times nothing.
    pub started_at: Instant,
    pub ended_at: Instant,
    pub phases: Vec<Phase>,
    pub checks: Vec<Check>,
    pub outcome: DrillOutcome,
    /// What became of the key; none where nothing was encrypted, or the tool does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyProof>,
    /// Bytes and documents restored: a drill on less than production's size proves less.
    pub bytes_restored: u64,
    pub documents: u64,
    pub origin: Origin,
}

/// A timed part of a restore: `load` (within it `fetch`, `decompress` and `insert`), `replay`, `index`, `verify`, `clean-up`,
/// or a step outside the tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    pub name: String,
    /// Milliseconds.
    pub took: Span,
    #[serde(default)]
    pub bytes: u64,
    /// The phase that this is a part of, where it went on beside other parts: what all who were at it spent, in sum, which
    /// may be more than that phase took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
}

impl Phase {
    /// A phase that is no part of another.
    pub fn new(name: impl Into<String>, took: Span, bytes: u64) -> Self {
        Phase { name: name.into(), took, bytes, within: None }
    }
}

/// One thing that was checked after the restore.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    pub name: String,
    pub passed: bool,
    pub detail: String,
    /// Nothing wrong was found, but a part could be held against nothing: no proof that the point is whole.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leaves_open: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase", deny_unknown_fields)]
pub enum DrillOutcome {
    /// Restored and every check passed.
    Passed,
    Failed {
        why: String,
    },
}

/// Whether an encrypted point could be opened with what the drill was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase", deny_unknown_fields)]
pub enum KeyProof {
    /// By the identities of these recipients.
    Opened {
        recipients: Vec<Recipient>,
    },
    Refused {
        why: String,
    },
}

/// A drill of less than one part in so many of production's size measures start-up times, not a restore.
pub const SMALLEST_PART: u64 = 10;

impl Drill {
    /// What the phase would take at production's `size`, if a restore's time grows with its bytes, and whether that was
    /// reckoned. None where the phase was not timed, or on too little to say anything about that size.
    pub fn phase_at(&self, name: &str, size: Option<u64>) -> Option<(Span, bool)> {
        let took = self.phase(name)?;
        match size {
            Some(size) if size / SMALLEST_PART > self.bytes_restored => None,
            Some(size) if size > self.bytes_restored => {
                let bytes = i128::from(self.bytes_restored);
                let longer = (i128::from(took.0) * i128::from(size) + bytes - 1).checked_div(bytes)?;
                Some((Span(i64::try_from(longer).unwrap_or(i64::MAX)), true))
            }
            _ => Some((took, false)),
        }
    }

    pub fn passed(&self) -> bool {
        self.outcome == DrillOutcome::Passed && self.checks.iter().all(|c| c.passed)
    }

    /// Whether a part of what was restored could be held against nothing.
    pub fn leaves_open(&self) -> bool {
        self.checks.iter().any(|check| check.leaves_open)
    }

    /// The reason that was recorded, else the first check that did not pass.
    pub fn why_failed(&self) -> String {
        let failed = self.checks.iter().find(|check| !check.passed);
        match (&self.outcome, failed) {
            (DrillOutcome::Failed { why }, _) => why.clone(),
            (_, Some(check)) => format!("{}: {}", check.name, check.detail),
            (_, None) => String::new(),
        }
    }

    pub fn took(&self) -> Span {
        self.ended_at - self.started_at
    }

    /// Whether it is known how long the restore took: none takes no time.
    pub fn timed(&self) -> bool {
        self.took() > Span::ZERO
    }

    pub fn phase(&self, name: &str) -> Option<Span> {
        if name == "total" {
            return self.timed().then(|| self.took());
        }
        // What went on beside something else says nothing of how long one waits.
        let mut phases = self.phases.iter().filter(|p| p.name == name && p.within.is_none()).peekable();
        phases.peek()?;
        Some(phases.map(|p| p.took).sum())
    }
}
