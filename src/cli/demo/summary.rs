//! Act 8: the whole in words that a manager reads.

use std::fmt::Write as _;

use serde_json::json;

use super::backup::Stored;
use super::disaster::Disaster;
use super::report::Reported;
use crate::base::quantity::{grouped, money};
use crate::base::{Bytes, Fault, Result};
use crate::cost::PlanPoint;
use crate::evidence::Drill;
use crate::repository::Manifest;

/// Findings told in the summary; the reports have all.
const FINDINGS_TOLD: usize = 3;

pub fn text(stored: &Stored, drill: &Drill, disaster: &Disaster, reported: &Reported) -> String {
    let mut text = format!("{}\n", reported.table);
    for (title, lines) in [
        ("Backed up", backed_up(stored)),
        ("Drill", drilled(drill)),
        ("Disaster", lost(disaster)),
        ("Verdict", verdict(reported)),
        ("Money", cost(reported)),
        ("Files", files(reported)),
    ] {
        for (number, line) in lines.iter().enumerate() {
            let title = if number == 0 { title } else { "" };
            // Writing into a string cannot fail.
            let _ = writeln!(text, "{title:<11}{line}");
        }
    }
    text
}

/// The same for programs.
pub fn json(stored: &Stored, drill: &Drill, disaster: &Disaster, reported: &Reported) -> Result<String> {
    let of = |manifest: &Manifest| json!({ "id": manifest.id, "consistent_at": manifest.consistent_at });
    let value = json!({
        "snapshots": stored.snapshots.iter().map(of).collect::<Vec<_>>(),
        "uploads": of(&stored.uploads),
        "drill": drill,
        "disaster": disaster,
        "verdict": reported.view.verdict,
        "findings": reported.view.findings,
        "tradeoff": reported.tradeoff,
        "files": reported.files,
    });
    let text = serde_json::to_string_pretty(&value).map_err(|e| Fault::bug("cannot write JSON").because(e))?;
    Ok(text + "\n")
}

fn backed_up(stored: &Stored) -> Vec<String> {
    let newest = stored.snapshots.last();
    let documents: u64 = newest.map_or(0, |taken| taken.collections.iter().map(|c| c.documents).sum());
    vec![format!(
        "{} snapshots of the database (the newest: {} documents), its log every 2 s, and {} uploads ({}), while in use.",
        stored.snapshots.len(),
        grouped(documents),
        grouped(stored.uploads.uploads),
        Bytes(stored.uploads.bytes_raw)
    )]
}

fn drilled(drill: &Drill) -> Vec<String> {
    match drill.passed() {
        true => vec![format!(
            "Passed: {} documents restored to a new server in {}, every one equal to what was backed up.",
            grouped(drill.documents),
            drill.took()
        )],
        false => {
            let failed = drill.checks.iter().filter(|check| !check.passed);
            let mut lines = vec!["FAILED: the newest snapshot did not restore to what was backed up.".to_string()];
            lines.extend(failed.map(|check| format!("{}: {}", check.name, check.detail)));
            lines
        }
    }
}

fn lost(disaster: &Disaster) -> Vec<String> {
    vec![
        format!(
            "The database was dropped. Lost: {} of {} acknowledged writes. Down: {} (detection, DNS and people not counted).",
            grouped(disaster.lost),
            grouped(disaster.writes),
            disaster.downtime
        ),
        format!(
            "Without the log, from the newest snapshot alone ({} old), {} writes would have been lost.",
            disaster.snapshot_age,
            grouped(disaster.without_log)
        ),
    ]
}

fn verdict(reported: &Reported) -> Vec<String> {
    let mut lines = vec![format!("{} The three that matter most:", reported.view.headline)];
    let worst = reported.view.findings.iter().filter(|finding| finding.waived.is_none()).take(FINDINGS_TOLD);
    // What comes after a semicolon is how it was found: the reports have it.
    let plain = |message: &str| message.split("; ").next().unwrap_or_default().to_string();
    lines.extend(worst.enumerate().map(|(n, finding)| format!("  {}. {}.", n + 1, plain(&finding.message))));
    lines
}

fn cost(reported: &Reported) -> Vec<String> {
    let tradeoff = &reported.tradeoff;
    let plan = |index: Option<usize>| index.and_then(|index| tradeoff.plans.get(index));
    let priced = |plan: &PlanPoint| {
        format!(
            "costs {} and is expected to lose {} a year",
            money(plan.annual_cost, &tradeoff.currency),
            money(plan.expected_annual_loss, &tradeoff.currency)
        )
    };
    let mut lines = Vec::new();
    if let Some(today) = plan(tradeoff.today) {
        lines.push(format!("The plan as it is {}, if every run and restore succeeds.", priced(today)));
    }
    if let Some(annual) = &reported.simulation.annual {
        let expected = money(annual.expected.mean, &annual.currency);
        lines.push(format!("If they fail as often as the evidence so far leaves possible: {expected}."));
    }
    match plan(tradeoff.cheapest_compliant) {
        Some(best) => lines.push(format!("The cheapest that keeps every objective ({}) {}.", best.label, priced(best))),
        None => lines.push("None of the plans that were priced keeps every objective.".to_string()),
    }
    if tradeoff.least_total != tradeoff.cheapest_compliant
        && let Some(least) = plan(tradeoff.least_total)
    {
        lines.push(format!("The least in sum ({}) {}.", least.label, priced(least)));
    }
    lines
}

fn files(reported: &Reported) -> Vec<String> {
    let mut lines: Vec<String> =
        reported.files.iter().take(1).map(|file| format!("{} is the report to open.", file.display())).collect();
    let folder = reported.files.first().and_then(|file| file.parent());
    if let Some(folder) = folder {
        let others = reported.files.len().saturating_sub(1);
        lines.push(format!("{others} more beside it in {}: charts, tables, JSON.", folder.display()));
    }
    lines
}
