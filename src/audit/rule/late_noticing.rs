//! A failure noticed so late that what keeps the objective no longer reaches back to it.

use crate::audit::{Case, Code, Context, Finding, Report, Subject};
use crate::base::Span;
use crate::policy::{Mechanism, Place, Protection};
use crate::timeline::{Failure, Loss, Promise, bound};

pub fn check(context: &Context, report: &mut Report) {
    for case in &context.cases {
        if let Some(finding) = past_noticing(context, case).or_else(|| past_retention(context, case)) {
            report.find(finding);
            continue;
        }
        let subject = Subject::asset(&case.asset.name).in_scenario(&case.scenario.name);
        let noticed = case.failure.noticed_after;
        let allowed = case.rpo().map_or(Loss::Total, Loss::Window);
        let kept = case.promises.iter().filter(|p| Loss::Window(p.loss) <= allowed).map(|p| p.noticed_within).max();
        if let Some(kept) = kept.filter(|kept| *kept > noticed && *kept < Span::LONGEST) {
            let why = format!("noticed after {noticed} at most, kept for a failure noticed within {kept}");
            report.pass(Code::LateNoticing, subject, why);
        }
    }
}

/// The declared time to notice outlasts the best promise, and what is left breaks the objective.
fn past_noticing(context: &Context, case: &Case) -> Option<Finding> {
    let allowed = case.rpo().map_or(Loss::Total, Loss::Window);
    let breaks = case.declared > allowed || case.declared == Loss::Total;
    let best = outlived(context, case).into_iter().next().filter(|_| breaks)?;
    let why = format!("it may take {} to notice", case.failure.noticed_after);
    Some(tell(context, case, &best, case.declared, &why, Finding::breached))
}

/// Noticed in time by the plan's own figure, but a restore is asked to reach further back than the best promise does.
/// Nothing shows that a corruption is always noticed that soon.
fn past_retention(context: &Context, case: &Case) -> Option<Finding> {
    let asked = context.objective(case.asset).retention.filter(|_| case.failure.corrupts)?;
    let promises = early(context, case);
    let best = promises.iter().filter(|p| p.noticed_within > Span::ZERO).min_by_key(|p| p.loss)?;
    let reaches = |p: &&Promise| {
        context.policy.protection(&p.protection).and_then(reach_of).is_some_and(|(reach, _)| reach >= asked.value)
    };
    let further = promises.iter().filter(reaches).map(|p| Loss::Window(p.loss)).min().unwrap_or(Loss::Total);
    let rpo = case.rpo()?;
    if further <= Loss::Window(rpo) {
        return None;
    }
    let why = format!("a restore is asked to reach back {}", asked.value);
    Some(tell(context, case, best, further, &why, Finding::unproven))
}

fn tell(
    context: &Context,
    case: &Case,
    best: &Promise,
    then: Loss,
    why: &str,
    finding: fn(Code, String) -> Finding,
) -> Finding {
    let last = early(context, case).iter().map(|p| p.noticed_within).max().filter(|within| *within < Span::LONGEST);
    let then = match then {
        Loss::Window(loss) => {
            let end = last.map(|within| format!(", and after {within} nothing is left")).unwrap_or_default();
            format!("after that up to {loss} can be lost{end}")
        }
        Loss::Total => "after that nothing is left".to_string(),
    };
    let asked = case.rpo().map(|rpo| format!("; {rpo} is allowed, and {why}")).unwrap_or_default();
    let message = format!(
        "{}: `{}` restores `{}` to within {} only if the failure is noticed within {}; {then}{asked}",
        case.scenario.title, best.protection, case.asset.name, best.loss, best.noticed_within
    );
    let reach = context.policy.protection(&best.protection).and_then(reach_of);
    let subject = Subject::asset(&case.asset.name).in_scenario(&case.scenario.name);
    let finding = finding(Code::LateNoticing, message).about(subject);
    let finding = finding.at(reach.map_or(case.scenario.noticed_after.at, |(_, at)| at));
    finding.remedy("keep it longer than a failure may go unnoticed, and add a check that notices sooner")
}

/// What would be promised if the failure were noticed at once.
pub(super) fn early(context: &Context, case: &Case) -> Vec<Promise> {
    let at_once = Failure { noticed_after: Span::ZERO, ..case.failure.clone() };
    bound::promises(context.policy, case.asset, &at_once, context.window.from)
}

/// The promises better than what is left that no longer hold when the failure is noticed as late as declared, best
/// first.
pub(super) fn outlived(context: &Context, case: &Case) -> Vec<Promise> {
    let noticed = case.failure.noticed_after;
    let written_on = if case.failure.writes_continue { noticed } else { Span::ZERO };
    let mut gone: Vec<Promise> = early(context, case)
        .into_iter()
        .filter(|p| Span::ZERO < p.noticed_within && p.noticed_within <= noticed)
        .filter(|p| Loss::Window(p.loss + written_on) < case.declared)
        .collect();
    gone.sort_by_key(|p| (p.loss, std::cmp::Reverse(p.noticed_within)));
    gone
}

/// How far back a protection reaches, and the line that sets it.
fn reach_of(protection: &Protection) -> Option<(Span, Place)> {
    match (&protection.mechanism, &protection.retention) {
        (Mechanism::Log { window, .. }, _) => Some((window.value, window.at)),
        (_, Some(retention)) => Some((retention.value, retention.at)),
        _ => None,
    }
}
