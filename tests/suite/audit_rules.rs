//! Stories of single rules: one thing wrong, one finding of that, and none where it is put right.

use plimsoll::audit::{self, Audit, Code, Finding, Severity, Verdict};
use plimsoll::base::{Instant, OpTime, Span, Window};
use plimsoll::evidence::*;
use plimsoll::policy::{self, Consistency, Policy, SourceText};

fn at(text: &str) -> Instant {
    text.parse().expect("an instant")
}

fn now() -> Instant {
    at("2026-11-23T12:00:00Z")
}

const PLAN: &str = r#"plimsoll = 1
name = "shop"
domain = { live = { kind = "cluster" }, files = { kind = "bucket" }, vault = { kind = "bucket" }, safe = { kind = "site", medium = "tape" } }
[objective]
rpo = "30h"
OBJECTIVE
[asset.db]
kind = "mongodb"
size = "10 GB"
lives_in = ["live"]
ASSET
[asset.files]
kind = "s3"
lives_in = ["files"]
[protection.nightly]
kind = "snapshot"
assets = ["db", "files"]
schedule = "0 3 * * *"
takes = "30min"
stored_in = ["vault"]
retention = "30d"
PROTECTION
[scenario.loss]
title = "Cluster lost"
destroys = ["live"]
per_year = 1
noticed_after = "5min"
runbook = [{ step = "restore", takes = "1h" }]
"#;

fn read(text: String) -> Policy {
    let source = SourceText::new("shop.toml", text);
    policy::parse(source.clone())
        .unwrap_or_else(|said| panic!("{}", said.iter().map(|p| p.render(&source)).collect::<String>()))
}

/// The plan with lines put where these words stand; what has none stays as it is.
fn plan(lines: &[(&str, &str)]) -> Policy {
    let with = |text: String, word: &str| {
        let line = lines.iter().find(|(place, _)| *place == word).map_or("", |(_, line)| line);
        text.replacen(&format!("\n{word}\n"), &format!("\n{line}\n"), 1)
    };
    let end = lines.iter().find(|(place, _)| *place == "END").map_or("", |(_, line)| line);
    read(["OBJECTIVE", "ASSET", "PROTECTION"].into_iter().fold(PLAN.to_string(), with) + end)
}

fn origin() -> Origin {
    Origin { tool: "test".into(), place: "test".into(), sha256: None }
}

fn point(asset: &str, taken: Instant) -> RecoveryPoint {
    RecoveryPoint {
        recipients: Vec::new(),
        id: format!("{asset}-{}", taken.compact()),
        asset: asset.into(),
        protection: Some("nightly".into()),
        consistent_at: taken,
        cluster_time: None,
        available_at: taken + Span::minutes(30),
        expires_at: None,
        locked_until: None,
        stored_in: vec![],
        consistency: Some(Consistency::Snapshot),
        without: vec![],
        encrypted: None,
        health: Health::Verified { at: taken + Span::minutes(30) },
        bytes_stored: Some(1_000_000_000),
        bytes_restored: None,
        documents: None,
        origin: origin(),
    }
}

/// Twenty good nights of both assets.
fn good() -> Evidence {
    let mut evidence = Evidence::none(now());
    let last = at("2026-11-23T03:00:00Z");
    for asset in ["db", "files"] {
        evidence.points.extend((0..20).map(|n| point(asset, last - Span::days(n))));
    }
    evidence
}

fn drill(days: i64, bytes_restored: u64, checks: &[&str]) -> Drill {
    let ended_at = now() - Span::days(days);
    let check =
        |name: &&str| Check { name: name.to_string(), passed: true, detail: "equal".into(), leaves_open: false };
    Drill {
        key: None,
        id: format!("d{days}"),
        asset: "db".into(),
        protection: None,
        point: "p".into(),
        target: None,
        started_at: ended_at - Span::hours(1),
        ended_at,
        phases: vec![],
        checks: checks.iter().map(check).collect(),
        outcome: DrillOutcome::Passed,
        bytes_restored,
        documents: 1,
        origin: origin(),
    }
}

fn audit(policy: &Policy, evidence: &Evidence) -> Audit {
    audit::run(policy, Some(evidence), now(), Window::new(now() - Span::days(7), now()))
}

