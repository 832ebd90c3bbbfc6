//! The bill, the plans and what moves the answer, as tables for people.

use crate::base::quantity::money;
use crate::cost::advice::times;
use crate::cost::{Assumption, Bill, Grade, PlanPoint, Tradeoff};
use crate::policy::{LossRates, Policy};
use crate::report::table::{Set, Table};
use crate::timeline::Loss;

/// Plans on the front that answer no question are shown up to this many; `--all` shows them all.
const FRONT_MOST: usize = 12;

pub fn plans(tradeoff: &Tradeoff, all: bool) -> Table {
    let mut table = Table::new(&[
        ("plan", Set::Text),
        ("cost", Set::Number),
        ("expected loss", Set::Number),
        ("together", Set::Number),
        ("one more buys", Set::Number),
        ("worst loss", Set::Number),
        ("complexity", Set::Number),
        ("misses", Set::Text),
        ("", Set::Text),
    ]);
    for (index, plan) in worth_showing(tradeoff, all) {
        let amount = |amount| money(amount, &tradeoff.currency);
        let unpriced = if plan.unpriced_totals > 0.0 { " and total losses" } else { "" };
        table.row([
            plan.label.clone(),
            amount(plan.annual_cost),
            amount(plan.expected_annual_loss) + unpriced,
            amount(plan.total()) + unpriced,
            match (tradeoff.beaten_by(index), tradeoff.one_more_buys(index)) {
                (Some(_), _) => "beaten".to_string(),
                (None, Some(step)) => format!("{:.2}", step.each()),
                (None, None) => String::new(),
            },
            match plan.worst_loss {
                Loss::Window(span) => span.to_string(),
                Loss::Total => "everything".into(),
            },
            plan.complexity.total().to_string(),
            plan.misses.join(", "),
            marks(tradeoff, index).join(", "),
        ]);
    }
    table
}

/// By rising cost: what answers a question, and of the front as many as a screen takes, evenly.
fn worth_showing(tradeoff: &Tradeoff, all: bool) -> Vec<(usize, &PlanPoint)> {
    let every = tradeoff.curve.len().div_ceil(FRONT_MOST).max(1);
    let some: Vec<usize> = tradeoff.curve.iter().copied().step_by(every).collect();
    let mut shown: Vec<(usize, &PlanPoint)> = tradeoff.plans.iter().enumerate().collect();
    shown.retain(|(index, _)| all || some.contains(index) || !roles(tradeoff, *index).is_empty());
    shown.sort_by(|(_, a), (_, b)| a.annual_cost.total_cmp(&b.annual_cost));
    shown
}

fn roles(tradeoff: &Tradeoff, index: usize) -> Vec<&'static str> {
    let is = |which: Option<usize>| which == Some(index);
    [
        (is(tradeoff.today), "today"),
        (is(tradeoff.cheapest_compliant), "cheapest that meets every objective"),
        (is(tradeoff.nearest), "nearest to the objectives"),
        (is(tradeoff.least_total), "least in all"),
    ]
    .into_iter()
    .filter(|(marked, _)| *marked)
    .map(|(_, mark)| mark)
    .collect()
}

fn marks(tradeoff: &Tradeoff, index: usize) -> Vec<&'static str> {
    let mut marks = roles(tradeoff, index);
    marks.extend(tradeoff.front.contains(&index).then_some("front"));
    marks
}

pub fn assumptions(policy: &Policy, tradeoff: &Tradeoff) -> Table {
    let mut table = Table::new(&[
        ("assumption", Set::Text),
        ("declared", Set::Number),
        ("at half", Set::Number),
        ("at double", Set::Number),
        ("turns at", Set::Text),
    ]);
    let amount = |amount| money(amount, &tradeoff.currency);
    for one in &tradeoff.sensitivity {
        let (what, declared) = (one.assumption.named(policy), declared(policy, &one.assumption));
        let turns = [&one.turns_below, &one.turns_above].into_iter().flatten();
        let turns: Vec<String> = turns.map(|turn| format!("{} of it: {}", times(turn.times), turn.to)).collect();
        let turns = if turns.is_empty() { "never".to_string() } else { turns.join("; ") };
        table.row([what, declared, amount(one.at_half), amount(one.at_double), turns]);
    }
    table
}

/// What is declared, where it is one figure.
fn declared(policy: &Policy, assumption: &Assumption) -> String {
    let rate = |of: fn(&LossRates) -> f64| {
        let policys = policy.losses.as_ref().map(of);
        policys.map_or("by asset".to_string(), |rate| format!("{} an hour", money(rate, &policy.currency)))
    };
    match assumption {
        Assumption::Frequency(name) => {
            policy.scenario(name).map_or(String::new(), |scenario| format!("{} a year", scenario.per_year.value))
        }
        Assumption::Downtime => rate(|rates| rates.downtime_per_hour.value),
        Assumption::LostData => rate(|rates| rates.data_per_hour.value),
        Assumption::FixedCosts => "by scenario".into(),
        Assumption::Prices | Assumption::UnverifiedPrices => "the book".into(),
    }
}

pub fn billed(bill: &Bill) -> Table {
    let columns = [("protection", Set::Text), ("for", Set::Text), ("a year", Set::Number), ("how", Set::Text)];
    let mut table = Table::new(&columns);
    for line in &bill.lines {
        let mark = if line.grade == Grade::Unverified { " (*)" } else { "" };
        let amount = money(line.amount, &bill.currency) + mark;
        table.row([line.protection.clone(), line.item.clone(), amount, line.basis.clone()]);
    }
    table
}
