//! Times as tools write them: with a zone, without one, or as seconds since 1970. What is not said is asked for.

use std::str::FromStr;

use chrono::{DateTime, FixedOffset, LocalResult, NaiveDateTime, TimeZone};
use chrono_tz::Tz;
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

use crate::base::Instant;

/// The zone of times that name none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Zone {
    Named(Tz),
    Fixed(FixedOffset),
}

/// A time as it stands in the file.
#[derive(Debug, Clone, PartialEq)]
pub enum Stamp {
    Text(String),
    Seconds(f64),
}

/// An instant, or the two that a wall clock shows alike in the night when it is set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    pub earliest: Instant,
    pub latest: Instant,
}

/// Backups that these tools list were not taken before 2000-01-01, nor after 2200-01-01: such a time is a slip, or the
/// zero of a field that was never set.
const PLAUSIBLE: std::ops::Range<i64> = 946_684_800_000..7_258_118_400_000;

impl Moment {
    pub fn at(instant: Instant) -> Moment {
        Moment { earliest: instant, latest: instant }
    }
}

impl FromStr for Zone {
    type Err = String;

    /// `Europe/Berlin`, `UTC`, or a fixed offset such as `+02:00`.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(zone) = text.parse::<Tz>() {
            return Ok(Zone::Named(zone));
        }
        let fixed = || DateTime::parse_from_rfc3339(&format!("2000-01-01T00:00:00{text}")).ok();
        match fixed() {
            Some(at) => Ok(Zone::Fixed(*at.offset())),
            None => Err(format!(
                "`{}` is no time zone; write a name such as Europe/Berlin, UTC, or an offset such as +02:00",
                text.escape_debug()
            )),
        }
    }
}

impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl Visitor<'_> for Reads {
            type Value = Stamp;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a time, as text or as seconds since 1970")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Stamp, E> {
                Ok(Stamp::Text(text.to_string()))
            }
            fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Stamp, E> {
                Ok(Stamp::Seconds(seconds as f64))
            }
            fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Stamp, E> {
                Ok(Stamp::Seconds(seconds as f64))
            }
            fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<Stamp, E> {
                Ok(Stamp::Seconds(seconds))
            }
        }
        deserializer.deserialize_any(Reads)
    }
}

impl Stamp {
    /// The zero of a tool's own language, which stands for "never".
    pub fn is_unset(&self) -> bool {
        match self {
            Stamp::Text(text) => text.is_empty() || text.starts_with("0001-01-01T00:00:00"),
            Stamp::Seconds(seconds) => *seconds == 0.0,
        }
    }

    /// The error is a clause that says what is wrong.
    pub fn read(&self, zone: Option<Zone>) -> Result<Moment, String> {
        let moment = match self {
            Stamp::Seconds(seconds) => Moment::at(Instant((seconds * 1000.0).round() as i64)),
            Stamp::Text(text) => of_text(text, zone)?,
        };
        match PLAUSIBLE.contains(&moment.earliest.0) && PLAUSIBLE.contains(&moment.latest.0) {
            true => Ok(moment),
            false => Err("is no time between 2000 and 2200".to_string()),
        }
    }
}

/// Written so by one tool or another, where no zone is named. A leap second counts as the first of the next minute.
const LOCAL: [&str; 2] = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];
/// An offset without its colon, which RFC 3339 does not allow.
const ZONED: &str = "%Y-%m-%dT%H:%M:%S%.f%z";

fn of_text(text: &str, zone: Option<Zone>) -> Result<Moment, String> {
    let zoned = DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_str(text, ZONED));
    if let Ok(at) = zoned {
        return Ok(Moment::at(Instant(at.timestamp_millis())));
    }
    let wall = LOCAL.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let wall = wall.ok_or_else(|| format!("is not a time: `{}`", shown(text)))?;
    local(wall, zone)
}

/// The one gap that is asked for before anything else is read.
pub const NO_ZONE: &str = "names no zone";

/// What a wall clock of that zone shows, as instants.
pub fn local(wall: NaiveDateTime, zone: Option<Zone>) -> Result<Moment, String> {
    let millis = |at: i64| Instant(at);
    let found = match zone {
        None => return Err(NO_ZONE.to_string()),
        Some(Zone::Fixed(offset)) => offset.from_local_datetime(&wall).map(|at| at.timestamp_millis()),
        Some(Zone::Named(zone)) => zone.from_local_datetime(&wall).map(|at| at.timestamp_millis()),
    };
    match found {
        LocalResult::Single(at) => Ok(Moment::at(millis(at))),
        LocalResult::Ambiguous(one, other) => {
            Ok(Moment { earliest: millis(one.min(other)), latest: millis(one.max(other)) })
        }
        LocalResult::None => {
            Err(format!("is {wall}, which no clock of that zone showed: it was set forward over it; check --timezone"))
        }
    }
}

/// The beginning of a text that a stranger wrote.
pub fn shown(text: &str) -> String {
    let cut: String = text.chars().take(80).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{}{more}", cut.escape_debug())
}
