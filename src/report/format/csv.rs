//! A table of findings, one row each.

use super::words;
use crate::base::Result;
use crate::gate::{Judged, Judgement, Standing};
use crate::report::csv::of as rows;
use crate::report::text::harmless;

const COLUMNS: [&str; 18] = [
    "policy",
    "file",
    "line",
    "column",
    "standing",
    "verdict",
    "severity",
    "code",
    "asset",
    "scenario",
    "protection",
    "message",
    "evidence",
    "remedy",
    "controls",
    "waived",
    "new",
    "fingerprint",
];

pub fn of(judgement: &Judgement) -> Result<String> {
    let header = COLUMNS.iter().map(|name| (*name).to_string()).collect();
    rows(std::iter::once(header).chain(judgement.policies.iter().flat_map(findings)))
}

fn findings(judged: &Judged) -> Vec<Vec<String>> {
    let each = judged.findings().enumerate();
    each.map(|(index, (finding, standing, fingerprint))| row(judged, index, finding, standing, fingerprint)).collect()
}

fn row(
    judged: &Judged,
    index: usize,
    finding: &crate::audit::Finding,
    standing: Standing,
    fingerprint: String,
) -> Vec<String> {
    let text = |text: &str| harmless(text).into_owned();
    let optional = |text_of: &Option<String>| text_of.as_deref().map(text).unwrap_or_default();
    let number = |number: Option<u32>| number.map(|n| n.to_string()).unwrap_or_default();
    // Empty: it was compared with nothing.
    let new = judged.change.as_ref().map(|change| if change.is_new(index) { "yes" } else { "no" });
    vec![
        text(&judged.audit.policy),
        text(finding.at.map_or(&judged.file, |at| &judged.source.of(at).name)),
        number(finding.at.map(|at| at.line)),
        number(finding.at.map(|at| at.column)),
        words::standing(standing).to_string(),
        words::verdict(finding.verdict).to_string(),
        words::severity(finding.severity).to_string(),
        finding.code.name().to_string(),
        optional(&finding.subject.asset),
        optional(&finding.subject.scenario),
        optional(&finding.subject.protection),
        text(&finding.message),
        text(&finding.evidence.join("; ")),
        text(&finding.remedy),
        finding.controls.join("; "),
        optional(&finding.waived),
        new.unwrap_or_default().to_string(),
        fingerprint,
    ]
}
