//! Waivers: what they accept, those past their date, and those that accept nothing.
//!
//! Explanations: `waiver_expired.md`, `waiver_ends.md`, `waiver_unused.md`.

use crate::audit::{Code, Context, Finding, Report, Subject};
use crate::policy::Waiver;

/// Runs last: marks the findings that a waiver accepts, then judges the waivers themselves.
pub fn accept(context: &Context, report: &mut Report) {
    for finding in &mut report.findings {
        finding.waived = context
            .waiver(finding.code, &finding.subject)
            .map(|w| format!("{} until {}: {}", w.owner, w.until.value, w.reason));
    }
    for waiver in &context.policy.waivers {
        if let Some(finding) = judge(context, report, waiver) {
            report.find(finding);
        }
    }
}

fn judge(context: &Context, report: &Report, waiver: &Waiver) -> Option<Finding> {
    let subject = Subject {
        asset: waiver.asset.as_ref().map(|name| name.value.clone()),
        scenario: waiver.scenario.as_ref().map(|name| name.value.clone()),
        protection: waiver.protection.as_ref().map(|name| name.value.clone()),
    };
    let code = waiver.code.value.as_str();
    if waiver.until.value < context.as_of {
        let message = format!("{} accepted `{code}` until {}; that has passed", waiver.owner, waiver.until.value);
        let finding = Finding::breached(Code::WaiverExpired, message).about(subject).at(waiver.until.at);
        return Some(finding.remedy("repair what was waived, or decide anew with a new date"));
    }
    let fits = |wanted: &Option<String>, name: &Option<String>| wanted.is_none() || wanted == name;
    let used = report.findings.iter().any(|f| {
        f.code.name() == code
            && fits(&subject.asset, &f.subject.asset)
            && fits(&subject.scenario, &f.subject.scenario)
            && fits(&subject.protection, &f.subject.protection)
    });
    if let Some(ahead) = context.ahead.filter(|ahead| used && ahead.contains(waiver.until.value)) {
        let message = format!(
            "{} accepts `{code}` until {}; it is still found, and counts again within the time until {}",
            waiver.owner, waiver.until.value, ahead.until
        );
        let finding = Finding::unproven(Code::WaiverEnds, message).about(subject).at(waiver.until.at);
        return Some(finding.remedy("repair what was waived before then, or decide anew in time"));
    }
    let message = match Code::parse(code) {
        None => format!("there is no finding with the code `{code}`"),
        // Without evidence, what only evidence can show is not looked for.
        Some(_) if used || context.evidence.is_none() => return None,
        Some(_) => format!("{} accepts `{code}`, and nothing of the kind was found", waiver.owner),
    };
    let finding = Finding::unproven(Code::WaiverUnused, message).about(subject).at(waiver.code.at);
    Some(finding.remedy("take it out, or correct its code, asset or scenario"))
}
