//! A price book: dated, graded prices, read strictly from TOML.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::{Fault, Result, Span};

/// How far a price was checked. Ordered from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// On the seller's published list.
    Published,
    /// In a maintained mirror of it.
    Mirrored,
    /// Not checked: to be overridden, and marked wherever it is used.
    Unverified,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// `gb-month`, `request`, `gb`, `hour`.
    pub unit: String,
    pub grade: Grade,
    /// (up to this many units a month, price of each within); the last has no upper bound.
    pub tiers: Vec<Tier>,
    /// Deleted earlier, storage is billed for that long all the same.
    #[serde(default)]
    pub minimum_days: u32,
    /// A smaller object is billed as one of this size.
    #[serde(default)]
    pub minimum_object_bytes: u64,
    /// Billed beside each object's own bytes.
    #[serde(default)]
    pub overhead_bytes: u64,
    /// Items that a write, a read, and a gigabyte read cost in this storage class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub put: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub get: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retrieval: Option<String>,
    /// How long a reader waits until what stands in this storage class can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readable_after: Option<String>,
    /// Date on which this price was read, where it is not the book's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_on: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Cumulative, in units a month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to: Option<f64>,
    pub price: f64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceBook {
    pub name: String,
    pub currency: String,
    /// Date on which the prices were read.
    pub read_on: String,
    /// What the seller calls a gigabyte.
    #[serde(default = "decimal_gigabyte")]
    pub bytes_per_gb: u64,
    /// Storage class of a protection that names none.
    pub default_class: String,
    pub price: BTreeMap<String, Price>,
}

fn decimal_gigabyte() -> u64 {
    1_000_000_000
}

const UNITS: [&str; 4] = ["gb-month", "request", "gb", "hour"];

/// A book that is built in.
pub fn builtin(name: &str) -> Option<PriceBook> {
    let text = match name {
        "aws-us-east-1" => include_str!("../../policies/prices/aws-us-east-1.toml"),
        _ => return None,
    };
    parse(text).ok()
}

/// Reads a book and checks that every figure can be used and every name in it resolves.
pub fn parse(text: &str) -> Result<PriceBook> {
    let book: PriceBook = toml::from_str(text).map_err(|error| {
        // The error's own text shows the line and the column.
        Fault::usage(format!("the price book is not valid: {}", error.to_string().trim_end()))
            .help("policies/prices/aws-us-east-1.toml is a complete example")
    })?;
    book.check().map_err(|what| Fault::usage(format!("price book `{}`: {what}", book.name)))?;
    Ok(book)
}

impl PriceBook {
    fn check(&self) -> Result<(), String> {
        if self.bytes_per_gb == 0 {
            return Err("bytes_per_gb is zero".into());
        }
        for (name, price) in &self.price {
            price.check().map_err(|what| format!("`{name}`: {what}"))?;
            for (link, unit) in [(&price.put, "request"), (&price.get, "request"), (&price.retrieval, "gb")] {
                if let Some(item) = link {
                    self.item(item, unit).map_err(|what| format!("`{name}`: {what}"))?;
                }
            }
        }
        self.item(&self.default_class, "gb-month")?;
        Ok(())
    }

    /// The item of that name, if it is priced in that unit; what is missing otherwise.
    pub fn item(&self, name: &str, unit: &str) -> Result<&Price, String> {
        match self.price.get(name) {
            Some(price) if price.unit == unit => Ok(price),
            Some(price) => Err(format!("`{name}` is priced per {}, not per {unit}", price.unit)),
            None => Err(format!("no item `{name}` (per {unit}) in price book `{}`", self.name)),
        }
    }

    pub fn gb(&self, bytes: f64) -> f64 {
        bytes / self.bytes_per_gb.max(1) as f64
    }
}

impl Price {
    fn check(&self) -> Result<(), String> {
        if !UNITS.contains(&self.unit.as_str()) {
            return Err(format!("unknown unit `{}`; one of {}", self.unit, UNITS.join(", ")));
        }
        if let Some(wait) = &self.readable_after {
            wait.parse::<Span>().map_err(|said| format!("readable_after: {said}"))?;
        }
        if self.tiers.iter().any(|t| !t.price.is_finite() || t.price < 0.0) {
            return Err("a price is a number and at least zero".into());
        }
        let (Some(last), bounds) = (self.tiers.last(), self.tiers.iter().map(|t| t.up_to)) else {
            return Err("no tier".into());
        };
        if last.up_to.is_some() {
            return Err("the last tier has an upper bound: leave out its `up_to`".into());
        }
        let bounds: Option<Vec<f64>> = bounds.take(self.tiers.len() - 1).collect();
        let bounds = bounds.ok_or("only the last tier may leave out `up_to`")?;
        let mut below = 0.0;
        for bound in bounds {
            if !bound.is_finite() || bound <= below {
                return Err("each tier's `up_to` must be above the one before".into());
            }
            below = bound;
        }
        Ok(())
    }

    /// What `quantity` units in one month cost, tier by tier.
    pub fn cost(&self, quantity: f64) -> f64 {
        let mut below = 0.0;
        let mut total = 0.0;
        for tier in &self.tiers {
            let top = tier.up_to.unwrap_or(f64::INFINITY).min(quantity);
            total += (top - below).max(0.0) * tier.price;
            below = top.max(below);
        }
        total
    }

    /// Days that storage deleted after `days` is billed for.
    pub fn days_billed(&self, days: f64) -> f64 {
        days.max(f64::from(self.minimum_days))
    }
}
