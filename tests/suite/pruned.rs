//! Helpers for the stories about pruning: a clock that is turned by hand, a store that tells the time by it, points and
//! slices of chosen days, and a reader of its own that holds every visible point against its manifest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use plimsoll::base::{Fault, Instant, Keeping, OpTime, Result, Span};
use plimsoll::engine::event::Silent;
use plimsoll::engine::prune::{self, Plan, PruneRequest, Pruned};
use plimsoll::engine::sync::{self, SyncRequest};
use plimsoll::policy::{self, Consistency, Policy, SourceText};
use plimsoll::port::{Clock, Flow, ObjectInfo, ObjectStore, ObjectVersion, Upload, Written};
use plimsoll::repository::manifest::{FORMAT, ManifestKind};
use plimsoll::repository::{Manifest, ObjectEntry, SliceHeader, SliceName, SnapshotName};
use plimsoll::store::memory::MemoryStore;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

/// Turned by hand.
#[derive(Debug)]
pub struct Hand(AtomicI64);

impl Hand {
    pub fn at(text: &str) -> Arc<Hand> {
        Arc::new(Hand(AtomicI64::new(at(text).0)))
    }

    pub fn turn(&self, by: Span) {
        self.0.fetch_add(by.0, Ordering::SeqCst);
    }

