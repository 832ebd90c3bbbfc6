//! Encrypted uploads: stored once, restored equal, unreadable where they stand, and bound to their recipients.

use std::sync::Arc;

use bytes::Bytes;
use plimsoll::base::{FaultKind, Keeping};
use plimsoll::clock::SystemClock;
use plimsoll::engine::plan::RestoreTo;
use plimsoll::engine::sync::{self, SyncRequest};
use plimsoll::engine::uploads;
use plimsoll::port::ObjectStore;
use plimsoll::repository::Manifest;
use plimsoll::repository::key::BLOBS;
use plimsoll::store::memory::MemoryStore;

use super::seal::new_identity;
use super::sealed::{holds, keyed};
use super::stage::Heard;

const ASSET: &str = "uploads";
const MARKER: &str = "a picture of Ottilie";
const NAME: &str = "ottilie-portrait.jpg";

/// Small ones, two of them with one content, and one that is streamed.
async fn a_bucket() -> MemoryStore {
    let bucket = MemoryStore::new();
    bucket.put(NAME, Bytes::from(MARKER)).await.expect("puts");
    bucket.put("img/copy.jpg", Bytes::from(MARKER)).await.expect("puts");
    bucket.put("img/empty", Bytes::new()).await.expect("puts");
    let large: Vec<u8> = MARKER.bytes().cycle().take(5 << 20).collect();
    bucket.put("large.bin", large.into()).await.expect("puts");
    bucket
}

async fn synced(bucket: &MemoryStore, store: &Arc<dyn ObjectStore>) -> (Manifest, Heard) {
    plimsoll::repository::open(Arc::clone(store), &SystemClock).await.expect("a repository");
    let request =
        SyncRequest { asset: ASSET.to_string(), protection: None, expires_after: None, keeping: Keeping::default() };
    let heard = Heard::default();
    let manifest = sync::run(bucket, Arc::clone(store), &SystemClock, &heard, &request).await.expect("syncs");
    (manifest, heard)
}

async fn blobs(store: &Arc<dyn ObjectStore>) -> Vec<String> {
    store.list(BLOBS).await.expect("lists").into_iter().map(|blob| blob.key).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sealed_uploads_come_back_equal_are_stored_once_and_show_neither_names_nor_contents() {
    let (bucket, (_, identity)) = (a_bucket().await, new_identity());
    let plain: Arc<dyn ObjectStore> = Arc::new(MemoryStore::new());
    let writing = keyed(&plain, &[&identity], &[]);
    let (first, _) = synced(&bucket, &writing).await;
    assert_eq!((first.uploads, blobs(&plain).await.len()), (4, 3), "one blob for each content");
    for object in plain.list("").await.expect("lists") {
        let body = plain.get(&object.key).await.expect("reads");
        let hash = super::pruned::sha256(MARKER.as_bytes());
        for secret in [MARKER, NAME, &hash] {
            assert!(!holds(&body, secret) && !object.key.contains(secret), "{} shows {secret}", object.key);
        }
    }
    let reading = keyed(&plain, &[], &[&identity]);
    let plan = uploads::plan(reading.as_ref(), ASSET, &RestoreTo::Newest).await.expect("plans");
    let out = MemoryStore::new();
    uploads::restore(reading.as_ref(), &out, &Heard::default(), &plan, false).await.expect("restores");
    for object in bucket.list("").await.expect("lists") {
        let (was, is) = (bucket.get(&object.key).await.expect("reads"), out.get(&object.key).await.expect("reads"));
        assert!(was == is, "{}", object.key);
    }

    // Another run, which cannot read what the first one wrote, stores what is new alone.
    bucket.put("new.txt", Bytes::from("new")).await.expect("puts");
    let before = blobs(&plain).await;
    let (second, heard) = synced(&bucket, &writing).await;
    let after = blobs(&plain).await;
    assert_eq!((second.uploads, after.len()), (5, before.len() + 1));
    assert!(before.iter().all(|blob| after.contains(blob)));
    assert!(heard.notes().iter().any(|note| note.contains("read again")), "{:?}", heard.notes());
    let plan = uploads::plan(reading.as_ref(), ASSET, &RestoreTo::Newest).await.expect("plans");
    let out = MemoryStore::new();
    uploads::restore(reading.as_ref(), &out, &Heard::default(), &plan, false).await.expect("restores");
    assert_eq!(out.get("new.txt").await.expect("reads"), "new");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_for_other_recipients_seals_everything_for_them_and_one_without_reads_nothing_sealed() {
    let (bucket, (_, one), (_, two)) = (a_bucket().await, new_identity(), new_identity());
    let plain: Arc<dyn ObjectStore> = Arc::new(MemoryStore::new());
    synced(&bucket, &keyed(&plain, &[&one], &[])).await;
    // The identity lets it know what has not changed; none of it may be taken over.
    synced(&bucket, &keyed(&plain, &[&two], &[&one])).await;
    let out = MemoryStore::new();
    let (by_one, by_two) = (keyed(&plain, &[], &[&one]), keyed(&plain, &[], &[&two]));
    let refused = uploads::plan(by_one.as_ref(), ASSET, &RestoreTo::Newest).await.expect_err("refused");
    assert_eq!(refused.kind, FaultKind::Sealed);
    let plan = uploads::plan(by_two.as_ref(), ASSET, &RestoreTo::Newest).await.expect("plans");
    uploads::restore(by_two.as_ref(), &out, &Heard::default(), &plan, false).await.expect("restores");
    assert_eq!(out.get(NAME).await.expect("reads"), MARKER);

    let (open, _) = synced(&bucket, &plain).await;
    assert!(open.seal.is_none() && open.objects.iter().all(|object| !object.key.ends_with(".age")), "{open:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_blob_that_was_changed_is_not_restored() {
    let (bucket, (_, identity)) = (a_bucket().await, new_identity());
    let plain: Arc<dyn ObjectStore> = Arc::new(MemoryStore::new());
    synced(&bucket, &keyed(&plain, &[&identity], &[])).await;
    let reading = keyed(&plain, &[], &[&identity]);
    let all = blobs(&plain).await;
    for (number, key) in all.iter().enumerate() {
        let body = plain.get(key).await.expect("reads");
        let mut flipped = body.to_vec();
        let last = flipped.len() - 1;
        flipped[last] ^= 1;
        let other = plain.get(&all[(number + 1) % all.len()]).await.expect("reads");
        for harmed in [Bytes::from(flipped), body.slice(..body.len() - 1), other] {
            plain.put(key, harmed).await.expect("puts");
            let outcome = async {
                let plan = uploads::plan(reading.as_ref(), ASSET, &RestoreTo::Newest).await?;
                uploads::restore(reading.as_ref(), &MemoryStore::new(), &Heard::default(), &plan, false).await
            };
            assert!(outcome.await.is_err(), "{key}");
        }
        plain.put(key, body).await.expect("puts back");
    }
}
