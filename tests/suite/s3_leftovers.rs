//! Uploads that nobody finishes: what a killed run leaves in S3, and what becomes of it. Time is turned by rewording the
//! server's answers on their way, since no server lets anybody write into its past.

use std::sync::Arc;

use bytes::Bytes;
use plimsoll::base::{FaultKind, Result, Span};
use plimsoll::clock::SystemClock;
use plimsoll::engine::backup::{self, BackupRequest};
use plimsoll::engine::dump::Wanted;
use plimsoll::engine::leftovers;
use plimsoll::mongo::Source;
use plimsoll::port::ObjectStore;
use plimsoll::repository::Manifest;
use plimsoll::store;

use super::captured::{connected, write};
use super::other_s3;
use super::proxied::{Deed, Proxied};
use super::restored::ASSET;
use super::scripted::{Request, answer};
use super::servers;
use super::stage::Heard;

/// Begins an upload and sends a part, as a run that is then killed.
async fn forget(store: &dyn ObjectStore, key: &str) {
    let mut upload = store.upload(key).await.expect("begins");
    upload.write(Bytes::from(vec![7; 9 << 20])).await.expect("writes");
    std::mem::forget(upload);
}

async fn unfinished(store: &dyn ObjectStore) -> Vec<String> {
    let listed = store.unfinished("").await.expect("lists");
    let mut keys: Vec<String> = listed.into_iter().map(|upload| upload.key).collect();
    keys.sort();
    keys
}

/// A store on a new bucket, its address, and a database with something in it.
async fn stage(name: &str) -> (Arc<dyn ObjectStore>, String, Source, String) {
    let url = format!("s3://{}/of ours", servers::bucket(name).await);
    let store = store::open(&url, &servers::s3().await.options()).await.expect("opens");
    let (client, db) = (connected().await, servers::unique(name));
    write(&client, &db, 5).await;
    (store, url, Source::new(client), db)
}

/// The same store through a network with this script.
async fn through(url: &str, script: impl Fn(&Request) -> Deed + Send + Sync + 'static) -> Arc<dyn ObjectStore> {
    let proxied = Proxied::start(&servers::s3().await.options(), script).await;
    store::open(url, &proxied.options).await.expect("opens")
}

async fn back_up(source: &Source, store: &Arc<dyn ObjectStore>, db: &str) -> (Result<Manifest>, Heard) {
    let heard = Heard::default();
    let wanted = Wanted { databases: vec![db.to_string()], ..Wanted::default() };
    let request = BackupRequest { asset: ASSET.to_string(), wanted, ..BackupRequest::default() };
    (backup::run(source, Arc::clone(store), &SystemClock, &heard, &request).await, heard)
}

/// What is being uploaded was begun a hundred years before.
fn long_ago(_: &Request) -> Deed {
    Deed::Reword("<Initiated>20", "<Initiated>19")
}

