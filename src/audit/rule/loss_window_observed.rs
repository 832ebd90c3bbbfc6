//! The loss window that the evidence shows, against the RPO.

use crate::audit::{Code, Context, Finding, Report, Subject};

pub fn check(context: &Context, report: &mut Report) {
    for case in &context.cases {
        let (Some(rpo), Some(observed)) = (&case.objective.rpo, &case.observed) else { continue };
        let exposure = &observed.exposure;
        let Some((worst, at)) = observed.losses.worst_window else { continue };
        let subject = Subject::asset(&case.asset.name).in_scenario(&case.scenario.name);
        if worst <= rpo.value {
            let why = format!(
                "at most {worst} could have been lost from {} to {}, {} is allowed",
                exposure.window.from, exposure.window.until, rpo.value
            );
            report.pass(Code::LossWindowObserved, subject, why);
            continue;
        }
        let message = format!(
            "{}: a failure at {at} would have lost {worst} of `{}`, {} is allowed; for {} of {} more could have been lost \
             than that",
            case.scenario.title,
            case.asset.name,
            rpo.value,
            observed.losses.in_breach.unwrap_or_default() - observed.losses.in_total_loss,
            exposure.window.length()
        );
        let newest = observed.newest.iter().map(|newest| format!("newest now: {newest}"));
        let finding = Finding::breached(Code::LossWindowObserved, message).about(subject).at(rpo.at);
        report.find(finding.shown_by(newest).remedy("look at the runs before that instant, and repair what failed"));
    }
}
