//! crontab(5): five fields or a nickname, then a command. `CRON_TZ` is cronie's word for the zone of the lines below it.

use chrono_tz::Tz;

use super::{Entry, File, Kind, Refused, Times, cron_entry, nickname};
use crate::base::Place;

pub fn read(text: &str, file: u32) -> Result<File, Refused> {
    let mut entries = vec![];
    let mut zone = None;
    for (number, line) in text.lines().enumerate() {
        let body = line.trim();
        if body.is_empty() || body.starts_with('#') {
            continue;
        }
        let before = line.chars().take_while(|c| c.is_whitespace()).count();
        let at = |len: usize| Place::on(file, number + 1, before + 1, len);
        if let Some((name, value)) = variable(body) {
            if name == "CRON_TZ" {
                let known: Result<Tz, _> = value.parse();
                zone = Some(known.map_err(|_| (at(body.chars().count()), format!("`{value}` is not a time zone")))?);
            }
            continue;
        }
        let fields = if body.starts_with('@') { 1 } else { 5 };
        let Some((time, command)) = split(body, fields) else {
            let said = "not a line of a crontab: five fields of time, or `@daily` and its like, then a command";
            return Err((at(body.chars().count()), said.to_string()));
        };
        let at = at(time.chars().count());
        let mut entry = match time.strip_prefix('@') {
            Some(_) if nickname(time).is_none() => {
                Entry::new(at, time, Times::Unclear(format!("`{time}` names no time of the clock")))
            }
            _ => cron_entry(at, time)?,
        };
        (entry.zone, entry.says) = (zone, vec![command.to_string()]);
        entries.push(entry);
    }
    Ok(File { kind: Kind::Crontab, entries })
}

/// `NAME = value`, with or without quotes.
fn variable(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    (plain && starts).then(|| (name, value.trim().trim_matches(|c| c == '"' || c == '\'')))
}

/// The first `fields` words as they stand, and what follows them.
fn split(line: &str, fields: usize) -> Option<(&str, &str)> {
    let mut end = 0;
    for _ in 0..fields {
        let rest = line.get(end..)?;
        let start = rest.find(|c: char| !c.is_whitespace())?;
        let word = rest.get(start..)?;
        end += start + word.find(char::is_whitespace)?;
    }
    let (time, command) = line.split_at_checked(end)?;
    Some((time, command.trim())).filter(|(_, command)| !command.is_empty())
}
