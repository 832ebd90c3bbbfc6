//! `plimsoll report`: the reports that people read, written into a folder.

mod earlier;
mod runbook;
mod stakeholder;
mod verify;

use std::path::{Path, PathBuf};

use self::verify::Given;
use super::connect::EvidenceArgs;
use super::output::{self, Format, Global};
use super::{Exit, policy_file, prices};
use crate::audit;
use crate::base::{Result, Span, Window};
use crate::clock::SystemClock;
use crate::cost::{bill, tradeoff};
use crate::evidence::Evidence;
use crate::policy::Policy;
use crate::port::Clock;
use crate::report::table::Look;
use crate::report::view::Earlier;
use crate::report::{self, Inputs, View, terminal};
use crate::sim::{self, campaign};
use crate::timeline::Basis;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Debug, clap::Subcommand)]
enum Kind {
    /// The week against the policy: one page, its charts, and the tables behind them
    Weekly(Weekly),
    /// The recovery plan that people follow in an incident, made from the policy, with the times that drills measured
    Runbook(runbook::Args),
    /// Two pages without jargon: what we can lose, how long we are down, what it costs, what to do, what is not known
    Stakeholder(stakeholder::Args),
}

#[derive(Debug, clap::Args)]
struct Weekly {
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
    /// Seed of the simulation: the same seed gives the same report
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Folder that the files are written into
    #[arg(long, value_name = "DIR", default_value = "plimsoll-report")]
    out: PathBuf,
    /// Say what changed since this file: an earlier report.json, or the evidence.json beside it [default: the same evidence
    /// as it stood a week before]
    #[arg(long, value_name = "FILE")]
    since: Option<PathBuf>,
    /// Work the report out again that this file is of, with its own settings, and say whether it comes out the same:
    /// weekly.html, report.json or any file beside them
    #[arg(long, value_name = "FILE", conflicts_with_all = ["out", "window", "years", "seed", "as_of"])]
    verify: Option<PathBuf>,
}

/// What a report is about, and how it is worked out.
pub use crate::report::view::MadeWith as Week;

impl Args {
    pub fn run(&self, global: &Global) -> Result<Exit> {
        match &self.kind {
            Kind::Weekly(weekly) => weekly.run(global),
            Kind::Runbook(runbook) => runbook.run(global),
            Kind::Stakeholder(stakeholder) => stakeholder.run(global),
        }
    }
}

impl Weekly {
    fn run(&self, global: &Global) -> Result<Exit> {
        let policy = policy_file::load(&self.policy)?;
        let evidence = self.source.load(global)?;
        if evidence.is_none() {
            output::tell(global, "no evidence was named (--repo or --evidence): nothing can be proven");
        }
        if let Some(file) = &self.verify {
            return self.verify(global, file, &policy, evidence);
        }
        let as_of = self.source.as_of.unwrap_or_else(|| SystemClock.now());
        // What is later than the instant that the report speaks of is not in it, so that it can be made again.
        let evidence = evidence.map(|evidence| evidence.as_of(as_of));
        let week = Week { as_of, window: self.window, years: self.years, seed: self.seed };
        let earlier = earlier::of(&policy, evidence.as_ref(), week, self.since.as_deref())?;
        let view = view(&policy, &self.policy, evidence.as_ref(), earlier.as_ref(), week)?;
        let paths = report::write_all(&view, evidence.as_ref(), &self.out)?;
        match global.format {
            Format::Json => output::print_json(&paths)?,
            Format::Human => {
                let files: String = paths.iter().map(|path| format!("{}\n", path.display())).collect();
                output::print(&format!("{}\n{files}", terminal::summary(&view, Look::of_stdout())))?;
            }
        }
        Ok(Exit::Done)
    }
}

impl Weekly {
    fn verify(&self, global: &Global, file: &Path, policy: &Policy, evidence: Option<Evidence>) -> Result<Exit> {
        let given = Given::read(file)?;
        let week = given.made_with()?;
        let evidence = evidence.map(|evidence| evidence.as_of(week.as_of));
        let earlier = earlier::of(policy, evidence.as_ref(), week, self.since.as_deref())?;
        given.compare(policy, evidence.as_ref(), &self.policy, earlier.as_ref(), week)?;
        output::tell(global, &format!("`{}` is what its policy and evidence make, byte by byte", file.display()));
        Ok(Exit::Done)
    }
}

/// Audits, simulates and prices, and puts it all in one view.
pub fn view(
    policy: &Policy,
    policy_file: &Path,
    evidence: Option<&Evidence>,
    earlier: Option<&Earlier>,
    week: Week,
) -> Result<View> {
    let Week { as_of, window, years, seed } = week;
    let nothing = Evidence::none(as_of);
    let audit = audit::run(policy, Some(evidence.unwrap_or(&nothing)), as_of, Window::new(as_of - window, as_of));
    let book = prices::load(policy, policy_file)?;
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    let options = sim::Options { seed, years, basis: Basis::Declared, threads, as_of };
    let simulation = campaign::run(policy, evidence, &options);
    let bill = bill::annual(policy, &book, evidence);
    let tradeoff = tradeoff::explore(policy, &book, evidence, as_of);
    Ok(View::build(&Inputs {
        policy,
        evidence,
        audit: &audit,
        simulation: Some(&simulation),
        book: Some(&book),
        bill: Some(&bill),
        tradeoff: Some(&tradeoff),
        earlier,
        made_with: week,
    }))
}
