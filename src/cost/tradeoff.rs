//! Cost against loss over a space of plans.

use std::collections::BTreeSet;

use serde::Serialize;

use super::expected::OfScenario;
use super::front::{self, Figures};
use super::sensitivity::{Assumption, Part, Sensitivity};
use super::space::{Choice, Space};
use super::variant::{Schedules, pace_of};
use super::weighed::{self, Weighed};
use super::{Bill, Grade, PriceBook, advice, bill, sensitivity};
use crate::base::{Instant, Span};
use crate::evidence::Evidence;
use crate::policy::{Policy, written};
use crate::timeline::Loss;

#[derive(Debug, Clone, Serialize)]
pub struct Tradeoff {
    pub currency: String,
    pub plans: Vec<PlanPoint>,
    /// Indices of the Pareto front of annual cost, expected annual loss and complexity, by rising cost.
    pub front: Vec<usize>,
    /// The same of cost and loss alone: a part of the front.
    pub curve: Vec<usize>,
    pub today: Option<usize>,
    /// Cheapest plan that meets every objective.
    pub cheapest_compliant: Option<usize>,
    /// Where none does: of those that miss the fewest the one with the least cost plus expected loss.
    pub nearest: Option<usize>,
    /// Plan with the least cost plus expected loss.
    pub least_total: Option<usize>,
    /// What to do: the least total, unless it gives up an objective that today's plan keeps; then the cheapest that meets
    /// them all.
    pub recommended: Option<usize>,
    /// Objectives that every plan of the space misses: nothing that varies in it can change them.
    pub missed_by_all: Vec<&'static str>,
    /// The assumptions that the answer rests on, the one that moves it most first.
    pub sensitivity: Vec<Sensitivity>,
    /// What to do and why, in five lines with their numbers.
    pub recommendation: Vec<String>,
    /// What cannot be said, and why.
    pub unsaid: Vec<String>,
}

/// One plan with its price and what it is expected to lose.
#[derive(Debug, Clone, Serialize)]
pub struct PlanPoint {
    /// What differs from today's plan, short and readable: `snapshots every 6 h, copies in off-site`.
    pub label: String,
    pub choice: Choice,
    /// The longest time between two snapshots of it.
    pub snapshot_every: Option<Span>,
    /// Money a year.
    pub annual_cost: f64,
    pub expected_annual_loss: f64,
    /// Total losses a year that have no declared amount, and so are in no money.
    pub unpriced_totals: f64,
    /// Whether it can be weighed against others: nothing of its cost or loss is without a figure that others have.
    pub weighed: bool,
    /// Worst declared loss window over assets and scenarios.
    pub worst_loss: Loss,
    pub complexity: Complexity,
    /// Objectives that it misses by its own figures.
    pub misses: Vec<&'static str>,
    /// What of cost and expected loss grows in proportion to which assumption.
    pub parts: Vec<Part>,
}

/// What has to be known, kept and done by people: counted, not felt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Complexity {
    /// Protections.
    pub moving_parts: u32,
    pub credentials: u32,
    /// Steps of runbooks, and runs that somebody starts by hand.
    pub manual_steps: u32,
}

impl Complexity {
    pub fn of(plan: &Policy) -> Complexity {
        let by_hand = |p: &&crate::policy::Protection| {
            p.scheduler.as_ref().is_some_and(|s| s.value == crate::policy::Scheduler::Manual)
        };
        let steps: usize = plan.scenarios.iter().map(|s| s.runbook.len()).sum();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Complexity {
            moving_parts: count(plan.protections.len()),
            credentials: count(plan.credentials.len()),
            manual_steps: count(steps + plan.protections.iter().filter(by_hand).count()),
        }
    }

    pub fn total(self) -> u32 {
        self.moving_parts.saturating_add(self.credentials).saturating_add(self.manual_steps)
    }
}

impl PlanPoint {
    /// Cost and expected loss together, a year.
    pub fn total(&self) -> f64 {
        self.annual_cost + self.expected_annual_loss
    }

    pub fn meets(&self) -> bool {
        self.misses.is_empty()
    }

    fn figures(&self) -> Figures {
        Figures { cost: self.annual_cost, loss: self.expected_annual_loss, complexity: self.complexity.total() }
    }
}

