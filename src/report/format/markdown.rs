//! A comment on a pull request: one line that says it all, a table, and the details folded.
//!
//! It begins with a hidden marker, by which whoever posts it finds the comment of the run before and replaces it.

use std::fmt::Write as _;

use super::words;
use crate::audit::Verdict;
use crate::base::Span;
use crate::gate::{Change, Judged, Judgement, Standing, Verb};
use crate::report::text::{count, harmless, shortened};

/// A comment may hold 65,536 characters; what would not fit is left out, and said so.
const LONGEST: usize = 60_000;
/// Characters of one message.
const MESSAGE: usize = 1_000;

pub fn of(judgement: &Judgement) -> String {
    let mut out = format!("<!-- plimsoll:{} -->\n{}\n", words::verb(judgement.verb), headline(judgement));
    for refused in &judgement.refused {
        let _ = writeln!(out, "\n**{}** was refused: {}", safe(&refused.file), safe(first_line(&refused.message)));
        for problem in refused.problems.iter().take(10) {
            let _ = writeln!(out, "- line {}: {}", problem.at.line, safe(&problem.message));
        }
    }
    for removed in &judgement.removed {
        let _ = writeln!(
            out,
            "\n**{}** ({}) is removed since {}: it promises nothing any more.",
            safe(&removed.policy),
            safe(&removed.file),
            safe(&removed.with)
        );
    }
    for (index, judged) in judgement.policies.iter().enumerate() {
        let mut part = String::new();
        policy(&mut part, judgement, judged);
        if out.len() + part.len() > LONGEST {
            let left = judgement.policies.len() - index;
            let _ = writeln!(out, "\n{} did not fit here.", count(left, "policy", "policies"));
            break;
        }
        out.push_str(&part);
    }
    if !judgement.gone.is_empty() {
        let _ = writeln!(out, "\nKnown and found no more; the baseline can be written anew:\n");
        for gone in judgement.gone.iter().take(50) {
            let _ = writeln!(out, "- {}: {}", safe(&gone.code), safe(&gone.about));
        }
    }
    out
}

/// The worst of it first.
fn headline(judgement: &Judgement) -> String {
    let state = match (judgement.outcome(), judgement.refused.is_empty()) {
        (_, false) => "refused",
        _ if judgement.got_worse() => "worse",
        (Verdict::Met, _) => "passed",
        (outcome, _) => words::verdict(outcome),
    };
    let says = match judgement.policies.as_slice() {
        [judged] if judgement.refused.is_empty() && judgement.removed.is_empty() => {
            let change = judged.change.as_ref().map_or(String::new(), |c| format!("; {}", words::change(judged, c)));
            let meaning = words::meaning(judgement.verb, &judged.audit);
            format!("{}: {meaning} ({}){change}", judged.audit.policy, words::counts(judged))
        }
        _ => words::overall(judgement),
    };
    format!("**Plimsoll {}: {state}** — {}.", words::verb(judgement.verb), safe(&says))
}

fn policy(out: &mut String, judgement: &Judgement, judged: &Judged) {
    if judgement.policies.len() > 1 {
        let _ = writeln!(out, "\n### {} ({})", safe(&judged.audit.policy), safe(&judged.file));
        let _ = writeln!(out, "\n{}: {}.", safe(words::meaning(judgement.verb, &judged.audit)), words::counts(judged));
    }
    if let Some(change) = &judged.change {
        changes(out, judged, change);
    }
    cells(out, judgement, judged);
    findings(out, judged, "what fails", Standing::Fails);
    findings(out, judged, "what does not fail", Standing::Told);
    findings(out, judged, "known from the baseline", Standing::Known);
    findings(out, judged, "waived", Standing::Waived);
    if let Some(change) = judged.change.as_ref().filter(|change| !change.gone.is_empty()) {
        let _ =
            writeln!(out, "\n<details><summary>{} gone</summary>\n", count(change.gone.len(), "finding", "findings"));
        for gone in &change.gone {
            let _ = writeln!(out, "- {}: {}", gone.code, safe(&gone.about));
        }
        out.push_str("\n</details>\n");
    }
}

