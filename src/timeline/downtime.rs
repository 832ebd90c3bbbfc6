//! The other half of a failure: the time until service is back.

use crate::base::Span;
use crate::policy::{Scenario, Step};

/// The longest way through the runbook, each step beginning when all that it waits for is done. None if any step's time
/// is not known: a sum with a hole in it is no bound. An empty runbook takes no time.
pub fn critical_path(steps: &[Step], mut takes: impl FnMut(&Step) -> Option<Span>) -> Option<Span> {
    let mut done: Vec<Span> = Vec::with_capacity(steps.len());
    for step in steps {
        let ready = step.after.iter().filter_map(|i| done.get(*i)).max().copied().unwrap_or(Span::ZERO);
        done.push(ready + takes(step)?);
    }
    Some(done.into_iter().max().unwrap_or(Span::ZERO))
}

/// Downtime of one incident. Where writes go on, the service stands until somebody notices; otherwise it is down at once.
pub fn from_failure(scenario: &Scenario, noticed_after: Span, runbook_takes: Span) -> Span {
    if scenario.writes_continue { runbook_takes } else { noticed_after + runbook_takes }
}

/// The runbook as declared, at its longest; a scenario without one says nothing.
pub fn declared(scenario: &Scenario) -> Option<Span> {
    if scenario.runbook.is_empty() {
        return None;
    }
    critical_path(&scenario.runbook, |step| step.takes.declared_longest())
}
