//! `plimsoll simulate`: what the declared scenarios would cost, over many drawn years.

mod errors;
mod parts;
mod shown;

use clap::ValueEnum;

use self::parts::Merge;
pub use self::shown::listed;
use self::shown::shown;
use super::Exit;
use super::connect::EvidenceArgs;
use super::output::{self, Format, Global};
use super::policy_file::PolicyArg;
use crate::base::{Fault, Result};
use crate::clock::SystemClock;
use crate::evidence::Evidence;
use crate::policy::Policy;
use crate::port::Clock;
use crate::sim::{Options, Shard, Simulation, campaign};
use crate::timeline::Basis;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    merge: Option<Parts>,
    #[command(flatten)]
    campaign: Campaign,
    /// Go on until the standard error of the expected annual loss is no more than this part of it, such as 1%; --years
    /// is then the most [default of --years: 10,000,000]
    #[arg(long, value_name = "PERCENT", value_parser = percent, conflicts_with = "shard")]
    until_error: Option<f64>,
    /// Simulate one part of the years, such as 3/16, and print it for `simulate merge`
    #[arg(long, value_name = "PART")]
    shard: Option<Shard>,
}

#[derive(Debug, clap::Subcommand)]
enum Parts {
    /// Join what `simulate --shard` printed: the same bytes as those of the whole
    Merge(Merge),
}

/// All that the result depends on.
#[derive(Debug, clap::Args)]
struct Campaign {
    #[command(flatten)]
    policy: PolicyArg,
    #[command(flatten)]
    evidence: EvidenceArgs,
    /// Years to simulate [default: 100,000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    years: Option<u64>,
    /// Seed of the draws: the same seed gives the same result
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// What is simulated: the plan as declared, the record that the evidence shows, or one beside the other
    #[arg(long, value_enum, default_value_t = Source::Declared)]
    source: Source,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Source {
    Declared,
    Observed,
    Both,
}

const YEARS: u64 = 100_000;
const YEARS_UNTIL_ERROR: u64 = 10_000_000;

impl Args {
    pub fn run(&self, global: &Global) -> Result<Exit> {
        if let Some(Parts::Merge(merge)) = &self.merge {
            return merge.run(global);
        }
        let (policy, evidence) = self.campaign.load(global)?;
        if let Some(shard) = self.shard {
            return self.campaign.print_part(&policy, evidence.as_ref(), shard);
        }
        let mut found = Vec::new();
        for basis in self.campaign.bases() {
            found.push(self.simulate(&policy, evidence.as_ref(), basis)?);
        }
        match (global.format, found.as_slice()) {
            (Format::Json, [one]) => output::print_json(one)?,
            (Format::Json, both) => output::print_json(&both)?,
            (Format::Human, found) => {
                let texts: Vec<String> = found.iter().map(|simulation| shown(&policy, simulation)).collect();
                output::print(&texts.join("\n"))?;
            }
        }
        Ok(Exit::Done)
    }

    fn simulate(&self, policy: &Policy, evidence: Option<&Evidence>, basis: Basis) -> Result<Simulation> {
        let options = self.campaign.options(basis);
        let Some(error) = self.until_error else { return Ok(campaign::run(policy, evidence, &options)) };
        let years = self.campaign.years.unwrap_or(YEARS_UNTIL_ERROR);
        let simulation = campaign::run_until(policy, evidence, &Options { years, ..options }, error);
        match simulation.annual {
            Some(_) => Ok(simulation),
            None => Err(Fault::usage(
                "the policy declares no loss rates: there is no annual loss whose error could be small",
            )
            .help("declare [losses], or give --years in place of --until-error")),
        }
    }
}

impl Campaign {
    fn load(&self, global: &Global) -> Result<(Policy, Option<Evidence>)> {
        let policy = self.policy.load()?;
        let evidence = self.evidence.load(global)?;
        if self.source != Source::Declared && evidence.is_none() {
            return Err(Fault::usage("there is no evidence to simulate the observed record from")
                .help("name a repository with --repo or PLIMSOLL_REPO, or a file of evidence with --evidence"));
        }
        Ok((policy, evidence))
    }

    fn bases(&self) -> Vec<Basis> {
        match self.source {
            Source::Declared => vec![Basis::Declared],
            Source::Observed => vec![Basis::Observed],
            Source::Both => vec![Basis::Declared, Basis::Observed],
        }
    }

    fn options(&self, basis: Basis) -> Options {
        Options {
            seed: self.seed,
            years: self.years.unwrap_or(YEARS),
            basis,
            threads: std::thread::available_parallelism().map_or(1, |n| n.get()),
            as_of: self.evidence.as_of.unwrap_or_else(|| SystemClock.now()),
        }
    }
}

/// A part of one, written in percent.
fn percent(text: &str) -> std::result::Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim().parse::<f64>().ok();
    let part = number.filter(|percent| *percent > 0.0 && *percent < 100.0).map(|percent| percent / 100.0);
    part.ok_or_else(|| format!("`{}` is no error to go on until; write a percentage such as 1%", text.escape_debug()))
}
