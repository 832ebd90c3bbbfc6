//! The command line: one file per verb, each a thin wire from arguments to the rooms that do the work.

mod audit;
mod backup;
mod beside;
mod capture;
mod check;
mod connect;
mod demo;
mod drill;
mod evidence_file;
mod exit;
mod explain;
mod git;
mod guard;
mod import;
mod init;
mod inventory;
mod judged;
mod keys;
mod mongo_args;
mod notify;
mod output;
mod policy_file;
mod prices;
mod progress;
mod prune;
mod recovery_target;
mod rekey;
mod report;
mod restore;
mod runs;
mod schedule;
mod schema;
mod service;
mod serving;
mod signals;
mod simulate;
mod telling;
mod tradeoff;
mod verify;
mod worker;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::base::{Fault, Result};
pub use exit::Exit;
use output::Flags;
pub use output::{Format, Global};

/// The load line for backups: backs up and restores MongoDB and S3, and audits, simulates and prices what that protects.
#[derive(Debug, Parser)]
#[command(name = "plimsoll", version, max_term_width = 110, after_help = exit::TABLE)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show the whole job on real servers: back up, drill, disaster, audit, simulate, price, report
    Demo(demo::Args),
    /// Write an annotated policy to start from
    Init(init::Args),
    /// Check policies from files alone, before they are merged
    Check(check::Args),
    /// Take a recovery point of a database or of uploads
    Backup(backup::Args),
    /// Capture the oplog into the repository, without gaps
    Capture(capture::Args),
    /// List what is really there: recovery points, coverage, drills
    Inventory(inventory::Args),
    /// Restore a recovery point, or any instant that the log covers
    Restore(restore::Args),
    /// Restore for practice, compare everything, record the times
    Drill(drill::Args),
    /// Read back what is stored, and hash it again
    Verify(verify::Args),
    /// Remove what no rule keeps any more, with the reason for each
    Prune(prune::Args),
    /// Encrypt what is stored for other recipients than before
    Rekey(rekey::Args),
    /// Show what every verb did: a table, a calendar, metrics
    Runs(runs::Args),
    /// Do all that the policy plans in one process: capture, back up, verify, prune, drill, tell
    Run(service::Args),
    /// Write what a scheduler runs from, show the coming runs, hold files against the policy
    Schedule(schedule::Args),
    /// Tell what failed, what is breached and what is over, once
    Notify(notify::Args),
    /// Hold the evidence against the policy
    Audit(audit::Args),
    /// Simulate the policy's failure scenarios
    Simulate(simulate::Args),
    /// Price plans as cost against loss
    Tradeoff(tradeoff::Args),
    /// Write the reports that people read
    Report(report::Args),
    /// Explain a finding's code
    Explain(explain::Args),
    /// Print a JSON Schema: the policy's, for editors, or that of what is printed, for tools
    Schema(schema::Args),
    #[command(hide = true, name = "lab-guard")]
    Guard(guard::Args),
}

/// Parses, runs the verb, prints an error once with its whole chain, and gives the exit status.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    output::start_log(&cli.flags);
    match dispatch(&cli) {
        Ok(exit) => exit.into(),
        Err(fault) => {
            output::print_fault(&fault);
            Exit::of(&fault).into()
        }
    }
}

/// Runs a verb by its words, as the service does.
fn again(words: &[String]) -> Result<Exit> {
    let words = std::iter::once("plimsoll").chain(words.iter().map(String::as_str));
    let cli = Cli::try_parse_from(words).map_err(|error| Fault::bug("a verb cannot be started").because(error))?;
    dispatch(&cli)
}

fn dispatch(cli: &Cli) -> Result<Exit> {
    let form = cli.flags.form;
    // These print every form; all others print two.
    let every_form = matches!(cli.verb, Verb::Check(_) | Verb::Audit(_));
    let global = &if every_form { cli.flags.wide() } else { cli.flags.narrow()? };
    match &cli.verb {
        Verb::Demo(args) => args.run(global),
        Verb::Init(args) => args.run(global),
        Verb::Backup(args) => telling::after(global, args.about(), args.run(global)),
        Verb::Capture(args) => telling::after(global, args.about(), args.run(global)),
        Verb::Inventory(args) => args.run(global),
        Verb::Restore(args) => args.run(global),
        Verb::Drill(args) => telling::after(global, args.about(), args.run(global)),
        Verb::Verify(args) => telling::after(global, args.about(), args.run(global)),
        Verb::Prune(args) => telling::after(global, args.about(), args.run(global)),
        Verb::Rekey(args) => args.run(global),
        Verb::Runs(args) => args.run(global),
        Verb::Run(args) => args.run(global),
        Verb::Schedule(args) => args.run(global),
        Verb::Notify(args) => telling::after(global, args.about(), args.run(global)),
        Verb::Audit(args) => args.run(global, form),
        Verb::Check(args) => args.run(global, form),
        Verb::Simulate(args) => args.run(global),
        Verb::Tradeoff(args) => args.run(global),
        Verb::Report(args) => args.run(global),
        Verb::Explain(args) => args.run(global),
        Verb::Schema(args) => args.run(global),
        Verb::Guard(args) => args.run(global),
    }
}
