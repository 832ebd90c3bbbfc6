//! One contract, held by every store.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, future};
use plimsoll::base::FaultKind;
use plimsoll::port::ObjectStore;
use plimsoll::port::Written;
use plimsoll::store::directory::DirectoryStore;
use plimsoll::store::memory::MemoryStore;
use plimsoll::store::{self, S3Options};

use super::other_s3;
use super::repository_open::Noon;
use super::servers;

/// The stores, each empty, with what must outlive them.
struct Stores {
    all: Vec<Arc<dyn ObjectStore>>,
    _folder: tempfile::TempDir,
}

async fn stores() -> Stores {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let directory = DirectoryStore::new(folder.path().join("not/made/yet"));
    let mut all: Vec<Arc<dyn ObjectStore>> = vec![Arc::new(MemoryStore::new()), Arc::new(directory), bucket().await];
    if let Some(other) = other_s3::moto("the store contract on a second S3 server").await {
        all.push(Arc::new(other.store(&other.bucket("contract").await, "a prefix").await));
    }
    Stores { all, _folder: folder }
}

/// A prefix of a bucket of its own, on a real server.
async fn bucket() -> Arc<dyn ObjectStore> {
    let server = servers::s3().await;
    let options = S3Options {
        endpoint: Some(server.endpoint.clone()),
        region: None,
        credentials: Some((server.access_key.clone(), server.secret_key.clone())),
    };
    let url = format!("s3://{}/a prefix", servers::bucket("contract").await);
    store::open(&url, &options).await.expect("the bucket opens")
}

async fn keys(store: &dyn ObjectStore, prefix: &str) -> Vec<String> {
    let found = store.list(prefix).await.expect("a listing");
    found.into_iter().map(|object| object.key).collect()
}

async fn read(store: &dyn ObjectStore, key: &str) -> Vec<u8> {
    let pieces: Vec<Bytes> = store.read(key).await.expect("a body").try_collect().await.expect("a whole body");
    pieces.concat()
}

/// Bytes that no compression or repetition makes easy.
fn noise(length: usize) -> Bytes {
    let mut stream = plimsoll::base::rng::Stream::new(7, length as u64);
    (0..length).map(|_| stream.next_u64() as u8).collect()
}

#[tokio::test]
async fn what_was_put_is_read_back_whole() {
    for store in stores().await.all {
        for length in [0, 1, 4096, 3 << 20] {
            let body = noise(length);
            store.put("a/b", body.clone()).await.expect("put");
            assert!(store.get("a/b").await.expect("get") == body, "{store:?}, {length} bytes");
            assert!(read(store.as_ref(), "a/b").await == body, "{store:?}, {length} bytes");
            let info = store.head("a/b").await.expect("head").expect("an object");
            assert_eq!((info.key.as_str(), info.bytes), ("a/b", length as u64), "{store:?}");
        }
    }
}

#[tokio::test]
async fn what_was_never_put_is_missing_and_may_be_deleted() {
    for store in stores().await.all {
        store.put("there", Bytes::from_static(b"x")).await.expect("put");
        let shown = format!("{store:?}");
        assert_eq!(store.get("gone").await.expect_err("no object").kind, FaultKind::Missing, "{shown}");
        assert_eq!(store.read("there/below").await.err().expect("no object").kind, FaultKind::Missing, "{shown}");
        assert_eq!(store.head("gone").await.expect("head"), None, "{shown}");
        store.delete("gone").await.expect("deleting nothing");
        store.delete("there").await.expect("delete");
        assert_eq!(store.head("there").await.expect("head"), None, "{shown}");
        store.delete("there").await.expect("deleting twice");
    }
}

