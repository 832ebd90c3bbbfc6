//! What is not known, and what the figures rest on.

use crate::base::quantity::grouped;
use crate::report::View;
use crate::report::text::count;
use crate::report::view::Figure;

/// Names in a sentence, so that it stays one.
const NAMES_MOST: usize = 4;

pub fn lines(view: &View) -> Vec<String> {
    let mut lines = Vec::new();
    if view.evidence.is_none() {
        lines.push(
            "Whether any backup was ever made: no record was given, so these pages tell the plan alone.".to_string(),
        );
    }
    let unknown = |figure: &Figure| matches!(figure, Figure::Unknown { .. });
    let unseen = view.promises.iter().filter(|row| unknown(&row.observed_loss) && view.evidence.is_some());
    if let Some(names) = named(unseen.map(|row| row.asset.as_str())) {
        lines.push(format!("What could really have been restored of {names}: the records do not tell."));
    }
    let untimed = view.promises.iter().filter(|row| unknown(&row.drilled_downtime));
    if let Some(names) = named(untimed.map(|row| row.title.as_str())) {
        lines.push(format!("How long we are really down after: {names}. No trial has measured the whole of it."));
    }
    match super::trials(view) {
        Some(trials) => lines.push(format!("Whether the next restore works: {trials}, which is no proof of the next.")),
        None => lines.push("Whether a restore works at all: none was ever tried.".to_string()),
    }
    let unreadable = view.evidence.as_ref().map_or(0, |evidence| evidence.unreadable);
    if unreadable > 0 {
        lines.push(format!("What stands in {} that could not be read.", count(unreadable, "record", "records")));
    }
    let guesses = view.assumptions.iter().filter(|one| one.what.starts_with("How often"));
    let guesses = guesses.count();
    if guesses > 0 {
        let failures = count(guesses, "failure", "failures");
        lines.push(format!("How often each of the {failures} comes: somebody’s estimate, no count of what happened."));
    }
    if let Some(hour) = view.assumptions.iter().find(|one| one.what == "What an hour costs") {
        let source = hour.source.clone().unwrap_or_else(|| "no source is given".to_string());
        lines.push(format!(
            "What an hour really costs us; taken: {} ({source}).",
            hour.value.replace("lost writes", "lost changes")
        ));
    }
    lines
}

/// Currency, year, prices and their grade, and the error of what was simulated.
pub fn basis(view: &View) -> Vec<String> {
    let mut lines = Vec::new();
    let year = view.as_of.to_utc().format("%Y");
    let currency = view.money.as_ref().map_or(&view.policy.currency, |money| &money.currency);
    let mut prices = format!("All amounts are in {currency}, for one year, as of {year}.");
    if let Some(book) = view.assumptions.iter().find(|one| one.what == "Prices") {
        let read = book.source.clone().unwrap_or_else(|| "read on an unknown day".to_string());
        prices.push_str(&format!(" Prices are those of {}, {read}.", book.value));
    }
    let bill = view.money.as_ref().map(|money| money.bill.as_slice()).unwrap_or_default();
    let unverified = bill.iter().filter(|line| line.grade == "unverified").count();
    if !bill.is_empty() {
        prices.push_str(&match unverified {
            0 => " None of them is unverified.".to_string(),
            n => format!(" {n} of the {} lines of the bill are at prices that nobody has verified.", bill.len()),
        });
    }
    lines.push(prices);
    match &view.simulation {
        Some(simulation) => lines.push(format!(
            "What failures cost is simulated over {} years of the plan, not counted. ± and “give or take” are that \
             simulation’s own error: about 95 in 100 such simulations come out within it. How sure the estimates are that \
             went in, it does not tell.",
            grouped(simulation.years)
        )),
        None => lines.push("Nothing was simulated.".to_string()),
    }
    lines
}

/// Some names, each once.
fn named<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut all: Vec<&str> = Vec::new();
    for name in names {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    let more = all.len().saturating_sub(NAMES_MOST);
    let listed = all.iter().take(NAMES_MOST).copied().collect::<Vec<_>>().join(", ");
    match (all.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(listed),
        (false, more) => Some(format!("{listed} and {more} more")),
    }
}
