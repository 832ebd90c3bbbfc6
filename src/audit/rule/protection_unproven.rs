//! Declared protections of which the evidence shows nothing.

use crate::audit::context::Item;
use crate::audit::{Code, Context, Report, Verdict};
use crate::policy::Mechanism;

pub fn check(context: &Context, report: &mut Report) {
    let Some(evidence) = context.evidence else { return };
    let mut items = Vec::new();
    for protection in &context.policy.protections {
        if matches!(protection.mechanism, Mechanism::Replica { .. }) {
            continue;
        }
        for asset in &protection.assets {
            let own = |a: &str, p: &Option<String>| a == asset.value && p.as_deref() == Some(protection.name.as_str());
            let shown = evidence.points.iter().any(|p| own(&p.asset, &p.protection))
                || evidence.coverage.iter().any(|c| own(&c.asset, &c.protection));
            if !shown {
                items.push(Item {
                    asset: asset.value.clone(),
                    at: Some(protection.at),
                    verdict: Verdict::Unproven,
                    says: format!("`{}` of `{}`", protection.name, asset.value),
                    evidence: vec![],
                });
            }
        }
    }
    let remedy = "read that tool's inventory into the evidence, or correct the policy";
    report.find_all(context, Code::ProtectionUnproven, "there is no evidence of", remedy, items);
}
