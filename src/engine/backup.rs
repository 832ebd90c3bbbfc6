//! A recovery point of a database: everything of one instant, stored in mongodump's layout, manifest last.
//!
//! The order is the promise: data, then a look at what the store says it holds, then the manifest by a write that
//! cannot overwrite. A run that fails takes away what it wrote, and says so as evidence.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::json;

use super::compress::Workers;
use super::dump::{self, Opened, Reading, Wanted};
use super::event::Unit;
use super::patience::{self, Patience};
use super::record::{self, RunOf};
use super::{Event, Listener, begun, contents, kept, leftovers, look_back, own_log, pipeline, publish, skew};
use crate::base::{Bytes as Size, Compression, Fault, FaultKind, Instant, Keeping, OpTime, Result, Span};
use crate::evidence::Phase;
use crate::policy::Consistency;
use crate::port::{Clock, MongoSource, ObjectStore};
use crate::port::{CollectionInfo, ServerInfo};
use crate::repository::key::SnapshotName;
use crate::repository::manifest::{FORMAT, ManifestKind};
use crate::repository::{CollectionEntry, Manifest, ObjectEntry, Seal};

/// Collections read at once: enough to keep the server and all cores busy, few enough to bound memory.
const AT_ONCE: usize = 3;
/// Objects asked after at once.
const HEADS_AT_ONCE: usize = 16;

#[derive(Debug, Clone, Default)]
pub struct BackupRequest {
    pub asset: String,
    /// The policy's protection that this run serves.
    pub protection: Option<String>,
    pub wanted: Wanted,
    /// Reads plainly from the start, with the log of that time, where a snapshot would do.
    pub with_log: bool,
    pub expires_after: Option<Span>,
    pub compression: Compression,
    /// How the store is asked to keep it.
    pub keeping: Keeping,
}

/// Takes one recovery point, whole or not at all.
pub async fn run(
    source: &dyn MongoSource,
    store: Arc<dyn ObjectStore>,
    clock: &dyn Clock,
    listener: &dyn Listener,
    request: &BackupRequest,
) -> Result<Manifest> {
    run_until(source, store, clock, listener, request, std::future::pending()).await
}

/// As [`run`], but gives up, and cleans up, when `stop` is ready first.
pub async fn run_until(
    source: &dyn MongoSource,
    store: Arc<dyn ObjectStore>,
    clock: &dyn Clock,
    listener: &dyn Listener,
    request: &BackupRequest,
    stop: impl Future<Output = ()> + Send,
) -> Result<Manifest> {
    let started_at = clock.now();
    let id = record::new_id(started_at);
    let name = SnapshotName::new(&request.asset, &id)?;
    let result = match kept::on_terms(store.as_ref(), &request.keeping.from(started_at)).await {
        Ok(kept) => {
            let (store, written) = (&*kept, Mutex::default());
            let run = Run { source, store, clock, listener, request, name, started_at, written };
            run.whole_or_nothing(stop).await
        }
        Err(fault) => Err(fault),
    };
    let protection = request.protection.as_deref();
    let ended = RunOf { id: &id, verb: "backup", asset: &request.asset, protection, started_at };
    record::run_ended(ended, result.as_ref().err(), store.as_ref(), clock, listener).await;
    if result.is_ok() {
        leftovers::clear(ended, store.as_ref(), listener).await;
    }
    result
}

/// One run with all that its parts need.
struct Run<'a> {
    source: &'a dyn MongoSource,
    store: &'a dyn ObjectStore,
    clock: &'a dyn Clock,
    listener: &'a dyn Listener,
    request: &'a BackupRequest,
    name: SnapshotName,
    started_at: Instant,
    /// Keys that may hold something of this run, noted before they are written.
    written: Mutex<Vec<String>>,
}

