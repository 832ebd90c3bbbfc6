//! Inventories of other tools as evidence: one file for each tool. Pure: bytes and options in, evidence out, or a fault
//! that points at the place.
//!
//! Strict on what it knows, honest on what it does not:
//!
//! - A backup that failed or is incomplete is a run that failed, never a recovery point.
//! - An unknown status or version, a time that is missing or cannot be: no point, and the reason among the unreadable,
//!   which keeps every verdict from being Met. Nothing is passed over in silence.
//! - What a tool does not record (a zone, when a backup was complete, which part of the policy it belongs to) is asked
//!   for. Where two readings remain, the less flattering one counts.
//! - A listing shows that something exists, never that it is whole: no point comes out verified, but where the plain
//!   form says so.
//! - An inventory speaks for the time at which it was written, not for now.

mod atlas;
mod aws_backup;
mod borg;
mod csv;
mod gather;
mod json;
mod jsonl;
mod kopia;
mod options;
mod pattern;
mod pbm;
mod pgbackrest;
mod plain;
mod record;
mod restic;
mod rustic;
mod s3_pattern;
mod source;
mod velero;
mod when;

pub use options::{Options, Select};
pub use pattern::Pattern;
pub use plain::COLUMNS;
pub use s3_pattern::Object;
pub use source::{BYTES_MAX, Source, check_size};
pub use when::{Stamp, Zone};

use super::Evidence;
use crate::base::{Fault, Result};
use gather::Gather;

/// Whose inventory it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    Pbm,
    Atlas,
    Restic,
    Rustic,
    Kopia,
    Borg,
    Pgbackrest,
    Velero,
    AwsBackup,
    S3Pattern,
    Csv,
    Jsonl,
}

/// Evidence, and what the user should know of its making.
#[derive(Debug)]
pub struct Imported {
    pub evidence: Evidence,
    pub notes: Vec<String>,
}

impl Tool {
    pub const ALL: [Tool; 12] = [
        Tool::Pbm,
        Tool::Atlas,
        Tool::Restic,
        Tool::Rustic,
        Tool::Kopia,
        Tool::Borg,
        Tool::Pgbackrest,
        Tool::Velero,
        Tool::AwsBackup,
        Tool::S3Pattern,
        Tool::Csv,
        Tool::Jsonl,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Tool::Pbm => "pbm",
            Tool::Atlas => "atlas",
            Tool::Restic => "restic",
            Tool::Rustic => "rustic",
            Tool::Kopia => "kopia",
            Tool::Borg => "borg",
            Tool::Pgbackrest => "pgbackrest",
            Tool::Velero => "velero",
            Tool::AwsBackup => "aws-backup",
            Tool::S3Pattern => "s3-pattern",
            Tool::Csv => "csv",
            Tool::Jsonl => "jsonl",
        }
    }

    /// The command that prints what is read here.
    pub fn command(self) -> &'static str {
        match self {
            Tool::Pbm => "pbm status, list, describe-backup, describe-restore, each with -o json",
            Tool::Atlas => "Admin API v2: snapshots, restoreJobs, backupCompliancePolicy",
            Tool::Restic => "restic snapshots --json; restic forget --dry-run --json",
            Tool::Rustic => "rustic snapshots --json; rustic forget --dry-run --json",
            Tool::Kopia => "kopia snapshot list --json --incomplete",
            Tool::Borg => "borg info --json --glob-archives '*'; borg list --json (needs --timezone)",
            Tool::Pgbackrest => "pgbackrest info --output=json",
            Tool::Velero => "velero backup get -o json; velero restore get -o json",
            Tool::AwsBackup => "aws backup list-recovery-points-by-backup-vault; aws backup list-restore-jobs",
            Tool::S3Pattern => "aws s3api list-objects-v2; aws s3 ls; s3://bucket/prefix itself (needs --pattern)",
            Tool::Csv => "a header and a row for each point, run, drill or coverage",
            Tool::Jsonl => "an object a line for each point, run, drill or coverage",
        }
    }

    /// Whether its rows may name the asset that they are of.
    pub fn names_assets(self) -> bool {
        matches!(self, Tool::Csv | Tool::Jsonl)
    }
}

/// The evidence of inventories of one tool, all of one asset.
pub fn read(tool: Tool, sources: &[Source], options: &Options) -> Result<Imported> {
    let mut gather = begin(tool, sources, options)?;
    type Reads = fn(&Source, &mut Gather<'_>) -> Result<()>;
    let each = |reads: Reads, gather: &mut Gather<'_>| sources.iter().try_for_each(|source| reads(source, gather));
    match tool {
        Tool::Pbm => pbm::read(sources, &mut gather),
        Tool::Atlas => atlas::read(sources, &mut gather),
        Tool::Restic => each(restic::read, &mut gather),
        Tool::Rustic => each(rustic::read, &mut gather),
        Tool::Kopia => each(kopia::read, &mut gather),
        Tool::Borg => each(borg::read, &mut gather),
        Tool::Pgbackrest => each(pgbackrest::read, &mut gather),
        Tool::Velero => each(velero::read, &mut gather),
        Tool::AwsBackup => each(aws_backup::read, &mut gather),
        Tool::S3Pattern => each(s3_pattern::read, &mut gather),
        Tool::Csv => each(csv::read, &mut gather),
        Tool::Jsonl => each(jsonl::read, &mut gather),
    }?;
    end(gather)
}

/// As [`read`] of [`Tool::S3Pattern`], of what a store itself lists.
pub fn read_listing(listing: &Source, objects: Vec<Object>, options: &Options) -> Result<Imported> {
    let mut gather = begin(Tool::S3Pattern, std::slice::from_ref(listing), options)?;
    s3_pattern::read_listing(listing, objects, &mut gather)?;
    end(gather)
}

fn begin<'a>(tool: Tool, sources: &[Source], options: &'a Options) -> Result<Gather<'a>> {
    if options.asset.is_none() && !tool.names_assets() {
        return Err(Fault::usage("it is not said which asset the inventory is of").help("name one with --asset"));
    }
    let read_at = sources.iter().map(|source| source.written_at).min();
    let read_at = read_at.ok_or_else(|| Fault::usage("no inventory is named"))?;
    Ok(Gather::new(tool.name(), options, read_at))
}

fn end(gather: Gather<'_>) -> Result<Imported> {
    let (evidence, notes) = gather.finish()?;
    Ok(Imported { evidence, notes })
}
