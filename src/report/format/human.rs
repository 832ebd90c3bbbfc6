//! For people: each finding as a compiler would show it, then a table, then one line that says it all.

use std::fmt::Write as _;

use super::words;
use crate::audit::{Cell, Finding, Severity, Verdict};
use crate::base::Span;
use crate::gate::{Change, Judged, Judgement, Standing, Verb};
use crate::policy::{Place, SourceText};
use crate::report::table::{Look, Set, Table};
use crate::report::text::{harmless, steers};

/// Evidence lines shown under one finding; JSON has them all.
const MOST_EVIDENCE: usize = 3;
/// Characters of a policy's line that are shown.
const WIDEST: usize = 160;

pub fn of(judgement: &Judgement, look: Look) -> String {
    let mut out = String::new();
    for judged in &judgement.policies {
        one(&mut out, judgement, judged, look);
    }
    for removed in &judgement.removed {
        let line = format!("{}: removed since {}; it promises nothing any more", removed.policy, removed.with);
        let _ = writeln!(out, "{}: {}", harmless(&removed.file), harmless(&line));
    }
    for gone in &judgement.gone {
        let line = format!("known and found no more: {} {} ({})", gone.code, gone.about, gone.policy);
        let _ = writeln!(out, "{}", harmless(&line));
    }
    if !judgement.gone.is_empty() {
        out.push_str("Write the baseline anew, so that these fail should they come back.\n");
    }
    if judgement.policies.len() + judgement.refused.len() + judgement.removed.len() > 1 {
        let _ = writeln!(out, "In all: {}", words::overall(judgement));
    }
    out
}

fn one(out: &mut String, judgement: &Judgement, judged: &Judged, look: Look) {
    for (finding, standing, _) in judged.findings() {
        match standing {
            Standing::Fails | Standing::Told => show(out, finding, &judged.source),
            Standing::Waived | Standing::Known => set_aside(out, finding, standing),
        }
    }
    if !judged.audit.cells.is_empty() {
        let _ = writeln!(out, "{}", table(&judged.audit.cells).render(look));
    }
    if let Some(change) = &judged.change {
        changed(out, judged, change, look);
    }
    let (audit, counts) = (&judged.audit, words::counts(judged));
    let when = match judgement.verb {
        Verb::Audit => format!(" as of {}, over {}", audit.as_of, audit.window.length()),
        Verb::Check => String::new(),
    };
    let meaning = words::meaning(judgement.verb, audit);
    // GitHub's log takes a line that begins with `::` for a command.
    let name = harmless(&audit.policy).trim_start_matches([':', '#', ' ']).to_string();
    let _ = writeln!(out, "{name}{when}: {meaning} ({counts})");
}

fn set_aside(out: &mut String, finding: &Finding, standing: Standing) {
    let by = match &finding.waived {
        Some(waived) => format!("accepted by {waived}"),
        None => "in the baseline".to_string(),
    };
    let (standing, message) = (words::standing(standing), harmless(&finding.message));
    let _ = writeln!(out, "{standing}[{}]: {message}\n  = {}\n", finding.code, harmless(&by));
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
    let _ = writeln!(out, "{gutter} = help: {}", harmless(&finding.remedy));
    let _ = writeln!(out, "{gutter} = bears on: {}\n", finding.controls.join(", "));
}

fn show_line(out: &mut String, source: &SourceText, at: Place, gutter: &str) {
    let line = in_place(source.line(at));
    let lead = " ".repeat((at.column as usize).saturating_sub(1).min(WIDEST));
    let carets = "^".repeat((at.len as usize).clamp(1, 80));
    let (number, width) = (at.line, gutter.len());
    let _ = writeln!(out, "{gutter}--> {}:{number}:{}", harmless(&source.of(at).name), at.column);
    let _ = writeln!(out, "{gutter} |\n{number:>width$} | {line}\n{gutter} | {lead}{carets}");
}

/// The policy's own line, one blank for each character that steers, so that columns stay true.
fn in_place(line: &str) -> String {
    line.chars().take(WIDEST).map(|c| if steers(c) { ' ' } else { c }).collect()
}

fn table(cells: &[Cell]) -> Table {
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
            cell.asset.as_str(),
            &cell.title,
            "loss",
            &asked(cell.rpo),
            &words::loss(&cell.declared_loss),
            &words::loss(&cell.observed_loss),
            words::verdict_on(&cell.rpo, cell.rpo_verdict),
        ]);
        table.row([
            "",
            "",
            "downtime",
            &asked(cell.rto),
            &words::span(&cell.declared_downtime),
            &words::span(&cell.drilled_downtime),
            words::verdict_on(&cell.rto, cell.rto_verdict),
        ]);
    }
    table
}

fn changed(out: &mut String, judged: &Judged, change: &Change, look: Look) {
    let line = words::change(judged, change);
    let _ = writeln!(out, "Change: {}", harmless(&line));
    let columns =
        [("", Set::Text), ("what", Set::Text), ("before", Set::Number), ("after", Set::Number), ("by", Set::Number)];
    let mut table = Table::new(&columns);
    for delta in &change.deltas {
        let by = delta.by.as_deref().unwrap_or_default();
        let (before, after) = (delta.before.to_string(), delta.after.to_string());
        table.row([words::direction(delta.direction), &delta.what, &before, &after, by]);
    }
    if !table.is_empty() {
        out.push_str(&table.render(look));
    }
    for finding in change.new.iter().filter_map(|index| judged.audit.findings.get(*index)) {
        let _ = writeln!(out, "  new: {}: {}", finding.code, harmless(&finding.message));
    }
    for gone in &change.gone {
        let _ = writeln!(out, "  gone: {} {}", gone.code, harmless(&gone.about));
    }
    for unsaid in &change.unsaid {
        let _ = writeln!(out, "  not said: {}", harmless(unsaid));
    }
    out.push('\n');
}
