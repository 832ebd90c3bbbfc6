//! Evidence of assets and protections that the policy does not declare.

use std::collections::BTreeMap;

use crate::audit::{Code, Context, Finding, Report, Stock};

/// Of assets.
pub fn check(context: &Context, report: &mut Report) {
    let Some(evidence) = context.evidence else { return };
    let drills = evidence.drills.iter().filter(|d| context.policy.asset(&d.asset).is_none());
    let drills = drills.map(|d| (d.asset.as_str(), d.id.as_str()));
    let strange = evidence.strangers.iter().copied().chain(drills);
    tell(strange.map(|(asset, id)| (format!("the asset `{asset}`"), id)), report);
}

/// Of protections.
pub fn check_copies(context: &Context, stock: &Stock, report: &mut Report) {
    let Some(evidence) = context.evidence else { return };
    let declared: Vec<&str> =
        context.policy.protections_of(&stock.asset.name).map(|protection| protection.name.as_str()).collect();
    let points = stock.points.iter().map(|p| (&p.protection, p.id.as_str()));
    let logs = stock.coverage.iter().map(|c| (&c.protection, c.origin.place.as_str()));
    let drills = evidence.drills_of(&stock.asset.name).iter().map(|d| (&d.protection, d.id.as_str()));
    let strange = points.chain(logs).chain(drills).filter_map(|(protection, id)| {
        let name = protection.as_deref().filter(|name| !declared.contains(name))?;
        Some((format!("the protection `{name}` of `{}`", stock.asset.name), id))
    });
    tell(strange, report);
}

fn tell<'a>(pieces: impl Iterator<Item = (String, &'a str)>, report: &mut Report) {
    let mut strange: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (what, id) in pieces {
        strange.entry(what).or_default().push(id.to_string());
    }
    for (what, ids) in strange {
        let count = if ids.len() == 1 { "a piece".to_string() } else { format!("{} pieces", ids.len()) };
        let message = format!("{count} of evidence of {what}, which the policy does not declare");
        let finding = Finding::unproven(Code::EvidenceUnmatched, message).shown_by(ids.into_iter().take(20));
        report.find(finding.remedy("declare it, or correct the name where the backup is taken"));
    }
}
