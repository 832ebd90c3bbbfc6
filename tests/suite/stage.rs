//! What the engine's stories share: an ear for events, a store that breaks where it is told to, a server that is
//! meddled with at a chosen moment.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use plimsoll::base::{Fault, OpTime, Result};
use plimsoll::engine::{Event, Listener};
use plimsoll::mongo::Source;
use plimsoll::port::{CollectionInfo, Flow, ObjectInfo, ServerInfo, Upload, Written};
use plimsoll::port::{MongoSource, ObjectStore};
use plimsoll::store::memory::MemoryStore;

/// Keeps what it hears.
#[derive(Default)]
pub struct Heard(Mutex<Vec<Event>>);

impl Listener for Heard {
    fn on(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

impl Heard {
    pub fn warnings(&self) -> Vec<String> {
        let events = self.0.lock().unwrap();
        events.iter().filter_map(|e| if let Event::Warning(text) = e { Some(text.clone()) } else { None }).collect()
    }

    pub fn notes(&self) -> Vec<String> {
        let events = self.0.lock().unwrap();
        events.iter().filter_map(|e| if let Event::Note(text) = e { Some(text.clone()) } else { None }).collect()
    }
}

/// A store whose n-th call that writes or asks, counted from 0, fails.
#[derive(Debug)]
pub struct Breaking {
    pub inner: MemoryStore,
    left: Arc<AtomicI64>,
}

impl Breaking {
    pub fn once(inner: MemoryStore, at: i64) -> Self {
        Breaking { inner, left: Arc::new(AtomicI64::new(at)) }
    }

    /// Whether the fault was met.
    pub fn broke(&self) -> bool {
        self.left.load(Ordering::SeqCst) < 0
    }
}

fn step(left: &AtomicI64) -> Result<()> {
    match left.fetch_sub(1, Ordering::SeqCst) {
        0 => Err(Fault::corrupt("the store broke, as told")),
        _ => Ok(()),
    }
}

#[async_trait]
impl ObjectStore for Breaking {
    fn address(&self) -> String {
        "breaking".to_string()
    }
    async fn put(&self, key: &str, body: Bytes) -> Result<()> {
        step(&self.left)?;
        self.inner.put(key, body).await
    }
    async fn put_new(&self, key: &str, body: Bytes) -> Result<Written> {
        step(&self.left)?;
        self.inner.put_new(key, body).await
    }
    async fn upload(&self, key: &str) -> Result<Box<dyn Upload>> {
        step(&self.left)?;
        let inner = self.inner.upload(key).await?;
        Ok(Box::new(BreakingUpload { inner, left: Arc::clone(&self.left) }))
    }
    async fn get(&self, key: &str) -> Result<Bytes> {
        self.inner.get(key).await
    }
    async fn read(&self, key: &str) -> Result<Flow<Bytes>> {
        self.inner.read(key).await
    }
    async fn head(&self, key: &str) -> Result<Option<ObjectInfo>> {
        step(&self.left)?;
        self.inner.head(key).await
    }
    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>> {
        self.inner.list(prefix).await
    }
    async fn delete(&self, key: &str) -> Result<()> {
        self.inner.delete(key).await
    }
}

struct BreakingUpload {
    inner: Box<dyn Upload>,
    left: Arc<AtomicI64>,
}

#[async_trait]
impl Upload for BreakingUpload {
    async fn write(&mut self, part: Bytes) -> Result<()> {
        step(&self.left)?;
        self.inner.write(part).await
    }
    async fn finish(self: Box<Self>) -> Result<()> {
        step(&self.left)?;
        self.inner.finish().await
    }
    async fn abort(self: Box<Self>) -> Result<()> {
        self.inner.abort().await
    }
}

/// The moments at which a story may meddle with the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The collections are listed, the cluster time is not yet taken.
    Listed,
    /// A batch of documents was read.
    Read,
}

type Deed = Box<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// A real server, and a deed that is done once, at its moment.
pub struct Meddled {
    pub source: Source,
    pub moment: Moment,
    pub deed: Arc<Mutex<Option<Deed>>>,
    /// The source says that it is standalone.
    pub standalone: bool,
}

impl std::fmt::Debug for Meddled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meddled")
    }
}

impl Meddled {
    pub fn new<F: Future<Output = ()> + Send + 'static>(
        source: Source,
        moment: Moment,
        deed: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self {
        let deed: Deed = Box::new(move || Box::pin(deed()));
        Meddled { source, moment, deed: Arc::new(Mutex::new(Some(deed))), standalone: false }
    }

    pub fn standalone(source: Source) -> Self {
        Meddled { source, moment: Moment::Listed, deed: Arc::default(), standalone: true }
    }
}

impl Meddled {
    fn meddled(&self, flow: Flow<Bytes>) -> Flow<Bytes> {
        use futures_util::StreamExt;
        let (moment, deed) = (self.moment, Arc::clone(&self.deed));
        Box::pin(flow.then(move |batch| {
            let deed = Arc::clone(&deed);
            async move {
                if moment == Moment::Read {
                    meddle(&deed).await;
                }
                batch
            }
        }))
    }
}

async fn meddle(deed: &Mutex<Option<Deed>>) {
    let deed = deed.lock().unwrap().take();
    if let Some(deed) = deed {
        deed().await;
    }
}

#[async_trait]
impl MongoSource for Meddled {
    async fn info(&self) -> Result<ServerInfo> {
        let info = self.source.info().await?;
        Ok(if self.standalone { ServerInfo { replica_set: None, ..info } } else { info })
    }
    async fn databases(&self) -> Result<Vec<String>> {
        self.source.databases().await
    }
    async fn collections(&self, db: &str) -> Result<Vec<CollectionInfo>> {
        self.source.collections(db).await
    }
    async fn cluster_time(&self) -> Result<OpTime> {
        if self.moment == Moment::Listed {
            meddle(&self.deed).await;
        }
        self.source.cluster_time().await
    }
    async fn size(&self, db: &str, collection: &str) -> Option<u64> {
        self.source.size(db, collection).await
    }
    async fn horizon(&self) -> Result<OpTime> {
        self.source.horizon().await
    }
    async fn documents(&self, db: &str, collection: &str, at: Option<OpTime>) -> Result<Flow<Bytes>> {
        Ok(self.meddled(self.source.documents(db, collection, at).await?))
    }
    async fn documents_since(&self, db: &str, collection: &str, from: OpTime) -> Result<Flow<Bytes>> {
        Ok(self.meddled(self.source.documents_since(db, collection, from).await?))
    }
    async fn oplog_first(&self) -> Result<OpTime> {
        self.source.oplog_first().await
    }
    async fn oplog(&self, from: OpTime, until: Option<OpTime>) -> Result<Flow<Bytes>> {
        self.source.oplog(from, until).await
    }
}
