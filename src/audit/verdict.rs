//! Verdicts, and the whole result of an audit.

use serde::{Deserialize, Serialize};

use super::{Code, Finding, Subject};
use crate::base::{Instant, Span, Window};
use crate::timeline::{Exposure, Loss};

/// Worst last, so that the maximum of several is the verdict of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Met,
    Unproven,
    Breached,
}

/// A figure held against an objective.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "value")]
pub enum Measure<T> {
    Known(T),
    /// Why nothing can be said.
    Unknown(String),
}

/// One asset in one scenario: asked, declared, observed, drilled.
#[derive(Debug, Clone, Serialize)]
pub struct Cell {
    pub asset: String,
    pub scenario: String,
    pub title: String,
    pub rpo: Option<Span>,
    pub rto: Option<Span>,
    /// Worst loss window of the plan as declared.
    pub declared_loss: Measure<Loss>,
    /// Worst loss window over the audit's window, from evidence.
    pub observed_loss: Measure<Loss>,
    /// Time to service as the runbook declares it.
    pub declared_downtime: Measure<Span>,
    /// Time to service with measured steps from drills.
    pub drilled_downtime: Measure<Span>,
    pub rpo_verdict: Verdict,
    pub rto_verdict: Verdict,
    /// `loss(t)` as declared and as observed, for the sawtooth.
    #[serde(skip)]
    pub declared_exposure: Option<Exposure>,
    #[serde(skip)]
    pub observed_exposure: Option<Exposure>,
}

/// A rule that was held, and why: being compliant needs evidence too.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pass {
    pub code: Code,
    pub subject: Subject,
    pub why: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct Audit {
    pub policy: String,
    /// The names of the files that places are in, by their numbers: the policy's own first.
    pub files: Vec<String>,
    pub as_of: Instant,
    pub window: Window,
    pub cells: Vec<Cell>,
    /// Worst first.
    pub findings: Vec<Finding>,
    pub passes: Vec<Pass>,
    /// Worst of all findings that no waiver accepts.
    pub verdict: Verdict,
}
