//! What holds over all rules together: hiding evidence never makes anything Met, a stricter objective never takes a
//! finding away, each finding leads somewhere, and what is in order is recorded with why.

use std::collections::BTreeSet;

use plimsoll::audit::strength::{clean_drills_for, succeeds_at_least};
use plimsoll::audit::{self, Audit, Code, Severity, Verdict};
use plimsoll::base::{Instant, OpTime, Span, Window};
use plimsoll::evidence::*;
use plimsoll::policy::{self, Consistency, Policy, SourceText};
use proptest::prelude::*;

fn now() -> Instant {
    "2026-11-23T12:00:00Z".parse().expect("an instant")
}

const PLAN: &str = r#"[asset.db]
kind = "mongodb"
size = "10 GB"
lives_in = ["live"]
references = "files"
checks = ["content"]
[asset.files]
kind = "s3"
size = "10 GB"
lives_in = ["files"]
[protection.hourly]
kind = "snapshot"
assets = ["db", "files"]
schedule = "0 * * * *"
takes = "10min"
late_by = "15min"
stored_in = ["vault"]
runs_in = ["runner"]
retention = "30d"
lifecycle = "60d"
lock = "30d"
consistency = "snapshot"
restore_rate = "100 MB/s"
[scenario.loss]
destroys = ["live", "files"]
per_year = 1
noticed_after = "5min"
runbook = [{ step = "restore", takes = { measured = "total", declared = "30min" }, asset = "db" }]
[[contact]]
name = "ops"
reach = "ops@example.org"
alerts = true
proven = 2026-11-01
"#;

/// How strict each objective is, from 0, the laxest, to 4.
type Strictness = [u8; 14];

