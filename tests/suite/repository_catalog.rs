//! Objects of the repository into evidence: nothing is dropped, nothing is believed that does not hold.

use std::sync::Arc;

use bytes::Bytes;
use plimsoll::base::{Instant, OpTime, Span};
use plimsoll::evidence::{Check, Drill, DrillOutcome, Evidence, Health, Origin, Run, RunOutcome};
use plimsoll::policy::Consistency;
use plimsoll::port::ObjectStore;
use plimsoll::repository::manifest::{FORMAT, ManifestKind};
use plimsoll::repository::{Key, Manifest, ObjectEntry, SliceHeader, SliceName, SnapshotName, catalog};
use plimsoll::store::memory::MemoryStore;

const NOW: Instant = Instant(1_795_435_200_000);

fn at(minutes: i64) -> Instant {
    NOW - Span::minutes(600 - minutes)
}

fn op(minutes: i64) -> OpTime {
    OpTime::new(u32::try_from(at(minutes).0 / 1000).expect("seconds"), 1)
}

/// A repository that is built object by object, as the engine writes it.
pub struct Story {
    store: Arc<dyn ObjectStore>,
}

impl Default for Story {
    fn default() -> Self {
        Story { store: Arc::new(MemoryStore::new()) }
    }
}

impl Story {
    pub fn on(store: Arc<dyn ObjectStore>) -> Self {
        Story { store }
    }

    pub async fn put(&self, key: impl ToString, body: impl Into<Bytes>) {
        self.store.put(&key.to_string(), body.into()).await.expect("put");
    }

    fn manifest(id: &str, minutes: i64) -> Manifest {
        let name = SnapshotName::new("shop", id).expect("names");
        let data = name.data("db", "orders", plimsoll::base::Codec::Gzip).expect("a key").to_string();
        Manifest {
            format: FORMAT,
            id: id.to_string(),
            asset: "shop".to_string(),
            protection: Some("nightly".to_string()),
            kind: ManifestKind::Database,
            started_at: at(minutes),
            finished_at: at(minutes + 5),
            consistent_at: at(minutes),
            cluster_time: Some(op(minutes)),
            consistency: Consistency::Snapshot,
            databases: vec![],
            exclude: vec![],
            expires_at: None,
            locked_until: None,
            seal: None,
            tool_version: "0".to_string(),
            server_version: None,
            objects: vec![ObjectEntry { key: data, bytes: 4, sha256: "0".repeat(64) }],
            collections: vec![],
            own_log: None,
            uploads: 0,
            versions: None,
            bytes_raw: 40,
            timings: vec![],
        }
    }

    pub async fn snapshot(&self, id: &str, minutes: i64) {
        let manifest = Self::manifest(id, minutes);
        self.put(&manifest.objects[0].key, "data").await;
        self.put(SnapshotName::new("shop", id).expect("names").manifest(), manifest.encode().expect("JSON")).await;
    }

    pub async fn slice(&self, from: i64, to: i64, hash: &str, previous: Option<&str>) {
        let name = SliceName::new("shop", op(from), op(to)).expect("a name");
        let header = SliceHeader {
            format: FORMAT,
            asset: "shop".to_string(),
            protection: Some("log".to_string()),
            first: op(from),
            last: op(to),
            entries: 1,
            bytes: 3,
            sha256: hash.to_string(),
            seal: None,
            number: 0,
            hung_as: None,
            previous: previous.map(String::from),
            written_at: at(to + 1),
            locked_until: None,
        };
        self.put(name.data(), "log").await;
        self.put(name.header(), header.encode().expect("JSON")).await;
    }

    pub async fn drill(&self, id: &str, point: &str, minutes: i64, passed: bool) {
        let drill = Drill {
            key: None,
            id: id.to_string(),
            asset: "shop".to_string(),
            protection: None,
            point: point.to_string(),
            target: None,
            started_at: at(minutes - 1),
            ended_at: at(minutes),
            phases: vec![],
            checks: vec![Check {
                name: "content".to_string(),
                passed,
                detail: "orders differ".to_string(),
                leaves_open: false,
            }],
            outcome: DrillOutcome::Passed,
            bytes_restored: 40,
            documents: 1,
            origin: Origin { tool: "plimsoll".to_string(), place: String::new(), sha256: None },
        };
        self.put(Key::drill(id).expect("a key"), serde_json::to_vec(&drill).expect("JSON")).await;
    }

