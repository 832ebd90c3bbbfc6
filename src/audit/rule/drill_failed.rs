//! Assets whose newest drill failed.

use crate::audit::{Code, Context, Finding, Report, Subject};
use crate::evidence::DrillOutcome;

pub fn check(context: &Context, report: &mut Report) {
    let Some(evidence) = context.evidence else { return };
    for asset in &context.policy.assets {
        let Some(drill) = evidence.drills_of(&asset.name).iter().max_by_key(|drill| drill.ended_at) else {
            continue;
        };
        let subject = Subject::asset(&asset.name);
        if drill.passed() {
            let why = format!("drill {} restored {} documents and passed every check", drill.id, drill.documents);
            report.pass(Code::DrillFailed, subject, why);
            continue;
        }
        let why = match &drill.outcome {
            DrillOutcome::Failed { why } => why.clone(),
            DrillOutcome::Passed => "a check did not pass".to_string(),
        };
        let checks = drill.checks.iter().filter(|c| !c.passed).map(|c| format!("{}: {}", c.name, c.detail));
        let message = format!("the newest drill of `{}`, ended {}, failed: {why}", asset.name, drill.ended_at);
        let at = context.objective(asset).drill_every.map_or(asset.at, |every| every.at);
        let finding = Finding::breached(Code::DrillFailed, message).about(subject).at(at);
        let shown = [format!("drill {} of point {}", drill.id, drill.point)].into_iter().chain(checks);
        report.find(
            finding.shown_by(shown).remedy("treat it as an incident: find what differed, back up afresh, drill again"),
        );
    }
}
