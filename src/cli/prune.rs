//! `plimsoll prune`: shows what no rule keeps any more, and why; with `--apply` removes it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::Exit;
use super::connect::RepositoryArgs;
use super::output::{self, Format, Global};
use super::progress::Progress;
use super::telling::About;
use super::{policy_file, prices};
use crate::base::quantity::money;
use crate::base::{Bytes, Instant, Result, Span};
use crate::clock::SystemClock;
use crate::cost::{self, PriceBook, saving};
use crate::engine::prune::{self, Plan, PruneRequest, Pruned, SlicePlan};
use crate::policy::{Policy, Work};
use crate::port::Clock;
use crate::report::table::{Set, Table};
use crate::repository;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    repository: RepositoryArgs,
    /// Policy that says how long points are kept [default: what was promised to each when it was made]
    #[arg(long, env = "PLIMSOLL_POLICY", value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Prune this asset alone [default: all of the repository]
    #[arg(long, value_name = "NAME")]
    asset: Option<String>,
    /// Show the plan of another day (2026-12-31) or instant: a later one is reckoned as if all runs went as planned
    #[arg(long, value_name = "DATE", value_parser = day_or_instant, conflicts_with = "apply")]
    as_of: Option<Instant>,
    /// From the removal of a manifest to that of its data; longer than any run or restore takes [default: 7d]
    #[arg(long, value_name = "SPAN")]
    grace: Option<Span>,
    /// Do it; without this, the plan is shown and nothing is changed
    #[arg(long)]
    apply: bool,
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Printed<'a> {
    plan: &'a Plan,
    #[serde(skip_serializing_if = "Option::is_none")]
    saves_a_month: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<&'a Pruned>,
}

impl Args {
    /// A plan alone is told to nobody.
    pub fn about(&self) -> Option<About<'_>> {
        self.apply.then(|| About {
            work: Work::Prune,
            asset: self.asset.as_deref(),
            protection: None,
            policy: self.policy.as_deref(),
            repository: self.repository.clone(),
        })
    }

    pub fn run(&self, global: &Global) -> Result<Exit> {
        let policy = self.policy.as_deref().map(policy_file::load).transpose()?;
        let request =
            PruneRequest { asset: self.asset.clone(), policy: policy.as_ref(), grace: self.grace, as_of: self.as_of };
        output::runtime()?.block_on(async {
            let store = self.repository.open_existing().await?;
            let plan = prune::make(store.as_ref(), SystemClock.now(), &request).await?;
            let saves = self.saves(policy.as_ref(), &plan);
            if global.format == Format::Human {
                output::print(&shown(&plan, &saves))?;
            }
            if !self.apply {
                match global.format {
                    Format::Json => output::print_json(&printed(&plan, &saves, None))?,
                    Format::Human if self.as_of.is_none() => output::print(NOT_APPLIED)?,
                    Format::Human => {}
                }
                return Ok(Exit::Done);
            }
            repository::open(store.clone(), &SystemClock).await?;
            let pruned = prune::apply(store.as_ref(), &SystemClock, &Progress::new(global), &plan).await?;
            match global.format {
                Format::Json => output::print_json(&printed(&plan, &saves, Some(&pruned)))?,
                Format::Human => output::print(&done(&pruned))?,
            }
            match pruned.what_stayed() {
                Some(fault) => Err(fault),
                None => Ok(Exit::Done),
            }
        })
    }

    /// What a month of storage costs less; or why that cannot be said.
    fn saves(&self, policy: Option<&Policy>, plan: &Plan) -> Result<(saving::Saving, PriceBook), String> {
        let book = match (policy, &self.policy) {
            (Some(policy), Some(file)) => prices::load(policy, file).map_err(|fault| fault.to_string())?,
            _ => cost::book::builtin(prices::DEFAULT).ok_or("there is no price book")?,
        };
        let mut freed: saving::ByProtection = BTreeMap::new();
        for object in &plan.objects {
            *freed.entry(object.protection.clone()).or_default() += object.bytes;
        }
        let saving = saving::saving(policy, &book, &plan.kept_bytes, &freed)?;
        Ok((saving, book))
    }
}

const NOT_APPLIED: &str = "Nothing was changed. Run again with --apply to do it.\n";

type Saves = Result<(saving::Saving, PriceBook), String>;

fn printed<'a>(plan: &'a Plan, saves: &Saves, done: Option<&'a Pruned>) -> Printed<'a> {
    Printed { plan, saves_a_month: saves.as_ref().ok().map(|(saving, _)| saving.a_month), done }
}

