//! The simulation against closed forms, and against the timeline's own time average.

use plimsoll::base::{Instant, Span};
use plimsoll::evidence::{Drill, DrillOutcome, Evidence, Health, Origin, RecoveryPoint, Run, RunOutcome};
use plimsoll::policy::{self, Consistency, Policy, SourceText};
use plimsoll::sim::{self, Options, Simulation};
use plimsoll::timeline::Basis;

pub const AS_OF: Instant = Instant(1_795_392_000_000); // 2026-11-23T00:00:00Z

pub fn policy(text: &str) -> Policy {
    match policy::parse(SourceText::new("test.toml", text)) {
        Ok(policy) => policy,
        Err(problems) => panic!("{problems:#?}"),
    }
}

pub fn options(years: u64) -> Options {
    Options { seed: 20_261_123, years, basis: Basis::Declared, threads: 2, as_of: AS_OF }
}

/// A database with one snapshot a period, and one scenario that destroys its cluster.
pub const BASE: &str = r#"
plimsoll = 1
name = "Oracle"
currency = "USD"
timezone = "UTC"
[objective]
rpo = "24h"
rto = "4h"
[losses]
downtime_per_hour = 0
data_per_hour = 1
total_loss = 1_000_000
[domain.cluster]
kind = "cluster"
[domain.vault]
kind = "bucket"
[domain.runner]
kind = "host"
[asset.database]
kind = "mongodb"
size = "10 GB"
lives_in = ["cluster"]
[protection.dump]
kind = "snapshot"
assets = ["database"]
schedule = "0 3 * * *"
takes = "0s"
stored_in = ["vault"]
runs_in = ["runner"]
retention = "30d"
consistency = "snapshot"
[scenario.fire]
title = "Fire"
destroys = ["cluster"]
per_year = 0.5
noticed_after = "0s"
[[scenario.fire.runbook]]
step = "Restore"
takes = { measured = "total", declared = "4h" }
asset = "database"
"#;

pub fn simulate(policy: &Policy, evidence: Option<&Evidence>, years: u64) -> Simulation {
    sim::campaign::run(policy, evidence, &options(years))
}

/// |measured − wanted| within four standard errors, which a right program misses once in 16,000 seeds.
pub fn within_error(measured: f64, error: f64, wanted: f64) {
    assert!(error > 0.0, "no error is stated");
    assert!((measured - wanted).abs() <= 4.0 * error, "{measured} ± {error}, wanted {wanted}");
}

fn mean_window_is(policy: &Policy, evidence: Option<&Evidence>, hours: f64) {
    let result = simulate(policy, evidence, 20_000);
    let window = result.scenarios[0].assets[0].loss_window.unwrap();
    within_error(window.mean.as_hours(), window.standard_error.as_hours(), hours);
}

#[test]
fn the_mean_loss_window_is_half_a_period_and_the_time_to_available() {
    mean_window_is(&policy(BASE), None, 12.0);
    mean_window_is(&policy(&BASE.replace("takes = \"0s\"", "takes = \"2h\"")), None, 14.0);
    mean_window_is(&policy(&BASE.replace("0 3 * * *", "0 */6 * * *")), None, 3.0);
}

#[test]
fn uneven_gaps_weigh_by_their_squares() {
    let weekdays = policy(&BASE.replace("0 3 * * *", "0 3 * * 1-5"));
    mean_window_is(&weekdays, None, 22.285_714);
    let worst = simulate(&weekdays, None, 20_000).scenarios[0].assets[0].loss_window.unwrap().worst;
    assert!(worst <= Span::hours(72) && worst > Span::hours(71), "{worst}");
}

fn run(n: i64, outcome: RunOutcome) -> Run {
    Run {
        id: format!("run-{n}"),
        verb: "backup".into(),
        asset: "database".into(),
        protection: Some("dump".into()),
        started_at: AS_OF - Span::days(n),
        ended_at: AS_OF - Span::days(n) + Span::hours(1),
        outcome,
        origin: Origin { tool: "test".into(), place: format!("runs/{n}.json"), sha256: None },
    }
}

/// So many runs that the posterior stands at 9 of 10.
pub fn nine_of_ten_runs() -> Evidence {
    let mut evidence = Evidence::none(AS_OF);
    evidence.runs = (0..20_000)
        .map(|n| run(n, if n % 10 == 0 { RunOutcome::Failed { why: "full".into() } } else { RunOutcome::Done }))
        .collect();
    evidence
}

