//! What every verb did to one asset, in one form: runs, drills, verifications.

use serde::Serialize;

use super::{Evidence, RunOutcome};
use crate::base::{Instant, Span};

/// What one run of a verb did to one asset.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ran {
    pub verb: String,
    pub asset: String,
    #[serde(skip)]
    pub protection: Option<String>,
    pub id: String,
    pub started_at: Instant,
    pub took: Span,
    /// None: it did what it should.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

impl Ran {
    pub fn ended_at(&self) -> Instant {
        self.started_at + self.took
    }

    /// The runs and drills on record.
    pub fn all(evidence: &Evidence) -> Vec<Ran> {
        let runs = evidence.runs.iter().map(|run| Ran {
            verb: run.verb.clone(),
            asset: run.asset.clone(),
            protection: run.protection.clone(),
            id: run.id.clone(),
            started_at: run.started_at,
            took: run.took(),
            failed: match &run.outcome {
                RunOutcome::Done => None,
                RunOutcome::Failed { why } => Some(why.clone()),
            },
        });
        let drills = evidence.drills.iter().map(|drill| Ran {
            verb: "drill".to_string(),
            asset: drill.asset.clone(),
            protection: None,
            id: drill.id.clone(),
            started_at: drill.started_at,
            took: drill.took(),
            failed: (!drill.passed()).then(|| drill.why_failed()),
        });
        runs.chain(drills).collect()
    }
}
