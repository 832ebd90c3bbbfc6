//! Runbook steps that no drill times, where the restores themselves are drilled.

use crate::audit::recovery::quoted;
use crate::audit::{Code, Context, Finding, Report, Subject};

pub fn check(context: &Context, report: &mut Report) {
    for recovery in &context.recoveries {
        let Some(rto) = &recovery.rto else { continue };
        let subject = Subject::scenario(&recovery.scenario.name);
        // Where nothing is drilled at all, another rule tells these steps too.
        if recovery.measured.is_empty() {
            continue;
        }
        if recovery.assumed.is_empty() {
            report.pass(Code::StepsUntimed, subject, "drills time every step of the runbook");
            continue;
        }
        let message = format!(
            "{}: drills time {} of {} steps; of {} the plan alone says how long it takes",
            recovery.scenario.title,
            recovery.measured.len(),
            recovery.scenario.runbook.len(),
            quoted(&recovery.assumed)
        );
        let finding = Finding::unproven(Code::StepsUntimed, message).about(subject).at(rto.at);
        report.find(finding.remedy("time these steps in the next exercise and record them as phases of the drill"));
    }
}
