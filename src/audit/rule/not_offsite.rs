//! A copy at another site than the live data.

use std::collections::BTreeSet;

use crate::audit::context::Item;
use crate::audit::{Code, Context, Report, Subject, Verdict};
use crate::policy::{Asset, DomainKind, Placed, Protection};

pub fn check(context: &Context, report: &mut Report) {
    let mut items = Vec::new();
    for asset in &context.policy.assets {
        let Some(asked) = context.objective(asset).offsite.filter(|asked| asked.value) else { continue };
        if let Some(copy) = offsite(context, asset).first() {
            let why = format!("`{}` stands at another site than the live data, as declared", copy.name);
            report.pass(Code::NotOffsite, Subject::asset(&asset.name), why);
            continue;
        }
        let mut all = context.copies_of(asset).map(|p| p.stored_in.as_slice()).chain([asset.lives_in.as_slice()]);
        let unsaid = all.any(|names| sites(context, names).is_empty());
        let (verdict, says) = match unsaid {
            true => {
                (Verdict::Unproven, format!("not every place of `{}` says at which site or region it is", asset.name))
            }
            false => (Verdict::Breached, format!("every copy of `{}` is at a site of the live data", asset.name)),
        };
        items.push(Item { asset: asset.name.clone(), at: Some(asked.at), verdict, says, evidence: vec![] });
    }
    let remedy = "keep one copy at another site, and put domains `inside` one of kind \"site\" or \"region\"";
    report.find_all(context, Code::NotOffsite, "no copy is known to be at another site", remedy, items);
}

/// The copies of which the plan says that no site of theirs is one of the live data's.
pub(super) fn offsite<'a>(context: &Context<'a>, asset: &'a Asset) -> Vec<&'a Protection> {
    let live = sites(context, &asset.lives_in);
    let apart = |p: &&Protection| {
        let own = sites(context, &p.stored_in);
        !live.is_empty() && !own.is_empty() && own.is_disjoint(&live)
    };
    context.copies_of(asset).filter(apart).collect()
}

/// The sites and regions that hold these domains; none if one of them is in none.
fn sites<'a>(context: &'a Context, names: &'a [Placed<String>]) -> BTreeSet<&'a str> {
    let mut all = BTreeSet::new();
    for name in names {
        let around = around(context, &name.value);
        let is_site = |name: &&&str| {
            let kind = context.policy.domains.iter().find(|d| d.name == **name).map(|d| d.kind);
            matches!(kind, Some(DomainKind::Site | DomainKind::Region))
        };
        let own: Vec<&str> = around.iter().filter(is_site).copied().collect();
        if own.is_empty() {
            return BTreeSet::new();
        }
        all.extend(own);
    }
    all
}

/// A domain and all that it is inside of.
pub(super) fn around<'a>(context: &'a Context, name: &'a str) -> BTreeSet<&'a str> {
    let (mut all, mut heap) = (BTreeSet::new(), vec![name]);
    while let Some(name) = heap.pop() {
        if all.insert(name) {
            let domain = context.policy.domains.iter().find(|d| d.name == name);
            heap.extend(domain.iter().flat_map(|d| &d.inside).map(|outer| outer.value.as_str()));
        }
    }
    all
}
