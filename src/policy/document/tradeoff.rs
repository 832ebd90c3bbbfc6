//! The table of ranges: which plans are weighed against each other.

use serde_json::{Value as Json, json};

use super::reader::{Node, Reader, Value, table};
use super::tables::KeepTable;
use super::values::{List, Name, Positive, Text};
use crate::base::Span;
use crate::policy::ranges::{Setting, daily};
use crate::policy::{Place, Placed, Tiers};

/// A time between two snapshots that a day divides into, so that the schedule is the same every day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace(pub Span);

impl Value for Pace {
    const TAKES: &'static str = "a part of an hour or of a day that divides it, such as \"15min\", \"6h\" or \"1d\"";

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let span = Span::read(node, reader)?;
        match daily(span) {
            Some(_) => Some(Pace(span)),
            None => {
                let message = format!("no daily schedule runs every {span}");
                reader.wrong(node.at, message, format!("it takes {}", Self::TAKES))
            }
        }
    }

    fn schema() -> Json {
        Span::schema()
    }
}

/// Declares what one value of a range can be: one of some words, or what its field takes.
macro_rules! setting {
    ($(#[doc = $doc:literal])+ $name:ident: $inner:ty, [$($word:literal => $variant:ident),+], $takes:literal) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name(pub Setting<$inner>);

        impl Value for $name {
            const TAKES: &'static str = $takes;

            fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
                match node.value.as_str() {
                    $(Some($word) => Some($name(Setting::$variant)),)+
                    Some(_) => <$inner>::read(node, reader).map(|value| $name(Setting::Is(value))),
                    None => reader.wrong_type(node, Self::TAKES),
                }
            }

            fn schema() -> Json {
                json!({ "anyOf": [$({ "const": $word },)+ <$inner>::schema()] })
            }
        }
    };
}

setting!(
    /// How often snapshots are made.
    SomePace: Pace, ["declared" => Declared],
    "\"declared\", or a part of an hour or of a day that divides it, such as \"6h\""
);
setting!(
    /// How far behind a log is.
    SomeLag: Span, ["declared" => Declared, "off" => Off],
    "\"declared\", \"off\", or a duration such as \"1min\""
);
setting!(
    /// A duration above zero.
    SomeTime: Positive, ["declared" => Declared],
    "\"declared\", or a duration such as \"30d\""
);
setting!(
    /// How long a point is locked.
    SomeLock: Positive, ["declared" => Declared, "off" => Off, "kept" => Kept],
    "\"declared\", \"off\", \"kept\" for as long as the point is kept, or a duration such as \"30d\""
);
setting!(
    /// A storage class.
    SomeClass: Text, ["declared" => Declared],
    "\"declared\", or a class of the price book such as \"s3-standard-ia\""
);
setting!(
    /// A domain that points are copied to.
    SomePlace: Name, ["declared" => Declared, "off" => Off],
    "\"declared\", \"off\", or the name of a domain"
);

/// What stays of the points that are older than the retention.
#[derive(Debug, Clone, PartialEq)]
pub struct SomeKeep(pub Setting<Tiers>);

impl Value for SomeKeep {
    const TAKES: &'static str = "\"declared\", \"off\", or a table such as { weekly = 8, monthly = 12 }";

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        match node.value.as_str() {
            Some("declared") => Some(SomeKeep(Setting::Declared)),
            Some("off") => Some(SomeKeep(Setting::Off)),
            Some(_) => reader.wrong_type(node, Self::TAKES),
            None if node.value.as_table().is_none() => reader.wrong_type(node, Self::TAKES),
            None => {
                let tiers = KeepTable::read(node, reader)?.tiers(node.at, reader)?;
                Some(SomeKeep(Setting::Is(tiers)))
            }
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [{ "const": "declared" }, { "const": "off" }, KeepTable::schema()] })
    }
}

impl KeepTable {
    /// The tiers, if there are any.
    pub fn tiers(self, at: Place, reader: &mut Reader) -> Option<Tiers> {
        let many = |field: Option<Placed<u32>>| field.map_or(0, |field| field.value);
        let tiers = Tiers {
            last: many(self.last),
            hourly: many(self.hourly),
            daily: many(self.daily),
            weekly: many(self.weekly),
            monthly: many(self.monthly),
            yearly: many(self.yearly),
        };
        if tiers == Tiers::default() {
            let help = "it takes last, hourly, daily, weekly, monthly or yearly, one of them above 0";
            return reader.wrong(at, "`keep` keeps nothing", help);
        }
        Some(tiers)
    }
}

table! {
    /// The plans that are weighed against each other: every combination of these values. A range that is absent has
    /// values by default; `declared` leaves the plan as it is.
    TradeoffTable = "the ranges of the trade-off" {
        /// Between two snapshots, of everything that is snapshot.
        snapshot_every: List<SomePace>, optional;
        /// How far behind a log of each database is; `off` has none.
        log_lag: List<SomeLag>, optional;
        /// How long the points that the team makes itself are kept.
        retention: List<SomeTime>, optional;
        /// What stays of their older points; `off` lets them all go after the retention.
        keep: List<SomeKeep>, optional;
        /// Class of the price book that they stand in.
        storage_class: List<SomeClass>, optional;
        /// Domains that they are copied to, in every combination; `off` has no copies at all.
        copy_to: List<SomePlace>, optional;
        /// Object lock on them; `kept` lasts as long as they are kept.
        lock: List<SomeLock>, optional;
        /// Between two restore drills, at most as long as the objective allows.
        drill_every: List<SomeTime>, optional;
    }
}
