//! The recovery plan with what was measured in it: the times of drills, and how much so many of them show.

use super::text::count;
use crate::audit::strength::succeeds_at_least;
use crate::audit::{self, Measure, Recovery};
use crate::base::{Instant, markdown};
use crate::evidence::Evidence;
use crate::policy::{Duration, Policy, Step};
use crate::runbook::Plan;

/// The plan as Markdown.
pub fn markdown(policy: &Policy, evidence: Option<&Evidence>, as_of: Instant) -> String {
    let recoveries = audit::recoveries(policy, evidence, as_of);
    Plan::of(policy).text(|scenario| recoveries.get(scenario).map(|r| measured(r, as_of)).unwrap_or_default())
}

fn measured(recovery: &Recovery, as_of: Instant) -> Vec<String> {
    let steps = recovery.scenario.runbook.iter().enumerate();
    let timed: Vec<(usize, &Step)> =
        steps.filter(|(_, step)| matches!(step.takes.value, Duration::Measured { .. })).collect();
    if timed.is_empty() {
        return vec!["Measured: not measured. No step of this plan is one that drills time.".to_string()];
    }
    let mut lines = vec![
        format!("Measured in restore drills on record on {}:", as_of.to_utc().format("%-d %B %Y, %H:%M UTC")),
        String::new(),
        markdown::row(["step", "longest", "drills", "what so many show, with 95 % confidence"]),
        markdown::rule(&[false, true, true, false]),
    ];
    lines.extend(timed.into_iter().map(|(number, step)| markdown::row(row(recovery, number, step))));
    lines.push(String::new());
    lines.push(match &recovery.drilled {
        Measure::Known(total) => {
            let declared = match recovery.assumed.len() {
                0 => String::new(),
                n => format!(" ({} as declared)", count(n, "other step", "other steps")),
            };
            let allowed = recovery.rto.as_ref().map(|rto| format!(", where {} is allowed", rto.value));
            format!("From the failure to service with these times{declared}: {total}{}.", allowed.unwrap_or_default())
        }
        Measure::Unknown(why) => format!("From the failure to service: not measured; {}.", markdown::prose(why)),
    });
    lines
}

fn row(recovery: &Recovery, number: usize, step: &Step) -> [String; 4] {
    let name = format!("{}. {}", number + 1, step.name);
    let Some(measured) = recovery.measured.iter().find(|measured| measured.step == step.name) else {
        return [name, "not measured".to_string(), "0".to_string(), "nothing".to_string()];
    };
    // The longest of n covers the quantile q with confidence 1 − qⁿ: of clean drills the same bound. Rounded down.
    let n = measured.drills.len();
    let quantile = (succeeds_at_least(n, n) * 100.0).floor();
    let scaled = if measured.scaled { "; scaled up to the data's size" } else { "" };
    let old = if recovery.unproven.contains(&step.name) { "; no drill is as recent as asked" } else { "" };
    [name, measured.took.to_string(), n.to_string(), format!("{quantile} of 100 restores take no longer{scaled}{old}")]
}