/// Prices today's plan and the space of plans around it, on as many threads as the machine has: how many is no matter.
pub fn explore(policy: &Policy, book: &PriceBook, evidence: Option<&Evidence>, as_of: Instant) -> Tradeoff {
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    explore_on(threads, policy, book, evidence, as_of)
}

pub fn explore_on(
    threads: usize,
    policy: &Policy,
    book: &PriceBook,
    evidence: Option<&Evidence>,
    as_of: Instant,
) -> Tradeoff {
    let mut tradeoff = Tradeoff::empty(policy);
    if let Some(why) = cannot_weigh(policy, book) {
        tradeoff.recommendation = vec![format!("nothing can be recommended: {why}")];
        tradeoff.unsaid.push(why);
        return tradeoff;
    }
    let today = bill::annual(policy, book, evidence);
    tradeoff.unsaid.extend(today.unpriced.iter().map(|what| format!("not in any cost: {what}")));
    if today.rests_on_unverified() {
        tradeoff.unsaid.push("costs rest on prices that nobody has verified; the bill marks them".into());
    }
    tradeoff.unsaid.push(format!("plans are compared as if every run and every restore worked: {}", drilled(evidence)));
    let space = Space::of(policy, book, &mut tradeoff.unsaid);
    let (plans, left_out) = different(policy, &space);
    if left_out > 0 {
        tradeoff.unsaid.push(format!(
            "{left_out} combinations are left out: a snapshot would take longer than the time between two, or a lock would \
             outlast what it locks"
        ));
    }
    let weighed = weighed::all(threads, &plans, evidence, as_of);
    let bills = weighed::each(threads, &plans, |(_, plan)| bill::annual(plan, book, evidence));
    for (((choice, plan), lost), bill) in plans.into_iter().zip(weighed).zip(bills) {
        tradeoff.add(point(choice, &plan, &lost, &bill, as_of), &lost);
    }
    tradeoff.today = (!tradeoff.plans.is_empty()).then_some(0);
    tradeoff.choose();
    tradeoff.sensitivity = sensitivity::of(&tradeoff);
    tradeoff.recommendation = advice::lines(&tradeoff, policy);
    tradeoff
}

/// Why no restore is taken to fail.
fn drilled(evidence: Option<&Evidence>) -> String {
    match evidence.map(|evidence| evidence.drills.len()) {
        None => "there is no evidence of how often they do".into(),
        Some(0) => "no drill is recorded".into(),
        Some(1) => "one drill does not say how often they do".into(),
        Some(n) => format!("what {n} recorded drills leave possible is in the simulation alone"),
    }
}

/// Why cost and loss of this policy cannot be weighed at all.
fn cannot_weigh(policy: &Policy, book: &PriceBook) -> Option<String> {
    let assets_priced = policy.assets.iter().all(|asset| asset.losses.is_some());
    if policy.losses.is_none() && !assets_priced {
        return Some("the policy declares no loss rates: cost cannot be weighed against loss".into());
    }
    (book.currency != policy.currency).then(|| {
        format!(
            "prices are in {}, losses in {}: they cannot be weighed without a rate of exchange",
            book.currency, policy.currency
        )
    })
}

/// The plans of the space, each once, today's first; and how many combinations are no plan.
fn different(policy: &Policy, space: &Space) -> (Vec<(Choice, Policy)>, usize) {
    let mut seen = BTreeSet::new();
    let (mut plans, mut left_out, mut schedules) = (vec![], 0, Schedules::default());
    for choice in std::iter::once(Choice::declared()).chain(space.choices()) {
        let Some(plan) = choice.of_with(policy, &mut schedules) else {
            left_out += 1;
            continue;
        };
        if seen.insert((written::lines(&plan, &[]), written::drills(&plan))) {
            plans.push((choice, plan));
        }
    }
    (plans, left_out)
}

fn point(choice: Choice, plan: &Policy, lost: &Weighed, bill: &Bill, as_of: Instant) -> PlanPoint {
    PlanPoint {
        label: choice.label(),
        choice,
        snapshot_every: pace_of(plan, as_of),
        annual_cost: bill.total,
        expected_annual_loss: lost.expected.iter().map(OfScenario::annual).sum(),
        unpriced_totals: lost.expected.iter().map(|one| one.unpriced_totals).sum(),
        weighed: bill.whole,
        worst_loss: lost.worst_loss,
        complexity: Complexity::of(plan),
        misses: lost.misses.iter().copied().collect(),
        parts: parts(bill, &lost.expected),
    }
}

