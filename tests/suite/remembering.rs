//! What this machine remembers of a repository: only what is new is read again, and nothing that the memory says can stand
//! for what the store does not hold.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use plimsoll::base::{Instant, Result};
use plimsoll::evidence::Evidence;
use plimsoll::port::{Flow, ObjectInfo, ObjectStore, Upload, Written};
use plimsoll::repository::catalog;
use plimsoll::store::S3Options;
use plimsoll::store::memory::MemoryStore;
use plimsoll::store::remembering::Remembering;

use super::repository_catalog::Story;
use super::servers;

/// A store that counts what is asked of it.
#[derive(Debug)]
struct Counted {
    store: Arc<dyn ObjectStore>,
    gets: AtomicUsize,
    keys: Mutex<Vec<String>>,
}

impl Counted {
    fn new(store: Arc<dyn ObjectStore>) -> Arc<Self> {
        Arc::new(Counted { store, gets: AtomicUsize::new(0), keys: Mutex::default() })
    }

    fn read_since(&self) -> usize {
        self.keys.lock().expect("keys").clear();
        self.gets.swap(0, Ordering::Relaxed)
    }
}

#[async_trait]
impl ObjectStore for Counted {
    fn address(&self) -> String {
        self.store.address()
    }
    async fn get(&self, key: &str) -> Result<Bytes> {
        self.gets.fetch_add(1, Ordering::Relaxed);
        self.keys.lock().expect("keys").push(key.to_string());
        self.store.get(key).await
    }
    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>> {
        self.store.list(prefix).await
    }
    async fn read(&self, key: &str) -> Result<Flow<Bytes>> {
        self.store.read(key).await
    }
    async fn head(&self, key: &str) -> Result<Option<ObjectInfo>> {
        self.store.head(key).await
    }
    async fn put(&self, key: &str, body: Bytes) -> Result<()> {
        self.store.put(key, body).await
    }
    async fn put_new(&self, key: &str, body: Bytes) -> Result<Written> {
        self.store.put_new(key, body).await
    }
    async fn upload(&self, key: &str) -> Result<Box<dyn Upload>> {
        self.store.upload(key).await
    }
    async fn delete(&self, key: &str) -> Result<()> {
        self.store.delete(key).await
    }
}

const NOW: Instant = Instant(1_795_435_200_000);

async fn audit(store: &Arc<Counted>, cache: &Path) -> Evidence {
    let store = Remembering::new(store.clone(), cache);
    let evidence = catalog::read(&store, NOW).await.expect("evidence");
    store.forget_the_rest();
    evidence
}

fn json(evidence: &Evidence) -> String {
    serde_json::to_string(evidence).expect("JSON")
}

fn remembered(cache: &Path) -> Vec<std::path::PathBuf> {
    let folders = std::fs::read_dir(cache).expect("a cache").flatten();
    folders.flat_map(|folder| std::fs::read_dir(folder.path()).expect("a folder").flatten()).map(|f| f.path()).collect()
}

async fn a_second_audit_reads_only_what_is_new_in(store: Arc<dyn ObjectStore>) {
    let (cache, counted) = (tempfile::tempdir().expect("a folder"), Counted::new(store.clone()));
    let story = Story::on(store.clone());
    for number in 0..30 {
        story.snapshot(&format!("s{number:02}"), number * 10).await;
    }
    audit(&counted, cache.path()).await;
    assert_eq!(counted.read_since(), 30);
    story.snapshot("s30", 300).await;
    story.snapshot("s31", 310).await;
    let evidence = audit(&counted, cache.path()).await;
    assert_eq!(counted.read_since(), 2, "the new manifests alone");
    let without = catalog::read(store.as_ref(), NOW).await.expect("evidence");
    assert_eq!(json(&evidence), json(&without), "the same as without a memory");
    assert_eq!(evidence.points.len(), 32);
}

#[tokio::test]
async fn a_second_audit_reads_only_what_is_new() {
    a_second_audit_reads_only_what_is_new_in(Arc::new(MemoryStore::new())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_audit_of_a_real_bucket_reads_only_what_is_new() {
    let s3 = servers::s3().await;
    let options = S3Options {
        endpoint: Some(s3.endpoint.clone()),
        region: Some("us-east-1".into()),
        credentials: Some((s3.access_key.clone(), s3.secret_key.clone())),
    };
    let bucket = servers::bucket("remembering").await;
    let store = plimsoll::store::open(&format!("s3://{bucket}/x"), &options).await.expect("a store");
    a_second_audit_reads_only_what_is_new_in(store).await;
}

#[tokio::test]
async fn a_memory_that_lies_is_found_out_and_replaced() {
    let (cache, store) = (tempfile::tempdir().expect("a folder"), Arc::new(MemoryStore::new()));
    let counted = Counted::new(store.clone());
    Story::on(store.clone()).snapshot("s1", 10).await;
    let honest = json(&audit(&counted, cache.path()).await);
    for file in remembered(cache.path()) {
        // The same snapshot, made to look newer, under the digest of the true one.
        let text = std::fs::read_to_string(&file).expect("a manifest");
        let consistent_at = "\"consistent_at\": \"".to_string();
        assert!(text.contains("consistent_at"), "{consistent_at}");
        std::fs::write(&file, text.replace("2026-11-23T", "2026-11-24T").replace("\"bytes_raw\"", "\"bytes_raw\" "))
            .expect("written");
    }
    counted.read_since();
    assert_eq!(json(&audit(&counted, cache.path()).await), honest, "nothing of the lie is believed");
    assert_eq!(counted.read_since(), 1, "it is read again");
    audit(&counted, cache.path()).await;
    assert_eq!(counted.read_since(), 0, "and remembered rightly");
}

#[tokio::test]
async fn what_the_store_no_longer_holds_or_holds_otherwise_is_not_remembered_for_it() {
    let (cache, store) = (tempfile::tempdir().expect("a folder"), Arc::new(MemoryStore::new()));
    let counted = Counted::new(store.clone());
    let story = Story::on(store.clone());
    story.snapshot("s1", 10).await;
    story.snapshot("s2", 20).await;
    audit(&counted, cache.path()).await;
    assert_eq!(remembered(cache.path()).len(), 2);

    store.delete("snapshots/shop/s1/manifest.json").await.expect("deleted");
    let evidence = audit(&counted, cache.path()).await;
    assert_eq!(evidence.points.len(), 1, "what is gone is gone, remembered or not");
    assert_eq!(remembered(cache.path()).len(), 1, "and forgotten");

    let body = store.get("snapshots/shop/s2/manifest.json").await.expect("a manifest");
    let changed = String::from_utf8_lossy(&body)
        .replace("\"bytes_raw\": 40", "\"bytes_raw\": 41")
        .replace("\"bytes_raw\":40", "\"bytes_raw\":41");
    store.put("snapshots/shop/s2/manifest.json", changed.into_bytes().into()).await.expect("put");
    counted.read_since();
    let evidence = audit(&counted, cache.path()).await;
    assert_eq!((evidence.points[0].bytes_restored, counted.read_since()), (Some(41), 1));
}
