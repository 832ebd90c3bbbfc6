//! Drills on a real server: what is sound passes, what is damaged fails, and both are recorded and cleaned up.

use std::sync::Arc;

use bson::{Document, doc};
use plimsoll::base::Instant;
use plimsoll::clock::SystemClock;
use plimsoll::engine::drill::{self, DrillRequest, Practised};
use plimsoll::engine::event::Silent;
use plimsoll::engine::expectation::Expectations;
use plimsoll::engine::expected::{self, Expected};
use plimsoll::engine::plan::{self, RestoreRequest, RestoreTo};
use plimsoll::evidence::{Drill, DrillOutcome};
use plimsoll::mongo::{Source, Target, client};
use plimsoll::port::{MongoSource, MongoTarget, ObjectStore};
use plimsoll::repository::catalog;
use plimsoll::store::memory::MemoryStore;

use super::packed::{dump_entries, gzip, tar};
use super::restored::{ASSET, back_up, begin_capture};
use super::servers::private_mongo;

struct Story {
    source: Source,
    client: mongodb::Client,
    target: Target,
    store: Arc<dyn ObjectStore>,
    _servers: [plimsoll::lab::server::MongoServer; 2],
}

impl Story {
    async fn begin() -> Story {
        let (from, to) = tokio::join!(private_mongo(), private_mongo());
        let client = client::connect(&from.uri).await.expect("connects");
        let target = Target::new(client::connect(&to.uri).await.expect("connects"));
        let things = client.database("shop").collection::<Document>("things");
        things.insert_many((0..3000).map(|i| doc! { "_id": i, "name": format!("thing {i}") })).await.expect("inserts");
        let indexes = doc! { "createIndexes": "things", "indexes": [{ "key": { "name": 1 }, "name": "name" }] };
        client.database("shop").run_command(indexes).await.expect("an index");
        let source = Source::new(client.clone());
        Story { source, client, target, store: Arc::new(MemoryStore::new()), _servers: [from, to] }
    }

    /// Drills, and checks what every drill must do: be recorded, and leave the target as it was.
    async fn drill(&self, to: RestoreTo) -> Drill {
        self.practise(Practised::Point(to)).await
    }

    /// A tarball of the original scripts, in a bucket of its own.
    async fn drill_dump(&self, name: &str, file: Vec<u8>) -> Drill {
        let bucket: Arc<dyn ObjectStore> = Arc::new(MemoryStore::new());
        bucket.put(name, file.into()).await.expect("puts");
        self.practise(Practised::Dump(bucket, name.to_string())).await
    }

    async fn practise(&self, what: Practised) -> Drill {
        let request =
            DrillRequest { asset: ASSET.to_string(), what, before: Vec::new(), expectations: Expectations::default() };
        let held = self.target.databases().await.expect("databases");
        let drill = drill::run(Arc::clone(&self.store), &self.target, &SystemClock, &Silent, &request).await;
        let drill = drill.expect("recorded");
        assert_eq!(self.target.databases().await.expect("databases"), held, "cleaned up");
        let evidence = catalog::read(self.store.as_ref(), Instant(i64::MAX)).await.expect("evidence");
        let recorded = evidence.drills.iter().find(|d| d.id == drill.id).expect("recorded");
        assert_eq!((recorded.passed(), &recorded.checks), (drill.passed(), &drill.checks));
        drill
    }
}

