//! `audit` over windows of any length, as of any instant, and the status that it ends with.

use plimsoll::audit::{Measure, Verdict};
use plimsoll::base::{Instant, OpTime, Span, Window};
use plimsoll::evidence::*;
use plimsoll::policy::{self, Consistency, SourceText};
use plimsoll::timeline::Loss;
use proptest::prelude::*;

use crate::desk::Desk;

const PLAN: &str = r#"plimsoll = 1
name = "shop"
domain = { live = { kind = "cluster" }, vault = { kind = "bucket" } }
[objective]
rpo = "2h"
[asset.db]
kind = "mongodb"
lives_in = ["live"]
[protection.hourly]
kind = "snapshot"
assets = ["db"]
schedule = "0 * * * *"
takes = "10min"
stored_in = ["vault"]
retention = "400d"
consistency = "snapshot"
[scenario.loss]
title = "Cluster lost"
destroys = ["live"]
per_year = 1
noticed_after = "5min"
runbook = [{ step = "restore", takes = "30min" }]
"#;

fn now() -> Instant {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

/// Hourly points of ten days, but for these hours before now.
fn evidence(missing: &[i64]) -> Evidence {
    let mut evidence = Evidence::none(now());
    let taken = (1..=240).filter(|hours| !missing.contains(hours)).map(|hours| now() - Span::hours(hours));
    let point = |taken: Instant| RecoveryPoint {
        recipients: Vec::new(),
        id: taken.compact(),
        asset: "db".into(),
        protection: Some("hourly".into()),
        consistent_at: taken,
        cluster_time: Some(OpTime::new((taken.0 / 1000) as u32, 1)),
        available_at: taken + Span::minutes(10),
        expires_at: None,
        locked_until: None,
        stored_in: vec![],
        consistency: Some(Consistency::Snapshot),
        without: vec![],
        encrypted: None,
        health: Health::Verified { at: taken + Span::minutes(10) },
        bytes_stored: None,
        bytes_restored: None,
        documents: None,
        origin: Origin { tool: "test".into(), place: "test".into(), sha256: None },
    };
    evidence.points = taken.map(point).collect();
    evidence
}

fn desk(missing: &[i64]) -> Desk {
    let desk = Desk::new();
    desk.write("plimsoll.toml", PLAN);
    desk.write("evidence.json", &serde_json::to_string(&evidence(missing)).unwrap());
    desk
}

fn status(desk: &Desk, words: &str) -> i32 {
    let said = desk.run(&format!("audit --evidence evidence.json {words}"));
    assert!(said.status != 1 && said.status != 2, "{words}: {}", said.err);
    said.status
}

#[test]
fn the_status_is_that_of_the_window() {
    let desk = desk(&[100, 101, 102]);
    for (window, expected) in
        [("1ms", 0), ("1h", 0), ("3d", 0), ("90h", 0), ("5d", 3), ("7d", 3), ("1w3d", 3), ("100y", 3)]
    {
        assert_eq!(status(&desk, &format!("--window {window} --as-of 2026-11-23T12:00:00Z")), expected, "{window}");
    }
    let whole = self::desk(&[]);
    assert_eq!(status(&whole, "--window 9d --as-of 2026-11-23T12:00:00Z"), 0);
    assert_eq!(status(&whole, "--window 30d --as-of 2026-11-23T12:00:00Z"), 4, "nothing shows the days before");
}

#[test]
fn as_of_an_instant_later_evidence_is_not_known() {
    let desk = desk(&[100, 101, 102]);
    let at = |hours: i64| format!("--window 1d --as-of {}", now() - Span::hours(hours));
    assert_eq!(status(&desk, &at(300)), 4, "before the first point nothing is shown");
    assert_eq!(status(&desk, &at(120)), 0);
    assert_eq!(status(&desk, &at(99)), 3, "in the hole");
    assert_eq!(status(&desk, &at(0)), 0);
    assert_eq!(status(&desk, "--window 1d --as-of 2027-01-01T00:00:00Z"), 4, "what was read long before is stale");
}

#[test]
fn a_window_without_length_proves_nothing_and_is_refused() {
    let desk = desk(&[]);
    for (window, says) in [("0s", "a window of no length"), ("-7d", "is negative"), ("7", "7"), ("", "empty")] {
        let said = desk.run_words(&["audit", "--evidence", "evidence.json", &format!("--window={window}")]);
        assert!(said.status == 2 && said.err.contains(says), "{window}: {}", said.err);
    }
}

fn worst(evidence: &Evidence, window: Span) -> (Loss, Verdict) {
    let plan = policy::parse(SourceText::new("shop.toml", PLAN)).unwrap();
    let audit = plimsoll::audit::run(&plan, Some(evidence), now(), Window::new(now() - window, now()));
    match &audit.cells[0].observed_loss {
        Measure::Known(loss) => (*loss, audit.verdict),
        Measure::Unknown(_) => (Loss::Total, audit.verdict),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// To look further back never finds less, and proves no more.
    #[test]
    fn a_longer_window_is_never_better(
        missing in prop::collection::vec(1_i64..240, 0..30),
        shorter in 1_i64..20 * 24 * 60,
        longer in 1_i64..20 * 24 * 60,
    ) {
        let (shorter, longer) = (Span::minutes(shorter.min(longer)), Span::minutes(shorter.max(longer)));
        let evidence = evidence(&missing);
        let (near, far) = (worst(&evidence, shorter), worst(&evidence, longer));
        prop_assert!(near.0 <= far.0, "{:?} over {shorter}, {:?} over {longer}", near.0, far.0);
        prop_assert!(near.1 <= far.1, "{:?} over {shorter}, {:?} over {longer}", near.1, far.1);
    }
}
