//! The evidence itself, with ids, instants and hashes, so that an auditor can go and look.

use serde::Serialize;

use super::{clean, clean_option, spelled};
use crate::base::{Instant, Span};
use crate::evidence::{Evidence, Health, Origin, RunOutcome};

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Appendix {
    /// Newest first, as are the others.
    pub points: Vec<PointRow>,
    pub coverage: Vec<CoverageRow>,
    pub runs: Vec<RunRow>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PointRow {
    pub id: String,
    pub asset: String,
    pub protection: Option<String>,
    pub consistent_at: Instant,
    pub available_at: Instant,
    pub expires_at: Option<Instant>,
    pub locked_until: Option<Instant>,
    pub stored_in: Vec<String>,
    pub consistency: Option<String>,
    pub encrypted: Option<bool>,
    /// `verified`, `unverified`, `bad`.
    pub health: &'static str,
    pub health_at: Option<Instant>,
    pub health_why: Option<String>,
    pub bytes_stored: Option<u64>,
    pub bytes_restored: Option<u64>,
    pub documents: Option<u64>,
    pub tool: String,
    pub place: String,
    pub sha256: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CoverageRow {
    pub asset: String,
    pub protection: Option<String>,
    pub first: String,
    pub last: String,
    pub first_at: Instant,
    pub last_at: Instant,
    pub available_at: Instant,
    pub expires_at: Option<Instant>,
    pub tool: String,
    pub place: String,
    pub sha256: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunRow {
    pub id: String,
    pub verb: String,
    pub asset: String,
    pub protection: Option<String>,
    pub started_at: Instant,
    pub took: Span,
    pub done: bool,
    pub why: Option<String>,
    pub tool: String,
    pub place: String,
    pub sha256: Option<String>,
}

fn origin(origin: &Origin) -> (String, String, Option<String>) {
    (clean(&origin.tool), clean(&origin.place), clean_option(origin.sha256.as_ref()))
}

pub fn of(evidence: Option<&Evidence>) -> Appendix {
    let Some(evidence) = evidence else { return Appendix::default() };
    let mut made = Appendix {
        points: evidence.points.iter().map(point).collect(),
        coverage: coverage(evidence),
        runs: runs(evidence),
    };
    made.points.sort_by(|a, b| (b.consistent_at, &a.asset, &a.id).cmp(&(a.consistent_at, &b.asset, &b.id)));
    made.coverage.sort_by(|a, b| (b.last_at, &a.asset, &a.place).cmp(&(a.last_at, &b.asset, &b.place)));
    made.runs.sort_by(|a, b| (b.started_at, &a.id).cmp(&(a.started_at, &b.id)));
    made
}

fn point(point: &crate::evidence::RecoveryPoint) -> PointRow {
    let (tool, place, sha256) = origin(&point.origin);
    let (health, health_at, health_why) = match &point.health {
        Health::Unverified => ("unverified", None, None),
        Health::Verified { at } => ("verified", Some(*at), None),
        Health::Bad { at, why } => ("bad", Some(*at), Some(clean(why))),
    };
    PointRow {
        id: clean(&point.id),
        asset: clean(&point.asset),
        protection: clean_option(point.protection.as_ref()),
        consistent_at: point.consistent_at,
        available_at: point.available_at,
        expires_at: point.expires_at,
        locked_until: point.locked_until,
        stored_in: point.stored_in.iter().map(|name| clean(name)).collect(),
        consistency: point.consistency.map(spelled),
        encrypted: point.encrypted,
        health,
        health_at,
        health_why,
        bytes_stored: point.bytes_stored,
        bytes_restored: point.bytes_restored,
        documents: point.documents,
        tool,
        place,
        sha256,
    }
}

fn coverage(evidence: &Evidence) -> Vec<CoverageRow> {
    let row = |piece: &crate::evidence::Coverage| {
        let (tool, place, sha256) = origin(&piece.origin);
        CoverageRow {
            asset: clean(&piece.asset),
            protection: clean_option(piece.protection.as_ref()),
            first: piece.first.to_string(),
            last: piece.last.to_string(),
            first_at: piece.first.instant(),
            last_at: piece.last.instant(),
            available_at: piece.available_at,
            expires_at: piece.expires_at,
            tool,
            place,
            sha256,
        }
    };
    evidence.coverage.iter().map(row).collect()
}

fn runs(evidence: &Evidence) -> Vec<RunRow> {
    let row = |run: &crate::evidence::Run| {
        let (tool, place, sha256) = origin(&run.origin);
        let why = match &run.outcome {
            RunOutcome::Done => None,
            RunOutcome::Failed { why } => Some(clean(why)),
        };
        RunRow {
            id: clean(&run.id),
            verb: clean(&run.verb),
            asset: clean(&run.asset),
            protection: clean_option(run.protection.as_ref()),
            started_at: run.started_at,
            took: run.took(),
            done: why.is_none(),
            why,
            tool,
            place,
            sha256,
        }
    };
    evidence.runs.iter().map(row).collect()
}
