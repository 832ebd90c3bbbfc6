//! `plimsoll runs`: what every verb did, from the evidence in the repository: as a table, a calendar, and metrics.

use std::collections::BTreeMap;

use super::Exit;
use super::connect::RepositoryArgs;
use super::output::{self, Format, Global};
use crate::base::{Fault, Instant, Result};
use crate::clock::SystemClock;
use crate::evidence::Ran;
use crate::port::Clock;
use crate::report::calendar::{Day, Days};
use crate::report::table::{Set, Table};
use crate::repository::history;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    repository: RepositoryArgs,
    /// Show this asset alone
    #[arg(long, value_name = "NAME")]
    asset: Option<String>,
    /// Show the newest so many runs
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    newest: usize,
    /// Show a calendar in place of the table: a sign for each of the last so many days
    #[arg(long, value_name = "DAYS", num_args = 0..=1, default_missing_value = "28")]
    calendar: Option<u32>,
    /// Print metrics for Prometheus in place of the table
    #[arg(long, conflicts_with = "calendar")]
    metrics: bool,
}

/// Runs of one verb on one asset.
type Of<'a> = (&'a str, &'a str);

/// A metric's name, what it says, and how it is told from runs of which the first is the newest.
type Gauge = (&'static str, &'static str, fn(&[&Ran]) -> Option<f64>);

impl Args {
    pub fn run(&self, global: &Global) -> Result<Exit> {
        let now = SystemClock.now();
        let (mut runs, unreadable) = output::runtime()?.block_on(async {
            let store = self.repository.open_existing().await?;
            let (evidence, runs) = history::read(store.as_ref(), now).await?;
            Ok::<_, Fault>((runs, evidence.unreadable.len()))
        })?;
        if unreadable > 0 {
            output::tell(
                global,
                &format!("warning: records that cannot be read: {unreadable}; `inventory` names them"),
            );
        }
        runs.retain(|run| self.asset.as_ref().is_none_or(|asset| *asset == run.asset));
        runs.sort_by(|a, b| (b.started_at, &b.id, &b.asset).cmp(&(a.started_at, &a.id, &a.asset)));
        if self.metrics {
            output::print(&metrics(&runs))?;
        } else if let Some(days) = self.calendar {
            output::print(&calendar(&runs, now, days.clamp(1, 366)))?;
        } else if global.format == Format::Json {
            output::print_json(&runs.iter().take(self.newest).collect::<Vec<_>>())?;
        } else {
            output::print(&table(&runs, self.newest))?;
        }
        Ok(Exit::Done)
    }
}

fn table(runs: &[Ran], newest: usize) -> String {
    let columns = [
        ("began", Set::Text),
        ("verb", Set::Text),
        ("asset", Set::Text),
        ("took", Set::Number),
        ("outcome", Set::Text),
    ];
    let mut table = Table::new(&columns);
    for run in runs.iter().take(newest) {
        let outcome = run.failed.as_ref().map_or_else(|| "done".to_string(), |why| format!("FAILED: {why}"));
        table.row([run.started_at.to_string(), run.verb.clone(), run.asset.clone(), run.took.to_string(), outcome]);
    }
    match table.is_empty() {
        true => "Nothing ran that left evidence.\n".to_string(),
        false => table.for_stdout(),
    }
}

fn by_kind(runs: &[Ran]) -> BTreeMap<Of<'_>, Vec<&Ran>> {
    let mut kinds: BTreeMap<Of, Vec<&Ran>> = BTreeMap::new();
    for run in runs {
        kinds.entry((&run.verb, &run.asset)).or_default().push(run);
    }
    kinds
}

/// A line for each verb and asset, a sign for each day in UTC, the newest on the right: `+` all runs did well, `!` one
/// failed, `·` none was.
fn calendar(runs: &[Ran], now: Instant, count: u32) -> String {
    let days = Days::up_to(now, count);
    let mut table = Table::new(&[("verb", Set::Text), ("asset", Set::Text), ("days", Set::Text)]);
    for ((verb, asset), runs) in by_kind(runs) {
        let mut line = days.none();
        for run in runs {
            days.mark(&mut line, run.started_at, if run.failed.is_some() { Day::Failed } else { Day::Done });
        }
        let sign = |day: &Day| match day {
            Day::Failed => '!',
            Day::Done => '+',
            _ => '·',
        };
        let signs: String = line.iter().map(sign).collect();
        table.row([verb, asset, &signs]);
    }
    format!("From {} to {now}: + done, ! failed, · nothing ran\n{}", days.from(), table.for_stdout())
}

fn metrics(runs: &[Ran]) -> String {
    let mut text = String::new();
    let gauges: [Gauge; 4] = [
        ("plimsoll_run_last_success_seconds", "When the newest run that did well began", |runs| {
            runs.iter().find(|run| run.failed.is_none()).map(|run| run.started_at.0 as f64 / 1000.0)
        }),
        ("plimsoll_run_last_failed", "Whether the newest run failed", |runs| {
            runs.first().map(|run| f64::from(u8::from(run.failed.is_some())))
        }),
        ("plimsoll_run_last_duration_seconds", "How long the newest run took", |runs| {
            runs.first().map(|run| run.took.as_secs())
        }),
        ("plimsoll_run_failures_in_a_row", "How many of the newest runs failed in a row", |runs| {
            Some(runs.iter().take_while(|run| run.failed.is_some()).count() as f64)
        }),
    ];
    let kinds = by_kind(runs);
    for (name, help, value) in gauges {
        text += &format!("# HELP {name} {help}\n# TYPE {name} gauge\n");
        for ((verb, asset), runs) in &kinds {
            if let Some(value) = value(runs) {
                text += &format!("{name}{{verb=\"{}\",asset=\"{}\"}} {value}\n", label(verb), label(asset));
            }
        }
    }
    text
}

/// A label's value, in the three escapes that the format has.
fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