/// A dearer plan, and how much less it loses for each unit of money more.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Step {
    pub to: usize,
    pub costs_more: f64,
    pub saves: f64,
}

impl Step {
    /// What one more unit of money buys.
    pub fn each(&self) -> f64 {
        self.saves / self.costs_more
    }
}

impl Tradeoff {
    fn empty(policy: &Policy) -> Tradeoff {
        Tradeoff {
            currency: policy.currency.clone(),
            plans: vec![],
            front: vec![],
            curve: vec![],
            today: None,
            cheapest_compliant: None,
            nearest: None,
            least_total: None,
            recommended: None,
            missed_by_all: vec![],
            sensitivity: vec![],
            recommendation: vec![],
            unsaid: vec![],
        }
    }

    pub fn plan(&self, index: Option<usize>) -> Option<&PlanPoint> {
        self.plans.get(index?)
    }

    /// What one more unit of money buys at a plan: the dearer plan that saves the most for each unit that it costs more.
    /// None where no dearer plan loses less, where one that is no dearer does, or where the plan cannot be weighed.
    pub fn one_more_buys(&self, index: usize) -> Option<Step> {
        let here = self.plans.get(index).filter(|plan| plan.weighed && self.beaten_by(index).is_none())?;
        let step = |(to, plan): (usize, &PlanPoint)| {
            let (costs_more, saves) =
                (plan.annual_cost - here.annual_cost, here.expected_annual_loss - plan.expected_annual_loss);
            (plan.weighed && costs_more > 0.0 && saves > 0.0).then_some(Step { to, costs_more, saves })
        };
        // Of equals the nearest, then the first.
        let better = |a: &Step, b: &Step| a.each().total_cmp(&b.each()).then(b.costs_more.total_cmp(&a.costs_more));
        self.plans.iter().enumerate().filter_map(step).reduce(|a, b| if better(&b, &a).is_gt() { b } else { a })
    }

    /// The plan that loses the least of those that cost no more, if it loses less: the same money buys more there.
    pub fn beaten_by(&self, index: usize) -> Option<usize> {
        let here = self.plans.get(index).filter(|plan| plan.weighed)?;
        let no_dearer = |p: &&PlanPoint| p.weighed && p.annual_cost <= here.annual_cost;
        let loses = |p: &PlanPoint| p.expected_annual_loss;
        let (to, best) = self
            .plans
            .iter()
            .enumerate()
            .filter(|(_, plan)| no_dearer(plan))
            .min_by(|(_, a), (_, b)| loses(a).total_cmp(&loses(b)).then(a.annual_cost.total_cmp(&b.annual_cost)))?;
        (loses(best) < loses(here)).then_some(to)
    }

    fn add(&mut self, plan: PlanPoint, lost: &Weighed) {
        for line in &lost.unsaid {
            if !self.unsaid.contains(line) {
                self.unsaid.push(line.clone());
            }
        }
        self.plans.push(plan);
    }

    /// Marks the plans that answer a question. A plan that may lose everything at no declared price, or of whose cost a
    /// part has no price, cannot be weighed against others, and answers none.
    fn choose(&mut self) {
        self.leave_out();
        let figures: Vec<(usize, Figures)> =
            self.plans.iter().enumerate().filter(|(_, p)| p.weighed).map(|(n, p)| (n, p.figures())).collect();
        (self.front, self.curve) = (front::three_way(&figures), front::two_way(&figures));
        let least = |among: &dyn Fn(&PlanPoint) -> bool, of: fn(&PlanPoint) -> f64| {
            let candidates = self.plans.iter().enumerate().filter(|(_, plan)| plan.weighed && among(plan));
            let order = |a: &PlanPoint, b: &PlanPoint| {
                of(a).total_cmp(&of(b)).then(a.complexity.total().cmp(&b.complexity.total()))
            };
            candidates.min_by(|(_, a), (_, b)| order(a, b)).map(|(index, _)| index)
        };
        let cost: fn(&PlanPoint) -> f64 = |p| p.annual_cost;
        self.least_total = least(&|_| true, PlanPoint::total);
        self.cheapest_compliant = least(&PlanPoint::meets, cost);
        let fewest = self.plans.iter().filter(|p| p.weighed).map(|p| p.misses.len()).min();
        self.nearest = match self.cheapest_compliant {
            None => least(&|p| Some(p.misses.len()) == fewest, PlanPoint::total),
            Some(_) => None,
        };
        let kept = |plan: &PlanPoint| {
            let today = self.plan(self.today).map(|today| today.misses.as_slice()).unwrap_or_default();
            plan.misses.iter().all(|name| today.contains(name))
        };
        let gives_nothing_up = self.least_total.filter(|index| self.plans.get(*index).is_some_and(kept));
        self.recommended = gives_nothing_up.or(self.cheapest_compliant).or(self.least_total);
        let first = self.plans.first().map(|plan| plan.misses.clone()).unwrap_or_default();
        self.missed_by_all =
            first.into_iter().filter(|name| self.plans.iter().all(|plan| plan.misses.contains(name))).collect();
        self.say_what_no_plan_meets();
    }

