//! A cron expression in a time zone, and the instants that it means.
//!
//! The expression is the plain five-field one, so that every scheduler can run it. Where clocks change, the runs follow
//! Vixie cron: a job at one fixed time a day runs once, right after the hour that was left out, and once in the hour
//! that comes twice; a job with several times an hour or a day follows the wall clock, so it leaves out what the clock
//! leaves out and repeats what the clock repeats.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveDateTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use croner::parser::{CronParser, Seconds, Year};
use croner::{CronPattern, Weekday};

use crate::base::{Instant, Span, Window};

/// Runs are sought only in these years: no calendar of clock changes reaches further.
const YEARS: [i32; 2] = [1970, 2201];
/// 29 February is at most eight years from the next one.
const RAREST: Span = Span::days(8 * 366 + 1);
const LONGEST_TEXT: usize = 256;
const ALLOWED: &str = "write `minute hour day month weekday`, such as `0 3 * * *` for 03:00 each day";

/// From which instant on it was asked for, and the answer.
type WorstGap = (Instant, Option<Span>);

/// A five-field cron expression with its time zone.
#[derive(Debug, Clone)]
pub struct Schedule {
    pub text: String,
    pub zone: Tz,
    days: Arc<CronPattern>,
    /// Minutes since midnight, in order, on a day that matches.
    minutes: Arc<[u16]>,
    /// Whether it is one fixed time a day, which decides what a change of clocks does to it.
    fixed: bool,
    /// Whether every day matches.
    daily: bool,
    /// The last answer of [`Schedule::worst_gap`] and what it was asked for: every promise rests on it.
    gap: Arc<Mutex<Option<WorstGap>>>,
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.zone == other.zone
    }
}

impl Schedule {
    /// Reads `minute hour day month weekday`. The error says what is allowed.
    pub fn parse(text: &str, zone: Tz) -> Result<Self, String> {
        check_words(text)?;
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron =
            parser.parse(text).map_err(|error| format!("`{text}` is not a cron expression ({error}); {ALLOWED}"))?;
        let pattern = cron.pattern;
        let hours = (0..24u16).filter(|h| pattern.hour_match(u32::from(*h)).unwrap_or(false));
        let minutes: Vec<u16> = (0..60).filter(|m| pattern.minute_match(u32::from(*m)).unwrap_or(false)).collect();
        let minutes: Arc<[u16]> = hours.flat_map(|h| minutes.iter().map(move |m| h * 60 + m)).collect();
        let plain = |field: &str| field.bytes().all(|b| b.is_ascii_digit());
        let fixed = minutes.len() == 1 && text.split_whitespace().take(2).all(plain);
        let daily = text.split_whitespace().skip(2).all(|field| field == "*");
        let days = Arc::new(pattern);
        let schedule = Schedule { text: normal(text), zone, days, minutes, fixed, daily, gap: Arc::default() };
        // Eight years that hold a leap day: a day that is not among them is in no year.
        let ever =
            NaiveDate::from_ymd_opt(2024, 1, 1).is_some_and(|d| d.iter_days().take(1461).any(|d| schedule.on(d)));
        match ever {
            true => Ok(schedule),
            false => Err(format!("`{text}` never runs: no month has such a day")),
        }
    }

    /// Runs within the window, in order.
    pub fn runs_in(&self, window: Window) -> Vec<Instant> {
        self.runs_from(window.from).take_while(|run| *run < window.until).collect()
    }

    /// First run strictly after `at`.
    pub fn next_after(&self, at: Instant) -> Option<Instant> {
        self.runs_from(at + Span::millis(1)).next()
    }

