//! How long copies are kept, against what is asked.

use crate::audit::context::Item;
use crate::audit::{Code, Context, Report, Subject, Verdict};
use crate::base::Span;
use crate::policy::{Mechanism, Placed, Protection};
use crate::retention::reach;

pub fn check(context: &Context, report: &mut Report) {
    let mut items = Vec::new();
    for asset in &context.policy.assets {
        let Some(asked) = context.objective(asset).retention else { continue };
        // A mirror keeps one state however long it is kept.
        let keeping = context.copies_of(asset).filter(|p| !matches!(p.mechanism, Mechanism::Mirror { .. }));
        let kept = keeping.filter_map(|p| Some((reaches(p)?, p))).max_by_key(|(kept, _)| kept.value);
        let (verdict, says, at) = match kept {
            Some((kept, protection)) if kept.value >= asked.value => {
                let why = format!("`{}` keeps it for {}, {} is asked", protection.name, kept.value, asked.value);
                report.pass(Code::RetentionShort, Subject::asset(&asset.name), why);
                continue;
            }
            Some((kept, protection)) => {
                let says = format!(
                    "`{}` of `{}` is kept for {}, {} is asked",
                    protection.name, asset.name, kept.value, asked.value
                );
                (Verdict::Breached, says, kept.at)
            }
            None => {
                let says =
                    format!("no copy of `{}` declares how long it is kept, {} is asked", asset.name, asked.value);
                (Verdict::Unproven, says, asked.at)
            }
        };
        items.push(Item { asset: asset.name.clone(), at: Some(at), verdict, says, evidence: vec![] });
    }
    let remedy = "keep copies longer, or add a cheap long-term copy";
    report.find_all(context, Code::RetentionShort, "copies are not kept long enough", remedy, items);
}

/// The retention, or what is kept of the older points where that reaches further.
fn reaches(protection: &Protection) -> Option<Placed<Span>> {
    let kept = protection.retention.clone()?;
    let tiers = protection.keep.as_ref().map(|keep| Placed::new(reach::at_least(&keep.value), keep.at));
    // What the store's own rule removes, no tier keeps.
    let tiers = tiers.filter(|tiers| tiers.value > kept.value && protection.lifecycle.is_none());
    Some(tiers.unwrap_or(kept))
}
