//! The closed list of codes: every one explained, every control known, every name as it is written.

use std::collections::BTreeSet;

use plimsoll::audit::Code;
use plimsoll::audit::controls::CONTROLS;

#[test]
fn every_code_has_one_name_and_is_found_by_it() {
    let names: BTreeSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(names.len(), Code::ALL.len());
    for code in Code::ALL {
        assert_eq!(Code::parse(code.name()), Some(*code));
        assert_eq!(serde_json::to_value(code).expect("a code is a string"), code.name());
    }
    assert_eq!(Code::parse("no-such-code"), None);
}

#[test]
fn every_code_is_explained_under_the_same_headings() {
    for code in Code::ALL {
        let text = code.explanation();
        assert!(text.starts_with(&format!("# {code}\n")), "{code}");
        let headings: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(headings, ["## What it does", "## Why it matters", "## Example", "## What to do"], "{code}");
    }
}

#[test]
fn every_cited_control_is_known_and_every_known_one_is_cited() {
    let known: BTreeSet<&str> = CONTROLS.iter().map(|control| control.id).collect();
    let cited: BTreeSet<&str> = Code::ALL.iter().flat_map(|code| code.controls()).copied().collect();
    assert_eq!(cited.difference(&known).collect::<Vec<_>>(), Vec::<&&str>::new());
    assert_eq!(known.difference(&cited).collect::<Vec<_>>(), Vec::<&&str>::new());
    assert!(Code::ALL.iter().all(|code| !code.controls().is_empty()));
}

#[test]
fn the_page_of_rules_is_what_explain_writes() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(["explain", "--all"])
        .output()
        .expect("it runs");
    let written = String::from_utf8(output.stdout).expect("text");
    let page = include_str!("../../reports/rules.md");
    let differ = page.lines().zip(written.lines()).find(|(page, written)| page != written);
    assert_eq!(differ, None, "write it anew with .ci/samples");
    assert_eq!(page.len(), written.len(), "write it anew with .ci/samples");
    for code in Code::ALL {
        assert_eq!(written.matches(&format!("\n## {code}\n")).count(), 1, "{code}");
    }
}
