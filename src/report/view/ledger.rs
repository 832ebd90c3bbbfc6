//! Restore drills: every one that is on record, failures included.

use serde::Serialize;

use super::super::chart::drills::{Bar, DrillTimes};
use super::{Inputs, clean, clean_option};
use crate::base::{Bytes, Instant, OpTime, Span};
use crate::evidence::{Drill, DrillOutcome, Evidence, Phase};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DrillRow {
    pub id: String,
    pub asset: String,
    pub protection: Option<String>,
    pub point: String,
    pub target: Option<OpTime>,
    pub started_at: Instant,
    pub took: Span,
    pub bytes: Bytes,
    pub documents: u64,
    pub phases: Vec<PhaseRow>,
    pub passed: bool,
    /// What failed, where something did.
    pub why: Option<String>,
    pub checks_passed: usize,
    pub checks: usize,
    pub tool: String,
    pub place: String,
    pub sha256: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhaseRow {
    pub name: String,
    pub took: Span,
}

pub fn rows(evidence: Option<&Evidence>) -> Vec<DrillRow> {
    let mut rows: Vec<DrillRow> = evidence.into_iter().flat_map(|e| &e.drills).map(row).collect();
    rows.sort_by(|a, b| (a.started_at, &a.id).cmp(&(b.started_at, &b.id)));
    rows
}

fn row(drill: &Drill) -> DrillRow {
    let failed_check = drill.checks.iter().find(|check| !check.passed);
    let why = match (&drill.outcome, failed_check) {
        (DrillOutcome::Failed { why }, _) => Some(clean(why)),
        (DrillOutcome::Passed, Some(check)) => Some(clean(&format!("{}: {}", check.name, check.detail))),
        (DrillOutcome::Passed, None) => None,
    };
    DrillRow {
        id: clean(&drill.id),
        asset: clean(&drill.asset),
        protection: clean_option(drill.protection.as_ref()),
        point: clean(&drill.point),
        target: drill.target,
        started_at: drill.started_at,
        took: drill.took(),
        bytes: Bytes(drill.bytes_restored),
        documents: drill.documents,
        phases: drill.phases.iter().filter(|p| p.within.is_none()).map(phase).collect(),
        passed: drill.passed(),
        why,
        checks_passed: drill.checks.iter().filter(|check| check.passed).count(),
        checks: drill.checks.len(),
        tool: clean(&drill.origin.tool),
        place: clean(&drill.origin.place),
        sha256: clean_option(drill.origin.sha256.as_ref()),
    }
}

fn phase(phase: &Phase) -> PhaseRow {
    PhaseRow { name: clean(&phase.name), took: phase.took }
}

/// The drills against the shortest recovery time that is allowed for any of the assets that they restored.
pub fn chart(inputs: &Inputs<'_>, drills: &[DrillRow]) -> Option<DrillTimes> {
    // One of which only the end is recorded has no bar.
    let drills: Vec<&DrillRow> = drills.iter().filter(|drill| drill.took > Span::ZERO).collect();
    if drills.is_empty() {
        return None;
    }
    let drilled = |asset: &str| drills.iter().any(|drill| drill.asset == clean(asset));
    let rto = inputs.audit.cells.iter().filter(|cell| drilled(&cell.asset)).filter_map(|cell| cell.rto).min();
    let bar = |drill: &&DrillRow| Bar {
        id: drill.id.clone(),
        asset: drill.asset.clone(),
        started_at: drill.started_at,
        took: drill.took.max(Span::ZERO),
        bytes: drill.bytes,
        phases: drill.phases.iter().map(|p| (p.name.clone(), p.took.max(Span::ZERO))).collect(),
        failed: (!drill.passed).then(|| drill.why.clone().unwrap_or_default()),
    };
    Some(DrillTimes { rto, drills: drills.iter().map(bar).collect() })
}
