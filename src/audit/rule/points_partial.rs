//! Copies that leave a part of their asset out.

use std::collections::BTreeSet;

use crate::audit::context::Item;
use crate::audit::recovery::quoted;
use crate::audit::{Code, Context, Report, Stock, Verdict};
use crate::evidence::RecoveryPoint;

pub fn check(context: &Context, stock: &Stock, report: &mut Report) {
    let (asset, points, mut items) = (stock.asset, &stock.points, Vec::new());
    let partial: Vec<&&RecoveryPoint> = points.iter().filter(|p| !p.without.is_empty()).collect();
    if let Some(newest) = partial.iter().max_by_key(|p| p.consistent_at) {
        let left_out: BTreeSet<&String> = partial.iter().flat_map(|p| &p.without).collect();
        let left_out: Vec<&String> = left_out.into_iter().collect();
        let (partial, all, left_out) = (partial.len(), points.len(), quoted(&left_out));
        let at =
            newest.protection.as_deref().and_then(|name| context.policy.protection(name)).map_or(asset.at, |p| p.at);
        items.push(Item {
            asset: asset.name.clone(),
            at: Some(at),
            verdict: Verdict::Unproven,
            says: format!("{partial} of {all} points of `{}` are without {left_out}, and count as none", asset.name),
            evidence: vec![newest.id.clone()],
        });
    }
    let remedy = "back up all of it, or what is left out as an asset of its own with objectives of its own";
    report.find_all(context, Code::PointsPartial, "copies leave a part of the asset out", remedy, items);
}