const OURS: &str = "snapshots/shop/killed/dump/shop/things.bson.gz";
const BLOB: &str = "blobs/ab/abababababababababababababababababababababababababababababababab";
const OTHERS: &str = "snapshots/other/killed/dump/shop/things.bson.gz";

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_run_had_begun_is_taken_back_once_it_is_old_and_only_of_its_own_asset() {
    let (store, url, source, db) = stage("leftovers").await;
    for key in [OURS, OTHERS, BLOB] {
        forget(store.as_ref(), key).await;
    }
    // Young, they may be another run's that still goes.
    let (ended, heard) = back_up(&source, &store, &db).await;
    ended.expect("a backup");
    assert_eq!(unfinished(store.as_ref()).await, [BLOB, OTHERS, OURS]);
    assert_eq!(heard.warnings(), Vec::<String>::new());

    let (ended, heard) = back_up(&source, &through(&url, long_ago).await, &db).await;
    ended.expect("a backup");
    assert_eq!(unfinished(store.as_ref()).await, [OTHERS]);
    assert!(heard.notes().iter().any(|note| note.starts_with("took back 2 uploads")), "{:?}", heard.notes());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_cannot_be_taken_back_is_counted_as_still_there() {
    let (store, url, source, db) = stage("stuck").await;
    for key in [OURS, BLOB] {
        forget(store.as_ref(), key).await;
    }
    let refusing = |request: &Request| match request.method == "DELETE" && request.target.contains("/blobs/") {
        true => Deed::Answer(answer(403, "<Error><Code>AccessDenied</Code></Error>")),
        false => long_ago(request),
    };
    let (ended, heard) = back_up(&source, &through(&url, refusing).await, &db).await;
    ended.expect("the backup itself is whole");
    assert_eq!(unfinished(store.as_ref()).await, [BLOB]);
    assert!(heard.notes().iter().any(|note| note.starts_with("took back 1 uploads")), "{:?}", heard.notes());
    let [warning] = heard.warnings().try_into().expect("one warning");
    assert!(warning.starts_with("1 uploads that killed runs had not finished are still there"), "{warning}");
}

/// On both servers, though the second tells of every upload that it was begun in 2010.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_unfinished_is_listed_with_its_age_and_taking_it_back_twice_is_no_error() {
    let mut stores: Vec<(Arc<dyn ObjectStore>, bool)> = vec![(stage("begun").await.0, false)];
    if let Some(other) = other_s3::moto("unfinished uploads on a second S3 server").await {
        stores.push((Arc::new(other.store(&other.bucket("begun").await, "of ours").await), true));
    }
    for (store, is_other) in stores {
        for key in ["a/1 ä", "a/2", "b/1"] {
            forget(store.as_ref(), key).await;
        }
        store.put("now", Bytes::new()).await.expect("puts");
        let now = store.head("now").await.expect("looks").expect("there").modified_at.expect("a time");
        let begun = store.unfinished("a/").await.expect("lists");
        assert_eq!(begun.iter().map(|upload| upload.key.as_str()).collect::<Vec<_>>(), ["a/1 ä", "a/2"], "{store:?}");
        let prefixes = ["a/".to_string()];
        if !is_other {
            let young = |at| now - at < Span::minutes(5) && at - now < Span::minutes(1);
            assert!(begun.iter().all(|upload| upload.begun_at.is_some_and(young)), "{begun:?}, {now}");
            let swept = leftovers::sweep(store.as_ref(), &prefixes, now - Span::hours(1)).await.expect("sweeps");
            assert_eq!((swept.taken_back, swept.left.len()), (0, 0), "{store:?}");
        }
        let swept = leftovers::sweep(store.as_ref(), &prefixes, now + Span::hours(1)).await.expect("sweeps");
        assert_eq!((swept.taken_back, swept.left.len()), (2, 0), "{store:?}");
        assert_eq!(unfinished(store.as_ref()).await, ["b/1"], "{store:?}");
        store.take_back(&begun[0]).await.expect("it is gone already");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_counts_what_it_could_not_remove() {
    let (store, url, source, db) = stage("stays").await;
    let denied = || Deed::Answer(answer(403, "<Error><Code>AccessDenied</Code></Error>"));
    let refusing = move |request: &Request| match (request.method.as_str(), &request.target) {
        ("PUT", target) if target.contains("manifest.json") => denied(),
        ("DELETE", target) if target.contains("prelude.json") => denied(),
        _ => Deed::Pass,
    };
    let (ended, heard) = back_up(&source, &through(&url, refusing).await, &db).await;
    assert_eq!(ended.expect_err("no manifest can be written").kind, FaultKind::Denied);
    let [warning] = heard.warnings().try_into().expect("one warning");
    assert!(warning.starts_with("1 of 3 objects of the failed run could not be removed"), "{warning}");
    let left = store.list("snapshots/").await.expect("lists");
    let left: Vec<&str> = left.iter().filter_map(|object| object.key.rsplit('/').next()).collect();
    assert_eq!(left, ["begun.json", "prelude.json"], "what is left is found by what says that it began");
}
