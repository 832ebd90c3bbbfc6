//! How things stood before: what this report is compared with.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{FindingRow, PromiseRow, clean, findings, promises};
use crate::audit::{Audit, Verdict};
use crate::base::{Instant, Window};
use crate::evidence::Evidence;
use crate::policy::Policy;
use crate::timeline::{Failure, bound};

/// An earlier state, of whatever it was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Earlier {
    pub as_of: Instant,
    pub with: With,
    /// SHA-256 of the file that it was read from.
    pub sha256: Option<String>,
    pub verdict: Verdict,
    pub promises: Vec<PromiseRow>,
    pub findings: Vec<Told>,
    /// Ids of the drills that were on record.
    pub drills: BTreeSet<String>,
    /// Nothing at all was on record.
    pub nothing_known: bool,
    /// Assets whose copies of then may have been deleted since, as the plan keeps them: what stood there cannot be seen any
    /// more. It looks worse than it was, so what got better cannot be told of them.
    pub unseen: Vec<String>,
}

/// What the earlier state comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum With {
    /// The same evidence, without what came later.
    SameEvidence,
    /// An earlier evidence file.
    Evidence,
    /// An earlier report.
    Report,
}

/// A finding in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// What it is known by when its figures have changed: one for each thing that it tells.
    pub keys: Vec<String>,
    pub code: String,
    pub verdict: Verdict,
    pub asset: Option<String>,
    pub scenario: Option<String>,
    pub protection: Option<String>,
    pub message: String,
}

impl From<&FindingRow> for Told {
    fn from(row: &FindingRow) -> Self {
        Told {
            keys: row.keys.clone(),
            code: row.code.clone(),
            verdict: row.verdict,
            asset: row.asset.clone(),
            scenario: row.scenario.clone(),
            protection: row.protection.clone(),
            message: row.message.clone(),
        }
    }
}

/// What is read of an earlier report; the rest of it may be of another version.
#[derive(Deserialize)]
struct Report {
    schema: String,
    as_of: Instant,
    verdict: Verdict,
    promises: Vec<PromiseRow>,
    findings: Vec<Told>,
    drills: Vec<Drilled>,
    evidence: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Drilled {
    id: String,
}

/// How every weekly report's schema begins.
const WEEKLY: &str = "plimsoll.report.weekly/";

impl Earlier {
    /// From an audit of `evidence` as it stood then. `seen_at`: when the evidence was read, if that was later.
    pub fn of(policy: &Policy, evidence: &Evidence, audit: &Audit, with: With, seen_at: Instant) -> Self {
        let told = findings::rows(policy, audit).iter().map(Told::from).collect();
        let Evidence { points, coverage, drills, runs, .. } = evidence;
        Earlier {
            as_of: audit.as_of,
            with,
            sha256: None,
            verdict: audit.verdict,
            promises: promises::rows(audit),
            findings: told,
            drills: drills.iter().map(|drill| clean(&drill.id)).collect(),
            nothing_known: points.is_empty() && coverage.is_empty() && drills.is_empty() && runs.is_empty(),
            unseen: match with {
                With::SameEvidence => unseen(policy, audit.window, seen_at),
                With::Evidence | With::Report => Vec::new(),
            },
        }
    }

    /// From the JSON of an earlier weekly report; None where it is none.
    pub fn of_report(json: &[u8]) -> Option<Self> {
        let report: Report = serde_json::from_slice(json).ok()?;
        let Report { schema, as_of, verdict, mut promises, mut findings, drills, evidence } = report;
        if !schema.starts_with(WEEKLY) {
            return None;
        }
        // Whoever wrote it may not have made its names harmless.
        for row in &mut promises {
            row.make_harmless();
        }
        for told in &mut findings {
            for text in told.keys.iter_mut().chain([&mut told.code, &mut told.message]) {
                *text = clean(text);
            }
            for name in [&mut told.asset, &mut told.scenario, &mut told.protection].into_iter().flatten() {
                *name = clean(name);
            }
        }
        Some(Earlier {
            as_of,
            with: With::Report,
            sha256: Some(super::super::digest(json)),
            verdict,
            promises,
            findings,
            drills: drills.into_iter().map(|drill| clean(&drill.id)).collect(),
            nothing_known: evidence.is_none(),
            unseen: Vec::new(),
        })
    }
}

/// Assets with a protection that does not keep its copies from the window's start until they were seen.
fn unseen(policy: &Policy, window: Window, seen_at: Instant) -> Vec<String> {
    let needed = seen_at - window.from;
    let short = |asset: &&crate::policy::Asset| {
        let promises = bound::promises(policy, asset, &Failure::default(), window.from);
        promises.iter().any(|promise| promise.noticed_within < needed)
    };
    policy.assets.iter().filter(short).map(|asset| clean(&asset.name)).collect()
}
