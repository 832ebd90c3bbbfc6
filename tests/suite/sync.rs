//! Uploads into the repository and back: what changed is copied, what did not is not read, what is damaged is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use plimsoll::base::{FaultKind, Keeping, Result};
use plimsoll::clock::SystemClock;
use plimsoll::engine::event::Silent;
use plimsoll::engine::plan::RestoreTo;
use plimsoll::engine::sync::{self, SyncRequest};
use plimsoll::engine::uploads::{self, UploadsRestored};
use plimsoll::port::ObjectStore;
use plimsoll::port::{Attributes, Flow, ObjectInfo, ObjectVersion, Opened, Upload, Written};
use plimsoll::repository::Manifest;
use plimsoll::store;
use plimsoll::store::directory::DirectoryStore;
use plimsoll::store::memory::MemoryStore;

use super::servers;

pub const ASSET: &str = "uploads";

/// A store that counts how many objects were read.
#[derive(Debug)]
pub struct Counted {
    inner: Arc<dyn ObjectStore>,
    reads: AtomicU64,
}

#[async_trait]
impl ObjectStore for Counted {
    fn address(&self) -> String {
        self.inner.address()
    }
    async fn put(&self, key: &str, body: Bytes) -> Result<()> {
        self.inner.put(key, body).await
    }
    async fn put_new(&self, key: &str, body: Bytes) -> Result<Written> {
        self.inner.put_new(key, body).await
    }
    async fn upload(&self, key: &str) -> Result<Box<dyn Upload>> {
        self.inner.upload(key).await
    }
    async fn get(&self, key: &str) -> Result<Bytes> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.inner.get(key).await
    }
    async fn read(&self, key: &str) -> Result<Flow<Bytes>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.inner.read(key).await
    }
    async fn versions(&self, prefix: &str) -> Result<Option<Vec<ObjectVersion>>> {
        self.inner.versions(prefix).await
    }
    async fn open(&self, key: &str, version: Option<&str>) -> Result<Opened> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.inner.open(key, version).await
    }
    fn keeps_attributes(&self) -> bool {
        self.inner.keeps_attributes()
    }
    async fn put_with(&self, key: &str, body: Bytes, attributes: &Attributes) -> Result<()> {
        self.inner.put_with(key, body, attributes).await
    }
    async fn upload_with(&self, key: &str, attributes: &Attributes) -> Result<Box<dyn Upload>> {
        self.inner.upload_with(key, attributes).await
    }
    async fn head(&self, key: &str) -> Result<Option<ObjectInfo>> {
        self.inner.head(key).await
    }
    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>> {
        self.inner.list(prefix).await
    }
    async fn delete(&self, key: &str) -> Result<()> {
        self.inner.delete(key).await
    }
}

async fn bucket(name: &str) -> Counted {
    let url = format!("s3://{}", servers::bucket(name).await);
    Counted::new(store::open(&url, &servers::s3().await.options()).await.expect("opens"))
}

impl Counted {
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Counted { inner, reads: AtomicU64::new(0) }
    }
}

pub fn memory() -> Arc<dyn ObjectStore> {
    Arc::new(MemoryStore::new())
}

/// Syncs, and says how many objects were read for it.
pub async fn take(bucket: &Counted, store: &Arc<dyn ObjectStore>) -> (Manifest, u64) {
    let (asset, keeping) = (ASSET.to_string(), Keeping::default());
    let request = SyncRequest { asset, protection: None, expires_after: None, keeping };
    bucket.reads.store(0, Ordering::Relaxed);
    let manifest = sync::run(bucket, Arc::clone(store), &SystemClock, &Silent, &request).await.expect("syncs");
    (manifest, bucket.reads.load(Ordering::Relaxed))
}

pub async fn contents(store: &dyn ObjectStore) -> Vec<(String, Bytes)> {
    let mut contents = Vec::new();
    for object in store.list("").await.expect("lists") {
        let body = store.get(&object.key).await.expect("reads");
        contents.push((object.key, body));
    }
    contents
}

pub async fn restore(
    store: &Arc<dyn ObjectStore>,
    destination: &dyn ObjectStore,
    wanted: &RestoreTo,
    replace: bool,
) -> Result<UploadsRestored> {
    let plan = uploads::plan(store.as_ref(), ASSET, wanted).await?;
    uploads::restore(store.as_ref(), destination, &Silent, &plan, replace).await
}

