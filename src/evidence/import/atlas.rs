//! MongoDB Atlas, Admin API v2: snapshots (`results[]` or one), restore jobs, and the backup compliance policy.
//!
//! A snapshot's `createdAt` is its instant; when it could be restored from is not told. A restore job has no start, so that
//! it shows that a restore was done and times nothing. The compliance policy says how far back point-in-time recovery may
//! reach: it is a promise, so that the coverage it gives is never enough for Met.

use serde::Deserialize;

use super::gather::Gather;
use super::json::{self, Value};
use super::options::Labels;
use super::record::{Cast, Piece, Record, name, unknown};
use super::source::Source;
use super::when::{Stamp, shown};
use crate::base::{Result, Span};
use crate::evidence::{DrillOutcome, Run, RunOutcome};
use crate::policy::Consistency;

/// All at once: the pages of one listing may come in several files.
pub fn read(sources: &[Source], gather: &mut Gather<'_>) -> Result<()> {
    let (mut listed, mut total, mut last) = (0, 0, None);
    let mut documents = vec![];
    for source in sources {
        documents.extend(json::documents(source)?);
    }
    for document in documents {
        match document.field("results")? {
            Some(results) if results.is_list() => {
                for value in results.items() {
                    listed += 1;
                    one(&value, gather)?;
                }
                let of = document.field("totalCount")?.and_then(|total| total.read::<u64>().ok());
                total = total.max(of.unwrap_or_default());
                last = Some(document.place());
            }
            Some(results) => return Err(results.source.wrong(results.start(), "a list is expected there")),
            None if document.is_list() => document.items().try_for_each(|value| one(&value, gather))?,
            None => one(&document, gather)?,
        }
    }
    match last.filter(|_| listed < total) {
        Some(place) => {
            gather.unreadable(place, format!("{total} are said to be there, {listed} are listed: read every page"))
        }
        None => Ok(()),
    }
}

