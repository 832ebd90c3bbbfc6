//! Evidence that was there and could not be read.

use crate::audit::{Code, Context, Finding, Report, Subject};

pub fn check(context: &Context, report: &mut Report) {
    let Some(evidence) = context.evidence else { return };
    let Some(first) = evidence.unreadable.first() else {
        report.pass(Code::EvidenceUnreadable, Subject::default(), "all that was found could be read");
        return;
    };
    let message = match evidence.unreadable.len() {
        1 => format!("`{}` could not be read: {}", first.place, first.why),
        n => format!("{n} pieces of evidence could not be read, among them `{}`: {}", first.place, first.why),
    };
    let shown = evidence.unreadable.iter().take(20).map(|u| format!("{}: {}", u.place, u.why));
    let finding = Finding::unproven(Code::EvidenceUnreadable, message).shown_by(shown);
    report.find(finding.remedy("look at what is there; repair it, or remove it on purpose"));
}
