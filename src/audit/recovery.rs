//! The time to service in one scenario: as the runbook declares it, and with the steps that drills have measured.

use super::{Known, Measure, Verdict};
use crate::base::{Instant, Span};
use crate::policy::{Duration, Placed, Policy, Scenario, Step};
use crate::timeline::{Failure, downtime};

/// Drills older than this say nothing any more, whatever the plan asks.
const DRILLS_COUNT_FOR: Span = Span::days(366);

pub struct Recovery<'a> {
    pub scenario: &'a Scenario,
    /// The strictest that holds for any asset that the scenario strikes.
    pub rto: Option<Placed<Span>>,
    /// The longest that the policy declares.
    pub noticed_after: Span,
    pub declared: Option<Span>,
    pub drilled: Measure<Span>,
    pub measured: Vec<Measured>,
    /// Measured steps without a drill that is as recent as the plan asks.
    pub unproven: Vec<String>,
    /// Steps that no drill times, since the runbook gives them a time of its own.
    pub assumed: Vec<String>,
}

/// A runbook step as drills have timed it.
pub struct Measured {
    pub step: String,
    /// The longest of them, scaled up to the asset's size.
    pub took: Span,
    pub drills: Vec<String>,
    pub scaled: bool,
}

impl<'a> Recovery<'a> {
    pub(super) fn of(policy: &'a Policy, evidence: Option<&Known>, scenario: &'a Scenario, as_of: Instant) -> Self {
        let noticed_after = scenario.noticed_after.declared_longest().unwrap_or_default();
        let (mut measured, mut unproven, mut assumed) = (Vec::new(), Vec::new(), Vec::new());
        for step in &scenario.runbook {
            let Duration::Measured { phase, .. } = &step.takes.value else {
                assumed.push(step.name.clone());
                continue;
            };
            let found = evidence.and_then(|evidence| measure(policy, evidence, step, phase, as_of));
            if !found.as_ref().is_some_and(|(_, recent)| *recent) {
                unproven.push(step.name.clone());
            }
            measured.extend(found.map(|(measured, _)| measured));
        }
        let took = |step: &Step| measured.iter().find(|m| m.step == step.name).map(|m| m.took);
        let path = |step: &Step| {
            took(step).or_else(|| match &step.takes.value {
                Duration::Measured { .. } => None,
                other => other.declared_longest(),
            })
        };
        let drilled = match downtime::critical_path(&scenario.runbook, path) {
            _ if evidence.is_none() => Measure::Unknown("no evidence was read".to_string()),
            _ if scenario.runbook.is_empty() => Measure::Unknown("the scenario has no runbook".to_string()),
            _ if measured.is_empty() && unproven.is_empty() => {
                Measure::Unknown("no step of the runbook is measured".to_string())
            }
            Some(path) => Measure::Known(downtime::from_failure(scenario, noticed_after, path)),
            None => Measure::Unknown(format!("no drill has timed {}", quoted(&unproven))),
        };
        Recovery {
            scenario,
            rto: strictest(policy, scenario, noticed_after),
            noticed_after,
            declared: downtime::declared(scenario).map(|path| downtime::from_failure(scenario, noticed_after, path)),
            drilled,
            measured,
            unproven,
            assumed,
        }
    }

    /// The failure as it strikes any asset.
    pub fn failure(&self, policy: &Policy) -> Failure {
        Failure::of_any(policy, self.scenario, self.noticed_after, self.restore_takes())
    }

    /// From noticing until the restore is over: points must live that long. Where the runbook says nothing, only the
    /// instant of noticing can be asked for.
    pub fn restore_takes(&self) -> Span {
        let from_noticing = |total: Span| match self.scenario.writes_continue {
            true => total,
            false => total - self.noticed_after,
        };
        let drilled = match &self.drilled {
            Measure::Known(total) => Some(*total),
            Measure::Unknown(_) => None,
        };
        drilled.max(self.declared).map_or(Span::ZERO, from_noticing)
    }

    pub fn verdict(&self, whole: bool) -> Verdict {
        let Some(rto) = &self.rto else { return Verdict::Unproven };
        let exceeds = |total: Span| total > rto.value;
        match (&self.drilled, self.declared.is_some_and(exceeds)) {
            (_, true) => Verdict::Breached,
            (Measure::Known(drilled), _) if exceeds(*drilled) => Verdict::Breached,
            (Measure::Known(_), _) if whole && self.unproven.is_empty() => Verdict::Met,
            _ => Verdict::Unproven,
        }
    }
}

/// Names as a reader takes them in: `a`, `b` and `c`.
pub fn quoted<T: AsRef<str>>(names: &[T]) -> String {
    let all: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    match all.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}

fn strictest(policy: &Policy, scenario: &Scenario, noticed_after: Span) -> Option<Placed<Span>> {
    let failure = Failure::of_any(policy, scenario, noticed_after, Span::ZERO);
    let struck = policy.assets.iter().filter(|asset| failure.would_strike(scenario, asset));
    let asked: Vec<_> = struck.map(|asset| policy.objective_for(asset, Some(scenario)).rto).collect();
    if asked.is_empty() {
        return scenario.objective.or(&policy.objective).rto;
    }
    asked.into_iter().flatten().min_by_key(|rto| rto.value)
}

/// The longest that good drills of the last year took for `phase`, and whether one of them is as recent as asked.
fn measure(policy: &Policy, evidence: &Known, step: &Step, phase: &str, as_of: Instant) -> Option<(Measured, bool)> {
    let asset = policy.asset(&step.asset.as_ref()?.value)?;
    let size = asset.size.as_ref().map(|size| size.value.0);
    let asked = policy.objective_for(asset, None).drill_every.map_or(DRILLS_COUNT_FOR, |every| every.value);
    let mut best: Option<(Measured, bool)> = None;
    for drill in evidence.drills_of(&asset.name).iter().filter(|d| d.passed()) {
        let age = as_of - drill.ended_at;
        let Some((took, scaled)) = drill.phase_at(phase, size) else { continue };
        if age > DRILLS_COUNT_FOR || age < Span::ZERO {
            continue;
        }
        let (measured, recent) =
            best.get_or_insert_with(|| (Measured { step: step.name.clone(), took, drills: Vec::new(), scaled }, false));
        measured.drills.push(drill.id.clone());
        *recent |= age <= asked;
        if took > measured.took {
            (measured.took, measured.scaled) = (took, scaled);
        }
    }
    best
}
