//! restic: `restic snapshots --json`, plain or grouped, and `restic forget --dry-run --json`.
//!
//! A snapshot's `time` is when the run began; when it was complete is known since 0.17 alone (`summary`). restic reads
//! file after file, so that nothing says the copy is of one instant; and it always encrypts. `forget` prints the same
//! with and without `--dry-run`: what it would remove may be gone, and counts only until the inventory was made.

use serde::Deserialize;

use super::gather::Gather;
use super::json::{self, Value};
use super::options::Labels;
use super::record::{Cast, Piece, Record, name};
use super::source::Source;
use super::when::{Moment, Stamp, shown};
use crate::base::Result;

pub fn read(source: &Source, gather: &mut Gather<'_>) -> Result<()> {
    for document in json::documents(source)? {
        if !document.is_list() {
            return Err(source.wrong(document.start(), "a list of snapshots is expected: `restic snapshots --json`"));
        }
        for value in document.items() {
            let (kept, removed, grouped) = (value.field("keep")?, value.field("remove")?, value.field("snapshots")?);
            if let Some(list) = grouped {
                gather.records::<Snapshot>(Some(list))?;
            } else if kept.is_some() || removed.is_some() {
                gather.records::<Snapshot>(kept)?;
                gather.records::<Removed>(removed)?;
            } else if !is_empty_group(&value) {
                gather.record::<Snapshot>(&value)?;
            }
        }
    }
    Ok(())
}

/// A group of which nothing is kept and nothing removed: null on both sides.
fn is_empty_group(value: &Value<'_>) -> bool {
    value.fields().any(|(key, _)| key == "keep")
}

#[derive(Debug, Deserialize)]
pub(super) struct Snapshot {
    pub id: Option<String>,
    pub time: Option<Stamp>,
    #[serde(default)]
    pub hostname: Option<String>,
    #[serde(default)]
    pub paths: Option<Vec<String>>,
    #[serde(default)]
    pub tags: Option<Vec<String>>,
    pub program_version: Option<String>,
    pub summary: Option<Summary>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Summary {
    pub backup_start: Option<Stamp>,
    pub backup_end: Option<Stamp>,
    pub data_added_packed: Option<u64>,
    pub total_bytes_processed: Option<u64>,
}

impl Record for Snapshot {
    fn labels(&self) -> Labels {
        let host = self.hostname.iter().map(|host| ("host", host.clone()));
        let paths = self.paths.iter().flatten().map(|path| ("path", path.clone()));
        let tags = self.tags.iter().flatten().map(|tag| ("tag", tag.clone()));
        host.chain(paths).chain(tags).collect()
    }

    fn source(&self) -> String {
        let paths = self.paths.iter().flatten().map(|path| format!(" path={}", shown(path)));
        format!("host={}{}", shown(self.hostname.as_deref().unwrap_or_default()), paths.collect::<String>())
    }

    fn pieces(self, cast: &mut Cast<'_>) -> std::result::Result<Vec<Piece>, String> {
        self.check_version()?;
        let id = name(self.id.as_deref(), "id")?;
        let time = cast.past(&self.time, "time")?;
        let summary = self.summary.as_ref();
        let began = summary.map(|s| cast.maybe(&s.backup_start, "backup_start")).transpose()?.flatten();
        let ended = summary.map(|s| cast.maybe(&s.backup_end, "backup_end")).transpose()?.flatten();
        ended.map_or(Ok(()), |ended| cast.not_later(ended, "backup_end"))?;
        // `--time` makes a snapshot look older or younger than its files.
        let started = Moment { earliest: time.earliest.min(began.unwrap_or(time).earliest), ..began.unwrap_or(time) };
        let available = cast.ended(began.unwrap_or(time), ended, "restic 0.17 and later do; or give --takes")?;
        let mut point = cast.point(id, started.earliest, available);
        point.encrypted = Some(true);
        point.bytes_stored = summary.and_then(|s| s.data_added_packed);
        point.bytes_restored = summary.and_then(|s| s.total_bytes_processed);
        Ok(vec![Piece::Point(Box::new(point))])
    }
}

impl Snapshot {
    /// Both programs write into one kind of repository, of which all versions up to now are 0.x.
    fn check_version(&self) -> std::result::Result<(), String> {
        let Some(version) = &self.program_version else { return Ok(()) };
        let known = ["restic 0.", "rustic 0."].iter().any(|known| version.starts_with(known));
        match known {
            true => Ok(()),
            false => Err(format!("it was made by `{}`, a version that is not known here", shown(version))),
        }
    }
}

/// A snapshot that `forget` names for removal.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Removed(Snapshot);

impl Record for Removed {
    fn labels(&self) -> Labels {
        self.0.labels()
    }

    fn source(&self) -> String {
        self.0.source()
    }

    fn pieces(self, cast: &mut Cast<'_>) -> std::result::Result<Vec<Piece>, String> {
        let mut pieces = self.0.pieces(cast)?;
        for piece in &mut pieces {
            expire(piece, cast.read_at);
        }
        Ok(pieces)
    }
}

/// Gone by then, at the latest.
pub(super) fn expire(piece: &mut Piece, at: crate::base::Instant) {
    if let Piece::Point(point) = piece {
        point.expires_at = Some(point.expires_at.map_or(at, |known| known.min(at)));
    }
}
