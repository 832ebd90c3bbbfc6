//! The runbook with the times that drills measured, against the RTO.

use crate::audit::{Code, Context, Finding, Measure, Recovery, Report, Subject};

pub fn check(context: &Context, report: &mut Report) {
    for recovery in &context.recoveries {
        let (Some(rto), Measure::Known(drilled)) = (&recovery.rto, &recovery.drilled) else { continue };
        let (scenario, subject) = (recovery.scenario, Subject::scenario(&recovery.scenario.name));
        if *drilled <= rto.value {
            if recovery.unproven.is_empty() {
                let why = format!("back after {drilled}, {} is allowed; {}", rto.value, strength(recovery));
                report.pass(Code::RtoDrilled, subject, why);
            }
            continue;
        }
        let message = format!(
            "{}: service is back after {drilled} with the times that drills measured, {} is allowed; {}",
            scenario.title,
            rto.value,
            strength(recovery)
        );
        let drills = recovery.measured.iter().flat_map(|m| m.drills.iter().map(|id| format!("drill {id}")));
        let finding = Finding::breached(Code::RtoDrilled, message).about(subject).at(rto.at).shown_by(drills);
        report.find(
            finding.remedy("make the restore faster (parallel loading, a nearer store), or agree on a longer RTO"),
        );
    }
}

/// What the drills measured, and how far that many drills reach: the largest of n covers quantile q with confidence
/// 1 − qⁿ (order statistics; no assumption on the distribution).
fn strength(recovery: &Recovery) -> String {
    let measured: Vec<String> = recovery
        .measured
        .iter()
        .map(|m| {
            let n = m.drills.len();
            let scaled = if m.scaled { ", scaled up to the asset's size" } else { "" };
            let confidence = 100.0 * (1.0 - 0.9_f64.powi(i32::try_from(n).unwrap_or(i32::MAX)));
            let drills = if n == 1 { "1 drill".to_string() } else { format!("{n} drills") };
            format!(
                "`{}` took {} at most in {drills}{scaled}, which covers nine restores in ten with {confidence:.0} % confidence",
                m.step, m.took
            )
        })
        .collect();
    let assumed = match recovery.assumed.len() {
        0 => String::new(),
        1 => "; 1 step is taken as declared".to_string(),
        n => format!("; {n} steps are taken as declared"),
    };
    measured.join("; ") + &assumed
}
