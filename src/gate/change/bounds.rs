//! What the plan allows at worst, before and after: the loss of each asset in each scenario, the downtime of each scenario.

use super::value::Value;
use super::{Delta, Direction, Figure, Side};
use crate::audit::Measure;
use crate::base::Span;
use crate::policy::Scenario;
use crate::timeline::downtime;

pub fn deltas(before: &Side, after: &Side) -> Vec<Delta> {
    let (old, new) = (before.policy, after.policy);
    let mut deltas = Vec::new();
    for was in &before.audit.cells {
        let Measure::Known(loss) = was.declared_loss else { continue };
        // An asset or a scenario that is gone is told as such.
        if new.asset(&was.asset).is_none() || new.scenario(&was.scenario).is_none() {
            continue;
        }
        let now = after.audit.cells.iter().find(|now| now.asset == was.asset && now.scenario == was.scenario);
        let now = now.and_then(|now| match now.declared_loss {
            Measure::Known(loss) => Some(loss),
            Measure::Unknown(_) => None,
        });
        let what = format!("loss of `{}`: {}", was.asset, was.title);
        deltas.extend(match now {
            Some(now) if now == loss => None,
            Some(now) if now > loss => Some(delta(what, loss.into(), now.into(), Direction::Worse)),
            Some(now) => Some(delta(what, loss.into(), now.into(), Direction::Better)),
            // The scenario strikes it no more, by its declaration: whether that is true nobody can see here.
            None => Some(delta(what, loss.into(), Value::Nothing, Direction::Worse)),
        });
    }
    for scenario in &new.scenarios {
        let Some(was) = old.scenario(&scenario.name) else { continue };
        let (was, now) = (longest_downtime(was), longest_downtime(scenario));
        if was == now {
            continue;
        }
        // Not to say how long it takes is worse than any time.
        let longest = |declared: Option<Span>| declared.unwrap_or(Span(i64::MAX));
        let direction = if longest(now) > longest(was) { Direction::Worse } else { Direction::Better };
        let value = |declared: Option<Span>| declared.map_or(Value::Nothing, Value::Span);
        deltas.push(delta(format!("downtime: {}", scenario.title), value(was), value(now), direction));
    }
    deltas
}

/// As the plan's own runbook has it, from the failure on.
fn longest_downtime(scenario: &Scenario) -> Option<Span> {
    let noticed_after = scenario.noticed_after.declared_longest().unwrap_or_default();
    downtime::declared(scenario).map(|path| downtime::from_failure(scenario, noticed_after, path))
}

fn delta(what: String, before: Value, after: Value, direction: Direction) -> Delta {
    let by = Value::by(&before, &after);
    Delta { figure: Figure::Bound, what, before, after, by, direction }
}
