//! Instants, spans, half-open windows, and MongoDB's cluster time.
//!
//! All arithmetic is on whole milliseconds and saturates, so no input can make it panic. An oplog instant keeps both
//! its parts: rounding `(secs, inc)` to seconds would lose the order of writes within a second.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, TimeZone, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time, in milliseconds since 1970-01-01T00:00:00Z. Serialised as RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub i64);

/// A length of time in milliseconds. Negative only as the difference of two instants; policies never hold one.
/// Serialised as a number of milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(pub i64);

/// MongoDB's cluster time: seconds since 1970 and an ordinal within the second. Written `secs:inc`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpTime {
    pub secs: u32,
    pub inc: u32,
}

/// The half-open interval `[from, until)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Window {
    pub from: Instant,
    pub until: Instant,
}

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

impl Instant {
    pub const MIN: Instant = Instant(i64::MIN);
    pub const MAX: Instant = Instant(i64::MAX);

    /// The instant as a calendar date and time, clamped to the years that a calendar can show.
    pub fn to_utc(self) -> DateTime<Utc> {
        let clamp = if self.0 < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
        Utc.timestamp_millis_opt(self.0).single().unwrap_or(clamp)
    }

    pub fn from_utc(at: DateTime<Utc>) -> Self {
        Instant(at.timestamp_millis())
    }

    /// `20261123T030000Z`: sorts by time, safe in a key.
    pub fn compact(self) -> String {
        self.to_utc().format("%Y%m%dT%H%M%SZ").to_string()
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = if self.0.rem_euclid(SECOND) == 0 { SecondsFormat::Secs } else { SecondsFormat::Millis };
        f.write_str(&self.to_utc().to_rfc3339_opts(format, true))
    }
}

impl FromStr for Instant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        DateTime::parse_from_rfc3339(text)
            .map(|at| Instant::from_utc(at.with_timezone(&Utc)))
            .map_err(|_| format!("`{text}` is not an instant; write it as 2026-11-20T14:03:07Z, zone included"))
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Add<Span> for Instant {
    type Output = Instant;
    fn add(self, span: Span) -> Instant {
        Instant(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Instant {
    type Output = Instant;
    fn sub(self, span: Span) -> Instant {
        Instant(self.0.saturating_sub(span.0))
    }
}

impl Sub for Instant {
    type Output = Span;
    fn sub(self, earlier: Instant) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Span {
    pub const ZERO: Span = Span(0);
    /// The longest span that a policy may hold: a century. Anything longer is a slip of the keyboard.
    pub const LONGEST: Span = Span(100 * 365 * DAY);

    pub const fn millis(n: i64) -> Span {
        Span(n)
    }
    pub const fn secs(n: i64) -> Span {
        Span(n.saturating_mul(SECOND))
    }
    pub const fn minutes(n: i64) -> Span {
        Span(n.saturating_mul(MINUTE))
    }
    pub const fn hours(n: i64) -> Span {
        Span(n.saturating_mul(HOUR))
    }
    pub const fn days(n: i64) -> Span {
        Span(n.saturating_mul(DAY))
    }

    pub fn as_hours(self) -> f64 {
        self.0 as f64 / HOUR as f64
    }

    pub fn as_secs(self) -> f64 {
        self.0 as f64 / SECOND as f64
    }

    pub fn from_hours(hours: f64) -> Span {
        Span((hours * HOUR as f64).round() as i64)
    }

    pub fn saturating_mul(self, n: i64) -> Span {
        Span(self.0.saturating_mul(n))
    }
}

impl Add for Span {
    type Output = Span;
    fn add(self, other: Span) -> Span {
        Span(self.0.saturating_add(other.0))
    }
}

impl Sub for Span {
    type Output = Span;
    fn sub(self, other: Span) -> Span {
        Span(self.0.saturating_sub(other.0))
    }
}

impl std::iter::Sum for Span {
    fn sum<I: Iterator<Item = Span>>(spans: I) -> Span {
        spans.fold(Span::ZERO, Add::add)
    }
}

/// Two units at most, the larger first: `1 d 6 h`, `24 h`, `1 h 30 min`, `4.2 s`, `180 ms`. Days above 48 h, or above
/// 96 h where they are not whole, so that no hour in a headline hides many minutes.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let ms = self.0.saturating_abs();
        let two = |f: &mut fmt::Formatter<'_>, big: i64, unit: &str, small: i64, small_unit: &str| match small {
            0 => write!(f, "{sign}{big} {unit}"),
            _ => write!(f, "{sign}{big} {unit} {small} {small_unit}"),
        };
        match ms {
            0 => f.write_str("0 s"),
            _ if ms < SECOND => write!(f, "{sign}{ms} ms"),
            _ if ms < MINUTE && ms % SECOND == 0 => write!(f, "{sign}{} s", ms / SECOND),
            _ if ms < MINUTE => write!(f, "{sign}{:.1} s", ms as f64 / SECOND as f64),
            _ if ms < HOUR => two(f, ms / MINUTE, "min", ms % MINUTE / SECOND, "s"),
            _ if ms <= 48 * HOUR || (ms <= 96 * HOUR && ms % DAY != 0) => {
                two(f, ms / HOUR, "h", ms % HOUR / MINUTE, "min")
            }
            _ => two(f, ms / DAY, "d", ms % DAY / HOUR, "h"),
        }
    }
}

/// `90s`, `15min`, `6h`, `1h30min`, `30d`, `2w`, `7y` (of 365 days). No sign, no bare number, no `m`, which could be a
/// minute or a month.
impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const ALLOWED: &str =
            "write a number and a unit (ms, s, min, h, d, w, y), such as 90s, 15min, 6h, 1h30min or 30d";
        let compact: String = text.split_whitespace().collect();
        if compact.starts_with('-') {
            return Err(format!("`{text}` is negative; a duration is at least zero"));
        }
        if compact.is_empty() {
            return Err(format!("an empty duration; {ALLOWED}"));
        }
        let mut rest = compact.as_str();
        let mut total: i64 = 0;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (number, tail) = rest.split_at(digits);
            let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(letters);
            if number.is_empty() || unit.is_empty() {
                return Err(format!("`{text}` is not a duration; {ALLOWED}"));
            }
            let unit_ms = match unit {
                "ms" => 1,
                "s" => SECOND,
                "min" => MINUTE,
                "h" => HOUR,
                "d" => DAY,
                "w" => 7 * DAY,
                "y" => 365 * DAY,
                "m" => return Err(format!("`m` in `{text}` could be minutes or months; write `min` for minutes")),
                _ => return Err(format!("unknown unit `{unit}` in `{text}`; {ALLOWED}")),
            };
            let part = number.parse::<i64>().ok().and_then(|n| n.checked_mul(unit_ms));
            total = part.and_then(|p| total.checked_add(p)).unwrap_or(i64::MAX);
            rest = tail;
        }
        if total > Span::LONGEST.0 {
            return Err(format!("`{text}` is longer than a century; {ALLOWED}"));
        }
        Ok(Span(total))
    }
}

