//! Assets that refer to each other, and copies of them that are of different instants.

use crate::audit::{Code, Context, Finding, Report, Subject};
use crate::policy::{Asset, Consistency, Mechanism, Protection};

pub fn check(context: &Context, report: &mut Report) {
    for asset in &context.policy.assets {
        let Some(references) = &asset.references else { continue };
        let Some(target) = context.policy.asset(&references.value) else { continue };
        let own: Vec<&Protection> = context.copies_of(asset).filter(|p| makes_points(p)).collect();
        let theirs: Vec<&Protection> = context.copies_of(target).filter(|q| makes_points(q)).collect();
        let pairs = || own.iter().flat_map(|p| theirs.iter().map(move |q| (*p, *q)));
        let subject = Subject::asset(&asset.name);
        if let Some(why) = at_one_instant(context, asset, &theirs, pairs()) {
            report.pass(Code::CrossAssetSkew, subject, why);
            continue;
        }
        // The pair that shares a schedule says it best: meant to be one copy, and yet not of one instant.
        let meant = pairs().find(|(p, q)| schedule(p).is_some() && schedule(p) == schedule(q));
        let last = own.first().copied().zip(theirs.last().copied());
        let Some((own, theirs)) = meant.or(last) else {
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

/// Why both can be restored to one instant: copies that share theirs, or a log that leads to that of the other's copy.
fn at_one_instant<'a>(
    context: &'a Context,
    asset: &'a Asset,
    theirs: &[&Protection],
    mut pairs: impl Iterator<Item = (&'a Protection, &'a Protection)>,
) -> Option<String> {
    if let Some((p, q)) = pairs.find(|(p, q)| same_instant(p, q)) {
        return Some(format!("`{}` and `{}` are of the same instants", p.name, q.name));
    }
    let log = context.copies_of(asset).find(|p| matches!(p.mechanism, Mechanism::Log { .. }))?;
    let sharp = theirs.iter().find(|q| is_sharp(q))?;
    Some(format!("`{}` leads to the very instants of `{}`", log.name, sharp.name))
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
    schedule(p).is_some() && schedule(p) == schedule(q) && is_sharp(p) && is_sharp(q)
}

fn is_sharp(protection: &Protection) -> bool {
    protection.consistency.as_ref().is_some_and(|c| c.value == Consistency::Snapshot)
}
