//! What is saved by removing stored bytes: the storage bill of what was there, less that of what stays.

use std::collections::BTreeMap;

use super::book::{Grade, PriceBook};
use crate::policy::Policy;

/// Bytes by the protection that made them; those of no name are priced by the book's default class.
pub type ByProtection = BTreeMap<String, u64>;

#[derive(Debug, Clone, PartialEq)]
pub struct Saving {
    /// In the book's currency.
    pub a_month: f64,
    /// Some price of it was not checked.
    pub unverified: bool,
    /// A class bills what is deleted sooner for so many days all the same; 0 where none does.
    pub minimum_days: u32,
}

/// By the book's prices, tiers included; or what is not priced.
pub fn saving(
    policy: Option<&Policy>,
    book: &PriceBook,
    kept: &ByProtection,
    freed: &ByProtection,
) -> Result<Saving, String> {
    let class = |protection: &str| {
        let declared = policy.and_then(|policy| policy.protection(protection)?.storage_class.as_ref());
        declared.map_or_else(|| book.default_class.clone(), |class| class.value.clone())
    };
    let by_class = |bytes: &ByProtection| {
        let mut sums: BTreeMap<String, f64> = BTreeMap::new();
        for (protection, bytes) in bytes {
            *sums.entry(class(protection)).or_default() += *bytes as f64;
        }
        sums
    };
    let (kept, freed) = (by_class(kept), by_class(freed));
    let mut saving = Saving { a_month: 0.0, unverified: false, minimum_days: 0 };
    for (class, bytes) in freed.into_iter().filter(|(_, bytes)| *bytes > 0.0) {
        let price = book.item(&class, "gb-month")?;
        let stays = kept.get(&class).copied().unwrap_or_default();
        saving.a_month += price.cost(book.gb(stays + bytes)) - price.cost(book.gb(stays));
        saving.unverified |= price.grade == Grade::Unverified;
        saving.minimum_days = saving.minimum_days.max(price.minimum_days);
    }
    Ok(saving)
}