fn one(value: &Value<'_>, gather: &mut Gather<'_>) -> Result<()> {
    let has = |name: &str| -> Result<bool> { Ok(value.field(name)?.is_some()) };
    if has("restoreWindowDays")? || has("pitEnabled")? {
        gather.record::<Compliance>(value)
    } else if has("deliveryType")? {
        gather.record::<Job>(value)
    } else if has("createdAt")? || has("status")? || has("snapshotType")? {
        gather.record::<Snapshot>(value)
    } else {
        Err(value.source.wrong(value.start(), "a snapshot, a restore job or a backup compliance policy is expected"))
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Snapshot {
    id: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    created_at: Option<Stamp>,
    expires_at: Option<Stamp>,
    status: Option<String>,
    snapshot_type: Option<String>,
    frequency_type: Option<String>,
    replica_set_name: Option<String>,
    storage_size_bytes: Option<u64>,
    copy_regions: Option<Vec<String>>,
    snapshot_ids: Option<Vec<String>>,
    members: Option<Vec<Member>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Member {
    replica_set_name: Option<String>,
}

impl Record for Snapshot {
    fn labels(&self) -> Labels {
        let all =
            [("cluster", &self.replica_set_name), ("type", &self.snapshot_type), ("frequency", &self.frequency_type)];
        let regions = self.copy_regions.iter().flatten().map(|region| ("region", region.clone()));
        all.into_iter().filter_map(|(label, value)| Some((label, value.clone()?))).chain(regions).collect()
    }

    fn source(&self) -> String {
        let first = self.members.iter().flatten().next().and_then(|member| member.replica_set_name.as_ref());
        let cluster = self.replica_set_name.as_ref().or(first);
        format!("cluster={}", shown(cluster.map(String::as_str).unwrap_or_default()))
    }

    fn pieces(self, cast: &mut Cast<'_>) -> std::result::Result<Vec<Piece>, String> {
        let id = name(self.id.as_deref(), "id")?;
        let created = cast.past(&self.created_at, "createdAt")?;
        match self.status.as_deref() {
            Some("completed") => {}
            Some("failed") => {
                return Ok(vec![cast.failed(id, "backup", created.earliest, Some(created.latest), "failed")]);
            }
            Some(status @ ("queued" | "inProgress")) => {
                return Ok(vec![cast.failed(
                    id,
                    "backup",
                    created.earliest,
                    None,
                    &format!("not finished: `{status}`"),
                )]);
            }
            status => return Err(unknown("status", status)),
        }
        let (parts, members) = (self.snapshot_ids.as_ref().map(Vec::len), self.members.as_ref().map(Vec::len));
        if let (Some(parts), Some(members)) = (parts, members)
            && parts != members
        {
            return Err(format!("its cluster has {members} members, and {parts} snapshots of them are there"));
        }
        let available = cast.ended(created, None, "give --takes")?;
        let mut point = cast.point(id, created.earliest, available);
        point.expires_at = cast.maybe(&self.expires_at, "expiresAt")?.map(|at| at.earliest);
        point.bytes_stored = self.storage_size_bytes;
        point.consistency = match (self.kind.as_deref(), self.snapshot_type.as_deref()) {
            // Taken where the ordinary way failed; Atlas itself calls it possibly inconsistent.
            (_, Some("fallback")) => Some(Consistency::None),
            (Some("replicaSet"), Some("scheduled" | "onDemand")) => Some(Consistency::Snapshot),
            // How far the shards are of one instant, the listing does not say.
            (Some("shardedCluster"), Some("scheduled" | "onDemand")) => None,
            (Some("replicaSet" | "shardedCluster"), kind) => return Err(unknown("snapshotType", kind)),
            (kind, _) => return Err(unknown("type", kind)),
        };
        Ok(vec![Piece::Point(Box::new(point))])
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Job {
    id: Option<String>,
    delivery_type: Option<String>,
    snapshot_id: Option<String>,
    target_cluster_name: Option<String>,
    #[serde(rename = "pointInTimeUTCSeconds")]
    point_in_time: Option<Stamp>,
    finished_at: Option<Stamp>,
    cancelled: Option<bool>,
    expired: Option<bool>,
    failed: Option<bool>,
}

impl Record for Job {
    fn labels(&self) -> Labels {
        let all = [("delivery", &self.delivery_type), ("target", &self.target_cluster_name)];
        all.into_iter().filter_map(|(label, value)| Some((label, value.clone()?))).collect()
    }

    fn pieces(self, cast: &mut Cast<'_>) -> std::result::Result<Vec<Piece>, String> {
        let id = name(self.id.as_deref(), "id")?;
        let [Some(failed), Some(cancelled)] = [self.failed, self.cancelled] else {
            return Err("it does not say whether it `failed` or was `cancelled`".to_string());
        };
        let finished = cast.maybe(&self.finished_at, "finishedAt")?;
        finished.map_or(Ok(()), |at| cast.not_later(at, "finishedAt"))?;
        let at = finished.map_or(cast.read_at, |at| at.latest);
        if cancelled {
            return Ok(vec![cast.failed(id, "restore", at, Some(at), "cancelled")]);
        }
        match self.delivery_type.as_deref() {
            // A link to fetch a snapshot from: nothing was restored.
            Some("download") => {
                let outcome = match failed || self.expired == Some(true) {
                    true => RunOutcome::Failed { why: "the download failed or expired".to_string() },
                    false => RunOutcome::Done,
                };
                let run: Run = cast.run(id, "download", at, at, outcome);
                return Ok(vec![Piece::Run(run)]);
            }
            Some("automated" | "pointInTime") => {}
            kind => return Err(unknown("deliveryType", kind)),
        }
        if finished.is_none() && !failed {
            return Ok(vec![cast.failed(id, "restore", at, None, "not finished: it has no `finishedAt`")]);
        }
        let snapshot = match self.snapshot_id.as_deref() {
            Some(snapshot) if !snapshot.is_empty() => name(Some(snapshot), "snapshotId")?,
            _ => "unknown".to_string(),
        };
        let mut drill = cast.drill(id, snapshot, at, at, "Atlas says that it is finished");
        drill.target =
            cast.maybe(&self.point_in_time, "pointInTimeUTCSeconds")?.map(|at| super::record::op(at.earliest));
        if failed {
            drill.checks.clear();
            drill.outcome = DrillOutcome::Failed { why: "failed".to_string() };
        }
        Ok(vec![Piece::Drill(drill)])
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Compliance {
    state: Option<String>,
    pit_enabled: Option<bool>,
    restore_window_days: Option<u32>,
    updated_date: Option<Stamp>,
}

impl Record for Compliance {
    fn labels(&self) -> Labels {
        vec![("type", "policy".to_string())]
    }

    fn pieces(self, cast: &mut Cast<'_>) -> std::result::Result<Vec<Piece>, String> {
        match (self.state.as_deref(), self.pit_enabled) {
            (Some("ACTIVE"), Some(true)) => {}
            (Some("ACTIVE"), Some(false)) => {
                let at = cast.read_at;
                return Ok(vec![cast.failed(
                    "pit".into(),
                    "capture",
                    at,
                    Some(at),
                    "`pitEnabled` is false: no log is kept",
                )]);
            }
            (Some("ACTIVE"), None) => return Err("it has no `pitEnabled`".to_string()),
            (state, _) => return Err(format!("the compliance policy is not in force: {}", unknown("state", state))),
        }
        let days = self.restore_window_days.filter(|days| (1..=3660).contains(days));
        let days = days.ok_or("its `restoreWindowDays` is no number of days between 1 and 3660")?;
        // What came before the policy was last changed, it does not say.
        let since = cast.past(&self.updated_date, "updatedDate")?.latest;
        let first = since.max(cast.read_at - Span::days(i64::from(days)));
        let last = cast.read_at - cast.options.lag.unwrap_or_default();
        cast.doubts.push(
            "the compliance policy promises that any second can be restored, and lists nothing that shows it: drill it"
                .into(),
        );
        Ok(if first < last { cast.log(first, last) } else { vec![] })
    }
}
