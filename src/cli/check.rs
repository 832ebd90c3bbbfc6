//! `plimsoll check`: policies judged from their files alone, before they are merged. It judges what is declared: nothing
//! is Met by a declaration, so it ends with 3 where the plan breaks an objective by its own figures, and with 0 otherwise.

use std::path::PathBuf;

use serde::Serialize;

use super::beside::BesideArgs;
use super::output::{self, Format, Global};
use super::{Exit, policy_file, verdicts};
use crate::audit::{self, Audit, Verdict};
use crate::base::{Instant, Result, Span, Window};
use crate::clock::SystemClock;
use crate::port::Clock;

/// A week holds every weekday's schedule once.
const WINDOW: Span = Span::days(7);

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Policy files
    #[arg(value_name = "FILE", default_value = "plimsoll.toml")]
    policies: Vec<PathBuf>,
    /// Judge schedules and waivers from this instant on, such as 2026-11-20T14:03:07Z
    #[arg(long, value_name = "INSTANT")]
    as_of: Option<Instant>,
    /// Look this far ahead too, such as 365d: schedules, retention and locks replayed, each hole named with its dates
    #[arg(long, value_name = "SPAN")]
    forward: Option<Span>,
    #[command(flatten)]
    beside: BesideArgs,
}

#[derive(Serialize)]
struct Checked<'a> {
    file: String,
    #[serde(flatten)]
    audit: &'a Audit,
}

impl Args {
    pub fn run(&self, global: &Global) -> Result<Exit> {
        let as_of = self.as_of.unwrap_or_else(|| SystemClock.now());
        let mut audits = Vec::with_capacity(self.policies.len());
        let mut refused = None;
        for path in &self.policies {
            // Every file is read even after one failed, so that one run shows what is wrong with all of them.
            match policy_file::load(path).and_then(|policy| self.beside.attach(policy)) {
                Ok(policy) => {
                    let audit =
                        audit::run_ahead(&policy, None, as_of, Window::new(as_of - WINDOW, as_of), self.forward);
                    audits.push((path.display().to_string(), policy, audit));
                }
                Err(fault) => {
                    output::print_fault(&fault);
                    // An invalid policy outweighs a file that could not be read, whatever their order.
                    refused = refused.filter(|exit| *exit == Exit::Usage).or(Some(Exit::of(&fault)));
                }
            }
        }
        match global.format {
            Format::Json => {
                let all: Vec<Checked> =
                    audits.iter().map(|(file, _, audit)| Checked { file: file.clone(), audit }).collect();
                output::print_json(&all)?;
            }
            Format::Human => {
                for (_, policy, audit) in &audits {
                    let word = match audit.verdict {
                        Verdict::Breached => "the plan breaks its objectives by its own figures",
                        _ => "the plan keeps its objectives by its own figures; only evidence can prove them",
                    };
                    let text = verdicts::render(audit, &policy.source);
                    let counts = verdicts::counts(audit);
                    output::print(&format!("{text}{}: {word} ({counts})\n", policy.name))?;
                }
            }
        }
        let breached = audits.iter().any(|(_, _, audit)| audit.verdict == Verdict::Breached);
        Ok(refused.unwrap_or(if breached { Exit::Breached } else { Exit::Done }))
    }
}
