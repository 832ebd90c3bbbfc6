//! Kinds of storage that the copies stand on.

use std::collections::BTreeSet;

use crate::audit::context::Item;
use crate::audit::{Code, Context, Report, Subject, Verdict};
use crate::policy::{Medium, Protection};

pub fn check(context: &Context, report: &mut Report) {
    let mut items = Vec::new();
    for asset in &context.policy.assets {
        let Some(asked) = context.objective(asset).media else { continue };
        let (mut known, mut unknown): (BTreeSet<Medium>, Vec<&str>) = (BTreeSet::new(), vec![]);
        for copy in context.copies_of(asset) {
            match medium(context, copy) {
                Some(medium) => drop(known.insert(medium)),
                None => unknown.push(&copy.name),
            }
        }
        if known.len() >= asked.value as usize {
            let why = format!("{} kinds of storage, {} asked", known.len(), asked.value);
            report.pass(Code::MediaFew, Subject::asset(&asset.name), why);
            continue;
        }
        // What does not say may be of another kind, each copy of one.
        let at_best = known.len() + unknown.len();
        let verdict = if at_best >= asked.value as usize { Verdict::Unproven } else { Verdict::Breached };
        let says = format!("`{}` has {} of {} asked", asset.name, known.len(), asked.value);
        items.push(Item { asset: asset.name.clone(), at: Some(asked.at), verdict, says, evidence: vec![] });
    }
    let remedy = "put one copy on storage of another kind, or say of what its domain is made (`medium`)";
    report.find_all(context, Code::MediaFew, "the copies stand on too few kinds of storage", remedy, items);
}

/// What a copy stands on, if all that it stands in says one thing.
fn medium(context: &Context, copy: &Protection) -> Option<Medium> {
    let of = |name: &str| context.policy.domains.iter().find(|d| d.name == name).and_then(|d| d.medium);
    let all: BTreeSet<Option<Medium>> = copy.stored_in.iter().map(|d| of(&d.value)).collect();
    if all.len() == 1 { all.into_iter().next().flatten() } else { None }
}
