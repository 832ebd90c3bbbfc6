//! Evidence of assets and protections that the policy does not declare.

use std::collections::BTreeMap;

use crate::audit::{Code, Context, Finding, Report};

pub fn check(context: &Context, report: &mut Report) {
    let Some(evidence) = context.evidence else { return };
    let points = evidence.points.iter().map(|p| (&p.asset, &p.protection, &p.id));
    let logs = evidence.coverage.iter().map(|c| (&c.asset, &c.protection, &c.origin.place));
    let drills = evidence.drills.iter().map(|d| (&d.asset, &d.protection, &d.id));
    let mut strange: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (asset, protection, id) in points.chain(logs).chain(drills) {
        let known =
            |name: &String| context.policy.protection(name).is_some_and(|p| p.assets.iter().any(|a| a.value == *asset));
        let what = match protection {
            _ if context.policy.asset(asset).is_none() => format!("the asset `{asset}`"),
            Some(name) if !known(name) => format!("the protection `{name}` of `{asset}`"),
            _ => continue,
        };
        strange.entry(what).or_default().push(id.clone());
    }
    for (what, ids) in strange {
        let count = if ids.len() == 1 { "a piece".to_string() } else { format!("{} pieces", ids.len()) };
        let message = format!("{count} of evidence of {what}, which the policy does not declare");
        let finding = Finding::unproven(Code::EvidenceUnmatched, message).shown_by(ids.into_iter().take(20));
        report.find(finding.remedy("declare it, or correct the name where the backup is taken"));
    }
}
