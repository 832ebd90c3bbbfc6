//! Copies that nobody has read back.

use crate::audit::context::Item;
use crate::audit::{Code, Context, Report, Stock, Subject, Verdict};
use crate::evidence::{Health, RecoveryPoint};
use crate::policy::Protection;

pub fn check(context: &Context, stock: &Stock, report: &mut Report) {
    let mut items: Vec<Item> = context.copies_of(stock.asset).filter_map(|p| never_read(p, stock)).collect();
    match stock.points.iter().max_by_key(|p| p.consistent_at) {
        Some(newest) if matches!(newest.health, Health::Verified { .. }) => {
            let why = format!("the newest point, {}, was read back and is equal", newest.id);
            report.pass(Code::UnverifiedPoints, Subject::asset(&stock.asset.name), why);
        }
        Some(newest) => items.push(unread(context, stock, newest)),
        None => {}
    }
    let remedy = "read each point back and compare its hashes; a listing shows only that something exists";
    report.find_all(context, Code::UnverifiedPoints, "nothing shows that the copies are whole", remedy, items);
}

/// By the plan's own word.
fn never_read(protection: &Protection, stock: &Stock) -> Option<Item> {
    let verified = protection.verified.as_ref().filter(|verified| !verified.value)?;
    Some(Item {
        asset: stock.asset.name.clone(),
        at: Some(verified.at),
        verdict: Verdict::Unproven,
        says: format!("`{}` of `{}` is never read back", protection.name, stock.asset.name),
        evidence: vec![],
    })
}

fn unread(context: &Context, stock: &Stock, newest: &RecoveryPoint) -> Item {
    let (asset, points) = (stock.asset, &stock.points);
    let unread = points.iter().filter(|p| !matches!(p.health, Health::Verified { .. })).count();
    let protection = newest.protection.as_deref().and_then(|name| context.policy.protection(name));
    let says = match &newest.health {
        Health::Bad { why, .. } => format!("the newest point of `{}` is known bad: {why}", asset.name),
        _ => format!(
            "{unread} of {} points of `{}` were never read back, the newest among them",
            points.len(),
            asset.name
        ),
    };
    Item {
        asset: asset.name.clone(),
        at: Some(protection.map_or(asset.at, |p| p.at)),
        verdict: Verdict::Unproven,
        says,
        evidence: vec![newest.id.clone()],
    }
}
