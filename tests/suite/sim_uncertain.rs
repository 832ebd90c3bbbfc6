//! What is uncertain, against closed forms: times by quantiles, rates that are believed, rare scenarios, shared queues,
//! runs and captures in trouble.

use plimsoll::base::rng::Stream;
use plimsoll::policy::Policy;
use plimsoll::policy::Uncertain;
use plimsoll::sim::count::Counts;
use plimsoll::sim::{Estimate, Options, Simulation, campaign};

use super::sim_oracles::{BASE, options, policy, simulate, within_error};

/// The base policy, with some of its lines in place of others.
fn changed(lines: &[(&str, &str)]) -> Policy {
    let with = |text: String, (old, new): &(&str, &str)| {
        assert!(text.contains(old), "{old}");
        text.replace(old, new)
    };
    policy(&lines.iter().fold(BASE.to_string(), with))
}

const OFTEN: (&str, &str) = ("per_year = 0.5", "per_year = 5");
const RESTORE: &str = "takes = { measured = \"total\", declared = \"4h\" }\nasset = \"database\"";

fn hours(simulation: &Simulation) -> (f64, f64) {
    let downtime = simulation.scenarios[0].downtime.unwrap();
    (downtime.mean.as_hours(), downtime.standard_error.as_hours())
}

fn window(simulation: &Simulation) -> (f64, f64) {
    let window = simulation.scenarios[0].assets[0].loss_window.unwrap();
    (window.mean.as_hours(), window.standard_error.as_hours())
}

#[test]
fn a_lognormal_time_has_the_quantiles_that_were_declared_and_their_mean() {
    let plan = changed(&[OFTEN, (RESTORE, "takes = { p50 = \"1h\", p95 = \"6h\" }")]);
    let result = simulate(&plan, None, 20_000);
    let sigma = 6.0_f64.ln() / 1.644_853_626_951_472_7;
    let (mean, error) = hours(&result);
    within_error(mean, error, (sigma * sigma / 2.0).exp());
    let downtime = result.scenarios[0].downtime.unwrap();
    let (p50, p95) = (downtime.errors.p50.unwrap().as_hours(), downtime.errors.p95.unwrap().as_hours());
    within_error(downtime.p50.as_hours(), p50 + 0.002, 1.0);
    within_error(downtime.p95.as_hours(), p95 + 0.012, 6.0);
}

#[test]
fn a_time_with_three_points_has_the_mean_and_the_spread_of_its_beta() {
    let plan = changed(&[OFTEN, (RESTORE, "takes = { low = \"1h\", mode = \"2h\", high = \"9h\" }")]);
    let result = simulate(&plan, None, 40_000);
    let (mean, error) = hours(&result);
    within_error(mean, error, 3.0);
    // Beta(1.5, 4.5) over 8 h has the variance (3 − 1)(9 − 3)/7; what is said of the mean's error rests on it.
    let deviation = error * (result.incidents as f64).sqrt();
    assert!((deviation - (12.0_f64 / 7.0).sqrt()).abs() < 0.02, "{deviation}");
}

#[test]
fn an_uncertain_rate_spreads_the_years_as_its_distribution_says() {
    // Two in ten years: Gamma(2.5, 10) has mean 0.25 and variance 0.025. With X ~ U(0, 24 h): E = 12, E[X²] = 192.
    let plan = changed(&[("per_year = 0.5", "per_year = { seen = 2, years = 10 }")]);
    let annual = simulate(&plan, None, 100_000).annual.unwrap().expected;
    within_error(annual.mean, annual.standard_error, 0.25 * 12.0);
    let variance = annual.standard_error.powi(2) * 100_000.0;
    let wanted = 0.25 * 192.0 + 0.025 * 144.0;
    assert!((variance / wanted - 1.0).abs() < 0.04, "{variance}, wanted {wanted}");
    // Lognormal between 0.1 and 0.9: median 0.3.
    let plan = changed(&[("per_year = 0.5", "per_year = { p5 = 0.1, p95 = 0.9 }")]);
    let sigma = 3.0_f64.ln() / 1.644_853_626_951_472_7;
    let mean = 0.3 * (sigma * sigma / 2.0).exp();
    let annual = simulate(&plan, None, 100_000).annual.unwrap().expected;
    within_error(annual.mean, annual.standard_error, mean * 12.0);
    let variance = annual.standard_error.powi(2) * 100_000.0;
    let wanted = mean * 192.0 + mean * mean * ((sigma * sigma).exp() - 1.0) * 144.0;
    assert!((variance / wanted - 1.0).abs() < 0.06, "{variance}, wanted {wanted}");
}

