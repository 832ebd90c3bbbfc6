//! What the protections cost a year: storage in the steady state, requests, and reading back for drills.

use std::collections::BTreeMap;

use serde::Serialize;

use super::transfer;
use super::volume::{self, Volume};
use super::{Grade, Price, PriceBook};
use crate::evidence::Evidence;
use crate::policy::{Asset, Mechanism, Policy, Protection};

#[derive(Debug, Clone, Serialize)]
pub struct Bill {
    pub currency: String,
    pub lines: Vec<BillLine>,
    /// Sum of the lines, a year.
    pub total: f64,
    /// What could not be priced, and why.
    pub unpriced: Vec<String>,
    /// Nothing that another plan could have more or less of is without a price. A running copy, which is the same in
    /// every plan, may be.
    pub whole: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct BillLine {
    pub protection: String,
    /// `storage`, `requests`, `transfer`, `drills`.
    pub item: String,
    /// How the amount comes about: quantity × price.
    pub basis: String,
    /// Money a year.
    pub amount: f64,
    pub grade: Grade,
}

impl Bill {
    fn lack(&mut self, what: String) {
        self.unpriced.push(what);
        self.whole = false;
    }

    /// Whether a price that nobody checked is part of the total.
    pub fn rests_on_unverified(&self) -> bool {
        self.lines.iter().any(|line| line.grade == Grade::Unverified && line.amount > 0.0)
    }
}

/// One protection of one asset, with its storage class.
struct Item<'a> {
    protection: &'a Protection,
    asset: &'a Asset,
    class: &'a str,
    price: &'a Price,
    volume: Volume,
    /// Gigabytes billed: small objects and overheads included.
    gb: f64,
}

/// The bill of a policy's plan for the coming year.
pub fn annual(policy: &Policy, book: &PriceBook, evidence: Option<&Evidence>) -> Bill {
    let mut bill = Bill { currency: book.currency.clone(), lines: vec![], total: 0.0, unpriced: vec![], whole: true };
    if book.currency != policy.currency {
        bill.unpriced.push(format!(
            "the price book is in {}, the policy's money in {}: the two are not added up by any rate of exchange",
            book.currency, policy.currency
        ));
    }
    let items = items(policy, book, evidence, &mut bill);
    let mut class_gb: BTreeMap<&str, f64> = BTreeMap::new();
    for item in &items {
        *class_gb.entry(item.class).or_default() += item.gb;
    }
    for item in &items {
        // Tiers count over the whole account, so each line bears the mean price of its class.
        let all = class_gb.get(item.class).copied().unwrap_or_default();
        bill.lines.push(storage(item, all));
        bill.lines.extend(requests(item, book));
        match transfer::line(policy, item.protection, item.asset, &item.volume, book) {
            Ok(line) => bill.lines.extend(line),
            Err(why) => bill.lack(format!("`{}` of `{}`: {why}", item.protection.name, item.asset.name)),
        }
    }
    for asset in &policy.assets {
        match drills(policy, asset, &items, book) {
            Ok(line) => bill.lines.extend(line),
            Err(why) => bill.lack(format!("drills of `{}`: {why}", asset.name)),
        }
    }
    bill.total = bill.lines.iter().map(|line| line.amount).sum();
    bill
}

fn items<'a>(policy: &'a Policy, book: &'a PriceBook, evidence: Option<&Evidence>, bill: &mut Bill) -> Vec<Item<'a>> {
    let mut items = Vec::new();
    for protection in &policy.protections {
        let class = protection.storage_class.as_ref().map_or(&book.default_class, |class| &class.value);
        let price = book.item(class, "gb-month");
        for asset in protection.assets.iter().filter_map(|name| policy.asset(&name.value)) {
            let item = price.clone().and_then(|price| {
                let volume = volume::of(policy, protection, asset, evidence, price.minimum_days)?;
                let bytes = volume.bytes.max(volume.objects * price.minimum_object_bytes as f64)
                    + volume.objects * price.overhead_bytes as f64;
                Ok(Item { protection, asset, class, price, volume, gb: book.gb(bytes) })
            });
            match item {
                Ok(item) => items.push(item),
                Err(why) => {
                    bill.unpriced.push(format!("`{}` of `{}`: {why}", protection.name, asset.name));
                    bill.whole &= matches!(protection.mechanism, Mechanism::Replica { .. });
                }
            }
        }
    }
    items
}

fn storage(item: &Item, class_gb: f64) -> BillLine {
    let each = if class_gb > 0.0 { item.price.cost(class_gb) / class_gb } else { 0.0 };
    BillLine {
        protection: item.protection.name.clone(),
        item: "storage".into(),
        basis: format!(
            "{}: {}; {:.1} GB of {} × {} a GB-month × 12",
            item.asset.name,
            item.volume.how,
            item.gb,
            item.class,
            figure(each)
        ),
        amount: item.gb * each * 12.0,
        grade: item.price.grade,
    }
}

/// Writing; a class that names no price for it bills none.
fn requests(item: &Item, book: &PriceBook) -> Option<BillLine> {
    let price = book.item(item.price.put.as_ref()?, "request").ok()?;
    let amount = 12.0 * price.cost(item.volume.puts / 12.0);
    (item.volume.puts > 0.0).then(|| BillLine {
        protection: item.protection.name.clone(),
        item: "requests".into(),
        basis: format!(
            "{}: {:.0} writes a year × {}",
            item.asset.name,
            item.volume.puts,
            figure(amount / item.volume.puts)
        ),
        amount,
        grade: price.grade,
    })
}

/// As many restores for practice as the objective asks for, each reading a point of the first protection in the file's
/// order that makes points, over the internet.
fn drills(policy: &Policy, asset: &Asset, items: &[Item], book: &PriceBook) -> Result<Option<BillLine>, String> {
    let Some(every) = policy.objective_for(asset, None).drill_every else { return Ok(None) };
    let restorable = |p: &Protection| matches!(p.mechanism, Mechanism::Snapshot { .. } | Mechanism::Mirror { .. });
    let of_it = |item: &&Item| item.asset.name == asset.name && restorable(item.protection);
    let Some(item) = items.iter().find(of_it) else { return Ok(None) };
    let egress = book.item("egress-internet", "gb")?;
    let times = 365.0 * 24.0 / every.value.as_hours().max(1.0);
    let gb = book.gb(item.volume.point);
    let mut grade = egress.grade;
    let mut each = egress.cost(gb);
    if let Some(price) = item.price.retrieval.as_ref().and_then(|name| book.item(name, "gb").ok()) {
        each += price.cost(gb);
        grade = grade.max(price.grade);
    }
    if let Some(price) = item.price.get.as_ref().and_then(|name| book.item(name, "request").ok()) {
        let points = (item.volume.bytes / item.volume.point.max(1.0)).max(1.0);
        each += price.cost(item.volume.objects / points);
        grade = grade.max(price.grade);
    }
    Ok(Some(BillLine {
        protection: item.protection.name.clone(),
        item: "drills".into(),
        basis: format!("{}: {times:.1} drills a year, each reading {gb:.1} GB over the internet", asset.name),
        amount: times * each,
        grade,
    }))
}

/// A price as short as it can be said: `0.023`, `0.000005`.
pub(super) fn figure(price: f64) -> String {
    let text = format!("{price:.7}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}
