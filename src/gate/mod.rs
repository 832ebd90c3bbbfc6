//! What a run of `check` or `audit` found, and what of it fails the run.
//!
//! A finding is known again by what it is about (`fingerprint`), so that a team can begin with what it has (`baseline`),
//! and a plan be held against the one before it (`change`). Neither makes a verdict better: both only say what is new.

pub mod baseline;
pub mod change;
pub mod fingerprint;

pub use baseline::{Baseline, Claims, Known};
pub use change::{Change, Direction, Side};

use serde::Serialize;

use crate::audit::{Audit, Finding, Severity, Verdict};
use crate::base::Instant;
use crate::policy::{Problem, SourceText};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    Check,
    Audit,
}

/// What fails a run. A closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FailOn {
    /// A finding that breaches.
    Breached,
    /// A finding of any verdict.
    Unproven,
    /// A figure that got worse, or a new finding that breaches, against the base.
    Worse,
    Never,
}

/// What a finding does to the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    Fails,
    /// It does not fail this run.
    Told,
    /// The baseline knows it.
    Known,
    /// A waiver of the policy accepts it.
    Waived,
}

/// All that a run found, in the one form that every format writes.
#[derive(Debug, Clone)]
pub struct Judgement {
    pub verb: Verb,
    pub as_of: Instant,
    pub fail_on: FailOn,
    pub policies: Vec<Judged>,
    /// Files that are no policy.
    pub refused: Vec<Refused>,
    /// Policies of the base that are there no more.
    pub removed: Vec<Removed>,
    /// What the baseline knows and nobody found.
    pub gone: Vec<Known>,
}

/// One policy and its audit.
#[derive(Debug, Clone)]
pub struct Judged {
    /// As it was named.
    pub file: String,
    pub source: SourceText,
    pub audit: Audit,
    /// Of each finding of the audit.
    pub standings: Vec<Standing>,
    /// None: it was compared with nothing.
    pub change: Option<Change>,
}

#[derive(Debug, Clone)]
pub struct Refused {
    pub file: String,
    /// None: there is no text to point at.
    pub source: Option<SourceText>,
    pub message: String,
    pub help: Option<String>,
    pub problems: Vec<Problem>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Removed {
    pub file: String,
    pub policy: String,
    pub with: String,
}

impl Judged {
    pub fn new(
        file: String,
        source: SourceText,
        audit: Audit,
        change: Option<Change>,
        fail_on: FailOn,
        claims: &mut Claims,
    ) -> Self {
        let standing = |(index, finding): (usize, &Finding)| {
            let known = baseline::counts(finding) && claims.claim(&audit.policy, finding);
            let new = change.as_ref().is_some_and(|change| change.new.contains(&index));
            standing(finding, fail_on, known, new)
        };
        let standings = audit.findings.iter().enumerate().map(standing).collect();
        Judged { file, source, audit, standings, change }
    }

    /// Each finding, its standing, and what it is known by.
    pub fn findings(&self) -> impl Iterator<Item = (&Finding, Standing, String)> {
        let with = |(finding, standing): (_, &Standing)| {
            (finding, *standing, fingerprint::fingerprint(&self.audit.policy, finding))
        };
        self.audit.findings.iter().zip(&self.standings).map(with)
    }

    pub fn count(&self, standing: Standing, verdict: Verdict) -> usize {
        let all = self.audit.findings.iter().zip(&self.standings);
        all.filter(|(f, s)| **s == standing && f.verdict == verdict && f.severity > Severity::Note).count()
    }

    pub fn got_worse(&self) -> bool {
        self.change.as_ref().is_some_and(|change| change.worse(&self.audit))
    }
}

fn standing(finding: &Finding, fail_on: FailOn, known: bool, new: bool) -> Standing {
    let breaches = finding.verdict == Verdict::Breached;
    match fail_on {
        _ if finding.waived.is_some() => Standing::Waived,
        _ if known => Standing::Known,
        _ if finding.severity == Severity::Note => Standing::Told,
        FailOn::Breached if breaches => Standing::Fails,
        FailOn::Unproven => Standing::Fails,
        FailOn::Worse if breaches && new => Standing::Fails,
        _ => Standing::Told,
    }
}

impl Judgement {
    /// How the run ends: the worst of what fails it. Where only an audit was asked for, the worst verdict.
    pub fn outcome(&self) -> Verdict {
        if self.verb == Verb::Audit {
            return self.policies.iter().map(|judged| judged.audit.verdict).max().unwrap_or(Verdict::Unproven);
        }
        let failing = self.policies.iter().flat_map(|judged| judged.audit.findings.iter().zip(&judged.standings));
        let failing = failing.filter(|(_, standing)| **standing == Standing::Fails).map(|(f, _)| f.verdict);
        let worse = self.fail_on == FailOn::Worse && self.got_worse();
        failing.chain(worse.then_some(Verdict::Breached)).max().unwrap_or(Verdict::Met)
    }

    /// A policy that is there no more promises nothing any more.
    pub fn got_worse(&self) -> bool {
        !self.removed.is_empty() || self.policies.iter().any(Judged::got_worse)
    }

    /// Whether anything was compared with a base.
    pub fn compared(&self) -> bool {
        !self.removed.is_empty() || self.policies.iter().any(|judged| judged.change.is_some())
    }

    /// The worst verdict of all policies; none where there is no policy.
    pub fn verdict(&self) -> Option<Verdict> {
        self.policies.iter().map(|judged| judged.audit.verdict).max()
    }
}
