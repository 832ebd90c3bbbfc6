//! The audit against evidence: what is met, what is broken, what is not shown, and that hiding evidence never helps.

use plimsoll::audit::{self, Audit, Code, Measure, Verdict};
use plimsoll::base::{Instant, OpTime, Span, Window};
use plimsoll::evidence::*;
use plimsoll::policy::{self, Consistency, Objective, Policy, SourceText};
use plimsoll::timeline::Loss;
use proptest::prelude::*;

fn at(text: &str) -> Instant {
    text.parse().expect("an instant")
}

fn span(text: &str) -> Span {
    text.parse().expect("a span")
}

fn now() -> Instant {
    at("2026-11-23T12:00:00Z")
}

/// Hourly snapshots and a log in a vault that the live cluster's loss leaves standing.
fn policy(rpo: &str, extra: &str) -> Policy {
    let text = format!(
        r#"
plimsoll = 1
name = "shop"
domain = {{ live = {{ kind = "cluster" }}, vault = {{ kind = "bucket" }}, runner = {{ kind = "host" }} }}
[objective]
rpo = "{rpo}"
rto = "2h"
drill_every = "30d"
[asset.db]
kind = "mongodb"
size = "10 GB"
lives_in = ["live"]
[protection.hourly]
kind = "snapshot"
assets = ["db"]
schedule = "0 * * * *"
takes = "10min"
stored_in = ["vault"]
runs_in = ["runner"]
retention = "30d"
consistency = "snapshot"
[scenario.loss]
title = "Cluster lost"
destroys = ["live"]
per_year = 1
noticed_after = "5min"
runbook = [
  {{ step = "provision", takes = "20min" }},
  {{ step = "restore", takes = {{ measured = "total", declared = "30min" }}, asset = "db" }},
]
{extra}
"#
    );
    let refused = |problems: Vec<policy::Problem>| panic!("{problems:#?}");
    policy::parse(SourceText::new("shop.toml", text)).unwrap_or_else(refused)
}

fn origin() -> Origin {
    Origin { tool: "test".into(), place: "test".into(), sha256: None }
}

fn point(taken: Instant) -> RecoveryPoint {
    RecoveryPoint {
        recipients: Vec::new(),
        id: taken.compact(),
        asset: "db".into(),
        protection: Some("hourly".into()),
        consistent_at: taken,
        cluster_time: Some(OpTime::new((taken.0 / 1000) as u32, 1)),
        available_at: taken + span("10min"),
        expires_at: None,
        locked_until: None,
        stored_in: vec![],
        consistency: Some(Consistency::Snapshot),
        without: vec![],
        encrypted: None,
        health: Health::Verified { at: taken + span("10min") },
        bytes_stored: None,
        bytes_restored: None,
        documents: None,
        origin: origin(),
    }
}

fn drill(id: &str, ended_at: Instant, took: Span, bytes_restored: u64) -> Drill {
    Drill {
        key: None,
        id: id.into(),
        asset: "db".into(),
        protection: None,
        point: "p".into(),
        target: None,
        started_at: ended_at - took,
        ended_at,
        phases: vec![],
        checks: vec![Check { name: "content".into(), passed: true, detail: "equal".into(), leaves_open: false }],
        outcome: DrillOutcome::Passed,
        bytes_restored,
        documents: 1,
        origin: origin(),
    }
}

/// A week and more of hourly points, and one drill of yesterday.
fn good() -> Evidence {
    let mut evidence = Evidence::none(now());
    evidence.points =
        (0..200).map(|hours| point(now() - Span::hours(hours))).filter(|p| p.available_at <= now()).collect();
    evidence.drills = vec![drill("d1", now() - span("1d"), span("40min"), 10_000_000_000)];
    evidence
}

fn audit(policy: &Policy, evidence: &Evidence) -> Audit {
    audit::run(policy, Some(evidence), now(), Window::new(now() - Span::days(7), now()))
}

fn has(audit: &Audit, code: Code) -> bool {
    audit.findings.iter().any(|f| f.code == code)
}

