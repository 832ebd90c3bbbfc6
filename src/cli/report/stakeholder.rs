//! `report stakeholder`: two pages for those who decide and pay.

use std::path::PathBuf;

use super::{Week, view};
use crate::base::{Result, Span};
use crate::cli::connect::EvidenceArgs;
use crate::cli::output::{self, Format, Global};
use crate::cli::{Exit, policy_file};
use crate::clock::SystemClock;
use crate::port::Clock;
use crate::report::{stakeholder, write};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Policy file
    #[arg(env = "PLIMSOLL_POLICY", value_name = "POLICY", default_value = "plimsoll.toml")]
    policy: PathBuf,
    #[command(flatten)]
    source: EvidenceArgs,
    /// How far back failures are imagined
    #[arg(long, value_name = "SPAN", default_value = "7d")]
    window: Span,
    /// Years to simulate
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    years: u64,
    /// Seed of the simulation: the same seed gives the same pages
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// File that the pages are written into, or a folder for it
    #[arg(long, value_name = "FILE", default_value = "stakeholder.html")]
    out: PathBuf,
}

impl Args {
    pub fn run(&self, global: &Global) -> Result<Exit> {
        let policy = policy_file::load(&self.policy)?;
        let evidence = self.source.load(global)?;
        if evidence.is_none() {
            output::tell(global, "no evidence was named (--repo or --evidence): the pages tell the plan alone");
        }
        let as_of = self.source.as_of.unwrap_or_else(|| SystemClock.now());
        let evidence = evidence.map(|evidence| evidence.as_of(as_of));
        let week = Week { as_of, window: self.window, years: self.years, seed: self.seed };
        let view = view(&policy, &self.policy, evidence.as_ref(), None, week)?;
        let out = write::place(&self.out, "stakeholder.html");
        write::file(&out, &stakeholder::page(&view)?)?;
        match global.format {
            Format::Json => output::print_json(&[&out])?,
            Format::Human => output::print(&format!("{}\n", out.display()))?,
        }
        Ok(Exit::Done)
    }
}