/// A date is meant with all its hours, in UTC.
fn day_or_instant(text: &str) -> std::result::Result<Instant, String> {
    let instant = text.parse::<Instant>();
    instant.or_else(|_| format!("{text}T23:59:59Z").parse()).map_err(|_: String| {
        format!("`{}` is neither a date nor an instant; write 2026-12-31 or 2026-12-31T12:00:00Z", text.escape_debug())
    })
}

fn shown(plan: &Plan, saves: &Saves) -> String {
    let mut table = Table::new(&[
        ("asset", Set::Text),
        ("what", Set::Text),
        ("of", Set::Text),
        ("", Set::Text),
        ("why", Set::Text),
    ]);
    let word = |kept: bool| if kept { "keep" } else { "REMOVE" };
    for point in &plan.points {
        table.row([&point.asset, &point.id, &point.of.to_string(), word(point.kept), &point.why]);
    }
    for (first, last, many) in stretches(&plan.slices) {
        let of = format!("{} to {}", first.first.instant(), last.last.instant());
        table.row([&first.asset, &format!("{many} slices of the log"), &of, word(first.kept), &first.why]);
    }
    for run in &plan.abandoned {
        let what = format!("{} objects of a run that was killed", run.objects.len());
        table.row([&run.asset, &format!("{} ({what})", run.id), &run.began.to_string(), word(false), &run.why()]);
    }
    let mut text = format!("As of {}\n", plan.as_of);
    if table.is_empty() {
        text += "The repository holds no points and no log.\n";
    } else {
        text += &table.for_stdout();
    }
    let (points, slices) = (plan.points_to_go().count(), plan.slices_to_go().count());
    let bytes = Bytes(plan.bytes_to_go());
    text += &format!("{points} points and {slices} slices go, and with them {} objects, {bytes}", plan.objects.len());
    text += &match plan.objects.len() {
        0 => "\n".to_string(),
        _ => format!("; their data goes {} later{}\n", plan.grace, told(saves)),
    };
    for due in &plan.due {
        let when = if due.is_due { "now".to_string() } else { format!("from {} on", due.from) };
        text += &format!("Marked by {}: {} objects, {}, go {when}\n", due.id, due.objects, Bytes(due.bytes));
    }
    if plan.assumed_runs > 0 {
        text += &format!("Taken for made by then: {} runs of the schedules\n", plan.assumed_runs);
    }
    if let Some(why) = &plan.refused {
        text += &format!("Nothing can be removed: {why}\n");
    }
    text
}

fn told(saves: &Saves) -> String {
    match saves {
        Err(why) => format!("; what that saves cannot be said: {why}"),
        Ok((saving, book)) => {
            let amount = money(saving.a_month, &book.currency);
            let unverified = if saving.unverified { ", by prices that nobody checked" } else { "" };
            let minimum = match saving.minimum_days {
                0 => String::new(),
                days => format!(", once it was stored for {days} days, which are billed anyhow"),
            };
            format!(", which saves {amount} a month by the prices of `{}`{unverified}{minimum}", book.name)
        }
    }
}

/// Slices in a row of which the same is said.
fn stretches(slices: &[SlicePlan]) -> Vec<(&SlicePlan, &SlicePlan, usize)> {
    let mut all: Vec<(&SlicePlan, &SlicePlan, usize)> = Vec::new();
    for slice in slices {
        match all.last_mut() {
            Some((first, last, many)) if same(first, slice) => (*last, *many) = (slice, *many + 1),
            _ => all.push((slice, slice, 1)),
        }
    }
    all
}

/// The ages of what goes differ from slice to slice.
fn same(a: &SlicePlan, b: &SlicePlan) -> bool {
    a.asset == b.asset && a.kept == b.kept && (!a.kept || a.why == b.why)
}

fn done(pruned: &Pruned) -> String {
    let Pruned { id, points, slices, marked, marked_bytes, swept, .. } = pruned;
    let mut text = format!("{id}\n  {points} points and {slices} slices are gone, {marked} objects marked");
    text += &format!(", {}\n", Bytes(*marked_bytes));
    text += &format!("  {} objects of earlier marks removed, {} freed", swept.removed, Bytes(swept.bytes));
    if swept.spared > 0 {
        text += &format!("; {} are needed again and stay", swept.spared);
    }
    text + "\n"
}
