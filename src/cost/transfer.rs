//! What it costs to carry points from where they are made to where they are copied.

use std::collections::BTreeSet;

use super::bill::figure;
use super::volume::Volume;
use super::{BillLine, PriceBook};
use crate::policy::{Asset, DomainKind, Mechanism, Placed, Policy, Protection};

/// How far apart two places are, and what the bill says of it.
struct Way {
    /// None: not out of one region.
    item: Option<&'static str>,
    said: &'static str,
}

const INTERNET: &str = "egress-internet";
const REGION: &str = "egress-region";

/// A year's points and pieces, read once and carried once. Nothing for what is no copy, or stays in one region; what is
/// missing where the book has no price.
pub fn line(
    policy: &Policy,
    copy: &Protection,
    asset: &Asset,
    volume: &Volume,
    book: &PriceBook,
) -> Result<Option<BillLine>, String> {
    let Mechanism::Copy { of, .. } = &copy.mechanism else { return Ok(None) };
    let source = policy.protection(&of.value).ok_or_else(|| format!("it copies `{}`, which is missing", of.value))?;
    let way = way(policy, source, copy);
    let gb = book.gb(volume.written);
    let (mut amount, mut grade, mut basis) = (0.0, None, vec![]);
    let mut add = |name: &str, what: &str| -> Result<(), String> {
        let price = book.item(name, "gb")?;
        let cost = 12.0 * price.cost(gb / 12.0);
        basis.push(format!("{} {what}", figure(if gb > 0.0 { cost / gb } else { 0.0 })));
        amount += cost;
        grade = grade.max(Some(price.grade));
        Ok(())
    };
    if let Some(item) = way.item {
        add(item, way.said)?;
    }
    // Reading the originals, where their class asks money for that.
    let class = source.storage_class.as_ref().map_or(&book.default_class, |class| &class.value);
    if let Some(retrieval) = book.item(class, "gb-month").ok().and_then(|price| price.retrieval.clone()) {
        add(&retrieval, "to read it")?;
    }
    Ok(grade.map(|grade| BillLine {
        protection: copy.name.clone(),
        item: "transfer".into(),
        basis: format!("{}: {gb:.1} GB a year × {} a GB", asset.name, basis.join(" and ")),
        amount,
        grade,
    }))
}

fn way(policy: &Policy, from: &Protection, to: &Protection) -> Way {
    let shared = |a: &BTreeSet<&str>, b: &BTreeSet<&str>| a.intersection(b).next().is_some();
    let both = |kind| (around(policy, &from.stored_in, kind), around(policy, &to.stored_in, kind));
    let (providers, regions) = (both(DomainKind::Provider), both(DomainKind::Region));
    let one_place = from.stored_in.iter().any(|a| to.stored_in.iter().any(|b| a.value == b.value));
    let known = |both: &(BTreeSet<&str>, BTreeSet<&str>)| !both.0.is_empty() && !both.1.is_empty();
    match (known(&providers), known(&regions)) {
        _ if one_place => Way { item: None, said: "" },
        (_, true) if shared(&regions.0, &regions.1) => Way { item: None, said: "" },
        (true, _) if !shared(&providers.0, &providers.1) => Way { item: Some(INTERNET), said: "between providers" },
        (true, true) => Way { item: Some(REGION), said: "between regions" },
        (true, false) => Way { item: Some(REGION), said: "as if between regions, since the plan names none" },
        // What is not known must not flatter.
        (false, _) => Way { item: Some(INTERNET), said: "as if over the internet, since the plan names no provider" },
    }
}

/// The domains of a kind that these are, or are inside of.
fn around<'a>(policy: &'a Policy, names: &'a [Placed<String>], kind: DomainKind) -> BTreeSet<&'a str> {
    let mut all: BTreeSet<&str> = names.iter().map(|name| name.value.as_str()).collect();
    loop {
        let inside = policy.domains.iter().filter(|domain| all.contains(domain.name.as_str()));
        let outer: Vec<&str> = inside.flat_map(|domain| &domain.inside).map(|name| name.value.as_str()).collect();
        let before = all.len();
        all.extend(outer);
        if all.len() == before {
            let of_kind = |name: &&str| policy.domains.iter().any(|d| d.name == **name && d.kind == kind);
            return all.into_iter().filter(of_kind).collect();
        }
    }
}