#[test]
fn runs_that_fail_one_time_in_ten_make_the_loss_window_longer_as_the_formula_says() {
    let slow = policy(&BASE.replace("takes = \"0s\"", "takes = \"2h\"").replace("per_year = 0.5", "per_year = 5"));
    let result = simulate(&slow, Some(&nine_of_ten_runs()), 8_000);
    let asset = &result.scenarios[0].assets[0];
    let window = asset.loss_window.unwrap();
    // p + τ/2 + τ(1−s)/s with τ = 24, p = 2, s = 0.9.
    within_error(window.mean.as_hours(), window.standard_error.as_hours(), 16.6667);
    let meets = asset.meets_rpo.unwrap();
    within_error(1.0 - meets.mean, meets.standard_error, 0.175);
    assert!((window.p95.as_hours() - 39.3333).abs() < 0.5, "{}", window.p95);
}

#[test]
fn the_annual_loss_of_a_compound_poisson_process_has_its_mean_and_variance() {
    // X ~ U(0, 24 h) at 1 an hour, 0.5 a year: mean 6, variance 96.
    let annual = simulate(&policy(BASE), None, 100_000).annual.unwrap();
    within_error(annual.expected.mean, annual.expected.standard_error, 6.0);
    let variance = annual.expected.standard_error.powi(2) * 100_000.0;
    assert!((variance - 96.0).abs() < 3.0, "{variance}");
}

#[test]
fn availability_follows_from_rate_and_time_to_repair() {
    let policy = policy(
        &BASE
            .replace("per_year = 0.5", "per_year = 2")
            .replace("downtime_per_hour = 0", "downtime_per_hour = 1")
            .replace("data_per_hour = 1", "data_per_hour = 0"),
    );
    let annual = simulate(&policy, None, 50_000).annual.unwrap();
    // At 1 an hour of downtime the annual loss is the hours down: λ·MTTR = 8, and 1/(1 + 8/8760) = 0.99908759.
    within_error(annual.expected.mean, annual.expected.standard_error, 8.0);
    let availability = 1.0 / (1.0 + annual.expected.mean / 8760.0);
    assert!((availability - 0.999_087_59).abs() < 1e-5 * 4.0, "{availability}");
}

#[test]
fn at_least_one_breach_in_five_years_is_as_likely_as_the_formula_says() {
    // 0.5 a year, and a quarter of U(0, 24 h) is above 18 h: five years have a breach with 0.464739. A year has any loss
    // at all with 1 − exp(−0.5).
    let result = simulate(&policy(&BASE.replace("rpo = \"24h\"", "rpo = \"18h\"")), None, 100_000);
    let breach = 1.0 - result.scenarios[0].assets[0].meets_rpo.unwrap().mean;
    let rate = result.incidents as f64 / result.years as f64;
    let five_years = 1.0 - (-rate * 5.0 * breach).exp();
    assert!((five_years - 0.464_739).abs() < 0.01, "{five_years}");
    let curve = result.annual.unwrap().exceedance;
    assert!((curve[0].1 - (1.0 - (-0.5_f64).exp())).abs() < 0.005, "{:?}", curve[0]);
}

fn point(day: i64) -> RecoveryPoint {
    RecoveryPoint {
        recipients: Vec::new(),
        id: format!("day-{day}"),
        asset: "database".into(),
        protection: Some("dump".into()),
        consistent_at: AS_OF + Span::days(day),
        cluster_time: None,
        available_at: AS_OF + Span::days(day),
        expires_at: None,
        locked_until: None,
        stored_in: vec![],
        consistency: Some(Consistency::Snapshot),
        without: vec![],
        encrypted: None,
        health: Health::Unverified,
        bytes_stored: None,
        bytes_restored: None,
        documents: None,
        origin: Origin { tool: "test".into(), place: format!("day-{day}"), sha256: None },
    }
}

#[test]
fn the_record_is_simulated_with_its_gaps_and_not_as_the_plan_would_have_it() {
    // Days 0, 1, 3, 6 and nothing until day 10: Σx²/(2Σx) of gaps 1, 2, 3, 4 days is 36 h, where the plan says 12.
    let mut evidence = Evidence::none(AS_OF + Span::days(10));
    evidence.points = [0, 1, 3, 6].map(point).to_vec();
    let asked = Options { basis: Basis::Observed, as_of: evidence.read_at, ..options(20_000) };
    let result = sim::campaign::run(&policy(BASE), Some(&evidence), &asked);
    let window = result.scenarios[0].assets[0].loss_window.unwrap();
    within_error(window.mean.as_hours(), window.standard_error.as_hours(), 36.0);
    assert!(result.scenarios[0].assets[0].total_loss.mean == 0.0 && window.worst > Span::hours(94));
    assert!(result.unsaid.iter().any(|line| line.contains("the plan's 4 h stands for it")), "{:?}", result.unsaid);
}

