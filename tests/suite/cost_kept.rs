//! What is stored and what it comes to, against a shelf on which every point is put and from which it is taken by hand.

use plimsoll::base::{Instant, Span};
use plimsoll::cost::kept::{self, DAYS};
use plimsoll::evidence::{Evidence, Health, Origin, RecoveryPoint};
use plimsoll::policy::{self, Policy, SourceText};
use proptest::prelude::*;

fn now() -> Instant {
    "2026-11-22T00:00:00Z".parse().expect("an instant")
}

fn policy(kind: &str, retention_days: Option<i64>, growth: f64) -> Policy {
    let retention = retention_days.map_or(String::new(), |days| format!("retention = \"{days}d\"\n"));
    let text = format!(
        "plimsoll = 1\nname = \"p\"\n[objective]\nrpo = \"1d\"\n[domain.d]\nkind = \"host\"\n[domain.b]\nkind = \"bucket\"\n\
         [asset.a]\nkind = \"mongodb\"\nlives_in = [\"d\"]\ngrowth_per_year = {growth:?}\n[protection.p]\nkind = \"{kind}\"\n\
         assets = [\"a\"]\nschedule = \"0 3 * * *\"\ntakes = \"10min\"\nstored_in = [\"b\"]\n{retention}"
    );
    policy::parse(SourceText::new("p.toml", text)).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn point(days_ago: i64, bytes: Option<u64>) -> RecoveryPoint {
    let consistent_at = now() - Span::days(days_ago) + Span::hours(3);
    RecoveryPoint {
        recipients: Vec::new(),
        id: format!("p{days_ago}"),
        asset: "a".into(),
        protection: Some("p".into()),
        consistent_at,
        cluster_time: None,
        available_at: consistent_at,
        expires_at: None,
        locked_until: None,
        stored_in: vec![],
        consistency: None,
        without: vec![],
        encrypted: None,
        health: Health::Unverified,
        bytes_stored: bytes,
        bytes_restored: None,
        documents: None,
        origin: Origin { tool: "t".into(), place: "x".into(), sha256: None },
    }
}

fn evidence(points: Vec<RecoveryPoint>) -> Evidence {
    Evidence { points, ..Evidence::none(now()) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_kept_on_each_day_is_what_a_shelf_holds(
        sizes in prop::collection::vec(1..1_000_u64, 1..40),
        retention in 1..500_i64,
        growth in 0.0..2.0_f64,
    ) {
        // A hair off zero, which would mean that none is declared.
        let growth = (growth * 100.0).round() / 100.0 + 0.001;
        let policy = policy("snapshot", Some(retention), growth);
        let points: Vec<_> = sizes.iter().enumerate().map(|(n, size)| point(n as i64 + 1, Some(*size))).collect();
        let at: Vec<Instant> = (0..=50).rev().map(|day| now() - Span::days(day)).collect();
        let kept = kept::series(&policy, &evidence(points.clone()), now(), &at);
        prop_assert_eq!(kept.len(), 1);
        let shelf = |at: Instant| -> f64 {
            let there = points.iter().filter(|p| p.available_at <= at && at < p.consistent_at + Span::days(retention));
            there.map(|p| p.bytes_stored.expect("a size") as f64).sum()
        };
        for (at, bytes) in at.iter().zip(&kept[0].past) {
            prop_assert!((bytes - shelf(*at)).abs() < 1e-6, "{at}: {bytes} against {}", shelf(*at));
        }
        let ahead = kept[0].ahead.as_ref().expect("it can be said");
        prop_assert_eq!(ahead.len(), DAYS + 1);
        // Each day puts one on, as large as the newest is now, grown by as many days.
        let mut new: Vec<(i64, f64)> = Vec::new();
        for day in 0..=DAYS as i64 {
            if day > 0 {
                new.push((day, sizes[0] as f64 * (1.0 + growth).powf(day as f64 / 365.0)));
            }
            new.retain(|(put_on, _)| day - put_on < retention);
            let held = shelf(now() + Span::days(day)) + new.iter().map(|(_, bytes)| bytes).sum::<f64>();
            let told = ahead[day as usize];
            prop_assert!((told - held).abs() <= 1e-6 * held.max(1.0), "day {day}: {told} against {held}");
        }
    }
}

#[test]
fn what_cannot_be_said_of_what_is_kept_is_said() {
    let at = [now()];
    let unbounded = kept::series(&policy("snapshot", None, 0.4), &evidence(vec![point(1, Some(9))]), now(), &at);
    let why = unbounded[0].ahead.as_ref().expect_err("no bound");
    assert!(why.contains("declares no retention"), "{why}");
    let sizeless = kept::series(&policy("snapshot", Some(30), 0.4), &evidence(vec![point(1, None)]), now(), &at);
    assert!(sizeless.is_empty(), "a point without a size is no amount");
    let half = evidence(vec![point(1, None), point(2, Some(9))]);
    let half = kept::series(&policy("snapshot", Some(30), 0.0), &half, now(), &at);
    assert_eq!((half[0].unsized_points, half[0].growth, half[0].past[0]), (1, None, 9.0));
    let mut stranger = point(1, Some(9));
    stranger.protection = Some("other".into());
    let stranger = kept::series(&policy("snapshot", Some(30), 0.4), &evidence(vec![stranger]), now(), &at);
    assert!(stranger[0].ahead.as_ref().expect_err("no plan").contains("declares no protection"));
}

#[test]
fn a_mirror_keeps_its_newest_state_alone() {
    let points = vec![point(2, Some(5)), point(1, Some(7))];
    let at = [now() - Span::days(1), now()];
    let kept = kept::series(&policy("mirror", None, 1.0), &evidence(points), now(), &at);
    assert_eq!(kept[0].past, [5.0, 7.0]);
    let ahead = kept[0].ahead.as_ref().expect("it can be said");
    assert!((ahead[DAYS] - 14.0).abs() < 1e-9, "{}", ahead[DAYS]);
}

#[test]
fn what_tiers_keep_of_older_points_is_drawn_too_for_as_long_as_they_keep_it() {
    let plain = policy("snapshot", Some(7), 0.0);
    let text =
        plain.source.text.replace("retention = \"7d\"", "retention = \"7d\"\nkeep = { weekly = 4, monthly = 3 }");
    let tiered = policy::parse(SourceText::new("p.toml", text)).expect("a policy");
    // A week of nights, a point of each of the two weeks before, and one that no tier has a place for.
    let days = [1, 2, 3, 4, 5, 6, 7, 14, 21, 300];
    let evidence = evidence(days.iter().map(|day| point(*day, Some(100))).collect());
    let at = [now() - Span::days(10), now()];
    let of = |policy: &Policy| kept::series(policy, &evidence, now(), &at).remove(0);
    let (without, with) = (of(&plain), of(&tiered));
    assert_eq!(without.past, [100.0, 700.0], "by its retention alone");
    assert_eq!(with.past, [300.0, 1_000.0], "what is on record is there");
    let ahead = with.ahead.expect("it can be said");
    assert!(ahead.iter().all(|bytes| *bytes >= 900.0 && *bytes <= 1_600.0), "{ahead:?}");
    // Seven nights, what four weeks hold beyond them, and what three months hold beyond those.
    let steady = ahead.last().expect("a year ahead");
    assert!((1_000.0..=1_400.0).contains(steady), "{steady}");
    assert!(*steady >= without.ahead.expect("it can be said").last().expect("a year ahead") + 200.0);
}