#[test]
fn a_plan_that_was_kept_and_drilled_is_met() {
    let audit = audit(&policy("2h", ""), &good());
    let codes: Vec<Code> = audit.findings.iter().map(|f| f.code).collect();
    assert_eq!(codes, [Code::StepsUntimed], "a note: nobody has timed the provisioning");
    assert_eq!(audit.verdict, Verdict::Met);
    let cell = &audit.cells[0];
    assert_eq!(cell.observed_loss, Measure::Known(Loss::Window(span("70min"))));
    assert_eq!(cell.drilled_downtime, Measure::Known(span("65min")));
    assert_eq!((cell.rpo_verdict, cell.rto_verdict), (Verdict::Met, Verdict::Met));
    let strength = audit.passes.iter().find(|p| p.code == Code::RtoDrilled).expect("a pass says why");
    assert!(strength.why.contains("10 % confidence"), "one drill shows little, and says so: {}", strength.why);
}

#[test]
fn missing_runs_are_seen_in_what_is_stored() {
    let mut evidence = good();
    let hole = Window::new(now() - span("20h"), now() - span("14h"));
    evidence.points.retain(|p| !hole.contains(p.consistent_at));
    let audit = audit(&policy("2h", ""), &evidence);
    let finding = audit.findings.iter().find(|f| f.code == Code::LossWindowObserved).expect("found");
    assert!(finding.message.contains("2026-11-22T22:10:00Z would have lost 7 h 10 min"), "{}", finding.message);
    assert!(finding.message.contains("for 5 h 10 min of 7 d"), "{}", finding.message);
    assert_eq!(audit.verdict, Verdict::Breached);
}

#[test]
fn no_evidence_is_unproven_and_not_breached() {
    let audit = audit(&policy("2h", ""), &Evidence::none(now()));
    assert_eq!(audit.verdict, Verdict::Unproven);
    assert!(has(&audit, Code::LossWindowUnproven) && has(&audit, Code::ProtectionUnproven));
    assert_eq!(audit.cells[0].rpo_verdict, Verdict::Unproven);
}

#[test]
fn evidence_that_begins_too_late_leaves_the_rest_unproven() {
    let mut evidence = good();
    evidence.points.retain(|p| p.consistent_at > now() - span("2d"));
    let audit = audit(&policy("2h", ""), &evidence);
    assert_eq!(audit.verdict, Verdict::Unproven);
    assert!(has(&audit, Code::LossWindowUnproven));
}

#[test]
fn points_that_leave_a_part_out_are_none_and_are_named() {
    let mut evidence = good();
    evidence.points.iter_mut().for_each(|p| p.without = vec!["shop.sessions".into()]);
    let audit = audit(&policy("2h", ""), &evidence);
    let finding = audit.findings.iter().find(|f| f.code == Code::PointsPartial).expect("a finding");
    assert!(finding.message.contains("without `shop.sessions`"), "{}", finding.message);
    assert!(has(&audit, Code::NoUsablePoint), "the rest does not bring the asset back");
    assert_ne!(audit.cells[0].rpo_verdict, Verdict::Met);
    assert_eq!(audit.verdict, Verdict::Breached);
}

#[test]
fn a_drill_that_leaves_something_open_passes_and_proves_no_point() {
    let mut shown = drill("d1", now(), span("1min"), 1);
    assert!(matches!(Health::by_drills("db", "p", std::slice::from_ref(&shown)), Health::Verified { .. }));
    shown.checks[0].leaves_open = true;
    assert!(shown.passed());
    assert_eq!(Health::by_drills("db", "p", &[shown]), Health::Unverified);
}

#[test]
fn points_that_are_all_known_bad_leave_nothing() {
    let mut evidence = good();
    evidence.points.iter_mut().for_each(|p| p.health = Health::Bad { at: now(), why: "cut short".into() });
    let audit = audit(&policy("2h", ""), &evidence);
    assert!(has(&audit, Code::NoUsablePoint) && has(&audit, Code::UnverifiedPoints));
    assert_eq!(audit.cells[0].rpo_verdict, Verdict::Breached);
}

#[test]
fn a_point_of_an_unknown_place_proves_nothing() {
    let mut evidence = good();
    evidence.points.iter_mut().for_each(|p| p.protection = Some("somebody's".into()));
    let audit = audit(&policy("2h", ""), &evidence);
    assert!(has(&audit, Code::EvidenceUnmatched));
    assert_eq!(audit.cells[0].rpo_verdict, Verdict::Unproven);
}

