//! Evidence held against promises: verdicts and findings.
//!
//! `context` works out every figure once: a case for each asset that a scenario strikes, a recovery for each scenario.
//! Each rule reads them and says what is wrong, or why nothing is. `audit` without evidence judges the declaration alone:
//! then what the plan cannot keep is Breached, and all else Unproven.

pub mod case;
pub mod code;
pub mod context;
pub mod controls;
pub mod finding;
pub mod recovery;
pub mod rule;
pub mod verdict;

pub use case::{Case, Observed};
pub use code::Code;
pub use context::{Context, Report};
pub use finding::{Finding, Severity, Subject};
pub use recovery::Recovery;
pub use verdict::{Audit, Cell, Measure, Pass, Verdict};

use std::borrow::Cow;

use crate::base::{Instant, Window};
use crate::evidence::Evidence;
use crate::policy::Policy;

/// Holds `evidence` against `policy`, over `window`, as of `as_of`. Without evidence only the declaration is judged.
pub fn run(policy: &Policy, evidence: Option<&Evidence>, as_of: Instant, window: Window) -> Audit {
    let known = evidence.map(|evidence| known_at(evidence, as_of));
    let context = Context::new(policy, known.as_deref(), as_of, window);
    let mut report = Report::default();
    for rule in rule::ALL {
        rule(&context, &mut report);
    }
    rule::accept(&context, &mut report);
    let Report { mut findings, passes } = report;
    findings.sort_by(|a, b| {
        let rank = |f: &Finding| (f.waived.is_some(), std::cmp::Reverse((f.verdict, f.severity)), f.code);
        (rank(a), &a.subject, &a.message).cmp(&(rank(b), &b.subject, &b.message))
    });
    // A note tells something; it does not judge.
    let counted = findings.iter().filter(|f| f.waived.is_none() && f.severity > Severity::Note);
    let cells = context.cells();
    // Where nothing was held against anything, nothing was kept either.
    let nothing_judged = evidence.is_none() || cells.iter().all(|cell| cell.rpo.is_none() && cell.rto.is_none());
    let at_best = if nothing_judged { Verdict::Unproven } else { Verdict::Met };
    let verdict = counted.map(|f| f.verdict).fold(at_best, Verdict::max);
    Audit { policy: policy.name.clone(), files: policy.source.names(), as_of, window, cells, findings, passes, verdict }
}

/// What was known at `as_of` of what `evidence` holds.
fn known_at(evidence: &Evidence, as_of: Instant) -> Cow<'_, Evidence> {
    if evidence.read_at <= as_of { Cow::Borrowed(evidence) } else { Cow::Owned(evidence.clone().as_of(as_of)) }
}
