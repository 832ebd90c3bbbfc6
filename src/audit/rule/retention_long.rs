//! Copies that the plan keeps for longer than they may be kept.

use crate::audit::context::Item;
use crate::audit::{Code, Context, Report, Subject, Verdict};
use crate::base::Span;
use crate::policy::{Mechanism, Placed, Protection};
use crate::retention::reach;

pub fn check(context: &Context, report: &mut Report) {
    let mut items = Vec::new();
    for asset in &context.policy.assets {
        let Some(most) = context.objective(asset).keep_at_most else { continue };
        let before = items.len();
        for protection in context.copies_of(asset).filter(|p| !matches!(p.mechanism, Mechanism::Mirror { .. })) {
            let (verdict, says, at) = match longest(context, protection) {
                Some(kept) if kept.value <= most.value => continue,
                Some(kept) => {
                    let says = format!("`{}` of `{}` is kept for {}", protection.name, asset.name, kept.value);
                    (Verdict::Breached, says, kept.at)
                }
                None => {
                    let says = format!("`{}` of `{}` does not say how long it is kept", protection.name, asset.name);
                    (Verdict::Unproven, says, protection.at)
                }
            };
            let says = format!("{says}, {} at most is asked", most.value);
            items.push(Item { asset: asset.name.clone(), at: Some(at), verdict, says, evidence: vec![] });
        }
        if items.len() == before {
            let why = format!("no copy is kept for longer than {}", most.value);
            report.pass(Code::RetentionLong, Subject::asset(&asset.name), why);
        }
    }
    let remedy = "shorten the retention, or agree on what it costs and who may ask for deletion";
    report.find_all(context, Code::RetentionLong, "copies are kept longer than they may be", remedy, items);
}

/// How long a point is kept at most, runs that fail left out.
fn longest(context: &Context, protection: &Protection) -> Option<Placed<Span>> {
    let kept = protection.retention.clone()?;
    let gap = match &protection.mechanism {
        Mechanism::Snapshot { schedule, .. } => schedule.worst_gap(context.window.from).unwrap_or_default(),
        _ => Span::ZERO,
    };
    let tiers = protection.keep.as_ref().map(|keep| Placed::new(reach::at_most(&keep.value, gap), keep.at));
    let tiers = tiers.filter(|tiers| tiers.value > kept.value && protection.lifecycle.is_none());
    Some(tiers.unwrap_or(kept))
}
