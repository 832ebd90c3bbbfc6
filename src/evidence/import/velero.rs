//! Velero: Backup objects, one or a list, as `velero backup get -o json` and `kubectl get backups.velero.io -o json`
//! print them; Restore objects too.
//!
//! Only a backup in the phase `Completed` is a recovery point. One that took fewer volume snapshots than it attempted is
//! without some volumes, whatever its phase says. Parts are read one after the other.

use serde::Deserialize;

use super::gather::Gather;
use super::json::{self, Value};
use super::options::Labels;
use super::record::{Cast, Piece, Record, name, said, unknown};
use super::source::Source;
use super::when::{Stamp, shown};
use crate::base::Result;
use crate::evidence::{Drill, DrillOutcome, RunOutcome};

pub fn read(source: &Source, gather: &mut Gather<'_>) -> Result<()> {
    for document in json::documents(source)? {
        let Some(kind) = document.field("kind")?.and_then(|kind| kind.read::<String>().ok()) else {
            return Err(source.wrong(document.start(), "a `kind` is expected: `velero backup get -o json`"));
        };
        if !matches!(kind.as_str(), "Backup" | "BackupList" | "Restore" | "RestoreList" | "List") {
            return Err(source.wrong(document.start(), format!("`{}` is no list of backups", shown(&kind))));
        }
        let cut = document.field("metadata")?.map(|m| m.field("continue")).transpose()?.flatten();
        if cut.and_then(|token| token.read::<String>().ok()).is_some_and(|token| !token.is_empty()) {
            gather.unreadable(document.place(), "the list goes on: it was printed in part".to_string())?;
        }
        match document.field("items")? {
            Some(items) if items.is_list() => items.items().try_for_each(|item| one(&item, gather))?,
            Some(items) => return Err(source.wrong(items.start(), "a list is expected there")),
            None => one(&document, gather)?,
        }
    }
    Ok(())
}

