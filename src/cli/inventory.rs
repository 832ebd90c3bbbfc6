//! `plimsoll inventory`: what is really there.

use super::Exit;
use super::connect::EvidenceArgs;
use super::import::{self, ImportArgs};
use super::output::{self, Format, Global};
use crate::base::{Bytes, Fault, Result};
use crate::evidence::{Evidence, Health, RunOutcome};
use crate::policy::Consistency;
use crate::report::table::{Set, Table};

#[derive(Debug, clap::Args)]
#[command(after_long_help = import::help())]
pub struct Args {
    #[command(flatten)]
    source: EvidenceArgs,
    #[command(flatten)]
    import: ImportArgs,
}

impl Args {
    pub fn run(&self, global: &Global) -> Result<Exit> {
        let imported = self.import.load(&self.source.s3, global)?;
        let Some(evidence) = self.source.load_with(imported, global)? else {
            return Err(Fault::usage("no repository is named").help(
                "name one with --repo or PLIMSOLL_REPO, a file of evidence with --evidence, or another tool's inventory \
                 with --from",
            ));
        };
        match global.format {
            Format::Json => output::print_json(&evidence)?,
            Format::Human => output::print(&shown(&evidence))?,
        }
        Ok(Exit::Done)
    }
}

fn shown(evidence: &Evidence) -> String {
    let parts = [
        ("Recovery points", points(evidence)),
        ("Coverage by logs", coverage(evidence)),
        ("Drills", drills(evidence)),
        ("Runs that failed", failed_runs(evidence)),
        ("Cannot be read", unreadable(evidence)),
    ];
    let mut text = format!("As of {}\n", evidence.read_at);
    for (title, table) in parts {
        if table.is_empty() {
            // What could be missing is said; what is better absent is not.
            if ["Recovery points", "Drills"].contains(&title) {
                text.push_str(&format!("\n{title}: none\n"));
            }
            continue;
        }
        text.push_str(&format!("\n{title}\n{}", table.for_stdout()));
    }
    text
}

fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "–".to_string(), |value| value.to_string())
}

fn points(evidence: &Evidence) -> Table {
    let mut table = Table::new(&[
        ("asset", Set::Text),
        ("point", Set::Text),
        ("of", Set::Text),
        ("consistency", Set::Text),
        ("documents", Set::Number),
        ("stored", Set::Number),
        ("restores to", Set::Number),
        ("health", Set::Text),
    ]);
    let mut points: Vec<_> = evidence.points.iter().collect();
    points.sort_by(|a, b| (&a.asset, a.consistent_at, &a.id).cmp(&(&b.asset, b.consistent_at, &b.id)));
    for point in points {
        let consistency = match point.consistency {
            Some(Consistency::Snapshot) => "snapshot",
            Some(Consistency::Oplog) => "oplog",
            Some(Consistency::None) => "none",
            None => "–",
        };
        let health = match &point.health {
            Health::Unverified => "unverified".to_string(),
            Health::Verified { at } => format!("verified {at}"),
            Health::Bad { at, why } => format!("bad {at}: {why}"),
        };
        let without = match point.without.is_empty() {
            true => String::new(),
            false => format!("; without {}", point.without.join(", ").escape_debug()),
        };
        table.row([
            point.asset.clone(),
            point.id.clone(),
            point.consistent_at.to_string(),
            consistency.to_string(),
            or_dash(point.documents),
            or_dash(point.bytes_stored.map(Bytes)),
            or_dash(point.bytes_restored.map(Bytes)),
            health + &without,
        ]);
    }
    table
}

fn coverage(evidence: &Evidence) -> Table {
    let mut table = Table::new(&[
        ("asset", Set::Text),
        ("from", Set::Text),
        ("until", Set::Text),
        ("length", Set::Number),
        ("available", Set::Text),
    ]);
    for piece in evidence.merged_coverage() {
        let (first, last) = (piece.first.instant(), piece.last.instant());
        let length = (last - first).to_string();
        table.row([piece.asset, first.to_string(), last.to_string(), length, piece.available_at.to_string()]);
    }
    table
}

fn drills(evidence: &Evidence) -> Table {
    let mut table = Table::new(&[
        ("asset", Set::Text),
        ("drill", Set::Text),
        ("point", Set::Text),
        ("began", Set::Text),
        ("took", Set::Number),
        ("documents", Set::Number),
        ("outcome", Set::Text),
    ]);
    let mut drills: Vec<_> = evidence.drills.iter().collect();
    drills.sort_by(|a, b| (&a.asset, a.started_at, &a.id).cmp(&(&b.asset, b.started_at, &b.id)));
    for drill in drills {
        let outcome = if drill.passed() { "passed".to_string() } else { format!("failed: {}", drill.why_failed()) };
        table.row([
            drill.asset.clone(),
            drill.id.clone(),
            drill.point.clone(),
            drill.started_at.to_string(),
            or_dash(drill.timed().then(|| drill.took())),
            drill.documents.to_string(),
            outcome,
        ]);
    }
    table
}

fn failed_runs(evidence: &Evidence) -> Table {
    let mut table = Table::new(&[("asset", Set::Text), ("verb", Set::Text), ("ended", Set::Text), ("why", Set::Text)]);
    for run in &evidence.runs {
        if let RunOutcome::Failed { why } = &run.outcome {
            table.row([run.asset.clone(), run.verb.clone(), run.ended_at.to_string(), why.clone()]);
        }
    }
    table
}

fn unreadable(evidence: &Evidence) -> Table {
    let mut table = Table::new(&[("place", Set::Text), ("why", Set::Text)]);
    for piece in &evidence.unreadable {
        table.row([&piece.place, &piece.why]);
    }
    table
}
