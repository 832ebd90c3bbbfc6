//! `plimsoll audit`: the evidence held against the policy.

use std::path::PathBuf;

use super::connect::EvidenceArgs;
use super::judged::OutArg;
use super::output::{self, Global};
use super::{Exit, policy_file};
use crate::audit;
use crate::base::{Instant, Result, Span, Window};
use crate::clock::SystemClock;
use crate::evidence::Evidence;
use crate::gate::{Baseline, Claims, FailOn, Judged, Judgement, Verb};
use crate::port::Clock;
use crate::report::format::Form;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Policy file
    #[arg(env = "PLIMSOLL_POLICY", value_name = "POLICY", default_value = "plimsoll.toml")]
    policy: PathBuf,
    /// How far back failures are imagined: each instant of this window is judged
    #[arg(long, value_name = "SPAN", default_value = "7d", value_parser = window)]
    window: Span,
    /// Look this far ahead too, such as 365d: what is there and what is declared, each hole named with its dates
    #[arg(long, value_name = "SPAN")]
    forward: Option<Span>,
    #[command(flatten)]
    source: EvidenceArgs,
    #[command(flatten)]
    out: OutArg,
}

impl Args {
    pub fn run(&self, global: &Global, form: Form) -> Result<Exit> {
        let policy = policy_file::load(&self.policy)?;
        let evidence = self.source.load(global)?;
        let as_of = self.as_of();
        if evidence.is_none() {
            output::tell(global, "no evidence was named (--repo or --evidence): nothing can be proven");
        }
        let evidence = evidence.unwrap_or_else(|| Evidence::none(as_of));
        let window = Window::new(as_of - self.window, as_of);
        let audit = audit::run_ahead(&policy, Some(&evidence), as_of, window, self.forward);
        // Every finding fails an audit: what a team knows of is no less broken.
        let (fail_on, mut claims) = (FailOn::Unproven, Claims::on(&Baseline::of([])));
        let file = self.policy.display().to_string();
        let judged = Judged::new(file, policy.source, audit, None, fail_on, &mut claims);
        let (refused, removed, gone) = (vec![], vec![], vec![]);
        let judgement = Judgement { verb: Verb::Audit, as_of, fail_on, policies: vec![judged], refused, removed, gone };
        self.out.deliver(global, &judgement, form)
    }

    fn as_of(&self) -> Instant {
        self.source.as_of.unwrap_or_else(|| SystemClock.now())
    }
}

/// A window in which no failure can fall would prove everything.
fn window(text: &str) -> Result<Span, String> {
    match text.parse()? {
        Span::ZERO => Err("a window of no length holds no failure to judge; write one such as 7d".to_string()),
        window => Ok(window),
    }
}
