//! `plimsoll audit`: the evidence held against the policy.

use std::path::PathBuf;

use super::connect::EvidenceArgs;
use super::output::{self, Format, Global};
use super::{Exit, policy_file, verdicts};
use crate::audit::{self, Verdict};
use crate::base::{Instant, Result, Span, Window};
use crate::clock::SystemClock;
use crate::evidence::Evidence;
use crate::port::Clock;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Policy file
    #[arg(env = "PLIMSOLL_POLICY", value_name = "POLICY", default_value = "plimsoll.toml")]
    policy: PathBuf,
    /// How far back failures are imagined: each instant of this window is judged
    #[arg(long, value_name = "SPAN", default_value = "7d")]
    window: Span,
    /// Look this far ahead too, such as 365d: what is there and what is declared, each hole named with its dates
    #[arg(long, value_name = "SPAN")]
    forward: Option<Span>,
    #[command(flatten)]
    source: EvidenceArgs,
}

impl Args {
    pub fn run(&self, global: &Global) -> Result<Exit> {
        let policy = policy_file::load(&self.policy)?;
        let evidence = self.source.load(global)?;
        let as_of = self.as_of();
        if evidence.is_none() {
            output::tell(global, "no evidence was named (--repo or --evidence): nothing can be proven");
        }
        let evidence = evidence.unwrap_or_else(|| Evidence::none(as_of));
        let audit =
            audit::run_ahead(&policy, Some(&evidence), as_of, Window::new(as_of - self.window, as_of), self.forward);
        match global.format {
            Format::Json => output::print_json(&audit)?,
            Format::Human => {
                let word = match audit.verdict {
                    Verdict::Met => "Met: every objective was kept, and the evidence shows it",
                    Verdict::Breached => "Breached: an objective is broken",
                    Verdict::Unproven => "Unproven: nothing is broken, and not everything is shown",
                };
                let text = verdicts::render(&audit, &policy.source);
                let counts = verdicts::counts(&audit);
                output::print(&format!(
                    "{text}{} as of {as_of}, over {}: {word} ({counts})\n",
                    policy.name, self.window
                ))?;
            }
        }
        Ok(audit.verdict.into())
    }

    fn as_of(&self) -> Instant {
        self.source.as_of.unwrap_or_else(|| SystemClock.now())
    }
}
