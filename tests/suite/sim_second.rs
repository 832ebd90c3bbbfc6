//! Failures that strike while another is being recovered from: against closed forms, and told one by one.

use plimsoll::base::Span;
use plimsoll::policy::Policy;
use plimsoll::sim::Simulation;
use plimsoll::timeline::Loss;

use super::sim_oracles::{BASE, policy, simulate, within_error};

/// A fire whose restore takes two days, and the loss of the vault with the only copies of the database.
fn fire_and_vault(vault_per_year: f64, destroys: &str) -> Policy {
    let text = BASE.replace("per_year = 0.5", "per_year = 1").replace("declared = \"4h\"", "declared = \"2d\"");
    policy(&format!(
        "{text}\n[domain.elsewhere]\nkind = \"bucket\"\n[scenario.deletion]\ndestroys = [\"{destroys}\"]\nper_year = {vault_per_year}\n\
         noticed_after = \"0s\"\n[[scenario.deletion.runbook]]\nstep = \"Begin anew\"\ntakes = \"2d\"\n"
    ))
}

fn fire(simulation: &Simulation) -> &plimsoll::sim::ScenarioResult {
    simulation.scenarios.iter().find(|scenario| scenario.scenario == "fire").unwrap()
}

#[test]
fn a_database_is_lost_for_good_as_often_as_its_copies_go_while_it_is_gone() {
    let result = simulate(&fire_and_vault(20.0, "vault"), None, 30_000);
    let total = fire(&result).assets[0].total_loss;
    // The vault is gone at some time between two days before the fire and two after it. A year begins with nothing lost
    // and ends as it is: of the stretch around a fire near either end only a part is in the year.
    let (rate, days, year) = (20.0 / 365.25, 2.0, 365.25);
    let cut = |days: f64| -> f64 {
        let steps = 20_000;
        let at = |n: i32| (f64::from(n) + 0.5) * year / f64::from(steps);
        let spared = |t: f64| (-rate * (f64::min(days, t) + f64::min(days, year - t))).exp();
        (0..steps).map(|n| spared(at(n))).sum::<f64>() / f64::from(steps)
    };
    within_error(total.mean, total.standard_error, 1.0 - cut(days));
}

#[test]
fn failures_that_do_not_meet_leave_each_other_alone() {
    let result = simulate(&fire_and_vault(20.0, "elsewhere"), None, 3_000);
    let fire = fire(&result);
    assert_eq!(fire.assets[0].total_loss.mean, 0.0);
    // Only a second fire begins the restore again: λ = 1 and two days.
    let downtime = fire.downtime.unwrap();
    assert!(downtime.p50 == Span::days(2) && downtime.worst > Span::days(2) && downtime.worst < Span::days(8));
}

#[test]
fn a_second_fire_begins_the_restore_of_the_first_again_and_loses_nothing_twice() {
    // Fires come 20 times a year, each restore takes two days. A fire waits for the last of those that follow each other
    // within two days: a gap Exp(λ) is shorter than D with 1 − e^(−λD), so on average it is back after (e^(λD) − 1)/λ.
    let text = BASE
        .replace("per_year = 0.5", "per_year = 20")
        .replace("declared = \"4h\"", "declared = \"2d\"")
        .replace("downtime_per_hour = 0", "downtime_per_hour = 1")
        .replace("data_per_hour = 1", "data_per_hour = 0");
    let result = simulate(&policy(&text), None, 4_000);
    let downtime = result.scenarios[0].downtime.unwrap();
    let rate = 20.0 / 365.25;
    let until_back = ((rate * 2.0_f64).exp() - 1.0) / rate;
    // What follows a fire at the end of the year is not seen: less than a hundredth of all.
    let mean = downtime.mean.as_hours() / 24.0;
    assert!(mean < until_back + 4.0 * downtime.standard_error.as_hours() / 24.0 && mean > until_back * 0.99, "{mean}");
    // The service is down once: in a year as long as some fire was less than two days ago, 365.25 (1 − e^(−λD)).
    let annual = result.annual.unwrap().expected;
    let down = 24.0 * 365.25 * (1.0 - (-rate * 2.0_f64).exp());
    assert!((annual.mean / down - 1.0).abs() < 0.01 + 4.0 * annual.standard_error / down, "{} {down}", annual.mean);
}

#[test]
fn the_story_of_a_double_failure_says_that_all_is_lost() {
    let result = simulate(&fire_and_vault(5.0, "vault"), None, 2_000);
    let worst = result.worst.unwrap();
    assert_eq!((worst.scenario.as_str(), worst.loss), ("fire", Some(Loss::Total)));
    assert!(worst.back_at.unwrap() - worst.failed_at >= Span::days(2));
}