fn found(policy: &Policy, evidence: &Evidence, code: Code) -> Option<Finding> {
    let found: Vec<Finding> = audit(policy, evidence).findings.into_iter().filter(|f| f.code == code).collect();
    assert!(found.len() <= 1, "{found:#?}");
    found.into_iter().next()
}

fn says(finding: Option<Finding>, words: &str, verdict: Verdict) -> Finding {
    let finding = finding.unwrap_or_else(|| panic!("nothing says `{words}`"));
    assert!(finding.message.contains(words), "`{words}` is not in: {}", finding.message);
    assert_eq!(finding.verdict, verdict);
    finding
}

#[test]
fn a_missed_night_is_found_by_the_schedule_and_not_by_an_age() {
    assert_eq!(found(&plan(&[]), &good(), Code::RunsMissed), None);
    let mut evidence = good();
    evidence.points.retain(|p| p.consistent_at != at("2026-11-20T03:00:00Z") || p.asset != "db");
    let finding = found(&plan(&[]), &evidence, Code::RunsMissed);
    let finding = says(finding, "1 of 6 runs of `nightly` of `db` left nothing", Verdict::Breached);
    assert_eq!(finding.evidence, ["no point of 2026-11-20T03:00:00Z"]);
    assert_eq!(found(&plan(&[("PROTECTION", "allowed_failures = 1")]), &evidence, Code::RunsMissed), None);
    // On weekdays alone a Saturday's point is not waited for.
    let mut weekdays = good();
    weekdays.points.retain(|p| !["2026-11-21T03:00:00Z", "2026-11-22T03:00:00Z"].map(at).contains(&p.consistent_at));
    let mut policy = plan(&[]);
    assert!(found(&policy, &weekdays, Code::RunsMissed).is_some());
    policy = read(policy.source.text.replace("0 3 * * *", "0 3 * * 1-5"));
    assert_eq!(found(&policy, &weekdays, Code::RunsMissed), None);
}

#[test]
fn a_run_that_ended_well_elsewhere_counts_and_one_that_failed_tells_why() {
    let mut evidence = good();
    evidence.points.retain(|p| p.consistent_at != at("2026-11-20T03:00:00Z") || p.asset != "db");
    let run = |outcome| Run {
        id: "r".into(),
        verb: "backup".into(),
        asset: "db".into(),
        protection: Some("nightly".into()),
        started_at: at("2026-11-20T03:00:01Z"),
        ended_at: at("2026-11-20T03:20:00Z"),
        outcome,
        origin: origin(),
    };
    evidence.runs = vec![run(RunOutcome::Failed { why: "the disk is full".into() })];
    let finding = found(&plan(&[]), &evidence, Code::RunsMissed).expect("found");
    assert!(finding.evidence.iter().any(|e| e.ends_with("failed: the disk is full")), "{:?}", finding.evidence);
    evidence.runs = vec![run(RunOutcome::Done)];
    assert_eq!(found(&plan(&[]), &evidence, Code::RunsMissed), None);
}

#[test]
fn lateness_is_judged_only_where_the_plan_says_what_is_late() {
    let mut evidence = good();
    evidence.points[1].available_at = evidence.points[1].consistent_at + Span::hours(3);
    assert_eq!(found(&plan(&[]), &evidence, Code::RunsMissed), None);
    let strict = plan(&[("PROTECTION", "late_by = \"1h\"")]);
    says(found(&strict, &evidence, Code::RunsMissed), "came up to 1 h 30 min later than the 1 h", Verdict::Breached);
    assert_eq!(found(&plan(&[("PROTECTION", "late_by = \"3h\"")]), &evidence, Code::RunsMissed), None);
}

#[test]
fn nights_before_the_first_point_are_unproven() {
    let mut evidence = good();
    evidence.points.retain(|p| p.consistent_at > at("2026-11-20T00:00:00Z"));
    says(found(&plan(&[]), &evidence, Code::RunsMissed), "before its first point", Verdict::Unproven);
}

#[test]
fn points_made_are_counted_against_those_planned() {
    let asked = plan(&[("OBJECTIVE", "points_created = 0.9")]);
    assert_eq!(found(&asked, &good(), Code::PointsFew), None);
    let mut evidence = good();
    evidence.points.retain(|p| p.consistent_at != at("2026-11-20T03:00:00Z"));
    says(
        found(&asked, &evidence, Code::PointsFew),
        "5 of 6 planned points of `db` were made (83.3 %)",
        Verdict::Breached,
    );
    assert_eq!(found(&plan(&[]), &evidence, Code::PointsFew), None, "nobody asked");
}

