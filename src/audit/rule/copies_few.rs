//! Copies apart from the live data, counted by the places that they stand in.

use std::collections::BTreeSet;

use crate::audit::context::Item;
use crate::audit::{Code, Context, Report, Subject, Verdict};
use crate::policy::{Asset, Mechanism, Protection};

pub fn check(context: &Context, report: &mut Report) {
    let mut items = Vec::new();
    for asset in &context.policy.assets {
        let Some(asked) = context.objective(asset).copies else { continue };
        let apart: Vec<&Protection> = context.copies_of(asset).filter(|p| stands_apart(p, asset)).collect();
        let places: BTreeSet<Vec<&str>> = apart.iter().map(|p| places(p)).collect();
        let names: Vec<&str> = apart.iter().map(|p| p.name.as_str()).collect();
        if places.len() >= asked.value as usize {
            let why = format!("{} of {} asked: {}", places.len(), asked.value, names.join(", "));
            report.pass(Code::CopiesFew, Subject::asset(&asset.name), why);
            continue;
        }
        let which = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
        items.push(Item {
            asset: asset.name.clone(),
            at: Some(asked.at),
            verdict: Verdict::Breached,
            says: format!("`{}` has {} of {} asked{which}", asset.name, places.len(), asked.value),
            evidence: vec![],
        });
    }
    let remedy = "add a copy in another place (`kind = \"copy\"`)";
    report.find_all(context, Code::CopiesFew, "too few copies apart from the live data", remedy, items);
}

/// A copy that restores by itself and does not stand where the live data stands.
fn stands_apart(protection: &Protection, asset: &Asset) -> bool {
    let alone = !matches!(protection.mechanism, Mechanism::Log { .. } | Mechanism::Versioning);
    let beside = protection.stored_in.iter().any(|d| asset.lives_in.iter().any(|live| live.value == d.value));
    alone && !beside && !protection.stored_in.is_empty()
}

fn places(protection: &Protection) -> Vec<&str> {
    let mut places: Vec<&str> = protection.stored_in.iter().map(|d| d.value.as_str()).collect();
    places.sort_unstable();
    places
}
