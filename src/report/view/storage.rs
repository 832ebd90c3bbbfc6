//! What is stored, and what it will be as the data grows.

use serde::Serialize;

use super::super::chart::storage::{Band, Price, StorageGrowth};
use super::super::text::count;
use super::{Inputs, clean};
use crate::base::{Instant, Span};
use crate::cost::kept::{self, Kept};

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct StorageView {
    /// What cannot be said of it, a sentence each.
    pub unsaid: Vec<String>,
}

/// Instants of the past that are drawn.
const STEPS: i64 = 90;
/// The past that is drawn: what was long ago is seldom still on record.
const PAST_MOST: Span = Span::days(365);
const NAMES_MOST: usize = 4;

pub fn view(inputs: &Inputs<'_>) -> (StorageView, Option<StorageGrowth>) {
    let said = |why: &str| (StorageView { unsaid: vec![why.to_string()] }, None);
    let Some(evidence) = inputs.evidence else {
        return said("No evidence was given, so what is stored is not known.");
    };
    let as_of = inputs.audit.as_of;
    let Some(first) = evidence.points.iter().map(|point| point.available_at).filter(|at| *at <= as_of).min() else {
        return said("No recovery point is on record, so what is stored is not known.");
    };
    let from = first.max(as_of - PAST_MOST);
    let at: Vec<Instant> = (0..=STEPS).map(|n| from + Span((as_of - from).0 / STEPS * n)).collect();
    let at: Vec<Instant> = at.into_iter().filter(|at| *at < as_of).chain([as_of]).collect();
    let all = kept::series(inputs.policy, evidence, as_of, &at);
    if all.is_empty() {
        return said("No recovery point on record tells its size, so what is stored and how it grows cannot be said.");
    }
    let price = inputs.book.and_then(|book| {
        let monthly = kept::monthly(inputs.policy, book, &all)?;
        let unverified = monthly.grade == crate::cost::Grade::Unverified;
        Some(Price { currency: clean(&book.currency), now: monthly.now, then: monthly.then, unverified })
    });
    let unsaid = unsaid(inputs, &all);
    let band = |kept: Kept| Band {
        name: match (kept.protection.as_str(), clean(&kept.asset)) {
            ("", asset) => asset,
            (protection, asset) => format!("{} of {asset}", clean(protection)),
        },
        past: kept.past,
        ahead: kept.ahead.ok(),
        growth: kept.growth,
    };
    let bands = all.into_iter().map(band).collect();
    (StorageView { unsaid }, Some(StorageGrowth { at, bands, price }))
}

/// Names, at most a few of them.
fn named(all: &[&Kept]) -> String {
    let name = |kept: &&Kept| match kept.protection.as_str() {
        "" => format!("`{}`", clean(&kept.asset)),
        protection => format!("`{}` of `{}`", clean(protection), clean(&kept.asset)),
    };
    let more = all.len().saturating_sub(NAMES_MOST);
    let listed = all.iter().take(NAMES_MOST).map(name).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{listed} and {more} more") } else { listed }
}

fn unsaid(inputs: &Inputs<'_>, all: &[Kept]) -> Vec<String> {
    let mut said = vec![
        "Points that were removed before the record was read are not in it: the past is at least this. Logs and previous \
         versions have no size on record."
            .to_string(),
    ];
    let mut reasons: Vec<(&str, Vec<&Kept>)> = Vec::new();
    for kept in all {
        let Err(why) = &kept.ahead else { continue };
        match reasons.iter_mut().find(|(known, _)| known == why) {
            Some((_, of)) => of.push(kept),
            None => reasons.push((why, vec![kept])),
        }
    }
    for (why, of) in reasons {
        said.push(format!("How {} goes on cannot be said: {}.", named(&of), clean(why)));
    }
    let still: Vec<&Kept> = all.iter().filter(|kept| kept.ahead.is_ok() && kept.growth.is_none()).collect();
    if !still.is_empty() {
        said.push(format!("No growth is declared or recorded for {}: drawn as if its size stayed.", named(&still)));
    }
    let unsized_points: usize = all.iter().map(|kept| kept.unsized_points).sum();
    if unsized_points > 0 {
        said.push(format!("{} no size on record and is not in it.", count(unsized_points, "point has", "points have")));
    }
    if inputs.book.is_none() {
        said.push("No price book was given, so what it costs to keep is not known.".to_string());
    }
    said
}
