//! Uploads: a bucket into the repository, content-addressed, with the earlier versions that it keeps.
//!
//! An object is read only if the newest point does not hold it under the same version, tag, size and time: neither size
//! nor time alone is trusted, since other bytes may come with the same of both, and a new time under the same tag may
//! bring other metadata. What the bucket held is a list; the bytes are blobs that all points share.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::event::{Event, Unit};
use super::patience::{self, Patience};
use super::phases::Phases;
use super::prune::marks;
use super::publish::publish;
use super::record::{self, RunOf};
use super::transfer::{Intake, Origin};
use super::{Listener, begun, kept, leftovers, pipeline, points, rotten, uploads, vault};
use crate::base::{Compression, Fault, FaultKind, Instant, Keeping, Result, Span, Terms};
use crate::policy::Consistency;
use crate::port::{Clock, ObjectInfo, ObjectStore};
use crate::repository::key::BLOBS;
use crate::repository::manifest::{FORMAT, ManifestKind, UploadEntry};
use crate::repository::{Manifest, ObjectEntry, Seal, SnapshotName};

#[derive(Debug, Clone)]
pub struct SyncRequest {
    pub asset: String,
    pub protection: Option<String>,
    pub expires_after: Option<Span>,
    /// How the store is asked to keep it.
    pub keeping: Keeping,
}

/// A bucket that keeps versions is listed again until it stays the same, this often at most: where something changes all
/// the time, the point is not of one instant, and says so.
const LISTINGS_MORE: usize = 4;
/// Objects asked for at once.
const AT_ONCE: usize = 16;

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
    let terms = request.keeping.from(started_at);
    let taken = async {
        let kept = kept::on_terms(store.as_ref(), &terms).await?;
        let mut patience = Patience::new(listener);
        loop {
            let gathered = gather(bucket, &*kept, clock, listener, request, (&name, started_at, &terms)).await;
            let published = match gathered {
                Ok((manifest, over_before)) => {
                    let published = publish(&*kept, (clock, listener), &manifest, &over_before).await;
                    published.map(|()| manifest)
                }
                Err(fault) => Err(fault),
            };
            match published {
                Ok(manifest) => break Ok(manifest),
                // The blobs that are there by now are not written again.
                Err(fault) if patience.again(&fault).await => {}
                Err(fault) => break Err(patience::outlasted(fault)),
            }
        }
    };
    let result = tokio::select! {
        result = taken => result,
        () = stop => Err(Fault::new(FaultKind::Interrupted, "the backup was stopped before it was whole")),
    };
    let protection = request.protection.as_deref();
    let ended = RunOf { id: &id, verb: "backup", asset: &request.asset, protection, started_at };
    record::run_ended(ended, result.as_ref().err(), store.as_ref(), clock, listener).await;
    if result.is_ok() {
        leftovers::clear(ended, store.as_ref(), listener).await;
    }
    result
}

/// Brings in what is not there yet; nothing makes it visible. With it, the prunings that were over before.
async fn gather(
    bucket: &dyn ObjectStore,
    store: &dyn ObjectStore,
    clock: &dyn Clock,
    listener: &dyn Listener,
    request: &SyncRequest,
    (name, began, terms): (&SnapshotName, Instant, &Terms),
) -> Result<(Manifest, BTreeSet<String>)> {
    let mut phases = Phases { listener, done: Vec::new() };
    begun::say(store, name, request.protection.as_deref(), began).await?;
    let listing = phases.begin("list", None, Unit::Objects);
    let started_at = clock.now();
    let listed = async { Listed::of_one_instant(bucket, clock, listener).await };
    let ((listed, instant), mut before) = tokio::try_join!(listed, Before::read(store, &request.asset, listener))?;
    phases.end(listing, 0);

    let (total, objects_listed) = (listed.objects.iter().map(|object| object.info.bytes).sum(), listed.objects.len());
    let copying = phases.begin("copy", Some(total), Unit::Bytes);
    let over_before = std::mem::take(&mut before.over);
    let entries = before.take_in(bucket, listener, listed.objects, terms).await?;
    // All that was listed is here, and under the tag that it was listed with.
    let as_listed = entries.len() == objects_listed
        && entries.iter().filter_map(|entry| entry.content.as_ref()).all(|content| content.etag.is_some());
    let instant = instant.filter(|_| as_listed);
    let is_current = |entry: &&UploadEntry| !entry.is_older && entry.content.is_some();
    let uploads = entries.iter().filter(is_current).count() as u64;
    let sizes = entries.iter().filter(is_current).filter_map(|entry| entry.content.as_ref());
    let bytes_raw = sizes.map(|content| content.bytes).sum();
    phases.end(copying, bytes_raw);

    let list =
        pipeline::store_small(store, &list_key(store, name), Compression::default(), uploads::lines(&entries)?).await?;
    let manifest = Manifest {
        format: FORMAT,
        id: name.id.to_string(),
        asset: request.asset.clone(),
        protection: request.protection.clone(),
        kind: ManifestKind::Uploads,
        started_at,
        finished_at: clock.now(),
        consistent_at: instant.unwrap_or(started_at),
        cluster_time: None,
        consistency: if instant.is_some() { Consistency::Snapshot } else { Consistency::None },
        databases: Vec::new(),
        exclude: Vec::new(),
        expires_at: request.expires_after.map(|span| started_at + span),
        locked_until: terms.locked_until,
        seal: Seal::of(&store.keys()),
        tool_version: env!("CARGO_PKG_VERSION").to_string(),
        server_version: None,
        objects: objects(&entries, list)?,
        collections: Vec::new(),
        own_log: None,
        uploads,
        versions: listed.keeps_versions.then_some(entries.len() as u64 - uploads),
        bytes_raw,
        timings: phases.done,
    };
    Ok((manifest, over_before))
}

