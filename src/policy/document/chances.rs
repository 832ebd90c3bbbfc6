//! What is uncertain, as the policy writes it: times and rates by two quantiles, rates by what was seen, things that steps
//! share, and the trouble that runs and captures have.

use serde_json::{Value as Json, json};

use super::reader::{Node, Reader, Value, table};
use super::values::{Positive, Rate, Share, Word, Years};
use super::words::Assumed;
use crate::base::Span;
use crate::policy::Sharing;

table! {
    /// A time that is lognormal: two of its quantiles.
    TimeQuantilesTable = "a time with two quantiles" {
        /// One in twenty is shorter.
        p5: Span, optional;
        /// One in ten is shorter.
        p10: Span, optional;
        /// Half are shorter.
        p50: Span, optional;
        /// One in ten is longer.
        p90: Span, optional;
        /// One in twenty is longer.
        p95: Span, optional;
        /// One in a hundred is longer.
        p99: Span, optional;
    }
}

table! {
    /// A rate that is not known exactly: two quantiles of what is believed, or what was seen.
    RateTable = "an uncertain rate" {
        /// Incidents that were seen.
        seen: u32, optional;
        /// Years in which they were seen.
        years: Years, optional;
        /// One chance in twenty that it is less.
        p5: Rate, optional;
        /// One chance in ten that it is less.
        p10: Rate, optional;
        /// As likely more as less.
        p50: Rate, optional;
        /// One chance in ten that it is more.
        p90: Rate, optional;
        /// One chance in twenty that it is more.
        p95: Rate, optional;
        /// One chance in a hundred that it is more.
        p99: Rate, optional;
    }
}

table! {
    /// Something that the steps of a runbook share: a line, a pool of workers, a team.
    ResourceTable = "a resource" {
        /// How steps that want it at once share it.
        kind: Sharing, required;
        /// Steps that it serves at full pace at once; 1 where absent.
        at_once: u32, optional;
    }
}

table! {
    /// What goes wrong with a protection's runs, for the simulation; runs on record count before it.
    TroubleTable = "a table of trouble" {
        /// Share of its runs that fail: 0.02 is one in fifty.
        fails: Share, optional;
        /// Share of its runs that hang: they make no point, and the runs that are due meanwhile are not started.
        hangs: Share, optional;
        /// How long a run hangs until somebody ends it.
        hangs_for: Positive, optional;
        /// How much later than planned a point can be restored from, or a log is behind.
        late: Assumed, optional;
        /// Times a year that a capture breaks.
        breaks_per_year: Rate, optional;
        /// How long a broken capture stays broken; then it begins anew and needs a new base.
        broken_for: Assumed, optional;
    }
}

impl Word for Sharing {
    const TAKES: &'static str = "how steps share it: \"queue\" or \"bandwidth\"";
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("queue", Sharing::Queue, "one after the other, in the order in which they come"),
        ("bandwidth", Sharing::Bandwidth, "all at once, each the slower the more there are"),
    ];
}

/// Incidents in a year: a number, or what is known of it.
#[derive(Debug)]
pub enum PerYear {
    Known(Rate),
    Uncertain(Box<RateTable>),
}

impl Value for PerYear {
    const TAKES: &'static str =
        "a number of incidents in a year such as 0.5, { p5 = .., p95 = .. } or { seen = 2, years = 10 }";

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        match node.value.as_table() {
            Some(table) => Some(PerYear::Uncertain(Box::new(reader.table(table, node.at)))),
            None if node.value.is_integer() || node.value.is_float() => Rate::read(node, reader).map(PerYear::Known),
            None => reader.wrong_type(node, Self::TAKES),
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [Rate::schema(), two_of(RateTable::schema())] })
    }
}

/// The schema of a table of which two fields must be there.
pub fn two_of(mut schema: Json) -> Json {
    if let Some(object) = schema.as_object_mut() {
        object.insert("minProperties".into(), json!(2));
        object.insert("maxProperties".into(), json!(2));
    }
    schema
}