    async fn read(&self) -> Evidence {
        catalog::read(self.store.as_ref(), NOW).await.expect("evidence")
    }
}

fn unreadable(evidence: &Evidence) -> Vec<&str> {
    evidence.unreadable.iter().map(|u| u.place.as_str()).collect()
}

#[tokio::test]
async fn a_snapshot_with_its_manifest_is_a_point_and_one_without_is_nothing() {
    let story = Story::default();
    story.snapshot("one", 0).await;
    story.put("snapshots/shop/two/dump/db/orders.bson.gz", "half").await;
    let evidence = story.read().await;
    assert_eq!(unreadable(&evidence), [""; 0]);
    let [point] = evidence.points.as_slice() else { panic!("one point: {:?}", evidence.points) };
    assert_eq!((point.id.as_str(), point.asset.as_str()), ("one", "shop"));
    assert_eq!((point.consistent_at, point.available_at), (at(0), at(5)));
    assert_eq!((point.bytes_stored, point.bytes_restored), (Some(4), Some(40)));
    assert_eq!((&point.health, point.consistency), (&Health::Unverified, Some(Consistency::Snapshot)));
    assert_eq!(point.origin.place, "snapshots/shop/one/manifest.json");
    assert_eq!(point.origin.sha256.as_deref().map(str::len), Some(64));
}

