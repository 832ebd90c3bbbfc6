//! The recommendation, argued in five lines with their numbers: where the plan stands, what to do, what that buys, what the
//! objectives take, and what the answer rests on. What cannot be said is said.
//!
//! What the business asked for is no assumption: to give up an objective that today's plan keeps is no advice. What that
//! would save is told beside it.

use super::sensitivity::Turn;
use super::{Assumption, PlanPoint, Tradeoff};
use crate::base::quantity::money;
use crate::policy::Policy;
use crate::timeline::Loss;

/// Below this share of today's total nobody can tell two plans apart.
const NEGLIGIBLE: f64 = 0.001;

pub fn lines(tradeoff: &Tradeoff, policy: &Policy) -> Vec<String> {
    let Some(today) = tradeoff.plan(tradeoff.today) else {
        return vec!["nothing can be recommended: there is no plan to weigh".into()];
    };
    let advice = Advice { tradeoff, policy, today, best: tradeoff.plan(tradeoff.recommended) };
    vec![advice.stands(), advice.act(), advice.buys(), advice.objectives(), advice.rests_on()]
}

struct Advice<'a> {
    tradeoff: &'a Tradeoff,
    policy: &'a Policy,
    today: &'a PlanPoint,
    /// None: no plan can be weighed.
    best: Option<&'a PlanPoint>,
}