fn changes(out: &mut String, judged: &Judged, change: &Change) {
    let _ = writeln!(out, "\nThe plan is {}.", safe(&words::change(judged, change)));
    if change.deltas.is_empty() {
        return;
    }
    out.push_str("\n| | what | before | after | by |\n|---|---|--:|--:|--:|\n");
    for delta in &change.deltas {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            if delta.fails() { "**worse**" } else { words::direction(delta.direction) },
            safe(&delta.what),
            safe(&delta.before.to_string()),
            safe(&delta.after.to_string()),
            safe(delta.by.as_deref().unwrap_or_default())
        );
    }
    for unsaid in &change.unsaid {
        let _ = writeln!(out, "\nNot said: {}.", safe(unsaid));
    }
}

fn cells(out: &mut String, judgement: &Judgement, judged: &Judged) {
    if judged.audit.cells.is_empty() {
        return;
    }
    // A declaration is held against nothing that anybody saw.
    let observed = judgement.verb == Verb::Audit;
    let (name, rule) = if observed { (" observed |", "--:|") } else { ("", "") };
    let _ =
        writeln!(out, "\n| asset | scenario | | asked | declared |{name} verdict |\n|---|---|---|--:|--:|{rule}---|");
    let seen = |text: String| if observed { format!(" {text} |") } else { String::new() };
    let asked = |span: Option<Span>| span.map_or("–".to_string(), |span| format!("≤ {span}"));
    for cell in &judged.audit.cells {
        let _ = writeln!(
            out,
            "| {} | {} | loss | {} | {} |{} {} |",
            safe(&cell.asset),
            safe(&cell.title),
            asked(cell.rpo),
            words::loss(&cell.declared_loss),
            seen(words::loss(&cell.observed_loss)),
            words::verdict_on(&cell.rpo, cell.rpo_verdict)
        );
        let _ = writeln!(
            out,
            "| | | downtime | {} | {} |{} {} |",
            asked(cell.rto),
            words::span(&cell.declared_downtime),
            seen(words::span(&cell.drilled_downtime)),
            words::verdict_on(&cell.rto, cell.rto_verdict)
        );
    }
}

fn findings(out: &mut String, judged: &Judged, which: &str, wanted: Standing) {
    let found: Vec<_> = judged.findings().enumerate().filter(|(_, (_, standing, _))| *standing == wanted).collect();
    if found.is_empty() {
        return;
    }
    let all = count(found.len(), "finding", "findings");
    let _ = writeln!(out, "\n<details><summary>{all}: {which}</summary>\n");
    for (index, (finding, ..)) in found {
        let new = judged.change.as_ref().is_some_and(|change| change.new.contains(&index));
        let at = finding.at.map_or(String::new(), |at| format!(" ({}:{})", judged.source.of(at).name, at.line));
        let says = words::sentences(finding);
        let _ = writeln!(
            out,
            "- {}**{}** ({}, {}): {}{}",
            if new { "new: " } else { "" },
            finding.code,
            words::verdict(finding.verdict),
            words::severity(finding.severity),
            safe(&shortened(&says, MESSAGE)),
            safe(&at)
        );
        if let Some(by) = &finding.waived {
            let _ = writeln!(out, "  accepted by {}", safe(by));
        }
    }
    out.push_str("\n</details>\n");
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// Text that cannot be anything else: no HTML, no markup, no end of a table's cell, no name that somebody is called by.
/// What stands between backticks is set as code.
fn safe(text: &str) -> String {
    let text = harmless(text);
    let paired = text.matches('`').count().is_multiple_of(2);
    let (mut out, mut code) = (String::with_capacity(text.len()), false);
    for c in text.chars() {
        match c {
            '`' if paired => {
                out.push_str(if code { "</code>" } else { "<code>" });
                code = !code;
            }
            // An entity is text whatever stands around it; a zero-width space keeps a name from being a mention.
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' => out.push_str("@&#8203;"),
            '#' => out.push_str("#&#8203;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}