#[test]
fn a_drill_counts_only_for_what_it_checked_and_as_far_as_it_went() {
    let policy =
        plan(&[("OBJECTIVE", "drill_every = \"30d\"\ndrill_share = 0.5"), ("ASSET", "checks = [\"content\"]")]);
    let mut evidence = good();
    evidence.drills = vec![drill(2, 10_000_000_000, &["content"])];
    assert_eq!(found(&policy, &evidence, Code::DrillPartial), None);
    assert_eq!(found(&policy, &evidence, Code::DrillSmall), None);
    evidence.drills = vec![drill(1, 2_000_000_000, &["counts"])];
    says(found(&policy, &evidence, Code::DrillPartial), "did not check `content`", Verdict::Unproven);
    says(found(&policy, &evidence, Code::DrillSmall), "restored 2 GB of 10 GB, 50 % is asked", Verdict::Unproven);
    evidence.drills = vec![drill(1, 10_000_000_000, &["content"])];
    evidence.drills[0].checks[0].leaves_open = true;
    says(found(&policy, &evidence, Code::DrillPartial), "left `content` open", Verdict::Unproven);
}

#[test]
fn three_clean_drills_do_not_show_nine_in_ten() {
    let policy = plan(&[("OBJECTIVE", "restores_shown = 0.9")]);
    let mut evidence = good();
    evidence.drills = (1..4).map(|days| drill(days, 1, &[])).collect();
    let message = "3 of 3 drills of `db` in a year passed, which shows with 95 % confidence that at least 36.8 %";
    says(found(&policy, &evidence, Code::DrillsFew), message, Verdict::Unproven);
    let mut files: Vec<Drill> = (1..30).map(|days| drill(days, 1, &[])).collect();
    files.iter_mut().for_each(|drill| drill.asset = "files".into());
    evidence.drills = (1..30).map(|days| drill(days, 1, &[])).chain(files).collect();
    assert_eq!(found(&policy, &evidence, Code::DrillsFew), None);
    evidence.drills[3].outcome = DrillOutcome::Failed { why: "a document differs".into() };
    says(found(&policy, &evidence, Code::DrillsFew), "28 of 29 drills of `db`", Verdict::Unproven);
}

#[test]
fn instants_that_cannot_be_are_told_and_keep_the_verdict_from_met() {
    assert_eq!(found(&plan(&[]), &good(), Code::ClockSkew), None);
    let mut evidence = good();
    evidence.points[0].available_at = now() + Span::days(2);
    let finding = found(&plan(&[]), &evidence, Code::ClockSkew);
    says(finding, "was there from 2026-11-25T12:00:00Z, but the evidence was read", Verdict::Unproven);
    let mut evidence = good();
    evidence.points[5].available_at = evidence.points[5].consistent_at - Span::minutes(1);
    assert!(found(&plan(&[]), &evidence, Code::ClockSkew).is_some());
    let mut evidence = good();
    let skewed = evidence.points[0].consistent_at + Span::hours(1);
    evidence.points[0].cluster_time = Some(plimsoll::base::OpTime::new((skewed.0 / 1000) as u32, 1));
    says(found(&plan(&[]), &evidence, Code::ClockSkew), "is of cluster time", Verdict::Unproven);
}

#[test]
fn points_past_their_time_are_a_note_with_their_size() {
    let short = read(plan(&[]).source.text.replace("retention = \"30d\"", "retention = \"10d\""));
    let mut evidence = good();
    evidence.points.retain(|p| p.asset == "db");
    let message = "8 of its points of `db` are older, 8 GB stored";
    let finding = says(found(&short, &evidence, Code::PointsOverdue), message, Verdict::Breached);
    assert_eq!(finding.severity, Severity::Note);
    assert_eq!(found(&plan(&[]), &evidence, Code::PointsOverdue), None);
}

