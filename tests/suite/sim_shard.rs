//! A campaign in parts: any split joins to the bytes of the whole, and what is no whole is refused.

use std::process::{Command, Output};

use plimsoll::policy::Policy;
use plimsoll::sim::{Options, Partial, Shard, Simulation, campaign};
use proptest::prelude::*;

use super::sim_oracles::{options, policy};

fn pixelcraft() -> Policy {
    policy(include_str!("../../policies/pixelcraft.toml"))
}

fn bytes(simulation: &Simulation) -> String {
    serde_json::to_string(simulation).unwrap()
}

/// A part as it is read back from the file that it was written to.
fn part(plan: &Policy, options: &Options, index: u64, of: u64) -> Partial {
    let part = campaign::part(plan, None, options, "these".to_string(), Shard { index, of });
    serde_json::from_str(&serde_json::to_string(&part).unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_split_in_any_order_joins_to_the_bytes_of_the_whole(years in 1_u64..2_600, of in 1_u64..9, turn in 0_u64..9) {
        let plan = pixelcraft();
        let options = options(years);
        let whole = campaign::run(&plan, None, &options);
        let parts = (0..of).map(|n| part(&plan, &options, (n + turn) % of + 1, of)).collect();
        let joined = campaign::join(&plan, None, &options, "these", parts).unwrap();
        prop_assert_eq!(bytes(&joined), bytes(&whole));
    }
}

#[test]
fn parts_that_are_no_whole_or_of_another_campaign_are_refused() {
    let (plan, options) = (pixelcraft(), options(2_000));
    let all = || vec![part(&plan, &options, 1, 3), part(&plan, &options, 2, 3), part(&plan, &options, 3, 3)];
    let refusal = |inputs: &str, parts: Vec<Partial>| campaign::join(&plan, None, &options, inputs, parts).unwrap_err();
    assert!(refusal("these", all().split_off(1)).to_string().contains("no whole: 2/3, 3/3"));
    let twice = all().into_iter().chain([part(&plan, &options, 2, 3)]).collect();
    assert!(refusal("these", twice).to_string().contains("no whole"));
    assert!(refusal("others", all()).to_string().contains("not of this policy"));
    let mut changed = all();
    changed[0].tally.strata[0].hazards.pop();
    assert!(refusal("these", changed).to_string().contains("other scenarios"));
    assert!(refusal("these", vec![]).to_string().contains("no whole"));
}

#[test]
fn a_campaign_goes_on_until_its_error_is_small_and_no_further_on_any_number_of_threads() {
    let plan = pixelcraft();
    let most = Options { years: 4_000_000, ..options(1) };
    let found = campaign::run_until(&plan, None, &most, 0.02);
    let expected = found.annual.as_ref().unwrap().expected;
    assert!(expected.standard_error <= 0.02 * expected.mean);
    assert!(found.years < most.years, "{} years", found.years);
    let half = campaign::run(&plan, None, &Options { years: found.years / 2, ..most }).annual.unwrap().expected;
    assert!(half.standard_error > 0.02 * half.mean, "half of the years would have done");
    let again = campaign::run_until(&plan, None, &Options { threads: 5, ..most }, 0.02);
    assert_eq!(bytes(&again), bytes(&found));
    let short = campaign::run_until(&plan, None, &Options { years: 1_000, ..most }, 0.000_1);
    assert!(short.unsaid.iter().any(|line| line.contains("more than 0.01 %")), "{:?}", short.unsaid);
}

fn simulate(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.arg("simulate").args(args).env_remove("PLIMSOLL_POLICY").env_remove("PLIMSOLL_REPO");
    command.output().expect("plimsoll runs")
}

#[test]
fn the_verb_joins_the_parts_of_three_machines_to_what_one_would_have_printed() {
    let folder = tempfile::tempdir().unwrap();
    let plan = concat!(env!("CARGO_MANIFEST_DIR"), "/policies/pixelcraft.toml");
    let same = ["--years", "4000", "--as-of", "2026-11-20T00:00:00Z", "--format", "json"];
    let files: Vec<String> = (1..=3).map(|n| folder.path().join(format!("{n}.json")).display().to_string()).collect();
    for (n, file) in (1..).zip(&files) {
        let printed = simulate(&[&[plan, "--shard", &format!("{n}/3")][..], &same].concat());
        assert_eq!(printed.status.code(), Some(0), "{}", String::from_utf8_lossy(&printed.stderr));
        std::fs::write(file, printed.stdout).unwrap();
    }
    let parts: Vec<&str> = files.iter().flat_map(|file| ["--part", file.as_str()]).collect();
    let joined = simulate(&[&["merge", plan][..], &same, &parts].concat());
    assert_eq!(joined.status.code(), Some(0), "{}", String::from_utf8_lossy(&joined.stderr));
    assert_eq!(joined.stdout, simulate(&[&[plan][..], &same].concat()).stdout);
    let missing = simulate(&[&["merge", plan][..], &same, &parts[2..]].concat());
    assert_eq!(missing.status.code(), Some(2));
}
