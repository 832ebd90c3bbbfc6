//! `plimsoll tradeoff`: what plans cost, what they are expected to lose, and which of them answer a question.

mod apply;
mod shown;

use std::path::{Path, PathBuf};

use super::Exit;
use super::connect::EvidenceArgs;
use super::output::{self, Format, Global};
use super::policy_file;
use super::prices;
use super::simulate::listed;
use crate::base::quantity::money;
use crate::base::{Fault, Result};
use crate::clock::SystemClock;
use crate::cost::{Bill, PriceBook, Tradeoff, bill, tradeoff};
use crate::policy::Policy;
use crate::port::Clock;
use crate::report::text::{count, harmless};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Policy file: plimsoll.toml, or what --apply-to names
    #[arg(env = "PLIMSOLL_POLICY", value_name = "POLICY")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    evidence: EvidenceArgs,
    /// Show every plan, not only those that answer a question
    #[arg(long)]
    all: bool,
    /// Print a plan as a diff of this policy, which `patch -p1` and `git apply` take
    #[arg(long, value_name = "POLICY")]
    apply_to: Option<PathBuf>,
    /// The plan to print: cheapest, least-total, nearest, or a plan by its name [default: cheapest, else least-total]
    #[arg(long, value_name = "PLAN", requires = "apply_to")]
    plan: Option<String>,
    /// Write the plan into the policy, comments and layout kept
    #[arg(long, requires = "apply_to")]
    apply: bool,
}

/// What `--format json` prints.
#[derive(Debug, serde::Serialize)]
struct Priced<'a> {
    bill: &'a Bill,
    tradeoff: &'a Tradeoff,
}

/// What `--apply-to` with `--format json` prints.
#[derive(Debug, serde::Serialize)]
struct Applied<'a> {
    plan: &'a crate::cost::PlanPoint,
    diff: &'a str,
    applied: bool,
}

impl Args {
    pub fn run(&self, global: &Global) -> Result<Exit> {
        let file = self.file()?;
        let policy = policy_file::load(&file)?;
        let evidence = self.evidence.load(global)?;
        let book = prices::load(&policy, &file)?;
        let as_of = self.evidence.as_of.unwrap_or_else(|| SystemClock.now());
        let tradeoff = tradeoff::explore(&policy, &book, evidence.as_ref(), as_of);
        if self.apply_to.is_some() {
            return self.change(&policy, &tradeoff, &file, global);
        }
        let bill = bill::annual(&policy, &book, evidence.as_ref());
        match global.format {
            Format::Json => output::print_json(&Priced { bill: &bill, tradeoff: &tradeoff })?,
            Format::Human => output::print(&self.shown(&policy, &book, &bill, &tradeoff))?,
        }
        Ok(Exit::Done)
    }

    /// The one policy that is weighed, and changed.
    fn file(&self) -> Result<PathBuf> {
        match (&self.policy, &self.apply_to) {
            (Some(policy), Some(change)) if policy_file::plain(policy) != policy_file::plain(change) => {
                let (policy, change) = (policy.display(), change.display());
                Err(Fault::usage(format!("the plans of `{policy}` are weighed, so that `{change}` cannot be changed"))
                    .help("name the one policy with --apply-to alone"))
            }
            (_, Some(file)) | (Some(file), None) => Ok(file.clone()),
            (None, None) => Ok(PathBuf::from("plimsoll.toml")),
        }
    }

    fn change(&self, policy: &Policy, tradeoff: &Tradeoff, file: &Path, global: &Global) -> Result<Exit> {
        let by_default = if tradeoff.cheapest_compliant.is_some() { "cheapest" } else { "least-total" };
        let plan = apply::chosen(tradeoff, self.plan.as_deref().unwrap_or(by_default))?;
        let before: &str = &policy.source.text;
        let after = apply::rewritten(policy, plan, file)?;
        let diff = apply::diff(before, &after, file);
        match global.format {
            Format::Json => output::print_json(&Applied { plan, diff: &diff, applied: self.apply })?,
            Format::Human => output::print(&diff)?,
        }
        if self.apply {
            apply::write(file, before, &after)?;
        }
        Ok(Exit::Done)
    }

    fn shown(&self, policy: &Policy, book: &PriceBook, bill: &Bill, tradeoff: &Tradeoff) -> String {
        let by_default = if policy.prices.is_some() { "" } else { ", by default" };
        let mut text = format!(
            "{}: prices of {}{by_default}, read on {}\n\nToday's bill, a year\n{}",
            harmless(&policy.name),
            harmless(&book.name),
            harmless(&book.read_on),
            shown::billed(bill).for_stdout()
        );
        text.push_str(&format!("In all: {} a year\n", money(bill.total, &bill.currency)));
        if bill.rests_on_unverified() {
            text.push_str("(*) nobody has verified this price: put your own in a price book\n");
        }
        if !tradeoff.plans.is_empty() {
            text.push_str(&format!(
                "\nCost against loss, a year ({} weighed, {} on the front)\n{}",
                count(tradeoff.plans.len(), "plan", "plans"),
                tradeoff.front.len(),
                shown::plans(tradeoff, self.all).for_stdout()
            ));
        }
        if !tradeoff.sensitivity.is_empty() {
            text.push_str(&format!(
                "\nWhat moves the answer: today's cost and expected loss together, and where another plan becomes the best\n{}",
                shown::assumptions(policy, tradeoff).for_stdout()
            ));
        }
        text.push_str("\nRecommendation\n");
        for (n, line) in tradeoff.recommendation.iter().enumerate() {
            text.push_str(&format!("{}. {}\n", n + 1, harmless(line)));
        }
        text + &listed("Not said, or left out:", &tradeoff.unsaid)
    }
}
