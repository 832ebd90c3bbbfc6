//! The runbook's own times against the RTO.

use crate::audit::{Code, Context, Finding, Report, Subject};

pub fn check(context: &Context, report: &mut Report) {
    for recovery in &context.recoveries {
        let (Some(rto), Some(declared)) = (&recovery.rto, recovery.declared) else { continue };
        let (scenario, subject) = (recovery.scenario, Subject::scenario(&recovery.scenario.name));
        if declared <= rto.value {
            let why = format!("back within {declared} by the runbook's own figures, {} is allowed", rto.value);
            report.pass(Code::RtoDeclared, subject, why);
            continue;
        }
        let parts = match scenario.writes_continue {
            true => format!("the runbook alone takes {declared}"),
            false => format!(
                "up to {} to notice, then {} of runbook",
                recovery.noticed_after,
                declared - recovery.noticed_after
            ),
        };
        let message = format!(
            "{}: service is back after up to {declared} by the plan's own figures, {} is allowed ({parts})",
            scenario.title, rto.value
        );
        let finding = Finding::breached(Code::RtoDeclared, message).about(subject).at(scenario.at);
        report.find(
            finding.remedy("shorten or parallelise the longest steps, or agree on a longer RTO for this scenario"),
        );
    }
}
