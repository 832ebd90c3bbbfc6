//! What the plan costs a year and what it is expected to lose, before and after. Both sides are worked out from the same
//! instant and the same draws, so that what differs is the plan.

use super::value::Value;
use super::{Delta, Direction, Figure, Side};
use crate::base::Instant;
use crate::cost::{bill, expected};
use crate::policy::Policy;
use crate::sim::model::Model;
use crate::timeline::Basis;

/// Differences below this share are those of the last digits of a sum.
const NEGLIGIBLE: f64 = 1e-9;

pub fn deltas(before: &Side, after: &Side, as_of: Instant, unsaid: &mut Vec<String>) -> Vec<Delta> {
    let mut deltas = Vec::new();
    let costs = (cost(before, "before", unsaid), cost(after, "after", unsaid));
    deltas.extend(delta(Figure::Cost, "cost a year", costs.0, costs.1));
    let losses = (loss(before.policy, "before", as_of, unsaid), loss(after.policy, "after", as_of, unsaid));
    let priced = |loss: &Option<Loss>, policy: &Policy| match loss {
        Some(loss) => Value::Money { amount: loss.annual, currency: policy.currency.clone() },
        None => Value::Nothing,
    };
    let (was, now) = (priced(&losses.0, before.policy), priced(&losses.1, after.policy));
    deltas.extend(delta(Figure::ExpectedLoss, "expected loss a year", was, now));
    // No amount is declared for a total loss: its frequency is all that can be compared.
    if let (Some(was), Some(now)) = losses {
        let (was, now) = (Value::Number(was.unpriced_totals), Value::Number(now.unpriced_totals));
        deltas.extend(delta(Figure::ExpectedLoss, "total losses a year without a price", was, now));
    }
    deltas
}

/// What a year is expected to lose: money, and how many total losses that have no amount.
struct Loss {
    annual: f64,
    unpriced_totals: f64,
}

fn cost(side: &Side, when: &str, unsaid: &mut Vec<String>) -> Value {
    let Some(book) = side.book else { return Value::Nothing };
    let bill = bill::annual(side.policy, book, None);
    unsaid.extend(bill.unpriced.iter().map(|what| format!("not in the cost {when}: {what}")));
    Value::Money { amount: bill.total, currency: bill.currency }
}

/// None where nothing that is lost has a price, or where a time is not known: a sum without it would look better.
fn loss(policy: &Policy, when: &str, as_of: Instant, unsaid: &mut Vec<String>) -> Option<Loss> {
    let model = Model::new(policy, None, Basis::Declared, as_of);
    if !model.scenarios.iter().any(|hazard| hazard.rates.any()) {
        return None;
    }
    let unknown = model.scenarios.iter().find(|hazard| {
        let untimed = hazard.steps.iter().any(|step| step.takes.is_none());
        hazard.noticed_after.is_none() || (untimed && hazard.rates.downtime_per_hour.is_some())
    });
    if let Some(hazard) = unknown {
        let title = &hazard.scenario.title;
        unsaid
            .push(format!("the expected loss {when}: how long noticing or recovery takes is not declared for {title}"));
        return None;
    }
    let each = expected::of(&model);
    Some(Loss {
        annual: each.iter().map(|scenario| scenario.annual()).sum(),
        unpriced_totals: each.iter().map(|scenario| scenario.unpriced_totals).sum(),
    })
}

fn delta(figure: Figure, what: &str, before: Value, after: Value) -> Option<Delta> {
    let direction = match (amount(&before), amount(&after)) {
        (Some(a), Some(b)) if (a - b).abs() <= NEGLIGIBLE * a.abs().max(b.abs()) => return None,
        _ if before == after => return None,
        // Amounts in two currencies cannot be weighed.
        _ if currency(&before) != currency(&after) && before != Value::Nothing && after != Value::Nothing => {
            Direction::Other
        }
        (Some(a), Some(b)) if b > a => Direction::Worse,
        (Some(_), Some(_)) => Direction::Better,
        // What could be said and can be said no more.
        (Some(_), None) => Direction::Worse,
        _ => Direction::Other,
    };
    let by = Value::by(&before, &after);
    Some(Delta { figure, what: what.to_string(), before, after, by, direction })
}

fn amount(value: &Value) -> Option<f64> {
    match value {
        Value::Money { amount, .. } => Some(*amount),
        Value::Number(number) => Some(*number),
        _ => None,
    }
}

fn currency(value: &Value) -> Option<&str> {
    match value {
        Value::Money { currency, .. } => Some(currency),
        _ => None,
    }
}