impl Run<'_> {
    async fn whole_or_nothing(&self, stop: impl Future<Output = ()> + Send) -> Result<Manifest> {
        let result = tokio::select! {
            result = self.attempt() => result,
            () = stop => Err(Fault::new(FaultKind::Interrupted, "the backup was stopped before it was whole")),
        };
        if result.is_err()
            && let Err(trouble) = self.take_away().await
        {
            self.listener.on(Event::Warning(record::chain(&trouble)));
        }
        result
    }

    async fn attempt(&self) -> Result<Manifest> {
        let server = self.source.info().await?;
        dump::excluded_is_there(self.source, &self.request.wanted).await?;
        let manifest = self.read(&server, self.reading(&server)).await?;
        self.publish(&manifest).await?;
        Ok(manifest)
    }

    fn reading(&self, server: &ServerInfo) -> Reading {
        match server.replica_set {
            None => {
                self.listener.on(Event::Warning(
                    "the server is standalone: collections are read one after another, so this recovery point is not \
                     of one instant (consistency none); run mongod with --replSet, even alone"
                        .to_string(),
                ));
                Reading::Plain
            }
            Some(_) if self.request.with_log => Reading::WithLog,
            Some(_) => Reading::Snapshot,
        }
    }

    /// Reads until all is read: again where that can help, in the other way where the server keeps no snapshot.
    async fn read(&self, server: &ServerInfo, mut reading: Reading) -> Result<Manifest> {
        let mut patience = Patience::new(self.listener);
        loop {
            let fault = match self.read_once(server, reading).await {
                Ok(manifest) => return Ok(manifest),
                Err(fault) => fault,
            };
            if fault.kind == FaultKind::Gone && reading == Reading::Snapshot {
                reading = Reading::WithLog;
                self.listener.on(Event::Warning(format!(
                    "{}; reading again, plainly, with the log of the time that it takes (consistency oplog)",
                    record::chain(&fault)
                )));
            } else if !patience.again(&fault).await {
                return Err(patience::outlasted(fault));
            }
            while let Err(trouble) = self.take_away().await {
                if !patience.again(&trouble).await {
                    return Err(patience::outlasted(fault));
                }
            }
        }
    }

    /// All of it, read once; nothing makes it visible yet.
    async fn read_once(&self, server: &ServerInfo, reading: Reading) -> Result<Manifest> {
        let mut timings = Vec::new();
        self.note(self.name.begun().to_string());
        begun::say(self.store, &self.name, self.request.protection.as_deref(), self.started_at).await?;
        let reading_from = self.clock.now();
        let clock = std::time::Instant::now();
        let opened = dump::open(self.source, self.listener, &self.request.wanted, reading).await?;
        let at = opened.at;
        if let Some(skew) = at.and_then(|at| skew::told(self.clock.now(), at)) {
            self.listener.on(Event::Warning(skew));
        }
        let infos: Vec<CollectionInfo> = opened.collections.iter().map(|c| c.info.clone()).collect();
        timings.push(self.finished("open", clock, 0));

        let clock = std::time::Instant::now();
        let (mut objects, mut collections, bytes_raw) = self.dump(opened).await?;
        objects.push(self.prelude(&server.version).await?);
        if self.store.keys().seals() {
            let key = self.note(self.name.contents().sealed_for(&self.store.keys()).to_string());
            objects.push(contents::store(self.store, &key, &mut collections).await?);
        }
        timings.push(self.finished("dump", clock, bytes_raw));
        let mut cluster_time = at;
        let mut own_log = None;
        if let (Reading::WithLog, Some(first)) = (reading, at) {
            let clock = std::time::Instant::now();
            let kept = self.own_log(first, &infos).await?;
            timings.push(self.finished("log", clock, kept.bytes));
            cluster_time = Some(kept.last);
            objects.push(kept.object);
            own_log = Some(kept.log);
        }
        objects.sort_by(|a, b| a.key.cmp(&b.key));

        let clock = std::time::Instant::now();
        self.look_back_patiently(&objects).await?;
        timings.push(self.finished("check", clock, 0));
        Ok(Manifest {
            format: FORMAT,
            id: self.name.id.to_string(),
            asset: self.request.asset.clone(),
            protection: self.request.protection.clone(),
            kind: ManifestKind::Database,
            started_at: self.started_at,
            finished_at: self.clock.now(),
            consistent_at: cluster_time.map_or(reading_from, |at| at.instant()),
            cluster_time,
            consistency: consistency(reading),
            databases: self.request.wanted.databases.clone(),
            exclude: self.request.wanted.exclude.clone(),
            expires_at: self.request.expires_after.map(|span| self.started_at + span),
            locked_until: self.request.keeping.from(self.started_at).locked_until,
            seal: Seal::of(&self.store.keys()),
            tool_version: env!("CARGO_PKG_VERSION").to_string(),
            server_version: Some(server.version.clone()),
            objects,
            collections,
            own_log,
            uploads: 0,
            versions: None,
            bytes_raw,
            timings,
        })
    }

    /// The log from `first` to after all that was read.
    async fn own_log(&self, first: OpTime, infos: &[CollectionInfo]) -> Result<own_log::Kept> {
        let key = self.note(self.name.oplog().sealed_for(&self.store.keys()).to_string());
        let workers = Workers::new(self.request.compression.of_texts());
        let (source, store, scope) = (self.source, self.store, self.request.wanted.scope());
        let kept = own_log::store(source, store, &key, &workers, &scope, first, infos).await?;
        if kept.users_changed && self.request.wanted.users_and_roles {
            self.listener.on(Event::Warning(
                "users or roles were changed while the backup ran: they are as they stood when they were read"
                    .to_string(),
            ));
        }
        Ok(kept)
    }

    /// All collections, a few at once, the largest first so that no big one is left for the end alone.
    async fn dump(&self, opened: Opened) -> Result<(Vec<ObjectEntry>, Vec<CollectionEntry>, u64)> {
        let total = opened.bytes();
        self.listener.on(Event::Started { phase: "dump", total, unit: Unit::Bytes });
        let workers = Workers::new(self.request.compression);
        let advanced = |by| self.listener.on(Event::Advanced { phase: "dump", by });
        let expected = opened.collections.len();
        let stored: Vec<(CollectionEntry, Vec<ObjectEntry>)> = stream::iter(opened.collections)
            .map(|collection| self.collection(collection, &workers, &advanced))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let (mut collections, objects): (Vec<_>, Vec<_>) = stored.into_iter().unzip();
        let objects: Vec<ObjectEntry> = objects.into_iter().flatten().collect();
        collections.sort_by(|a, b| (&a.db, &a.name).cmp(&(&b.db, &b.name)));
        if collections.len() != expected {
            return Err(Fault::bug(format!("{expected} collections were opened, {} stored", collections.len())));
        }
        let bytes = collections.iter().map(|c| c.bytes).sum();
        Ok((objects, collections, bytes))
    }

    async fn collection(
        &self,
        collection: dump::OpenCollection,
        workers: &Workers,
        advanced: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<(CollectionEntry, Vec<ObjectEntry>)> {
        let info = collection.info;
        let (codec, of_texts) = (workers.compression.codec(), workers.compression.of_texts());
        let within = |fault: Fault| fault.within(format!("cannot back up `{}.{}`", info.db, info.name));
        let keys = self.store.keys();
        let key = self.name.metadata(&info.db, &info.name, of_texts.codec())?.sealed_for(&keys);
        let key = self.note(key.to_string());
        let text = dump::metadata(&info)?;
        let metadata = pipeline::store_small(self.store, &key, of_texts, text).await.map_err(within)?;
        let mut entry = CollectionEntry {
            db: info.db.clone(),
            name: info.name.clone(),
            kind: info.kind,
            documents: 0,
            bytes: 0,
            content: super::content::ContentHash::new().to_hex(),
            indexes: u32::try_from(info.indexes.len()).unwrap_or(u32::MAX),
            data: None,
            metadata: key,
        };
        let mut objects = vec![metadata];
        if let Some(documents) = collection.documents {
            let key = self.name.data(&info.db, &dump::data_name(&info), codec)?.sealed_for(&keys);
            let key = self.note(key.to_string());
            let stored = pipeline::store(documents, self.store, &key, workers, advanced).await.map_err(within)?;
            entry.documents = stored.tally.documents;
            entry.bytes = stored.tally.bytes;
            entry.content = stored.tally.content.to_hex();
            entry.data = Some(key);
            objects.push(stored.object);
        }
        Ok((entry, objects))
    }

    /// What newer dumps carry beside their collections: `mongorestore` reads the server's version from it.
    async fn prelude(&self, server_version: &str) -> Result<ObjectEntry> {
        let key = self.note(self.name.prelude().sealed_for(&self.store.keys()).to_string());
        let tool = format!("plimsoll {}", env!("CARGO_PKG_VERSION"));
        let text = json!({ "ServerVersion": server_version, "ToolVersion": tool }).to_string();
        pipeline::store_whole(self.store, &key, Bytes::from(text)).await
    }

    /// Looks back at what was stored: a store that is busy just then is no reason to read everything again.
    async fn look_back_patiently(&self, objects: &[ObjectEntry]) -> Result<()> {
        let mut patience = Patience::new(self.listener);
        loop {
            match look_back::all(self.store, objects).await {
                Err(fault) if patience.again(&fault).await => {}
                looked => return looked,
            }
        }
    }

    /// From here on the snapshot exists.
    async fn publish(&self, manifest: &Manifest) -> Result<()> {
        manifest.assert_whole()?;
        publish::publish_own(self.store, (self.clock, self.listener), manifest).await
    }

    /// Removes what this run wrote. What cannot be removed stays noted, for another try.
    async fn take_away(&self) -> Result<()> {
        // Another run's snapshot of the same name keeps its objects; without a manifest these are this run's own.
        let left = || format!("`{}` was left as it is: it may hold a manifest", self.name.prefix());
        let manifest = self.store.head(&self.name.manifest().to_string()).await;
        if manifest.map_err(|fault| fault.within(left()))?.is_some() {
            return Err(Fault::new(FaultKind::Conflict, left()));
        }
        // What says that it began goes last: what is left by then is found by it.
        let begun = self.name.begun().to_string();
        let (last, keys): (Vec<String>, Vec<String>) =
            std::mem::take(&mut *self.lock()).into_iter().partition(|key| *key == begun);
        let many = keys.len();
        let (keys, mut why) = self.delete(keys).await;
        let left = keys.len();
        let (last, of_last) = if left == 0 { self.delete(last).await } else { (last, Vec::new()) };
        self.lock().extend(keys.into_iter().chain(last));
        why.extend(of_last);
        let what = || {
            format!(
                "{left} of {many} objects of the failed run could not be removed; without a manifest they are no snapshot"
            )
        };
        why.pop().map_or(Ok(()), |why| Err(why.within(what())))
    }

    /// What could not be deleted, and why.
    async fn delete(&self, keys: Vec<String>) -> (Vec<String>, Vec<Fault>) {
        let deletions = keys.into_iter().map(|key| async { self.store.delete(&key).await.err().map(|why| (key, why)) });
        let failed = stream::iter(deletions).buffer_unordered(HEADS_AT_ONCE).filter_map(std::future::ready);
        failed.unzip().await
    }

    fn note(&self, key: String) -> String {
        self.lock().push(key.clone());
        key
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.written.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn finished(&self, phase: &'static str, since: std::time::Instant, bytes: u64) -> Phase {
        let took = Span::millis(i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX));
        self.listener.on(Event::Finished { phase, took, bytes });
        Phase::new(phase, took, bytes)
    }
}

fn consistency(reading: Reading) -> Consistency {
    match reading {
        Reading::Snapshot => Consistency::Snapshot,
        Reading::WithLog => Consistency::Oplog,
        Reading::Plain => Consistency::None,
    }
}

/// One line for people.
pub fn summary(manifest: &Manifest) -> String {
    let stored: u64 = manifest.objects.iter().map(|object| object.bytes).sum();
    let documents: u64 = manifest.collections.iter().map(|c| c.documents).sum();
    format!(
        "{} documents in {} collections, {} stored as {}",
        documents,
        manifest.collections.len(),
        Size(manifest.bytes_raw),
        Size(stored)
    )
}
