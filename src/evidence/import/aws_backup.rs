//! AWS Backup: `aws backup list-recovery-points-by-backup-vault` (or `-by-resource`), and `aws backup list-restore-jobs`,
//! which are drills. Times are seconds since 1970 or ISO 8601, by the version of the tool.
//!
//! `IsEncrypted` speaks of the vault, not of what left the host: that it is not says something, that it is says nothing.

use serde::Deserialize;

use super::gather::Gather;
use super::json;
use super::options::Labels;
use super::record::{Cast, Piece, Record, name, said, unknown};
use super::source::Source;
use super::when::{Stamp, shown};
use crate::base::Result;
use crate::evidence::{Check, DrillOutcome, RunOutcome};

pub fn read(source: &Source, gather: &mut Gather<'_>) -> Result<()> {
    for document in json::documents(source)? {
        let (points, jobs) = (document.field("RecoveryPoints")?, document.field("RestoreJobs")?);
        if points.is_none() && jobs.is_none() {
            let what =
                "`RecoveryPoints` or `RestoreJobs` are expected: `aws backup list-recovery-points-by-backup-vault`";
            return Err(source.wrong(document.start(), what));
        }
        if document.field("NextToken")?.is_some() {
            let why = "the listing goes on (`NextToken`): ask for all of it, without --max-items";
            gather.unreadable(document.place(), why.to_string())?;
        }
        gather.records::<Point>(points)?;
        gather.records::<Job>(jobs)?;
    }
    Ok(())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Point {
    recovery_point_arn: Option<String>,
    backup_vault_name: Option<String>,
    resource_arn: Option<String>,
    resource_type: Option<String>,
    resource_name: Option<String>,
    status: Option<String>,
    status_message: Option<String>,
    creation_date: Option<Stamp>,
    completion_date: Option<Stamp>,
    #[serde(alias = "BackupSizeBytes")]
    backup_size_in_bytes: Option<u64>,
    calculated_lifecycle: Option<Lifecycle>,
    is_encrypted: Option<bool>,
    vault_type: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Lifecycle {
    delete_at: Option<Stamp>,
}

impl Record for Point {
    fn labels(&self) -> Labels {
        let all = [
            ("resource", &self.resource_arn),
            ("name", &self.resource_name),
            ("type", &self.resource_type),
            ("vault", &self.backup_vault_name),
            ("vault-type", &self.vault_type),
        ];
        all.into_iter().filter_map(|(label, value)| Some((label, value.clone()?))).collect()
    }

    fn source(&self) -> String {
        format!("resource={}", shown(self.resource_arn.as_deref().unwrap_or_default()))
    }

    fn pieces(self, cast: &mut Cast<'_>) -> std::result::Result<Vec<Piece>, String> {
        let id = name(self.recovery_point_arn.as_deref(), "RecoveryPointArn")?;
        let started = cast.past(&self.creation_date, "CreationDate")?;
        let ended = cast.maybe(&self.completion_date, "CompletionDate")?;
        let said = self.status_message.as_ref().map(|said| format!(": {said}")).unwrap_or_default();
        match self.status.as_deref() {
            Some("COMPLETED") => {}
            // It was there once, and is on its way out.
            Some("DELETING" | "EXPIRED") => {
                let ended = ended.unwrap_or(started).latest;
                return Ok(vec![Piece::Run(cast.run(id, "backup", started.earliest, ended, RunOutcome::Done))]);
            }
            Some(status @ ("PARTIAL" | "CREATING")) => {
                let ended = ended.map(|at| at.latest);
                return Ok(vec![cast.failed(id, "backup", started.earliest, ended, &format!("`{status}`{said}"))]);
            }
            Some("AVAILABLE" | "STOPPED") => {
                return Err("it is continuous, and the listing does not say which instants it covers".to_string());
            }
            status => return Err(unknown("Status", status)),
        }
        let ended = ended.ok_or("it has no `CompletionDate`")?;
        cast.not_later(ended, "CompletionDate")?;
        let available = cast.ended(started, Some(ended), "")?;
        let mut point = cast.point(id, started.earliest, available);
        let deleted = self.calculated_lifecycle.as_ref().map(|l| cast.maybe(&l.delete_at, "DeleteAt")).transpose()?;
        point.expires_at = deleted.flatten().map(|at| at.earliest);
        point.encrypted = self.is_encrypted.filter(|encrypted| !encrypted);
        point.bytes_stored = self.backup_size_in_bytes;
        Ok(vec![Piece::Point(Box::new(point))])
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Job {
    restore_job_id: Option<String>,
    recovery_point_arn: Option<String>,
    source_resource_arn: Option<String>,
    resource_type: Option<String>,
    creation_date: Option<Stamp>,
    completion_date: Option<Stamp>,
    status: Option<String>,
    status_message: Option<String>,
    backup_size_in_bytes: Option<u64>,
    validation_status: Option<String>,
    validation_status_message: Option<String>,
}

impl Record for Job {
    fn labels(&self) -> Labels {
        let all = [("resource", &self.source_resource_arn), ("type", &self.resource_type)];
        all.into_iter().filter_map(|(label, value)| Some((label, value.clone()?))).collect()
    }

    fn source(&self) -> String {
        format!("resource={}", shown(self.source_resource_arn.as_deref().unwrap_or_default()))
    }

    fn pieces(self, cast: &mut Cast<'_>) -> std::result::Result<Vec<Piece>, String> {
        let id = name(self.restore_job_id.as_deref(), "RestoreJobId")?;
        let started = cast.past(&self.creation_date, "CreationDate")?.earliest;
        let ended = cast.maybe(&self.completion_date, "CompletionDate")?;
        ended.map_or(Ok(()), |ended| cast.not_later(ended, "CompletionDate"))?;
        let message = |m: &Option<String>| m.as_ref().map(|said| format!(": {said}")).unwrap_or_default();
        let why = message(&self.status_message);
        let failed = match self.status.as_deref() {
            Some("COMPLETED") => None,
            Some("FAILED") => Some(format!("`FAILED`{why}")),
            // Nobody let it run to its end, so that it says nothing of the point.
            Some(status @ ("PENDING" | "RUNNING" | "ABORTED")) => {
                let ended = ended.map(|at| at.latest);
                return Ok(vec![cast.failed(id, "restore", started, ended, &format!("`{status}`{why}"))]);
            }
            status => return Err(unknown("Status", status)),
        };
        let point = name(self.recovery_point_arn.as_deref(), "RecoveryPointArn")?;
        let ended = match &failed {
            None => ended.ok_or("it has no `CompletionDate`")?.latest,
            Some(_) => ended.map_or(started, |at| at.latest),
        };
        if ended < started {
            return Err("it ends before it begins".to_string());
        }
        let mut drill = cast.drill(id, point, started, ended, "AWS Backup says that it is completed");
        drill.bytes_restored = self.backup_size_in_bytes.unwrap_or_default();
        let validated = match self.validation_status.as_deref() {
            None | Some("VALIDATING") => None,
            Some("SUCCESSFUL") => Some(true),
            Some("FAILED" | "TIMED_OUT") => Some(false),
            status => return Err(unknown("ValidationStatus", status)),
        };
        if let (Some(passed), None) = (validated, &failed) {
            let status = self.validation_status.as_deref().unwrap_or_default();
            let detail = said(&format!("`{status}`{}", message(&self.validation_status_message)));
            // What the validation looked at is not recorded: the check above stays open.
            drill.checks.push(Check { name: "validation".to_string(), passed, detail, leaves_open: false });
        }
        if let Some(why) = failed {
            drill.checks.clear();
            drill.outcome = DrillOutcome::Failed { why: said(&why) };
        }
        Ok(vec![Piece::Drill(drill)])
    }
}
