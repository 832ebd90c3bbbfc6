//! Evidence from several places: it speaks for the oldest, each piece counts once, and merging never flatters.

use plimsoll::base::{Instant, Span};
use plimsoll::evidence::import::Tool;
use plimsoll::evidence::{Evidence, Health, RecoveryPoint};
use plimsoll::policy::Consistency;
use proptest::prelude::*;

use super::imported::{at, lines, options, read, sample};

fn point(id: &str) -> RecoveryPoint {
    let mut evidence = read(Tool::Kopia, &sample("kopia-snapshot-list.json"), &options());
    RecoveryPoint { id: id.to_string(), ..evidence.points.remove(0) }
}

fn with(points: Vec<RecoveryPoint>, read_at: &str) -> Evidence {
    Evidence { points, ..Evidence::none(at(read_at)) }
}

#[test]
fn the_oldest_reading_is_what_all_of_it_speaks_for() {
    let parts = [with(vec![point("a")], "2026-01-03T00:00:00Z"), with(vec![point("b")], "2026-01-02T00:00:00Z")];
    let merged = Evidence::merged(parts).expect("evidence");
    assert_eq!((merged.read_at, merged.points.len()), (at("2026-01-02T00:00:00Z"), 2));
    assert!(Evidence::merged([]).is_none());
}

#[test]
fn a_point_in_two_files_counts_once_with_the_worse_of_what_they_say() {
    let good = RecoveryPoint {
        expires_at: Some(at("2026-03-01T00:00:00Z")),
        locked_until: Some(at("2026-02-01T00:00:00Z")),
        consistency: Some(Consistency::Snapshot),
        health: Health::Verified { at: at("2026-01-01T00:00:00Z") },
        ..point("a")
    };
    let bad = RecoveryPoint {
        available_at: good.available_at + Span::hours(1),
        expires_at: Some(at("2026-02-01T00:00:00Z")),
        locked_until: None,
        consistency: Some(Consistency::None),
        encrypted: Some(false),
        without: vec!["logs".into()],
        health: Health::Bad { at: at("2026-01-01T00:00:00Z"), why: "no".into() },
        ..good.clone()
    };
    for parts in [[good.clone(), bad.clone()], [bad.clone(), good.clone()]] {
        let merged = Evidence::merged(parts.map(|point| with(vec![point], "2026-01-03T00:00:00Z"))).expect("evidence");
        assert_eq!(merged.points, std::slice::from_ref(&bad));
    }
    let same = Evidence::merged([
        with(vec![good.clone()], "2026-01-03T00:00:00Z"),
        with(vec![good.clone()], "2026-01-03T00:00:00Z"),
    ]);
    assert_eq!(same.expect("evidence").points, [good]);
}

#[test]
fn a_restore_that_one_tool_tells_of_fails_the_point_that_another_lists() {
    let arn = "arn:aws:backup:us-east-1:111122223333:recovery-point:EXAMPLE";
    let points = read(Tool::AwsBackup, &sample("aws-backup-recovery-points.json"), &options());
    let jobs = sample("aws-backup-restore-jobs.json")
        .replace("\"RecoveryPointArn\": \"...\"", &format!("\"RecoveryPointArn\": \"{arn}\""));
    let passed = Evidence::merged([points.clone(), read(Tool::AwsBackup, &jobs, &options())]).expect("evidence");
    assert!(passed.points.iter().all(|point| point.health == Health::Unverified), "nothing was compared");
    let failed = read(Tool::AwsBackup, &jobs.replace("\"COMPLETED\"", "\"FAILED\""), &options());
    let failed = Evidence::merged([points, failed]).expect("evidence");
    assert!(failed.points.iter().all(|point| matches!(point.health, Health::Bad { .. })), "{:?}", lines(&failed));
}

#[test]
fn a_drill_that_is_listed_and_described_counts_once_as_the_one_that_was_timed() {
    let listed = read(Tool::Pbm, &sample("pbm-list-restore.json"), &options());
    let described = read(Tool::Pbm, &sample("pbm-describe-restore.json"), &options());
    for parts in [[listed.clone(), described.clone()], [described, listed]] {
        let merged = Evidence::merged(parts).expect("evidence");
        assert_eq!(merged.drills.iter().map(|drill| drill.took()).collect::<Vec<_>>(), [Span::secs(1239)]);
    }
}

fn health() -> impl Strategy<Value = Health> {
    let when = (0i64..3).prop_map(|n| Instant(1_770_000_000_000 + n));
    prop_oneof![
        Just(Health::Unverified),
        when.clone().prop_map(|at| Health::Verified { at }),
        when.prop_map(|at| Health::Bad { at, why: "no".into() }),
    ]
}

fn any_point() -> impl Strategy<Value = RecoveryPoint> {
    (0usize..3, health(), proptest::option::of(0i64..4), any::<Option<bool>>()).prop_map(
        |(id, health, hours, encrypted)| {
            let point = point(["a", "b", "c"][id]);
            RecoveryPoint { health, expires_at: hours.map(|h| point.available_at + Span::hours(h)), encrypted, ..point }
        },
    )
}

proptest! {
    #[test]
    fn merging_in_any_order_says_the_same(points in proptest::collection::vec(any_point(), 0..6)) {
        let told = |points: Vec<RecoveryPoint>| {
            let parts = points.into_iter().map(|point| with(vec![point], "2026-01-03T00:00:00Z"));
            let mut points = Evidence::merged(parts).map(|merged| merged.points).unwrap_or_default();
            points.sort_by(|a, b| a.id.cmp(&b.id));
            points
        };
        let backwards: Vec<RecoveryPoint> = points.iter().rev().cloned().collect();
        // One part alone is left as it is.
        prop_assume!(points.len() != 1);
        prop_assert_eq!(told(points), told(backwards));
    }
}
