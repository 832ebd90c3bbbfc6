//! Copies that nobody has read back.

use crate::audit::context::Item;
use crate::audit::{Code, Context, Report, Subject, Verdict};
use crate::evidence::{Health, RecoveryPoint};

pub fn check(context: &Context, report: &mut Report) {
    let mut items = Vec::new();
    for asset in &context.policy.assets {
        for protection in context.copies_of(asset) {
            if let Some(verified) = protection.verified.as_ref().filter(|verified| !verified.value) {
                items.push(Item {
                    asset: asset.name.clone(),
                    at: Some(verified.at),
                    verdict: Verdict::Unproven,
                    says: format!("`{}` of `{}` is never read back", protection.name, asset.name),
                    evidence: vec![],
                });
            }
        }
        let Some(evidence) = context.evidence else { continue };
        let points: Vec<&RecoveryPoint> = evidence.points.iter().filter(|p| p.asset == asset.name).collect();
        let newest = points.iter().max_by_key(|p| p.consistent_at);
        let Some(newest) = newest else { continue };
        if matches!(newest.health, Health::Verified { .. }) {
            let why = format!("the newest point, {}, was read back and is equal", newest.id);
            report.pass(Code::UnverifiedPoints, Subject::asset(&asset.name), why);
            continue;
        }
        let unread = points.iter().filter(|p| !matches!(p.health, Health::Verified { .. })).count();
        let at =
            newest.protection.as_deref().and_then(|name| context.policy.protection(name)).map_or(asset.at, |p| p.at);
        let says = match &newest.health {
            Health::Bad { why, .. } => format!("the newest point of `{}` is known bad: {why}", asset.name),
            _ => format!(
                "{unread} of {} points of `{}` were never read back, the newest among them",
                points.len(),
                asset.name
            ),
        };
        let (asset, evidence) = (asset.name.clone(), vec![newest.id.clone()]);
        items.push(Item { asset, at: Some(at), verdict: Verdict::Unproven, says, evidence });
    }
    let remedy = "read each point back and compare its hashes; a listing shows only that something exists";
    report.find_all(context, Code::UnverifiedPoints, "nothing shows that the copies are whole", remedy, items);
}
