//! Bills and the trade of cost against loss, held against figures worked out by hand.

use std::sync::OnceLock;

use plimsoll::base::Span;
use plimsoll::cost::{
    Assumption, Choice, Copies, Grade, PlanPoint, PriceBook, Sensitivity, Tradeoff, bill, book, tradeoff,
};
use plimsoll::policy::{Policy, Setting};
use plimsoll::timeline::Loss;

use super::sim_oracles::{AS_OF, BASE, policy, simulate};

fn aws() -> PriceBook {
    book::builtin("aws-us-east-1").unwrap()
}

/// With a space that is quickly searched: how often, a log, a copy elsewhere.
fn pixelcraft() -> Policy {
    let pinned = ["retention", "storage_class", "lock"].map(|name| format!("{name} = [\"declared\"]\n")).concat();
    let ranges = format!("\n[tradeoff]\nlog_lag = [\"declared\", \"off\", \"1min\"]\n{pinned}");
    policy(&(include_str!("../../policies/pixelcraft.toml").to_string() + &ranges))
}

#[test]
fn the_best_interval_is_the_square_root() {
    let (every, annual) = tradeoff::best_interval(10.0, 1.0 / 3.0, 5000.0).unwrap();
    assert!((every.as_hours() - 10.2528).abs() < 5e-5, "{every}");
    assert!((annual - 17_088.01).abs() < 0.005, "{annual}");
    for zero in [(0.0, 1.0, 1.0), (1.0, 0.0, 1.0), (1.0, 1.0, 0.0), (f64::NAN, 1.0, 1.0)] {
        assert!(tradeoff::best_interval(zero.0, zero.1, zero.2).is_none());
    }
}

/// A book in which a snapshot costs 10 and nothing else costs anything.
const TEN_A_SNAPSHOT: &str = r#"
name = "ten"
currency = "USD"
read_on = "2026-11-23"
default_class = "disk"
[price.disk]
unit = "gb-month"
grade = "published"
tiers = [{ price = 0 }]
put = "write"
[price.write]
unit = "request"
grade = "published"
tiers = [{ price = 0.5 }]
"#;

#[test]
fn the_search_finds_the_plan_nearest_to_the_best_interval() {
    // 20 objects a run at 0.5 each: 10 a snapshot. The best interval of 10.25 h lies between 8 h and 12 h.
    let text = BASE
        .replace("per_year = 0.5", "per_year = 0.3333333333333333")
        .replace("data_per_hour = 1", "data_per_hour = 5000")
        .replace("10 GB", "100 MB");
    let explored = tradeoff::explore(&policy(&text), &book::parse(TEN_A_SNAPSHOT).unwrap(), None, AS_OF);
    let plain = |hours| {
        let alone =
            |p: &&PlanPoint| Choice { snapshot_every: Setting::Declared, ..p.choice.clone() } == Choice::declared();
        let mut plans = explored.plans.iter().filter(alone);
        plans.find(|p| p.snapshot_every == Some(Span::hours(hours))).unwrap()
    };
    for (hours, total) in [(8, 10_950.0 + 6_666.67), (12, 7_300.0 + 10_000.0), (24, 3_650.0 + 20_000.0)] {
        let plan = plain(hours);
        let said = plan.annual_cost + plan.expected_annual_loss;
        assert!((said - total).abs() < 1.0, "every {hours} h: {said}, wanted {total}");
    }
    let best = (1..=24)
        .filter(|h| 24 % h == 0)
        .map(plain)
        .min_by(|a, b| (a.annual_cost + a.expected_annual_loss).total_cmp(&(b.annual_cost + b.expected_annual_loss)));
    assert_eq!(best.unwrap().snapshot_every, Some(Span::hours(12)));
}

/// PixelCraft's space of plans, explored once.
fn explored() -> &'static Tradeoff {
    static EXPLORED: OnceLock<Tradeoff> = OnceLock::new();
    EXPLORED.get_or_init(|| tradeoff::explore(&pixelcraft(), &aws(), None, AS_OF))
}

#[test]
fn the_exact_expected_loss_is_the_mean_of_the_simulation() {
    let plan = pixelcraft();
    let explored = explored();
    let today = &explored.plans[explored.today.unwrap()];
    let simulated = simulate(&plan, None, 15_000).annual.unwrap().expected;
    // The time to notice is taken at 24 points of its distribution, the runbook at 4096 draws: 2 % for both.
    let allowed = 4.0 * simulated.standard_error + simulated.mean * 0.02;
    assert!((today.expected_annual_loss - simulated.mean).abs() < allowed, "{today:?} against {simulated:?}");
}

