//! A bucket whose objects carry their date in their name, as backup scripts leave them: a listing of `aws s3 ls`, of
//! `aws s3api list-objects-v2`, or the bucket itself.
//!
//! A listing shows that something is there, never that it is whole. The name says when the run began, in the zone of the
//! machine that ran it; `LastModified` says when the object was complete. `aws s3 ls` prints that in its own machine's
//! zone. An object of no bytes is what a failed run leaves.

use serde::Deserialize;

use super::gather::Gather;
use super::json::{self, Value};
use super::options::Labels;
use super::pattern::{Named, Pattern};
use super::record::{Cast, Piece, Record, name};
use super::source::Source;
use super::when::{self, Moment, Stamp, shown};
use crate::base::{Fault, Instant, Result};

/// An object of a listing.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Object {
    pub key: Option<String>,
    pub last_modified: Option<Stamp>,
    pub size: Option<u64>,
    pub storage_class: Option<String>,
}

pub fn read(source: &Source, gather: &mut Gather<'_>) -> Result<()> {
    let mut seen = Seen::new(gather)?;
    match source.text.trim_start().starts_with(['{', '[']) {
        true => listed_as_json(source, &mut seen, gather)?,
        false => listed_as_text(source, &mut seen, gather)?,
    }
    seen.finish(&source.name, gather)
}

/// What a store itself listed.
pub fn read_listing(source: &Source, objects: Vec<Object>, gather: &mut Gather<'_>) -> Result<()> {
    let mut seen = Seen::new(gather)?;
    for object in objects {
        let place =
            format!("{}/{}", source.name.trim_end_matches('/'), shown(object.key.as_deref().unwrap_or_default()));
        seen.object(object, source, place, gather)?;
    }
    seen.finish(&source.name, gather)
}

/// How many names there were, and how many followed the pattern.
struct Seen {
    pattern: Pattern,
    matched: usize,
    others: usize,
    first_other: String,
    cold: usize,
}

impl Seen {
    fn new(gather: &Gather<'_>) -> Result<Seen> {
        let pattern = gather.options.pattern.clone().ok_or_else(|| {
            Fault::usage("a listing needs the pattern of its names")
                .help("give one with --pattern, such as --pattern '%Y-%m-%d_%H-%M.tar.gz'")
        })?;
        Ok(Seen { pattern, matched: 0, others: 0, first_other: String::new(), cold: 0 })
    }

    fn object(&mut self, object: Object, source: &Source, place: String, gather: &mut Gather<'_>) -> Result<()> {
        let key = match name(object.key.as_deref(), "Key") {
            Ok(key) => key,
            Err(why) => return gather.unreadable(place, why),
        };
        let Some(named) = self.pattern.read(&key) else {
            if self.others == 0 {
                self.first_other = shown(&key);
            }
            self.others += 1;
            return Ok(());
        };
        self.matched += 1;
        self.cold += usize::from(object.storage_class.as_deref().is_some_and(|class| COLD.contains(&class)));
        gather.take(Archive { object, key, named }, source, place)
    }

    fn finish(self, source: &str, gather: &mut Gather<'_>) -> Result<()> {
        if self.matched == 0 && self.others > 0 {
            let why = format!(
                "none of its {} names is as the pattern `{}` says; the first is `{}`",
                self.others, self.pattern.text, self.first_other
            );
            gather.unreadable(source.to_string(), why)?;
        } else if self.others > 0 {
            let Seen { others, first_other, .. } = &self;
            gather.notes.push(format!("{others} names do not follow the pattern, the first is `{first_other}`"));
        }
        if self.cold > 0 {
            gather.notes.push(format!("{} objects are in a class that takes hours to read: mind the RTO", self.cold));
        }
        Ok(())
    }
}

const COLD: [&str; 2] = ["GLACIER", "DEEP_ARCHIVE"];

