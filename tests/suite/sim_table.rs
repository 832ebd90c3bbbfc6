//! The table of closed forms beside what the code says, as `reports/oracles.md` shows it.

use std::fmt::Write;

use plimsoll::audit::strength;
use plimsoll::cost::tradeoff::best_interval;
use plimsoll::sim::Simulation;

use super::sim_oracles::{BASE, nine_of_ten_runs, policy, simulate};

/// A figure with its closed form and the error that is stated; none where it is worked out and not sampled.
struct Row {
    what: &'static str,
    wanted: f64,
    said: f64,
    error: Option<f64>,
}

fn sampled(what: &'static str, wanted: f64, said: f64, error: f64) -> Row {
    Row { what, wanted, said, error: Some(error) }
}

fn exact(what: &'static str, wanted: f64, said: f64) -> Row {
    Row { what, wanted, said, error: None }
}

fn window(simulation: &Simulation) -> plimsoll::sim::Quantiles {
    simulation.scenarios[0].assets[0].loss_window.unwrap()
}

fn worked_out() -> Vec<Row> {
    let best = best_interval(10.0, 1.0 / 3.0, 5_000.0).unwrap();
    let young = best_interval(0.5, 8760.0 / 24.0, 1.0).unwrap();
    vec![
        exact("best interval between snapshots, h", 10.2528, best.0.as_hours()),
        exact("its annual cost, USD", 17_088.01, best.1),
        exact("checkpoint interval after Young, h", 4.899, young.0.as_hours()),
        exact("29 clean drills, lower bound at 95 %", 0.90186, strength::succeeds_at_least(29, 29)),
    ]
}

fn of_loss_windows() -> Vec<Row> {
    let slow = policy(&BASE.replace("takes = \"0s\"", "takes = \"2h\"").replace("per_year = 0.5", "per_year = 5"));
    let failing = simulate(&slow, Some(&nine_of_ten_runs()), 8_000);
    let (one, meets) = (window(&failing), failing.scenarios[0].assets[0].meets_rpo.unwrap());
    let uneven = window(&simulate(&policy(&BASE.replace("0 3 * * *", "0 3 * * 1-5")), None, 16_000));
    vec![
        sampled("mean loss window, 24 h, 2 h, 0.9, h", 16.6667, one.mean.as_hours(), one.standard_error.as_hours()),
        sampled("its 95th percentile, h", 39.3333, one.p95.as_hours(), one.errors.p95.unwrap().as_hours()),
        sampled("its P(> 24 h)", 0.175, 1.0 - meets.mean, meets.standard_error),
        sampled(
            "mean loss window, weekdays only, h",
            22.2857,
            uneven.mean.as_hours(),
            uneven.standard_error.as_hours(),
        ),
    ]
}

fn of_years() -> Vec<Row> {
    let years = 40_000;
    let compound = simulate(&policy(BASE), None, years).annual.unwrap().expected;
    let n = years as f64;
    // The variance of a sample variance: (κ₄ + 2σ⁴)/n with κ₄ = λE[X⁴].
    let error = ((0.5 * 24.0_f64.powi(4) / 5.0 + 2.0 * 96.0 * 96.0) / n).sqrt();
    let down = BASE
        .replace("per_year = 0.5", "per_year = 2")
        .replace("downtime_per_hour = 0", "downtime_per_hour = 1")
        .replace("data_per_hour = 1", "data_per_hour = 0");
    let down = simulate(&policy(&down), None, years).annual.unwrap().expected;
    let availability = 1.0 / (1.0 + down.mean / 8760.0);
    let breached = simulate(&policy(&BASE.replace("rpo = \"24h\"", "rpo = \"18h\"")), None, years);
    let meets = breached.scenarios[0].assets[0].meets_rpo.unwrap();
    let in_five_years = 1.0 - (-0.5 * 5.0 * (1.0 - meets.mean)).exp();
    vec![
        sampled("compound Poisson, mean", 6.0, compound.mean, compound.standard_error),
        sampled("compound Poisson, variance", 96.0, compound.standard_error.powi(2) * n, error),
        sampled("availability", 0.999_087_59, availability, down.standard_error / 8760.0),
        sampled(
            "at least one breach in five years",
            0.464_739,
            in_five_years,
            2.5 * (1.0 - in_five_years) * meets.standard_error,
        ),
    ]
}

fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "# Closed forms, and what the code says\n\n\
         Written by the test `sim_table`. The difference is in standard errors that the simulation states itself; what is\n\
         worked out and not sampled has none. The durability of erasure codes, and the checkpoint intervals beyond Young's,\n\
         are nothing that Plimsoll computes.\n\n\
         | figure | closed form | Plimsoll | standard error | difference |\n|---|--:|--:|--:|--:|\n",
    );
    for Row { what, wanted, said, error } in rows {
        let (error, away) = match error {
            Some(error) => (format!("{error:.5}"), format!("{:+.1}", (said - wanted) / error)),
            None => ("–".into(), format!("{:+.5}", said - wanted)),
        };
        writeln!(text, "| {what} | {wanted} | {said:.5} | {error} | {away} |").unwrap();
    }
    text
}

#[test]
fn the_code_agrees_with_every_closed_form_and_the_table_shows_it() {
    let rows: Vec<Row> = [worked_out(), of_loss_windows(), of_years()].into_iter().flatten().collect();
    for Row { what, wanted, said, error } in &rows {
        let allowed = error.map_or(wanted * 1e-4, |error| 4.0 * error);
        assert!((said - wanted).abs() <= allowed, "{what}: {said}, wanted {wanted} within {allowed}");
    }
    let (path, fresh) = (concat!(env!("CARGO_MANIFEST_DIR"), "/reports/oracles.md"), table(&rows));
    if std::env::var_os("PLIMSOLL_WRITE_ORACLES").is_some() {
        std::fs::write(path, &fresh).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == fresh,
        "reports/oracles.md is of another state: run this test with PLIMSOLL_WRITE_ORACLES=1\n{fresh}"
    );
}
