//! `report runbook`: the recovery plan as Markdown, to be committed and kept where it can be read when all else is down.

use std::path::PathBuf;

use serde::Serialize;

use crate::base::{Instant, Result};
use crate::cli::connect::EvidenceArgs;
use crate::cli::output::{self, Format, Global};
use crate::cli::{Exit, policy_file};
use crate::clock::SystemClock;
use crate::port::Clock;
use crate::report::{runbook, write};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Commit what it writes, and let `plimsoll check --runbook FILE` (or `runbook_file` in the policy) find where it and the
policy differ. New drills are no difference.")]
pub struct Args {
    /// Policy file
    #[arg(env = "PLIMSOLL_POLICY", value_name = "POLICY", default_value = "plimsoll.toml")]
    policy: PathBuf,
    #[command(flatten)]
    source: EvidenceArgs,
    /// File to write in place of printing it, or a folder for it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Serialize)]
struct Printed<'a> {
    policy: &'a str,
    as_of: Instant,
    markdown: &'a str,
}

impl Args {
    pub fn run(&self, global: &Global) -> Result<Exit> {
        let policy = policy_file::load(&self.policy)?;
        let evidence = self.source.load(global)?;
        if evidence.is_none() {
            output::tell(global, "no evidence was named (--repo or --evidence): no time is measured");
        }
        let as_of = self.source.as_of.unwrap_or_else(|| SystemClock.now());
        let text = runbook::markdown(&policy, evidence.as_ref(), as_of);
        if let Some(path) = &self.out {
            let path = write::place(path, "recovery-plan.md");
            write::file(&path, &text)?;
            output::tell(global, &format!("wrote {}", path.display()));
            return Ok(Exit::Done);
        }
        match global.format {
            Format::Json => output::print_json(&Printed { policy: &policy.name, as_of, markdown: &text })?,
            Format::Human => output::print(&text)?,
        }
        Ok(Exit::Done)
    }
}