#[tokio::test]
async fn put_replaces_and_put_new_never_does() {
    for store in stores().await.all {
        assert_eq!(store.put_new("k", Bytes::from_static(b"first")).await.expect("put_new"), Written::New);
        assert_eq!(store.put_new("k", Bytes::from_static(b"other")).await.expect("put_new"), Written::Existed);
        assert_eq!(store.get("k").await.expect("get"), "first", "{store:?}");
        store.put("k", Bytes::from_static(b"second")).await.expect("put");
        assert_eq!(store.get("k").await.expect("get"), "second", "{store:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_racers_writes_the_new_object_and_its_bytes_stand() {
    for store in stores().await.all {
        for round in 0..5 {
            let key = format!("race/{round}");
            let racers = (0..16).map(|racer| {
                let (store, key) = (Arc::clone(&store), key.clone());
                tokio::spawn(async move { store.put_new(&key, Bytes::from(format!("racer {racer}"))).await })
            });
            let outcomes: Vec<Written> = future::join_all(racers)
                .await
                .into_iter()
                .map(|outcome| outcome.expect("no panic").expect("an answer"))
                .collect();
            let winners: Vec<usize> =
                outcomes.iter().enumerate().filter(|(_, w)| **w == Written::New).map(|(racer, _)| racer).collect();
            assert_eq!(winners.len(), 1, "{store:?}: {outcomes:?}");
            assert_eq!(store.get(&key).await.expect("get"), format!("racer {}", winners[0]), "{store:?}");
        }
    }
}

#[tokio::test]
async fn a_list_is_complete_and_in_byte_order() {
    for store in stores().await.all {
        let mut expected: Vec<String> = (0..60).map(|i| format!("many/{:03}", (i * 37) % 60)).collect();
        expected.extend(["many-more", "many/a/b/c", "many/a-b", "many.x", "other/x"].map(String::from));
        future::join_all(expected.iter().map(|key| store.put(key, Bytes::from_static(b"12345")))).await;
        expected.sort();
        assert_eq!(keys(store.as_ref(), "").await, expected, "{store:?}");
        for prefix in ["many", "many/", "many/a", "many/01", "many/a/", "many/a/b/c", "none", "none/x", "other/x/y"] {
            let matching: Vec<String> = expected.iter().filter(|k| k.starts_with(prefix)).cloned().collect();
            assert_eq!(keys(store.as_ref(), prefix).await, matching, "{store:?}, prefix {prefix}");
        }
        let listed = store.list("many/a-b").await.expect("list");
        assert!(listed.iter().all(|object| object.bytes == 5), "{store:?}");
    }
}

#[tokio::test]
async fn an_upload_is_invisible_until_it_is_finished() {
    for store in stores().await.all {
        let mut upload = store.upload("up/load").await.expect("upload");
        let part = noise(3 << 20);
        for _ in 0..7 {
            upload.write(part.clone()).await.expect("write");
        }
        assert_eq!(store.head("up/load").await.expect("head"), None, "{store:?}");
        assert!(keys(store.as_ref(), "").await.is_empty(), "{store:?}");
        upload.finish().await.expect("finish");
        assert!(read(store.as_ref(), "up/load").await == part.repeat(7), "{store:?}");
        assert_eq!(keys(store.as_ref(), "").await, ["up/load"], "{store:?}");
    }
}

#[tokio::test]
async fn an_upload_of_nothing_is_an_empty_object() {
    for store in stores().await.all {
        store.upload("empty").await.expect("upload").finish().await.expect("finish");
        assert_eq!(store.get("empty").await.expect("get"), "", "{store:?}");
    }
}

#[tokio::test]
async fn an_upload_that_is_aborted_or_dropped_leaves_the_object_that_was_there() {
    for store in stores().await.all {
        store.put("k", Bytes::from_static(b"before")).await.expect("put");
        for abort in [true, false] {
            let mut upload = store.upload("k").await.expect("upload");
            upload.write(noise(9 << 20)).await.expect("write");
            if abort {
                upload.abort().await.expect("abort");
            }
        }
        assert_eq!(store.get("k").await.expect("get"), "before", "{store:?}");
        assert_eq!(keys(store.as_ref(), "").await, ["k"], "{store:?}");
    }
}

#[tokio::test]
async fn odd_names_are_kept_exactly() {
    let odd =
        ["dump/db/a%2Fb.bson.gz", "a b+c", "ü/日本", "q?x=1&y#z", "per%cent%41", "<&>\"'", "dots../..x", "tilde~*!()"];
    for store in stores().await.all {
        for key in odd {
            store.put(key, Bytes::copy_from_slice(key.as_bytes())).await.expect("put");
        }
        let mut expected = odd.map(String::from).to_vec();
        expected.sort();
        assert_eq!(keys(store.as_ref(), "").await, expected, "{store:?}");
        for key in odd {
            assert_eq!(store.get(key).await.expect("get"), key, "{store:?}");
        }
    }
}

#[tokio::test]
async fn keys_that_leave_the_root_or_mean_two_things_are_refused() {
    let long = "x".repeat(1025);
    for store in stores().await.all {
        for key in ["", "a/../b", "..", ".", "a/./b", "nul\0", &long] {
            let fault = store.put(key, Bytes::new()).await.expect_err(key);
            assert_eq!(fault.kind, FaultKind::Usage, "{store:?}, {key:?}");
            assert!(store.get(key).await.is_err(), "{store:?}, {key:?}");
            assert!(store.upload(key).await.is_err(), "{store:?}, {key:?}");
        }
    }
}

#[tokio::test]
async fn a_read_that_is_dropped_half_way_leaves_the_store_usable() {
    for store in stores().await.all {
        let body = noise(6 << 20);
        store.put("large", body.clone()).await.expect("put");
        let mut pieces = store.read("large").await.expect("read");
        pieces.next().await.expect("a piece").expect("bytes");
        drop(pieces);
        assert!(store.get("large").await.expect("get") == body, "{store:?}");
    }
}

#[tokio::test]
async fn every_store_can_hold_a_repository() {
    for store in stores().await.all {
        plimsoll::repository::open(Arc::clone(&store), &Noon).await.expect("made");
        plimsoll::repository::open(Arc::clone(&store), &Noon).await.expect("opened again");
        plimsoll::repository::require(store.as_ref()).await.expect("there");
    }
}
