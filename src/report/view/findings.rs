//! Findings with the line of the policy that they are about, and what passed.

use serde::Serialize;

use super::{clean, clean_option, spelled};
use crate::audit::{Audit, Finding, Severity, Subject, Verdict};
use crate::gate::fingerprint::keys;
use crate::policy::{Place, Policy};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FindingRow {
    /// What it is known by when its figures have changed: one for each thing that it tells.
    pub keys: Vec<String>,
    pub code: String,
    pub verdict: Verdict,
    pub severity: Severity,
    pub asset: Option<String>,
    pub scenario: Option<String>,
    pub protection: Option<String>,
    pub at: Option<PolicyLine>,
    pub message: String,
    pub evidence: Vec<String>,
    pub remedy: String,
    pub controls: Vec<&'static str>,
    pub waived: Option<String>,
}

/// A place in the policy with the line that stands there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PolicyLine {
    pub file: String,
    pub line: u32,
    pub column: u32,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PassRow {
    pub code: String,
    pub asset: Option<String>,
    pub scenario: Option<String>,
    pub protection: Option<String>,
    pub why: String,
}

pub fn rows(policy: &Policy, audit: &Audit) -> Vec<FindingRow> {
    let row = |finding: &Finding| {
        let Subject { asset, scenario, protection } = &finding.subject;
        FindingRow {
            keys: keys(&policy.name, finding),
            code: spelled(finding.code),
            verdict: finding.verdict,
            severity: finding.severity,
            asset: clean_option(asset.as_ref()),
            scenario: clean_option(scenario.as_ref()),
            protection: clean_option(protection.as_ref()),
            at: finding.at.map(|place| line(policy, place)),
            message: super::super::text::sentence(&clean(&finding.message)),
            evidence: finding.evidence.iter().map(|text| clean(text)).collect(),
            remedy: super::super::text::sentence(&clean(&finding.remedy)),
            controls: finding.controls.clone(),
            waived: clean_option(finding.waived.as_ref()),
        }
    };
    audit.findings.iter().map(row).collect()
}

fn line(policy: &Policy, place: Place) -> PolicyLine {
    let text = clean(policy.source.line(place).trim());
    PolicyLine {
        file: clean(&policy.source.of(place).name),
        line: place.line,
        column: place.column,
        text: super::super::text::shortened(&text, 160).into_owned(),
    }
}

pub fn passes(audit: &Audit) -> Vec<PassRow> {
    let row = |pass: &crate::audit::Pass| PassRow {
        code: spelled(pass.code),
        asset: clean_option(pass.subject.asset.as_ref()),
        scenario: clean_option(pass.subject.scenario.as_ref()),
        protection: clean_option(pass.subject.protection.as_ref()),
        why: super::super::text::sentence(&clean(&pass.why)),
    };
    audit.passes.iter().map(row).collect()
}
