//! Sizes and money: parsed from what people write, shown as people read.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A size in bytes. Read as `64 GB` (decimal) or `64 GiB` (binary); shown in decimal units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bytes(pub u64);

const DECIMAL: [(&str, u64); 5] =
    [("PB", 1_000_000_000_000_000), ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
const BINARY: [(&str, u64); 5] =
    [("PiB", 1 << 50), ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

impl Bytes {
    /// Decimal gigabytes, the unit that price lists bill in.
    pub fn as_gb(self) -> f64 {
        self.0 as f64 / 1e9
    }

    pub fn from_gb(gb: f64) -> Bytes {
        Bytes((gb * 1e9).round().max(0.0) as u64)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DECIMAL.iter().find(|(_, size)| self.0 >= *size) {
            Some((unit, size)) => {
                let value = self.0 as f64 / *size as f64;
                let decimals = if value < 10.0 && !self.0.is_multiple_of(*size) { 1 } else { 0 };
                write!(f, "{value:.decimals$} {unit}")
            }
            None => write!(f, "{} B", self.0),
        }
    }
}

impl FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const ALLOWED: &str =
            "write a number and a unit (B, kB, MB, GB, TB, PB or KiB, MiB, GiB, TiB, PiB), such as 64 GB";
        let trimmed = text.trim();
        if trimmed.starts_with('-') {
            return Err(format!("`{text}` is negative; a size is at least zero"));
        }
        let digits = trimmed.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(digits);
        let number: f64 = number.parse().map_err(|_| format!("`{text}` is not a size; {ALLOWED}"))?;
        let unit = unit.trim();
        let size = match unit {
            "" => return Err(format!("`{text}` has no unit; {ALLOWED}")),
            "B" => 1,
            _ => DECIMAL
                .iter()
                .chain(&BINARY)
                .find(|(name, _)| *name == unit)
                .map(|(_, size)| *size)
                .ok_or_else(|| format!("unknown unit `{unit}` in `{text}`; {ALLOWED}"))?,
        };
        let bytes = number * size as f64;
        // 2^63 bytes is far past any store; above it a float no longer counts bytes.
        if !bytes.is_finite() || bytes > i64::MAX as f64 {
            return Err(format!("`{text}` is larger than anything that can be stored; {ALLOWED}"));
        }
        Ok(Bytes(bytes.round() as u64))
    }
}

/// How fast bytes move, in bytes a second. Read as `60 Mbit/s` or `200 MB/s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Speed(pub u64);

impl Speed {
    /// Seconds that so many bytes take; none at no speed.
    pub fn seconds_for(self, bytes: Bytes) -> Option<u64> {
        bytes.0.checked_add(self.0.saturating_sub(1))?.checked_div(self.0)
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", Bytes(self.0))
    }
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const ALLOWED: &str = "write a number and a unit a second, such as 60 Mbit/s or 200 MB/s";
        let refused = || format!("`{text}` is not a speed; {ALLOWED}");
        let amount = text.trim().strip_suffix("/s").ok_or_else(refused)?;
        let bytes = match amount.trim().strip_suffix("bit") {
            // Bits read as bytes of the same multiple, then divided.
            Some(bits) => format!("{bits}B").parse::<Bytes>().map(|bytes| bytes.0 / 8),
            None => amount.parse::<Bytes>().map(|bytes| bytes.0),
        };
        match bytes {
            Ok(0) => Err(format!("`{text}` moves nothing; {ALLOWED}")),
            Ok(bytes) => Ok(Speed(bytes)),
            Err(_) => Err(refused()),
        }
    }
}

/// An amount with its currency and thousands separated: `USD 17,088`. Cents below 100.
pub fn money(amount: f64, currency: &str) -> String {
    let decimals = if amount.abs() < 100.0 { 2 } else { 0 };
    let digits = format!("{:.decimals$}", amount.abs());
    let (whole, cents) = digits.split_once('.').map_or((digits.as_str(), None), |(w, c)| (w, Some(c)));
    let grouped = by_thousands(whole);
    let sign = if amount < 0.0 { "-" } else { "" };
    match cents {
        Some(cents) => format!("{currency} {sign}{grouped}.{cents}"),
        None => format!("{currency} {sign}{grouped}"),
    }
}

/// A count with its thousands separated: `22,311`.
pub fn grouped(n: u64) -> String {
    by_thousands(&n.to_string())
}

fn by_thousands(digits: &str) -> String {
    let mut grouped = String::with_capacity(digits.len() * 4 / 3 + 1);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
