//! Cost against loss over a space of plans.

use serde::Serialize;

use super::expected::OfScenario;
use super::sensitivity::{Assumption, Part, Sensitivity};
use super::variant::{Variant, pace_of};
use super::{Bill, Grade, PriceBook, bill, expected, sensitivity};
use crate::base::{Instant, Span};
use crate::evidence::Evidence;
use crate::policy::{Mechanism, Policy};
use crate::sim::model::Model;
use crate::timeline::{Basis, Failure, Loss, bound};

#[derive(Debug, Clone, Serialize)]
pub struct Tradeoff {
    pub currency: String,
    pub plans: Vec<PlanPoint>,
    /// Indices of the Pareto front of annual cost against expected annual loss, by rising cost.
    pub front: Vec<usize>,
    pub today: Option<usize>,
    /// Cheapest plan that meets every declared RPO.
    pub cheapest_compliant: Option<usize>,
    /// Plan with the least cost plus expected loss.
    pub least_total: Option<usize>,
    /// The assumptions that the answer rests on, the one that moves it most first.
    pub sensitivity: Vec<Sensitivity>,
    /// What cannot be said, and why.
    pub unsaid: Vec<String>,
}

/// One plan with its price and what it is expected to lose.
#[derive(Debug, Clone, Serialize)]
pub struct PlanPoint {
    /// Short and readable: `snapshot every 6 h, log, off-site copy`.
    pub label: String,
    pub snapshot_every: Span,
    pub log: bool,
    pub offsite_copy: bool,
    /// Money a year.
    pub annual_cost: f64,
    pub expected_annual_loss: f64,
    /// Total losses a year that have no declared amount, and so are in no money.
    pub unpriced_totals: f64,
    /// Worst declared loss window over assets and scenarios.
    pub worst_loss: Loss,
    /// Moving parts, credentials and manual steps.
    pub complexity: u32,
    pub meets_rpo: bool,
    /// What of cost and expected loss grows in proportion to which assumption.
    pub parts: Vec<Part>,
}

/// Prices today's plan and the space of variants of it.
pub fn explore(policy: &Policy, book: &PriceBook, evidence: Option<&Evidence>, as_of: Instant) -> Tradeoff {
    let mut tradeoff = Tradeoff {
        currency: policy.currency.clone(),
        plans: vec![],
        front: vec![],
        today: None,
        cheapest_compliant: None,
        least_total: None,
        sensitivity: vec![],
        unsaid: vec![],
    };
    let assets_priced = policy.assets.iter().all(|asset| asset.losses.is_some());
    if policy.losses.is_none() && !assets_priced {
        tradeoff.unsaid.push("the policy declares no loss rates: cost cannot be weighed against loss".into());
        return tradeoff;
    }
    if book.currency != policy.currency {
        tradeoff.unsaid.push(format!(
            "prices are in {}, losses in {}: they cannot be weighed without a rate of exchange",
            book.currency, policy.currency
        ));
        return tradeoff;
    }
    let today = bill::annual(policy, book, evidence);
    tradeoff.unsaid.extend(today.unpriced.iter().map(|what| format!("not in any cost: {what}")));
    if today.rests_on_unverified() {
        tradeoff.unsaid.push("costs rest on prices that nobody has verified; the bill marks them".into());
    }
    let has = |wanted: fn(&Mechanism) -> bool| policy.protections.iter().any(|p| wanted(&p.mechanism));
    let mut explorer = Explorer { book, evidence, as_of, tradeoff };
    if let Some(every) = pace_of(policy, as_of) {
        let log = has(|m| matches!(m, Mechanism::Log { .. }));
        let offsite = has(|m| matches!(m, Mechanism::Copy { .. }));
        explorer.tradeoff.today = Some(0);
        explorer.add("as declared today".into(), Variant { every, log, offsite }, policy);
    }
    let mut too_slow = false;
    for variant in Variant::all() {
        match variant.of(policy) {
            Some(plan) => explorer.add(variant.label(), variant, &plan),
            None => too_slow = true,
        }
    }
    if too_slow {
        let line = "snapshots more often than one takes are left out";
        explorer.tradeoff.unsaid.push(line.into());
    }
    explorer.tradeoff.choose();
    explorer.tradeoff.sensitivity = sensitivity::of(&explorer.tradeoff);
    explorer.tradeoff
}

struct Explorer<'a> {
    book: &'a PriceBook,
    evidence: Option<&'a Evidence>,
    as_of: Instant,
    tradeoff: Tradeoff,
}