#[test]
fn numbers_of_incidents_have_the_mean_of_their_rate_however_rare_or_common() {
    for uncertain in [None, Some(Uncertain::Gamma { shape: 2.5 }), Some(Uncertain::Lognormal { sigma: 0.7 })] {
        for rate in [1e-9, 0.02, 1.0, 40.0, 300.0] {
            let counts = Counts::of(rate, uncertain);
            let (mut sum, mut squares, mut stream) = (0.0, 0.0, Stream::new(11, 0));
            let draws = 20_000;
            for _ in 0..draws {
                // Rare ones as a stratum draws them, with its exact weight.
                let number = match rate < 0.1 {
                    true => counts.some * counts.draw(Some(true), &mut stream) as f64,
                    false => counts.draw(None, &mut stream) as f64,
                };
                (sum, squares) = (sum + number, squares + number * number);
            }
            let mean = sum / f64::from(draws);
            let error = ((squares / f64::from(draws) - mean * mean).max(0.0) / f64::from(draws)).sqrt();
            assert!((mean - rate).abs() <= 4.0 * error + rate * 1e-6, "{rate} {uncertain:?}: {mean} ± {error}");
            assert!(counts.draw(Some(false), &mut stream) == 0 && counts.beyond < 1e-6);
        }
    }
    let none = Counts::of(0.0, None);
    assert_eq!((none.some, none.draw(None, &mut Stream::new(1, 1))), (0.0, 0));
    assert!(Counts::of(f64::NAN, None).some == 0.0 && Counts::of(1e5, None).beyond > 0.99);
}

#[test]
fn a_rare_scenario_is_weighed_as_it_comes_and_seen_in_a_few_thousand_years() {
    // Once in a million years, 12 h at 1 an hour in the mean: plain years would not see one.
    let rare = changed(&[("per_year = 0.5", "per_year = 0.000001")]);
    let result = simulate(&rare, None, 8_000);
    let annual = result.annual.unwrap();
    assert!(result.incidents >= 2_000 && annual.expected.standard_error < annual.expected.mean * 0.02);
    within_error(annual.expected.mean, annual.expected.standard_error, 12e-6);
    let (_, any, error) = annual.exceedance[0];
    assert!((any / 1e-6 - 1.0).abs() < 1e-5, "{any} ± {error}");
    // The median year loses nothing; what one year in a hundred loses is nothing too.
    assert_eq!((annual.p50, annual.p99), (0.0, 0.0));
}

/// Means of many short campaigns, too short for strata: every year is drawn plainly.
fn plainly(plan: &Policy, campaigns: u64) -> Estimate {
    let (mut sum, mut squares) = (0.0, 0.0);
    for seed in 0..campaigns {
        let options = Options { seed, ..options(200) };
        let mean = campaign::run(plan, None, &options).annual.unwrap().expected.mean;
        (sum, squares) = (sum + mean, squares + mean * mean);
    }
    let n = campaigns as f64;
    Estimate { mean: sum / n, standard_error: ((squares / n - (sum / n).powi(2)) / n).sqrt() }
}

