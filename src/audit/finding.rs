//! One finding: what is wrong or unproven, where it was promised, what shows it, what to do.

use serde::Serialize;

use super::{Code, Verdict};
use crate::policy::Place;

/// How much it matters, apart from how sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Note,
    Minor,
    Major,
    Critical,
}

/// What a finding is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Subject {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protection: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    pub code: Code,
    /// Breached or Unproven; a pass is recorded as [`super::Pass`].
    pub verdict: Verdict,
    pub severity: Severity,
    pub subject: Subject,
    /// Where one finding tells several things: each by its names alone, so that a new one among them shows.
    #[serde(skip)]
    pub parts: Vec<String>,
    /// The policy line that promised it.
    pub at: Option<Place>,
    /// Further lines that it is about, in the files that were read beside the policy.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Place>,
    /// One sentence with the figures: "up to 24 h 20 min can be lost, 1 h is allowed".
    pub message: String,
    /// Ids, hashes, instants that show it.
    pub evidence: Vec<String>,
    pub remedy: String,
    /// Controls that the evidence bears on, such as `NIST CP-9`.
    pub controls: Vec<&'static str>,
    /// Accepted by this owner until then, if a waiver holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waived: Option<String>,
}

impl Finding {
    /// Something that breaks what was asked.
    pub fn breached(code: Code, message: impl Into<String>) -> Self {
        Self::new(code, Verdict::Breached, message.into())
    }

    /// Something that nothing shows.
    pub fn unproven(code: Code, message: impl Into<String>) -> Self {
        Self::new(code, Verdict::Unproven, message.into())
    }

    pub(super) fn new(code: Code, verdict: Verdict, message: String) -> Self {
        Finding {
            code,
            verdict,
            severity: code.severity(),
            subject: Subject::default(),
            parts: Vec::new(),
            at: None,
            also: Vec::new(),
            message,
            evidence: Vec::new(),
            remedy: String::new(),
            controls: code.controls().to_vec(),
            waived: None,
        }
    }

    pub fn about(mut self, subject: Subject) -> Self {
        self.subject = subject;
        self
    }

    pub(super) fn parts(mut self, parts: Vec<String>) -> Self {
        self.parts = parts;
        self
    }

    pub fn at(mut self, place: impl Into<Option<Place>>) -> Self {
        self.at = place.into();
        self
    }

    pub fn also(mut self, places: impl IntoIterator<Item = Place>) -> Self {
        self.also.extend(places);
        self
    }

    pub fn shown_by(mut self, evidence: impl IntoIterator<Item = String>) -> Self {
        self.evidence.extend(evidence);
        self
    }

    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }
}

/// The names in a message, which stand between backticks; what stands outside them may change with every figure.
pub fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

impl Subject {
    pub fn asset(name: &str) -> Self {
        Subject { asset: Some(name.to_string()), ..Subject::default() }
    }

    pub fn scenario(name: &str) -> Self {
        Subject { scenario: Some(name.to_string()), ..Subject::default() }
    }

    pub fn protection(name: &str) -> Self {
        Subject { protection: Some(name.to_string()), ..Subject::default() }
    }

    pub fn in_scenario(mut self, name: &str) -> Self {
        self.scenario = Some(name.to_string());
        self
    }
}
