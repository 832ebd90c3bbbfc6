//! systemd's calendar events: `Mon..Fri *-*-* 03:00:00 Europe/Berlin`, and the instants that they mean; see
//! systemd.time(7).

use chrono::{DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;

use crate::base::Instant;

const ALLOWED: &str = "write it as `Mon..Fri *-*-* 03:00:00 UTC`, or `daily` and its like";
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Runs are sought this far: no day of the year is rarer than 29 February.
const YEARS: u64 = 9;

/// A calendar event with its own zone, if it names one.
#[derive(Debug, Clone)]
pub struct Calendar {
    pub zone: Option<Tz>,
    /// Days from Monday, 0; empty means any.
    weekdays: Vec<Part>,
    years: Vec<Part>,
    months: Vec<Part>,
    days: Vec<Part>,
    /// Whether days are counted from the end of the month.
    from_end: bool,
    /// Seconds since midnight, in order.
    times: Vec<u32>,
}

/// `5`, `5..7`, `5/2` or `*`, which is all of them: `first` to `last` by `step`.
#[derive(Debug, Clone, Copy)]
struct Part {
    first: u32,
    last: u32,
    step: u32,
}

impl Part {
    fn holds(&self, value: u32) -> bool {
        (self.first..=self.last).contains(&value) && (value - self.first).is_multiple_of(self.step)
    }
}

impl Calendar {
    pub fn parse(text: &str) -> Result<Calendar, String> {
        let refused = || format!("`{text}` is not a calendar event; {ALLOWED}");
        if text.len() > 256 {
            return Err("a calendar event of more than 256 characters".to_string());
        }
        let mut words: Vec<&str> = text.split_whitespace().collect();
        if words.is_empty() {
            return Err(refused());
        }
        let zone = words.last().and_then(|word| word.parse::<Tz>().ok()).filter(|_| words.len() > 1);
        if zone.is_some() {
            words.pop();
        }
        let plain = match words.as_slice() {
            [word] => shorthand(&word.to_lowercase()),
            _ => None,
        };
        if let Some(plain) = plain {
            words = plain.split_whitespace().collect();
        }
        let mut words = words.into_iter().peekable();
        let weekdays = match words.next_if(|word| word.starts_with(|c: char| c.is_ascii_alphabetic())) {
            Some(word) => weekdays(word).ok_or_else(refused)?,
            None => vec![],
        };
        let date = words.next_if(|word| word.contains('-') || word.contains('~')).unwrap_or("*-*-*");
        let time = words.next().unwrap_or("00:00:00");
        if words.next().is_some() {
            return Err(refused());
        }
        let from_end = date.contains('~');
        let parts: Vec<&str> = date.split(['-', '~']).collect();
        let (year, month, day) = match parts.as_slice() {
            [year, month, day] => (*year, *month, *day),
            [month, day] => ("*", *month, *day),
            _ => return Err(refused()),
        };
        let years = parts_of(year, 1970, 2200).ok_or_else(refused)?;
        let months = parts_of(month, 1, 12).ok_or_else(refused)?;
        let days = parts_of(day, 1, 31).ok_or_else(refused)?;
        let times = times_of(time).ok_or_else(refused)?;
        Ok(Calendar { zone, weekdays, years, months, days, from_end, times })
    }

    /// All runs from `at` on, in order; ends after nine years.
    pub fn runs_from(&self, at: Instant, zone: Tz) -> impl Iterator<Item = Instant> + '_ {
        let day = at.to_utc().with_timezone(&zone).date_naive();
        let first = day.checked_sub_days(Days::new(1)).unwrap_or(day);
        let end = day.checked_add_days(Days::new(YEARS * 366)).unwrap_or(day);
        let days = first.iter_days().take_while(move |day| *day < end).filter(|day| self.on(*day));
        let runs = days.flat_map(move |day| self.times.iter().filter_map(move |second| instant(day, *second, zone)));
        let mut before = None;
        runs.filter(move |run| *run >= at && before.replace(*run) < Some(*run))
    }

    fn on(&self, day: NaiveDate) -> bool {
        let any = |parts: &[Part], value: u32| parts.iter().any(|part| part.holds(value));
        let of_month = match self.from_end {
            true => u32::from(day.num_days_in_month()) - day.day() + 1,
            false => day.day(),
        };
        (self.weekdays.is_empty() || any(&self.weekdays, day.weekday().num_days_from_monday()))
            && any(&self.years, u32::try_from(day.year()).unwrap_or_default())
            && any(&self.months, day.month())
            && any(&self.days, of_month)
    }
}

