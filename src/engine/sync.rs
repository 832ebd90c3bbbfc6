//! Uploads: a bucket into the repository, content-addressed, and back out again.
//!
//! An object is read only if the newest point does not hold it under the same tag: neither size nor time is trusted,
//! since other bytes may come with the same of both. What the bucket held is a list; the bytes are blobs that all
//! points share.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::Semaphore;

use super::event::{Event, Unit};
use super::phases::Phases;
use super::record::{self, RunOf};
use super::transfer::{self, SMALL};
use super::{Listener, pipeline, points, unpack};
use crate::base::{Compression, Fault, FaultKind, Instant, Result, Span};
use crate::policy::Consistency;
use crate::port::{Clock, ObjectStore};
use crate::port::{ObjectInfo, Written};
use crate::repository::key::BLOBS;
use crate::repository::manifest::{FORMAT, ManifestKind, UploadEntry};
use crate::repository::{Key, Manifest, ObjectEntry, SnapshotName};

#[derive(Debug, Clone)]
pub struct SyncRequest {
    pub asset: String,
    pub protection: Option<String>,
    pub expires_after: Option<Span>,
}

/// What went out to a bucket or directory.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct UploadsRestored {
    pub point: String,
    pub objects: u64,
    pub bytes: u64,
}

const AT_ONCE: usize = 16;
/// Large ones hold parts of an upload in memory; so few bound it.
const LARGE_AT_ONCE: usize = 2;
/// Unpacked size of a list; far above a hundred million objects' worth of memory, it is no list.
const LIST_BYTES_MAX: u64 = 4 << 30;

/// Takes a recovery point of every object in `bucket`; reads only what is new or changed since the newest one.
pub async fn run(
    bucket: &dyn ObjectStore,
    store: Arc<dyn ObjectStore>,
    clock: &dyn Clock,
    listener: &dyn Listener,
    request: &SyncRequest,
) -> Result<Manifest> {
    run_until(bucket, store, clock, listener, request, std::future::pending()).await
}

/// As [`run`], but gives up when `stop` is ready first: no manifest, so no point; its blobs serve the next run.
pub async fn run_until(
    bucket: &dyn ObjectStore,
    store: Arc<dyn ObjectStore>,
    clock: &dyn Clock,
    listener: &dyn Listener,
    request: &SyncRequest,
    stop: impl Future<Output = ()> + Send,
) -> Result<Manifest> {
    let started_at = clock.now();
    let id = record::new_id(started_at);
    let name = SnapshotName::new(&request.asset, &id)?;
    let result = tokio::select! {
        result = attempt(bucket, store.as_ref(), clock, listener, request, &name) => result,
        () = stop => Err(Fault::new(FaultKind::Interrupted, "the backup was stopped before it was whole")),
    };
    let protection = request.protection.as_deref();
    let ended = RunOf { id: &id, verb: "backup", asset: &request.asset, protection, started_at };
    record::run_ended(ended, result.as_ref().err(), store.as_ref(), clock, listener).await;
    result
}

async fn attempt(
    bucket: &dyn ObjectStore,
    store: &dyn ObjectStore,
    clock: &dyn Clock,
    listener: &dyn Listener,
    request: &SyncRequest,
    name: &SnapshotName,
) -> Result<Manifest> {
    let mut phases = Phases { listener, done: Vec::new() };
    let listing = phases.begin("list", None, Unit::Objects);
    let started_at = clock.now();
    let listed = bucket.list("").await?;
    let before = Before::read(store, &request.asset, listener).await?;
    phases.end(listing, 0);

    let total = listed.iter().map(|object| object.bytes).sum();
    let copying = phases.begin("copy", Some(total), Unit::Bytes);
    let large = Semaphore::new(LARGE_AT_ONCE);
    let copies = stream::iter(&listed).map(|object| one(bucket, store, listener, &before, &large, object));
    let entries: Vec<Option<UploadEntry>> = copies.buffered(AT_ONCE).try_collect().await?;
    let entries: Vec<UploadEntry> = entries.into_iter().flatten().collect();
    let bytes = entries.iter().map(|entry| entry.bytes).sum();
    phases.end(copying, bytes);

    let list =
        pipeline::store_small(store, &name.uploads().to_string(), Compression::default(), lines(&entries)?).await?;
    let manifest = Manifest {
        format: FORMAT,
        id: name.id.to_string(),
        asset: request.asset.clone(),
        protection: request.protection.clone(),
        kind: ManifestKind::Uploads,
        started_at,
        finished_at: clock.now(),
        consistent_at: started_at,
        cluster_time: None,
        consistency: Consistency::None,
        databases: Vec::new(),
        exclude: Vec::new(),
        expires_at: request.expires_after.map(|span| started_at + span),
        tool_version: env!("CARGO_PKG_VERSION").to_string(),
        server_version: None,
        objects: objects(&entries, list)?,
        collections: Vec::new(),
        own_log: None,
        uploads: entries.len() as u64,
        bytes_raw: bytes,
        timings: phases.done,
    };
    match store.put_new(&name.manifest().to_string(), manifest.encode()?).await? {
        Written::New => Ok(manifest),
        Written::Existed => Err(Fault::new(FaultKind::Conflict, format!("a snapshot `{}` is there already", name.id))
            .help("run the backup again; its name comes from the clock")),
    }
}

