//! Sealing for others what is stored already: the old identity opens it no more, the new one does, and a kill at any
//! moment leaves all of it restorable.

use std::collections::BTreeSet;
use std::sync::Arc;

use bson::{Document, doc};
use bytes::Bytes;
use plimsoll::base::{Compression, FaultKind, Instant, Keeping, Result, Span};
use plimsoll::clock::SystemClock;
use plimsoll::engine::backup::{self, BackupRequest};
use plimsoll::engine::event::Silent;
use plimsoll::engine::plan::RestoreTo;
use plimsoll::engine::prune::{self, PruneRequest};
use plimsoll::engine::rekey;
use plimsoll::engine::sync::{self, SyncRequest};
use plimsoll::engine::uploads;
use plimsoll::engine::verify::{self, VerifyRequest};
use plimsoll::mongo::{Source, Target, client};
use plimsoll::port::{Clock, MongoSource, ObjectStore};
use plimsoll::repository::{Key, Manifest, SliceHeader, catalog};
use plimsoll::seal::Identity;
use plimsoll::store::keyed;
use plimsoll::store::memory::MemoryStore;
use plimsoll::store::s3::S3Store;

use super::restored::{State, back_up_as, begin_capture, state};
use super::seal::{keys, new_identity};
use super::sealed::{keyed, restored};
use super::servers::{self, private_mongo, unique};
use super::stage::Breaking;

/// A clock that is so far ahead.
#[derive(Debug)]
struct Later(Span);

impl Clock for Later {
    fn now(&self) -> Instant {
        SystemClock.now() + self.0
    }
}

const UPLOADS: [(&str, &str); 3] = [("a.jpg", "one picture"), ("b.jpg", "another picture"), ("c.jpg", "one picture")];

/// A repository with a point, a log over it, and two points of uploads that share blobs.
struct Stock {
    store: MemoryStore,
    db: String,
    at: plimsoll::base::OpTime,
    state: State,
}

async fn sync_uploads(store: &Arc<dyn ObjectStore>, uploads: &[(&str, &str)]) -> Manifest {
    let bucket = MemoryStore::new();
    for (key, body) in uploads {
        bucket.put(key, Bytes::from(body.to_string())).await.expect("puts");
    }
    let (asset, keeping) = ("uploads".to_string(), Keeping::default());
    let request = SyncRequest { asset, protection: None, expires_after: None, keeping };
    sync::run(&bucket, Arc::clone(store), &SystemClock, &Silent, &request).await.expect("syncs")
}

async fn stock(identity: &Identity) -> Stock {
    let server = private_mongo().await;
    let client = client::connect(&server.uri).await.expect("connects");
    let (source, db, store) = (Source::new(client.clone()), unique("rekeyed"), MemoryStore::new());
    let plain: Arc<dyn ObjectStore> = Arc::new(store.clone());
    let writing = keyed(&plain, &[identity], &[]);
    plimsoll::repository::open(Arc::clone(&writing), &SystemClock).await.expect("a repository");
    let things = client.database(&db).collection::<Document>("things");
    things.insert_many((0..300).map(|i| doc! { "_id": i, "text": "t".repeat(300) })).await.expect("inserts");
    let capture = begin_capture(&source, &writing);
    back_up_as(Compression::default(), &source, &writing, &[&db]).await;
    for round in 0..3 {
        things.insert_one(doc! { "_id": format!("later {round}") }).await.expect("inserts");
        tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    }
    let at = source.cluster_time().await.expect("a time");
    let state = state(&source, &[&db], Some(at)).await;
    assert!(capture.end().await.slices >= 2, "a chain of several slices");
    sync_uploads(&writing, &UPLOADS[..2]).await;
    sync_uploads(&writing, &UPLOADS).await;
    Stock { store, db, at, state }
}

async fn rekeyed(store: Arc<dyn ObjectStore>, to: &[&Identity], with: &[&Identity]) -> Result<rekey::Rekeyed> {
    let store = keyed::with(store, keys(to, with));
    let plan = rekey::make(store.as_ref(), SystemClock.now(), None).await?;
    rekey::apply(store.as_ref(), &SystemClock, &Silent, &plan).await
}

impl Stock {
    fn arc(&self) -> Arc<dyn ObjectStore> {
        Arc::new(self.store.clone())
    }

