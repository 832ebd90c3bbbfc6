//! What is stored is read back: whatever rotted is found, what is right is proven, and neither is said of more than was
//! read.

use std::process::Command;
use std::sync::Arc;

use bson::doc;
use bytes::Bytes;
use plimsoll::base::{Fault, FaultKind, Instant, Span};
use plimsoll::clock::SystemClock;
use plimsoll::engine::drill::{self, DrillRequest, Practised};
use plimsoll::engine::event::Silent;
use plimsoll::engine::expectation::Expectations;
use plimsoll::engine::plan::RestoreTo;
use plimsoll::engine::verify::{self, VerifyRequest};
use plimsoll::evidence::Health;
use plimsoll::mongo::{Source, Target, client};
use plimsoll::port::{Clock, ObjectStore};
use plimsoll::repository::verification::{Bad, OfPoint, Part, Verification, health, together};
use plimsoll::repository::{Key, catalog};
use plimsoll::store::directory::DirectoryStore;
use plimsoll::store::memory::MemoryStore;
use proptest::prelude::*;

use super::captured::connected;
use super::restored::{ASSET, back_up, begin_capture};
use super::servers::{self, private_mongo};

/// A repository with two points and a log.
async fn repository(store: Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> {
    let (client, db) = (connected().await, servers::unique("verify"));
    let source = Source::new(client.clone());
    let rows = client.database(&db).collection("rows");
    rows.insert_many((0..400).map(|n| doc! { "n": n, "text": format!("row {n} of many") })).await.expect("inserts");
    let capture = begin_capture(&source, &store);
    back_up(&source, &store, &[&db]).await;
    rows.insert_many((0..400).map(|n| doc! { "m": n })).await.expect("inserts");
    back_up(&source, &store, &[&db]).await;
    capture.end().await;
    store
}

async fn verified(store: &Arc<dyn ObjectStore>, parts: u64, clock: &dyn Clock) -> Verification {
    let request = VerifyRequest { parts, ..VerifyRequest::default() };
    verify::run(Arc::clone(store), clock, &Silent, &request).await.expect("a verdict")
}

/// A store of its own with the same objects.
async fn copied(store: &Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> {
    let copy = MemoryStore::new();
    for object in store.list("").await.expect("lists") {
        copy.put(&object.key, store.get(&object.key).await.expect("reads")).await.expect("puts");
    }
    Arc::new(copy)
}

async fn healths(store: &Arc<dyn ObjectStore>) -> Vec<Health> {
    let evidence = catalog::read(store.as_ref(), SystemClock.now()).await.expect("reads");
    evidence.points.into_iter().map(|point| point.health).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_as_it_was_written_is_verified_and_the_evidence_says_so() {
    let store = repository(Arc::new(MemoryStore::new())).await;
    assert_eq!(healths(&store).await, [Health::Unverified, Health::Unverified]);
    let found = verified(&store, 1, &SystemClock).await;
    assert_eq!(found.bad().next(), None);
    assert!(found.points.iter().all(|of| of.read == of.objects && of.read > 2), "{:?}", found.points);
    assert!(found.chains.iter().all(|of| of.read == of.slices && of.read > 0), "{:?}", found.chains);
    let at = found.ended_at;
    assert_eq!(healths(&store).await, [Health::Verified { at }, Health::Verified { at }]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_rot_in_every_object_is_found() {
    let store = repository(Arc::new(MemoryStore::new())).await;
    let data = |key: &str| key.starts_with("snapshots/") || key.starts_with("oplog/");
    let objects: Vec<_> = store.list("").await.expect("lists").into_iter().filter(|o| data(&o.key)).collect();
    let mut tried = 0;
    for object in &objects {
        let whole = store.get(&object.key).await.expect("reads");
        let other = objects.iter().find(|o| o.key != object.key && o.bytes != object.bytes).expect("another one");
        let mut damages: Vec<Option<Bytes>> = vec![
            None,
            Some(whole.slice(..whole.len() - 1)),
            Some([&whole[..], b"x"].concat().into()),
            Some(store.get(&other.key).await.expect("reads")),
        ];
        // One bit in each 4 KiB.
        for block in (0..whole.len()).step_by(4096) {
            let mut flipped = whole.to_vec();
            let place = block + (object.key.len() * 31) % (whole.len() - block).min(4096);
            flipped[place] ^= 1 << (place % 8);
            damages.push(Some(flipped.into()));
        }
        for damage in damages {
            let damaged = copied(&store).await;
            match damage {
                None => damaged.delete(&object.key).await.expect("deletes"),
                Some(body) => damaged.put(&object.key, body).await.expect("puts"),
            }
            // A manifest or header that is gone makes its snapshot or slice not exist; the chain shows the hole.
            let exists = !object.key.ends_with(".json") || damaged.head(&object.key).await.expect("asks").is_some();
            if !exists {
                continue;
            }
            let found = verified(&damaged, 1, &SystemClock).await;
            let evidence = catalog::read(damaged.as_ref(), SystemClock.now()).await.expect("reads");
            let all_right = evidence.points.len() == 2
                && evidence.points.iter().all(|point| matches!(point.health, Health::Verified { .. }))
                && evidence.unreadable.is_empty();
            assert!(found.bad().next().is_some() && !all_right, "{} was damaged, and nothing said so", object.key);
            tried += 1;
        }
    }
    assert!(tried > 40, "{tried} damages only");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_point_that_verifies_restores_whatever_else_is_damaged() {
    let store = repository(Arc::new(MemoryStore::new())).await;
    let server = private_mongo().await;
    let target = Target::new(client::connect(&server.uri).await.expect("connects"));
    let (mut passed, mut refused) = (0, 0);
    for object in store.list("").await.expect("lists") {
        let damaged = copied(&store).await;
        let mut body = store.get(&object.key).await.expect("reads").to_vec();
        let middle = body.len() / 2;
        body[middle] ^= 1;
        damaged.put(&object.key, body.into()).await.expect("puts");
        let found = verified(&damaged, 1, &SystemClock).await;
        for of in &found.points {
            if !of.bad.is_empty() {
                refused += 1;
                continue;
            }
            let what = Practised::Point(RestoreTo::Point(of.point.clone()));
            let request = DrillRequest {
                asset: ASSET.to_string(),
                what,
                before: Vec::new(),
                expectations: Expectations::default(),
            };
            let drill = drill::run(Arc::clone(&damaged), &target, &SystemClock, &Silent, &request).await;
            let drill = drill.expect("recorded");
            assert!(drill.passed(), "{} damaged: {:?}", object.key, drill.outcome);
            passed += 1;
        }
    }
    assert!(passed > 5 && refused > 5, "{passed} passed, {refused} refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slice_that_rotted_ends_what_the_log_covers_until_it_is_right_again() {
    let store = repository(Arc::new(MemoryStore::new())).await;
    let slice = store.list("oplog/").await.expect("lists").into_iter().find(|o| o.key.ends_with(".bson.gz"));
    let slice = slice.expect("a slice").key;
    let whole = store.get(&slice).await.expect("reads");
    let mut rotten = whole.to_vec();
    rotten[whole.len() / 2] ^= 1;
    store.put(&slice, rotten.into()).await.expect("puts");
    let covered = async || catalog::read(store.as_ref(), SystemClock.now()).await.expect("reads").coverage.len();
    let before = covered().await;
    verified(&store, 1, &SystemClock).await;
    assert_eq!(covered().await, before - 1, "a listing showed nothing, reading does");
    store.put(&slice, whole).await.expect("puts");
    verified(&store, 1, &SystemClock).await;
    assert_eq!(covered().await, before);
}

/// A clock that stands at a day.
#[derive(Debug)]
struct Day(i64);

impl Clock for Day {
    fn now(&self) -> Instant {
        Instant(0) + Span::days(20_000 + self.0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_a_day_reads_everything_in_time_and_verifies_no_sooner() {
    let store = repository(Arc::new(MemoryStore::new())).await;
    let mut read = 0;
    for day in 0..4 {
        assert_eq!(healths(&store).await, [Health::Unverified, Health::Unverified], "on day {day}");
        let found = verified(&store, 4, &Day(day)).await;
        read += found.points.iter().map(|of| of.read).sum::<u64>();
    }
    let evidence = catalog::read(store.as_ref(), SystemClock.now()).await.expect("reads");
    // As well verified as what was read longest ago.
    assert!(evidence.points.iter().all(|point| point.health == Health::Verified { at: Day(0).now() }));
    let all: usize = verified(&store, 1, &Day(9)).await.points.iter().map(|of| of.objects as usize).sum();
    assert_eq!(read as usize, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_is_no_verdict() {
    let store = MemoryStore::new();
    let request = VerifyRequest { point: Some("none".into()), asset: Some("shop".into()), ..VerifyRequest::default() };
    let fault = verify::run(Arc::new(store), &SystemClock, &Silent, &request).await.expect_err("no such point");
    assert_eq!(fault.kind, FaultKind::Missing);
    let broken = DirectoryStore::new(std::path::Path::new("/proc/none/there"));
    let found: Result<Verification, Fault> =
        verify::run(Arc::new(broken), &SystemClock, &Silent, &VerifyRequest::default()).await;
    assert!(found.is_err(), "a store that cannot be written to keeps no evidence");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_is_kept() {
    let store = repository(Arc::new(MemoryStore::new())).await;
    let bytes = verified(&store, 1, &SystemClock).await.bytes;
    let request = VerifyRequest { bytes_per_second: Some(bytes * 2), ..VerifyRequest::default() };
    let began = std::time::Instant::now();
    verify::run(Arc::clone(&store), &SystemClock, &Silent, &request).await.expect("a verdict");
    assert!(began.elapsed().as_millis() >= 450, "half a second's worth was read in {:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_verb_names_what_is_wrong_and_fails() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = repository(Arc::new(DirectoryStore::new(folder.path()))).await;
    plimsoll::repository::open(Arc::clone(&store), &SystemClock).await.expect("opens");
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        let output = command.arg("verify").args(args).env("PLIMSOLL_REPO", folder.path()).output().expect("runs");
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let (status, told) = run(&["--asset", ASSET]);
    assert_eq!(status, Some(0), "{told}");
    assert!(told.contains("as written") && told.contains("read back and hashed"), "{told}");
    let data = store.list("snapshots/").await.expect("lists").into_iter().find(|o| o.key.ends_with("rows.bson.gz"));
    let key = data.expect("data").key;
    let mut body = store.get(&key).await.expect("reads").to_vec();
    body[40] ^= 4;
    store.put(&key, body.into()).await.expect("puts");
    let (status, told) = run(&[]);
    assert_eq!(status, Some(1), "{told}");
    assert!(told.contains(&key) && told.contains("other bytes than were written"), "{told}");
    assert_eq!(run(&["--sample", "0%"]).0, Some(2));
    assert_eq!(run(&["--asset", "nobody"]).0, Some(1));
}

fn seen(at: i64, part: Option<(u64, u64)>, bad: bool) -> Verification {
    let bad = bad.then(|| Bad { key: "k".into(), why: "rotted".into() }).into_iter().collect();
    let point = OfPoint { asset: "a".into(), point: "p".into(), objects: 9, read: 9, bad };
    let part = part.map(|(index, of)| Part { index, of });
    let (id, ended_at) = (format!("v{at}"), Instant(at));
    let points = vec![point];
    Verification { format: 1, id, started_at: ended_at, ended_at, part, points, chains: vec![], bytes: 1, unopened: 0 }
}

proptest! {
    /// The naive oracle: after the last reading that found something wrong, each part must have been read.
    #[test]
    fn a_point_is_verified_only_when_all_of_it_was_read_since_anything_was_wrong(
        readings in prop::collection::vec((prop::option::of((0_u64..3, 2_u64..4)), prop::bool::weighted(0.2)), 0..12)
    ) {
        let readings: Vec<_> =
            readings.into_iter().map(|(part, bad)| (part.map(|(index, of)| (index % of, of)), bad)).collect();
        let all: Vec<Verification> = (1..).zip(&readings).map(|(at, (part, bad))| seen(at, *part, *bad)).collect();
        let since = readings.iter().rposition(|(_, bad)| *bad).map_or(0, |place| place + 1);
        let clean = &readings[since..];
        let by_parts = |of: u64| (0..of).all(|index| clean.iter().any(|(part, _)| *part == Some((index, of))));
        let whole = clean.iter().any(|(part, _)| part.is_none()) || by_parts(2) || by_parts(3);
        match health("a", "p", &all) {
            Health::Verified { at } => prop_assert!(whole && at.0 > since as i64),
            Health::Bad { at, .. } => prop_assert!(!whole && at.0 == since as i64),
            Health::Unverified => prop_assert!(!whole && since == 0),
        }
        prop_assert_eq!(health("a", "another", &all), Health::Unverified);
    }
}

#[test]
fn neither_a_drill_nor_a_reading_hides_what_the_other_found_wrong() {
    let (good, bad) =
        (|at| Health::Verified { at: Instant(at) }, |at| Health::Bad { at: Instant(at), why: "x".into() });
    assert_eq!(together(bad(1), good(2)), bad(1), "equal bytes do not undo a restore that failed");
    assert_eq!(together(good(1), bad(2)), bad(2));
    assert_eq!(together(good(3), bad(2)), good(3), "a drill has read all of it since");
    assert_eq!(together(good(1), good(2)), good(2));
    assert_eq!(together(Health::Unverified, good(2)), good(2));
}

#[test]
fn the_key_of_a_verification_reads_back() {
    let key = Key::verification("20261120T000000Z-ab").expect("a key");
    assert_eq!(key.to_string().parse::<Key>().expect("reads"), key);
}
