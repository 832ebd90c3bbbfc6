//! Which assumption moves the answer, and at what value the decision turns.
//!
//! Cost plus expected loss of a plan is a straight line in each of these assumptions (a frequency, a rate, the prices), so
//! the effect of a changed one, and where one plan overtakes another, are exact: no plan is priced again.

use serde::Serialize;

use super::tradeoff::{PlanPoint, Tradeoff};
use crate::policy::Policy;

/// Something declared that the answer rests on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "name")]
pub enum Assumption {
    /// How often a scenario comes.
    Frequency(String),
    /// What an hour of downtime costs.
    Downtime,
    /// What lost writes cost, an hour of them and all of them.
    LostData,
    /// What one incident costs whatever its length.
    FixedCosts,
    /// Every price of the book.
    Prices,
    /// The prices that nobody has verified.
    UnverifiedPrices,
}

impl Assumption {
    /// In words, as the policy names it.
    pub fn named(&self, policy: &Policy) -> String {
        match self {
            Assumption::Frequency(name) => {
                let title = policy.scenario(name).map_or(name.as_str(), |scenario| scenario.title.as_str());
                format!("how often: {title}")
            }
            Assumption::Downtime => "an hour of downtime".into(),
            Assumption::LostData => "lost writes".into(),
            Assumption::FixedCosts => "fixed costs of an incident".into(),
            Assumption::Prices => "all prices".into(),
            Assumption::UnverifiedPrices => "unverified prices".into(),
        }
    }
}

/// What of a plan's cost and expected loss a year grows in proportion to an assumption.
#[derive(Debug, Clone, Serialize)]
pub struct Part {
    pub assumption: Assumption,
    pub amount: f64,
}

/// One assumption, halved and doubled.
#[derive(Debug, Clone, Serialize)]
pub struct Sensitivity {
    pub assumption: Assumption,
    /// Today's cost and expected loss together, a year, if the assumption were half, and twice, what is declared.
    pub at_half: f64,
    pub at_double: f64,
    /// The nearest values, as multiples of what is declared, at which another plan has the least cost and loss together.
    pub turns_below: Option<Turn>,
    pub turns_above: Option<Turn>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Turn {
    pub times: f64,
    /// The plan that is best from there on.
    pub to: String,
}

/// Every assumption, the one that moves today's total most first. Nothing where no plan is best, or none is today's.
pub fn of(tradeoff: &Tradeoff) -> Vec<Sensitivity> {
    let at = |index: Option<usize>| tradeoff.plans.get(index?);
    let (Some(today), Some(best)) = (at(tradeoff.today), at(tradeoff.least_total)) else { return vec![] };
    let weighed: Vec<&PlanPoint> = tradeoff.plans.iter().filter(|plan| plan.weighed).collect();
    let mut all: Vec<Sensitivity> = today
        .parts
        .iter()
        .filter(|part| weighed.iter().any(|plan| share(plan, &part.assumption) > 0.0))
        .map(|part| Sensitivity {
            assumption: part.assumption.clone(),
            at_half: today.total() - part.amount / 2.0,
            at_double: today.total() + part.amount,
            turns_below: turn(best, &weighed, &part.assumption, |times| (0.0..1.0).contains(&times)),
            turns_above: turn(best, &weighed, &part.assumption, |times| times > 1.0),
        })
        .collect();
    all.sort_by(|a, b| {
        let swing = |s: &Sensitivity| s.at_double - s.at_half;
        swing(b).total_cmp(&swing(a)).then_with(|| a.assumption.cmp(&b.assumption))
    });
    all
}

fn share(plan: &PlanPoint, assumption: &Assumption) -> f64 {
    plan.parts.iter().find(|part| part.assumption == *assumption).map_or(0.0, |part| part.amount)
}

/// Where, among the multiples that are `wanted`, the first other plan meets the best one's line. With the total T at what
/// is declared and the part b of it that grows, the total at m times that is T + (m − 1) b: two lines meet at
/// 1 + (T₂ − T₁) / (b₁ − b₂).
fn turn(best: &PlanPoint, plans: &[&PlanPoint], assumption: &Assumption, wanted: impl Fn(f64) -> bool) -> Option<Turn> {
    let meets = |plan: &PlanPoint| {
        let slopes = share(best, assumption) - share(plan, assumption);
        let times = 1.0 + (plan.total() - best.total()) / slopes;
        (times.is_finite() && wanted(times)).then(|| Turn { times, to: plan.label.clone() })
    };
    let turns = plans.iter().filter_map(|plan| meets(plan));
    turns.min_by(|a, b| (a.times - 1.0).abs().total_cmp(&(b.times - 1.0).abs()))
}
