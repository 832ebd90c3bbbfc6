//! What the stories of imports share: samples, options, and evidence in lines that a reader can compare.

use plimsoll::base::{Instant, Result};
use plimsoll::evidence::import::{self, Imported, Options, Source, Tool};
use plimsoll::evidence::{DrillOutcome, Evidence, Health, RunOutcome};
use plimsoll::policy::Consistency;

pub fn at(text: &str) -> Instant {
    text.parse().expect("an instant")
}

/// Of the asset `db`, made by `nightly`, printed long after the samples were.
pub fn options() -> Options {
    Options { asset: Some("db".into()), protection: Some("nightly".into()), ..Options::default() }
}

pub fn printed_at() -> Instant {
    at("2026-12-01T00:00:00Z")
}

pub fn sample(name: &str) -> String {
    let path = format!("{}/tests/inventories/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub fn try_read(tool: Tool, text: &str, options: &Options) -> Result<Imported> {
    import::read(tool, &[Source::new("x", text.as_bytes().to_vec(), printed_at())?], options)
}

#[track_caller]
pub fn read(tool: Tool, text: &str, options: &Options) -> Evidence {
    try_read(tool, text, options).unwrap_or_else(|fault| panic!("{fault}: {:?}", fault.help)).evidence
}

/// The fault with its help, on one line.
#[track_caller]
pub fn refused(tool: Tool, text: &str, options: &Options) -> String {
    let fault = try_read(tool, text, options).expect_err("it is refused");
    format!("{}; {}", fault.what, fault.help.unwrap_or_default())
}

/// One line for each piece; pieces of log that meet are one.
pub fn lines(evidence: &Evidence) -> Vec<String> {
    let mut lines: Vec<String> = evidence.points.iter().map(point).collect();
    for log in evidence.merged_coverage() {
        let name = log.protection.unwrap_or_else(|| "nobody".into());
        lines.push(format!("log by {name}: {} to {}", log.first.instant(), log.last.instant()));
    }
    for drill in &evidence.drills {
        let outcome = match &drill.outcome {
            DrillOutcome::Passed if drill.leaves_open() => "passed, compared nothing".to_string(),
            DrillOutcome::Passed => "passed".to_string(),
            DrillOutcome::Failed { why } => format!("failed: {why}"),
        };
        let took = if drill.timed() { format!("in {}", drill.took()) } else { "untimed".to_string() };
        lines.push(format!("drill {} of {} until {}, {took}: {outcome}", drill.id, drill.point, drill.ended_at));
    }
    for run in &evidence.runs {
        let outcome = match &run.outcome {
            RunOutcome::Done => "done".to_string(),
            RunOutcome::Failed { why } => format!("failed: {why}"),
        };
        lines.push(format!("{} {} {} to {}: {outcome}", run.verb, run.id, run.started_at, run.ended_at));
    }
    lines.extend(evidence.unreadable.iter().map(|u| format!("? {}: {}", u.place, u.why)));
    lines
}

fn point(point: &plimsoll::evidence::RecoveryPoint) -> String {
    let mut line = format!("point {} of {} from {}", point.id, point.consistent_at, point.available_at);
    if let Some(expires) = point.expires_at {
        line += &format!(" until {expires}");
    }
    match point.consistency {
        Some(Consistency::Snapshot) => line += ", snapshot",
        Some(Consistency::Oplog) => line += ", oplog",
        Some(Consistency::None) => line += ", torn",
        None => {}
    }
    match point.encrypted {
        Some(true) => line += ", encrypted",
        Some(false) => line += ", plain",
        None => {}
    }
    match &point.health {
        Health::Unverified => {}
        Health::Verified { at } => line += &format!(", verified {at}"),
        Health::Bad { why, .. } => line += &format!(", bad: {why}"),
    }
    if !point.without.is_empty() {
        line += &format!(", without {}", point.without.join("; "));
    }
    line
}
