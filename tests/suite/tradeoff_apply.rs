//! A plan as a change of the policy: the diff applies, the result declares that plan, and comments stay.

use std::path::Path;
use std::process::{Command, Output};

use plimsoll::cost::{book, space::Space};
use plimsoll::policy::{Policy, rewrite::rewrite, written};

use super::sim_oracles::{AS_OF, BASE, policy};

const PIXELCRAFT: &str = include_str!("../../policies/pixelcraft.toml");

fn plimsoll(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    for name in ["PLIMSOLL_REPO", "PLIMSOLL_POLICY"] {
        command.env_remove(name);
    }
    command.current_dir(folder).args(args).args(["--as-of", &AS_OF.to_string()]).output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

fn json(output: &Output) -> serde_json::Value {
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Plans that differ in one respect each, and one in all.
const FEW: &str = r#"
[tradeoff]
snapshot_every = ["declared", "12h"]
log_lag = ["declared", "5min"]
retention = ["declared"]
storage_class = ["declared", "s3-standard-ia"]
copy_to = ["declared"]
lock = ["declared", "kept"]
"#;

fn folder_with(policy: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("policies")).expect("a folder");
    std::fs::write(folder.path().join("policies/x.toml"), policy).expect("written");
    folder
}

fn apply(folder: &Path, tool: &[&str], diff: &str) {
    std::fs::write(folder.join("plan.diff"), diff).expect("written");
    let (program, args) = tool.split_first().expect("a program");
    let output = Command::new(program).args(args).current_dir(folder).output().expect("it runs");
    assert!(output.status.success(), "{tool:?}: {}{}\n{diff}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn the_diff_of_the_best_plan_applies_with_patch_and_with_git_and_gives_a_policy_of_that_plan_with_its_comments() {
    let original = format!("{PIXELCRAFT}{FEW}");
    let folder = folder_with(&original);
    let file = "policies/x.toml";
    let explored = json(&plimsoll(folder.path(), &["tradeoff", file, "--format", "json"]));
    let best = explored["tradeoff"]["least_total"].as_u64().expect("a best plan") as usize;
    let plan = &explored["tradeoff"]["plans"][best];
    assert_ne!(best, 0, "another plan than today's is the best");
    let printed = plimsoll(folder.path(), &["tradeoff", "--apply-to", file, "--plan", "least-total"]);
    let diff = text(&printed.stdout);
    assert!(diff.starts_with("--- a/policies/x.toml\n+++ b/policies/x.toml\n@@ "), "{diff}");
    let read = || std::fs::read_to_string(folder.path().join(file)).expect("a file");
    assert_eq!(read(), original, "nothing is written unless asked");
    apply(folder.path(), &["git", "apply", "plan.diff"], &diff);
    let by_git = read();
    std::fs::write(folder.path().join(file), &original).expect("written");
    apply(folder.path(), &["patch", "-p1", "-i", "plan.diff"], &diff);
    assert_eq!(read(), by_git);
    for line in original.lines().filter(|line| line.contains('#')) {
        let comment = line.split_once('#').expect("a comment").1;
        assert!(by_git.contains(comment), "lost: {comment}");
    }
    let now = json(&plimsoll(folder.path(), &["tradeoff", file, "--format", "json"]));
    for figure in ["annual_cost", "expected_annual_loss", "complexity", "misses", "worst_loss"] {
        assert_eq!(now["tradeoff"]["plans"][0][figure], plan[figure], "{figure}");
    }
    // Applied, and weighed again, the plan is where it should be.
    assert_eq!(now["tradeoff"]["least_total"], 0);
}

#[test]
fn a_pull_request_with_the_diff_is_priced_by_check() {
    let original = format!("{PIXELCRAFT}{FEW}");
    let folder = folder_with(&original);
    std::fs::write(folder.path().join("before.toml"), &original).expect("written");
    let label = "snapshots every 12 h, log within 5 min, in s3-standard-ia, locked while kept";
    let applied = plimsoll(folder.path(), &["tradeoff", "--apply-to", "policies/x.toml", "--plan", label, "--apply"]);
    assert_eq!(applied.status.code(), Some(0), "{}", text(&applied.stderr));
    let explored = json(&plimsoll(folder.path(), &["tradeoff", "before.toml", "--format", "json"]));
    let plans = explored["tradeoff"]["plans"].as_array().expect("plans");
    let wanted = plans.iter().find(|plan| plan["label"] == label).expect("the plan");
    let args = ["check", "policies/x.toml", "--base-file", "before.toml", "--format", "json"];
    let checked: serde_json::Value = serde_json::from_slice(&plimsoll(folder.path(), &args).stdout).expect("JSON");
    let found = figure(&checked, "cost a year").expect("the cost changed");
    assert!((found - wanted["annual_cost"].as_f64().expect("a cost")).abs() < 0.01, "{found}, wanted {wanted}");
}

/// The amount after, of the change of that name, wherever it stands.
fn figure(value: &serde_json::Value, what: &str) -> Option<f64> {
    match value {
        serde_json::Value::Object(map) if map.get("what").is_some_and(|name| name == what) => amount(map.get("after")?),
        serde_json::Value::Object(map) => map.values().find_map(|inner| figure(inner, what)),
        serde_json::Value::Array(list) => list.iter().find_map(|inner| figure(inner, what)),
        _ => None,
    }
}

fn amount(value: &serde_json::Value) -> Option<f64> {
    match value {
        serde_json::Value::Object(map) => {
            map.get("amount").and_then(|a| a.as_f64()).or_else(|| map.values().find_map(amount))
        }
        _ => None,
    }
}

#[test]
fn what_cannot_be_applied_is_said_and_nothing_is_written() {
    let folder = folder_with(&format!("{PIXELCRAFT}{FEW}"));
    std::fs::write(folder.path().join("other.toml"), BASE).expect("written");
    let cases: [(&[&str], &str); 4] = [
        (&["--apply-to", "policies/x.toml", "--plan", "cheapest", "--apply"], "no plan `cheapest`"),
        (&["--apply-to", "policies/x.toml", "--plan", "dearest"], "no plan is called `dearest`"),
        (&["other.toml", "--apply-to", "policies/x.toml"], "cannot be changed"),
        (&["policies/x.toml", "--apply"], "--apply-to"),
    ];
    let before = std::fs::read(folder.path().join("policies/x.toml")).expect("a file");
    for (args, wanted) in cases {
        let output = plimsoll(folder.path(), &[&["tradeoff"][..], args].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(wanted), "{args:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty(), "{args:?}");
    }
    assert_eq!(std::fs::read(folder.path().join("policies/x.toml")).expect("a file"), before);
}

/// Every fifth plan of the space, which has each value of each range in it, written into the text and read back.
fn plans_read_back(text: &str) -> usize {
    let before = policy(text);
    let book = book::builtin("aws-us-east-1").expect("built in");
    let plans: Vec<Policy> = Space::of(&before, &book, &mut vec![])
        .choices()
        .iter()
        .step_by(5)
        .filter_map(|choice| choice.of(&before))
        .collect();
    for plan in &plans {
        let written = rewrite(&before, plan).expect("written");
        let read = policy(&written);
        assert_eq!(written::lines(&read, &[]), written::lines(plan, &[]), "\n{written}");
        assert_eq!(written::drills(&read), written::drills(plan));
        // What no plan touches stands as it stood.
        let rest = |text: &str| text.split_once("[scenario.").map(|(_, rest)| rest.to_string());
        assert_eq!(rest(&written), rest(text));
    }
    plans.len()
}

#[test]
fn plans_of_the_whole_space_read_back_as_themselves() {
    assert!(plans_read_back(PIXELCRAFT) > 40);
    assert!(plans_read_back(include_str!("../../policies/pixelcraft-fixed.toml")) > 40);
    // The same tables, written another way.
    let inline = BASE
        .replace("[protection.dump]\n", "[protection]\ndump = { ")
        .replace("\nassets = [\"database\"]\nschedule", ", assets = [\"database\"], schedule")
        .replace("\ntakes = \"0s\"\nstored_in", ", takes = \"0s\", stored_in")
        .replace("\nruns_in = [\"runner\"]\nretention", ", runs_in = [\"runner\"], retention")
        .replace("\nconsistency = \"snapshot\"\n", ", consistency = \"snapshot\" } # one line\n");
    assert!(inline.contains("dump = { kind = \"snapshot\", assets"), "{inline}");
    assert!(plans_read_back(&inline) > 40);
}

#[test]
fn the_heading_above_a_table_that_goes_stays_and_its_own_comment_goes_with_it() {
    let text = BASE.replace(
        "[protection.dump]",
        "# -- Copies --\n\n# made by hand\n[protection.far]\nkind = \"copy\"\nof = \"dump\"\ndelay = \"1h\"\nretention = \"9d\"\n\
         stored_in = [\"runner\"]   # far\n\n# the dump\n[protection.dump]",
    );
    let before = policy(&text);
    let choice = plimsoll::cost::Choice { copy_to: plimsoll::cost::Copies::Off, ..plimsoll::cost::Choice::declared() };
    let after = rewrite(&before, &choice.of(&before).expect("a plan")).expect("written");
    assert!(after.contains("# -- Copies --") && after.contains("# the dump\n[protection.dump]"), "{after}");
    assert!(!after.contains("made by hand") && !after.contains("far"), "{after}");
}

#[test]
fn a_protection_of_an_included_file_is_overridden_where_the_policy_stands() {
    let (head, tail) = BASE.split_once("[protection.dump]").expect("a protection");
    let (own, rest) = tail.split_once("[scenario.fire]").expect("a scenario");
    let folder = folder_with(&format!(
        "include = [\"base.toml\"]\n{head}\n[scenario.fire]{rest}\n[tradeoff]\nlock = [\"kept\"]\nsnapshot_every = [\"6h\"]\n\
         log_lag = [\"declared\"]\ncopy_to = [\"declared\"]\nstorage_class = [\"declared\"]\n"
    ));
    std::fs::write(folder.path().join("policies/base.toml"), format!("[protection.dump]{own}")).expect("written");
    let args =
        ["tradeoff", "--apply-to", "policies/x.toml", "--plan", "snapshots every 6 h, locked while kept", "--apply"];
    let output = plimsoll(folder.path(), &args);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let now = std::fs::read_to_string(folder.path().join("policies/x.toml")).expect("a file");
    assert!(now.contains("[protection.dump]\nkind = \"snapshot\"") && now.contains("lock = \"30d\""), "{now}");
}