#[test]
fn strata_of_rare_scenarios_agree_with_plain_years() {
    let second = "[scenario.theft]\ntitle = \"Theft\"\ndestroys = [\"cluster\", \"vault\"]\nper_year = 0.01\n\
                  noticed_after = \"0s\"\n";
    let text = BASE.replace("per_year = 0.5", "per_year = 0.04").replace("1_000_000", "100") + second;
    let plan = policy(&text);
    let (plain, strata) = (plainly(&plan, 400), simulate(&plan, None, 20_000).annual.unwrap());
    // 0.04 × 12 + 0.01 × 100.
    within_error(plain.mean, plain.standard_error, 1.48);
    within_error(strata.expected.mean, strata.expected.standard_error, 1.48);
    let as_many_plain = plain.standard_error * (400.0 * 200.0 / 20_000.0_f64).sqrt();
    assert!(strata.expected.standard_error < as_many_plain / 2.0, "{strata:?} against {as_many_plain}");
    // All but the fires that lose less than a cent.
    let (_, any, _) = strata.exceedance[0];
    assert!((any - (1.0 - (-0.05_f64).exp())).abs() < 2e-4, "{any}");
}

/// A fire whose runbook restores three things side by side, on a line that they share.
fn restores(resource: &str, takes: [&str; 3], after: &str) -> f64 {
    let step = |n: usize| {
        let head =
            if n == 0 { "step = \"Restore\"".into() } else { format!("[[scenario.fire.runbook]]\nstep = \"{n}\"") };
        format!("{head}\ntakes = \"{}\"\nuses = \"line\"\nafter = []\n", takes[n])
    };
    let steps: String = (0..3).map(step).collect();
    let text = BASE.replace(&format!("step = \"Restore\"\n{RESTORE}\n"), &(steps + after));
    let plan = policy(&format!("{text}\n[resource.line]\n{resource}\n"));
    simulate(&plan, None, 200).scenarios[0].downtime.unwrap().worst.as_hours()
}

#[test]
fn restores_that_share_a_line_take_as_long_as_queues_do() {
    let queue = |at_once: u32| format!("kind = \"queue\"\nat_once = {at_once}");
    let bandwidth = |at_once: u32| format!("kind = \"bandwidth\"\nat_once = {at_once}");
    // Neither is idle while anything is left: the last is done after all of the work.
    assert_eq!(restores(&queue(1), ["1h", "2h", "3h"], ""), 6.0);
    assert_eq!(restores(&bandwidth(1), ["1h", "2h", "3h"], ""), 6.0);
    // Two at a time: the third takes the place of the first.
    assert_eq!(restores(&queue(2), ["1h", "2h", "3h"], ""), 4.0);
    // Three share two places: a third is done at 1.5 h, then the others go on at full pace.
    assert_eq!(restores(&bandwidth(2), ["1h", "2h", "3h"], ""), 3.5);
    assert_eq!(restores(&queue(3), ["1h", "2h", "3h"], ""), 3.0);
    // What waits for the first: after 1 h in a queue; after 3 h where it has a third of the line.
    let then = "[[scenario.fire.runbook]]\nstep = \"Check\"\ntakes = \"8h\"\nafter = [\"Restore\"]\n";
    assert_eq!(restores(&queue(1), ["1h", "2h", "3h"], then), 9.0);
    assert_eq!(restores(&bandwidth(1), ["1h", "2h", "3h"], then), 11.0);
}

/// The nightly dump with this trouble.
fn troubled(trouble: &str) -> Policy {
    let line = format!("retention = \"30d\"\ntrouble = {{ {trouble} }}");
    changed(&[OFTEN, ("retention = \"30d\"", &line), ("takes = \"0s\"", "takes = \"2h\"")])
}

