//! A failure that leaves nothing to restore from, by declaration or by what the evidence shows.

use super::late_noticing::outlived;
use crate::audit::{Case, Code, Context, Finding, Report, Subject};
use crate::timeline::Loss;

pub fn check(context: &Context, report: &mut Report) {
    for case in &context.cases {
        let subject = Subject::asset(&case.asset.name).in_scenario(&case.scenario.name);
        if context.policy.protections_of(&case.asset.name).next().is_none() {
            continue;
        }
        let declared = case.declared == Loss::Total && outlived(context, case).is_empty();
        let observed = case.observed.as_ref().is_some_and(|o| o.leaves_nothing());
        if !declared && !observed {
            report.pass(Code::NoUsablePoint, subject, why(case));
            continue;
        }
        let message = match declared {
            true => format!(
                "{}: nothing that the plan keeps of `{}` is sure to survive and to restore it",
                case.scenario.title, case.asset.name
            ),
            false => format!(
                "{}: of what is really stored of `{}`, nothing could undo a failure now",
                case.scenario.title, case.asset.name
            ),
        };
        let shown = case.observed.iter().map(|o| {
            format!("{} points and logs in the evidence, {} of them out of the scenario's reach", o.pieces, o.surviving)
        });
        let finding = Finding::breached(Code::NoUsablePoint, message).about(subject).at(case.scenario.at);
        report.find(finding.shown_by(shown).remedy(
            "keep a copy where this scenario does not reach, for longer than it takes to notice and to restore",
        ));
    }
}

fn why(case: &Case) -> String {
    let newest = case.observed.as_ref().and_then(|o| o.newest.clone());
    match (newest, case.best_promise()) {
        (Some(newest), _) => format!("{newest} would undo it"),
        (None, Some(promise)) => format!("`{}` is declared to survive it", promise.protection),
        (None, None) => "nothing shows that it leaves nothing".to_string(),
    }
}