fn why(drill: &Drill) -> &str {
    match &drill.outcome {
        DrillOutcome::Failed { why } => why,
        DrillOutcome::Passed => "it passed",
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_point_passes_with_every_document_compared_and_each_phase_timed() {
    let story = Story::begin().await;
    let capture = begin_capture(&story.source, &story.store);
    back_up(&story.source, &story.store, &[]).await;
    let drill = story.drill(RestoreTo::Newest).await;
    assert!(drill.passed(), "{drill:#?}");
    assert_eq!((drill.documents, drill.bytes_restored > 0), (3000, true));
    let checks: Vec<&str> = drill.checks.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(checks, ["load", "objects", "content", "options", "indexes"]);
    for phase in ["plan", "check", "load", "index", "verify", "clean-up"] {
        assert!(drill.phase(phase).is_some(), "{phase}");
    }

    let things = story.client.database("shop").collection::<Document>("things");
    things.delete_many(doc! { "_id": { "$lt": 1000 } }).await.expect("deletes");
    things.insert_one(doc! { "_id": "new" }).await.expect("inserts");
    let at = story.source.cluster_time().await.expect("cluster time");
    capture.end().await;
    let drill = story.drill(RestoreTo::At(at)).await;
    assert!(drill.passed(), "{drill:#?}");
    assert_eq!((drill.documents, drill.target), (2001, Some(at)));
    assert!(drill.phase("replay").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_fails_the_drill_wherever_it_is() {
    let story = Story::begin().await;
    let manifest = back_up(&story.source, &story.store, &[]).await;
    for object in &manifest.objects {
        let body = story.store.get(&object.key).await.expect("reads");
        // Past the gzip header, in whose name and time a flip changes nothing but the hash.
        for at in [body.len() / 3, body.len() / 2, body.len() - 1] {
            let mut damaged = body.to_vec();
            damaged[at] ^= 4;
            story.store.put(&object.key, damaged.into()).await.expect("puts");
            let drill = story.drill(RestoreTo::Newest).await;
            assert!(!drill.passed(), "byte {at} of {}", object.key);
            assert_eq!(drill.point, manifest.id);
        }
        story.store.put(&object.key, body).await.expect("puts");
    }
    let drill = story.drill(RestoreTo::Newest).await;
    assert!(drill.passed(), "whole again: {drill:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_evidence_too_and_what_was_there_is_left_alone() {
    let story = Story::begin().await;
    let drill = story.drill(RestoreTo::Newest).await;
    assert!(why(&drill).contains("no recovery point"), "{drill:#?}");
    assert_eq!(drill.point, "none");

    back_up(&story.source, &story.store, &[]).await;
    let mine = story.target.create_collection("shop", "mine", &bson::RawDocumentBuf::new()).await;
    mine.expect("the target holds something of that name");
    let drill = story.drill(RestoreTo::Newest).await;
    assert!(why(&drill).contains("already holds"), "{drill:#?}");
    assert_eq!(drill.point, "none", "a taken target says nothing of the point");
    let held = story.target.collections("shop").await.expect("collections");
    assert_eq!(held.len(), 1, "a drill never drops what it did not restore");
    story.target.drop_database("shop").await.expect("drops");

    let point = RestoreTo::Point("20200101T000000Z-none".to_string());
    let drill = story.drill(point).await;
    assert!(why(&drill).contains("no recovery point `20200101T000000Z-none`"), "{drill:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_how_long_it_takes_only_as_far_as_a_drill_has_shown_it() {
    let story = Story::begin().await;
    let capture = begin_capture(&story.source, &story.store);
    back_up(&story.source, &story.store, &["shop"]).await;
    story.client.database("shop").collection::<Document>("things").delete_one(doc! {}).await.expect("deletes");
    let at = story.source.cluster_time().await.expect("cluster time");
    capture.end().await;
    let takes = async |target: RestoreTo| {
        let request = RestoreRequest { asset: ASSET.to_string(), target };
        plan::make(story.store.as_ref(), &request).await.expect("a plan").expected
    };
    assert_eq!(takes(RestoreTo::Newest).await, Expected::unknown("no drill yet"));
    let drill = story.drill(RestoreTo::Newest).await;
    let Expected::Known { took, drill: by, .. } = takes(RestoreTo::Newest).await else {
        panic!("a drill has shown it")
    };
    let parts = ["plan", "check", "load", "index"].map(|phase| drill.phase(phase).expect("timed"));
    assert_eq!((took, by), (parts.into_iter().sum(), drill.id.clone()));
    let Expected::Unknown { why } = takes(RestoreTo::At(at)).await else { panic!("no drill has replayed a log") };
    assert!(why.contains("replayed no log"), "{why}");
    let drill = story.drill(RestoreTo::At(at)).await;
    let Expected::Known { took, .. } = takes(RestoreTo::At(at)).await else { panic!("now one has") };
    assert!(took >= drill.phase("replay").expect("timed"), "{took}");

    let request = RestoreRequest { asset: ASSET.to_string(), target: RestoreTo::Newest };
    let mut larger = plan::make(story.store.as_ref(), &request).await.expect("a plan");
    larger.base.collections.iter_mut().for_each(|c| c.bytes *= 5);
    let Expected::Known { took: longer, .. } = expected::reckon(&drill, &larger) else { panic!("it can be scaled") };
    assert!(longer >= drill.phase("load").expect("timed").saturating_mul(5), "five times the bytes: {longer}");
    larger.base.collections.iter_mut().for_each(|c| c.bytes *= 5);
    let Expected::Unknown { why } = expected::reckon(&drill, &larger) else { panic!("that is too far") };
    assert!(why.contains("too little"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_is_told_with_what_its_parts_cost_and_none_of_them_counts_as_a_time_to_wait() {
    let story = Story::begin().await;
    back_up(&story.source, &story.store, &[]).await;
    let drill = story.drill(RestoreTo::Newest).await;
    assert!(drill.passed(), "{}", why(&drill));
    let parts: Vec<_> = drill.phases.iter().filter(|phase| phase.within.is_some()).collect();
    let names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(names, ["fetch", "decompress", "insert"]);
    assert!(parts.iter().all(|part| part.within.as_deref() == Some("load")));
    let request = RestoreRequest { asset: ASSET.to_string(), target: RestoreTo::Newest };
    let base = plan::make(story.store.as_ref(), &request).await.expect("a plan").base;
    let data: Vec<&String> = base.collections.iter().filter_map(|collection| collection.data.as_ref()).collect();
    let stored: u64 = base.objects.iter().filter(|o| data.contains(&&o.key)).map(|o| o.bytes).sum();
    let bytes: Vec<u64> = parts.iter().map(|part| part.bytes).collect();
    assert_eq!(bytes, [stored, drill.bytes_restored, drill.bytes_restored]);
    assert!(names.iter().all(|name| drill.phase(name).is_none()), "they went on beside each other");
}

const NIGHT: &str = "2026-11-20_03-00.tar.gz";

#[tokio::test(flavor = "multi_thread")]
async fn a_tarball_of_the_scripts_is_drilled_whole_and_told_by_its_name() {
    let story = Story::begin().await;
    let drill = story.drill_dump(NIGHT, gzip(&tar(&dump_entries()))).await;
    assert!(drill.passed() && !drill.leaves_open(), "{}", why(&drill));
    assert_eq!((drill.point.as_str(), drill.documents), (NIGHT, 2));
    let names: Vec<&str> = drill.checks.iter().map(|check| check.name.as_str()).collect();
    assert!(["load", "content", "options", "indexes"].iter().all(|name| names.contains(name)), "{names:?}");
    assert!(drill.phase("fetch").is_some() && drill.phase("load").is_some(), "{:?}", drill.phases);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tarball_that_was_cut_short_fails_its_drill_and_is_blamed_for_it() {
    let story = Story::begin().await;
    let mut file = gzip(&tar(&dump_entries()));
    file.truncate(file.len() - 20);
    let drill = story.drill_dump(NIGHT, file).await;
    assert!(!drill.passed());
    assert_eq!((drill.point.as_str(), drill.documents), (NIGHT, 0));
}