#[test]
fn runs_that_fail_are_late_or_hang_make_the_loss_window_longer_as_renewal_theory_says() {
    let is = |trouble: &str, wanted: f64| {
        let (mean, error) = window(&simulate(&troubled(trouble), None, 8_000));
        within_error(mean, error, wanted);
    };
    // p + τ/2 + τ(1−s)/s.
    is("fails = 0.1", 2.0 + 12.0 + 24.0 / 9.0);
    is("late = \"3h\"", 2.0 + 3.0 + 12.0);
    // A run that hangs for 30 h holds up the next: gaps are 24 h and 48 h more for each hang, of which there are k with
    // probability (1−h)h^k. Mean E[x²]/(2E[x]).
    let h = 0.1_f64;
    let (k, k_squared) = (h / (1.0 - h), h * (1.0 + h) / (1.0 - h).powi(2));
    let (first, second) = (24.0 + 48.0 * k, 24.0_f64.powi(2) + 2.0 * 24.0 * 48.0 * k + 48.0_f64.powi(2) * k_squared);
    is("hangs = 0.1, hangs_for = \"30h\"", 2.0 + second / (2.0 * first));
}

const LOG: &str = "[protection.log]\nkind = \"log\"\nassets = [\"database\"]\nlag = \"5min\"\nwindow = \"30d\"\n\
                   stored_in = [\"vault\"]\nruns_in = [\"runner\"]\n";

#[test]
fn a_capture_that_lags_and_breaks_loses_what_it_did_not_capture() {
    let hourly = BASE.replace("per_year = 0.5", "per_year = 5").replace("0 3 * * *", "0 * * * *");
    let log = |trouble: &str| policy(&format!("{hourly}\n{LOG}trouble = {{ {trouble} }}\n"));
    // The log is so far behind, unless the dump of the full hour is newer: that takes off x²/2 of every hour.
    let behind = |hours: f64| hours - hours * hours / 2.0;
    let (mean, error) = window(&simulate(&log("late = \"10min\""), None, 2_000));
    within_error(mean, error, behind(0.25));
    // 20 breaks a year of a day each. With u the age of the newest dump and x the time since the last break: while the
    // log is broken it leads to the break or the dump is newer; then it needs a dump of the time after.
    let loss = |u: f64, x: f64| if x > 24.0 && u <= x - 24.0 { u.min(1.0 / 12.0) } else { u.min(x.max(1.0 / 12.0)) };
    let (parts, ages) = (40_000, 60);
    let middle = |n: i32, of: i32| (f64::from(n) + 0.5) / f64::from(of);
    let since = |part: i32| -(1.0 - middle(part, parts)).ln() * 8766.0 / 20.0;
    let sum: f64 = (0..parts).map(|part| (0..ages).map(|age| loss(middle(age, ages), since(part))).sum::<f64>()).sum();
    let (mean, error) = window(&simulate(&log("breaks_per_year = 20, broken_for = \"1d\""), None, 20_000));
    within_error(mean, error, sum / f64::from(parts * ages));
}

#[test]
fn a_mirror_carries_corruption_on_and_survives_a_fire() {
    let mirror = "[protection.dump]\nkind = \"mirror\"\nassets = [\"database\"]";
    let text = BASE.replace("[protection.dump]\nkind = \"snapshot\"\nassets = [\"database\"]", mirror);
    let text = text.replace("retention = \"30d\"\n", "");
    let fire = simulate(&policy(&text), None, 500);
    assert_eq!(fire.scenarios[0].assets[0].total_loss.mean, 0.0);
    let corrupted =
        simulate(&policy(&text.replace("destroys = [\"cluster\"]", "corrupts = [\"database\"]")), None, 500);
    assert_eq!(corrupted.scenarios[0].assets[0].total_loss.mean, 1.0);
}

#[test]
fn a_time_without_a_longest_is_still_a_time() {
    let plan = changed(&[OFTEN, ("noticed_after = \"0s\"", "noticed_after = { p5 = \"1ms\", p99 = \"90y\" }")]);
    let result = simulate(&plan, None, 300);
    let asset = &result.scenarios[0].assets[0];
    assert!(asset.total_loss.mean > 0.0, "{asset:?}");
    let shown = format!("{result:?}");
    assert!(result.scenarios[0].downtime.is_some() && !shown.contains("NaN") && !shown.contains(": inf"), "{shown}");
}