/// What the clock leaves out is run right after it; of what it repeats, the first.
fn instant(day: NaiveDate, second: u32, zone: Tz) -> Option<Instant> {
    let wall = day.and_time(NaiveTime::MIN) + TimeDelta::seconds(i64::from(second));
    let ms = |at: DateTime<Tz>| Instant(at.timestamp_millis());
    match zone.from_local_datetime(&wall) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(ms(at)),
        LocalResult::None => (1..=24 * 60).find_map(|minutes| {
            let later = wall - TimeDelta::seconds(i64::from(second % 60)) + TimeDelta::minutes(minutes);
            zone.from_local_datetime(&later).earliest().map(ms)
        }),
    }
}

fn shorthand(word: &str) -> Option<&'static str> {
    Some(match word {
        "minutely" => "*-*-* *:*:00",
        "hourly" => "*-*-* *:00:00",
        "daily" => "*-*-* 00:00:00",
        "weekly" => "Mon *-*-* 00:00:00",
        "monthly" => "*-*-01 00:00:00",
        "quarterly" => "*-01,04,07,10-01 00:00:00",
        "semiannually" => "*-01,07-01 00:00:00",
        "yearly" | "annually" => "*-01-01 00:00:00",
        _ => return None,
    })
}

fn weekdays(word: &str) -> Option<Vec<Part>> {
    let number = |name: &str| {
        let short = name.get(..3)?.to_lowercase();
        WEEKDAYS.iter().position(|day| *day == short).and_then(|day| u32::try_from(day).ok())
    };
    let mut parts = vec![];
    for item in word.trim_end_matches(',').split(',') {
        let (first, last) = match item.split_once("..") {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(item)?, number(item)?),
        };
        // `Sat..Mon` goes over the end of the week.
        let ends = if first <= last { vec![(first, last)] } else { vec![(first, 6), (0, last)] };
        parts.extend(ends.into_iter().map(|(first, last)| Part { first, last, step: 1 }));
    }
    Some(parts)
}

/// Values, ranges and repetitions with commas, all within `low` to `high`.
fn parts_of(text: &str, low: u32, high: u32) -> Option<Vec<Part>> {
    let number = |text: &str| {
        let digits = !text.is_empty() && text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<u32>().ok().filter(|n| digits && (low..=high).contains(n))
    };
    let mut parts = vec![];
    for item in text.split(',') {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<u32>().ok().filter(|step| *step > 0)?)),
            None => (item, None),
        };
        let (first, last) = match range.split_once("..") {
            Some((first, last)) => (number(first)?, number(last)?),
            None if range == "*" => (low, high),
            None if step.is_some() => (number(range)?, high),
            None => (number(range)?, number(range)?),
        };
        parts.push(Part { first, last, step: step.unwrap_or(1) });
    }
    Some(parts)
}

fn times_of(text: &str) -> Option<Vec<u32>> {
    let parts: Vec<&str> = text.split(':').collect();
    let (hour, minute, second) = match parts.as_slice() {
        [hour, minute, second] => (*hour, *minute, *second),
        [hour, minute] => (*hour, *minute, "0"),
        _ => return None,
    };
    let all =
        |parts: Vec<Part>, end: u32| (0..end).filter(move |n| parts.iter().any(|p| p.holds(*n))).collect::<Vec<_>>();
    let hours = all(parts_of(hour, 0, 23)?, 24);
    let (minutes, seconds) = (all(parts_of(minute, 0, 59)?, 60), all(parts_of(second, 0, 59)?, 60));
    let mut times = vec![];
    for hour in hours {
        for minute in &minutes {
            times.extend(seconds.iter().map(|second| (hour * 60 + minute) * 60 + second));
        }
    }
    Some(times).filter(|times| !times.is_empty())
}