#[test]
fn the_front_of_the_whole_space_is_what_no_plan_beats() {
    let explored = explored();
    let beats = |a: &PlanPoint, b: &PlanPoint| {
        let (x, y) = (a.complexity.total(), b.complexity.total());
        a.annual_cost <= b.annual_cost
            && a.expected_annual_loss <= b.expected_annual_loss
            && x <= y
            && (a.annual_cost < b.annual_cost || a.expected_annual_loss < b.expected_annual_loss || x < y)
    };
    for (index, plan) in explored.plans.iter().enumerate() {
        let beaten = explored.plans.iter().any(|other| other.weighed && beats(other, plan));
        assert!(!(beaten && explored.front.contains(&index)), "{} is beaten and on the front", plan.label);
        let equal = |f: &usize| {
            let other = &explored.plans[*f];
            (other.annual_cost, other.expected_annual_loss) == (plan.annual_cost, plan.expected_annual_loss)
        };
        assert!(beaten || explored.front.iter().any(equal), "{} is beaten by nothing and not on the front", plan.label);
    }
    let at = |index: &usize| &explored.plans[*index];
    assert!(explored.curve.windows(2).all(|w| at(&w[0]).annual_cost < at(&w[1]).annual_cost
        && at(&w[0]).expected_annual_loss > at(&w[1]).expected_annual_loss));
    assert!(explored.curve.iter().all(|index| explored.front.contains(index)));
    let least = at(&explored.least_total.unwrap());
    assert!(explored.plans.iter().all(|p| p.total() >= least.total()));
}

#[test]
fn what_no_plan_can_meet_is_said_and_the_nearest_is_named() {
    let explored = explored();
    assert!(explored.plans[0].misses.contains(&"RPO"), "today's plan loses a day where an hour is allowed");
    // A snapshot takes 40 minutes, so an hourly one can lose 1 h 40 min; nothing encrypts before the upload, and a lock is
    // not in this space.
    assert!(explored.cheapest_compliant.is_none());
    assert_eq!(explored.missed_by_all, ["RPO", "consistency", "encryption", "immutability"]);
    let nearest = explored.plan(explored.nearest).unwrap();
    assert!(explored.plans.iter().all(|p| p.misses.len() >= nearest.misses.len()));
    assert!(explored.unsaid.iter().any(|line| line.contains("can still lose 1 h 40 min")), "{:?}", explored.unsaid);
}

#[test]
fn the_cheapest_plan_that_meets_the_objective_is_found() {
    let text = BASE.replace("rpo = \"24h\"", "rpo = \"6h\"");
    let explored = tradeoff::explore(&policy(&text), &aws(), None, AS_OF);
    let plan = &explored.plans[explored.cheapest_compliant.unwrap()];
    assert!(plan.meets() && plan.worst_loss <= Loss::Window(Span::hours(6)), "{plan:?}");
    assert!(explored.plans.iter().all(|p| !p.meets() || p.annual_cost >= plan.annual_cost));
}

#[test]
fn no_loss_rates_and_two_currencies_are_refused_in_words() {
    let rates = "[losses]\ndowntime_per_hour = 0\ndata_per_hour = 1\ntotal_loss = 1_000_000\n";
    let unpriced = tradeoff::explore(&policy(&BASE.replace(rates, "")), &aws(), None, AS_OF);
    assert!(unpriced.plans.is_empty() && unpriced.unsaid[0].contains("no loss rates"));
    let euros = tradeoff::explore(&policy(&BASE.replace("\"USD\"", "\"EUR\"")), &aws(), None, AS_OF);
    assert!(euros.plans.is_empty() && euros.unsaid[0].contains("rate of exchange"));
}

#[test]
fn plans_that_lose_everything_at_no_price_are_not_weighed() {
    let text = BASE
        .replace("destroys = [\"cluster\"]", "destroys = [\"cluster\", \"vault\"]")
        .replace("total_loss = 1_000_000\n", "");
    let explored = tradeoff::explore(&policy(&text), &aws(), None, AS_OF);
    assert!(explored.plans[0].unpriced_totals > 0.0 && explored.plans[0].worst_loss == Loss::Total);
    let least = &explored.plans[explored.least_total.unwrap()];
    assert!(matches!(least.choice.copy_to, Copies::In(_)), "only a copy elsewhere survives: {least:?}");
    assert!(explored.unsaid.iter().any(|line| line.contains("not weighed")), "{:?}", explored.unsaid);
}

#[test]
fn a_bill_adds_up_and_shows_where_each_figure_comes_from() {
    // 10 GB × 0.35 by default × 30 points = 105 GB, of 2^30 bytes each: 97.79 GB × 0.023 × 12.
    let bill = bill::annual(&policy(BASE), &aws(), None);
    let storage = bill.lines.iter().find(|line| line.item == "storage").unwrap();
    assert!((storage.amount - 105e9 / f64::from(1 << 30) * 0.023 * 12.0).abs() < 1e-9, "{storage:?}");
    assert!(storage.basis.contains("30 points") && storage.basis.contains("by default"), "{}", storage.basis);
    assert!((bill.total - bill.lines.iter().map(|line| line.amount).sum::<f64>()).abs() < 1e-9);
    assert!(bill.unpriced.is_empty() && !bill.rests_on_unverified());
}

