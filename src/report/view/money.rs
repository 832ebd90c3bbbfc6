//! The simulation, the bill and the trade of cost against loss, as rows.

use serde::Serialize;

use super::super::chart::bill::AnnualCost;
use super::super::chart::cost::CostAgainstLoss;
use super::super::chart::exceedance::LossExceedance;
use super::super::chart::tornado::{Bar, Tornado};
use super::promises::Figure;
use super::{Inputs, clean, clean_option, plain, spelled};
use crate::base::quantity::{grouped, money};
use crate::base::{Instant, Span};
use crate::cost::{BillLine, PlanPoint, Tradeoff};
use crate::sim::{AssetResult, Estimate, Quantiles, ScenarioResult, Simulation};

#[derive(Debug, Clone, Serialize)]
pub struct SimulationView {
    /// `declared` or `observed`.
    pub basis: String,
    pub seed: u64,
    pub years: u64,
    pub incidents: u64,
    pub rows: Vec<SimulationRow>,
    pub annual: Option<AnnualView>,
    pub worst: Option<StoryView>,
}

/// One asset in one scenario; a scenario that touches no asset's data has a row of its own.
#[derive(Debug, Clone, Serialize)]
pub struct SimulationRow {
    pub scenario: String,
    pub title: String,
    pub asset: Option<String>,
    pub per_year: f64,
    pub loss: Option<Spread>,
    /// Share of incidents that lose everything.
    pub total_loss: Option<f64>,
    pub total_loss_give_or_take: Option<f64>,
    pub meets_rpo: Option<f64>,
    pub meets_rpo_give_or_take: Option<f64>,
    pub downtime: Option<Spread>,
    pub meets_rto: Option<f64>,
    pub meets_rto_give_or_take: Option<f64>,
    /// Expected money lost a year to the scenario; on its first row alone.
    pub annual_loss: Option<String>,
    pub annual_loss_give_or_take: Option<String>,
}

/// Each with the error of the simulation, as everywhere: twice the standard error, within which about 95 in 100 such
/// campaigns come out; none where there is none, or too few incidents tell it.
#[derive(Debug, Clone, Serialize)]
pub struct Spread {
    pub p50: Span,
    pub p50_give_or_take: Option<Span>,
    pub p95: Span,
    pub p95_give_or_take: Option<Span>,
    pub worst: Span,
}

