//! A simulation in words and tables, for people.

use super::errors;
use crate::base::Span;
use crate::base::quantity::{grouped, money};
use crate::policy::Policy;
use crate::report::table::{Set, Table};
use crate::report::text::harmless;
use crate::sim::{AnnualLoss, AssetResult, Estimate, Quantiles, ScenarioResult, Simulation, Story};
use crate::timeline::{Basis, Loss};

pub fn shown(policy: &Policy, simulation: &Simulation) -> String {
    let basis = match simulation.basis {
        Basis::Declared => "the plan as declared",
        Basis::Observed => "the record as observed",
    };
    let mut text = format!(
        "{}: {basis}, {} simulated years, {} incidents, seed {}\n\n{}",
        harmless(&policy.name),
        grouped(simulation.years),
        grouped(simulation.incidents),
        simulation.seed,
        table(policy, &simulation.scenarios).for_stdout()
    );
    if let Some(annual) = &simulation.annual {
        text.push_str(&in_a_year(annual));
    }
    text.push_str(
        "\nMonte Carlo errors of these figures, one standard error each (– where too few incidents came to say):\n",
    );
    text.push_str(&errors::table(&policy.currency, &simulation.scenarios).for_stdout());
    if let Some(worst) = &simulation.worst {
        text.push_str(&told(policy, worst));
    }
    text + &listed("Not said, or taken for granted:", &simulation.unsaid)
}

/// One row for each asset that a scenario strikes; times as median, 95 % of incidents, and worst.
fn table(policy: &Policy, scenarios: &[ScenarioResult]) -> Table {
    let mut table = Table::new(&[
        ("scenario", Set::Text),
        ("a year", Set::Number),
        ("downtime 50 / 95 / 100 %", Set::Number),
        ("within RTO", Set::Number),
        ("loses", Set::Text),
        ("loss window 50 / 95 / 100 %", Set::Number),
        ("within RPO", Set::Number),
        ("loss a year", Set::Number),
    ]);
    for scenario in scenarios {
        let head = [
            scenario.title.clone(),
            policy.scenario(&scenario.scenario).map_or(scenario.per_year.to_string(), |declared| declared.often()),
            scenario.downtime.as_ref().map_or("unknown".into(), quantiles),
            scenario.meets_rto.as_ref().map_or("–".into(), percent),
        ];
        let tail = scenario.annual_loss.map_or("–".into(), |loss| money(loss.mean, &policy.currency));
        if scenario.assets.is_empty() {
            let loses = if scenario.incidents == 0 { "–" } else { "nothing" };
            let rest = [loses.to_string(), "–".into(), "–".into(), tail];
            table.row(head.into_iter().chain(rest));
            continue;
        }
        for (index, asset) in scenario.assets.iter().enumerate() {
            let head = if index == 0 { head.clone() } else { Default::default() };
            let tail = if index == 0 { tail.clone() } else { String::new() };
            let rest = [asset.asset.clone(), window(asset), asset.meets_rpo.as_ref().map_or("–".into(), percent), tail];
            table.row(head.into_iter().chain(rest));
        }
    }
    table
}

fn quantiles(q: &Quantiles) -> String {
    format!("{} / {} / {}", coarse(q.p50), coarse(q.p95), coarse(q.worst))
}

/// To the minute from ten minutes on: more would be noise.
fn coarse(span: Span) -> Span {
    const MINUTE: i64 = 60_000;
    if span < Span::minutes(10) { span } else { Span((span.0 + MINUTE / 2) / MINUTE * MINUTE) }
}

fn window(asset: &AssetResult) -> String {
    match (&asset.loss_window, asset.total_loss.mean) {
        (Some(window), share) if share > 0.0 => format!("{}, all in {}", quantiles(window), percent(&asset.total_loss)),
        (Some(window), _) => quantiles(window),
        (None, _) => "everything".into(),
    }
}

fn percent(share: &Estimate) -> String {
    let value = share.mean * 100.0;
    // 100 % is said of nothing less than all.
    let decimals = if (99.0..100.0).contains(&value) || (value > 0.0 && value < 1.0) { 2 } else { 0 };
    let shown = format!("{value:.decimals$}");
    if value < 100.0 && shown.starts_with("100") { "> 99.99 %".into() } else { format!("{shown} %") }
}

fn in_a_year(annual: &AnnualLoss) -> String {
    let money = |amount| money(amount, &annual.currency);
    let at_least = if annual.at_least { "at least " } else { "" };
    let given = |amount: f64, error: Option<f64>| match error {
        Some(error) => format!("{} (± {})", money(amount), money(error)),
        None => format!("{} (error not known)", money(amount)),
    };
    format!(
        "\nExpected loss a year: {at_least}{} (standard error {}).\n\
         Half of all years lose less than {}; one year in 20 loses more than {}, on average {}; one in 100 more than {}.\n",
        money(annual.expected.mean),
        money(annual.expected.standard_error),
        given(annual.p50, annual.errors.p50),
        given(annual.p95, annual.errors.p95),
        given(annual.tail_mean_95, Some(annual.tail_mean_95_error)),
        given(annual.p99, annual.errors.p99),
    )
}

fn told(policy: &Policy, story: &Story) -> String {
    let title = policy.scenario(&story.scenario).map_or(story.scenario.as_str(), |s| s.title.as_str());
    let back = match story.back_at {
        Some(at) => format!("service back at {at}"),
        None => "when service was back cannot be said".into(),
    };
    let asset = story.asset.as_deref().unwrap_or("data");
    let lost = match story.loss {
        Some(Loss::Window(span)) if span > Span::ZERO => format!("; {} of writes to `{asset}` lost", coarse(span)),
        Some(Loss::Total) => format!("; `{asset}` lost for good"),
        _ => String::new(),
    };
    let cost = story.money.map_or(String::new(), |amount| format!("; {}", money(amount, &policy.currency)));
    let line = format!("{title} at {}, noticed at {}, {back}{lost}{cost}", story.failed_at, story.noticed_at);
    format!("\nThe incident that hurt most: {}.\n", harmless(&line))
}

/// A heading and its lines, or nothing.
pub fn listed(heading: &str, lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{heading}\n");
    for line in lines {
        text.push_str(&format!("  - {}\n", harmless(line)));
    }
    text
}
