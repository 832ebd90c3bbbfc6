//! What an honest auditor finds in PixelCraft's plan of today: each finding once, each pointing at the line that it is
//! about.

use plimsoll::audit::{self, Audit, Code, Finding, Verdict};
use plimsoll::base::{Instant, Span, Window};
use plimsoll::evidence::Evidence;
use plimsoll::policy::beside::Sort;
use plimsoll::policy::{self, Policy, SourceText};
use plimsoll::timeline::Loss;

const PLAN: &str = include_str!("../../policies/pixelcraft.toml");
const FIXED: &str = include_str!("../../policies/pixelcraft-fixed.toml");

fn plan() -> Policy {
    policy::parse(SourceText::new("pixelcraft.toml", PLAN)).expect("the plan is a valid policy")
}

/// With the scripts and schedules that it describes.
fn plan_as_it_runs() -> Policy {
    let mut policy = plan();
    for (sort, name, text) in [
        (Sort::Schedule, "backup.yml", include_str!("../fixtures/pixelcraft/backup.yml")),
        (Sort::Schedule, "crontab", include_str!("../fixtures/pixelcraft/crontab")),
        (Sort::Script, "backup.sh", include_str!("../fixtures/pixelcraft/backup.sh")),
        (Sort::Script, "restore-test.sh", include_str!("../fixtures/pixelcraft/restore-test.sh")),
    ] {
        let Policy { source, beside, .. } = &mut policy;
        beside.add(sort, SourceText::new(name, text), source).expect("it can be read");
    }
    policy
}

fn today() -> Instant {
    "2026-11-23T10:00:00Z".parse().expect("an instant")
}

fn audit(evidence: Option<&Evidence>) -> Audit {
    audit::run(&plan(), evidence, today(), Window::new(today() - Span::days(7), today()))
}

/// The one finding of `code` about `asset` in `scenario`, and the text of the line that it points at.
fn only<'a>(audit: &'a Audit, code: Code, says: &str) -> (&'a Finding, String) {
    let found: Vec<&Finding> = audit.findings.iter().filter(|f| f.code == code && f.message.contains(says)).collect();
    assert_eq!(found.len(), 1, "{code} saying `{says}`: {found:#?}");
    let at = found[0].at.expect("a finding about the plan points at it");
    (found[0], SourceText::new("pixelcraft.toml", PLAN).line(at).to_string())
}

fn expect(audit: &Audit, code: Code, says: &str, line: &str) {
    let (finding, shown) = only(audit, code, says);
    assert!(shown.contains(line), "{code} points at `{shown}`, not at `{line}`: {}", finding.message);
    assert!(!finding.remedy.is_empty() && !finding.controls.is_empty(), "{code} says what to do, and what it bears on");
}

#[test]
fn the_declared_plan_has_the_findings_that_a_plan_alone_can_show() {
    let audit = audit(None);
    let worst = "up to 24 h 40 min of";
    // 1 and 2: what is left after either disaster is the nightly copy.
    expect(&audit, Code::LossWindowDeclared, &format!("infrastructure failure: {worst} `database`"), "0 3 * * *");
    expect(&audit, Code::LossWindowDeclared, &format!("S3 data loss: {worst} `uploads`"), "0 3 * * *");
    // 3: past the point-in-time window there are nightly steps, past the retention there is nothing.
    expect(&audit, Code::LateNoticing, "24 h 40 min can be lost, and after 28 d", "window = \"7d\"");
    // 4: one account, one key, no lock.
    expect(&audit, Code::CopiesOneDomain, "`aws-account`", "backups-bucket");
    expect(&audit, Code::CopiesOneCredential, "`aws-key` alone can delete `uploads`", "can_delete");
    expect(&audit, Code::NotImmutable, "`database`; `uploads`", "immutable");
    // 6, 7, 11, 12, and 9 as far as the plan admits it.
    expect(&audit, Code::ConsistencyWeak, "`nightly-dump`", "consistency = \"none\"");
    expect(&audit, Code::CrossAssetSkew, "`nightly-dump`, `nightly-uploads`", "references");
    expect(&audit, Code::SchedulerUnbounded, "60 days", "github-actions");
    expect(&audit, Code::NotEncrypted, "`nightly-dump`", "encrypted = false");
    expect(&audit, Code::UnverifiedPoints, "never read back", "verified = false");
    assert_eq!(audit.verdict, Verdict::Breached);
}