#[derive(Debug, Clone, Serialize)]
pub struct AnnualView {
    /// Something that costs money could not be priced: the true figures are higher.
    pub at_least: bool,
    pub expected: String,
    pub give_or_take: String,
    pub p50: String,
    pub p50_give_or_take: Option<String>,
    pub p95: String,
    pub p95_give_or_take: Option<String>,
    pub p99: String,
    pub p99_give_or_take: Option<String>,
    pub tail_mean_95: String,
    pub tail_mean_95_give_or_take: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct StoryView {
    pub scenario: String,
    pub asset: Option<String>,
    pub failed_at: Instant,
    pub noticed_at: Instant,
    /// None where a step of the runbook has no known time.
    pub back_at: Option<Instant>,
    pub loss: Option<Figure>,
    pub money: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct MoneyView {
    pub currency: String,
    pub bill: Vec<BillRow>,
    pub bill_total: Option<String>,
    pub plans_tried: usize,
    /// Today's plan, the cheapest that complies, the least in sum, and some of the front between them.
    pub plans: Vec<PlanRow>,
    /// What to do and why, in five lines.
    pub recommendation: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct BillRow {
    pub protection: String,
    pub item: String,
    pub basis: String,
    pub amount: String,
    pub grade: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct PlanRow {
    pub label: String,
    /// What it takes to come to it from today's, without the words of those who run it.
    pub plainly: String,
    /// What it saves in sum, against today's; none where it saves nothing, or that cannot be said.
    pub saves: Option<String>,
    /// `today`, `cheapest that meets every objective`, `least cost and loss together`, `recommended`; empty for others on the front.
    pub roles: Vec<&'static str>,
    pub annual_cost: String,
    /// It can also lose everything, which has no declared amount: the true figures are higher.
    pub at_least: bool,
    pub expected_annual_loss: String,
    pub sum: String,
    pub worst_loss: Figure,
    /// Moving parts, credentials and manual steps.
    pub complexity: u32,
    /// Objectives that it misses by its own figures.
    pub misses: Vec<&'static str>,
}

/// Plans that answer no question are shown up to this many; the numbers of the chart hold them all.
const FRONT_MOST: usize = 8;

impl From<&Quantiles> for Spread {
    fn from(q: &Quantiles) -> Self {
        Spread {
            p50: q.p50,
            p50_give_or_take: twice(q.errors.p50),
            p95: q.p95,
            p95_give_or_take: twice(q.errors.p95),
            worst: q.worst,
        }
    }
}

fn twice(error: Option<Span>) -> Option<Span> {
    error.map(|error| error.saturating_mul(2)).filter(|error| *error > Span::ZERO)
}

/// Twice the standard error of an amount, without the currency before it. An error has no more than two digits that tell
/// something; it is rounded up.
fn give_or_take(amount: f64, standard_error: f64) -> Option<String> {
    let twice = 2.0 * standard_error;
    if !twice.is_finite() || twice <= 0.0 {
        return None;
    }
    let unit = 10_f64.powf(twice.log10().floor() - 1.0);
    let rounded = (twice / unit).ceil() * unit;
    Some(if amount.abs() < 100.0 { format!("{rounded:.2}") } else { grouped(rounded.round().max(1.0) as u64) })
}

/// The same of a share of all incidents; none where every incident came out alike.
fn of_share(share: Estimate) -> Option<f64> {
    Some(2.0 * share.standard_error).filter(|twice| *twice > 0.0)
}

pub fn simulation(simulation: &Simulation) -> SimulationView {
    let currency = simulation.annual.as_ref().map(|annual| clean(&annual.currency)).unwrap_or_default();
    let amount = |value: f64| money(value, &currency);
    SimulationView {
        basis: spelled(simulation.basis),
        seed: simulation.seed,
        years: simulation.years,
        incidents: simulation.incidents,
        rows: simulation.scenarios.iter().flat_map(|scenario| scenario_rows(scenario, &currency)).collect(),
        annual: simulation.annual.as_ref().map(|annual| AnnualView {
            at_least: annual.at_least,
            expected: amount(annual.expected.mean),
            give_or_take: amount(2.0 * annual.expected.standard_error),
            p50: amount(annual.p50),
            p50_give_or_take: annual.errors.p50.and_then(|error| give_or_take(annual.p50, error)),
            p95: amount(annual.p95),
            p95_give_or_take: annual.errors.p95.and_then(|error| give_or_take(annual.p95, error)),
            p99: amount(annual.p99),
            p99_give_or_take: annual.errors.p99.and_then(|error| give_or_take(annual.p99, error)),
            tail_mean_95: amount(annual.tail_mean_95),
            tail_mean_95_give_or_take: give_or_take(annual.tail_mean_95, annual.tail_mean_95_error),
        }),
        worst: simulation.worst.as_ref().map(|story| StoryView {
            scenario: clean(&story.scenario),
            asset: clean_option(story.asset.as_ref()),
            failed_at: story.failed_at,
            noticed_at: story.noticed_at,
            back_at: story.back_at,
            loss: story.loss.map(Figure::lost),
            money: story.money.map(amount),
        }),
    }
}

fn scenario_rows(scenario: &ScenarioResult, currency: &str) -> Vec<SimulationRow> {
    let row = |asset: Option<&AssetResult>| SimulationRow {
        scenario: clean(&scenario.scenario),
        title: clean(&scenario.title),
        asset: asset.map(|a| clean(&a.asset)),
        per_year: scenario.per_year,
        loss: asset.and_then(|a| a.loss_window.as_ref()).map(Spread::from),
        total_loss: asset.map(|a| a.total_loss.mean),
        total_loss_give_or_take: asset.and_then(|a| of_share(a.total_loss)),
        meets_rpo: asset.and_then(|a| a.meets_rpo).map(|e| e.mean),
        meets_rpo_give_or_take: asset.and_then(|a| a.meets_rpo).and_then(of_share),
        downtime: scenario.downtime.as_ref().map(Spread::from),
        meets_rto: scenario.meets_rto.map(|e| e.mean),
        meets_rto_give_or_take: scenario.meets_rto.and_then(of_share),
        annual_loss: None,
        annual_loss_give_or_take: None,
    };
    let mut rows: Vec<SimulationRow> = match scenario.assets.is_empty() {
        true => vec![row(None)],
        false => scenario.assets.iter().map(|asset| row(Some(asset))).collect(),
    };
    if let Some(first) = rows.first_mut() {
        first.annual_loss = scenario.annual_loss.map(|loss| money(loss.mean, currency));
        first.annual_loss_give_or_take =
            scenario.annual_loss.and_then(|loss| give_or_take(loss.mean, loss.standard_error));
    }
    rows
}

pub fn view(inputs: &Inputs<'_>) -> Option<MoneyView> {
    let currency = clean(inputs.bill.map(|b| &b.currency).or(inputs.tradeoff.map(|t| &t.currency))?);
    Some(MoneyView {
        bill: inputs.bill.iter().flat_map(|bill| &bill.lines).map(|line| bill_row(line, &currency)).collect(),
        bill_total: inputs.bill.map(|bill| money(bill.total, &currency)),
        plans_tried: inputs.tradeoff.map_or(0, |t| t.plans.len()),
        plans: inputs.tradeoff.map(plans).unwrap_or_default(),
        recommendation: inputs
            .tradeoff
            .iter()
            .flat_map(|t| &t.recommendation)
            .map(|l| super::super::text::sentence(&clean(l)))
            .collect(),
        currency,
    })
}

fn bill_row(line: &BillLine, currency: &str) -> BillRow {
    BillRow {
        protection: clean(&line.protection),
        item: clean(&line.item),
        basis: clean(&line.basis),
        amount: money(line.amount, currency),
        grade: spelled(line.grade),
    }
}

fn plans(tradeoff: &Tradeoff) -> Vec<PlanRow> {
    let roles = |index: usize| {
        let role = |of: Option<usize>, name: &'static str| (of == Some(index)).then_some(name);
        let all = [
            role(tradeoff.today, "today"),
            role(tradeoff.cheapest_compliant, "cheapest that meets every objective"),
            role(tradeoff.nearest, "nearest to the objectives"),
            role(tradeoff.least_total, "least cost and loss together"),
            role(tradeoff.recommended, "recommended"),
        ];
        all.into_iter().flatten().collect::<Vec<_>>()
    };
    let every = tradeoff.curve.len().div_ceil(FRONT_MOST).max(1);
    let some: Vec<usize> = tradeoff.curve.iter().copied().step_by(every).collect();
    let shown = |(index, _): &(usize, &PlanPoint)| !roles(*index).is_empty() || some.contains(index);
    let mut plans: Vec<(usize, &PlanPoint)> = tradeoff.plans.iter().enumerate().filter(shown).collect();
    plans.sort_by(|(_, a), (_, b)| a.annual_cost.total_cmp(&b.annual_cost));
    let amount = |value: f64| money(value, &tradeoff.currency);
    let today = tradeoff.plan(tradeoff.today).filter(|today| today.weighed);
    let row = |(index, plan): (usize, &PlanPoint)| PlanRow {
        label: clean(&plan.label),
        plainly: clean(&plain::plan(&plan.choice)),
        saves: today.map(|today| today.total() - plan.total()).filter(|saved| *saved > 0.0).map(amount),
        roles: roles(index),
        annual_cost: amount(plan.annual_cost),
        at_least: plan.unpriced_totals > 0.0,
        expected_annual_loss: amount(plan.expected_annual_loss),
        sum: amount(plan.total()),
        worst_loss: Figure::lost(plan.worst_loss),
        complexity: plan.complexity.total(),
        misses: plan.misses.clone(),
    };
    plans.into_iter().map(row).collect()
}

pub fn chart(tradeoff: &Tradeoff) -> Option<CostAgainstLoss> {
    if tradeoff.plans.is_empty() {
        return None;
    }
    let mut tradeoff = tradeoff.clone();
    for plan in &mut tradeoff.plans {
        plan.label = clean(&plan.label);
    }
    Some(CostAgainstLoss { tradeoff })
}

/// What moves today's total; none where nothing does, or no total can be said.
pub fn tornado(inputs: &Inputs<'_>) -> Option<Tornado> {
    let tradeoff = inputs.tradeoff.filter(|tradeoff| !tradeoff.sensitivity.is_empty())?;
    let today = tradeoff.plan(tradeoff.today)?.total();
    let bars = tradeoff.sensitivity.iter().map(|one| {
        let turns = [&one.turns_below, &one.turns_above].into_iter().flatten().map(|turn| turn.times);
        Bar {
            name: clean(&one.assumption.named(inputs.policy)),
            at_half: one.at_half,
            at_double: one.at_double,
            turns: turns.collect(),
        }
    });
    Some(Tornado { currency: clean(&tradeoff.currency), today, bars: bars.collect() })
}

/// How likely a year is to lose more than an amount; none where nothing that is lost has one.
pub fn exceedance(inputs: &Inputs<'_>) -> Option<LossExceedance> {
    let simulation = inputs.simulation?;
    let annual = simulation.annual.as_ref().filter(|annual| annual.exceedance.len() > 1)?;
    Some(LossExceedance {
        currency: clean(&annual.currency),
        years: simulation.years,
        at_least: annual.at_least,
        curve: annual.exceedance.clone(),
        half: annual.p50,
        one_in_twenty: annual.p95,
        one_in_a_hundred: annual.p99,
    })
}

/// What today's plan costs, by protection; none where it costs nothing that is known.
pub fn annual_cost(inputs: &Inputs<'_>) -> Option<AnnualCost> {
    let mut bill = inputs.bill.filter(|bill| bill.total > 0.0)?.clone();
    for line in &mut bill.lines {
        line.protection = clean(&line.protection);
    }
    Some(AnnualCost { bill })
}
