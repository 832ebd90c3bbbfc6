//! Act 7: the plan's failures simulated, its alternatives priced, and the reports that people read.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant as Moment;

use super::judge::Judged;
use super::stage::{Stage, since};
use crate::base::quantity::grouped;
use crate::base::{Fault, Result};
use crate::cli::prices;
use crate::cost::{Tradeoff, bill, tradeoff};
use crate::report::table::Look;
use crate::report::view::MadeWith;
use crate::report::{self, Inputs, View};
use crate::sim::{Simulation, campaign};
use crate::timeline::Basis;

/// Simulated years: enough that the rarest of the plan's failures comes some thousand times.
const YEARS: u64 = 100_000;

pub struct Reported {
    pub view: View,
    pub simulation: Simulation,
    pub tradeoff: Tradeoff,
    pub files: Vec<PathBuf>,
    /// Headline, promises and findings as a table, for the terminal.
    pub table: String,
}

pub async fn run(stage: &Stage<'_>, judged: Arc<Judged>, seed: u64, out: &Path) -> Result<Reported> {
    stage.act("Simulate, price, report");
    let out = out.to_path_buf();
    let began = Moment::now();
    // Off this thread, or nobody would hear Ctrl-C meanwhile.
    let made = tokio::task::spawn_blocking(move || make(&judged, seed, &out)).await;
    let reported = made.map_err(|e| Fault::bug("the reports broke").because(e))??;
    stage.say(&format!(
        "{} years of the plan's failures simulated, {} plans priced, {} files written, in {}",
        grouped(reported.simulation.years),
        reported.tradeoff.plans.len(),
        reported.files.len(),
        since(began)
    ));
    Ok(reported)
}

fn make(judged: &Judged, seed: u64, out: &Path) -> Result<Reported> {
    let Judged { policy, evidence, audit } = judged;
    let as_of = evidence.read_at;
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    // A minute of evidence says nothing about a year: what is simulated is the plan, with the restore times of the drill.
    let options = campaign::Options { seed, years: YEARS, basis: Basis::Declared, threads, as_of };
    let simulation = campaign::run(policy, Some(evidence), &options);
    let book = prices::load(policy, Path::new(&policy.source.name))?;
    let bill = bill::annual(policy, &book, Some(evidence));
    let tradeoff = tradeoff::explore(policy, &book, Some(evidence), as_of);
    let view = View::build(&Inputs {
        policy,
        evidence: Some(evidence),
        audit,
        simulation: Some(&simulation),
        book: Some(&book),
        bill: Some(&bill),
        tradeoff: Some(&tradeoff),
        // The data is a minute old.
        earlier: None,
        made_with: MadeWith { as_of, window: audit.window.length(), years: simulation.years, seed: simulation.seed },
    });
    let files = report::write_all(&view, Some(evidence), out)?;
    let table = report::terminal::summary(&view, Look::of_stdout());
    Ok(Reported { view, simulation, tradeoff, files, table })
}
