//! The campaign as a whole: the same bytes whatever the threads, and plain statements in place of made-up numbers.

use plimsoll::base::Span;
use plimsoll::evidence::{DrillOutcome, Evidence};
use plimsoll::policy::Policy;
use plimsoll::sim::{Options, Simulation, campaign};
use plimsoll::timeline::{Basis, Loss};

use super::sim_oracles::{AS_OF, BASE, drill, options, policy, simulate};

fn pixelcraft() -> Policy {
    policy(include_str!("../../policies/pixelcraft.toml"))
}

fn json(simulation: &Simulation) -> String {
    let shown = format!("{simulation:?}");
    assert!(![": NaN", ": inf", ": -inf", "(NaN", "(inf", ", NaN)"].iter().any(|odd| shown.contains(odd)), "{shown}");
    serde_json::to_string(simulation).unwrap()
}

#[test]
fn the_result_is_the_same_bytes_on_one_two_and_five_threads() {
    let plan = pixelcraft();
    let on = |threads| json(&campaign::run(&plan, None, &Options { threads, ..options(3_000) }));
    let one = on(1);
    assert_eq!(one, on(2));
    assert_eq!(one, on(5));
    assert_ne!(one, json(&campaign::run(&plan, None, &Options { seed: 1, ..options(3_000) })));
}

#[test]
fn pixelcrafts_four_scenarios_show_where_its_plan_fails() {
    let result = campaign::run(&pixelcraft(), None, &options(20_000));
    let scenario = |name: &str| result.scenarios.iter().find(|s| s.scenario == name).unwrap();
    assert_eq!(result.scenarios.len(), 4);
    // The nightly dump alone is left: a day is lost where an hour is allowed.
    let fire = &scenario("infrastructure-failure").assets[0];
    assert!(fire.loss_window.unwrap().worst > Span::hours(23));
    assert!(fire.meets_rpo.unwrap().mean < 0.05);
    let bucket = &scenario("uploads-loss").assets[0];
    assert_eq!(bucket.asset, "uploads");
    assert!(bucket.meets_rpo.unwrap().mean < 0.05);
    // A server's failure loses no data.
    assert!(scenario("server-failure").assets.is_empty());
    assert!(scenario("server-failure").meets_rto.unwrap().mean > 0.99);
    let annual = result.annual.unwrap();
    assert!(annual.expected.mean > 0.0 && annual.tail_mean_95 >= annual.p95 && annual.p99 >= annual.p95);
    assert!(annual.exceedance.len() <= 60);
    let worst = result.worst.unwrap();
    assert!(worst.failed_at <= worst.noticed_at && worst.noticed_at <= worst.back_at.unwrap());
}

#[test]
fn nothing_that_can_be_declared_gives_a_number_that_is_none() {
    let rates = [0.5, 0.0, 1e6];
    let steps = ["declared = \"4h\"", "declared = \"0s\"", "declared = \"1y\""];
    for rate in rates {
        for step in steps {
            let mut plan = policy(&BASE.replace(steps[0], step));
            plan.scenarios[0].per_year.value = rate;
            for basis in [Basis::Declared, Basis::Observed] {
                let drilled = |outcome| {
                    let mut evidence = Evidence::none(AS_OF);
                    evidence.drills = vec![drill(1, Span::hours(1), 10_000_000_000, outcome)];
                    Some(evidence)
                };
                let one_bad = drilled(DrillOutcome::Failed { why: "checksum".into() });
                for evidence in [None, Some(Evidence::none(AS_OF)), drilled(DrillOutcome::Passed), one_bad] {
                    let years = if rate > 1.0 { 3 } else { 200 };
                    let asked = Options { basis, ..options(years) };
                    json(&campaign::run(&plan, evidence.as_ref(), &asked));
                }
            }
        }
    }
}