#[tokio::test]
async fn a_point_whose_data_is_missing_or_cut_is_bad() {
    let story = Story::default();
    story.snapshot("whole", 0).await;
    story.snapshot("missing", 10).await;
    story.snapshot("cut", 20).await;
    story.drill("d", "missing", 30, true).await;
    story.store.delete("snapshots/shop/missing/dump/db/orders.bson.gz").await.expect("delete");
    story.put("snapshots/shop/cut/dump/db/orders.bson.gz", "dat").await;
    let evidence = story.read().await;
    for point in &evidence.points {
        let bad = matches!(&point.health, Health::Bad { why, .. } if why.contains("orders.bson.gz"));
        assert_eq!(bad, point.id != "whole", "{point:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_listed_never_dropped() {
    let story = Story::default();
    story.snapshot("good", 0).await;
    story.put("snapshots/shop/torn/manifest.json", r#"{"format": 1, "id": "#).await;
    story.put("snapshots/shop/newer/manifest.json", r#"{"format": 9, "shape": "unknown"}"#).await;
    let mut extended: serde_json::Value = serde_json::to_value(Story::manifest("extra", 0)).expect("JSON");
    extended["surprise"] = true.into();
    story.put("snapshots/shop/extra/manifest.json", extended.to_string()).await;
    let moved = Story::manifest("good", 0).encode().expect("JSON");
    story.put("snapshots/shop/moved/manifest.json", moved).await;
    story.put("snapshots/sh op/x/manifest.json", "{}").await;
    story.put("drills/d.json", "{}").await;
    story.put("runs/r.json", "[]").await;
    story.put("runs/readme.txt", "hello").await;
    story.put("oplog/shop/stray", "").await;
    let evidence = story.read().await;
    assert_eq!(evidence.points.len(), 1);
    let mut places = unreadable(&evidence);
    places.sort_unstable();
    assert_eq!(
        places,
        [
            "drills/d.json",
            "oplog/shop/stray",
            "runs/r.json",
            "runs/readme.txt",
            "snapshots/sh op/x/manifest.json",
            "snapshots/shop/extra/manifest.json",
            "snapshots/shop/moved/manifest.json",
            "snapshots/shop/newer/manifest.json",
            "snapshots/shop/torn/manifest.json",
        ]
    );
    let newer = evidence.unreadable.iter().find(|u| u.place.contains("newer")).expect("listed");
    assert!(newer.why.contains("format 9"), "{}", newer.why);
}

#[tokio::test]
async fn slices_whose_ends_meet_are_one_stretch_and_a_missing_one_is_a_gap() {
    let story = Story::default();
    story.slice(0, 10, "a", None).await;
    story.slice(10, 20, "b", Some("a")).await;
    story.slice(30, 40, "d", Some("c")).await;
    story.slice(40, 50, "e", Some("d")).await;
    let evidence = story.read().await;
    assert_eq!(unreadable(&evidence), [""; 0]);
    assert_eq!(evidence.coverage.len(), 4, "each piece keeps the instant from which it was available");
    let merged: Vec<_> = evidence.merged_coverage().iter().map(|c| (c.first, c.last, c.available_at)).collect();
    assert_eq!(merged, [(op(0), op(20), at(21)), (op(30), op(50), at(51))]);
}

#[tokio::test]
async fn a_slice_that_was_replaced_breaks_the_chain() {
    let story = Story::default();
    story.slice(0, 10, "a", None).await;
    story.slice(10, 20, "other", Some("a")).await;
    story.slice(20, 30, "c", Some("b")).await;
    story.slice(30, 40, "d", Some("c")).await;
    let evidence = story.read().await;
    let merged: Vec<_> = evidence.merged_coverage().iter().map(|c| (c.first, c.last)).collect();
    assert_eq!(merged, [(op(0), op(20)), (op(30), op(40))]);
    let broken = SliceName::new("shop", op(20), op(30)).expect("a name").header().to_string();
    assert_eq!(unreadable(&evidence), [broken.as_str()]);
}

#[tokio::test]
async fn a_slice_without_header_is_nothing_and_one_without_data_is_unreadable() {
    let story = Story::default();
    story.slice(0, 10, "a", None).await;
    story.slice(10, 20, "b", Some("a")).await;
    let headless = SliceName::new("shop", op(20), op(30)).expect("a name");
    story.put(headless.data(), "log").await;
    let without_data = SliceName::new("shop", op(10), op(20)).expect("a name");
    story.store.delete(&without_data.data().to_string()).await.expect("delete");
    let evidence = story.read().await;
    assert_eq!(unreadable(&evidence), [without_data.header().to_string()]);
    assert_eq!(evidence.merged_coverage().iter().map(|c| (c.first, c.last)).collect::<Vec<_>>(), [(op(0), op(10))]);
}

#[tokio::test]
async fn the_newest_drill_of_a_point_decides_and_as_of_goes_back_to_the_one_before() {
    let story = Story::default();
    story.snapshot("tried", 0).await;
    story.snapshot("untried", 10).await;
    story.drill("first", "tried", 30, true).await;
    story.drill("second", "tried", 60, false).await;
    let evidence = story.read().await;
    let health = |evidence: &Evidence, id: &str| {
        evidence.points.iter().find(|p| p.id == id).map(|p| p.health.clone()).expect("the point")
    };
    assert_eq!(health(&evidence, "tried"), Health::Bad { at: at(60), why: "content: orders differ".to_string() });
    assert_eq!(health(&evidence, "untried"), Health::Unverified);
    assert_eq!(evidence.drills[0].origin.place, "drills/first.json");
    let then = evidence.clone().as_of(at(40));
    assert_eq!(health(&then, "tried"), Health::Verified { at: at(30) });
    let before = evidence.as_of(at(12));
    assert_eq!(before.points.len(), 1, "the other was not finished by then");
    assert_eq!(health(&before, "tried"), Health::Unverified);
    assert_eq!((before.drills.len(), before.read_at), (0, at(12)));
}

#[tokio::test]
async fn failed_runs_are_evidence_too_and_evidence_survives_its_file() {
    let story = Story::default();
    story.snapshot("one", 0).await;
    story.slice(0, 10, "a", None).await;
    story.drill("d", "one", 30, true).await;
    let run = Run {
        id: "r1".to_string(),
        verb: "backup".to_string(),
        asset: "shop".to_string(),
        protection: None,
        started_at: at(50),
        ended_at: at(51),
        outcome: RunOutcome::Failed { why: "no space".to_string() },
        origin: Origin { tool: "plimsoll".to_string(), place: String::new(), sha256: None },
    };
    story.put("runs/r1.json", serde_json::to_vec(&run).expect("JSON")).await;
    let evidence = story.read().await;
    assert_eq!(evidence.runs.len(), 1);
    assert_eq!(evidence.runs[0].outcome, run.outcome);
    let text = serde_json::to_string(&evidence).expect("JSON");
    let back: Evidence = serde_json::from_str(&text).expect("evidence");
    assert_eq!(serde_json::to_string(&back).expect("JSON"), text);
}

#[tokio::test]
async fn an_empty_store_is_no_evidence_and_no_fault() {
    let evidence = Story::default().read().await;
    assert!(evidence.points.is_empty() && evidence.unreadable.is_empty());
    assert_eq!(evidence.read_at, NOW);
}
