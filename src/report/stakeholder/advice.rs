//! What is recommended, argued with the amounts of the plans that were weighed.

use crate::report::View;
use crate::report::view::plain::objective;
use crate::report::view::{Figure, MoneyView, PlanRow};

pub fn lines(view: &View) -> Vec<String> {
    let mut lines = Vec::new();
    match &view.money {
        Some(money) if !money.plans.is_empty() => weighed(money, &mut lines),
        _ => lines.push("What another plan would cost cannot be said: no plan could be priced.".to_string()),
    }
    if view.drills.is_empty() {
        lines
            .push("Try a restore, and write down how long it took: without it nobody knows that it works.".to_string());
    }
    lines
}

fn weighed(money: &MoneyView, lines: &mut Vec<String>) {
    let role = |name: &str| money.plans.iter().find(|plan| plan.roles.contains(&name));
    let (today, best) = (role("today"), role("least cost and loss together"));
    if let Some(today) = today {
        let least = if today.at_least { "at least " } else { "" };
        lines.push(format!(
            "Today’s plan costs {} a year, and failures under it are expected to cost {least}{} if every copy and \
             every restore works: {least}{} together. (The average on the first page counts those that fail too.)",
            today.annual_cost, today.expected_annual_loss, today.sum
        ));
    }
    let meets = role("cheapest that meets every objective");
    // To give up what is kept today is no advice: it is told as what it would save.
    let gives_up = |plan: &PlanRow| {
        let kept = |name: &&&str| today.is_some_and(|today| !today.misses.contains(name));
        plan.misses.iter().filter(kept).map(|name| objective(name)).collect::<Vec<_>>()
    };
    let taken = role("recommended");
    match (today, taken) {
        (_, None) => {
            lines.push(
                "We recommend nothing yet: no plan could be weighed whole, since amounts are missing.".to_string(),
            );
        }
        (Some(today), Some(taken)) if today.roles == taken.roles => lines.push(format!(
            "We recommend to leave it as it is: none of the {} other plans that were tried does better.",
            money.plans_tried.saturating_sub(1)
        )),
        (_, Some(taken)) => recommend(today, taken, lines),
    }
    if let Some(cheaper) = best.filter(|best| taken.is_some_and(|taken| taken.roles != best.roles)) {
        lines.push(format!(
            "Cheaper in sum, {}, would be: {}. But that gives up: {}.",
            cheaper.sum,
            cheaper.plainly,
            gives_up(cheaper).join(", ")
        ));
    }
    lines.push(agreed(meets, role("nearest to the objectives"), taken));
}

fn recommend(today: Option<&PlanRow>, plan: &PlanRow, lines: &mut Vec<String>) {
    let saves = plan.saves.as_ref().map(|saves| format!(", {saves} less than today")).unwrap_or_default();
    lines.push(format!(
        "We recommend: {}. That costs {} a year, failures then cost {}: {} together{saves}.",
        plan.plainly, plan.annual_cost, plan.expected_annual_loss, plan.sum
    ));
    if let Some(today) = today.filter(|today| today.worst_loss != plan.worst_loss) {
        lines.push(format!(
            "The most that one failure can take goes from {} to {}.",
            taken(&today.worst_loss),
            taken(&plan.worst_loss)
        ));
    }
}

/// What it costs to do all that was agreed.
fn agreed(meets: Option<&PlanRow>, nearest: Option<&PlanRow>, best: Option<&PlanRow>) -> String {
    let same = |plan: &PlanRow| best.is_some_and(|best| best.roles == plan.roles);
    match (meets, nearest) {
        (Some(plan), _) if same(plan) => "That is also the cheapest plan that does all that was agreed.".to_string(),
        (Some(plan), _) => {
            format!("To do all that was agreed costs {} a year at the least: {}.", plan.annual_cost, plan.plainly)
        }
        (None, Some(plan)) => {
            let mut misses: Vec<&str> = plan.misses.iter().map(|name| objective(name)).collect();
            misses.dedup();
            format!(
                "No plan that was tried does all that was agreed. The nearest costs {} a year ({}); it still misses: {}.",
                plan.annual_cost,
                plan.plainly,
                misses.join(", ")
            )
        }
        (None, None) => "Whether any plan does all that was agreed cannot be said.".to_string(),
    }
}

fn taken(figure: &Figure) -> String {
    match figure {
        Figure::Span { text, .. } => format!("{text} of changes"),
        Figure::Total => "everything".to_string(),
        Figure::Unknown { .. } => "what nobody knows".to_string(),
    }
}
