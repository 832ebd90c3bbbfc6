//! A store and a server of which one step, counted over both, waits until it is let go: a process that is killed there,
//! or paused and continued. The steps are counted by what the program does, not by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use plimsoll::base::{OpTime, Result};
use plimsoll::mongo::Source;
use plimsoll::port::{CollectionInfo, Flow, ObjectInfo, ServerInfo, Upload, Written};
use plimsoll::port::{MongoSource, ObjectStore};
use plimsoll::store::memory::MemoryStore;
use tokio::sync::watch;

/// Counts steps; the n-th, from 0, and all after it wait.
#[derive(Debug)]
pub struct Steps {
    left: AtomicI64,
    halted: watch::Sender<bool>,
    released: watch::Sender<bool>,
}

impl Steps {
    pub fn halt_at(step: i64) -> Arc<Steps> {
        Arc::new(Steps {
            left: AtomicI64::new(step),
            halted: watch::channel(false).0,
            released: watch::channel(false).0,
        })
    }

    async fn step(&self) {
        if self.left.fetch_sub(1, Ordering::SeqCst) <= 0 {
            self.halted.send_replace(true);
            self.released.subscribe().wait_for(|released| *released).await.expect("the gate is there");
        }
    }

    /// Ready once the step was reached.
    pub async fn halted(&self) {
        self.halted.subscribe().wait_for(|halted| *halted).await.expect("the gate is there");
    }

    pub fn release(&self) {
        self.released.send_replace(true);
    }
}

#[derive(Debug)]
pub struct HaltingStore(pub MemoryStore, pub Arc<Steps>);

#[async_trait]
impl ObjectStore for HaltingStore {
    fn address(&self) -> String {
        "halting".to_string()
    }
    async fn put(&self, key: &str, body: Bytes) -> Result<()> {
        self.1.step().await;
        self.0.put(key, body).await
    }
    async fn put_new(&self, key: &str, body: Bytes) -> Result<Written> {
        self.1.step().await;
        self.0.put_new(key, body).await
    }
    async fn upload(&self, key: &str) -> Result<Box<dyn Upload>> {
        self.1.step().await;
        let inner = self.0.upload(key).await?;
        Ok(Box::new(HaltingUpload(inner, Arc::clone(&self.1))))
    }
    async fn get(&self, key: &str) -> Result<Bytes> {
        self.1.step().await;
        self.0.get(key).await
    }
    async fn read(&self, key: &str) -> Result<Flow<Bytes>> {
        self.1.step().await;
        self.0.read(key).await
    }
    async fn head(&self, key: &str) -> Result<Option<ObjectInfo>> {
        self.1.step().await;
        self.0.head(key).await
    }
    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>> {
        self.1.step().await;
        self.0.list(prefix).await
    }
    async fn delete(&self, key: &str) -> Result<()> {
        self.1.step().await;
        self.0.delete(key).await
    }
}

struct HaltingUpload(Box<dyn Upload>, Arc<Steps>);

#[async_trait]
impl Upload for HaltingUpload {
    async fn write(&mut self, part: Bytes) -> Result<()> {
        self.1.step().await;
        self.0.write(part).await
    }
    async fn finish(self: Box<Self>) -> Result<()> {
        self.1.step().await;
        self.0.finish().await
    }
    async fn abort(self: Box<Self>) -> Result<()> {
        self.1.step().await;
        self.0.abort().await
    }
}

#[derive(Debug)]
pub struct HaltingSource(pub Source, pub Arc<Steps>);

#[async_trait]
impl MongoSource for HaltingSource {
    async fn info(&self) -> Result<ServerInfo> {
        self.1.step().await;
        self.0.info().await
    }
    async fn databases(&self) -> Result<Vec<String>> {
        self.1.step().await;
        self.0.databases().await
    }
    async fn collections(&self, db: &str) -> Result<Vec<CollectionInfo>> {
        self.1.step().await;
        self.0.collections(db).await
    }
    async fn cluster_time(&self) -> Result<OpTime> {
        self.1.step().await;
        self.0.cluster_time().await
    }
    async fn size(&self, db: &str, collection: &str) -> Option<u64> {
        self.1.step().await;
        self.0.size(db, collection).await
    }
    async fn documents(&self, db: &str, collection: &str, at: Option<OpTime>) -> Result<Flow<Bytes>> {
        self.1.step().await;
        Ok(halting(self.0.documents(db, collection, at).await?, Arc::clone(&self.1)))
    }
    async fn horizon(&self) -> Result<OpTime> {
        self.1.step().await;
        self.0.horizon().await
    }
    async fn documents_since(&self, db: &str, collection: &str, from: OpTime) -> Result<Flow<Bytes>> {
        self.1.step().await;
        Ok(halting(self.0.documents_since(db, collection, from).await?, Arc::clone(&self.1)))
    }
    async fn oplog_first(&self) -> Result<OpTime> {
        self.1.step().await;
        self.0.oplog_first().await
    }
    async fn oplog(&self, from: OpTime, until: Option<OpTime>) -> Result<Flow<Bytes>> {
        self.1.step().await;
        Ok(halting(self.0.oplog(from, until).await?, Arc::clone(&self.1)))
    }
}

fn halting(flow: Flow<Bytes>, steps: Arc<Steps>) -> Flow<Bytes> {
    Box::pin(flow.then(move |batch| {
        let steps = Arc::clone(&steps);
        async move {
            steps.step().await;
            batch
        }
    }))
}