    pub fn set(&self, to: Instant) {
        self.0.store(to.0, Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now(&self) -> Instant {
        Instant(self.0.load(Ordering::SeqCst))
    }
}

pub fn at(text: &str) -> Instant {
    text.parse().expect("an instant")
}

/// A call to a store that is armed to fail, or to never return: there a run is killed.
#[derive(Debug)]
pub struct Trouble {
    left: AtomicI64,
    kills: AtomicBool,
    killed: watch::Sender<bool>,
}

impl Default for Trouble {
    fn default() -> Self {
        Trouble { left: AtomicI64::new(-1), kills: AtomicBool::new(false), killed: watch::channel(false).0 }
    }
}

impl Trouble {
    /// The call, counted from 0 on among those that write or ask, and whether it kills.
    pub fn arm(&self, at: Option<(i64, bool)>) {
        let (left, kills) = at.unwrap_or((-1, false));
        self.kills.store(kills, Ordering::SeqCst);
        self.killed.send_replace(false);
        self.left.store(left, Ordering::SeqCst);
    }

    async fn step(&self) -> Result<()> {
        match (self.left.fetch_sub(1, Ordering::SeqCst), self.kills.load(Ordering::SeqCst)) {
            (0, false) => Err(Fault::corrupt("the store broke, as told")),
            (0, true) => {
                self.killed.send_replace(true);
                std::future::pending().await
            }
            _ => Ok(()),
        }
    }

    /// Ready once a call never returns.
    pub async fn killed(&self) {
        self.killed.subscribe().wait_for(|killed| *killed).await.expect("the trouble is there");
    }
}

/// A store that tells when things were written by a clock of its own, and breaks where it is told to.
#[derive(Debug)]
pub struct Dated {
    pub inner: Arc<dyn ObjectStore>,
    pub clock: Arc<Hand>,
    written: Mutex<BTreeMap<String, Instant>>,
    trouble: Arc<Trouble>,
}

impl Dated {
    pub fn over(inner: Arc<dyn ObjectStore>, clock: Arc<Hand>) -> Arc<dyn ObjectStore> {
        Dated::in_trouble(inner, clock, Arc::default())
    }

    pub fn in_trouble(inner: Arc<dyn ObjectStore>, clock: Arc<Hand>, trouble: Arc<Trouble>) -> Arc<dyn ObjectStore> {
        Arc::new(Dated { inner, clock, written: Mutex::default(), trouble })
    }

    fn note(&self, key: &str) {
        self.written.lock().unwrap().insert(key.to_string(), self.clock.now());
    }

    fn dated(&self, info: ObjectInfo) -> ObjectInfo {
        let modified_at = self.written.lock().unwrap().get(&info.key).copied();
        ObjectInfo { modified_at, ..info }
    }
}

#[async_trait]
impl ObjectStore for Dated {
    fn address(&self) -> String {
        self.inner.address()
    }
    async fn put(&self, key: &str, body: Bytes) -> Result<()> {
        self.trouble.step().await?;
        self.note(key);
        self.inner.put(key, body).await
    }
    async fn put_new(&self, key: &str, body: Bytes) -> Result<Written> {
        self.trouble.step().await?;
        let written = self.inner.put_new(key, body).await?;
        if written == Written::New {
            self.note(key);
        }
        Ok(written)
    }
    async fn upload(&self, key: &str) -> Result<Box<dyn Upload>> {
        self.trouble.step().await?;
        self.note(key);
        self.inner.upload(key).await
    }
    async fn get(&self, key: &str) -> Result<Bytes> {
        self.inner.get(key).await
    }
    async fn read(&self, key: &str) -> Result<Flow<Bytes>> {
        self.inner.read(key).await
    }
    async fn head(&self, key: &str) -> Result<Option<ObjectInfo>> {
        self.trouble.step().await?;
        Ok(self.inner.head(key).await?.map(|info| self.dated(info)))
    }
    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>> {
        Ok(self.inner.list(prefix).await?.into_iter().map(|info| self.dated(info)).collect())
    }
    async fn versions(&self, prefix: &str) -> Result<Option<Vec<ObjectVersion>>> {
        self.inner.versions(prefix).await
    }
    async fn delete(&self, key: &str) -> Result<()> {
        self.inner.delete(key).await
    }
    async fn erase(&self, key: &str) -> Result<()> {
        self.inner.erase(key).await
    }
}

pub const POLICY: &str = r#"plimsoll = 1
name = "shop"
domain = { live = { kind = "cluster" }, files = { kind = "bucket" }, vault = { kind = "bucket" } }
[asset.shop]
kind = "mongodb"
lives_in = ["live"]
[asset.uploads]
kind = "s3"
lives_in = ["files"]
[protection.nightly]
kind = "snapshot"
assets = ["shop"]
schedule = "0 3 * * *"
takes = "30min"
stored_in = ["vault"]
retention = "5d"
KEEP
[protection.oplog]
kind = "log"
assets = ["shop"]
lag = "1min"
window = "2d"
stored_in = ["vault"]
[protection.copies]
kind = "snapshot"
assets = ["uploads"]
schedule = "0 4 * * *"
takes = "30min"
stored_in = ["vault"]
retention = "3d"
"#;

pub fn policy(keep: &str) -> Policy {
    policy::parse(SourceText::new("plan.toml", POLICY.replace("KEEP", keep))).expect("a policy")
}

pub fn sha256(body: &[u8]) -> String {
    Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A point of the database, as a backup that took ten minutes leaves it.
pub async fn point(store: &dyn ObjectStore, id: &str, of: Instant) -> Manifest {
    point_with(store, id, of, |_| ()).await
}

pub async fn point_with(
    store: &dyn ObjectStore,
    id: &str,
    of: Instant,
    change: impl FnOnce(&mut Manifest),
) -> Manifest {
    let name = SnapshotName::new("shop", id).expect("a name");
    let key = format!("{}dump/prelude.json", name.prefix());
    let body = Bytes::from(format!("the data of {id}"));
    store.put(&key, body.clone()).await.expect("puts");
    let object = ObjectEntry { key, bytes: body.len() as u64, sha256: sha256(&body) };
    let mut manifest = Manifest {
        format: FORMAT,
        id: id.to_string(),
        asset: "shop".to_string(),
        protection: Some("nightly".to_string()),
        kind: ManifestKind::Database,
        started_at: of,
        finished_at: of + Span::minutes(10),
        consistent_at: of,
        cluster_time: Some(OpTime::new((of.0 / 1000) as u32, 1)),
        consistency: Consistency::Snapshot,
        databases: Vec::new(),
        exclude: Vec::new(),
        expires_at: None,
        locked_until: None,
        seal: None,
        tool_version: "test".to_string(),
        server_version: None,
        objects: vec![object],
        collections: Vec::new(),
        own_log: None,
        uploads: 0,
        versions: None,
        bytes_raw: 100,
        timings: Vec::new(),
    };
    change(&mut manifest);
    let body = manifest.encode().expect("encodes");
    store.put_new(&name.manifest().to_string(), body).await.expect("puts");
    manifest
}

/// A log of slices of six hours, hung on each other, from one instant to another.
pub async fn log(store: &dyn ObjectStore, from: Instant, until: Instant) {
    let (mut first, mut previous) = (from, None);
    while first < until {
        let last = first + Span::hours(6);
        let op = |at: Instant| OpTime::new((at.0 / 1000) as u32, 1);
        let name = SliceName::new("shop", op(first), op(last)).expect("a name");
        let body = Bytes::from(format!("the log from {first} to {last}"));
        store.put(&name.data().to_string(), body.clone()).await.expect("puts");
        let header = SliceHeader {
            format: FORMAT,
            asset: "shop".to_string(),
            protection: Some("oplog".to_string()),
            first: op(first),
            last: op(last),
            entries: 1,
            bytes: body.len() as u64,
            sha256: sha256(&body),
            seal: None,
            number: 0,
            hung_as: None,
            previous,
            written_at: last,
            locked_until: None,
        };
        previous = Some(header.sha256.clone());
        store.put_new(&name.header().to_string(), header.encode().expect("encodes")).await.expect("puts");
        first = last;
    }
}

/// A point of these uploads.
pub async fn uploads(store: &Arc<dyn ObjectStore>, clock: &dyn Clock, files: &[(&str, &str)]) -> Result<Manifest> {
    let bucket = MemoryStore::new();
    for (key, body) in files {
        bucket.put(key, Bytes::copy_from_slice(body.as_bytes())).await.expect("puts");
    }
    let request = SyncRequest {
        asset: "uploads".to_string(),
        protection: Some("copies".to_string()),
        expires_after: None,
        keeping: Keeping::default(),
    };
    sync::run(&bucket, Arc::clone(store), clock, &Silent, &request).await
}

pub async fn plan(store: &dyn ObjectStore, clock: &dyn Clock, policy: &Policy) -> Result<Plan> {
    let request = PruneRequest { policy: Some(policy), grace: Some(Span::days(1)), ..PruneRequest::default() };
    prune::make(store, clock.now(), &request).await
}

pub async fn prune(store: &dyn ObjectStore, clock: &dyn Clock, policy: &Policy) -> Result<Pruned> {
    let plan = plan(store, clock, policy).await?;
    prune::apply(store, clock, &Silent, &plan).await
}

/// The points and slices that are visible, each held against its manifest or header by a reader that knows nothing of the
/// engine: whatever they list is there, with its bytes.
pub async fn whole(store: &dyn ObjectStore) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for object in store.list("").await.expect("lists") {
        let is_header = object.key.starts_with("oplog/") && object.key.ends_with(".json");
        if !(object.key.ends_with("/manifest.json") || is_header) {
            continue;
        }
        let told: serde_json::Value =
            serde_json::from_slice(&store.get(&object.key).await.expect("reads")).expect("JSON");
        let listed = match told["objects"].as_array() {
            Some(objects) => objects.iter().map(|o| (o["key"].as_str().expect("a key").to_string(), o)).collect(),
            None => vec![(object.key.replace(".json", ".bson.gz"), &told)],
        };
        for (key, entry) in listed {
            let body = store.get(&key).await.unwrap_or_else(|fault| panic!("{} lists `{key}`: {fault}", object.key));
            assert_eq!(entry["sha256"].as_str(), Some(sha256(&body).as_str()), "{key}");
        }
        seen.insert(object.key);
    }
    seen
}

/// The ids of the visible points of an asset.
pub async fn points(store: &dyn ObjectStore, asset: &str) -> Vec<String> {
    let prefix = format!("snapshots/{asset}/");
    let of =
        |key: &str| key.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix("/manifest.json")).map(String::from);
    whole(store).await.iter().filter_map(|key| of(key)).collect()
}
