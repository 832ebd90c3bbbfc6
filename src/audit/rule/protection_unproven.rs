//! Declared protections of which the evidence shows nothing.

use crate::audit::context::Item;
use crate::audit::{Code, Context, Report, Stock, Verdict};

pub fn check(context: &Context, stock: &Stock, report: &mut Report) {
    if context.evidence.is_none() {
        return;
    }
    let (asset, mut items) = (stock.asset, Vec::new());
    for protection in context.copies_of(asset) {
        let name = Some(protection.name.as_str());
        let shown = stock.points_by(&protection.name).next().is_some()
            || stock.coverage.iter().any(|c| c.protection.as_deref() == name);
        if !shown {
            items.push(Item {
                asset: asset.name.clone(),
                at: Some(protection.at),
                verdict: Verdict::Unproven,
                says: format!("`{}` of `{}`", protection.name, asset.name),
                evidence: vec![],
            });
        }
    }
    let remedy = "read that tool's inventory into the evidence, or correct the policy";
    report.find_all(context, Code::ProtectionUnproven, "there is no evidence of", remedy, items);
}
