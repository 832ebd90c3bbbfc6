//! `plimsoll tradeoff`: what plans cost, what they are expected to lose, and which of them answer a question.

use super::Exit;
use super::connect::EvidenceArgs;
use super::output::{self, Format, Global};
use super::policy_file::PolicyArg;
use super::prices;
use super::simulate::listed;
use crate::base::Result;
use crate::base::quantity::money;
use crate::clock::SystemClock;
use crate::cost::{Assumption, Bill, Grade, PlanPoint, PriceBook, Tradeoff, bill, tradeoff};
use crate::policy::{LossRates, Policy};
use crate::port::Clock;
use crate::report::table::{Set, Table};
use crate::report::text::{count, harmless};
use crate::timeline::Loss;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    policy: PolicyArg,
    #[command(flatten)]
    evidence: EvidenceArgs,
    /// Show every plan, not only those that answer a question
    #[arg(long)]
    all: bool,
}

/// What `--format json` prints.
#[derive(Debug, serde::Serialize)]
struct Priced<'a> {
    bill: &'a Bill,
    tradeoff: &'a Tradeoff,
}

impl Args {
    pub fn run(&self, global: &Global) -> Result<Exit> {
        let policy = self.policy.load()?;
        let evidence = self.evidence.load(global)?;
        let book = prices::load(&policy, &self.policy.policy)?;
        let as_of = self.evidence.as_of.unwrap_or_else(|| SystemClock.now());
        let bill = bill::annual(&policy, &book, evidence.as_ref());
        let tradeoff = tradeoff::explore(&policy, &book, evidence.as_ref(), as_of);
        match global.format {
            Format::Json => output::print_json(&Priced { bill: &bill, tradeoff: &tradeoff })?,
            Format::Human => output::print(&self.shown(&policy, &book, &bill, &tradeoff))?,
        }
        Ok(Exit::Done)
    }

    fn shown(&self, policy: &Policy, book: &PriceBook, bill: &Bill, tradeoff: &Tradeoff) -> String {
        let by_default = if policy.prices.is_some() { "" } else { ", by default" };
        let mut text = format!(
            "{}: prices of {}{by_default}, read on {}\n\nToday's bill, a year\n{}",
            harmless(&policy.name),
            harmless(&book.name),
            harmless(&book.read_on),
            billed(bill).for_stdout()
        );
        text.push_str(&format!("In all: {} a year\n", money(bill.total, &bill.currency)));
        if bill.rests_on_unverified() {
            text.push_str("(*) nobody has verified this price: put your own in a price book\n");
        }
        if !tradeoff.plans.is_empty() {
            text.push_str(&format!(
                "\nCost against loss, a year ({} weighed)\n{}",
                count(tradeoff.plans.len(), "plan", "plans"),
                self.plans(tradeoff).for_stdout()
            ));
            text.push_str(&answers(tradeoff));
        }
        if !tradeoff.sensitivity.is_empty() {
            text.push_str(&format!(
                "\nWhat moves the answer: today's cost and expected loss together, and where another plan becomes the best\n{}",
                assumptions(policy, tradeoff).for_stdout()
            ));
        }
        text + &listed("Not said, or left out:", &tradeoff.unsaid)
    }

    fn plans(&self, tradeoff: &Tradeoff) -> Table {
        let mut table = Table::new(&[
            ("plan", Set::Text),
            ("cost", Set::Number),
            ("expected loss", Set::Number),
            ("together", Set::Number),
            ("one more saves", Set::Number),
            ("worst loss", Set::Number),
            ("RPO", Set::Text),
            ("", Set::Text),
        ]);
        let mut shown: Vec<(usize, &PlanPoint)> = tradeoff.plans.iter().enumerate().collect();
        shown.retain(|(index, _)| self.all || !marks(tradeoff, *index).is_empty());
        shown.sort_by(|(_, a), (_, b)| a.annual_cost.total_cmp(&b.annual_cost));
        for (index, plan) in shown {
            let amount = |amount| money(amount, &tradeoff.currency);
            let unpriced = if plan.unpriced_totals > 0.0 { " and total losses" } else { "" };
            table.row([
                plan.label.clone(),
                amount(plan.annual_cost),
                amount(plan.expected_annual_loss) + unpriced,
                amount(plan.annual_cost + plan.expected_annual_loss) + unpriced,
                tradeoff.one_more_saves(index).map_or(String::new(), |saved| format!("{saved:.2}")),
                match plan.worst_loss {
                    Loss::Window(span) => span.to_string(),
                    Loss::Total => "everything".into(),
                },
                if plan.meets_rpo { "met" } else { "not met" }.into(),
                marks(tradeoff, index).join(", "),
            ]);
        }
        table
    }
}

