//! Two pages for those who decide and pay: what we can lose, how long we are down, what it costs, what is recommended,
//! what is not known. Every figure is the weekly view's own; the words are not those of people who run backups.

mod advice;
mod html;
mod unknown;

use serde::Serialize;

use super::View;
use super::text::count;
use super::view::{Figure, PromiseRow};
use crate::audit::Verdict;
use crate::base::Span;

pub use html::page;

/// Rows of the table, so that it stays on its page.
const ROWS_MOST: usize = 5;

#[derive(Debug, Clone, Serialize)]
pub struct Sheet {
    pub name: String,
    pub verdict: Verdict,
    /// All of it for a reader who has ten seconds.
    pub sentence: String,
    pub figures: [Key; 3],
    pub rows: Vec<Row>,
    pub more_rows: usize,
    /// What failures cost in a year, in sentences.
    pub costs: Vec<String>,
    pub advice: Vec<String>,
    pub unknowns: Vec<String>,
    /// Currency, year, prices, and what ± means.
    pub basis: Vec<String>,
}

/// One of the three figures on top.
#[derive(Debug, Clone, Serialize)]
pub struct Key {
    pub label: &'static str,
    pub value: String,
    pub under: String,
}

/// One failure and what it strikes.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    pub title: String,
    pub asset: String,
    pub lost: String,
    pub lost_agreed: String,
    pub down: String,
    pub down_agreed: String,
    pub verdict: Verdict,
}

impl Sheet {
    pub fn of(view: &View) -> Sheet {
        let mut rows: Vec<&PromiseRow> = view.promises.iter().collect();
        rows.sort_by_key(|row| std::cmp::Reverse(badness(row)));
        Sheet {
            name: view.policy.name.clone(),
            verdict: view.verdict,
            sentence: sentence(view),
            figures: [lost(view), down(view), cost(view)],
            more_rows: rows.len().saturating_sub(ROWS_MOST),
            rows: rows.into_iter().take(ROWS_MOST).map(told).collect(),
            costs: costs(view),
            advice: advice::lines(view),
            unknowns: unknown::lines(view),
            basis: unknown::basis(view),
        }
    }
}

/// How bad a loss is, as long as anything is known: everything first, then the longest against what was agreed.
fn badness(row: &PromiseRow) -> (Verdict, bool, i64) {
    let verdict = row.rpo_verdict.max(row.rto_verdict);
    match worst_loss(row) {
        Some(Figure::Total) => (verdict, true, i64::MAX),
        Some(Figure::Span { ms, .. }) => (verdict, false, ms.0),
        _ => (verdict, false, -1),
    }
}

/// The worse of what the plan says and of what the records show.
fn worst_loss(row: &PromiseRow) -> Option<&Figure> {
    worse(&row.declared_loss, &row.observed_loss)
}

fn worst_downtime(row: &PromiseRow) -> Option<&Figure> {
    worse(&row.declared_downtime, &row.drilled_downtime)
}

fn worse<'a>(a: &'a Figure, b: &'a Figure) -> Option<&'a Figure> {
    match (a, b) {
        (Figure::Unknown { .. }, Figure::Unknown { .. }) => None,
        (Figure::Unknown { .. }, known) | (known, Figure::Unknown { .. }) => Some(known),
        (Figure::Total, _) => Some(a),
        (_, Figure::Total) => Some(b),
        (Figure::Span { ms: one, .. }, Figure::Span { ms: other, .. }) => Some(if one >= other { a } else { b }),
    }
}

/// The row that loses most, and of the rest the one that is down longest.
fn by_loss(view: &View) -> Option<&PromiseRow> {
    let rank = |row: &&PromiseRow| match worst_loss(row) {
        Some(Figure::Total) => i64::MAX,
        Some(Figure::Span { ms, .. }) => ms.0,
        _ => -1,
    };
    view.promises.iter().rev().filter(|row| worst_loss(row).is_some()).max_by_key(rank)
}

fn by_downtime(view: &View) -> Option<(&PromiseRow, &str)> {
    let known = view.promises.iter().rev().filter_map(|row| match worst_downtime(row) {
        Some(Figure::Span { ms, text }) => Some((row, *ms, text.as_str())),
        _ => None,
    });
    known.max_by_key(|(_, ms, _)| *ms).map(|(row, _, text)| (row, text))
}

fn sentence(view: &View) -> String {
    let name = &view.policy.name;
    let allowed =
        |agreed: Option<Span>| agreed.map(|agreed| format!("; at most {agreed} was agreed")).unwrap_or_default();
    match view.verdict {
        Verdict::Met => format!("{name}’s backups do what was agreed, and there is proof of it."),
        Verdict::Unproven => format!("{name}’s backups may do what was agreed, but nobody has shown it."),
        Verdict::Breached => match (by_loss(view), by_downtime(view)) {
            (Some(row), _) if row.rpo_verdict == Verdict::Breached => match worst_loss(row) {
                Some(Figure::Span { text, .. }) => {
                    format!("{name} can lose {text} of changes to its {}{}.", row.asset, allowed(row.rpo))
                }
                _ => format!("{name} can lose all of its {} for good{}.", row.asset, allowed(row.rpo)),
            },
            (_, Some((row, text))) if row.rto_verdict == Verdict::Breached => {
                format!("{name} can be down for {text}{}.", allowed(row.rto))
            }
            _ => format!("{name}’s backups do not keep all that was agreed."),
        },
    }
}

