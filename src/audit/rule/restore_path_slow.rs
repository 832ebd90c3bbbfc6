//! Copies that cannot be read back within the RTO, however fast the rest is.

use crate::audit::{Case, Code, Context, Finding, Report, Subject};
use crate::base::{Bytes, Span, Speed};
use crate::policy::{Mechanism, Placed, Protection};

pub fn check(context: &Context, report: &mut Report) {
    for case in &context.cases {
        let rto = context.recovery_of(&case.scenario.name).and_then(|recovery| recovery.rto.as_ref());
        let (Some(rto), Some(size)) = (rto, &case.asset.size) else { continue };
        let Some((protection, rate, takes)) = fastest(context, case, size.value) else { continue };
        let subject = Subject::asset(&case.asset.name).in_scenario(&case.scenario.name);
        if takes <= rto.value {
            let why = format!("`{}` is read back in {takes}, {} is allowed for all", protection.name, rto.value);
            report.pass(Code::RestorePathSlow, subject, why);
            continue;
        }
        let message = format!(
            "{}: reading `{}` back from `{}` at {} takes {takes} before anything is restored, {} is allowed for all",
            case.scenario.title, case.asset.name, protection.name, rate.value, rto.value
        );
        let finding = Finding::breached(Code::RestorePathSlow, message).about(subject).at(rate.at).also([rto.at]);
        report.find(
            finding.remedy("keep a copy nearer or on a faster store, restore in parallel, or agree on a longer RTO"),
        );
    }
}

/// The copy that is back first of those that the scenario leaves; None where one of them does not say how fast it is.
fn fastest<'a>(context: &Context<'a>, case: &Case, size: Bytes) -> Option<(&'a Protection, &'a Placed<Speed>, Span)> {
    let policy = context.policy;
    let left = case.promises.iter().filter_map(|promise| policy.protection(&promise.protection));
    // A log is read after the copy that it rolls forward.
    let whole = left.filter(|p| !matches!(p.mechanism, Mechanism::Log { .. }));
    let timed: Option<Vec<_>> = whole.map(|p| p.restore_rate.as_ref().map(|rate| (p, rate))).collect();
    let takes = |(p, rate): (&'a Protection, &'a Placed<Speed>)| {
        let part = p.stored_fraction.as_ref().map_or(1.0, |fraction| fraction.value.min(1.0));
        let seconds = rate.value.seconds_for(Bytes((size.0 as f64 * part) as u64))?;
        Some((p, rate, Span::secs(i64::try_from(seconds).ok()?)))
    };
    timed?.into_iter().filter_map(takes).min_by_key(|(_, _, takes)| *takes)
}
