//! Encrypted points and logs on real servers: they come back equal, nothing of them can be read where they are stored, and
//! whatever is done to what is stored is noticed.

use std::path::Path;
use std::sync::Arc;

use bson::{Document, doc};
use bytes::Bytes;
use plimsoll::base::{Compression, FaultKind, Result};
use plimsoll::clock::SystemClock;
use plimsoll::engine::drill::{self, DrillRequest, Practised};
use plimsoll::engine::event::Silent;
use plimsoll::engine::expectation::Expectations;
use plimsoll::engine::plan::{self, RestoreRequest, RestoreTo};
use plimsoll::engine::restore::{self, RestoreOptions, Restored};
use plimsoll::engine::verify::{self, VerifyRequest};
use plimsoll::evidence::DrillOutcome;
use plimsoll::mongo::{Source, Target, client};
use plimsoll::port::{MongoSource, ObjectStore};
use plimsoll::repository::sealed_name::is_sealed;
use plimsoll::repository::{Manifest, key};
use plimsoll::seal::{Identity, Keys};
use plimsoll::store::directory::DirectoryStore;
use plimsoll::store::keyed;
use plimsoll::store::memory::MemoryStore;

use super::restored::{ASSET, back_up_as, begin_capture, state};
use super::seal::{keys, new_identity};
use super::servers::{mongo, private_mongo, unique};

const MARKER: &str = "Ottilie-von-Goethe-4711";

pub fn keyed(store: &Arc<dyn ObjectStore>, recipients: &[&Identity], identities: &[&Identity]) -> Arc<dyn ObjectStore> {
    keyed::with(Arc::clone(store), keys(recipients, identities))
}

pub async fn restored(store: &Arc<dyn ObjectStore>, target: &Target, to: RestoreTo) -> Result<Restored> {
    let plan = plan::make(store.as_ref(), &RestoreRequest { asset: ASSET.to_string(), target: to }).await?;
    let options = RestoreOptions { replace: true, ..RestoreOptions::default() };
    restore::run(&plan, Arc::clone(store), target, &SystemClock, &Silent, &options).await
}

/// Every file below a folder, with its bytes.
pub fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            match entry.path().is_dir() {
                true => folders.push(entry.path()),
                false => found.push((entry.path().display().to_string(), std::fs::read(entry.path()).expect("a file"))),
            }
        }
    }
    found
}

pub fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

