//! What each plan of a space loses and misses: worked out once for all plans that differ in nothing but their price, on
//! several threads. Every plan is weighed with the same draws, so that what differs is the plan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::expected::{self, OfScenario};
use super::objectives;
use super::space::Choice;
use crate::base::{Instant, Span};
use crate::evidence::Evidence;
use crate::policy::{Policy, written};
use crate::sim::model::Model;
use crate::timeline::{Basis, Failure, Loss, bound};

/// Fields that a bill depends on and a loss does not.
const PRICE_ALONE: [&str; 2] = ["storage_class", "stored_fraction"];

/// What a plan is expected to lose, and what it promises at worst.
#[derive(Debug)]
pub struct Weighed {
    pub expected: Vec<OfScenario>,
    pub worst_loss: Loss,
    pub misses: BTreeSet<&'static str>,
    /// What of it cannot be said.
    pub unsaid: Vec<String>,
}

/// One for each plan, in order.
pub fn all(
    threads: usize,
    plans: &[(Choice, Policy)],
    evidence: Option<&Evidence>,
    as_of: Instant,
) -> Vec<Arc<Weighed>> {
    let mut alike: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    let mut first: Vec<&Policy> = vec![];
    let places: Vec<usize> = plans
        .iter()
        .map(|(_, plan)| {
            *alike.entry(written::lines(plan, &PRICE_ALONE)).or_insert_with(|| {
                first.push(plan);
                first.len() - 1
            })
        })
        .collect();
    let weighed: Vec<Arc<Weighed>> =
        each(threads, &first, |plan| weigh(plan, evidence, as_of)).into_iter().map(Arc::new).collect();
    places.into_iter().filter_map(|place| weighed.get(place).cloned()).collect()
}

fn weigh(plan: &Policy, evidence: Option<&Evidence>, as_of: Instant) -> Weighed {
    let model = Model::new(plan, evidence, Basis::Declared, as_of);
    let cannot = |line: &&String| line.contains("cannot be said") || line.contains("nothing can");
    Weighed {
        expected: expected::of(&model),
        worst_loss: worst(plan, &model, as_of),
        misses: objectives::missed(plan, as_of),
        unsaid: model.unsaid.iter().filter(cannot).cloned().collect(),
    }
}

/// The worst that the plan promises. A time to notice that nobody declared promises nothing.
fn worst(plan: &Policy, model: &Model, as_of: Instant) -> Loss {
    let mut worst = Loss::Window(Span::ZERO);
    for hazard in &model.scenarios {
        let noticed = hazard.scenario.noticed_after.value.declared_longest();
        for struck in &hazard.assets {
            let loss = noticed.map_or(Loss::Total, |noticed_after| {
                let failure = Failure { noticed_after, ..struck.failure.clone() };
                bound::bound(plan, struck.asset, &failure, as_of)
            });
            worst = worst.max(loss);
        }
    }
    worst
}

/// `work` on each item, taken in turn by idle threads; the results in the items' order, whoever was first.
pub fn each<T: Sync, R: Send>(threads: usize, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done: Mutex<BTreeMap<usize, R>> = Mutex::new(BTreeMap::new());
    let take = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return };
            let result = work(item);
            if let Ok(mut done) = done.lock() {
                done.insert(index, result);
            }
        }
    };
    std::thread::scope(|scope| {
        (1..threads.clamp(1, items.len().max(1))).for_each(|_| drop(scope.spawn(take)));
        take();
    });
    done.into_inner().map(|done| done.into_values().collect()).unwrap_or_default()
}
