//! Assets whose restore was never drilled.

use crate::audit::context::Item;
use crate::audit::{Code, Context, Report, Verdict};

pub fn check(context: &Context, report: &mut Report) {
    let Some(evidence) = context.evidence else { return };
    let mut items = Vec::new();
    for asset in &context.policy.assets {
        let Some(every) = context.objective(asset).drill_every else { continue };
        if evidence.drills_of(&asset.name).is_empty() {
            let says = format!("one every {} is asked of `{}`, and none is recorded", every.value, asset.name);
            let (asset, at) = (asset.name.clone(), Some(every.at));
            items.push(Item { asset, at, verdict: Verdict::Unproven, says, evidence: vec![] });
        }
    }
    let remedy = "run `plimsoll drill` now, and put it on a schedule";
    report.find_all(context, Code::DrillMissing, "no restore was ever drilled", remedy, items);
}