fn list_key(store: &dyn ObjectStore, name: &SnapshotName) -> String {
    name.uploads().sealed_for(&store.keys()).to_string()
}

/// What the bucket says that it holds, in the order of the list.
struct Listed {
    objects: Vec<ListedObject>,
    keeps_versions: bool,
}

#[derive(PartialEq)]
struct ListedObject {
    info: ObjectInfo,
    version: Option<String>,
    is_older: bool,
    is_deletion: bool,
}

impl Listed {
    /// With an instant at which the bucket was just so, where it keeps versions and one can be told. What two listings
    /// in a row both say was there between them: nothing is newer than the second, and no version of the first is gone.
    /// No two clocks are compared.
    async fn of_one_instant(
        bucket: &dyn ObjectStore,
        clock: &dyn Clock,
        listener: &dyn Listener,
    ) -> Result<(Self, Option<Instant>)> {
        let mut listed = Listed::of(bucket, listener).await?;
        for _ in 0..LISTINGS_MORE {
            if !listed.keeps_versions {
                break;
            }
            let between = clock.now();
            let again = Listed::of(bucket, listener).await?;
            if again.objects == listed.objects {
                return Ok((again, Some(between)));
            }
            listed = again;
        }
        Ok((listed, None))
    }

    async fn of(bucket: &dyn ObjectStore, listener: &dyn Listener) -> Result<Self> {
        let versions = match bucket.versions("").await {
            Err(fault) if matches!(fault.kind, FaultKind::Denied | FaultKind::Unsupported) => {
                let why = record::chain(&fault);
                listener.on(Event::Warning(format!("earlier versions of the uploads are not copied: {why}")));
                None
            }
            versions => versions?,
        };
        if let Some(versions) = versions {
            let objects = versions.into_iter().map(|version| ListedObject {
                info: version.info,
                version: Some(version.id),
                is_older: !version.is_latest,
                is_deletion: version.is_deletion,
            });
            return Ok(Listed { objects: objects.collect(), keeps_versions: true });
        }
        let plain = |info| ListedObject { info, version: None, is_older: false, is_deletion: false };
        Ok(Listed { objects: bucket.list("").await?.into_iter().map(plain).collect(), keeps_versions: false })
    }
}

/// What the repository holds already.
struct Before<'a> {
    /// Prunings that were over before anything else was looked at.
    over: BTreeSet<String>,
    uploads: HashMap<(String, Option<String>), UploadEntry>,
    intake: Intake<'a>,
}

impl<'a> Before<'a> {
    async fn read(store: &'a dyn ObjectStore, asset: &str, listener: &dyn Listener) -> Result<Self> {
        let (over, mut notes) = (marks::over(store).await?, Vec::new());
        let blobs = async { store.list(BLOBS).await };
        let manifests = async { points::of(store, asset, ManifestKind::Uploads, &mut notes).await };
        let (manifests, blobs, bad) = tokio::try_join!(manifests, blobs, rotten::found(store, listener))?;
        let uploads = uploads::of_newest(store, manifests.first(), listener, notes).await;
        let uploads = uploads.into_iter().map(|entry| ((entry.key.clone(), entry.version.clone()), entry)).collect();
        let rotten = rotten::still(&bad, &blobs);
        if !rotten.is_empty() {
            let many = rotten.len();
            listener.on(Event::Note(format!(
                "{many} blobs were found wrong, and are brought again where the bucket has them"
            )));
        }
        let sound = blobs.into_iter().filter(|blob| !rotten.contains(&blob.key));
        let blobs: HashMap<String, u64> = sound.map(|blob| (blob.key, blob.bytes)).collect();
        let vault = vault::open(store, &manifests).await?;
        vault.iter().for_each(|vault| vault.keep_listed(&blobs));
        Ok(Before { over, uploads, intake: Intake::new(store, blobs, rotten, vault) })
    }