#[test]
fn a_lifecycle_that_ends_sooner_decides_what_is_kept() {
    let policy = plan(&[("PROTECTION", "lifecycle = \"20d\""), ("OBJECTIVE", "retention = \"30d\"")]);
    says(
        found(&policy, &good(), Code::LifecycleShort),
        "to be kept for 30 d, and the store removes it after 20 d",
        Verdict::Breached,
    );
    says(found(&policy, &good(), Code::RetentionShort), "is kept for 20 d, 30 d is asked", Verdict::Breached);
    let later = plan(&[("PROTECTION", "lifecycle = \"40d\""), ("OBJECTIVE", "retention = \"30d\"")]);
    assert_eq!(found(&later, &good(), Code::LifecycleShort), None);
    assert_eq!(found(&later, &good(), Code::RetentionShort), None);
}

#[test]
fn locks_and_retentions_are_held_against_what_is_asked() {
    let lock = |lock: &str| plan(&[("PROTECTION", &format!("lock = \"{lock}\"")), ("OBJECTIVE", "immutable = true")]);
    says(found(&lock("7d"), &good(), Code::LockShort), "is kept for 30 d and locked for 7 d", Verdict::Breached);
    assert_eq!(found(&lock("30d"), &good(), Code::LockShort), None);
    let most = |most: &str| plan(&[("OBJECTIVE", &format!("keep_at_most = \"{most}\""))]);
    says(
        found(&most("10d"), &good(), Code::RetentionLong),
        "`nightly` of `db` is kept for 30 d, 10 d at most",
        Verdict::Breached,
    );
    assert_eq!(found(&most("30d"), &good(), Code::RetentionLong), None);
}

#[test]
fn two_object_stores_are_one_kind_of_storage() {
    let tape = "[protection.tape]\nkind = \"copy\"\nof = \"nightly\"\ndelay = \"1d\"\nstored_in = [\"safe\"]\nretention = \"1y\"\n";
    let asked = ("OBJECTIVE", "media = 2");
    says(found(&plan(&[asked]), &good(), Code::MediaFew), "`db` has 1 of 2 asked", Verdict::Breached);
    assert_eq!(found(&plan(&[asked, ("END", tape)]), &good(), Code::MediaFew), None);
    let unsaid = read(plan(&[asked, ("END", tape)]).source.text.replacen(", medium = \"tape\"", "", 1));
    says(found(&unsaid, &good(), Code::MediaFew), "`db` has 1 of 2", Verdict::Unproven);
}

#[test]
fn copies_in_the_building_that_burns_are_not_elsewhere_whatever_the_contract_says() {
    // OVH Strasbourg, 2021-03-10: backups said to be isolated, replicas of them in the same building.
    let site = |vault: &str, checked: &str| {
        let text = plan(&[("OBJECTIVE", "offsite = true")]).source.text.replacen(
            "live = { kind = \"cluster\" }, files = { kind = \"bucket\" }, vault = { kind = \"bucket\" }",
            &format!(
                "sbg2 = {{ kind = \"site\" }}, elsewhere = {{ kind = \"site\"{checked} }}, live = {{ kind = \"cluster\", inside = [\"sbg2\"] }}, \
                 files = {{ kind = \"bucket\", inside = [\"sbg2\"] }}, vault = {{ kind = \"bucket\"{vault} }}"
            ),
            1,
        );
        read(text)
    };
    says(
        found(&site(", inside = [\"sbg2\"]", ""), &good(), Code::NotOffsite),
        "every copy of `db` is at a site",
        Verdict::Breached,
    );
    says(
        found(&site("", ""), &good(), Code::NotOffsite),
        "not every place of `db` says at which site",
        Verdict::Unproven,
    );
    let claimed = site(", inside = [\"elsewhere\"]", "");
    assert_eq!(found(&claimed, &good(), Code::NotOffsite), None);
    says(found(&claimed, &good(), Code::IsolationUnproven), "that `nightly` of `db` is elsewhere", Verdict::Unproven);
    let looked = |day: &str| site(", inside = [\"elsewhere\"]", &format!(", checked = {day}"));
    assert_eq!(found(&looked("2026-03-01"), &good(), Code::IsolationUnproven), None);
    assert!(found(&looked("2025-03-01"), &good(), Code::IsolationUnproven).is_some(), "too long ago");
    assert!(found(&looked("2027-03-01"), &good(), Code::IsolationUnproven).is_some(), "not yet");
}