#[test]
fn stale_or_unreadable_evidence_is_never_met() {
    let mut evidence = good();
    evidence.read_at = now() - span("3h");
    let stale = audit(&policy("2h", ""), &evidence);
    assert!(has(&stale, Code::EvidenceStale));
    assert_eq!(stale.verdict, Verdict::Unproven);
    let mut evidence = good();
    evidence.unreadable.push(Unreadable { place: "snapshots/x".into(), why: "not JSON".into() });
    let unreadable = audit(&policy("2h", ""), &evidence);
    assert_eq!((unreadable.verdict, unreadable.cells[0].rpo_verdict), (Verdict::Unproven, Verdict::Unproven));
}

#[test]
fn a_drill_of_less_than_production_is_scaled_up() {
    let mut evidence = good();
    evidence.drills = vec![drill("small", now() - span("1d"), span("40min"), 2_000_000_000)];
    let audit = audit(&policy("2h", ""), &evidence);
    assert_eq!(audit.cells[0].drilled_downtime, Measure::Known(span("25min") + span("200min")));
    assert!(has(&audit, Code::RtoDrilled));
    for too_little in [0, 999_999_999] {
        evidence.drills[0].bytes_restored = too_little;
        assert_eq!(super_verdict(&evidence), Verdict::Unproven, "{too_little} bytes say nothing about 10 GB");
    }
}

fn super_verdict(evidence: &Evidence) -> Verdict {
    audit(&policy("2h", ""), evidence).cells[0].rto_verdict
}

#[test]
fn old_and_failed_drills_prove_no_rto() {
    let mut evidence = good();
    evidence.drills[0].ended_at = now() - span("40d");
    assert_eq!(super_verdict(&evidence), Verdict::Unproven);
    assert!(has(&audit(&policy("2h", ""), &evidence), Code::DrillStale));
    let mut failed = drill("d2", now() - span("1h"), span("40min"), 10_000_000_000);
    failed.outcome = DrillOutcome::Failed { why: "2 documents differ".into() };
    evidence.drills = vec![failed];
    let audit = audit(&policy("2h", ""), &evidence);
    let finding = audit.findings.iter().find(|f| f.code == Code::DrillFailed).expect("found");
    assert!(finding.message.contains("2 documents differ"));
    assert_eq!(audit.verdict, Verdict::Breached);
}

#[test]
fn a_waiver_accepts_until_its_date_and_tells_when_it_is_of_no_use() {
    let waiver = |code: &str, until: &str| {
        format!("[[waiver]]\ncode = \"{code}\"\nowner = \"ops\"\nreason = \"known\"\nuntil = \"{until}\"\n")
    };
    let mut evidence = good();
    evidence.drills.clear();
    let both = waiver("drill-missing", "2026-12-01") + &waiver("rto-unproven", "2026-12-01");
    let accepted = audit(&policy("2h", &both), &evidence);
    assert_eq!(accepted.verdict, Verdict::Met, "{:#?}", accepted.findings);
    assert!(accepted.findings.iter().all(|f| f.waived.as_deref().is_some_and(|w| w.contains("ops"))));
    let expired = audit(&policy("2h", &waiver("drill-missing", "2026-11-01")), &evidence);
    assert!(has(&expired, Code::WaiverExpired));
    assert!(expired.findings.iter().all(|f| f.waived.is_none()));
    let unused = audit(&policy("2h", &waiver("drill-failed", "2026-12-01")), &good());
    assert!(has(&unused, Code::WaiverUnused));
    assert_eq!(unused.verdict, Verdict::Met, "a note judges nothing");
}