impl Explorer<'_> {
    fn add(&mut self, label: String, variant: Variant, plan: &Policy) {
        let model = Model::new(plan, self.evidence, Basis::Declared, self.as_of);
        let expected = expected::of(&model);
        let (worst_loss, meets_rpo) = self.promised(plan, &model);
        for line in model.unsaid.iter().filter(|line| line.contains("cannot be said") || line.contains("nothing can")) {
            if !self.tradeoff.unsaid.contains(line) {
                self.tradeoff.unsaid.push(line.clone());
            }
        }
        let bill = bill::annual(plan, self.book, self.evidence);
        self.tradeoff.plans.push(PlanPoint {
            label,
            snapshot_every: variant.every,
            log: variant.log,
            offsite_copy: variant.offsite,
            annual_cost: bill.total,
            expected_annual_loss: expected.iter().map(OfScenario::annual).sum(),
            unpriced_totals: expected.iter().map(|one| one.unpriced_totals).sum(),
            worst_loss,
            complexity: complexity(plan),
            meets_rpo,
            parts: parts(&bill, &expected),
        });
    }

    /// The worst that the plan promises, and whether that meets every declared RPO. A time to notice that nobody
    /// declared promises nothing.
    fn promised(&self, plan: &Policy, model: &Model) -> (Loss, bool) {
        let (mut worst, mut meets) = (Loss::Window(Span::ZERO), true);
        for hazard in &model.scenarios {
            let noticed = hazard.scenario.noticed_after.value.declared_longest();
            for struck in &hazard.assets {
                let loss = noticed.map_or(Loss::Total, |noticed_after| {
                    let failure = Failure { noticed_after, ..struck.failure.clone() };
                    bound::bound(plan, struck.asset, &failure, self.as_of)
                });
                worst = worst.max(loss);
                meets &= struck.rpo.is_none_or(|rpo| loss <= Loss::Window(rpo));
            }
        }
        (worst, meets)
    }
}

impl Tradeoff {
    /// Of a plan on the front: how much less it loses for each unit of money that it costs more than the one before it.
    pub fn one_more_saves(&self, index: usize) -> Option<f64> {
        let place = self.front.iter().position(|at| *at == index)?;
        let before = self.plans.get(*self.front.get(place.checked_sub(1)?)?)?;
        let plan = self.plans.get(index)?;
        let dearer = plan.annual_cost - before.annual_cost;
        (dearer > 0.0).then(|| (before.expected_annual_loss - plan.expected_annual_loss) / dearer)
    }

    /// Marks the plans that answer a question. A plan that may lose everything at no declared price cannot be weighed
    /// against others, and answers none.
    fn choose(&mut self) {
        let weighed: Vec<usize> = indices(&self.plans, |p| p.unpriced_totals <= 0.0);
        if weighed.len() < self.plans.len() {
            self.unsaid.push(format!(
                "{} of {} plans can lose everything, which has no declared amount: they are not weighed",
                self.plans.len() - weighed.len(),
                self.plans.len()
            ));
        }
        self.front = front(&self.plans, &weighed);
        let least = |among: &[usize], of: fn(&PlanPoint) -> f64| {
            let value = |index: &usize| self.plans.get(*index).map_or(f64::INFINITY, of);
            among.iter().copied().min_by(|a, b| value(a).total_cmp(&value(b)))
        };
        let compliant = indices(&self.plans, |p| p.meets_rpo);
        self.least_total = least(&weighed, |p| p.annual_cost + p.expected_annual_loss);
        self.cheapest_compliant = least(&compliant, |p| p.annual_cost);
        let nearest = self.plans.iter().min_by_key(|p| p.worst_loss);
        if let (true, Some(nearest)) = (compliant.is_empty(), nearest) {
            let loses = match nearest.worst_loss {
                Loss::Window(span) => span.to_string(),
                Loss::Total => "everything".into(),
            };
            self.unsaid.push(format!(
                "no plan of this space meets every declared RPO; the nearest, {}, can still lose {loses}",
                nearest.label
            ));
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

fn indices(plans: &[PlanPoint], wanted: impl Fn(&PlanPoint) -> bool) -> Vec<usize> {
    plans.iter().enumerate().filter(|(_, plan)| wanted(plan)).map(|(index, _)| index).collect()
}

/// Plans than which none both costs less and loses less, by rising cost.
fn front(plans: &[PlanPoint], weighed: &[usize]) -> Vec<usize> {
    let mut by_cost: Vec<(usize, &PlanPoint)> = weighed.iter().filter_map(|i| Some((*i, plans.get(*i)?))).collect();
    by_cost.sort_by(|(_, a), (_, b)| {
        a.annual_cost.total_cmp(&b.annual_cost).then(a.expected_annual_loss.total_cmp(&b.expected_annual_loss))
    });
    let mut front = Vec::new();
    let mut least = f64::INFINITY;
    for (index, plan) in by_cost {
        if plan.expected_annual_loss < least {
            least = plan.expected_annual_loss;
            front.push(index);
        }
    }
    front
}

/// Moving parts, credentials, and steps that people take.
fn complexity(plan: &Policy) -> u32 {
    let steps: usize = plan.scenarios.iter().map(|s| s.runbook.len()).sum();
    u32::try_from(plan.protections.len() + plan.credentials.len() + steps).unwrap_or(u32::MAX)
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
