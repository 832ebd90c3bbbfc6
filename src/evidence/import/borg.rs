//! borg: `borg info --json --glob-archives '*'`, which knows when each archive was complete, or `borg list --json`.
//!
//! Times of borg 1.x are the wall clock of the machine that printed them, without a zone: --timezone says which. An
//! archive whose name ends in `.checkpoint` was left by a run that did not finish. borg reads file after file.

use serde::Deserialize;

use super::gather::Gather;
use super::json;
use super::options::Labels;
use super::record::{Cast, Piece, Record, name, unknown};
use super::source::Source;
use super::when::{Stamp, shown};
use crate::base::Result;

pub fn read(source: &Source, gather: &mut Gather<'_>) -> Result<()> {
    for document in json::documents(source)? {
        let Some(archives) = document.field("archives")?.filter(|_| document.is_object()) else {
            return Err(source.wrong(document.start(), "`archives` are expected: `borg info --json` prints them"));
        };
        if !archives.is_list() {
            return Err(source.wrong(archives.start(), "a list is expected there"));
        }
        let encryption = document.field("encryption")?;
        let mode = encryption.and_then(|e| e.read::<Encryption>().ok()).and_then(|e| e.mode);
        for value in archives.items() {
            match value.read::<Archive>() {
                Ok(archive) => {
                    let archive = InRepository { archive, mode: mode.clone() };
                    gather.take(archive, source, value.place())?;
                }
                Err(mismatch) => gather.unreadable(mismatch.place, mismatch.why)?,
            }
        }
    }
    Ok(())
}

#[derive(Debug, Deserialize)]
struct Encryption {
    mode: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Archive {
    id: Option<String>,
    name: Option<String>,
    start: Option<Stamp>,
    end: Option<Stamp>,
    hostname: Option<String>,
    stats: Option<Stats>,
}

#[derive(Debug, Deserialize)]
struct Stats {
    deduplicated_size: Option<u64>,
    original_size: Option<u64>,
}

struct InRepository {
    archive: Archive,
    mode: Option<String>,
}

impl Record for InRepository {
    fn labels(&self) -> Labels {
        let name = self.archive.name.iter().map(|name| ("name", name.clone()));
        name.chain(self.archive.hostname.iter().map(|host| ("host", host.clone()))).collect()
    }

    /// The host, and what is left of the name without its date: archives of one series have both in common.
    fn source(&self) -> String {
        let name = self.archive.name.as_deref().unwrap_or_default();
        let series = name.split(|c: char| c.is_ascii_digit()).next().unwrap_or_default();
        let host = self.archive.hostname.as_ref().map(|host| format!("host={} ", shown(host)));
        format!("{}name={}*", host.unwrap_or_default(), shown(series))
    }

    fn pieces(self, cast: &mut Cast<'_>) -> std::result::Result<Vec<Piece>, String> {
        let InRepository { archive, mode } = self;
        let id = name(archive.id.as_deref(), "id")?;
        let title = name(archive.name.as_deref(), "name")?;
        let started = cast.past(&archive.start, "start")?;
        let ended = cast.maybe(&archive.end, "end")?;
        if title.ends_with(".checkpoint") || title.contains(".checkpoint.") {
            let why = "a checkpoint: the run did not finish";
            return Ok(vec![cast.failed(id, "backup", started.earliest, ended.map(|at| at.latest), why)]);
        }
        ended.map_or(Ok(()), |ended| cast.not_later(ended, "end"))?;
        let available = cast.ended(started, ended, "`borg info` tells; or give --takes")?;
        let mut point = cast.point(id, started.earliest, available);
        point.encrypted = match mode.as_deref() {
            Some("none") => Some(false),
            // Who wrote an authenticated repository is known; everybody can read it.
            Some(mode) if mode.starts_with("authenticated") => Some(false),
            Some(mode) if mode.starts_with("repokey") || mode.starts_with("keyfile") => Some(true),
            mode => {
                cast.doubts.push(format!("of its repository: {}", unknown("encryption.mode", mode)));
                None
            }
        };
        point.bytes_stored = archive.stats.as_ref().and_then(|s| s.deduplicated_size);
        point.bytes_restored = archive.stats.as_ref().and_then(|s| s.original_size);
        Ok(vec![Piece::Point(Box::new(point))])
    }
}