#[test]
fn without_a_drill_nothing_shows_how_long_recovery_takes() {
    // 5: the restore test is on no schedule, and leaves out most steps of every runbook.
    let audit = audit(Some(&Evidence::none(today())));
    expect(&audit, Code::RtoUnproven, "Restore the database from the S3 backup", "rto");
    let (finding, _) = only(&audit, Code::RtoUnproven, "");
    assert!(finding.message.contains("assumed, never timed"), "{}", finding.message);
    expect(&audit, Code::DrillMissing, "`database`", "drill_every");
    expect(&audit, Code::ProtectionUnproven, "`atlas-log`", "atlas-snapshots");
    expect(&audit, Code::LossWindowUnproven, "no evidence of any copy of `uploads`", "rpo");
    assert!(audit.cells.iter().all(|cell| cell.rpo_verdict != Verdict::Met && cell.rto_verdict != Verdict::Met));
}

#[test]
fn each_finding_is_told_once() {
    let audit = audit(Some(&Evidence::none(today())));
    for (index, finding) in audit.findings.iter().enumerate() {
        let again = audit.findings.iter().skip(index + 1).find(|f| {
            f.code == finding.code && f.subject == finding.subject && f.at == finding.at && f.verdict == finding.verdict
        });
        assert_eq!(again, None, "told twice");
    }
}

#[test]
fn each_scenario_is_a_cell_for_each_asset_that_it_strikes() {
    let audit = audit(None);
    let cells: Vec<(&str, &str)> = audit.cells.iter().map(|c| (c.asset.as_str(), c.scenario.as_str())).collect();
    let expected =
        [("database", "database-corruption"), ("uploads", "uploads-loss"), ("database", "infrastructure-failure")];
    assert_eq!(cells, expected, "a server that fails takes no data with it");
    let worst = |cell: &audit::Cell| cell.declared_exposure.as_ref().map(|e| e.worst);
    let window = |text: &str| Some(Loss::Window(text.parse().expect("a span")));
    let swept: Vec<Option<Loss>> = audit.cells.iter().map(worst).collect();
    // A log that runs on while nobody has noticed has caught up; after a disaster only the nightly copy is left.
    assert_eq!(swept, [window("0s"), window("24h40min"), window("24h40min")]);
}

/// What is found in the plan of today and in what runs it: by number, the code, words of the message, the file and the
/// text of the line that it points at.
const TWELVE: &[(u32, Code, &str, &str, &str)] = &[
    (1, Code::LossWindowDeclared, "infrastructure failure: up to 24 h 40 min", "pixelcraft.toml", "0 3 * * *"),
    (2, Code::LossWindowDeclared, "S3 data loss: up to 24 h 40 min", "pixelcraft.toml", "0 3 * * *"),
    (3, Code::LateNoticing, "24 h 40 min can be lost, and after 28 d", "pixelcraft.toml", "window = \"7d\""),
    (4, Code::CopiesOneDomain, "lost together with `aws-account`", "pixelcraft.toml", "backups-bucket"),
    (4, Code::CopiesOneCredential, "`aws-key` alone can delete", "pixelcraft.toml", "can_delete"),
    (4, Code::NotImmutable, "no copy is immutable", "pixelcraft.toml", "immutable"),
    (5, Code::RtoUnproven, "assumed, never timed", "pixelcraft.toml", "rto"),
    (6, Code::ConsistencyWeak, "`nightly-dump` of `database` is `none`", "pixelcraft.toml", "consistency = \"none\""),
    (7, Code::CrossAssetSkew, "references can dangle", "pixelcraft.toml", "references"),
    (8, Code::ScriptNamesDiffer, "it can never find one", "restore-test.sh", "aws s3 cp"),
    (9, Code::ExistenceAsVerification, "nothing in it reads it back", "backup.sh", "aws s3 ls"),
    (10, Code::DeletesByAge, "asks for nothing else", "backup.sh", "aws s3 rm"),
    (11, Code::SchedulerUnbounded, "stops after 60 days without activity", "pixelcraft.toml", "github-actions"),
    (12, Code::NotEncrypted, "before they leave the host", "pixelcraft.toml", "encrypted = false"),
];

