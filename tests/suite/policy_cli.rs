//! The verbs that make policies: `init` and `schema`, as a shell runs them.

use std::path::Path;
use std::process::{Command, Output};

fn plimsoll(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_plimsoll")).current_dir(folder).args(words).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn init_writes_the_template_once_and_never_over_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let first = plimsoll(folder.path(), &["init"]);
    assert_eq!((first.status.code(), text(&first.stdout)), (Some(0), "wrote plimsoll.toml\n"));
    assert!(text(&first.stderr).contains("plimsoll check plimsoll.toml"), "it says what to do next");
    let written = std::fs::read_to_string(folder.path().join("plimsoll.toml")).unwrap();
    assert_eq!(written, include_str!("../../policies/template.toml"));

    std::fs::write(folder.path().join("plimsoll.toml"), "mine").unwrap();
    let second = plimsoll(folder.path(), &["init"]);
    assert_eq!(second.status.code(), Some(1));
    assert_eq!(
        text(&second.stderr),
        "error: `plimsoll.toml` is there already; nothing was written\n  help: name another path: plimsoll init PATH\n"
    );
    assert_eq!(std::fs::read_to_string(folder.path().join("plimsoll.toml")).unwrap(), "mine");
}

#[test]
fn init_says_which_folder_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let output = plimsoll(folder.path(), &["init", "nowhere/plan.toml"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.starts_with("error: cannot write `nowhere/plan.toml`\n"), "{said}");
    assert!(said.ends_with("help: create the folder first\n"), "{said}");
}

#[test]
fn quiet_and_json_leave_only_the_result() {
    let folder = tempfile::tempdir().unwrap();
    let output = plimsoll(folder.path(), &["init", "plan.toml", "--format", "json", "--quiet"]);
    assert_eq!((text(&output.stderr), output.status.code()), ("", Some(0)));
    assert_eq!(text(&output.stdout), "{\n  \"written\": \"plan.toml\"\n}\n");
}

#[test]
fn schema_prints_the_schema_that_the_library_makes() {
    let folder = tempfile::tempdir().unwrap();
    let output = plimsoll(folder.path(), &["schema"]);
    let printed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed, plimsoll::policy::schema::json());
    assert_eq!(printed["$schema"], "https://json-schema.org/draft/2020-12/schema");
}

#[test]
fn check_shows_what_is_wrong_with_every_file_at_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let sound = include_str!("../../policies/template.toml");
    std::fs::write(folder.path().join("sound.toml"), sound).unwrap();
    std::fs::write(folder.path().join("unit.toml"), sound.replacen("\"1h\"", "\"1m\"", 1)).unwrap();
    std::fs::write(folder.path().join("field.toml"), sound.replacen("rpo =", "rpoo =", 1)).unwrap();
    let output = plimsoll(folder.path(), &["check", "unit.toml", "sound.toml", "field.toml", "gone.toml"]);
    assert!(text(&output.stdout).contains("sound.toml"), "the sound one is checked too");
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(text(&output.stderr), @r#"
    error: the policy `unit.toml` has a problem

    error: `m` in `1m` could be minutes or months
      --> unit.toml:25:7
       |
    25 | rpo = "1m"                  # recovery point objective: the longest time of writes that may be lost
       |       ^^^^
       = help: write `min` for minutes
    error: the policy `field.toml` has a problem

    error: unknown field `rpoo` in an objective
      --> field.toml:25:1
       |
    25 | rpoo = "1h"                  # recovery point objective: the longest time of writes that may be lost
       | ^^^^
       = help: did you mean `rpo`? allowed: rpo, rto, retention, drill_every, copies, immutable, encrypted, consistency, media, offsite, keep_at_most, points_created, restores_shown, drill_share, alert_test_every
    error: cannot read the policy `gone.toml`
      because: No such file or directory (os error 2)
      help: check the path, or write a policy to start from with `plimsoll init`
    "#);
}

#[test]
fn check_shows_fifty_problems_and_counts_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let text_of: String = (0..60).map(|n| format!("[domain.d{n}]\nkind = \"hots\"\n")).collect();
    std::fs::write(folder.path().join("plimsoll.toml"), text_of).unwrap();
    let output = plimsoll(folder.path(), &["check"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(said.starts_with("error: the policy `plimsoll.toml` has 63 problems\n"), "{said}");
    assert_eq!(said.matches("\nerror: ").count(), 50);
    assert!(said.ends_with("… and 13 more\n"), "{said}");
}