    fn leave_out(&mut self) {
        let all = self.plans.len();
        let unpriced = self.plans.iter().filter(|plan| !plan.weighed).count();
        if unpriced > 0 {
            self.unsaid.push(format!(
                "{unpriced} of {all} plans cost something that the price book has no price for: they are not weighed"
            ));
        }
        let total = |plan: &PlanPoint| plan.unpriced_totals > 0.0;
        let totals = self.plans.iter().filter(|plan| total(plan)).count();
        if totals > 0 {
            self.unsaid.push(format!(
                "{totals} of {all} plans can lose everything, which has no declared amount: they are not weighed"
            ));
        }
        self.plans.iter_mut().for_each(|plan| plan.weighed &= plan.unpriced_totals <= 0.0);
    }

    fn say_what_no_plan_meets(&mut self) {
        if !self.missed_by_all.is_empty() {
            self.unsaid.push(format!(
                "no plan of this space meets every objective: all of them miss {}, which nothing that varies here changes",
                self.missed_by_all.join(", ")
            ));
        }
        let least = self.plans.iter().map(|plan| plan.worst_loss).min();
        if let (Some(nearest), Some(least)) = (self.plan(self.nearest), least) {
            let loses = match least {
                Loss::Window(span) => span.to_string(),
                Loss::Total => "everything".into(),
            };
            let line = format!(
                "no plan of this space meets every objective; the nearest, {}, misses {}, and whichever loses the least at \
                 worst can still lose {loses}",
                nearest.label,
                nearest.misses.join(", ")
            );
            self.unsaid.push(line);
        }
    }
}

fn parts(bill: &Bill, expected: &[OfScenario]) -> Vec<Part> {
    let unverified = bill.lines.iter().filter(|line| line.grade == Grade::Unverified).map(|line| line.amount).sum();
    let sum = |of: fn(&OfScenario) -> f64| expected.iter().map(of).sum::<f64>();
    let each = expected.iter().map(|one| (Assumption::Frequency(one.scenario.clone()), one.annual()));
    let rest = [
        (Assumption::Downtime, sum(|one| one.downtime)),
        (Assumption::LostData, sum(|one| one.data)),
        (Assumption::FixedCosts, sum(|one| one.fixed)),
        (Assumption::Prices, bill.total),
        (Assumption::UnverifiedPrices, unverified),
    ];
    each.chain(rest).map(|(assumption, amount)| Part { assumption, amount }).collect()
}

/// The interval between snapshots with the least cost plus expected loss, and that sum a year: τ* = √(2c/(λL)) and
/// √(2cλL·8760), for `cost` a snapshot, `per_year` failures and `loss_per_hour` (Young 1974). None where a figure is
/// zero, and so no interval is best.
pub fn best_interval(cost: f64, per_year: f64, loss_per_hour: f64) -> Option<(Span, f64)> {
    const HOURS_A_YEAR: f64 = 8760.0;
    if [cost, per_year, loss_per_hour].iter().any(|x| !x.is_finite() || *x <= 0.0) {
        return None;
    }
    let hours = (2.0 * cost * HOURS_A_YEAR / (per_year * loss_per_hour)).sqrt();
    let annual = (2.0 * cost * per_year * loss_per_hour * HOURS_A_YEAR).sqrt();
    Some((Span::from_hours(hours), annual))
}
