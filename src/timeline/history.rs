//! What could be restored from, over time: built from the declared plan or from evidence, then treated alike.

use std::sync::Arc;

pub use super::declared::declared;
pub use super::observed::{observed, shown};
use crate::base::{Instant, OpTime, Span};
use crate::policy::{Asset, Protection};

/// Where a history comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    Declared,
    Observed,
}

/// One asset's recovery points and coverage, in order of their instants.
#[derive(Debug, Clone)]
pub struct History {
    pub asset: String,
    pub basis: Basis,
    pub points: Vec<Candidate>,
    pub coverage: Vec<Covered>,
}

/// A recovery point with what decides whether a failure leaves it usable.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The point's own, or its protection's where it is only declared.
    pub id: Arc<str>,
    pub protection: Option<Arc<str>>,
    pub consistent_at: Instant,
    pub cluster_time: Option<OpTime>,
    pub available_at: Instant,
    pub expires_at: Option<Instant>,
    pub locked_until: Option<Instant>,
    /// Domains that it stands in; empty means unknown, so that nothing shows that it survives.
    pub stored_in: Arc<[String]>,
    /// Domains that its making needs, the live data's own among them; empty means unknown.
    pub runs_in: Arc<[String]>,
    /// It is known not to bring the asset back: a restore of it failed, or a part of the asset was left out of it.
    pub known_bad: bool,
    /// Its parts are of different instants from `consistent_at` to `available_at`: a corruption in between is in it,
    /// and no log can be rolled forward from it.
    pub torn: bool,
    /// A mirror carries a corruption on.
    pub mirror: bool,
    /// Replaced by the next run, done at that instant, unless the failure stops the runs first.
    pub superseded_at: Option<Instant>,
}

/// Instants in `[first, last]` that a log can roll a point within it forward to.
#[derive(Debug, Clone)]
pub struct Covered {
    pub protection: Option<Arc<str>>,
    pub first: Instant,
    pub last: Instant,
    /// The exact start, where the log knows cluster times.
    pub first_op: Option<OpTime>,
    /// An instant x in it can be restored to from `x + lag` on; not used where `flushes` are known.
    pub lag: Span,
    /// When each piece really became available, in order. Empty: continuous, `lag` behind.
    pub flushes: Arc<[Flush]>,
    pub expires_at: Option<Instant>,
    /// What was written at x is gone at `x + window`.
    pub window: Option<Span>,
    /// What was written at x cannot be deleted before `x + lock`.
    pub lock: Option<Span>,
    /// Restores by itself; otherwise a point within it is needed to start from.
    pub own_base: bool,
    pub stored_in: Arc<[String]>,
    pub runs_in: Arc<[String]>,
}

/// One piece of a log as it was really stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flush {
    pub last: Instant,
    /// When this piece and all before it were there.
    pub available_at: Instant,
    /// When this piece, or one after it, is the first to go.
    pub expires_at: Option<Instant>,
}

impl History {
    pub(super) fn assemble(asset: &str, basis: Basis, mut points: Vec<Candidate>, mut coverage: Vec<Covered>) -> Self {
        points.sort_by(|a, b| (a.consistent_at, a.available_at, &a.id).cmp(&(b.consistent_at, b.available_at, &b.id)));
        coverage.sort_by_key(|c| (c.first, c.last));
        History { asset: asset.to_string(), basis, points, coverage }
    }
}

impl Covered {
    /// Whether this log can be rolled forward from `point`.
    pub fn admits(&self, point: &Candidate) -> bool {
        let begins_in_time = match (self.first_op, point.cluster_time) {
            (Some(first), Some(base)) => first <= base,
            _ => self.first <= point.consistent_at,
        };
        !point.torn && !point.mirror && begins_in_time && point.consistent_at <= self.last
    }

    /// When the log no longer reaches back to `base`.
    pub fn reaches_back_until(&self, base: Instant) -> Option<Instant> {
        let piece = self.flushes.get(self.flushes.partition_point(|f| f.last < base)).and_then(|f| f.expires_at);
        [self.expires_at, self.window.map(|w| base + w), piece].into_iter().flatten().min()
    }
}

/// What making a copy needs: what the policy says, and the live data itself, which is read. Empty if the policy is
/// silent, since then nothing is known.
pub(super) fn needs(protection: &Protection, asset: &Asset, source: &[String]) -> Arc<[String]> {
    if protection.runs_in.is_empty() {
        return Arc::from([]);
    }
    let declared = protection.runs_in.iter().map(|d| d.value.clone());
    declared.chain(asset.lives_in.iter().map(|d| d.value.clone())).chain(source.iter().cloned()).collect()
}

pub(super) fn stands_in(protection: &Protection) -> Arc<[String]> {
    protection.stored_in.iter().map(|d| d.value.clone()).collect()
}
