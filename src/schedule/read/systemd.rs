//! systemd.timer(5): `OnCalendar` lines, and how much later than them a run may begin.

use super::{Entry, File, Kind, Refused, Times};
use crate::base::{Place, Span};
use crate::schedule::Calendar;

/// Timers that count from something that happened, not by the clock.
const BY_EVENT: &[&str] = &["OnActiveSec", "OnBootSec", "OnStartupSec", "OnUnitActiveSec", "OnUnitInactiveSec"];

pub fn read(name: &str, text: &str, file: u32) -> Result<File, Refused> {
    let unit = name.rsplit(['/', '\\']).next().unwrap_or(name).to_string();
    let mut says = vec![unit.clone(), unit.trim_end_matches(".timer").to_string()];
    let (mut entries, mut delay): (Vec<Entry>, Option<(Span, Place)>) = (vec![], None);
    for setting in settings(text, file) {
        let Setting { section, name, value, at } = setting;
        match (section, name) {
            ("Unit", "Description") | ("Timer", "Unit") => says.push(value.to_string()),
            // An empty value takes back all that was set before.
            ("Timer", "OnCalendar") if value.is_empty() => entries.clear(),
            ("Timer", "OnCalendar") => {
                let calendar = Calendar::parse(value).map_err(|said| (at, said))?;
                let zone = calendar.zone;
                let mut entry = Entry::new(at, value, Times::Calendar(Box::new(calendar)));
                entry.zone = zone;
                entries.push(entry);
            }
            ("Timer", name) if BY_EVENT.contains(&name) && !value.is_empty() => {
                let why = format!("`{name}` counts from an event, not by the clock");
                entries.push(Entry::new(at, value, Times::Unclear(why)));
            }
            ("Timer", "RandomizedDelaySec" | "AccuracySec") => {
                let span = seconds(value).ok_or_else(|| (at, format!("`{value}` is not a time span")))?;
                // A minute is what a timer without a word may be late: cron's own grain.
                if span > Span::minutes(1) {
                    delay = Some(delay.map_or((span, at), |(sum, first)| (sum + span, first)));
                }
            }
            _ => {}
        }
    }
    for entry in &mut entries {
        (entry.delay, entry.says) = (delay, says.clone());
    }
    Ok(File { kind: Kind::Systemd, entries })
}

struct Setting<'a> {
    section: &'a str,
    name: &'a str,
    value: &'a str,
    at: Place,
}

fn settings(text: &str, file: u32) -> impl Iterator<Item = Setting<'_>> {
    let mut section = "";
    text.lines().enumerate().filter_map(move |(number, line)| {
        let body = line.trim();
        if let Some(name) = body.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
            return None;
        }
        let (name, value) = body.split_once('=').filter(|_| !body.starts_with(['#', ';']))?;
        let (name, value) = (name.trim(), value.trim());
        let before = line.find(value).filter(|_| !value.is_empty()).unwrap_or_default();
        let column = line.get(..before).map_or(1, |s| s.chars().count() + 1);
        Some(Setting { section, name, value, at: Place::on(file, number + 1, column, value.chars().count()) })
    })
}

/// systemd.time(7): `90`, `15min`, `1h 30min`; a bare number is seconds.
fn seconds(text: &str) -> Option<Span> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut total = Span::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let tail = tail.trim_start();
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let unit = match unit {
            "us" | "usec" => return None,
            "ms" | "msec" => Span::millis(1),
            "" | "s" | "sec" | "second" | "seconds" => Span::secs(1),
            "m" | "min" | "minute" | "minutes" => Span::minutes(1),
            "h" | "hr" | "hour" | "hours" => Span::hours(1),
            "d" | "day" | "days" => Span::days(1),
            "w" | "week" | "weeks" => Span::days(7),
            _ => return None,
        };
        total = total + unit.saturating_mul(number.parse().ok()?);
        rest = tail.trim_start();
    }
    Some(total)
}