#[test]
fn a_minimum_duration_is_billed_and_an_unverified_price_is_marked() {
    let archive =
        BASE.replace("retention = \"30d\"", "retention = \"30d\"\nstorage_class = \"s3-glacier-deep-archive\"");
    let bill = bill::annual(&policy(&archive), &aws(), None);
    assert!(bill.lines[0].basis.contains("180 points"), "{}", bill.lines[0].basis);
    let managed = BASE.replace("retention = \"30d\"", "retention = \"30d\"\nstorage_class = \"atlas-snapshot\"");
    let bill = bill::annual(&policy(&managed), &aws(), None);
    assert!(bill.lines[0].grade == Grade::Unverified && bill.rests_on_unverified());
}

#[test]
fn what_has_no_size_no_retention_or_no_price_is_unpriced() {
    let cases = [
        ("size = \"10 GB\"\n", "", "neither declared nor recorded"),
        ("retention = \"30d\"\n", "", "declares no retention"),
        ("retention = \"30d\"", "retention = \"30d\"\nstorage_class = \"tape\"", "no item `tape`"),
    ];
    for (from, to, why) in cases {
        let bill = bill::annual(&policy(&BASE.replace(from, to)), &aws(), None);
        assert!(bill.unpriced.iter().any(|line| line.contains(why)), "{why}: {:?}", bill.unpriced);
        assert_eq!(bill.total, 0.0);
    }
}

#[test]
fn the_decision_turns_where_the_sensitivity_says_and_not_before() {
    let said = &explored().sensitivity;
    let often = |one: &&Sensitivity| matches!(&one.assumption, Assumption::Frequency(name) if name == "uploads-loss");
    let one = said.iter().find(often).expect("the frequency counts");
    let turns = [&one.turns_below, &one.turns_above].into_iter().flatten();
    let mut checked = 0;
    for turn in turns {
        let best_at = |times: f64| {
            let mut plan = pixelcraft();
            let scenario = plan.scenarios.iter_mut().find(|s| s.name == "uploads-loss").expect("it is declared");
            scenario.per_year.value *= times;
            let found = tradeoff::explore(&plan, &aws(), None, AS_OF);
            found.plans[found.least_total.expect("a best plan")].label.clone()
        };
        let beyond = 1.0 + (turn.times - 1.0) * 1.001;
        assert_eq!(best_at(beyond), turn.to, "at {} times", turn.times);
        let before = 1.0 + (turn.times - 1.0) * 0.999;
        assert_ne!(best_at(before), turn.to, "at {} times", turn.times);
        checked += 1;
    }
    assert!(checked > 0, "{one:?}");
}

#[test]
fn an_assumption_doubled_gives_the_total_that_is_said() {
    let explored = explored();
    let one = explored.sensitivity.iter().find(|one| one.assumption == Assumption::Downtime).expect("it counts");
    let mut plan = pixelcraft();
    plan.losses.as_mut().expect("rates").downtime_per_hour.value *= 2.0;
    let doubled = tradeoff::explore(&plan, &aws(), None, AS_OF);
    let today = &doubled.plans[doubled.today.expect("today")];
    assert!((today.annual_cost + today.expected_annual_loss - one.at_double).abs() < 0.01, "{one:?}");
    let swings: Vec<f64> = explored.sensitivity.iter().map(|one| one.at_double - one.at_half).collect();
    assert!(swings.is_sorted_by(|a, b| a >= b), "{swings:?}");
}

#[test]
fn one_more_unit_of_money_buys_no_more_than_itself_at_the_best_plan_and_more_where_a_dearer_one_is_better() {
    let explored = explored();
    let best = explored.least_total.expect("a best plan");
    let after = explored.one_more_buys(best);
    assert!(after.is_none_or(|step| step.each() <= 1.0), "{after:?}");
    let total = |index: usize| explored.plans[index].total();
    for index in 0..explored.plans.len() {
        let dearer_and_better =
            explored.plans[best].annual_cost > explored.plans[index].annual_cost && total(best) < total(index) - 1e-9;
        if let Some(to) = explored.beaten_by(index) {
            let (here, there) = (&explored.plans[index], &explored.plans[to]);
            assert!(there.annual_cost <= here.annual_cost && there.expected_annual_loss < here.expected_annual_loss);
            assert!(explored.one_more_buys(index).is_none() && !explored.curve.contains(&index));
        } else if let Some(step) = explored.one_more_buys(index) {
            let (here, there) = (&explored.plans[index], &explored.plans[step.to]);
            assert!((there.annual_cost - here.annual_cost - step.costs_more).abs() < 1e-9 && step.costs_more > 0.0);
            assert!((here.expected_annual_loss - there.expected_annual_loss - step.saves).abs() < 1e-6);
            assert!(!dearer_and_better || step.each() > 1.0, "{}: {step:?}", here.label);
        } else {
            assert!(!dearer_and_better, "{} has a better, dearer plan", explored.plans[index].label);
        }
    }
}