    /// All runs from `at` on, in order; ends after eight years without any, or with the calendar.
    pub fn runs_from(&self, at: Instant) -> impl Iterator<Item = Instant> + '_ {
        let [start, end] = YEARS.map(|year| NaiveDate::from_ymd_opt(year, 1, 1).map_or(Instant(0), midnight_utc));
        let mut since = at.clamp(start, end);
        let day = since.to_utc().with_timezone(&self.zone).date_naive();
        // The day before too: a clock set back over midnight lets its runs reach into this one.
        let days = day.checked_sub_days(Days::new(1)).unwrap_or(day).iter_days();
        days.map(|day| (midnight_utc(day), self.on_day(day)))
            .take_while(move |(midnight, runs)| {
                since = runs.last().copied().unwrap_or(since).max(since);
                *midnight < end && *midnight - since <= RAREST
            })
            .flat_map(|(_, runs)| runs)
            .skip_while(move |run| *run < at)
    }

    /// Longest time between two runs in a row, the first of them within the 366 days from `from`, DST included; for a
    /// schedule that is rarer than that, between its next two. None if there are no two runs.
    pub fn worst_gap(&self, from: Instant) -> Option<Span> {
        let last = self.gap.lock().ok().and_then(|last| *last).filter(|(asked, _)| *asked == from);
        if let Some((_, gap)) = last {
            return gap;
        }
        let gap = self.expanded_gap(from);
        if let Ok(mut last) = self.gap.lock() {
            *last = Some((from, gap));
        }
        gap
    }

    fn expanded_gap(&self, from: Instant) -> Option<Span> {
        let end = from + Span::days(366);
        let mut runs = self.runs_from(from);
        let mut earlier = runs.next()?;
        let mut worst = None;
        for run in runs {
            worst = worst.max(Some(run - earlier));
            earlier = run;
            if run >= end {
                break;
            }
        }
        worst
    }

    fn on(&self, day: NaiveDate) -> bool {
        if self.daily {
            return true;
        }
        let weekday = match day.weekday().num_days_from_sunday() {
            0 => Weekday::Sunday,
            1 => Weekday::Monday,
            2 => Weekday::Tuesday,
            3 => Weekday::Wednesday,
            4 => Weekday::Thursday,
            5 => Weekday::Friday,
            _ => Weekday::Saturday,
        };
        self.days.month_match(day.month()).unwrap_or(false)
            && self.days.day_match(day.year(), day.month(), day.day(), weekday).unwrap_or(false)
    }

    /// The runs of one day of the zone's calendar, in order.
    fn on_day(&self, day: NaiveDate) -> Vec<Instant> {
        if !self.on(day) {
            return vec![];
        }
        let from = |start: Instant| self.minutes.iter().map(|m| start + Span::minutes(i64::from(*m))).collect();
        if self.zone == Tz::UTC {
            return from(midnight_utc(day));
        }
        let midnight = day.and_time(chrono::NaiveTime::MIN);
        let ends = (self.zone.from_local_datetime(&midnight), self.zone.from_local_datetime(&(midnight + ONE_DAY)));
        // A day of 24 hours between two plain midnights has no change of clocks in it: the common case, without a
        // look at the zone for every run.
        if let (LocalResult::Single(start), LocalResult::Single(end)) = &ends
            && end.signed_duration_since(start) == ONE_DAY
        {
            return from(instant(start));
        }
        let mut runs: Vec<Instant> = vec![];
        for minute in self.minutes.iter() {
            let wall = midnight + TimeDelta::minutes(i64::from(*minute));
            match self.zone.from_local_datetime(&wall) {
                LocalResult::Single(at) => runs.push(instant(&at)),
                LocalResult::Ambiguous(first, _) if self.fixed => runs.push(instant(&first)),
                LocalResult::Ambiguous(first, second) => runs.extend([instant(&first), instant(&second)]),
                LocalResult::None if self.fixed => runs.extend(self.after_the_gap(wall)),
                LocalResult::None => {}
            }
        }
        runs.sort_unstable();
        runs
    }

    /// The first instant after the stretch of wall clock that `wall` was left out with.
    fn after_the_gap(&self, wall: NaiveDateTime) -> Option<Instant> {
        (1..=24 * 60).find_map(|minutes| {
            let later = wall.checked_add_signed(TimeDelta::minutes(minutes))?;
            self.zone.from_local_datetime(&later).earliest().map(|at| instant(&at))
        })
    }
}

const ONE_DAY: TimeDelta = TimeDelta::days(1);

fn instant(at: &DateTime<Tz>) -> Instant {
    Instant(at.timestamp_millis())
}

fn midnight_utc(day: NaiveDate) -> Instant {
    Instant(day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis())
}

fn normal(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Five fields of what crontab(5) allows, so that nothing runs here that another scheduler would refuse.
fn check_words(text: &str) -> Result<(), String> {
    if text.len() > LONGEST_TEXT {
        return Err(format!("a cron expression of {} characters; {LONGEST_TEXT} are allowed", text.len()));
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.len() != FIELDS.len() {
        return Err(format!("`{text}` has {} fields, a cron expression has 5; {ALLOWED}", words.len()));
    }
    words.iter().zip(&FIELDS).try_for_each(|(word, field)| field.check(word, text))
}

/// One of the five fields: its numbers, and the names that stand for some of them.
struct Field {
    name: &'static str,
    low: u32,
    high: u32,
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", low: 0, high: 59, names: &[] },
    Field { name: "hour", low: 0, high: 23, names: &[] },
    Field { name: "day of month", low: 1, high: 31, names: &[] },
    Field {
        name: "month",
        low: 1,
        high: 12,
        names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    },
    Field { name: "weekday", low: 0, high: 7, names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"] },
];

impl Field {
    fn check(&self, word: &str, text: &str) -> Result<(), String> {
        for item in word.split(',') {
            let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, Some(step)));
            let (first, last) = range.split_once('-').map_or((range, None), |(first, last)| (first, Some(last)));
            let values = [Some(first).filter(|first| *first != "*"), last];
            let steps = |step: &str| step.parse::<u32>().is_ok_and(|n| n > 0 && n <= self.high);
            if !values.into_iter().flatten().all(|value| self.knows(value)) || !step.is_none_or(steps) {
                let names = match self.names {
                    [first, .., last] => format!(" or {first} to {last}"),
                    _ => String::new(),
                };
                let Field { name, low, high, .. } = self;
                return Err(format!(
                    "`{item}` in the {name} of `{text}`; a {name} is {low} to {high}{names}, `*`, a range `a-b`, a step \
                     `*/n`, or several of them with commas"
                ));
            }
        }
        Ok(())
    }

    fn knows(&self, value: &str) -> bool {
        let digits = value.len() <= 2 && value.bytes().all(|byte| byte.is_ascii_digit());
        let number = value.parse::<u32>().ok().filter(|_| digits);
        number.map_or_else(
            || self.names.iter().any(|name| name.eq_ignore_ascii_case(value)),
            |n| (self.low..=self.high).contains(&n),
        )
    }
}
