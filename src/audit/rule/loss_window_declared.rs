//! The loss window that the plan itself allows, against the RPO.

use super::late_noticing::{early, outlived};
use crate::audit::{Case, Code, Context, Finding, Report, Subject};
use crate::base::Span;
use crate::policy::Protection;
use crate::timeline::{Loss, Promise};

pub fn check(context: &Context, report: &mut Report) {
    for case in &context.cases {
        let Some(rpo) = case.rpo() else { continue };
        let subject = Subject::asset(&case.asset.name).in_scenario(&case.scenario.name);
        let Some((loss, promise)) = breach(context, case, rpo) else {
            if let Loss::Window(loss) = case.declared {
                let why = format!("at most {loss} can be lost by the plan's own figures, {rpo} is allowed");
                report.pass(Code::LossWindowDeclared, subject, why);
            }
            continue;
        };
        let protection = context.policy.protection(&promise);
        let message = format!(
            "{}: up to {loss} of `{}` can be lost, {rpo} is allowed; `{promise}` is the best that is left",
            case.scenario.title, case.asset.name
        );
        let at = protection.map_or(case.scenario.at, Protection::pace);
        let finding = Finding::breached(Code::LossWindowDeclared, message).about(subject).at(at);
        report.find(finding.remedy(
            "run it more often, capture the log to where this scenario does not reach, or agree on a longer RPO for it",
        ));
    }
}

/// The loss that breaks the objective whenever the failure is noticed, and the protection that bounds it. What breaks it
/// only because of late noticing is another rule's.
fn breach(context: &Context, case: &Case, rpo: Span) -> Option<(Span, String)> {
    let least = |promises: Vec<Promise>| promises.into_iter().min_by_key(|p| p.loss);
    let at_once = early(context, case).into_iter().filter(|p| p.noticed_within > Span::ZERO).collect();
    let holding = case.promises.iter().filter(|p| case.failure.noticed_after < p.noticed_within).cloned().collect();
    let worst = match outlived(context, case).is_empty() {
        true => least(holding),
        false => least(at_once),
    };
    worst.filter(|promise| promise.loss > rpo).map(|promise| (promise.loss, promise.protection))
}
