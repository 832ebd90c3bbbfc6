//! The recovery plan: what it says, that no measurement is claimed without a drill, and that a copy which drifted is found.

use plimsoll::audit::{self, Code, Finding, Verdict};
use plimsoll::base::{Instant, Span, Window, markdown};
use plimsoll::evidence::Evidence;
use plimsoll::policy::beside::Sort;
use plimsoll::policy::{self, Policy, SourceText};
use plimsoll::report::runbook::markdown as made;
use proptest::prelude::*;

use crate::desk::Desk;

const PLAN: &str = include_str!("../../policies/pixelcraft-fixed.toml");
const PHRASE: &str = "step = \"Provision a new cluster\"";

fn now() -> Instant {
    "2026-11-22T06:00:00Z".parse().unwrap()
}

fn parsed(text: &str) -> Policy {
    policy::parse(SourceText::new("plan.toml", text)).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn recorded() -> Evidence {
    serde_json::from_str(include_str!("../../reports/sample/evidence.json")).unwrap()
}

/// What an audit of the plan finds of a committed copy.
fn drifts(plan: &str, copy: &str) -> (Policy, Vec<Finding>) {
    let mut policy = parsed(plan);
    let Policy { source, beside, .. } = &mut policy;
    beside.add(Sort::Runbook, SourceText::new("docs/recovery.md", copy), source).unwrap();
    let audit = audit::run(&policy, None, now(), Window::new(now() - Span::days(7), now()));
    let found: Vec<Finding> = audit.findings.into_iter().filter(|f| f.code == Code::RunbookDrift).collect();
    let passed = audit.passes.iter().any(|pass| pass.code == Code::RunbookDrift);
    assert_eq!(passed, found.is_empty(), "that nothing drifted is recorded too");
    (policy, found)
}

fn copy_of(plan: &str) -> String {
    made(&parsed(plan), None, now())
}

#[test]
fn the_committed_sample_is_what_its_policy_and_evidence_make() {
    let policy = parsed(include_str!("../../policies/pixelcraft.toml"));
    let text = made(&policy, Some(&recorded()), now());
    assert!(text == include_str!("../../reports/sample/recovery-plan.md"), "run .ci/samples:\n{text}");
}

#[test]
fn a_step_that_the_policy_changed_is_found_at_its_line_and_at_the_copys() {
    let copy = copy_of(PLAN);
    assert_eq!(drifts(PLAN, &copy).1, vec![]);
    let changed = PLAN.replacen(PHRASE, "step = \"Provision a new cluster in Frankfurt\"", 1);
    // The steps that wait for it name it too.
    let changed = changed.replace("\"Provision a new cluster\"]", "\"Provision a new cluster in Frankfurt\"]");
    let (policy, found) = drifts(&changed, &copy);
    let [finding] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!(finding.verdict, Verdict::Breached);
    assert!(finding.message.contains("Provision a new cluster in Frankfurt"), "{}", finding.message);
    let line = finding.at.unwrap().line as usize;
    let near = changed.lines().skip(line - 1).take(2).collect::<Vec<_>>().join("\n");
    assert!(near.contains("Provision a new cluster in Frankfurt"), "line {line}: {near}");
    assert_eq!(policy.source.of(finding.also[0]).name, "docs/recovery.md");
    assert!(policy.source.line(finding.also[0]).contains("**Provision a new cluster**"));
}

#[test]
fn a_step_that_somebody_edited_in_the_copy_is_found() {
    let copy = copy_of(PLAN);
    let edited = copy.replacen("**Provision a new cluster**", "**Ask Bob for a cluster**", 1);
    let (policy, found) = drifts(PLAN, &edited);
    let [finding] = found.as_slice() else { panic!("{found:#?}") };
    assert!(finding.message.contains("says \"2. **Ask Bob for a cluster**"), "{}", finding.message);
    assert!(policy.source.line(finding.also[0]).contains("Ask Bob"));
    let shorter: String =
        copy.lines().filter(|line| !line.contains("**Update DATABASE")).map(|l| format!("{l}\n")).collect();
    assert!(drifts(PLAN, &shorter).1[0].message.contains("lacks \"4. **Update DATABASE"));
    let longer = copy.replacen("## 2. Server", "6. **Call the press**: at once.\n\n## 2. Server", 1);
    assert!(drifts(PLAN, &longer).1[0].message.contains("Call the press"));
}

#[test]
fn a_new_drill_another_day_and_other_line_ends_are_no_drift() {
    let policy = parsed(PLAN);
    let drilled = made(&policy, Some(&recorded()), now());
    assert_ne!(drilled, copy_of(PLAN), "the drills of the sample are in it");
    assert_eq!(drifts(PLAN, &drilled).1, vec![]);
    assert_eq!(drifts(PLAN, &made(&policy, None, now() + Span::days(90))).1, vec![]);
    assert_eq!(drifts(PLAN, &drilled.replace('\n', "\r\n")).1, vec![]);
}

#[test]
fn between_the_marks_nobody_can_hide_a_step() {
    let hidden = copy_of(PLAN).replacen("<!-- /measured -->", "6. **Wipe the vault**: at once.\n<!-- /measured -->", 1);
    let found = drifts(PLAN, &hidden).1;
    assert_eq!(found.len(), 1);
    assert!(found[0].message.contains("Wipe the vault"), "{}", found[0].message);
    // A mark that was taken away opens nothing either.
    assert!(!drifts(PLAN, &copy_of(PLAN).replacen("<!-- /measured -->\n", "", 1)).1.is_empty());
}

#[test]
fn another_file_is_told_once_and_a_missing_one_can_still_be_made() {
    let (_, found) = drifts(PLAN, "# Notes\n\nwe have backups\n");
    assert!(!found.is_empty() && found.len() <= 12, "{}", found.len());
    let desk = Desk::new();
    let named = PLAN.replacen("prices =", "runbook_file = \"docs/recovery.md\"\nprices =", 1);
    desk.write("plan.toml", &named).write("docs/other.md", "");
    let missing = desk.run("check plan.toml --as-of 2026-11-22T06:00:00Z");
    assert_eq!(missing.status, 3, "{}{}", missing.out, missing.err);
    assert!(missing.out.contains("runbook-drift") && missing.out.contains("cannot be read"), "{}", missing.out);
    let made = desk.run("report runbook plan.toml --quiet --out docs/recovery.md");
    assert_eq!(made.status, 0, "{}", made.err);
    let there = desk.run("check plan.toml --as-of 2026-11-22T06:00:00Z");
    assert!(!there.out.contains("runbook-drift"), "{}", there.out);
    let given = desk.run("check plan.toml --runbook docs/other.md --as-of 2026-11-22T06:00:00Z");
    assert_eq!(given.status, 3);
    assert!(given.out.contains("runbook-drift"), "{}", given.out);
}

#[test]
fn what_no_drill_measured_is_called_so_and_drills_show_no_more_than_their_number() {
    let text = copy_of(PLAN);
    assert!(text.contains("| 3. Restore to that timestamp | not measured | 0 | nothing |"), "{text}");
    assert!(!text.contains("restores take no longer"));
    let mut evidence = recorded();
    let mut drill = evidence.drills.iter().find(|drill| drill.passed() && drill.asset == "database").unwrap().clone();
    (drill.started_at, drill.ended_at) = (now() - Span::hours(2), now() - Span::minutes(80));
    drill.bytes_restored = 8_000_000_000;
    for (drills, shows) in [(1, "5 of 100"), (3, "36 of 100"), (59, "95 of 100")] {
        evidence.drills = vec![drill.clone(); drills];
        let text = made(&parsed(PLAN), Some(&evidence), now());
        let row = format!("| 3. Restore to that timestamp | 40 min | {drills} | {shows} restores take no longer |");
        assert!(text.contains(&row), "{row}\n{text}");
    }
}

#[test]
fn owners_credentials_and_what_notices_it_are_in_the_plan() {
    let plan = PLAN.replacen(PHRASE, &format!("{PHRASE}\nowner = \"Ada\"\nneeds = [\"atlas-admin\"]"), 1);
    let plan = plan.replacen("title = \"Database", "noticed_by = \"a failing health check\"\ntitle = \"Database", 1);
    let text = copy_of(&plan);
    assert!(text.contains("Begins at once. Done by Ada. Needs `atlas-admin`."), "{text}");
    assert!(text.contains("most often 5 min, by a failing health check."), "{text}");
    let unknown = PLAN.replacen(PHRASE, &format!("{PHRASE}\nneeds = [\"nobodys-key\"]"), 1);
    let problems = policy::parse(SourceText::new("plan.toml", unknown)).unwrap_err();
    assert!(problems[0].message.contains("no credential is called `nobodys-key`"), "{problems:?}");
}

proptest! {
    /// Whatever people call things, a cell ends where it should, and nothing becomes markup or steers a terminal.
    #[test]
    fn no_name_ends_a_cell_or_becomes_markup(name in "[ -~\u{202e}\u{7}|`<>*_\\[\\]#@&\\\\]{0,40}") {
        let row = markdown::row([name.as_str(), "next"]);
        let mut bars = 0;
        let mut escaped = false;
        for c in row.chars() {
            bars += usize::from(c == '|' && !escaped);
            escaped = c == '\\' && !escaped;
        }
        prop_assert_eq!(bars, 3, "{}", row);
        prop_assert!(!row.chars().any(plimsoll::report::text::steers), "{}", row);
        let text = markdown::prose(&name);
        let outside: String = text.split('`').step_by(2).collect();
        let bare = outside.match_indices('<').find(|(at, _)| !outside[..*at].ends_with('\\'));
        prop_assert!(bare.is_none() || text.contains("\\`"), "{}", text);
    }
}