impl Advice<'_> {
    fn money(&self, amount: f64) -> String {
        money(amount, &self.tradeoff.currency)
    }

    fn stays(&self) -> bool {
        self.best.is_some_and(|best| {
            let keeps = self.today.misses.len() <= best.misses.len();
            self.today.weighed && keeps && self.today.total() - best.total() <= NEGLIGIBLE * self.today.total()
        })
    }

    fn stands(&self) -> String {
        let today = self.today;
        let at_least = if today.unpriced_totals > 0.0 { "at least " } else { "" };
        let misses = match today.misses.as_slice() {
            [] => "it misses no objective by its own figures".to_string(),
            missed => format!("it misses {}", missed.join(", ")),
        };
        let t = self.tradeoff;
        let beaten = t.today.and_then(|index| t.plan(t.beaten_by(index))).map_or(String::new(), |plan| {
            let (cost, loss) = (self.money(plan.annual_cost), self.money(plan.expected_annual_loss));
            format!("; for no more money, {cost}, another loses {loss}: {}", plan.label)
        });
        format!(
            "Today: the plan costs {} and is expected to lose {at_least}{} a year, {at_least}{} together; {misses}{beaten}.",
            self.money(today.annual_cost),
            self.money(today.expected_annual_loss),
            self.money(today.total())
        )
    }

    fn act(&self) -> String {
        match self.best {
            None => "Do: nothing can be recommended, since no plan can be weighed whole.".into(),
            Some(_) if self.stays() => format!(
                "Do: leave the plan as it is; none of {} others {}.",
                self.tradeoff.plans.len().saturating_sub(1),
                match self.gives_up().is_some() {
                    true => "keeps every objective for less",
                    false => "has less cost and loss together",
                }
            ),
            Some(best) => format!(
                "Do: {}; it costs {} a year, {}.",
                best.label,
                self.money(best.annual_cost),
                self.more(best.annual_cost - self.today.annual_cost, "more", "less")
            ),
        }
    }

    fn more(&self, by: f64, more: &str, less: &str) -> String {
        format!("{} {}", self.money(by.abs()), if by < 0.0 { less } else { more })
    }

    fn buys(&self) -> String {
        let Some(best) = self.best else {
            return "It buys: what nobody has priced cannot be weighed; what is missing is listed below.".into();
        };
        let next = match self.tradeoff.one_more_buys(self.tradeoff.recommended.unwrap_or_default()) {
            Some(step) => format!("from there one {} more saves {:.2}", self.tradeoff.currency, step.each()),
            None => "from there no dearer plan loses less".to_string(),
        };
        if self.stays() {
            return format!("One more: {next}.");
        }
        let saved = self.today.total() - best.total();
        let sum = match self.today.weighed {
            true => format!("{} a year in all", self.more(-saved, "more", "less")),
            false => "how much less in all cannot be said, since today's plan has no whole price".to_string(),
        };
        format!(
            "It buys: the expected loss goes from {} to {} a year, the worst loss window from {} to {}: {sum}; {next}.",
            self.money(self.today.expected_annual_loss),
            self.money(best.expected_annual_loss),
            window(self.today.worst_loss),
            window(best.worst_loss)
        )
    }

    /// The plan that costs and loses less, and gives up what is kept today.
    fn gives_up(&self) -> Option<&PlanPoint> {
        let t = self.tradeoff;
        t.plan(t.least_total).filter(|_| t.least_total != t.recommended)
    }

    fn objectives(&self) -> String {
        let t = self.tradeoff;
        match (t.plan(t.cheapest_compliant), t.plan(t.nearest)) {
            (Some(plan), _) if t.cheapest_compliant == t.recommended => {
                let less = self.gives_up().map_or(String::new(), |least| {
                    format!(
                        "; to give up {} would save {} a year of cost and loss together: {}",
                        least.misses.join(", "),
                        self.money(plan.total() - least.total()),
                        least.label
                    )
                });
                format!("Objectives: {} is also the cheapest plan that meets them all{less}.", quoted(&plan.label))
            }
            (Some(plan), _) => format!(
                "Objectives: to meet them all costs {} a year at the least: {}.",
                self.money(plan.annual_cost),
                plan.label
            ),
            (None, Some(plan)) => format!(
                "Objectives: no plan of these meets them all; nearest, for {} a year, is {}, which misses {}.",
                self.money(plan.annual_cost),
                plan.label,
                plan.misses.join(", ")
            ),
            (None, None) => "Objectives: whether a plan meets them at what cost cannot be said.".into(),
        }
    }

    fn rests_on(&self) -> String {
        let turns = self.tradeoff.sensitivity.iter().flat_map(|one| {
            [&one.turns_below, &one.turns_above].into_iter().flatten().map(|turn| (&one.assumption, turn))
        });
        let far = |turn: &Turn| turn.times.max(f64::MIN_POSITIVE).ln().abs();
        let nearest = turns.min_by(|(_, a), (_, b)| far(a).total_cmp(&far(b)));
        let turns = match nearest {
            _ if self.gives_up().is_some() => "the objectives decide, and not the least cost and loss".to_string(),
            Some((assumption, turn)) => format!(
                "another plan is best once {} {} {} of what is declared: {}",
                quoted(&assumption.named(self.policy)),
                if turn.times < 1.0 { "falls to" } else { "rises to" },
                times(turn.times),
                turn.to
            ),
            None if self.tradeoff.sensitivity.is_empty() => "what would turn the answer cannot be said".into(),
            None => "no single assumption turns the answer".into(),
        };
        let unverified = self.share_of_unverified();
        let unsaid = match self.tradeoff.unsaid.len() {
            0 => String::new(),
            1 => "; one thing is not known, as said below".to_string(),
            n => format!("; {n} things are not known, as said below"),
        };
        format!("It rests on what is declared, not on a record: {turns}{unverified}{unsaid}.")
    }

    fn share_of_unverified(&self) -> String {
        let plan = self.best.unwrap_or(self.today);
        let of = plan.parts.iter().find(|part| part.assumption == Assumption::UnverifiedPrices);
        match of.map(|part| part.amount).filter(|amount| *amount > 0.0) {
            Some(amount) => {
                let share = amount / plan.annual_cost * 100.0;
                format!("; {share:.0} % of its cost is at prices that nobody has verified")
            }
            None => String::new(),
        }
    }
}

/// A multiple as people say it: `62 %`, `14 times`.
pub fn times(times: f64) -> String {
    if times >= 10.0 { format!("{times:.0} times") } else { format!("{:.0} %", times * 100.0) }
}

fn quoted(text: &str) -> String {
    format!("“{text}”")
}

fn window(loss: Loss) -> String {
    match loss {
        Loss::Window(span) => span.to_string(),
        Loss::Total => "everything".into(),
    }
}