/// What the repository holds already.
struct Before {
    uploads: HashMap<String, UploadEntry>,
    blobs: HashMap<String, u64>,
}

impl Before {
    async fn read(store: &dyn ObjectStore, asset: &str, listener: &dyn Listener) -> Result<Self> {
        let mut notes = Vec::new();
        let newest = points::of(store, asset, ManifestKind::Uploads, &mut notes).await?.into_iter().next();
        let uploads = match &newest {
            Some(newest) => entries(store, newest).await.unwrap_or_else(|fault| {
                notes.push(format!("{}: everything is read again", record::chain(&fault)));
                Vec::new()
            }),
            None => Vec::new(),
        };
        notes.into_iter().for_each(|note| listener.on(Event::Warning(note)));
        let uploads = uploads.into_iter().map(|entry| (entry.key.clone(), entry)).collect();
        let blobs = store.list(BLOBS).await?.into_iter().map(|blob| (blob.key, blob.bytes)).collect();
        Ok(Before { uploads, blobs })
    }

    /// The entry of an object that has not changed, if its bytes are still here.
    fn unchanged(&self, object: &ObjectInfo) -> Option<&UploadEntry> {
        let entry = self.uploads.get(&object.key)?;
        let same = object.etag.is_some() && entry.etag == object.etag && entry.bytes == object.bytes;
        let blob = Key::blob(&entry.sha256).ok()?.to_string();
        (same && self.blobs.get(&blob) == Some(&entry.bytes)).then_some(entry)
    }
}

/// Brings one object in; none if it is gone since it was listed.
async fn one(
    bucket: &dyn ObjectStore,
    store: &dyn ObjectStore,
    listener: &dyn Listener,
    before: &Before,
    large: &Semaphore,
    object: &ObjectInfo,
) -> Result<Option<UploadEntry>> {
    let advanced = || listener.on(Event::Advanced { phase: "copy", by: object.bytes });
    if let Some(entry) = before.unchanged(object) {
        advanced();
        return Ok(Some(entry.clone()));
    }
    let copied = if object.bytes <= SMALL {
        transfer::small_in(bucket, store, &object.key, &before.blobs).await
    } else {
        let _turn = large.acquire().await.map_err(|error| Fault::bug("no turn is left").because(error))?;
        transfer::large_in(bucket, store, &object.key, &before.blobs).await
    };
    match copied {
        Ok((sha256, bytes)) => {
            advanced();
            Ok(Some(UploadEntry { key: object.key.clone(), bytes, etag: object.etag.clone(), sha256 }))
        }
        Err(fault) if fault.kind == FaultKind::Missing && bucket.head(&object.key).await?.is_none() => {
            listener.on(Event::Note(format!("`{}` was removed while the bucket was read", object.key)));
            Ok(None)
        }
        Err(fault) => Err(fault.within(format!("cannot copy `{}`", object.key))),
    }
}

fn lines(entries: &[UploadEntry]) -> Result<String> {
    let mut text = String::new();
    for entry in entries {
        text += &serde_json::to_string(entry).map_err(|error| Fault::bug("cannot write JSON").because(error))?;
        text.push('\n');
    }
    Ok(text)
}

/// The blobs, each once, and the list, in order of key.
fn objects(entries: &[UploadEntry], list: ObjectEntry) -> Result<Vec<ObjectEntry>> {
    let mut objects = BTreeMap::from([(list.key.clone(), list)]);
    for entry in entries {
        let key = Key::blob(&entry.sha256)?.to_string();
        objects.insert(key.clone(), ObjectEntry { key, bytes: entry.bytes, sha256: entry.sha256.clone() });
    }
    Ok(objects.into_values().collect())
}

/// The list of a point, checked.
async fn entries(store: &dyn ObjectStore, manifest: &Manifest) -> Result<Vec<UploadEntry>> {
    let key = SnapshotName::new(&manifest.asset, &manifest.id)?.uploads().to_string();
    let object = manifest.objects.iter().find(|object| object.key == key);
    let object =
        object.ok_or_else(|| Fault::corrupt(format!("the manifest of `{}` does not list `{key}`", manifest.id)))?;
    let text = unpack::whole(store, object, LIST_BYTES_MAX).await?;
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let entries = lines.map(serde_json::from_slice::<UploadEntry>).collect::<Result<Vec<_>, _>>();
    entries.map_err(|error| Fault::corrupt(format!("cannot read `{key}`")).because(error))
}

