//! Evidence that was read too long ago.

use crate::audit::{Code, Context, Finding, Report, Subject};

pub fn check(context: &Context, report: &mut Report) {
    let Some(evidence) = context.evidence else { return };
    let (silence, at) = context.longest_silence();
    let age = context.as_of - evidence.read_at;
    if !context.stale() {
        let why = format!("read at {}, {silence} before is early enough", evidence.read_at);
        report.pass(Code::EvidenceStale, Subject::default(), why);
        return;
    }
    let message = format!(
        "the evidence was read {age} before {}: nothing is known of the time since, and {silence} is all that may be lost",
        context.as_of
    );
    let finding = Finding::unproven(Code::EvidenceStale, message).at(at);
    let shown = [format!("read at {}", evidence.read_at)];
    report.find(finding.shown_by(shown).remedy("read the inventory again, and repeat the audit"));
}
