//! The verbs `simulate` and `tradeoff`, from the outside.

use std::process::{Command, Output};

use plimsoll::base::Span;

use super::sim_oracles::{AS_OF, BASE};

const PIXELCRAFT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/policies/pixelcraft.toml");

fn plimsoll(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    for name in ["PLIMSOLL_REPO", "PLIMSOLL_POLICY"] {
        command.env_remove(name);
    }
    command.args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn simulate_prints_the_same_bytes_for_the_same_seed() {
    let as_of = AS_OF.to_string();
    let simulate = |seed: &str| {
        let args = ["simulate", PIXELCRAFT, "--years", "300", "--seed", seed, "--as-of", &as_of];
        let output = plimsoll(&[&args[..], &["--format", "json"]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    assert_eq!(simulate("7"), simulate("7"));
    assert_ne!(simulate("7"), simulate("8"));
    let parsed: serde_json::Value = serde_json::from_str(&simulate("7")).unwrap();
    assert_eq!(parsed["scenarios"].as_array().unwrap().len(), 4);
    assert_eq!(parsed["years"], 300);
}

#[test]
fn simulate_says_in_plain_words_what_a_year_costs() {
    let output = plimsoll(&["simulate", PIXELCRAFT, "--years", "300"]);
    let said = text(&output.stdout);
    for wanted in ["S3 data loss", "Expected loss a year: USD", "The incident that hurt most:", "taken for granted"] {
        assert!(said.contains(wanted), "{wanted} is missing:\n{said}");
    }
}

#[test]
fn the_observed_record_needs_evidence() {
    let output = plimsoll(&["simulate", PIXELCRAFT, "--source", "observed"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("there is no evidence to simulate"), "{}", text(&output.stderr));
}

#[test]
fn tradeoff_shows_the_bill_marks_unverified_prices_and_answers() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.toml");
    let managed = BASE.replace("consistency =", "storage_class = \"atlas-snapshot\"\nconsistency =");
    std::fs::write(&file, managed).unwrap();
    let output = plimsoll(&["tradeoff", &file.display().to_string()]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    for wanted in [
        "by default",
        "(*) nobody has verified",
        "as declared today",
        "least in all",
        "Recommendation",
        "5. It rests on",
    ] {
        assert!(said.contains(wanted), "{wanted} is missing:\n{said}");
    }
}

#[test]
fn a_price_book_beside_the_policy_is_used_and_a_missing_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.toml");
    std::fs::write(&file, BASE.replace("timezone =", "prices = \"own.toml\"\ntimezone =")).unwrap();
    let tradeoff = || plimsoll(&["tradeoff", "--format", "json", &file.display().to_string()]);
    let missing = tradeoff();
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("own.toml"), "{}", text(&missing.stderr));
    let book = include_str!("../../policies/prices/aws-us-east-1.toml").replace("\"aws-us-east-1\"", "\"own\"");
    std::fs::write(folder.path().join("own.toml"), book).unwrap();
    let used = tradeoff();
    assert_eq!(used.status.code(), Some(0), "{}", text(&used.stderr));
    let parsed: serde_json::Value = serde_json::from_slice(&used.stdout).unwrap();
    assert_eq!(parsed["tradeoff"]["plans"][0]["snapshot_every"], Span::hours(24).0);
    assert_eq!(parsed["tradeoff"]["recommendation"].as_array().unwrap().len(), 5);
    assert!(parsed["bill"]["total"].as_f64().unwrap() > 0.0);
}
