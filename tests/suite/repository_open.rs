//! What makes a store a repository, and which stores cannot be one.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use plimsoll::base::{FaultKind, Instant, Result};
use plimsoll::port::{Clock, ObjectStore};
use plimsoll::port::{Flow, ObjectInfo, Upload, Written};
use plimsoll::repository;
use plimsoll::store::memory::MemoryStore;

/// A clock that stands still.
#[derive(Debug)]
pub struct Noon;

impl Clock for Noon {
    fn now(&self) -> Instant {
        Instant(1_795_435_200_000)
    }
}

/// Takes every conditional write for a plain one, as some S3 gateways do.
#[derive(Debug, Clone, Default)]
struct Careless(MemoryStore);

#[async_trait]
impl ObjectStore for Careless {
    fn address(&self) -> String {
        "careless".to_string()
    }
    async fn put(&self, key: &str, body: Bytes) -> Result<()> {
        self.0.put(key, body).await
    }
    async fn put_new(&self, key: &str, body: Bytes) -> Result<Written> {
        self.0.put(key, body).await.map(|()| Written::New)
    }
    async fn upload(&self, key: &str) -> Result<Box<dyn Upload>> {
        self.0.upload(key).await
    }
    async fn get(&self, key: &str) -> Result<Bytes> {
        self.0.get(key).await
    }
    async fn read(&self, key: &str) -> Result<Flow<Bytes>> {
        self.0.read(key).await
    }
    async fn head(&self, key: &str) -> Result<Option<ObjectInfo>> {
        self.0.head(key).await
    }
    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>> {
        self.0.list(prefix).await
    }
    async fn delete(&self, key: &str) -> Result<()> {
        self.0.delete(key).await
    }
}

#[tokio::test]
async fn opening_makes_a_repository_once_and_keeps_its_id() {
    let store = MemoryStore::new();
    assert_eq!(repository::require(&store).await.expect_err("empty").kind, FaultKind::Missing);
    repository::open(Arc::new(store.clone()), &Noon).await.expect("opens");
    let first = store.get("plimsoll.json").await.expect("the header");
    repository::open(Arc::new(store.clone()), &Noon).await.expect("opens again");
    assert_eq!(store.get("plimsoll.json").await.expect("the header"), first);
    repository::require(&store).await.expect("a repository");
}

#[tokio::test]
async fn two_repositories_have_different_ids() {
    let id = || async {
        let store = MemoryStore::new();
        repository::open(Arc::new(store.clone()), &Noon).await.expect("opens");
        let header: serde_json::Value =
            serde_json::from_slice(&store.get("plimsoll.json").await.expect("the header")).expect("JSON");
        header["id"].as_str().expect("an id").to_string()
    };
    assert_ne!(id().await, id().await);
}

#[tokio::test]
async fn a_store_that_ignores_conditions_is_refused_and_left_as_it_was() {
    let store = Careless::default();
    let opened = repository::open(Arc::new(store.clone()), &Noon).await.expect_err("no guard against races");
    assert_eq!(opened.kind, FaultKind::Unsupported);
    assert!(opened.help.as_deref().is_some_and(|help| help.contains("If-None-Match")), "{opened:?}");
    assert_eq!(store.list("").await.expect("lists"), [], "nothing is left of the try");

    // One that was made there through another door stays.
    let made = MemoryStore::new();
    repository::open(Arc::new(made.clone()), &Noon).await.expect("opens");
    let header = made.get("plimsoll.json").await.expect("the header");
    repository::open(Arc::new(Careless(made.clone())), &Noon).await.expect_err("the same store, another door");
    assert_eq!(made.get("plimsoll.json").await.expect("the header"), header);
}

#[tokio::test]
async fn a_newer_format_and_a_foreign_file_are_refused() {
    let store = MemoryStore::new();
    let newer = r#"{"format": 2, "id": "x", "created_at": "2026-11-23T00:00:00Z", "something": "new"}"#;
    store.put("plimsoll.json", Bytes::from_static(newer.as_bytes())).await.expect("put");
    for outcome in [repository::require(&store).await, repository::open(Arc::new(store.clone()), &Noon).await] {
        let fault = outcome.expect_err("a newer format");
        assert_eq!(fault.kind, FaultKind::Unsupported);
        assert!(fault.to_string().contains("format 2"), "{fault}");
    }
    store.put("plimsoll.json", Bytes::from_static(b"not ours")).await.expect("put");
    assert_eq!(repository::require(&store).await.expect_err("foreign").kind, FaultKind::Corrupt);
}