fn one(item: &Value<'_>, gather: &mut Gather<'_>) -> Result<()> {
    match item.field("kind")?.and_then(|kind| kind.read::<String>().ok()).as_deref() {
        Some("Restore") => gather.record::<Restore>(item),
        Some("Backup") => gather.record::<Backup>(item),
        kind => gather.unreadable(item.place(), unknown("kind", kind)),
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Backup {
    api_version: Option<String>,
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: Option<String>,
    namespace: Option<String>,
    #[serde(default)]
    labels: Option<std::collections::BTreeMap<String, String>>,
    deletion_timestamp: Option<Stamp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    storage_location: Option<String>,
    #[serde(default)]
    included_namespaces: Option<Vec<String>>,
    backup_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    phase: Option<String>,
    version: Option<u64>,
    format_version: Option<String>,
    start_timestamp: Option<Stamp>,
    completion_timestamp: Option<Stamp>,
    expiration: Option<Stamp>,
    #[serde(default)]
    errors: u64,
    failure_reason: Option<String>,
    #[serde(default)]
    volume_snapshots_attempted: u64,
    #[serde(default)]
    volume_snapshots_completed: u64,
    #[serde(default)]
    csi_volume_snapshots_attempted: u64,
    #[serde(default)]
    csi_volume_snapshots_completed: u64,
}

const AT_WORK: [&str; 11] = [
    "New",
    "Queued",
    "ReadyToStart",
    "InProgress",
    "WaitingForPluginOperations",
    "WaitingForPluginOperationsPartiallyFailed",
    "Finalizing",
    "FinalizingPartiallyFailed",
    "Deleting",
    "Uploading",
    "UploadingPartialFailure",
];
const FAILED: [&str; 3] = ["Failed", "PartiallyFailed", "FailedValidation"];

impl Status {
    /// Why it did not come to a good end; none if it is completed.
    fn unfinished(&self) -> std::result::Result<Option<String>, String> {
        let why = self.failure_reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        match self.phase.as_deref() {
            Some("Completed") => Ok(None),
            Some(phase) if AT_WORK.contains(&phase) => Ok(Some(format!("not finished: `{phase}`"))),
            Some(phase) if FAILED.contains(&phase) => Ok(Some(format!("`{phase}`, {} errors{why}", self.errors))),
            phase => Err(unknown("status.phase", phase)),
        }
    }

    /// What it is without, in words.
    fn missing(&self) -> Vec<String> {
        let volumes = [
            ("volume snapshots", self.volume_snapshots_completed, self.volume_snapshots_attempted),
            ("CSI volume snapshots", self.csi_volume_snapshots_completed, self.csi_volume_snapshots_attempted),
        ];
        let volumes = volumes.into_iter().filter(|(_, done, tried)| done < tried);
        let mut missing: Vec<String> =
            volumes.map(|(what, done, tried)| format!("{} of {tried} {what}", tried - done)).collect();
        if self.errors > 0 {
            missing.push(format!("what {} errors left out", self.errors));
        }
        missing
    }
}

impl Record for Backup {
    fn labels(&self) -> Labels {
        let of = |label: &str| self.metadata.labels.as_ref().and_then(|labels| labels.get(label)).cloned();
        let all = [
            ("name", self.metadata.name.clone()),
            ("schedule", of("velero.io/schedule-name")),
            ("location", self.spec.storage_location.clone().or_else(|| of("velero.io/storage-location"))),
        ];
        let namespaces = self.spec.included_namespaces.iter().flatten().map(|name| ("namespace", name.clone()));
        all.into_iter().filter_map(|(label, value)| Some((label, value?))).chain(namespaces).collect()
    }

    fn source(&self) -> String {
        let namespaces = self.spec.included_namespaces.iter().flatten().map(|name| shown(name)).collect::<Vec<_>>();
        let all = if namespaces.is_empty() { "*".to_string() } else { namespaces.join(",") };
        format!("namespace={all} of {}", shown(self.metadata.namespace.as_deref().unwrap_or_default()))
    }

    fn pieces(self, cast: &mut Cast<'_>) -> std::result::Result<Vec<Piece>, String> {
        check_version(self.api_version.as_deref())?;
        let (id, status) = (name(self.metadata.name.as_deref(), "metadata.name")?, &self.status);
        let unfinished = status.unfinished()?;
        let started = cast.past(&status.start_timestamp, "status.startTimestamp");
        let ended = cast.maybe(&status.completion_timestamp, "status.completionTimestamp")?;
        let deleted = cast.maybe(&self.metadata.deletion_timestamp, "metadata.deletionTimestamp")?;
        let going = deleted.is_some() || status.phase.as_deref() == Some("Deleting");
        if let (Ok(began), Some(ended), true) = (&started, ended, going) {
            // It was there once, and is on its way out.
            let run = cast.run(id, "backup", began.earliest, ended.latest.max(began.earliest), RunOutcome::Done);
            return Ok(vec![Piece::Run(run)]);
        }
        if let Some(why) = unfinished.or(going.then(|| "being deleted".to_string())) {
            // What failed its validation never began.
            let began = started.map_or(ended.map_or(cast.read_at, |at| at.earliest), |at| at.earliest);
            return Ok(vec![cast.failed(id, "backup", began, ended.map(|at| at.latest), &why)]);
        }
        match (status.version, status.format_version.as_deref()) {
            (_, Some(format)) if format == "1" || format.starts_with("1.") => {}
            (Some(1), None) => {}
            (version, format) => {
                let version = version.map(|version| version.to_string());
                return Err(unknown("status.formatVersion", format.or(version.as_deref())));
            }
        }
        let (started, ended) = (started?, ended.ok_or("it has no `status.completionTimestamp`")?);
        cast.not_later(ended, "status.completionTimestamp")?;
        let available = cast.ended(started, Some(ended), "")?;
        let mut point = cast.point(id, started.earliest, available);
        point.expires_at = cast.maybe(&status.expiration, "status.expiration")?.map(|at| at.earliest);
        point.without = status.missing();
        Ok(vec![Piece::Point(Box::new(point))])
    }
}

fn check_version(version: Option<&str>) -> std::result::Result<(), String> {
    match version {
        Some("velero.io/v1") => Ok(()),
        version => Err(unknown("apiVersion", version)),
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Restore {
    api_version: Option<String>,
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

impl Record for Restore {
    fn labels(&self) -> Labels {
        let named = self.metadata.name.iter().map(|name| ("name", name.clone()));
        named.chain(self.spec.included_namespaces.iter().flatten().map(|name| ("namespace", name.clone()))).collect()
    }

    fn pieces(self, cast: &mut Cast<'_>) -> std::result::Result<Vec<Piece>, String> {
        check_version(self.api_version.as_deref())?;
        let (id, status) = (name(self.metadata.name.as_deref(), "metadata.name")?, &self.status);
        let unfinished = status.unfinished()?;
        let started = cast.past(&status.start_timestamp, "status.startTimestamp")?.earliest;
        let ended = cast.maybe(&status.completion_timestamp, "status.completionTimestamp")?;
        let at_work = status.phase.as_deref().is_some_and(|phase| AT_WORK.contains(&phase));
        if let Some(why) = unfinished.as_ref().filter(|_| at_work) {
            return Ok(vec![cast.failed(id, "restore", started, None, why)]);
        }
        let ended = ended.ok_or("it has no `status.completionTimestamp`")?;
        cast.not_later(ended, "status.completionTimestamp")?;
        let backup = name(self.spec.backup_name.as_deref(), "spec.backupName")?;
        let mut drill = cast.drill(id, backup, started, ended.latest.max(started), "Velero says that it is completed");
        if let Some(why) = unfinished.or((status.errors > 0).then(|| format!("{} errors", status.errors))) {
            drill.checks.clear();
            drill.outcome = DrillOutcome::Failed { why: said(&why) };
        }
        Ok(vec![Piece::Drill(Drill { ..drill })])
    }
}