async fn insert(db: &mongodb::Database, ids: std::ops::Range<i32>) {
    let people = ids.map(|i| doc! { "_id": i, "name": format!("{MARKER} {i}"), "filler": "f".repeat(400) });
    db.collection::<Document>("people").insert_many(people).await.expect("inserts");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_point_and_log_come_back_equal_and_nothing_of_them_can_be_read_in_the_store() {
    let (from, to) = (private_mongo().await, private_mongo().await);
    let (client, target) =
        (client::connect(&from.uri).await.expect("connects"), client::connect(&to.uri).await.expect("c"));
    let source = Source::new(client.clone());
    let (folder, (secret, identity)) = (tempfile::tempdir().expect("a folder"), new_identity());
    let plain: Arc<dyn ObjectStore> = Arc::new(DirectoryStore::new(folder.path()));
    let writing = keyed(&plain, &[&identity], &[]);
    plimsoll::repository::open(Arc::clone(&writing), &SystemClock).await.expect("a repository");
    let shop = client.database("shop");
    insert(&shop, 0..2000).await;
    let capture = begin_capture(&source, &writing);
    // Uncompressed, the marker would be seen if anything were left as it is.
    let point = back_up_as(Compression::Plain, &source, &writing, &["shop"]).await;
    insert(&shop, 2000..2500).await;
    shop.collection::<Document>("people").delete_many(doc! { "_id": { "$lt": 50 } }).await.expect("deletes");
    let at = source.cluster_time().await.expect("a time");
    let expected = state(&source, &["shop"], Some(at)).await;
    let summary = capture.end().await;
    assert!(summary.slices > 0 && summary.last >= at);

    let stored = files(folder.path());
    assert!(stored.iter().any(|(name, _)| name.contains("oplog/") && name.ends_with(".age")), "no sealed slice");
    for (name, bytes) in &stored {
        assert!(!holds(bytes, MARKER) && !holds(bytes, &secret), "{name} shows what it must not");
        assert_eq!(is_sealed(name), holds(&bytes[..bytes.len().min(30)], "age-encryption.org/v1"), "{name}");
        let is_record = name.ends_with(".json");
        assert!(is_sealed(name) || is_record, "{name} is neither sealed nor a record");
    }
    assert_eq!(point.seal.as_ref().map(|seal| seal.recipients.clone()), Some(vec![identity.recipient().clone()]));
    assert!(point.collections.iter().all(|collection| collection.content.is_empty()));
    let open = Arc::new(MemoryStore::new()) as Arc<dyn ObjectStore>;
    let shown = back_up_as(Compression::Plain, &source, &open, &["shop"]).await;
    let data = shown.collections.iter().find_map(|collection| collection.data.clone()).expect("data");
    assert!(holds(&open.get(&data).await.expect("reads"), MARKER), "without a seal the marker is there to be found");

    let reading = keyed(&plain, &[], &[&identity]);
    restored(&reading, &Target::new(target.clone()), RestoreTo::At(at)).await.expect("restores");
    assert_eq!(state(&Source::new(target), &["shop"], None).await, expected);
}

/// A sealed point of a little data in memory, with its manifest.
async fn small_point(identity: &Identity, db: &str) -> (Arc<dyn ObjectStore>, Manifest) {
    let client = client::connect(&mongo().await.uri).await.expect("connects");
    insert(&client.database(db), 0..700).await;
    let plain: Arc<dyn ObjectStore> = Arc::new(MemoryStore::new());
    let writing = keyed(&plain, &[identity], &[]);
    plimsoll::repository::open(Arc::clone(&writing), &SystemClock).await.expect("a repository");
    let point = back_up_as(Compression::Plain, &Source::new(client), &writing, &[db]).await;
    (plain, point)
}

/// What somebody who can write to the store may do to an object.
fn harms(body: &Bytes, other: &Bytes, earlier: &Bytes) -> Vec<(&'static str, Option<Bytes>)> {
    let flipped = |place: usize| {
        let mut body = body.to_vec();
        body[place] ^= 1;
        Some(Bytes::from(body))
    };
    vec![
        ("its header flipped", flipped(40)),
        ("its middle flipped", flipped(body.len() / 2)),
        ("its last byte flipped", flipped(body.len() - 1)),
        ("cut by a byte", Some(body.slice(..body.len() - 1))),
        ("cut by half", Some(body.slice(..body.len() / 2))),
        ("emptied", Some(Bytes::new())),
        ("another object in its place", Some(other.clone())),
        ("an earlier object of its name", Some(earlier.clone())),
        ("removed", None),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_done_to_a_sealed_object_a_restore_and_a_verification_notice_it() {
    let (_, identity) = new_identity();
    let db = unique("harmed");
    let (plain, point) = small_point(&identity, &db).await;
    // The same documents sealed once more are what stood there before, as far as anybody can tell.
    let earlier = Arc::new(MemoryStore::new()) as Arc<dyn ObjectStore>;
    let client = client::connect(&mongo().await.uri).await.expect("connects");
    let before = keyed(&earlier, &[&identity], &[]);
    let before_point = back_up_as(Compression::Plain, &Source::new(client), &before, &[&db]).await;
    let reading = keyed(&plain, &[], &[&identity]);
    let to = private_mongo().await;
    let target = Target::new(client::connect(&to.uri).await.expect("connects"));
    restored(&reading, &target, RestoreTo::Newest).await.expect("unharmed, it restores");
    let asked = VerifyRequest::default();
    for (number, object) in point.objects.iter().enumerate() {
        let body = plain.get(&object.key).await.expect("reads");
        let other = plain.get(&point.objects[(number + 1) % point.objects.len()].key).await.expect("reads");
        let earlier = earlier.get(&before_point.objects[number].key).await.expect("reads");
        for (what, harmed) in harms(&body, &other, &earlier) {
            match harmed {
                Some(harmed) => plain.put(&object.key, harmed).await.expect("writes"),
                None => plain.delete(&object.key).await.expect("removes"),
            }
            let story = format!("{}: {what}", object.key);
            let read_by_restore = !object.key.contains("prelude.json");
            let outcome = restored(&reading, &target, RestoreTo::Newest).await;
            assert!(outcome.is_err() || (!read_by_restore && what != "removed"), "{story}: restored all the same");
            // Without an identity: the stored bytes tell it.
            let found = verify::run(Arc::clone(&plain), &SystemClock, &Silent, &asked).await.expect("verifies");
            assert!(found.bad().any(|bad| bad.key == object.key), "{story}: not found");
            plain.put(&object.key, body.clone()).await.expect("puts back");
        }
    }
    restored(&reading, &target, RestoreTo::Newest).await.expect("put back, it restores");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_identity_nothing_is_touched_and_a_drill_says_why() {
    let ((_, identity), (_, other)) = (new_identity(), new_identity());
    let db = unique("locked");
    let (plain, point) = small_point(&identity, &db).await;
    let to = private_mongo().await;
    let client_to = client::connect(&to.uri).await.expect("connects");
    client_to.database(&db).collection::<Document>("theirs").insert_one(doc! { "_id": 1 }).await.expect("inserts");
    let target = Target::new(client_to.clone());
    for (keys, says) in [(Keys::default(), "no identity is given"), (keys(&[], &[&other]), "does not open it")] {
        let store = keyed::with(Arc::clone(&plain), keys);
        let refused = restored(&store, &target, RestoreTo::Newest).await.expect_err("refused");
        assert_eq!(refused.kind, FaultKind::Sealed);
        assert!(refused.to_string().contains(says), "{refused}");
        assert!(refused.help.as_ref().is_some_and(|help| help.contains("nothing was touched")), "{refused:?}");
    }
    let held = client_to.database(&db).list_collection_names().await.expect("lists");
    assert_eq!(held, ["theirs"], "the target is as it was");

    client_to.database(&db).drop().await.expect("drops");
    let request = |store| DrillRequest {
        asset: ASSET.to_string(),
        what: Practised::Point(store),
        before: Vec::new(),
        expectations: Expectations::default(),
    };
    let wrong = keyed(&plain, &[], &[&other]);
    let failed =
        drill::run(wrong, &target, &SystemClock, &Silent, &request(RestoreTo::Newest)).await.expect("recorded");
    assert!(matches!(&failed.outcome, DrillOutcome::Failed { why } if why.contains("does not open it")), "{failed:?}");
    let right = keyed(&plain, &[], &[&identity]);
    let passed =
        drill::run(right, &target, &SystemClock, &Silent, &request(RestoreTo::Newest)).await.expect("recorded");
    assert!(passed.passed(), "{passed:?}");
    assert_eq!(passed.point, point.id);
    let evidence = plimsoll::repository::catalog::read(plain.as_ref(), plimsoll::port::Clock::now(&SystemClock)).await;
    let points = evidence.expect("reads without any key").points;
    assert!(points.iter().all(|point| point.encrypted == Some(true)) && points.len() == 1, "{points:?}");
    let drills = plain.list(key::DRILLS).await.expect("lists");
    assert_eq!(drills.len(), 2);
}
