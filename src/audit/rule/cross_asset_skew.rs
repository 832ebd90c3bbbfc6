//! Assets that refer to each other, and copies of them that are of different instants.

use crate::audit::{Code, Context, Finding, Report, Subject};
use crate::policy::{Consistency, Mechanism, Protection};

pub fn check(context: &Context, report: &mut Report) {
    for asset in &context.policy.assets {
        let Some(references) = &asset.references else { continue };
        let Some(target) = context.policy.asset(&references.value) else { continue };
        let apart = context.copies_of(asset).filter(|p| makes_points(p)).find_map(|p| {
            let theirs = context.copies_of(target).filter(|q| makes_points(q));
            theirs.filter(|q| !same_instant(p, q)).map(|q| (p, q)).last()
        });
        let subject = Subject::asset(&asset.name);
        // The pair that shares a schedule says it best: meant to be one copy, and yet not of one instant.
        let meant = context.copies_of(asset).find_map(|p| {
            context.copies_of(target).find(|q| schedule(p).is_some() && schedule(p) == schedule(q)).map(|q| (p, q))
        });
        let Some((own, theirs)) = meant.filter(|(p, q)| !same_instant(p, q)).or(apart) else {
            let why = format!("no copy of `{}` is tied to another instant", target.name);
            report.pass(Code::CrossAssetSkew, subject, why);
            continue;
        };
        let message = format!(
            "`{}` refers to `{}`, and their copies (`{}`, `{}`) are of different instants: after a restore, references can \
             dangle",
            asset.name, target.name, own.name, theirs.name
        );
        let finding = Finding::breached(Code::CrossAssetSkew, message).about(subject).at(references.at);
        report.find(finding.remedy(
            "copy the referred asset after the referring one and delete late, or keep versions so that both can be brought \
             to one instant",
        ));
    }
}

fn makes_points(protection: &Protection) -> bool {
    matches!(protection.mechanism, Mechanism::Snapshot { .. } | Mechanism::Mirror { .. } | Mechanism::Copy { .. })
}

fn schedule(protection: &Protection) -> Option<&str> {
    match &protection.mechanism {
        Mechanism::Snapshot { schedule, .. } | Mechanism::Mirror { schedule, .. } => Some(&schedule.value.text),
        _ => None,
    }
}

/// Runs of one schedule, each of one instant.
fn same_instant(p: &Protection, q: &Protection) -> bool {
    let sharp = |p: &Protection| p.consistency.as_ref().is_some_and(|c| c.value == Consistency::Snapshot);
    schedule(p).is_some() && schedule(p) == schedule(q) && sharp(p) && sharp(q)
}
