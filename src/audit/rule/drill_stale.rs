//! Assets whose last good drill is older than asked.

use crate::audit::context::Item;
use crate::audit::{Code, Context, Report, Subject, Verdict};

pub fn check(context: &Context, report: &mut Report) {
    let Some(evidence) = context.evidence else { return };
    let mut items = Vec::new();
    for asset in &context.policy.assets {
        let Some(every) = context.objective(asset).drill_every else { continue };
        let drills = evidence.drills_of(&asset.name);
        if drills.is_empty() {
            continue;
        }
        let good = drills.iter().filter(|drill| drill.passed()).max_by_key(|drill| drill.ended_at);
        let age = good.map(|drill| context.as_of - drill.ended_at);
        if let (Some(drill), Some(age)) = (good, age)
            && age <= every.value
        {
            let why = format!("drill {} passed {age} ago, one every {} is asked", drill.id, every.value);
            report.pass(Code::DrillStale, Subject::asset(&asset.name), why);
            continue;
        }
        let says = match age {
            Some(age) => format!("that of `{}` is {age} old, one every {} is asked", asset.name, every.value),
            None => format!("`{}` has none that passed, one every {} is asked", asset.name, every.value),
        };
        items.push(Item {
            asset: asset.name.clone(),
            at: Some(every.at),
            verdict: Verdict::Unproven,
            says,
            evidence: good.map(|drill| format!("drill {}", drill.id)).into_iter().collect(),
        });
    }
    let remedy = "drill again, and put drills on a schedule";
    report.find_all(context, Code::DrillStale, "the last good drill is too old", remedy, items);
}
