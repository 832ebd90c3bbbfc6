//! The space of plans that the trade of cost against loss is looked for in, as far as the policy declares it.

use std::fmt;

use serde::{Serialize, Serializer};

use super::{Place, Placed, Tiers};
use crate::base::Span;

/// One value of a range: what the plan declares already, nothing, as long as the point is kept, or a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting<T> {
    Declared,
    Off,
    Kept,
    Is(T),
}

/// What may vary. A range that is absent has values by default.
#[derive(Debug, Clone, Default)]
pub struct Ranges {
    pub at: Place,
    /// Between two snapshots: a part of a day that a cron expression can say.
    pub snapshot_every: Option<Vec<Setting<Span>>>,
    /// How far behind a log is, or none.
    pub log_lag: Option<Vec<Setting<Span>>>,
    /// How long points are kept.
    pub retention: Option<Vec<Setting<Span>>>,
    /// What stays of the points that are older.
    pub keep: Option<Vec<Setting<Tiers>>>,
    /// Classes of the price book.
    pub storage_class: Option<Vec<Setting<String>>>,
    /// Domains that points are copied to.
    pub copy_to: Option<Vec<Setting<String>>>,
    /// Object lock of what the team makes itself.
    pub lock: Option<Vec<Setting<Span>>>,
    /// Between two restore drills.
    pub drill_every: Option<Vec<Setting<Span>>>,
}

impl Ranges {
    /// Plans in the ranges that are declared. Domains to copy to count with every set of them.
    pub fn plans(&self) -> usize {
        fn count<T>(range: &Option<Vec<Setting<T>>>) -> usize {
            range.as_ref().map_or(1, |values| values.len().max(1))
        }
        let places = |values: &Vec<Setting<String>>| {
            let named = values.iter().filter(|value| matches!(value, Setting::Is(_))).count();
            (values.len() - named).saturating_add((1 << named.min(16)) - 1)
        };
        [
            count(&self.snapshot_every),
            count(&self.log_lag),
            count(&self.retention),
            count(&self.keep),
            count(&self.storage_class),
            self.copy_to.as_ref().map_or(1, places),
            count(&self.lock),
            count(&self.drill_every),
        ]
        .into_iter()
        .fold(1, usize::saturating_mul)
    }
}

impl<T> Setting<T> {
    pub fn map<U>(self, of: impl FnOnce(T) -> U) -> Setting<U> {
        match self {
            Setting::Declared => Setting::Declared,
            Setting::Off => Setting::Off,
            Setting::Kept => Setting::Kept,
            Setting::Is(value) => Setting::Is(of(value)),
        }
    }

    pub fn value(&self) -> Option<&T> {
        match self {
            Setting::Is(value) => Some(value),
            _ => None,
        }
    }
}

impl<T: fmt::Display> fmt::Display for Setting<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Setting::Declared => f.write_str("declared"),
            Setting::Off => f.write_str("off"),
            Setting::Kept => f.write_str("kept"),
            Setting::Is(value) => value.fmt(f),
        }
    }
}

impl<T: fmt::Display> Serialize for Setting<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The cron expression that runs so often every day; none if no day divides into such parts.
pub fn daily(every: Span) -> Option<String> {
    let minutes = every.0 / Span::minutes(1).0;
    if minutes < 1 || Span::minutes(minutes) != every || 24 * 60 % minutes != 0 {
        return None;
    }
    match (minutes, minutes / 60) {
        (1440, _) => Some("0 3 * * *".to_string()),
        (60, _) => Some("0 * * * *".to_string()),
        (_, hours) if minutes % 60 == 0 => Some(format!("0 */{hours} * * *")),
        (1, _) => Some("* * * * *".to_string()),
        _ if 60 % minutes == 0 => Some(format!("*/{minutes} * * * *")),
        // A day has such parts, and no hour: 90 minutes, for one.
        _ => None,
    }
}

/// A value with its place, without the place.
pub fn plain<T>(values: Vec<Placed<T>>) -> Vec<T> {
    values.into_iter().map(|value| value.value).collect()
}