#[test]
fn all_twelve_findings_come_out_each_once_and_each_at_its_line() {
    let policy = plan_as_it_runs();
    let window = Window::new(today() - Span::days(7), today());
    let audit = audit::run(&policy, Some(&Evidence::none(today())), today(), window);
    for (number, code, says, file, line) in TWELVE {
        let found: Vec<&Finding> =
            audit.findings.iter().filter(|f| f.code == *code && f.message.contains(says)).collect();
        assert_eq!(found.len(), 1, "finding {number} ({code}): {found:#?}");
        let at = found[0].at.expect("it points somewhere");
        assert_eq!(policy.source.of(at).name, *file, "finding {number}");
        assert!(policy.source.line(at).contains(line), "finding {number}: `{}`", policy.source.line(at));
    }
    // Of each code no more than these: nothing is told twice under one name.
    for (_, code, ..) in TWELVE {
        let told = audit.findings.iter().filter(|f| f.code == *code).count();
        let expected = TWELVE.iter().filter(|(_, other, ..)| other == code).count();
        assert_eq!(told, expected, "{code}");
    }
    let workflow = audit.findings.iter().find(|f| f.code == Code::SchedulerUnbounded).expect("found");
    let lines: Vec<&str> = workflow.also.iter().map(|at| policy.source.line(*at).trim()).collect();
    assert_eq!(lines, ["- cron: '0 3 * * *'"], "the workflow's own line is shown too");
    assert!(audit.findings.iter().all(|f| f.code != Code::UnverifiedPoints), "the script's line says it better");
}

#[test]
fn the_repaired_plan_asks_the_same_and_has_none_of_the_findings() {
    let policy = policy::parse(SourceText::new("pixelcraft-fixed.toml", FIXED)).expect("a valid policy");
    let today_plan = plan();
    let asked = |p: &Policy| {
        let o = &p.objective;
        let spans = [&o.rpo, &o.rto, &o.retention, &o.drill_every].map(|s| s.as_ref().map(|s| s.value));
        let flags = [&o.immutable, &o.encrypted].map(|f| f.as_ref().map(|f| f.value));
        (spans, flags, o.copies.as_ref().map(|c| c.value), o.consistency.as_ref().map(|c| c.value))
    };
    assert_eq!(asked(&policy), asked(&today_plan));
    let own = |asset: &policy::Asset| asset.objective == policy::Objective::default();
    assert!(
        policy.assets.iter().all(own) && policy.scenarios.iter().all(|s| s.objective == policy::Objective::default())
    );
    for scenario in &today_plan.scenarios {
        assert!(policy.scenario(&scenario.name).is_some(), "`{}` can still happen", scenario.name);
    }
    let audit = audit::run(&policy, None, today(), Window::new(today() - Span::days(7), today()));
    assert_eq!(audit.findings, vec![]);
    assert!(
        audit.cells.iter().all(|cell| cell.rpo.is_some() && cell.rpo_verdict == Verdict::Unproven),
        "a plan proves nothing"
    );
}

#[test]
fn the_repaired_plan_breaks_where_any_one_repair_is_taken_back() {
    for (number, repaired, undone, code) in [
        (1, "lag = \"1min\"\nwindow = \"35d\"", "lag = \"61min\"\nwindow = \"35d\"", Code::LossWindowDeclared),
        (2, "\"*/20 * * * *\"", "\"0 3 * * *\"", Code::LossWindowDeclared),
        (3, "lag = \"1min\"\nwindow = \"35d\"", "lag = \"1min\"\nwindow = \"7d\"", Code::LateNoticing),
        (6, "consistency = \"snapshot\"   # finding 6", "consistency = \"none\"", Code::ConsistencyWeak),
        (9, "verified = true            # finding 9", "verified = false #", Code::UnverifiedPoints),
        (11, "scheduler = \"systemd\"      # finding 11", "scheduler = \"github-actions\"", Code::SchedulerUnbounded),
    ] {
        assert!(FIXED.contains(repaired), "finding {number}");
        let text = FIXED.replacen(repaired, undone, 1);
        let policy = policy::parse(SourceText::new("undone.toml", text)).expect("a valid policy");
        let audit = audit::run(&policy, None, today(), Window::new(today() - Span::days(7), today()));
        assert!(audit.findings.iter().any(|f| f.code == code), "finding {number}: {:#?}", audit.findings);
    }
}
