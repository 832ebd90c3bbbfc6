//! The log that point-in-time recovery captures. A range with nothing to start from recovers nothing, and counts as a
//! run that failed; so does what PBM says stopped the capture. Ranges are in whole seconds.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::gather::Gather;
use super::super::json::Value;
use super::super::options::Labels;
use super::super::record::{Cast, Piece, Record};
use super::super::when::Stamp;
use crate::base::{Instant, Result};

#[derive(Debug, Clone, Deserialize)]
struct Ends {
    start: Option<Stamp>,
    end: Option<Stamp>,
}

#[derive(Debug, Deserialize)]
struct Range {
    range: Ends,
    #[serde(default, rename = "noBaseSnapshot")]
    no_base: bool,
    /// Of each replica set: what one has a gap in, none can be rolled over.
    #[serde(skip)]
    members: Vec<Vec<Ends>>,
}

#[derive(Debug, Deserialize)]
struct Capture {
    /// Of `status`.
    conf: Option<bool>,
    run: Option<bool>,
    error: Option<String>,
    /// Of `list`.
    #[serde(default)]
    on: Option<bool>,
}

pub fn chunks(list: Option<Value<'_>>, gather: &mut Gather<'_>) -> Result<()> {
    gather.records::<Range>(list)
}

pub fn pitr(pitr: &Value<'_>, gather: &mut Gather<'_>) -> Result<()> {
    let members = match pitr.field("rsRanges")?.map(|members| members.read::<BTreeMap<String, Vec<Range>>>()) {
        None => vec![],
        Some(Ok(members)) => members.into_values().map(|own| own.into_iter().map(|r| r.range).collect()).collect(),
        Some(Err(mismatch)) => return gather.unreadable(mismatch.place, mismatch.why),
    };
    if let Some(ranges) = pitr.field("ranges")? {
        for value in ranges.items() {
            match value.read::<Range>() {
                Ok(range) => gather.take(Range { members: members.clone(), ..range }, value.source, value.place())?,
                Err(mismatch) => gather.unreadable(mismatch.place, mismatch.why)?,
            }
        }
    }
    gather.record::<Capture>(pitr)
}

type Stretch = (Instant, Instant);

impl Record for Range {
    fn labels(&self) -> Labels {
        vec![("type", "pitr".to_string())]
    }

    fn pieces(self, cast: &mut Cast<'_>) -> std::result::Result<Vec<Piece>, String> {
        let (first, last) = self.range.read(cast)?;
        if self.no_base {
            let why = format!("the log from {first} to {last} has no base snapshot to start from");
            return Ok(vec![cast.failed(format!("pitr-{}", first.compact()), "capture", first, Some(last), &why)]);
        }
        let mut whole = vec![(first, last)];
        for member in &self.members {
            let own = member.iter().map(|ends| ends.read(cast)).collect::<std::result::Result<Vec<_>, _>>()?;
            whole = common(&whole, &own);
        }
        Ok(whole.into_iter().flat_map(|(first, last)| cast.log(first, last)).collect())
    }
}

impl Ends {
    fn read(&self, cast: &Cast<'_>) -> std::result::Result<Stretch, String> {
        let first = cast.past(&self.start, "range.start")?.latest;
        let last = cast.past(&self.end, "range.end")?.earliest;
        match first <= last {
            true => Ok((first, last)),
            false => Err("its `range` ends before it begins".to_string()),
        }
    }
}

/// What both hold.
fn common(one: &[Stretch], other: &[Stretch]) -> Vec<Stretch> {
    let pairs = one.iter().flat_map(|a| other.iter().map(move |b| (a.0.max(b.0), a.1.min(b.1))));
    pairs.filter(|(first, last)| first < last).collect()
}

impl Record for Capture {
    fn labels(&self) -> Labels {
        vec![("type", "pitr".to_string())]
    }

    fn pieces(self, cast: &mut Cast<'_>) -> std::result::Result<Vec<Piece>, String> {
        let stopped = self.conf == Some(true) && self.run == Some(false);
        let why = match self.error.filter(|error| !error.is_empty()) {
            Some(error) => error,
            None if stopped => "point-in-time recovery is configured and does not run".to_string(),
            None if self.conf.or(self.on).is_none() => return Err("it does not say whether the log is captured".into()),
            None => return Ok(vec![]),
        };
        // The message begins with the instant at which it was said.
        let said = why.split_whitespace().next().map(|word| Stamp::Text(word.to_string()));
        let at = said.and_then(|stamp| stamp.read(None).ok()).map_or(cast.read_at, |at| at.latest.min(cast.read_at));
        Ok(vec![cast.failed("pitr".to_string(), "capture", at, Some(at), &why)])
    }
}