fn listed_as_json(source: &Source, seen: &mut Seen, gather: &mut Gather<'_>) -> Result<()> {
    for document in json::documents(source)? {
        let list = match document.is_list() {
            true => Some(document.clone()),
            false => document.field("Contents")?,
        };
        let cut = document.field("IsTruncated")?.and_then(|cut| cut.read::<bool>().ok()).unwrap_or(false);
        if cut || document.field("NextToken")?.is_some() {
            let why = "the listing goes on: ask for all of it, without --max-items";
            gather.unreadable(document.place(), why.to_string())?;
        }
        let answered =
            || Ok::<bool, Fault>(document.field("RequestCharged")?.is_some() || document.fields().count() > 0);
        match list {
            Some(list) if list.is_list() => list.items().try_for_each(|value| object(&value, seen, gather))?,
            Some(list) => return Err(source.wrong(list.start(), "a list is expected there")),
            // An empty bucket is answered without `Contents`.
            None if document.is_object() && answered()? => {}
            None => return Err(source.wrong(document.start(), "`Contents` are expected: `aws s3api list-objects-v2`")),
        }
    }
    Ok(())
}

fn object(value: &Value<'_>, seen: &mut Seen, gather: &mut Gather<'_>) -> Result<()> {
    match value.read::<Object>() {
        Ok(object) => seen.object(object, value.source, value.place(), gather),
        Err(mismatch) => gather.unreadable(mismatch.place, mismatch.why),
    }
}

fn listed_as_text(source: &Source, seen: &mut Seen, gather: &mut Gather<'_>) -> Result<()> {
    let mut at = 0;
    for line in source.text.split_inclusive('\n') {
        let place = source.place(at);
        at += line.len();
        let text = line.trim();
        let summary = ["Total Objects:", "Total Size:"].iter().any(|total| text.starts_with(total));
        if text.is_empty() || summary || text.starts_with("PRE ") {
            continue;
        }
        match line.ends_with('\n').then(|| of_line(text)).flatten() {
            Some(object) => seen.object(object, source, place, gather)?,
            None if line.ends_with('\n') => {
                gather.unreadable(place, format!("is no line of `aws s3 ls`: `{}`", shown(text)))?;
            }
            None => gather.unreadable(place, "the file ends within this line".to_string())?,
        }
    }
    Ok(())
}

/// `2026-02-19 03:41:10   12345 name`; a name may hold blanks, also before it.
fn of_line(line: &str) -> Option<Object> {
    let (date, rest) = line.split_once(' ')?;
    let (time, rest) = rest.trim_start().split_once(' ')?;
    let (size, key) = rest.trim_start().split_once(' ')?;
    let size = size.parse().ok()?;
    let stamp = Stamp::Text(format!("{date} {time}"));
    Some(Object { key: Some(key.to_string()), last_modified: Some(stamp), size: Some(size), storage_class: None })
}

struct Archive {
    object: Object,
    key: String,
    named: Named,
}

impl Record for Archive {
    fn labels(&self) -> Labels {
        let class = self.object.storage_class.iter().map(|class| ("class", class.clone()));
        std::iter::once(("key", self.key.clone())).chain(class).collect()
    }

    fn pieces(self, cast: &mut Cast<'_>) -> std::result::Result<Vec<Piece>, String> {
        let modified = cast.past(&self.object.last_modified, "LastModified")?;
        let began = match self.named {
            Named::Wall(wall) => {
                when::local(wall, cast.options.timezone).map_err(|why| format!("the time in its name {why}"))?
            }
            Named::Seconds(seconds) => Moment::at(Instant(seconds.saturating_mul(1000))),
            Named::NoDate => return Err(format!("the name `{}` has a date that no calendar has", shown(&self.key))),
        };
        if modified.latest < began.earliest {
            return Err(format!(
                "it was stored at {}, before the time in its name, {}: a clock or --timezone is wrong",
                modified.latest, began.earliest
            ));
        }
        let size = self.object.size.ok_or("it has no `Size`")?;
        if size == 0 {
            return Ok(vec![cast.failed(
                self.key,
                "backup",
                began.earliest,
                Some(modified.latest),
                "it holds no bytes",
            )]);
        }
        let mut point = cast.point(self.key, began.earliest, modified.latest);
        point.bytes_stored = Some(size);
        Ok(vec![Piece::Point(Box::new(point))])
    }
}