fn policy(strict: Strictness) -> Policy {
    let of = |n: usize, values: [&'static str; 5]| values[usize::from(strict[n])];
    let text = format!(
        r#"
plimsoll = 1
name = "shop"
domain = {{ live = {{ kind = "cluster", inside = ["here"] }}, files = {{ kind = "bucket", inside = ["here"] }}, vault = {{ kind = "bucket", inside = ["there"] }}, here = {{ kind = "site" }}, there = {{ kind = "site", checked = 2026-09-01 }}, runner = {{ kind = "host" }} }}
credential = {{ key = {{ can_delete = ["vault", "live", "files"] }} }}
[objective]
rpo = "{}"
rto = "{}"
retention = "{}"
drill_every = "{}"
copies = {}
immutable = {}
consistency = "{}"
media = {}
offsite = {}
keep_at_most = "{}"
points_created = {}
restores_shown = {}
drill_share = {}
alert_test_every = "{}"
"#,
        of(0, ["6h", "3h", "100min", "80min", "20min"]),
        of(1, ["6h", "3h", "90min", "45min", "20min"]),
        of(2, ["7d", "14d", "30d", "31d", "90d"]),
        of(3, ["90d", "30d", "7d", "2d", "6h"]),
        of(4, ["0", "1", "1", "2", "3"]),
        of(5, ["false", "false", "true", "true", "true"]),
        of(6, ["none", "none", "oplog", "snapshot", "snapshot"]),
        of(7, ["0", "1", "1", "2", "3"]),
        of(8, ["false", "false", "true", "true", "true"]),
        of(9, ["1y", "60d", "30d", "29d", "7d"]),
        of(10, ["0.1", "0.5", "0.9", "0.99", "1"]),
        of(11, ["0", "0.01", "0.3", "0.6", "0.95"]),
        of(12, ["0.1", "0.2", "0.5", "0.9", "1"]),
        of(13, ["1y", "90d", "30d", "14d", "1d"]),
    );
    policy::parse(SourceText::new("shop.toml", text + PLAN)).unwrap_or_else(|p| panic!("{p:#?}"))
}

fn origin() -> Origin {
    Origin { tool: "test".into(), place: "test".into(), sha256: None }
}

fn point(asset: &str, hours: i64) -> RecoveryPoint {
    let taken = now() - Span::hours(hours);
    RecoveryPoint {
        recipients: Vec::new(),
        id: format!("{asset}-{}", taken.compact()),
        asset: asset.into(),
        protection: Some("hourly".into()),
        consistent_at: taken,
        cluster_time: Some(OpTime::new((taken.0 / 1000) as u32, 1)),
        available_at: taken + Span::minutes(10),
        expires_at: None,
        locked_until: Some(taken + Span::days(30)),
        stored_in: vec![],
        consistency: Some(Consistency::Snapshot),
        without: vec![],
        encrypted: None,
        health: Health::Verified { at: taken + Span::minutes(10) },
        bytes_stored: None,
        bytes_restored: None,
        documents: None,
        origin: origin(),
    }
}

fn drill(asset: &str, number: i64, days: i64, bytes_restored: u64, checked: bool) -> Drill {
    let ended_at = now() - Span::days(days);
    let check = Check { name: "content".into(), passed: true, detail: "equal".into(), leaves_open: false };
    Drill {
        key: None,
        id: format!("{asset}-drill-{number}"),
        asset: asset.into(),
        protection: None,
        point: "p".into(),
        target: None,
        started_at: ended_at - Span::minutes(40),
        ended_at,
        phases: vec![],
        checks: if checked { vec![check] } else { vec![] },
        outcome: DrillOutcome::Passed,
        bytes_restored,
        documents: 1,
        origin: origin(),
    }
}

/// Everything as the plan has it: 200 hours of points, and three whole drills of each asset.
fn good() -> Evidence {
    let mut evidence = Evidence::none(now());
    for asset in ["db", "files"] {
        evidence.points.extend((1..200).map(|hours| point(asset, hours)));
        evidence.drills.extend((1..4).map(|n| drill(asset, n, n, 10_000_000_000, true)));
    }
    evidence
}

fn audit(policy: &Policy, evidence: &Evidence) -> Audit {
    audit::run(policy, Some(evidence), now(), Window::new(now() - Span::days(7), now()))
}

fn codes(audit: &Audit) -> BTreeSet<Code> {
    audit.findings.iter().map(|f| f.code).collect()
}

/// Whether the drill by itself proves that the RTO is not kept. Who hides that hides a breach, not a lack of proof: what
/// is left shows nothing of it, and no rule could tell.
fn shows_a_breach(policy: &Policy, drill: &Drill) -> bool {
    let size = policy.asset(&drill.asset).and_then(|asset| asset.size.as_ref()).map(|size| size.value.0);
    let noticed = policy.scenarios[0].noticed_after.value.declared_longest().unwrap_or_default();
    let rto = policy.objective.rto.as_ref().map(|rto| rto.value);
    drill.phase_at("total", size).zip(rto).is_some_and(|((took, _), rto)| noticed + took > rto)
}

fn strictness() -> impl Strategy<Value = Strictness> {
    prop::array::uniform14(0..5_u8)
}

/// Good evidence with some points gone or unread, and drills small, unchecked, old or gone.
fn evidence() -> impl Strategy<Value = Evidence> {
    let points = prop::collection::vec(0..12_u8, 398);
    let drills = prop::collection::vec((0..60_i64, 0..4_u64, any::<bool>(), any::<bool>()), 6);
    (points, drills, any::<bool>()).prop_map(|(fates, drills, dense)| {
        let mut evidence = good();
        let mut fates = fates.into_iter();
        evidence.points.retain_mut(|point| match fates.next() {
            Some(0) if !dense => false,
            Some(1) => {
                point.health = Health::Unverified;
                true
            }
            Some(2) => {
                point.locked_until = None;
                true
            }
            _ => true,
        });
        let mut made = vec![];
        for (number, (old, (days, share, checked, there))) in (0..).zip(evidence.drills.iter().zip(drills)) {
            if there {
                made.push(drill(&old.asset, number, days, share * 3_333_333_334, checked));
            }
        }
        evidence.drills = made;
        evidence
    })
}

#[test]
fn what_is_in_order_is_recorded_with_why_by_every_rule_that_judges_it() {
    let audit = audit(&policy([1, 1, 2, 2, 1, 2, 3, 1, 2, 2, 2, 2, 2, 1]), &good());
    assert_eq!(codes(&audit), BTreeSet::new(), "{:#?}", audit.findings);
    assert_eq!(audit.verdict, Verdict::Met);
    let passed: BTreeSet<Code> = audit.passes.iter().map(|pass| pass.code).collect();
    for code in [
        Code::LossWindowDeclared,
        Code::LossWindowObserved,
        Code::NoUsablePoint,
        Code::RunsMissed,
        Code::PointsFew,
        Code::RtoDeclared,
        Code::RtoDrilled,
        Code::StepsUntimed,
        Code::RestorePathSlow,
        Code::DrillFailed,
        Code::DrillStale,
        Code::DrillPartial,
        Code::DrillSmall,
        Code::DrillsFew,
        Code::CopiesFew,
        Code::MediaFew,
        Code::NotOffsite,
        Code::IsolationUnproven,
        Code::NotImmutable,
        Code::LockShort,
        Code::RetentionShort,
        Code::RetentionLong,
        Code::LifecycleShort,
        Code::PointsOverdue,
        Code::ConsistencyWeak,
        Code::CrossAssetSkew,
        Code::ChannelUnproven,
        Code::ClockSkew,
        Code::EvidenceStale,
    ] {
        assert!(passed.contains(&code), "{code} is in order and does not say why");
    }
    assert!(audit.passes.iter().all(|pass| pass.why.len() > 10));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn hiding_evidence_never_makes_anything_met(
        strict in strictness(), more in evidence(), keep in prop::collection::vec(0..8_u8, 410), hide in 1..8_u8,
    ) {
        let policy = policy(strict);
        let mut less = more.clone();
        let mut keep = keep.into_iter();
        less.points.retain(|_| keep.next().is_none_or(|kept| kept >= hide));
        less.drills.retain(|drill| keep.next().is_none_or(|kept| kept >= hide) || shows_a_breach(&policy, drill));
        let (more, less) = (audit(&policy, &more), audit(&policy, &less));
        prop_assert!(less.verdict != Verdict::Met || more.verdict == Verdict::Met, "{:?} gone", codes(&more));
        for (more, less) in more.cells.iter().zip(&less.cells) {
            prop_assert!(less.rpo_verdict != Verdict::Met || more.rpo_verdict == Verdict::Met);
            prop_assert!(less.rto_verdict != Verdict::Met || more.rto_verdict == Verdict::Met);
        }
        // What was recorded as in order without the evidence was so with it.
        for pass in &less.passes {
            let broken = more.findings.iter().any(|f| f.code == pass.code && f.subject == pass.subject && f.severity > Severity::Note);
            prop_assert!(!broken, "{} passes only because evidence is hidden: {}", pass.code, pass.why);
        }
    }

    #[test]
    fn a_stricter_objective_never_takes_a_finding_away(lax in strictness(), by in strictness(), evidence in evidence()) {
        let strict: Strictness = std::array::from_fn(|n| lax[n].max(by[n]));
        let (lax, strict) = (audit(&policy(lax), &evidence), audit(&policy(strict), &evidence));
        let (before, after) = (codes(&lax), codes(&strict));
        prop_assert!(before.is_subset(&after), "gone: {:?}", before.difference(&after).collect::<Vec<_>>());
        prop_assert!(strict.verdict >= lax.verdict);
    }

    #[test]
    fn each_finding_leads_to_a_line_or_to_evidence_and_says_what_to_do(strict in strictness(), evidence in evidence()) {
        for finding in audit(&policy(strict), &evidence).findings {
            prop_assert!(finding.at.is_some() || !finding.evidence.is_empty(), "{finding:#?}");
            prop_assert!(!finding.remedy.is_empty() && !finding.controls.is_empty() && !finding.message.is_empty());
        }
    }

    /// The bound is the p at which so many or more successes are just as likely as 5 %, by a sum over plain binomials.
    #[test]
    fn the_bound_on_success_is_that_of_clopper_and_pearson(all in 1..60_usize, failed in 0..10_usize) {
        let passed = all.saturating_sub(failed);
        let p = succeeds_at_least(passed, all);
        let binomial = |k: usize| {
            let choose = (1..=k).fold(1.0, |c, i| c * (all + 1 - i) as f64 / i as f64);
            choose * p.powi(k as i32) * (1.0 - p).powi((all - k) as i32)
        };
        let tail: f64 = (passed..=all).map(binomial).sum();
        prop_assert!(passed == 0 && p == 0.0 || (tail - 0.05).abs() < 1e-9, "{passed} of {all}: {p}, {tail}");
        prop_assert!(succeeds_at_least(passed.saturating_sub(1), all) <= p);
    }
}

#[test]
fn clean_drills_show_what_the_closed_form_says() {
    assert!((succeeds_at_least(29, 29) - 0.90186).abs() < 1e-5);
    assert!((succeeds_at_least(1, 1) - 0.05).abs() < 1e-12);
    assert_eq!(clean_drills_for(0.9), Some(29));
    assert_eq!((clean_drills_for(1.0), succeeds_at_least(0, 5)), (None, 0.0));
}
