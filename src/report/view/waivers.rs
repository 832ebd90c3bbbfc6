//! Risks that somebody accepted until a date, the soonest first: past it they count again.

use serde::Serialize;

use super::{Inputs, clean, clean_option};
use crate::base::{Instant, Span};
use crate::policy::{Placed, Waiver};

/// A date nearer than this is soon.
const SOON: Span = Span::days(30);

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WaiverRow {
    pub code: String,
    pub asset: Option<String>,
    pub scenario: Option<String>,
    pub protection: Option<String>,
    pub owner: String,
    pub reason: String,
    pub until: Instant,
    /// `ended`, `ends-soon`, `holds`.
    pub state: &'static str,
    /// Time until the date, or since it.
    #[serde(rename = "away_ms")]
    pub away: Span,
    /// Findings that it accepts now, or did until its date.
    pub findings: usize,
}

pub fn rows(inputs: &Inputs<'_>) -> Vec<WaiverRow> {
    let mut rows: Vec<WaiverRow> = inputs.policy.waivers.iter().map(|waiver| row(inputs, waiver)).collect();
    rows.sort_by(|a, b| (a.until, &a.code, &a.owner).cmp(&(b.until, &b.code, &b.owner)));
    rows
}

fn row(inputs: &Inputs<'_>, waiver: &Waiver) -> WaiverRow {
    let left = waiver.until.value - inputs.audit.as_of;
    let fits = |wanted: &Option<Placed<String>>, name: &Option<String>| {
        wanted.as_ref().is_none_or(|wanted| name.as_ref() == Some(&wanted.value))
    };
    let accepts = inputs.audit.findings.iter().filter(|finding| {
        finding.code.name() == waiver.code.value
            && fits(&waiver.asset, &finding.subject.asset)
            && fits(&waiver.scenario, &finding.subject.scenario)
            && fits(&waiver.protection, &finding.subject.protection)
    });
    let name = |name: &Option<Placed<String>>| clean_option(name.as_ref().map(|name| &name.value));
    WaiverRow {
        code: clean(&waiver.code.value),
        asset: name(&waiver.asset),
        scenario: name(&waiver.scenario),
        protection: name(&waiver.protection),
        owner: clean(&waiver.owner),
        reason: clean(&waiver.reason),
        until: waiver.until.value,
        state: match left {
            left if left < Span::ZERO => "ended",
            left if left <= SOON => "ends-soon",
            _ => "holds",
        },
        away: Span(left.0.saturating_abs()),
        findings: accepts.count(),
    }
}
