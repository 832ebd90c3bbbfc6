//! Recovery points, coverage and runs. The serialised form is what `inventory --format json` prints and
//! `--evidence FILE` reads: one format for recorded evidence, whatever it came from.

use serde::{Deserialize, Serialize};

use super::Drill;
use crate::base::{Instant, OpTime, Span};
use crate::policy::Consistency;
use crate::seal::Recipient;

/// All that is known at `read_at`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// When the evidence was read: nothing is known of later instants.
    pub read_at: Instant,
    #[serde(default)]
    pub points: Vec<RecoveryPoint>,
    #[serde(default)]
    pub coverage: Vec<Coverage>,
    #[serde(default)]
    pub drills: Vec<Drill>,
    #[serde(default)]
    pub runs: Vec<Run>,
    /// What was there and could not be read. Never silently dropped: it keeps verdicts from being Met.
    #[serde(default)]
    pub unreadable: Vec<Unreadable>,
}

/// One restorable state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecoveryPoint {
    pub id: String,
    pub asset: String,
    /// The policy's protection that made it, if the evidence says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<String>,
    /// The instant whose state it restores. Where consistency is none: the start of the reading, the earliest of its parts.
    pub consistent_at: Instant,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_time: Option<OpTime>,
    /// From when it could be restored from.
    pub available_at: Instant,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// No credential can delete it before then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<Instant>,
    /// Domains that it stands in; empty means: those that the policy declares for its protection.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stored_in: Vec<String>,
    /// None: the evidence does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency: Option<Consistency>,
    /// What was left out of it by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted: Option<bool>,
    /// Who can open it, where that is known: public keys of age.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<Recipient>,
    pub health: Health,
    /// Bytes that it takes beside what older points of its repository hold already, and bytes that it restores to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_stored: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_restored: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documents: Option<u64>,
    pub origin: Origin,
}

/// What is known about a point's bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase", deny_unknown_fields)]
pub enum Health {
    /// Nobody has read it back.
    Unverified,
    /// Read back and equal, at that instant.
    Verified { at: Instant },
    /// Known not to restore.
    Bad { at: Instant, why: String },
}

/// Where a piece of evidence came from, so that an auditor can go and look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// Tool that made the evidence, such as `plimsoll` or `restic`.
    pub tool: String,
    /// Object key or file and line.
    pub place: String,
    /// SHA-256 of the object or file, hexadecimal, where it was read whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// A gap-free piece of a log: a base whose cluster time lies within it can be rolled forward to any instant up to `last`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    pub asset: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<String>,
    /// A base is rolled forward by this piece if its cluster time lies in `[first, last]`.
    pub first: OpTime,
    pub last: OpTime,
    /// From when `last` could be restored to.
    pub available_at: Instant,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// No credential can delete it before then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<Instant>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stored_in: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_stored: Option<u64>,
    /// Before it left the host; none: the evidence does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted: Option<bool>,
    pub origin: Origin,
}

/// A run of any verb, failures included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    pub id: String,
    pub verb: String,
    pub asset: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<String>,
    pub started_at: Instant,
    pub ended_at: Instant,
    pub outcome: RunOutcome,
    pub origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase", deny_unknown_fields)]
pub enum RunOutcome {
    Done,
    Failed { why: String },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unreadable {
    pub place: String,
    pub why: String,
}

impl Evidence {
    /// No evidence at all, as read at `read_at`.
    pub fn none(read_at: Instant) -> Self {
        Evidence { read_at, points: vec![], coverage: vec![], drills: vec![], runs: vec![], unreadable: vec![] }
    }

    /// The drills of `asset`, oldest first.
    pub fn drills_of<'a>(&'a self, asset: &'a str) -> Vec<&'a Drill> {
        let mut drills: Vec<&Drill> = self.drills.iter().filter(|d| d.asset == asset).collect();
        drills.sort_by_key(|d| d.started_at);
        drills
    }
}

impl Evidence {
    /// What was known at `at`: later evidence is left out, and what a later drill showed is forgotten.
    pub fn as_of(mut self, at: Instant) -> Self {
        self.read_at = self.read_at.min(at);
        self.points.retain(|point| point.available_at <= at);
        self.coverage.retain(|coverage| coverage.available_at <= at);
        self.drills.retain(|drill| drill.ended_at <= at);
        self.runs.retain(|run| run.ended_at <= at);
        for point in &mut self.points {
            if point.health.known_since().is_some_and(|since| since > at) {
                point.health = Health::by_drills(&point.asset, &point.id, &self.drills);
            }
        }
        self
    }
}

impl Evidence {
    /// Coverage as people read it: pieces of one log whose ends meet made one, with the newest piece's availability.
    pub fn merged_coverage(&self) -> Vec<Coverage> {
        let mut pieces: Vec<&Coverage> = self.coverage.iter().collect();
        let log = |c: &Coverage| (c.asset.clone(), c.protection.clone(), c.stored_in.clone());
        pieces.sort_by_cached_key(|piece| (log(piece), piece.first, piece.last));
        let mut merged: Vec<Coverage> = Vec::new();
        for piece in pieces {
            match merged.last_mut() {
                Some(open) if log(open) == log(piece) && piece.first <= open.last => {
                    open.last = open.last.max(piece.last);
                    open.available_at = open.available_at.max(piece.available_at);
                    open.expires_at = [open.expires_at, piece.expires_at].into_iter().flatten().min();
                    open.locked_until = open.locked_until.zip(piece.locked_until).map(|(a, b)| a.min(b));
                }
                _ => merged.push(piece.clone()),
            }
        }
        merged
    }
}

impl Health {
    /// What the newest of a point's drills showed. A failed restore makes it bad until another one passes; one that passed
    /// and left something open proves nothing.
    pub fn by_drills(asset: &str, point: &str, drills: &[Drill]) -> Health {
        let of_point = drills.iter().filter(|drill| drill.asset == asset && drill.point == point);
        match of_point.max_by_key(|drill| drill.ended_at) {
            None => Health::Unverified,
            Some(drill) if drill.passed() && drill.leaves_open() => Health::Unverified,
            Some(drill) if drill.passed() => Health::Verified { at: drill.ended_at },
            Some(drill) => Health::Bad { at: drill.ended_at, why: drill.why_failed() },
        }
    }

    pub fn known_since(&self) -> Option<Instant> {
        match self {
            Health::Unverified => None,
            Health::Verified { at } | Health::Bad { at, .. } => Some(*at),
        }
    }
}

impl Run {
    pub fn took(&self) -> Span {
        self.ended_at - self.started_at
    }
}