fn lost(view: &View) -> Key {
    let label = "What we can lose";
    let Some(row) = by_loss(view) else {
        let under = "Neither the plan nor a record says what could be restored.".to_string();
        return Key { label, value: "not known".to_string(), under };
    };
    let value = match worst_loss(row) {
        Some(Figure::Span { ms: Span::ZERO, .. }) => "nothing".to_string(),
        Some(Figure::Span { text, .. }) => format!("{text} of changes"),
        _ => "everything".to_string(),
    };
    let agreed = row.rpo.map_or("no limit was agreed".to_string(), |rpo| format!("agreed: at most {rpo}"));
    Key { label, value, under: format!("To the {}, after: {}; {agreed}.", row.asset, row.title) }
}

fn down(view: &View) -> Key {
    let label = "How long we are down";
    let Some((row, text)) = by_downtime(view) else {
        let under = "The plan gives no time for each step, and none was measured.".to_string();
        return Key { label, value: "not known".to_string(), under };
    };
    let agreed = row.rto.map_or("no limit was agreed".to_string(), |rto| format!("agreed: at most {rto}"));
    let shown = match &row.drilled_downtime {
        Figure::Span { text, .. } => format!("in trials {text}"),
        _ => "never tried out".to_string(),
    };
    Key { label, value: text.to_string(), under: format!("After: {}; {shown}; {agreed}.", row.title) }
}

fn cost(view: &View) -> Key {
    let label = "What failures cost us a year";
    let bill = view.money.as_ref().and_then(|money| money.bill_total.as_ref());
    let bill =
        bill.map_or("What the backups cost is not known.".to_string(), |bill| format!("The backups cost {bill}."));
    match view.simulation.as_ref().and_then(|simulation| simulation.annual.as_ref()) {
        Some(annual) => Key {
            label,
            value: format!("{}{}", if annual.at_least { "at least " } else { "" }, annual.expected),
            under: format!("Give or take {}, on average over many simulated years. {bill}", annual.give_or_take),
        },
        None => Key {
            label,
            value: "not known".to_string(),
            under: format!("Nobody has said what an hour without service, or without data, costs. {bill}"),
        },
    }
}

fn told(row: &PromiseRow) -> Row {
    let said = |figure: Option<&Figure>| match figure {
        Some(Figure::Span { ms: Span::ZERO, .. }) => "nothing".to_string(),
        Some(Figure::Span { text, .. }) => text.clone(),
        Some(_) => "everything".to_string(),
        None => "not known".to_string(),
    };
    let agreed = |span: Option<Span>| span.map_or("nothing agreed".to_string(), |span| span.to_string());
    Row {
        title: if row.title.is_empty() { row.scenario.clone() } else { row.title.clone() },
        asset: row.asset.clone(),
        lost: said(worst_loss(row)),
        lost_agreed: agreed(row.rpo),
        down: said(worst_downtime(row)),
        down_agreed: agreed(row.rto),
        verdict: row.rpo_verdict.max(row.rto_verdict),
    }
}

fn costs(view: &View) -> Vec<String> {
    let Some(annual) = view.simulation.as_ref().and_then(|simulation| simulation.annual.as_ref()) else {
        let no =
            "What failures cost cannot be said: the plan names no amount for an hour without service or without data.";
        return vec![no.to_string()];
    };
    let more = |amount: &str, error: &Option<String>| match error {
        Some(error) => format!("{amount}\u{a0}±\u{a0}{error}"),
        None => amount.to_string(),
    };
    let at_least = if annual.at_least { "at least " } else { "" };
    let mut lines = vec![format!(
        "On average a year costs {at_least}{}, but years differ: half of them cost more than {}, one in twenty more than \
         {}, one in a hundred more than {}.",
        annual.expected,
        more(&annual.p50, &annual.p50_give_or_take),
        more(&annual.p95, &annual.p95_give_or_take),
        more(&annual.p99, &annual.p99_give_or_take),
    )];
    let dearest = view.simulation.iter().flat_map(|simulation| &simulation.rows);
    let priced: Vec<String> =
        dearest.filter_map(|row| row.annual_loss.as_ref().map(|loss| format!("{} {loss}", row.title))).collect();
    if !priced.is_empty() && priced.len() <= ROWS_MOST {
        lines.push(format!("Of that average: {}.", priced.join(", ")));
    }
    lines
}

/// `1 of 3 trial restores succeeded`, and none if there were none.
fn trials(view: &View) -> Option<String> {
    let passed = view.drills.iter().filter(|drill| drill.passed).count();
    let all = count(view.drills.len(), "trial restore", "trial restores");
    (!view.drills.is_empty()).then(|| format!("{passed} of {all} succeeded"))
}