async fn back(store: &Arc<dyn ObjectStore>, point: Option<&str>) -> Vec<(String, Bytes)> {
    let destination = MemoryStore::new();
    let wanted = point.map_or(RestoreTo::Newest, |point| RestoreTo::Point(point.to_string()));
    let restored = restore(store, &destination, &wanted, false).await.expect("restores");
    let contents = contents(&destination).await;
    assert_eq!(restored.objects, contents.len() as u64);
    contents
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_keeps_the_size_is_copied_and_nothing_else_is_read() {
    let (bucket, store) = (bucket("sync").await, memory());
    for i in 0..40 {
        let body = Bytes::from(format!("image {:02}", i / 2));
        bucket.put(&format!("img/{i:02} ä.jpg"), body).await.expect("puts");
    }
    bucket.put("empty", Bytes::new()).await.expect("puts");
    let large = Bytes::from((0..9_000_000_u32).map(|i| (i % 251) as u8).collect::<Vec<u8>>());
    bucket.put("large.bin", large).await.expect("puts");
    let (first, reads) = take(&bucket, &store).await;
    assert_eq!((first.uploads, reads), (42, 43), "each once, the large one twice");
    assert_eq!(first.objects.len(), 20 + 1 + 1 + 1, "equal bytes are kept once, beside the list");
    let was = contents(&bucket).await;
    assert_eq!(back(&store, None).await, was);

    let (_, reads) = take(&bucket, &store).await;
    assert_eq!(reads, 0, "nothing changed");

    // The same size, other bytes; a tool that looks at sizes or times would pass it over.
    bucket.put("img/07 ä.jpg", Bytes::from_static(b"IMAGE 03")).await.expect("puts");
    bucket.delete("img/08 ä.jpg").await.expect("deletes");
    let (third, reads) = take(&bucket, &store).await;
    assert_eq!((third.uploads, reads), (41, 1));
    assert_eq!(back(&store, None).await, contents(&bucket).await);
    assert_eq!(back(&store, Some(&first.id)).await, was, "the first point is as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_under_an_older_time_in_a_directory_are_copied() {
    let (folder, store) = (tempfile::tempdir().expect("a folder"), memory());
    let inner: Arc<dyn ObjectStore> = Arc::new(DirectoryStore::new(folder.path()));
    let uploads = Counted::new(inner);
    uploads.put("a", Bytes::from_static(b"one")).await.expect("puts");
    take(&uploads, &store).await;
    uploads.put("a", Bytes::from_static(b"two")).await.expect("puts");
    let file = std::fs::File::options().write(true).open(folder.path().join("a")).expect("opens");
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).expect("an older time");
    take(&uploads, &store).await;
    assert_eq!(back(&store, None).await, [("a".to_string(), Bytes::from_static(b"two"))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_blob_is_refused_at_restore_and_mended_by_the_next_sync() {
    let (bucket, store) = (bucket("mend").await, memory());
    bucket.put("a", Bytes::from_static(b"kept")).await.expect("puts");
    bucket.put("b", Bytes::from_static(b"lost")).await.expect("puts");
    let (manifest, _) = take(&bucket, &store).await;
    let blobs: Vec<String> =
        manifest.objects.iter().map(|o| o.key.clone()).filter(|k| k.starts_with("blobs/")).collect();
    let body = store.get(&blobs[0]).await.expect("reads");
    store.delete(&blobs[0]).await.expect("deletes");
    let destination = MemoryStore::new();
    let restore = async || restore(&store, &destination, &RestoreTo::Newest, false).await;
    let fault = restore().await.expect_err("a blob is missing");
    assert_eq!(fault.kind, FaultKind::Corrupt);
    assert!(contents(&destination).await.is_empty(), "nothing was written");

    let (_, reads) = take(&bucket, &store).await;
    assert_eq!(reads, 1, "the one whose bytes are gone is read again");
    assert_eq!(back(&store, Some(&manifest.id)).await, contents(&bucket).await, "both points are whole");

    let mut flipped = body.to_vec();
    flipped[0] ^= 1;
    store.put(&blobs[0], flipped.into()).await.expect("puts");
    assert_eq!(restore().await.expect_err("a bit is flipped").kind, FaultKind::Corrupt);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_holds_something_is_refused_unless_told() {
    let (bucket, store) = (bucket("taken").await, memory());
    bucket.put("a", Bytes::from_static(b"new")).await.expect("puts");
    take(&bucket, &store).await;
    let destination = MemoryStore::new();
    destination.put("a", Bytes::from_static(b"old")).await.expect("puts");
    let restore = async |replace| restore(&store, &destination, &RestoreTo::Newest, replace).await;
    assert_eq!(restore(false).await.expect_err("it holds something").kind, FaultKind::Conflict);
    assert_eq!(destination.get("a").await.expect("reads"), "old");
    restore(true).await.expect("told to");
    assert_eq!(destination.get("a").await.expect("reads"), "new");
}