#[test]
fn trouble_without_end_loses_everything_and_says_no_number_that_is_none() {
    let log = "[protection.log]\nkind = \"log\"\nassets = [\"database\"]\nlag = \"1min\"\nwindow = \"1d\"\nstored_in = [\"vault\"]\n\
               trouble = { breaks_per_year = 8760, broken_for = \"1y\", late = \"100y\" }\n";
    for trouble in ["fails = 1", "hangs = 1, hangs_for = \"100y\"", "late = { p5 = \"50y\", p95 = \"60y\" }"] {
        let line = format!("retention = \"30d\"\ntrouble = {{ {trouble} }}");
        let text =
            BASE.replace("retention = \"30d\"", &line).replace("per_year = 0.5", "per_year = { p5 = 0.1, p99 = 8000 }");
        let result = campaign::run(&policy(&(text + log)), None, &options(20));
        assert_eq!(result.scenarios[0].assets[0].total_loss.mean, 1.0, "{trouble}");
        json(&result);
    }
}

#[test]
fn a_scenario_that_never_comes_is_said_to_say_nothing() {
    let result = simulate(&policy(&BASE.replace("per_year = 0.5", "per_year = 0")), None, 100);
    assert_eq!(result.incidents, 0);
    assert!(result.scenarios[0].assets.is_empty() && result.worst.is_none());
    assert!(result.unsaid.iter().any(|line| line.contains("never came in 100 years")), "{:?}", result.unsaid);
    assert_eq!(result.annual.unwrap().expected.mean, 0.0);
}

#[test]
fn a_rate_of_a_million_a_year_is_bounded_and_says_so() {
    let mut often = policy(BASE);
    often.scenarios[0].per_year.value = 1e6;
    let result = simulate(&often, None, 2);
    assert!(result.incidents < 25_000);
    assert!(result.unsaid.iter().any(|line| line.contains("each standing for")), "{:?}", result.unsaid);
    // A million times 12 h at 1 an hour.
    let expected = result.annual.unwrap().expected;
    assert!((expected.mean / 12e6 - 1.0).abs() < 0.03, "{expected:?}");
}

#[test]
fn a_total_loss_without_an_amount_is_counted_apart_and_never_zero() {
    let text = BASE.replace("destroys = [\"cluster\"]", "destroys = [\"cluster\", \"vault\"]");
    let priced = simulate(&policy(&text), None, 2_000).annual.unwrap();
    assert!(priced.expected.mean > 400_000.0 && !priced.at_least);
    let result = simulate(&policy(&text.replace("total_loss = 1_000_000\n", "")), None, 2_000);
    assert_eq!(result.scenarios[0].assets[0].total_loss.mean, 1.0);
    assert!(result.scenarios[0].assets[0].loss_window.is_none());
    assert_eq!(result.worst.unwrap().loss, Some(Loss::Total));
    assert!(result.annual.unwrap().at_least);
    assert!(result.unsaid.iter().any(|line| line.contains("no declared amount")), "{:?}", result.unsaid);
}

#[test]
fn without_loss_rates_nothing_is_said_in_money() {
    let rates = "[losses]\ndowntime_per_hour = 0\ndata_per_hour = 1\ntotal_loss = 1_000_000\n";
    let result = simulate(&policy(&BASE.replace(rates, "")), None, 500);
    assert!(result.annual.is_none() && result.scenarios[0].annual_loss.is_none());
    assert!(result.worst.unwrap().money.is_none());
    assert!(result.unsaid.iter().any(|line| line.contains("no loss rates")), "{:?}", result.unsaid);
}

#[test]
fn a_record_that_shows_no_point_loses_everything() {
    let asked = Options { basis: Basis::Observed, ..options(500) };
    let result = campaign::run(&policy(BASE), Some(&Evidence::none(AS_OF)), &asked);
    assert_eq!(result.scenarios[0].assets[0].total_loss.mean, 1.0);
    assert!(result.unsaid.iter().any(|line| line.contains("no recovery point")), "{:?}", result.unsaid);
}

#[test]
fn what_is_neither_measured_nor_declared_is_left_out_and_said() {
    let text = BASE.replace(", declared = \"4h\"", "").replace("downtime_per_hour = 0", "downtime_per_hour = 100");
    let result = simulate(&policy(&text), None, 500);
    assert!(result.scenarios[0].downtime.is_none() && result.scenarios[0].meets_rto.is_none());
    assert!(result.worst.unwrap().back_at.is_none());
    assert!(result.annual.unwrap().at_least);
    assert!(result.unsaid.iter().any(|line| line.contains("neither measured nor declared")), "{:?}", result.unsaid);
}
