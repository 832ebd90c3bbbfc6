//! kopia: `kopia snapshot list --json` (with `--incomplete` for those that were not finished).
//!
//! `incomplete` says why a snapshot is no recovery point. Files that could not be read are counted and left out, also
//! where the policy says to ignore that: such a snapshot brings back less than what it was taken of. kopia always
//! encrypts, and reads file after file.

use serde::Deserialize;

use super::gather::Gather;
use super::json;
use super::options::Labels;
use super::record::{Cast, Piece, Record, name};
use super::source::Source;
use super::when::{Stamp, shown};
use crate::base::Result;

pub fn read(source: &Source, gather: &mut Gather<'_>) -> Result<()> {
    for document in json::documents(source)? {
        if !document.is_list() {
            return Err(source.wrong(document.start(), "a list is expected: `kopia snapshot list --json`"));
        }
        gather.records::<Snapshot>(Some(document))?;
    }
    Ok(())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Snapshot {
    id: Option<String>,
    source: Option<From>,
    start_time: Option<Stamp>,
    end_time: Option<Stamp>,
    incomplete: Option<String>,
    stats: Option<Stats>,
    root_entry: Option<Root>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct From {
    host: Option<String>,
    user_name: Option<String>,
    path: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    total_size: Option<u64>,
    #[serde(default)]
    error_count: u64,
    #[serde(default)]
    ignored_error_count: u64,
}

#[derive(Debug, Deserialize)]
struct Root {
    summ: Option<Summary>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    size: Option<u64>,
    #[serde(default)]
    num_failed: u64,
}

impl Record for Snapshot {
    fn labels(&self) -> Labels {
        let from = self.source.iter();
        let all = from.flat_map(|f| [("host", &f.host), ("user", &f.user_name), ("path", &f.path)]);
        all.filter_map(|(label, value)| Some((label, value.clone()?))).collect()
    }

    fn source(&self) -> String {
        let all = self.labels();
        all.iter().map(|(label, value)| format!("{label}={}", shown(value))).collect::<Vec<_>>().join(" ")
    }

    fn pieces(self, cast: &mut Cast<'_>) -> std::result::Result<Vec<Piece>, String> {
        let id = name(self.id.as_deref(), "id")?;
        let started = cast.past(&self.start_time, "startTime")?;
        let ended = cast.maybe(&self.end_time, "endTime")?;
        if let Some(why) = self.incomplete.filter(|why| !why.is_empty()) {
            let why = format!("incomplete: {why}");
            return Ok(vec![cast.failed(id, "backup", started.earliest, ended.map(|at| at.latest), &why)]);
        }
        let ended = ended.ok_or("it has no `endTime`")?;
        cast.not_later(ended, "endTime")?;
        let available = cast.ended(started, Some(ended), "")?;
        let mut point = cast.point(id, started.earliest, available);
        point.encrypted = Some(true);
        let summary = self.root_entry.as_ref().ok_or("it has no `rootEntry`, and so no contents")?.summ.as_ref();
        point.bytes_restored = summary.and_then(|s| s.size).or(self.stats.as_ref().and_then(|s| s.total_size));
        let counted = self.stats.as_ref().map_or(0, |s| s.error_count.saturating_add(s.ignored_error_count));
        let failed = counted.max(summary.map_or(0, |s| s.num_failed));
        if failed > 0 {
            point.without = vec![format!("{failed} files or folders that could not be read")];
        }
        Ok(vec![Piece::Point(Box::new(point))])
    }
}
