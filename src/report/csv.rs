//! Tables for spreadsheets. A cell that a spreadsheet would run as a formula is set behind an apostrophe.

use super::View;
use super::view::Figure;
use crate::base::{Fault, Instant, Result};

/// Rows as CSV, header first.
pub fn of(rows: impl IntoIterator<Item = Vec<String>>) -> Result<String> {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    let bug = |e| Fault::bug("cannot write CSV").because(e);
    for row in rows {
        writer.write_record(row.iter().map(|cell| inert(cell))).map_err(bug)?;
    }
    let bytes = writer.into_inner().map_err(|e| Fault::bug("cannot write CSV").because(e.to_string()))?;
    String::from_utf8(bytes).map_err(|e| Fault::bug("CSV that is not text").because(e))
}

/// A spreadsheet takes `=`, `+`, `-`, `@` at the start for a formula, behind blanks too; a plain number stays as it is.
fn inert(cell: &str) -> String {
    let formula = cell.trim_start().starts_with(['=', '+', '-', '@']) && cell.parse::<f64>().is_err();
    if formula { format!("'{cell}") } else { cell.to_string() }
}

fn header(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_string()).collect()
}

fn optional<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn spelled(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(String::from)).unwrap_or_default()
}

/// Seconds, `total`, or nothing where nothing is known.
fn seconds(figure: &Figure) -> String {
    match figure {
        Figure::Span { ms, .. } => ms.as_secs().to_string(),
        Figure::Total => "total".to_string(),
        Figure::Unknown { .. } => String::new(),
    }
}

pub fn findings(view: &View) -> Result<String> {
    let names = [
        "code",
        "verdict",
        "severity",
        "asset",
        "scenario",
        "protection",
        "policy",
        "line",
        "column",
        "message",
        "evidence",
        "remedy",
        "controls",
        "waived",
    ];
    let rows = view.findings.iter().map(|f| {
        vec![
            f.code.clone(),
            spelled(f.verdict),
            spelled(f.severity),
            optional(f.asset.as_ref()),
            optional(f.scenario.as_ref()),
            optional(f.protection.as_ref()),
            optional(f.at.as_ref().map(|at| &at.file)),
            optional(f.at.as_ref().map(|at| at.line)),
            optional(f.at.as_ref().map(|at| at.column)),
            f.message.clone(),
            f.evidence.join("; "),
            f.remedy.clone(),
            f.controls.join("; "),
            optional(f.waived.as_ref()),
        ]
    });
    of(std::iter::once(header(&names)).chain(rows))
}

pub fn cells(view: &View) -> Result<String> {
    let names = [
        "asset",
        "scenario",
        "title",
        "rpo_s",
        "declared_loss_s",
        "observed_loss_s",
        "rpo_verdict",
        "rto_s",
        "declared_downtime_s",
        "drilled_downtime_s",
        "rto_verdict",
    ];
    let rows = view.promises.iter().map(|p| {
        vec![
            p.asset.clone(),
            p.scenario.clone(),
            p.title.clone(),
            optional(p.rpo.map(|s| s.as_secs())),
            seconds(&p.declared_loss),
            seconds(&p.observed_loss),
            spelled(p.rpo_verdict),
            optional(p.rto.map(|s| s.as_secs())),
            seconds(&p.declared_downtime),
            seconds(&p.drilled_downtime),
            spelled(p.rto_verdict),
        ]
    });
    of(std::iter::once(header(&names)).chain(rows))
}

pub fn points(view: &View) -> Result<String> {
    let names = [
        "id",
        "asset",
        "protection",
        "consistent_at",
        "available_at",
        "expires_at",
        "locked_until",
        "stored_in",
        "consistency",
        "encrypted",
        "health",
        "health_at",
        "health_why",
        "bytes_stored",
        "bytes_restored",
        "documents",
        "tool",
        "place",
        "sha256",
    ];
    let at = |instant: Option<Instant>| optional(instant);
    let rows = view.appendix.points.iter().map(|p| {
        vec![
            p.id.clone(),
            p.asset.clone(),
            optional(p.protection.as_ref()),
            p.consistent_at.to_string(),
            p.available_at.to_string(),
            at(p.expires_at),
            at(p.locked_until),
            p.stored_in.join("; "),
            optional(p.consistency.as_ref()),
            optional(p.encrypted),
            p.health.to_string(),
            at(p.health_at),
            optional(p.health_why.as_ref()),
            optional(p.bytes_stored),
            optional(p.bytes_restored),
            optional(p.documents),
            p.tool.clone(),
            p.place.clone(),
            optional(p.sha256.as_ref()),
        ]
    });
    of(std::iter::once(header(&names)).chain(rows))
}

/// A row for each phase of each drill.
pub fn drills(view: &View) -> Result<String> {
    let names = [
        "id",
        "asset",
        "protection",
        "point",
        "started_at",
        "took_s",
        "phase",
        "phase_took_s",
        "bytes_restored",
        "documents",
        "passed",
        "why",
        "tool",
        "place",
        "sha256",
    ];
    let rows = view.drills.iter().flat_map(|d| {
        let phases = d.phases.iter().map(|phase| (phase.name.clone(), phase.took.as_secs().to_string()));
        let phases: Vec<_> = if d.phases.is_empty() { vec![Default::default()] } else { phases.collect() };
        phases.into_iter().map(move |(phase, took)| {
            vec![
                d.id.clone(),
                d.asset.clone(),
                optional(d.protection.as_ref()),
                d.point.clone(),
                d.started_at.to_string(),
                d.took.as_secs().to_string(),
                phase,
                took,
                d.bytes.0.to_string(),
                d.documents.to_string(),
                d.passed.to_string(),
                optional(d.why.as_ref()),
                d.tool.clone(),
                d.place.clone(),
                optional(d.sha256.as_ref()),
            ]
        })
    });
    of(std::iter::once(header(&names)).chain(rows))
}