impl OpTime {
    pub fn new(secs: u32, inc: u32) -> Self {
        OpTime { secs, inc }
    }

    /// The start of the second that holds this cluster time; the ordinal has no length in time.
    pub fn instant(self) -> Instant {
        Instant(i64::from(self.secs) * SECOND)
    }

    /// The last cluster time of the second that holds `at`: "up to and including that second".
    pub fn last_in_second(at: Instant) -> Self {
        let secs = at.0.div_euclid(SECOND).clamp(0, i64::from(u32::MAX));
        OpTime { secs: secs as u32, inc: u32::MAX }
    }
}

impl fmt::Display for OpTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.secs, self.inc)
    }
}

impl FromStr for OpTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once(':').and_then(|(s, i)| Some((s.parse().ok()?, i.parse().ok()?)));
        parts
            .map(|(secs, inc)| OpTime { secs, inc })
            .ok_or_else(|| format!("`{text}` is not a cluster time; write secs:inc, such as 1763903787:12"))
    }
}

impl Serialize for OpTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for OpTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Window {
    /// `[from, until)`; reversed ends give the empty window at `from`.
    pub fn new(from: Instant, until: Instant) -> Self {
        Window { from, until: until.max(from) }
    }

    pub fn length(self) -> Span {
        self.until - self.from
    }

    pub fn is_empty(self) -> bool {
        self.until <= self.from
    }

    pub fn contains(self, at: Instant) -> bool {
        self.from <= at && at < self.until
    }

    /// Whether any instant lies in both.
    pub fn meets(self, other: Window) -> bool {
        self.from.max(other.from) < self.until.min(other.until)
    }

    /// Whether all of `other` lies in it.
    pub fn holds(self, other: Window) -> bool {
        self.from <= other.from && other.until <= self.until
    }

    /// The part that lies in `other`.
    pub fn within(self, other: Window) -> Window {
        Window::new(self.from.max(other.from), self.until.min(other.until))
    }
}
