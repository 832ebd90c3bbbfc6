//! The other half of a failure: the time until service is back.

use super::shared;
use crate::base::Span;
use crate::policy::{Scenario, Step};

/// Steps whose ends are kept on the stack: no runbook that people follow has more.
const FEW: usize = 16;

/// The longest way through the runbook, each step beginning when all that it waits for is done, and sharing what it
/// shares. None if any step's time is not known: a sum with a hole in it is no bound. An empty runbook takes no time.
pub fn critical_path(steps: &[Step], mut takes: impl FnMut(&Step) -> Option<Span>) -> Option<Span> {
    if steps.iter().any(|step| step.uses.is_some()) {
        let takes = steps.iter().map(takes).collect::<Option<Vec<Span>>>()?;
        return Some(shared::finish(steps, &takes));
    }
    let (mut few, mut many) = ([Span::ZERO; FEW], Vec::new());
    let ends = match few.get_mut(..steps.len()) {
        Some(ends) => ends,
        None => {
            many.resize(steps.len(), Span::ZERO);
            many.as_mut_slice()
        }
    };
    let mut last = Span::ZERO;
    for (index, step) in steps.iter().enumerate() {
        let ready = step.after.iter().filter_map(|before| ends.get(*before)).max().copied().unwrap_or(Span::ZERO);
        let end = ready + takes(step)?;
        if let Some(own) = ends.get_mut(index) {
            *own = end;
        }
        last = last.max(end);
    }
    Some(last)
}

/// Downtime of one incident. Where writes go on, the service stands until somebody notices; otherwise it is down at once.
#[inline]
pub fn from_failure(scenario: &Scenario, noticed_after: Span, runbook_takes: Span) -> Span {
    after_notice(scenario.writes_continue, noticed_after, runbook_takes)
}

#[inline]
pub fn after_notice(writes_continue: bool, noticed_after: Span, runbook_takes: Span) -> Span {
    if writes_continue { runbook_takes } else { noticed_after + runbook_takes }
}

/// The runbook as declared, at its longest; a scenario without one says nothing.
pub fn declared(scenario: &Scenario) -> Option<Span> {
    if scenario.runbook.is_empty() {
        return None;
    }
    critical_path(&scenario.runbook, |step| step.takes.declared_longest())
}
