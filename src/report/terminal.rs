//! The report in a screenful: the verdict, the promises, the findings in a line each.

use super::View;
use super::table::{Look, Set, Table};
use super::text::{count, shortened};
use super::view::shown;
use crate::audit::{Severity, Verdict};
use crate::base::Span;

/// Findings shown in full; the files hold all.
const FINDINGS_MOST: usize = 12;
/// The same of promises: they are what the report is about.
const PROMISES_MOST: usize = 40;

pub fn summary(view: &View, look: Look) -> String {
    let mut out = format!("{}\n", view.headline);
    for line in &view.lead {
        out.push_str(&format!("  {line}\n"));
    }
    out.push('\n');
    out.push_str(&promises(view).render(look));
    if view.promises.len() > PROMISES_MOST {
        out.push_str(&format!("and {} more, none of them worse\n", view.promises.len() - PROMISES_MOST));
    }
    let outlooks = view.outlook_lines();
    if !outlooks.is_empty() {
        out.push('\n');
        outlooks.iter().for_each(|line| out.push_str(&format!("{line}\n")));
    }
    if !view.findings.is_empty() {
        out.push('\n');
        out.push_str(&findings(view).render(look));
        let more = view.findings.len().saturating_sub(FINDINGS_MOST);
        if more > 0 {
            out.push_str(&format!("and {}\n", count(more, "finding more", "findings more")));
        }
    }
    if !view.unknowns.is_empty() {
        out.push_str(&format!(
            "\n{} said; the report lists why.\n",
            count(view.unknowns.len(), "thing cannot be", "things cannot be")
        ));
    }
    out
}

pub fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Met => "met",
        Verdict::Unproven => "unproven",
        Verdict::Breached => "BREACHED",
    }
}

pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Minor => "minor",
        Severity::Major => "major",
        Severity::Critical => "critical",
    }
}

fn promises(view: &View) -> Table {
    let mut table = Table::new(&[
        ("asset", Set::Text),
        ("scenario", Set::Text),
        ("RPO", Set::Number),
        ("declared", Set::Number),
        ("observed", Set::Number),
        ("", Set::Text),
        ("RTO", Set::Number),
        ("declared", Set::Number),
        ("drilled", Set::Number),
        ("", Set::Text),
    ]);
    let asked = |span: Option<Span>| span.map_or_else(|| "none".to_string(), |span| span.to_string());
    for row in shown(&view.promises, PROMISES_MOST) {
        table.row([
            row.asset.as_str(),
            row.scenario.as_str(),
            &asked(row.rpo),
            row.declared_loss.short(),
            row.observed_loss.short(),
            mark(row.rpo_verdict),
            &asked(row.rto),
            row.declared_downtime.short(),
            row.drilled_downtime.short(),
            mark(row.rto_verdict),
        ]);
    }
    table
}

fn findings(view: &View) -> Table {
    let mut table =
        Table::new(&[("severity", Set::Text), ("code", Set::Text), ("line", Set::Number), ("finding", Set::Text)]);
    for finding in view.findings.iter().take(FINDINGS_MOST) {
        let line = finding.at.as_ref().map(|at| at.line.to_string()).unwrap_or_default();
        let verdict = if finding.verdict == Verdict::Unproven { "unproven: " } else { "" };
        let message = shortened(&finding.message, 160);
        table.row([severity(finding.severity), &finding.code, &line, &format!("{verdict}{message}")]);
    }
    table
}