/// Writes the objects of an uploads point (the newest if `point` is none) into `destination`, which must hold nothing;
/// with `replace`, objects of the same key are overwritten and others stay.
pub async fn restore(
    store: Arc<dyn ObjectStore>,
    destination: &dyn ObjectStore,
    listener: &dyn Listener,
    asset: &str,
    point: Option<&str>,
    replace: bool,
) -> Result<UploadsRestored> {
    let store = store.as_ref();
    let (manifest, entries) = plan_uploads(store, asset, point).await?;
    if !replace && let Some(first) = destination.list("").await?.first() {
        let address = destination.address();
        return Err(Fault::new(
            FaultKind::Conflict,
            format!("{address} already holds objects, such as `{}`", first.key),
        )
        .help("nothing was changed; name an empty place, or overwrite with --replace"));
    }
    let mut phases = Phases { listener, done: Vec::new() };
    let writing = phases.begin("load", Some(manifest.bytes_raw), Unit::Bytes);
    let large = &Semaphore::new(LARGE_AT_ONCE);
    let writes = stream::iter(&entries).map(|entry| async move {
        let small = entry.bytes <= SMALL;
        let turn = async { if small { None } else { large.acquire().await.ok() } };
        let _turn = turn.await;
        let written = transfer::out(store, destination, entry).await;
        written.map_err(|fault| fault.within(format!("cannot restore `{}`", entry.key)))?;
        listener.on(Event::Advanced { phase: "load", by: entry.bytes });
        Ok::<_, Fault>(entry.bytes)
    });
    let bytes = writes.buffer_unordered(AT_ONCE).try_fold(0, async |sum, bytes| Ok(sum + bytes)).await?;
    phases.end(writing, bytes);
    Ok(UploadsRestored { point: manifest.id, objects: entries.len() as u64, bytes })
}

/// The point and its list, once every blob is known to be there.
pub async fn plan_uploads(
    store: &dyn ObjectStore,
    asset: &str,
    point: Option<&str>,
) -> Result<(Manifest, Vec<UploadEntry>)> {
    let manifest = match point {
        Some(id) => points::one(store, &SnapshotName::new(asset, id)?).await?,
        None => {
            let newest = points::of(store, asset, ManifestKind::Uploads, &mut Vec::new()).await?.into_iter().next();
            newest.ok_or_else(|| Fault::missing(format!("there is no recovery point of uploads for `{asset}`")))?
        }
    };
    if manifest.kind != ManifestKind::Uploads {
        return Err(Fault::usage(format!("`{}` of `{asset}` holds a database, not uploads", manifest.id))
            .help("restore it without --uploads"));
    }
    let entries = entries(store, &manifest).await?;
    let listed: HashMap<String, u64> =
        store.list(BLOBS).await?.into_iter().map(|blob| (blob.key, blob.bytes)).collect();
    let looks = stream::iter(&manifest.objects).map(|object| async {
        // A listing may be short: before it speaks against an object, that one is asked after.
        let there = listed.get(&object.key) == Some(&object.bytes)
            || store.head(&object.key).await?.is_some_and(|info| info.bytes == object.bytes);
        if there { Ok(()) } else { Err(Fault::corrupt(format!("`{}` is missing or not whole", object.key))) }
    });
    let looked: Result<()> = looks.buffer_unordered(AT_ONCE).try_collect().await;
    looked.map_err(|fault| {
        fault.within(format!("`{}` cannot be restored", manifest.id)).help("nothing was written; restore another point")
    })?;
    Ok((manifest, entries))
}

/// The newest uploads point at or before an instant: what was uploaded by then, and nothing from after it.
pub async fn point_at(store: &dyn ObjectStore, asset: &str, at: Instant) -> Result<String> {
    let mut points = points::of(store, asset, ManifestKind::Uploads, &mut Vec::new()).await?.into_iter();
    let point = points.find(|point| point.consistent_at <= at).map(|point| point.id);
    point.ok_or_else(|| {
        Fault::missing(format!("no recovery point of the uploads of `{asset}` lies at or before {at}"))
            .help("`plimsoll inventory` lists the recovery points; name a later instant, or one of them with --point")
    })
}

/// A note for people: what a sync took in.
pub fn summary(manifest: &Manifest) -> String {
    let size = crate::base::Bytes(manifest.bytes_raw);
    format!("{} objects, {size}, in {} objects of the repository", manifest.uploads, manifest.objects.len())
}
