//! Stretches of the calendar, as people in a time zone read it. Equal in a finer one, two instants are equal in each that
//! is coarser: an hour lies in one day, a day in one ISO week and in one month, a month in one year. A week may lie in two
//! months and in two years, so it is named by its own year, that of ISO 8601.

use std::fmt;

use chrono::{Datelike, NaiveDate, Offset, Timelike};
use chrono_tz::Tz;

use crate::base::Instant;

/// Beyond these no calendar means anything, and its arithmetic ends: 0001-01-01 and 9999-12-31.
const EARLIEST: Instant = Instant(-62_135_596_800_000);
const LATEST: Instant = Instant(253_402_214_400_000);

/// How long a stretch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Every {
    Hour,
    Day,
    Week,
    Month,
    Year,
}

impl Every {
    pub const ALL: [Every; 5] = [Every::Hour, Every::Day, Every::Week, Every::Month, Every::Year];
}

/// One stretch of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bucket {
    /// The offset from UTC tells the two hours apart that clocks show twice.
    Hour {
        day: NaiveDate,
        hour: u32,
        offset: i32,
    },
    Day(NaiveDate),
    Week {
        iso_year: i32,
        week: u32,
    },
    Month {
        year: i32,
        month: u32,
    },
    Year(i32),
}

impl Bucket {
    pub fn of(at: Instant, every: Every, zone: Tz) -> Bucket {
        let local = at.clamp(EARLIEST, LATEST).to_utc().with_timezone(&zone);
        let day = local.date_naive();
        match every {
            Every::Hour => Bucket::Hour { day, hour: local.hour(), offset: local.offset().fix().local_minus_utc() },
            Every::Day => Bucket::Day(day),
            Every::Week => Bucket::Week { iso_year: day.iso_week().year(), week: day.iso_week().week() },
            Every::Month => Bucket::Month { year: day.year(), month: day.month() },
            Every::Year => Bucket::Year(day.year()),
        }
    }
}

/// "the hour 2026-11-20 03:00", "the week 2026-W47".
impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bucket::Hour { day, hour, .. } => write!(f, "the hour {day} {hour:02}:00"),
            Bucket::Day(day) => write!(f, "the day {day}"),
            Bucket::Week { iso_year, week } => write!(f, "the week {iso_year:04}-W{week:02}"),
            Bucket::Month { year, month } => write!(f, "the month {year:04}-{month:02}"),
            Bucket::Year(year) => write!(f, "the year {year:04}"),
        }
    }
}