    /// The entry of an object that has not changed, if its bytes are still here.
    fn unchanged(&mut self, object: &ListedObject) -> Option<UploadEntry> {
        let entry = self.uploads.remove(&(object.info.key.clone(), object.version.clone()))?;
        let content = entry.content.as_ref()?;
        let same = object.info.etag.is_some()
            && content.etag == object.info.etag
            && content.bytes == object.info.bytes
            && entry.modified_at == object.info.modified_at;
        let kept = same && self.intake.holds(content);
        kept.then_some(UploadEntry { is_older: object.is_older, ..entry })
    }

    /// An entry for each object, in the order of the list.
    async fn take_in(
        mut self,
        bucket: &dyn ObjectStore,
        listener: &dyn Listener,
        listed: Vec<ListedObject>,
        terms: &Terms,
    ) -> Result<Vec<UploadEntry>> {
        let mut entries: Vec<(usize, UploadEntry)> = Vec::with_capacity(listed.len());
        let mut changed = Vec::new();
        for (place, object) in listed.into_iter().enumerate() {
            match self.unchanged(&object) {
                Some(entry) => {
                    listener.on(Event::Advanced { phase: "copy", by: object.info.bytes });
                    entries.push((place, entry));
                }
                None => changed.push((place, object)),
            }
        }
        let intake = &self.intake;
        let copies = stream::iter(changed).map(|(place, object)| async move {
            let entry = one(intake, bucket, listener, object).await?;
            Ok::<_, Fault>(entry.map(|entry| (place, entry)))
        });
        let copied: Vec<_> = copies.buffer_unordered(AT_ONCE).try_collect().await?;
        entries.extend(copied.into_iter().flatten());
        entries.sort_by_key(|(place, _)| *place);
        if let Some(until) = terms.locked_until {
            let contents = entries.iter().filter_map(|(_, entry)| entry.content.as_ref());
            let blobs = contents.map(|content| content.blob().map(|blob| blob.key)).collect::<Result<_>>()?;
            intake.lock(blobs, until).await?;
        }
        Ok(entries.into_iter().map(|(_, entry)| entry).collect())
    }
}

/// Brings one object in; none if it is gone since it was listed.
async fn one(
    intake: &Intake<'_>,
    bucket: &dyn ObjectStore,
    listener: &dyn Listener,
    object: ListedObject,
) -> Result<Option<UploadEntry>> {
    let ListedObject { info, version, is_older, is_deletion } = object;
    let origin =
        Origin { bucket, key: &info.key, version: version.as_deref(), bytes: info.bytes, etag: info.etag.as_deref() };
    let content = match is_deletion {
        true => Ok(None),
        false => intake.bring(origin).await.map(Some),
    };
    match content {
        Ok(content) => {
            listener.on(Event::Advanced { phase: "copy", by: info.bytes });
            Ok(Some(UploadEntry { key: info.key, version, is_older, modified_at: info.modified_at, content }))
        }
        Err(fault) if fault.kind == FaultKind::Missing && is_gone(bucket, &info.key, version.as_deref()).await? => {
            listener.on(Event::Note(format!("`{}` was removed while the bucket was read", info.key)));
            Ok(None)
        }
        Err(fault) => Err(fault.within(format!("cannot copy `{}`", info.key))),
    }
}

/// Whether the bucket still answers, and says that the object, or this version of it, is not there.
async fn is_gone(bucket: &dyn ObjectStore, key: &str, version: Option<&str>) -> Result<bool> {
    match version {
        None => Ok(bucket.head(key).await?.is_none()),
        Some(version) => match bucket.open(key, Some(version)).await {
            Ok(_) => Ok(false),
            Err(fault) if fault.kind == FaultKind::Missing => bucket.head(key).await.map(|_| true),
            Err(fault) => Err(fault),
        },
    }
}

/// The blobs, each once, and the list, in order of key.
fn objects(entries: &[UploadEntry], list: ObjectEntry) -> Result<Vec<ObjectEntry>> {
    let mut objects = BTreeMap::from([(list.key.clone(), list)]);
    for content in entries.iter().filter_map(|entry| entry.content.as_ref()) {
        let blob = content.blob()?;
        objects.insert(blob.key.clone(), blob);
    }
    Ok(objects.into_values().collect())
}

/// A note for people: what a sync took in.
pub fn summary(manifest: &Manifest) -> String {
    let size = crate::base::Bytes(manifest.bytes_raw);
    let versions = match manifest.versions {
        Some(count) if count > 0 => format!(", {count} earlier versions and deletions"),
        _ => String::new(),
    };
    let objects = manifest.objects.len();
    format!("{} objects, {size}{versions}, in {objects} objects of the repository", manifest.uploads)
}