fn assumptions(policy: &Policy, tradeoff: &Tradeoff) -> Table {
    let mut table = Table::new(&[
        ("assumption", Set::Text),
        ("declared", Set::Number),
        ("at half", Set::Number),
        ("at double", Set::Number),
        ("turns at", Set::Text),
    ]);
    let amount = |amount| money(amount, &tradeoff.currency);
    for one in &tradeoff.sensitivity {
        let (what, declared) = named(policy, &one.assumption);
        let turns = [&one.turns_below, &one.turns_above].into_iter().flatten();
        let turns: Vec<String> = turns.map(|turn| format!("{} of it: {}", times(turn.times), turn.to)).collect();
        let turns = if turns.is_empty() { "never".to_string() } else { turns.join("; ") };
        table.row([what, declared, amount(one.at_half), amount(one.at_double), turns]);
    }
    table
}

fn times(times: f64) -> String {
    if times >= 10.0 { format!("{times:.0} times") } else { format!("{:.0} %", times * 100.0) }
}

/// An assumption in words, and what is declared.
fn named(policy: &Policy, assumption: &Assumption) -> (String, String) {
    let rate = |of: fn(&LossRates) -> f64| {
        let policys = policy.losses.as_ref().map(of);
        policys.map_or("by asset".to_string(), |rate| format!("{} an hour", money(rate, &policy.currency)))
    };
    match assumption {
        Assumption::Frequency(name) => {
            let scenario = policy.scenario(name);
            let title = scenario.map_or(name.as_str(), |scenario| scenario.title.as_str());
            let often = scenario.map_or(String::new(), |scenario| format!("{} a year", scenario.per_year.value));
            (format!("how often: {title}"), often)
        }
        Assumption::Downtime => ("an hour of downtime".into(), rate(|rates| rates.downtime_per_hour.value)),
        Assumption::LostData => ("lost writes".into(), rate(|rates| rates.data_per_hour.value)),
        Assumption::FixedCosts => ("fixed costs of an incident".into(), "by scenario".into()),
        Assumption::Prices => ("all prices".into(), "the book".into()),
        Assumption::UnverifiedPrices => ("unverified prices".into(), "the book".into()),
    }
}

fn billed(bill: &Bill) -> Table {
    let columns = [("protection", Set::Text), ("for", Set::Text), ("a year", Set::Number), ("how", Set::Text)];
    let mut table = Table::new(&columns);
    for line in &bill.lines {
        let mark = if line.grade == Grade::Unverified { " (*)" } else { "" };
        let amount = money(line.amount, &bill.currency) + mark;
        table.row([line.protection.clone(), line.item.clone(), amount, line.basis.clone()]);
    }
    table
}

fn marks(tradeoff: &Tradeoff, index: usize) -> Vec<&'static str> {
    let is = |which: Option<usize>| which == Some(index);
    [
        (is(tradeoff.today), "today"),
        (is(tradeoff.cheapest_compliant), "cheapest that meets every RPO"),
        (is(tradeoff.least_total), "least in all"),
        (tradeoff.front.contains(&index), "front"),
    ]
    .into_iter()
    .filter(|(marked, _)| *marked)
    .map(|(_, mark)| mark)
    .collect()
}

/// The two answers in words.
fn answers(tradeoff: &Tradeoff) -> String {
    let plan = |index: Option<usize>| tradeoff.plans.get(index?);
    let amount = |amount: f64| money(amount, &tradeoff.currency);
    let mut text = String::from("\n");
    if let (Some(today), Some(least)) = (plan(tradeoff.today), plan(tradeoff.least_total)) {
        let together = |p: &PlanPoint| p.annual_cost + p.expected_annual_loss;
        let saved = together(today) - together(least);
        text.push_str(&match saved > 0.5 {
            true if today.unpriced_totals <= 0.0 => format!(
                "Least in all: {}, {} a year less than today in cost and expected loss together.\n",
                least.label,
                amount(saved)
            ),
            true => format!("Least in all: {}.\n", least.label),
            false => "Least in all: today's plan is as good as any of these.\n".to_string(),
        });
    }
    match plan(tradeoff.cheapest_compliant) {
        Some(plan) => {
            text.push_str(&format!("To meet every RPO costs {} a year: {}.\n", amount(plan.annual_cost), plan.label));
        }
        None => text.push_str("No plan of these meets every RPO.\n"),
    }
    text
}
