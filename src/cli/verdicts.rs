//! How `audit` and `check` show what they found: as a compiler would, then a table, then one line that says it all.

use std::fmt::Write as _;

use crate::audit::{Audit, Cell, Finding, Measure, Severity, Verdict};
use crate::base::Span;
use crate::policy::{Place, SourceText};
use crate::report::table::{Set, Table};
use crate::timeline::Loss;

/// Evidence lines shown under one finding; JSON has them all.
const MOST_EVIDENCE: usize = 3;

/// Findings, table and verdict.
pub fn render(audit: &Audit, source: &SourceText) -> String {
    let mut out = String::new();
    for finding in audit.findings.iter().filter(|f| f.waived.is_none()) {
        show(&mut out, finding, source);
    }
    for finding in &audit.findings {
        if let Some(waived) = &finding.waived {
            let _ = writeln!(out, "waived[{}]: {}\n  = accepted by {waived}\n", finding.code, finding.message);
        }
    }
    if !audit.cells.is_empty() {
        let _ = writeln!(out, "{}", table(&audit.cells));
    }
    out
}

fn show(out: &mut String, finding: &Finding, source: &SourceText) {
    let kind = match (finding.verdict, finding.severity) {
        (_, Severity::Note) => "note",
        (Verdict::Breached, _) => "breached",
        _ => "unproven",
    };
    let _ = writeln!(out, "{kind}[{}]: {}", finding.code, harmless(&finding.message));
    let gutter = match finding.at {
        Some(at) => {
            let lines = [at].into_iter().chain(finding.also.iter().copied());
            let gutter = " ".repeat(lines.clone().map(|place| place.line.to_string().len()).max().unwrap_or(1));
            lines.for_each(|place| show_line(out, source, place, &gutter));
            gutter
        }
        None => " ".to_string(),
    };
    for evidence in finding.evidence.iter().take(MOST_EVIDENCE) {
        let _ = writeln!(out, "{gutter} = seen: {}", harmless(evidence));
    }
    if let Some(more) = finding.evidence.len().checked_sub(MOST_EVIDENCE).filter(|more| *more > 0) {
        let _ = writeln!(out, "{gutter} = seen: … and {more} more");
    }
    let _ = writeln!(out, "{gutter} = help: {}", finding.remedy);
    let _ = writeln!(out, "{gutter} = bears on: {}\n", finding.controls.join(", "));
}

fn show_line(out: &mut String, source: &SourceText, at: Place, gutter: &str) {
    let line: String = harmless(source.line(at)).chars().take(160).collect();
    let lead = " ".repeat((at.column as usize).saturating_sub(1).min(160));
    let carets = "^".repeat((at.len as usize).clamp(1, 80));
    let (number, width) = (at.line, gutter.len());
    let _ = writeln!(out, "{gutter}--> {}:{number}:{}", harmless(&source.of(at).name), at.column);
    let _ = writeln!(out, "{gutter} |\n{number:>width$} | {line}\n{gutter} | {lead}{carets}");
}

fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn table(cells: &[Cell]) -> String {
    let columns = [
        ("Asset", Set::Text),
        ("Scenario", Set::Text),
        ("", Set::Text),
        ("asked", Set::Number),
        ("declared", Set::Number),
        ("observed", Set::Number),
        ("verdict", Set::Text),
    ];
    let mut table = Table::new(&columns);
    for cell in cells {
        let asked = |span: Option<Span>| span.map_or("—".to_string(), |s| format!("≤ {s}"));
        table.row([
            cell.asset.clone(),
            cell.title.clone(),
            "loss".to_string(),
            asked(cell.rpo),
            loss(&cell.declared_loss),
            loss(&cell.observed_loss),
            word(cell.rpo.is_some(), cell.rpo_verdict).to_string(),
        ]);
        table.row([
            String::new(),
            String::new(),
            "downtime".to_string(),
            asked(cell.rto),
            span(&cell.declared_downtime),
            span(&cell.drilled_downtime),
            word(cell.rto.is_some(), cell.rto_verdict).to_string(),
        ]);
    }
    table.for_stdout()
}

fn loss(measure: &Measure<Loss>) -> String {
    match measure {
        Measure::Known(Loss::Window(span)) => span.to_string(),
        Measure::Known(Loss::Total) => "everything".to_string(),
        Measure::Unknown(_) => "unknown".to_string(),
    }
}

fn span(measure: &Measure<Span>) -> String {
    match measure {
        Measure::Known(span) => span.to_string(),
        Measure::Unknown(_) => "unknown".to_string(),
    }
}

fn word(asked: bool, verdict: Verdict) -> &'static str {
    match verdict {
        _ if !asked => "not asked",
        Verdict::Met => "met",
        Verdict::Unproven => "unproven",
        Verdict::Breached => "breached",
    }
}

/// `3 breached, 4 unproven, 1 waived`, or none of them.
pub fn counts(audit: &Audit) -> String {
    let open = |verdict| audit.findings.iter().filter(move |f| f.waived.is_none() && f.verdict == verdict).count();
    let waived = audit.findings.iter().filter(|f| f.waived.is_some()).count();
    let parts = [(open(Verdict::Breached), "breached"), (open(Verdict::Unproven), "unproven"), (waived, "waived")];
    let said: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    if said.is_empty() { "no finding".to_string() } else { said.join(", ") }
}
