//! The verdict in a sentence, and the few sentences under it: for a reader who has ten seconds.

use super::super::text::{count, sentence};
use super::promises::badness;
use super::{Changes, Inputs, clean};
use crate::audit::{Audit, Cell, Finding, Measure, Verdict};
use crate::base::quantity::money;
use crate::policy::Policy;
use crate::timeline::Loss;

/// Findings of a verdict that no waiver accepts.
fn open(audit: &Audit, verdict: Verdict) -> impl Iterator<Item = &Finding> {
    audit.findings.iter().filter(move |f| f.verdict == verdict && f.waived.is_none())
}

pub fn headline(policy: &Policy, audit: &Audit) -> String {
    let name = clean(&policy.name);
    let (breached, unproven) = (open(audit, Verdict::Breached).count(), open(audit, Verdict::Unproven).count());
    let promises = |n: usize| count(n, "promise", "promises");
    match audit.verdict {
        Verdict::Breached if unproven > 0 => {
            format!("{name} breaks {} and cannot prove {unproven} more.", promises(breached))
        }
        Verdict::Breached => format!("{name} breaks {}.", promises(breached)),
        Verdict::Unproven if unproven > 0 => {
            format!("{name} cannot prove {}; none is known to be broken.", promises(unproven))
        }
        Verdict::Unproven => format!("{name} cannot prove that it keeps its promises; none is known to be broken."),
        Verdict::Met => format!("{name} keeps its promises, and there is evidence for each."),
    }
}

pub fn lead(inputs: &Inputs<'_>, changes: Option<&Changes>) -> Vec<String> {
    let mut lead: Vec<String> = Vec::new();
    lead.extend(worst_loss(inputs.audit));
    lead.extend(recovery(inputs));
    lead.extend(cost(inputs));
    lead.extend(changes.map(|changes| changes.sentence.clone()));
    let waived = inputs.audit.findings.iter().filter(|f| f.waived.is_some()).count();
    if waived > 0 {
        lead.push(format!(
            "{} by somebody until a date.",
            count(waived, "finding is accepted", "findings are accepted")
        ));
    }
    lead
}

/// The longest loss of any cell, as declared or as observed, whichever is worse: a short record hides no declared loss.
fn worst_loss(audit: &Audit) -> Option<String> {
    let order = |a: &&Cell, b: &&Cell| badness(a).partial_cmp(&badness(b)).unwrap_or(std::cmp::Ordering::Equal);
    let cell = audit.cells.iter().rev().max_by(order)?;
    let known = |measure: &Measure<Loss>| match measure {
        Measure::Known(loss) => Some(*loss),
        Measure::Unknown(_) => None,
    };
    let (observed, declared) = (known(&cell.observed_loss), known(&cell.declared_loss));
    let (loss, how) = match (observed, declared) {
        (Some(observed), declared) if Some(observed) >= declared => (observed, "could have been lost".to_string()),
        (Some(Loss::Window(observed)), Some(declared)) => {
            (declared, format!("can be lost as the plan is declared ({observed} at most in the time on record)"))
        }
        (_, declared) => (declared?, "can be lost as the plan is declared".to_string()),
    };
    let (asset, title) = (clean(&cell.asset), clean(&cell.title));
    let allowed = cell.rpo.map(|rpo| format!(", where {rpo} is allowed")).unwrap_or_default();
    Some(match loss {
        Loss::Total => format!("The worst case, {title}, loses all of {asset}{allowed}."),
        Loss::Window(span) => format!("In the worst case, {title}, {span} of writes to {asset} {how}{allowed}."),
    })
}

fn recovery(inputs: &Inputs<'_>) -> Option<String> {
    let drills = &inputs.evidence?.drills;
    let passed = drills.iter().filter(|drill| drill.passed()).count();
    let longest = drills.iter().filter(|drill| drill.passed()).max_by_key(|drill| drill.took());
    Some(match (drills.len(), longest) {
        (n, Some(drill)) if !drill.timed() => {
            format!(
                "{passed} of {} succeeded; how long they took is not recorded.",
                count(n, "restore drill", "restore drills")
            )
        }
        (0, _) => "No restore drill is on record, so no time to recover is proven.".to_string(),
        (n, None) => {
            format!("{} on record, and none succeeded.", sentence(&count(n, "restore drill is", "restore drills are")))
        }
        (n, Some(drill)) => format!(
            "{passed} of {} succeeded; the longest took {}.",
            count(n, "restore drill", "restore drills"),
            drill.took()
        ),
    })
}

fn cost(inputs: &Inputs<'_>) -> Option<String> {
    let annual = inputs.simulation.and_then(|s| s.annual.as_ref());
    let lost = annual.map(|annual| money(annual.expected.mean, &annual.currency));
    let bill = inputs.bill.map(|bill| money(bill.total, &bill.currency));
    match (bill, lost) {
        (Some(bill), Some(lost)) => {
            Some(format!("The plan costs {bill} a year; its simulated failures cost {lost} a year."))
        }
        (Some(bill), None) => Some(format!("The plan costs {bill} a year; what its failures cost is not declared.")),
        (None, Some(lost)) => Some(format!("Its simulated failures cost {lost} a year.")),
        (None, None) => None,
    }
}
