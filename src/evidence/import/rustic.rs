//! rustic: `rustic snapshots --json`, flat or in groups, and `rustic forget --dry-run --json`.
//!
//! As restic's, with two differences: what is common to a group may stand with the group alone, and `delete` says when a
//! snapshot goes: "Never" is no lock, since whoever holds the key deletes it all the same.

use serde::Deserialize;

use super::gather::Gather;
use super::json::{self, Value};
use super::options::Labels;
use super::record::{Cast, Piece, Record};
use super::restic::{self, Summary};
use super::source::Source;
use super::when::Stamp;
use crate::base::Result;

pub fn read(source: &Source, gather: &mut Gather<'_>) -> Result<()> {
    for document in json::documents(source)? {
        if !document.is_list() {
            return Err(source.wrong(document.start(), "a list of snapshots is expected: `rustic snapshots --json`"));
        }
        for value in document.items() {
            match (value.field("snapshots")?, value.field("items")?) {
                (Some(list), _) => in_group(&value, &list, gather, false)?,
                (None, Some(list)) => in_group(&value, &list, gather, true)?,
                (None, None) => take(&value, Group::default(), None, gather)?,
            }
        }
    }
    Ok(())
}

#[derive(Debug, Default, Clone, Deserialize)]
struct Group {
    hostname: Option<String>,
    paths: Option<Vec<String>>,
    tags: Option<Vec<String>>,
}

/// What `forget` decided of a snapshot.
#[derive(Debug, Deserialize)]
struct Decided {
    keep: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct Snapshot {
    id: Option<String>,
    time: Option<Stamp>,
    hostname: Option<String>,
    paths: Option<Vec<String>>,
    tags: Option<Vec<String>>,
    program_version: Option<String>,
    summary: Option<Summary>,
    #[serde(default)]
    delete: Delete,
}

#[derive(Debug, Default, Deserialize)]
enum Delete {
    #[default]
    NotSet,
    Never,
    After(Stamp),
}

/// A snapshot, and whether `forget` keeps it.
struct Found {
    snapshot: restic::Snapshot,
    delete: Delete,
    kept: Option<bool>,
}

fn in_group(value: &Value<'_>, list: &Value<'_>, gather: &mut Gather<'_>, decided: bool) -> Result<()> {
    let group = value.field("group_key")?.and_then(|key| key.read::<Group>().ok()).unwrap_or_default();
    if !list.is_list() {
        return Err(list.source.wrong(list.start(), "a list is expected there"));
    }
    for item in list.items() {
        match (decided, item.field("snapshot")?) {
            (false, _) => take(&item, group.clone(), None, gather)?,
            (true, Some(snapshot)) => {
                let kept = item.read::<Decided>().ok().and_then(|decided| decided.keep).unwrap_or(false);
                take(&snapshot, group.clone(), Some(kept), gather)?;
            }
            (true, None) => gather.unreadable(item.place(), "it has no `snapshot`".to_string())?,
        }
    }
    Ok(())
}

fn take(value: &Value<'_>, group: Group, kept: Option<bool>, gather: &mut Gather<'_>) -> Result<()> {
    let own = match value.read::<Snapshot>() {
        Ok(own) => own,
        Err(mismatch) => return gather.unreadable(mismatch.place, mismatch.why),
    };
    let snapshot = restic::Snapshot {
        id: own.id,
        time: own.time,
        hostname: own.hostname.or(group.hostname),
        paths: own.paths.or(group.paths),
        tags: own.tags.or(group.tags),
        program_version: own.program_version,
        summary: own.summary,
    };
    gather.take(Found { snapshot, delete: own.delete, kept }, value.source, value.place())
}

impl Record for Found {
    fn labels(&self) -> Labels {
        self.snapshot.labels()
    }

    fn source(&self) -> String {
        self.snapshot.source()
    }

    fn pieces(self, cast: &mut Cast<'_>) -> std::result::Result<Vec<Piece>, String> {
        let mut pieces = self.snapshot.pieces(cast)?;
        let goes = match self.delete {
            Delete::After(stamp) => Some(cast.time(&Some(stamp), "delete")?.earliest),
            Delete::NotSet | Delete::Never => None,
        };
        let goes = if self.kept == Some(false) { Some(cast.read_at) } else { goes };
        if let Some(goes) = goes {
            pieces.iter_mut().for_each(|piece| restic::expire(piece, goes));
        }
        Ok(pieces)
    }
}