#[test]
fn an_alert_that_nobody_saw_arrive_is_no_alert() {
    let channel =
        |more: &str| plan(&[("END", &format!("[[contact]]\nname = \"ops\"\nreach = \"mail\"\nalerts = true\n{more}"))]);
    says(
        found(&channel(""), &good(), Code::ChannelUnproven),
        "no test alert is known to have arrived",
        Verdict::Unproven,
    );
    assert_eq!(found(&channel("proven = 2026-11-01\n"), &good(), Code::ChannelUnproven), None);
    assert!(found(&channel("proven = 2025-11-01\n"), &good(), Code::ChannelUnproven).is_some());
    assert_eq!(found(&plan(&[]), &good(), Code::ChannelUnproven), None, "nobody asked, and none is named");
    let asked = plan(&[("OBJECTIVE", "alert_test_every = \"30d\"")]);
    says(found(&asked, &good(), Code::ChannelUnproven), "names nobody who is told", Verdict::Unproven);
}

#[test]
fn a_copy_behind_a_slow_line_keeps_no_rto() {
    // GitLab.com, 2017-01-31: the copy back ran at 60 Mbit/s.
    let line = |rate: &str| {
        let text =
            plan(&[("OBJECTIVE", "rto = \"4h\""), ("PROTECTION", rate)]).source.text.replacen("10 GB", "300 GB", 1);
        read(text)
    };
    let finding = says(
        found(&line("restore_rate = \"60 Mbit/s\""), &good(), Code::RestorePathSlow),
        "at 7.5 MB/s takes 11 h 6 min",
        Verdict::Breached,
    );
    assert_eq!(finding.subject.scenario.as_deref(), Some("loss"));
    assert_eq!(found(&line("restore_rate = \"1 Gbit/s\""), &good(), Code::RestorePathSlow), None);
    assert_eq!(found(&line(""), &good(), Code::RestorePathSlow), None, "nothing is claimed of what nobody says");
    assert_eq!(
        found(&line("restore_rate = \"60 Mbit/s\"\nstored_fraction = 0.1"), &good(), Code::RestorePathSlow),
        None
    );
}

#[test]
fn references_hold_where_both_can_be_brought_to_one_recent_instant() {
    let refers = plan(&[("ASSET", "references = \"files\"")]);
    let alone = plan(&[]);
    assert_eq!(found(&refers, &good(), Code::ReferencesDangle), None, "both were copied at one instant");

    // The files are of an hour later: what was deleted in that hour is unknown.
    let mut later = good();
    later
        .points
        .iter_mut()
        .filter(|p| p.asset == "files")
        .for_each(|p| p.consistent_at = p.consistent_at + Span::hours(1));
    says(found(&refers, &later, Code::ReferencesDangle), "not to one instant", Verdict::Unproven);
    assert_eq!(found(&alone, &later, Code::ReferencesDangle), None, "nothing refers to anything");

    // A log of the database leads to the very instant of the files.
    let op = |text: &str| OpTime::new((at(text).0 / 1000) as u32, 0);
    later.coverage.push(Coverage {
        encrypted: None,
        asset: "db".into(),
        protection: None,
        first: op("2026-11-22T00:00:00Z"),
        last: op("2026-11-23T11:00:00Z"),
        available_at: at("2026-11-23T11:00:10Z"),
        expires_at: None,
        locked_until: None,
        stored_in: vec![],
        bytes_stored: None,
        origin: origin(),
    });
    assert_eq!(found(&refers, &later, Code::ReferencesDangle), None);

    // So it does to the instant at which a copy of them was begun, which is of no single one.
    later.points.iter_mut().filter(|p| p.asset == "files").for_each(|p| p.consistency = Some(Consistency::None));
    says(found(&refers, &later, Code::ReferencesDangle), "is not of one instant", Verdict::Unproven);

    // The files of an hour earlier: the newest database that finds all of them is of the night before.
    let mut earlier = good();
    earlier
        .points
        .iter_mut()
        .filter(|p| p.asset == "files")
        .for_each(|p| p.consistent_at = p.consistent_at - Span::hours(1));
    says(found(&refers, &earlier, Code::ReferencesDangle), "is lost to keep every reference", Verdict::Breached);
}
