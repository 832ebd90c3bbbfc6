//! Drills on less data than production has.

use crate::audit::context::Item;
use crate::audit::{Code, Context, Report, Subject, Verdict};
use crate::base::Bytes;
use crate::evidence::Drill;
use crate::evidence::drill::SMALLEST_PART;

pub fn check(context: &Context, report: &mut Report) {
    let Some(evidence) = context.evidence else { return };
    let mut items = Vec::new();
    for asset in &context.policy.assets {
        let objective = context.objective(asset);
        let Some(size) = &asset.size else { continue };
        if objective.drill_every.is_none() && objective.drill_share.is_none() {
            continue;
        }
        let Some((newest, good)) = context.good_drills(evidence, asset) else { continue };
        let least = 1.0 / SMALLEST_PART as f64;
        let share = objective.drill_share.as_ref().map_or(least, |share| share.value.max(least));
        let enough = |drill: &Drill| drill.bytes_restored as f64 >= size.value.0 as f64 * share;
        let figures = |drill: &Drill| {
            let restored = Bytes(drill.bytes_restored);
            format!("drill {} of `{}` restored {restored} of {}", drill.id, asset.name, size.value)
        };
        if let Some(drill) = good.iter().filter(|drill| enough(drill)).max_by_key(|drill| drill.ended_at) {
            report.pass(Code::DrillSmall, Subject::asset(&asset.name), figures(drill));
            continue;
        }
        // Large enough and too old: that is another rule's.
        if enough(newest) {
            continue;
        }
        items.push(Item {
            asset: asset.name.clone(),
            at: Some(objective.drill_share.map_or(size.at, |share| share.at)),
            verdict: Verdict::Unproven,
            says: format!("{}, {:.0} % is asked", figures(newest), 100.0 * share),
            evidence: vec![format!("drill {}", newest.id)],
        });
    }
    let remedy = "drill on data of production's size, or correct the size that the policy declares";
    report.find_all(context, Code::DrillSmall, "recent drills restored too little", remedy, items);
}
