//! Evidence held against promises: verdicts and findings.
//!
//! `context` works out every figure once: a case for each asset that a scenario strikes, a recovery for each scenario.
//! Each rule reads them and says what is wrong, or why nothing is. `audit` without evidence judges the declaration alone:
//! then what the plan cannot keep is Breached, and all else Unproven.

pub mod ahead;
pub mod beside;
pub mod case;
pub mod code;
pub mod context;
pub mod controls;
pub mod finding;
pub mod recovery;
pub mod rule;
pub mod runs;
pub mod stock;
pub mod strength;
mod task;
pub mod verdict;

pub use ahead::Ahead;
pub use case::{Case, Observed};
pub use code::Code;
pub use context::{Context, Report};
pub use finding::{Finding, Severity, Subject};
pub use recovery::Recovery;
pub use runs::Missed;
pub use stock::{Known, Stock};
pub use verdict::{Audit, Cell, Measure, Pass, Verdict};

use std::borrow::Cow;
use std::convert::Infallible;

use crate::base::{Instant, Span, Window};
use crate::evidence::Evidence;
use crate::policy::{Asset, Policy};
use task::Task;

/// Holds `evidence` against `policy`, over `window`, as of `as_of`. Without evidence only the declaration is judged.
pub fn run(policy: &Policy, evidence: Option<&Evidence>, as_of: Instant, window: Window) -> Audit {
    run_ahead(policy, evidence, as_of, window, None)
}

/// The same, and where `ahead` is given, also what is to come until then.
pub fn run_ahead(
    policy: &Policy,
    evidence: Option<&Evidence>,
    as_of: Instant,
    window: Window,
    ahead: Option<Span>,
) -> Audit {
    let known = evidence.map(|evidence| known_at(evidence, as_of));
    let task = Task { policy, evidence: known.as_deref(), as_of, window, ahead, charts: true };
    // All of it is in hand.
    let Ok(audit) = task.run(|_| Ok::<_, Infallible>(Evidence::none(Instant::MAX)), 1);
    audit
}

/// The same for more evidence than fits into memory: points and coverage of each asset come from `shelf` when it is their
/// turn. Drills and runs are in `evidence`, since the time that a recovery takes is worked out first. The result is the
/// same on any number of threads; it has no exposures for charts.
pub fn run_by_asset<E: Send>(
    policy: &Policy,
    evidence: &Evidence,
    shelf: impl Fn(&Asset) -> Result<Evidence, E> + Sync,
    (as_of, window): (Instant, Window),
    threads: usize,
) -> Result<Audit, E> {
    let known = known_at(evidence, as_of);
    Task { policy, evidence: Some(&known), as_of, window, ahead: None, charts: false }.run(shelf, threads)
}

/// How long each scenario's runbook takes, as declared and as drills up to `as_of` measured it, in the policy's order.
pub fn recoveries<'a>(policy: &'a Policy, evidence: Option<&Evidence>, as_of: Instant) -> Vec<Recovery<'a>> {
    let evidence = evidence.map(|evidence| known_at(evidence, as_of));
    let index = evidence.as_deref().map(stock::Index::of).unwrap_or_default();
    let known = evidence.as_deref().map(|evidence| Known::of(policy, evidence, &index));
    policy.scenarios.iter().map(|scenario| Recovery::of(policy, known.as_ref(), scenario, as_of)).collect()
}

/// Planned runs in `window` of which nothing is on record.
pub fn missed(policy: &Policy, evidence: &Evidence, window: Window) -> Vec<Missed> {
    let evidence = known_at(evidence, window.until);
    let index = stock::Index::of(&evidence);
    let known = Known::of(policy, &evidence, &index);
    let context = Context::new(policy, Some(&known), window.until, window);
    let none = Evidence::none(Instant::MAX);
    let mut missed = Vec::new();
    for asset in &policy.assets {
        let stock = Stock::of(policy, asset, Some(&known), &index, &none);
        for protection in context.copies_of(asset) {
            let Some(slots) = runs::slots(&context, &stock, protection) else { continue };
            let mut due: Vec<Instant> = slots.missed().into_iter().flatten().map(|slot| slot.at).collect();
            due.sort_unstable();
            if !due.is_empty() {
                missed.push(Missed { asset: asset.name.clone(), protection: protection.name.clone(), due });
            }
        }
    }
    missed
}

/// What was known at `as_of` of what `evidence` holds.
fn known_at(evidence: &Evidence, as_of: Instant) -> Cow<'_, Evidence> {
    if evidence.read_at <= as_of { Cow::Borrowed(evidence) } else { Cow::Owned(evidence.clone().as_of(as_of)) }
}
