//! The table of ranges: which plans are weighed against each other.

use serde_json::{Value as Json, json};

use super::reader::{Node, Reader, Value, table};
use super::values::{List, Name, Positive, Text};
use crate::base::Span;
use crate::policy::ranges::{Setting, daily};

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