pub fn drill(n: i64, took: Span, bytes_restored: u64, outcome: DrillOutcome) -> Drill {
    Drill {
        key: None,
        id: format!("drill-{n}"),
        asset: "database".into(),
        protection: None,
        point: "dump".into(),
        target: None,
        started_at: AS_OF - Span::days(n),
        ended_at: AS_OF - Span::days(n) + took,
        phases: vec![],
        checks: vec![],
        outcome,
        bytes_restored,
        documents: 1,
        origin: Origin { tool: "test".into(), place: format!("drills/{n}.json"), sha256: None },
    }
}

#[test]
fn bad_restores_fall_back_to_older_points_and_take_their_time() {
    let mut evidence = Evidence::none(AS_OF);
    let bad = || DrillOutcome::Failed { why: "checksum".into() };
    evidence.drills = (0..20_000)
        .map(|n| drill(n, Span::hours(1), 10_000_000_000, if n % 2 == 0 { bad() } else { DrillOutcome::Passed }))
        .collect();
    let often = policy(&BASE.replace("per_year = 0.5", "per_year = 5"));
    let result = simulate(&often, Some(&evidence), 6_000);
    // Half of all restores fail: one older point a failure, on average one failure, each 4 h more.
    let window = result.scenarios[0].assets[0].loss_window.unwrap();
    within_error(window.mean.as_hours(), window.standard_error.as_hours(), 12.0 + 24.0);
    let downtime = result.scenarios[0].downtime.unwrap();
    within_error(downtime.mean.as_hours(), downtime.standard_error.as_hours(), 8.0);
}

#[test]
fn measured_steps_are_the_drills_own_times_scaled_to_the_size_of_today() {
    let undeclared = policy(&BASE.replace(", declared = \"4h\"", ""));
    let mut evidence = Evidence::none(AS_OF);
    evidence.drills = vec![
        drill(1, Span::hours(1), 5_000_000_000, DrillOutcome::Passed),
        drill(2, Span::hours(2), 5_000_000_000, DrillOutcome::Passed),
        drill(3, Span::hours(9), 5_000_000_000, DrillOutcome::Failed { why: "counts".into() }),
    ];
    // Restores never fail in this question: only the times are asked for.
    let result = simulate(&undeclared, Some(&evidence), 5_000);
    let downtime = result.scenarios[0].downtime.unwrap();
    assert!(downtime.p50 >= Span::hours(2) && downtime.worst > Span::hours(4), "{downtime:?}");
    assert!(simulate(&undeclared, None, 1_000).scenarios[0].downtime.is_none());
}

#[test]
fn the_mean_equals_the_timelines_time_average_on_the_whole_plan() {
    use plimsoll::base::Window;
    use plimsoll::timeline::{Failure, downtime, exposure, history};
    let text =
        BASE.replace("per_year = 0.5", "per_year = 0.04").replace("noticed_after = \"0s\"", "noticed_after = \"3d\"")
            + r#"
[protection.log]
kind = "log"
assets = ["database"]
lag = "5min"
window = "2d"
stored_in = ["vault"]
runs_in = ["runner"]
[protection.far]
kind = "copy"
of = "dump"
delay = "9h"
stored_in = ["far-vault"]
runs_in = ["runner"]
retention = "60d"
[domain.far-vault]
kind = "bucket"
[scenario.purge]
title = "Purge"
destroys = ["cluster", "vault"]
per_year = 0.04
noticed_after = "0s"
[[scenario.purge.runbook]]
step = "Restore"
takes = "1h"
"#;
    let policy = policy(&text);
    let result = simulate(&policy, None, 40_000);
    let asset = &policy.assets[0];
    let window = Window::new(AS_OF, AS_OF + Span::days(28));
    let history = history::declared(&policy, asset, window);
    for (scenario, said) in policy.scenarios.iter().zip(&result.scenarios) {
        let noticed_after = scenario.noticed_after.declared_longest().unwrap();
        let failure =
            Failure::of(&policy, scenario, asset, noticed_after, downtime::declared(scenario).unwrap_or_default());
        let exact = exposure::sweep(&history, &failure, window).mean.unwrap();
        let measured = said.assets[0].loss_window.unwrap();
        within_error(measured.mean.as_hours(), measured.standard_error.as_hours().max(1e-6), exact.as_hours());
    }
}
