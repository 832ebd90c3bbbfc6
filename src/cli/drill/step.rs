//! `plimsoll drill step`: times a step of the runbook that no tool carries out.

use clap::{Subcommand, ValueEnum};

use crate::base::Result;
use crate::cli::Exit;
use crate::cli::connect::RepositoryArgs;
use crate::cli::output::{self, Format, Global};
use crate::clock::SystemClock;
use crate::engine::step;
use crate::report::text::harmless;

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Time a step of the runbook by hand: the drill that is nearest to it, within a day, counts it among its phases
    Step(Args),
}

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Whether the step begins or is done
    #[arg(value_enum)]
    what: What,
    /// The step, as the policy's runbook calls it
    #[arg(value_name = "NAME")]
    name: String,
    /// The asset whose drill it belongs to
    #[arg(long, value_name = "NAME")]
    asset: String,
    #[command(flatten)]
    repository: RepositoryArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    Start,
    Done,
}

impl Verb {
    pub fn run(&self, global: &Global) -> Result<Exit> {
        let Verb::Step(args) = self;
        output::runtime()?.block_on(args.step(global))
    }
}

impl Args {
    async fn step(&self, global: &Global) -> Result<Exit> {
        let store = self.repository.open_existing().await?;
        let (store, name) = (store.as_ref(), harmless(&self.name));
        match self.what {
            What::Start => {
                let start = step::start(store, &SystemClock, &self.asset, &self.name).await?;
                match global.format {
                    Format::Json => output::print_json(&start)?,
                    Format::Human => output::print(&format!("{name}: began at {}\n", start.at))?,
                }
            }
            What::Done => {
                let timed = step::done(store, &SystemClock, &self.asset, &self.name).await?;
                match global.format {
                    Format::Json => output::print_json(&timed)?,
                    Format::Human => output::print(&format!("{name}: took {}\n", timed.until - timed.from))?,
                }
            }
        }
        Ok(Exit::Done)
    }
}