    /// Everything comes back with these identities, log and uploads too.
    async fn comes_back(&self, identities: &[&Identity], target: &mongodb::Client, story: &str) {
        let reading = keyed(&self.arc(), &[], identities);
        let outcome = restored(&reading, &Target::new(target.clone()), RestoreTo::At(self.at)).await;
        outcome.unwrap_or_else(|fault| panic!("{story}: {fault:?}"));
        assert_eq!(state(&Source::new(target.clone()), &[&self.db], None).await, self.state, "{story}");
        let plan = uploads::plan(reading.as_ref(), "uploads", &RestoreTo::Newest).await;
        let plan = plan.unwrap_or_else(|fault| panic!("{story}: {fault:?}"));
        let out = MemoryStore::new();
        uploads::restore(reading.as_ref(), &out, &Silent, &plan, false).await.expect("restores uploads");
        for (key, body) in UPLOADS {
            assert_eq!(out.get(key).await.expect("reads"), body, "{story}");
        }
    }
}

impl Stock {
    /// A week later nothing sealed is left but what a point or a slice consists of.
    async fn swept_clean(&self, story: &str) {
        let week = Later(Span::days(8));
        let plan = prune::make(&self.store, week.now(), &PruneRequest::default()).await.expect("plans");
        prune::apply(&self.store, &week, &Silent, &plan).await.expect("prunes");
        let mut listed = BTreeSet::new();
        let objects = self.store.list("").await.expect("lists");
        for object in &objects {
            let body = self.store.get(&object.key).await.expect("reads");
            match object.key.parse().expect("a key") {
                Key::Manifest(_) => {
                    let manifest = Manifest::decode(&body, &object.key).expect("a manifest");
                    listed.extend(manifest.objects.into_iter().map(|object| object.key));
                }
                Key::SliceHeader(name) => {
                    let header = SliceHeader::decode(&body, &object.key).expect("a header");
                    listed.insert(header.data(&name).to_string());
                }
                _ => {}
            }
        }
        let left =
            objects.iter().map(|object| &object.key).filter(|key| key.ends_with(".age") && !listed.contains(*key));
        let left: Vec<&String> = left.collect();
        assert!(left.is_empty(), "{story}: {left:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_rekey_the_old_identity_opens_nothing_that_counts_and_the_new_one_all() {
    let ((_, old), (_, new), (_, second)) = (new_identity(), new_identity(), new_identity());
    let stock = stock(&old).await;
    let to = private_mongo().await;
    let target = client::connect(&to.uri).await.expect("connects");
    let listed = async || stock.store.list("").await.expect("lists").into_iter().map(|object| object.key);
    let refused = rekeyed(stock.arc(), &[&new], &[&second]).await.expect_err("with an identity that opens nothing");
    assert_eq!(refused.kind, FaultKind::Sealed);
    let before: Vec<String> = listed().await.collect();
    let done = rekeyed(stock.arc(), &[&new, &second], &[&old]).await.expect("rekeys");
    assert_eq!(done.points, 3);
    assert!(done.slices >= 2 && done.marked > 0, "{done:?}");
    for identity in [&new, &second] {
        stock.comes_back(&[identity], &target, "with a new identity").await;
    }
    let by_old = keyed(&stock.arc(), &[], &[&old]);
    let refused = restored(&by_old, &Target::new(target.clone()), RestoreTo::Newest).await.expect_err("refused");
    assert_eq!(refused.kind, FaultKind::Sealed);
    assert!(uploads::plan(by_old.as_ref(), "uploads", &RestoreTo::Newest).await.is_err());
    let verified = verify::run(stock.arc(), &SystemClock, &Silent, &VerifyRequest::default()).await.expect("verifies");
    assert_eq!(verified.bad().count(), 0, "{verified:?}");
    let evidence = catalog::read(&stock.store, SystemClock.now()).await.expect("reads");
    assert!(evidence.unreadable.is_empty(), "{:?}", evidence.unreadable);

    // Again for the same: nothing is left to do. And the old objects go with a pruning, a week later.
    let again = rekeyed(stock.arc(), &[&second, &new], &[&new]).await.expect("rekeys");
    assert_eq!((again.points, again.slices, again.marked), (0, 0, 0));
    let week = Later(Span::days(8));
    let plan = prune::make(&stock.store, week.now(), &PruneRequest::default()).await.expect("plans");
    let pruned = prune::apply(&stock.store, &week, &Silent, &plan).await.expect("prunes");
    assert!(pruned.swept.removed > 0, "{pruned:?}");
    let after: Vec<String> = listed().await.collect();
    let still: Vec<&String> = before.iter().filter(|key| key.ends_with(".age") && after.contains(key)).collect();
    assert!(still.is_empty(), "{still:?}");
    stock.comes_back(&[&new], &target, "after the sweep").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rekey_that_is_killed_at_any_step_leaves_all_restorable_and_the_next_one_ends_it() {
    let ((_, old), (_, new)) = (new_identity(), new_identity());
    let stock = stock(&old).await;
    let to = private_mongo().await;
    let target = client::connect(&to.uri).await.expect("connects");
    let objects = async |store: &MemoryStore| {
        let mut copy = Vec::new();
        for object in store.list("").await.expect("lists") {
            copy.push((object.key.clone(), store.get(&object.key).await.expect("reads")));
        }
        copy
    };
    let first = objects(&stock.store).await;
    let (mut step, mut met) = (0, 0);
    loop {
        let store = MemoryStore::new();
        for (key, body) in &first {
            store.put(key, body.clone()).await.expect("puts");
        }
        let breaking = Arc::new(Breaking::once(store.clone(), step));
        let outcome = rekeyed(Arc::clone(&breaking) as Arc<dyn ObjectStore>, &[&new], &[&old]).await;
        let killed = Stock { store, db: stock.db.clone(), at: stock.at, state: stock.state.clone() };
        if !breaking.broke() {
            outcome.expect("unbroken, it ends");
            break;
        }
        met += usize::from(outcome.is_err());
        killed.comes_back(&[&old, &new], &target, &format!("killed at step {step}")).await;
        rekeyed(killed.arc(), &[&new], &[&old, &new]).await.expect("the next one ends it");
        killed.comes_back(&[&new], &target, &format!("ended after step {step}")).await;
        killed.swept_clean(&format!("swept after step {step}")).await;
        step += 3;
    }
    assert!(met >= 10, "only {met} steps were met");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_locked_stays_and_a_plan_says_until_when() {
    let ((_, old), (_, new)) = (new_identity(), new_identity());
    let stock = stock(&old).await;
    let until = SystemClock.now() + Span::days(30);
    let manifest = stock.store.list("snapshots/shop/").await.expect("lists");
    let key = manifest.into_iter().find(|object| object.key.ends_with("manifest.json")).expect("a manifest").key;
    let point = Manifest::decode(&stock.store.get(&key).await.expect("reads"), &key).expect("a manifest");
    let locked = Manifest { locked_until: Some(until), ..point };
    stock.store.put(&key, locked.encode().expect("JSON")).await.expect("puts");
    let store = keyed(&stock.arc(), &[&new], &[&old]);
    let plan = rekey::make(store.as_ref(), SystemClock.now(), None).await.expect("plans");
    assert!(plan.describe().contains(&format!("locked until {until}")), "{}", plan.describe());
    rekey::apply(store.as_ref(), &SystemClock, &Silent, &plan).await.expect("rekeys the rest");
    assert_eq!(Manifest::decode(&stock.store.get(&key).await.expect("reads"), &key).expect("a manifest"), locked);
    let later = rekey::make(store.as_ref(), until + Span::secs(1), None).await.expect("plans");
    assert_eq!((later.points_to_seal().count(), later.slices_to_seal().count()), (1, 0), "when the lock is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_s3_what_is_sealed_is_locked_as_asked_comes_back_and_is_not_sealed_anew_before_its_lock_ends() {
    let ((_, old), (_, new), server) = (new_identity(), new_identity(), servers::s3().await);
    let bucket = S3Store::open(&unique("sealed"), "ours", &server.options()).await.expect("opens");
    bucket.create_locking_bucket().await.expect("the bucket is made");
    let plain: Arc<dyn ObjectStore> = Arc::new(bucket);
    let writing = keyed(&plain, &[&old], &[]);
    plimsoll::repository::open(Arc::clone(&writing), &SystemClock).await.expect("a repository");
    let (from, to) = (private_mongo().await, private_mongo().await);
    let client = client::connect(&from.uri).await.expect("connects");
    let things = client.database("shop").collection::<Document>("things");
    // More than one part of an upload.
    things.insert_many((0..9000).map(|i| doc! { "_id": i, "text": "t".repeat(1000) })).await.expect("inserts");
    let source = Source::new(client);
    let request = BackupRequest {
        asset: "shop".to_string(),
        compression: Compression::Plain,
        keeping: Keeping { lock: Some(Span::hours(1)), ..Keeping::default() },
        ..BackupRequest::default()
    };
    let point = backup::run(&source, writing, &SystemClock, &Silent, &request).await.expect("backs up");
    let until = point.locked_until.expect("a lock");
    let target = client::connect(&to.uri).await.expect("connects");
    let reading = keyed(&plain, &[], &[&old]);
    restored(&reading, &Target::new(target.clone()), RestoreTo::Newest).await.expect("restores");
    let held = state(&Source::new(target), &["shop"], None).await;
    assert_eq!(held, state(&source, &["shop"], None).await);
    let store = keyed(&plain, &[&new], &[&old]);
    let plan = rekey::make(store.as_ref(), SystemClock.now(), None).await.expect("plans");
    assert_eq!(plan.points_to_seal().count(), 0);
    assert!(plan.describe().contains(&format!("locked until {until}")), "{}", plan.describe());
}
