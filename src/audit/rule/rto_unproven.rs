//! Scenarios whose time to service no recent drill shows.

use crate::audit::context::Item;
use crate::audit::recovery::quoted;
use crate::audit::{Code, Context, Report, Verdict};

pub fn check(context: &Context, report: &mut Report) {
    if context.evidence.is_none() {
        return;
    }
    let mut items = Vec::new();
    for recovery in &context.recoveries {
        let Some(rto) = &recovery.rto else { continue };
        let nothing_measured = recovery.measured.is_empty() && recovery.unproven.is_empty();
        if !nothing_measured && recovery.unproven.is_empty() {
            continue;
        }
        let assumed = match recovery.assumed.len() {
            0 => String::new(),
            n => format!(", and {n} more are assumed, never timed"),
        };
        let says = match (recovery.scenario.runbook.is_empty(), nothing_measured) {
            (true, _) => format!("{} has no runbook", recovery.scenario.title),
            (_, true) => format!("{}: no step is measured", recovery.scenario.title),
            _ => format!(
                "{}: no recent drill on a tenth of production or more times {}{assumed}",
                recovery.scenario.title,
                quoted(&recovery.unproven)
            ),
        };
        let asset = recovery.scenario.name.clone();
        items.push(Item { asset, at: Some(rto.at), verdict: Verdict::Unproven, says, evidence: vec![] });
    }
    let remedy =
        "drill the restores on production's size, time the other steps in the same exercise, and repeat on a schedule";
    report.find_all(context, Code::RtoUnproven, "nothing shows how long recovery takes", remedy, items);
}