#[test]
fn a_gap_in_the_log_is_found_between_its_pieces() {
    let log = "[protection.log]\nkind = \"log\"\nassets = [\"db\"]\nlag = \"1min\"\nwindow = \"14d\"\nstored_in = [\"vault\"]\n\
               runs_in = [\"runner\"]\n";
    let op = |at: Instant| OpTime::new((at.0 / 1000) as u32, 1);
    let piece = |from: &str, until: &str| {
        let (from, until) = (now() - span(from), now() - span(until));
        let (first, last, available_at) = (op(from), op(until), until + span("10s"));
        let (asset, protection) = ("db".to_string(), Some("log".to_string()));
        let (expires_at, locked_until, stored_in) = (None, None, vec![]);
        Coverage {
            asset,
            protection,
            first,
            last,
            available_at,
            expires_at,
            locked_until,
            stored_in,
            bytes_stored: None,
            encrypted: None,
            origin: origin(),
        }
    };
    let mut evidence = good();
    let tens = (1..1200).filter(|n| !(114..120).contains(n));
    evidence.coverage = tens.map(|n| piece(&format!("{}min", n * 10), &format!("{}min", n * 10 - 10))).collect();
    evidence.coverage.retain(|c| c.available_at <= now());
    let audit = audit(&policy("2h", log), &evidence);
    let finding = audit.findings.iter().find(|f| f.code == Code::CoverageGap).expect("found");
    assert!(finding.message.contains("a gap") && finding.message.contains("1 h"), "{}", finding.message);
    let shorter = audit.cells[0].observed_exposure.as_ref().expect("observed");
    assert!(shorter.in_breach(span("20min")) < span("3h"), "elsewhere the log leads close to any instant");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn hiding_points_or_all_drills_never_makes_a_verdict_met(
        keep in prop::collection::vec(any::<bool>(), 200), keep_more in prop::collection::vec(any::<bool>(), 200),
        dense in any::<bool>(), drills in any::<bool>(), rpo in 61..400_u32,
    ) {
        let policy = policy(&format!("{rpo}min"), "");
        let mut more = good();
        let mut kept = keep.iter().chain([&true].into_iter().cycle());
        more.points.retain(|_| *kept.next().unwrap_or(&true) || dense);
        let mut less = more.clone();
        let mut kept = keep_more.iter();
        less.points.retain(|_| *kept.next().unwrap_or(&true));
        if !drills {
            less.drills.clear();
        }
        let (more, less) = (audit(&policy, &more), audit(&policy, &less));
        for (more, less) in more.cells.iter().zip(&less.cells) {
            prop_assert!(less.rpo_verdict != Verdict::Met || more.rpo_verdict == Verdict::Met);
            prop_assert!(less.rto_verdict != Verdict::Met || more.rto_verdict == Verdict::Met);
        }
        prop_assert!(less.verdict != Verdict::Met || more.verdict == Verdict::Met);
    }

    #[test]
    fn a_stricter_objective_never_removes_a_finding(
        keep in prop::collection::vec(prop::bool::weighted(0.8), 200), rpo in 30..1000_u32, rto in 10..500_u32,
        less in 0.1..1.0_f64, drills in any::<bool>(), every in 1..60_u32,
    ) {
        let mut evidence = good();
        let mut kept = keep.iter();
        evidence.points.retain(|_| *kept.next().unwrap_or(&true));
        if !drills {
            evidence.drills.clear();
        }
        let asked = |share: f64| {
            let mut policy = policy(&format!("{}min", (f64::from(rpo) * share).ceil()), "");
            let scaled = |n: u32| Span::minutes((f64::from(n) * share).ceil() as i64);
            policy.objective.rto.as_mut().expect("asked").value = scaled(rto);
            policy.objective.drill_every.as_mut().expect("asked").value = scaled(every * 24 * 60);
            audit(&policy, &evidence)
        };
        let (lax, strict) = (asked(1.0), asked(less));
        for finding in &lax.findings {
            prop_assert!(has(&strict, finding.code), "{} is gone: {:#?}", finding.code, finding);
        }
        prop_assert!(strict.verdict >= lax.verdict);
    }
}

#[test]
fn a_policy_that_asks_nothing_or_declares_no_failure_is_never_met() {
    let mut policy = policy("2h", "");
    assert_eq!(audit(&policy, &good()).verdict, Verdict::Met, "as long as there is something to judge");
    let mut silent = policy.clone();
    silent.objective = Objective::default();
    assert_ne!(audit(&silent, &good()).verdict, Verdict::Met);
    policy.scenarios.clear();
    assert_ne!(audit(&policy, &good()).verdict, Verdict::Met);
}
