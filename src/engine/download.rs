//! A recovery point as a plain directory of mongodump, which stock `mongorestore` reads without Plimsoll; and where an
//! instant after it is wanted, the log up to there as `oplog.bson` beside it.
//!
//! Everything is proven by its hash while it is written. Files that gzip has packed stay so, since `mongorestore --gzip`
//! reads them; of a dump that only Plimsoll reads, all are unpacked: the tool takes all files of a dump for one or the other.

use std::collections::BTreeSet;

use bson::RawDocument;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::content::documents;
use super::event::{Event, Listener, Unit};
use super::head_count::HeadCount;
use super::index_book::IndexBook;
use super::phases::Phases;
use super::plan::RestorePlan;
use super::rewrite;
use super::scope::Scope;
use super::selection::Selection;
use super::sift::sift;
use super::translate::{Translator, time_of};
use super::{compress, opened, restore, transfer, unpack};
use crate::base::{Codec, Compression, Fault, Result};
use crate::port::{Attributes, CollectionKind, Flow, ObjectStore, Upload};
use crate::repository::sealed_name::{is_sealed, without_seal};
use crate::repository::{Key, ObjectEntry, OwnLog};

const PHASE: &str = "write";
const AT_ONCE: usize = 4;
/// Metadata and the versions: far above what they are.
const TEXT_BYTES_MAX: u64 = 64 << 20;
const LOG: &str = "oplog.bson";

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Downloaded {
    pub point: String,
    pub files: usize,
    /// Stored bytes that were read and proven.
    pub bytes: u64,
    /// Entries of the log beside the dump; none where the point itself is wanted.
    pub entries: Option<u64>,
    /// How `mongorestore` is to be called, but for the server and the directory.
    pub flags: Vec<&'static str>,
}

/// How the files will be packed.
fn codec(plan: &RestorePlan) -> Codec {
    let data = plan.base.collections.iter().map(|c| c.data.as_ref().unwrap_or(&c.metadata));
    if data.into_iter().all(|key| unpack::codec(key) == Codec::Gzip) { Codec::Gzip } else { Codec::Plain }
}

/// The flags that `mongorestore` needs for what [`run`] writes.
pub fn flags(plan: &RestorePlan) -> Vec<&'static str> {
    let gzip = (codec(plan) == Codec::Gzip).then_some("--gzip");
    gzip.into_iter().chain(plan.replays().then_some("--oplogReplay")).collect()
}

pub async fn run(
    plan: &RestorePlan,
    store: &dyn ObjectStore,
    into: &dyn ObjectStore,
    listener: &dyn Listener,
) -> Result<Downloaded> {
    let mut phases = Phases { listener, done: Vec::new() };
    let total = plan.objects().iter().map(|object| object.bytes).sum();
    let writing = phases.begin(PHASE, Some(total), Unit::Bytes);
    let codec = codec(plan);
    let own_log = plan.base.own_log.as_ref().map(|log| &log.key);
    let is_of_contents =
        |object: &ObjectEntry| object.key.parse().is_ok_and(|key: Key| matches!(key.unsealed(), Key::Contents(_)));
    let is_file = |object: &&ObjectEntry| !is_of_contents(object);
    let files = plan.base.objects.iter().filter(is_file).filter(|object| Some(&object.key) != own_log);
    let writes = files.clone().map(|object| async move {
        file(store, object, into, codec).await.map_err(|f| f.within(format!("cannot write `{}`", object.key)))?;
        listener.on(Event::Advanced { phase: PHASE, by: object.bytes });
        Ok::<_, Fault>(())
    });
    stream::iter(writes).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    let entries = match plan.replays() {
        false => None,
        true => Some(log(plan, store, into, codec, listener).await?),
    };
    phases.end(writing, total);
    let files = files.count() + usize::from(entries.is_some());
    Ok(Downloaded { point: plan.base.id.clone(), files, bytes: total, entries, flags: flags(plan) })
}

/// One object of the base.
async fn file(store: &dyn ObjectStore, object: &ObjectEntry, into: &dyn ObjectStore, codec: Codec) -> Result<()> {
    let key = object.key.parse::<Key>();
    let (Some((_, path)), Ok(key)) = (without_seal(&object.key).split_once("/dump/"), key) else {
        return Err(Fault::corrupt("it is no file of a dump"));
    };
    let (plain, own) = Codec::split(path);
    let path = format!("{plain}{}", codec.suffix());
    match key.unsealed() {
        Key::Data(..) | Key::Metadata(..) if own == codec => copy(store, object, into, &path).await,
        Key::Data(..) => unpacked(store, object, into, &path).await,
        Key::Metadata(..) | Key::Prelude(_) => {
            let text = unpack::whole(store, object, TEXT_BYTES_MAX).await?;
            into.put(&path, packed(codec, text.into())?).await
        }
        _ => Err(Fault::corrupt("it is no file of a dump")),
    }
}

async fn copy(store: &dyn ObjectStore, object: &ObjectEntry, into: &dyn ObjectStore, path: &str) -> Result<()> {
    if is_sealed(&object.key) {
        return streamed(opened::flow(store, object).await?, into, path).await;
    }
    match transfer::pass(store.read(&object.key).await?, into, path, &Attributes::default(), &object.sha256).await? {
        true => Ok(()),
        false => Err(Fault::corrupt("it holds other bytes than its manifest says")
            .help("nothing was written; download another recovery point")),
    }
}

async fn unpacked(store: &dyn ObjectStore, object: &ObjectEntry, into: &dyn ObjectStore, path: &str) -> Result<()> {
    let batches = unpack::documents(store, object).await?.map_ok(|batch| batch.bytes);
    streamed(Box::pin(batches), into, path).await
}

/// Nothing is visible under `path` unless every piece came, and the object was what it should be.
async fn streamed(mut pieces: Flow<Bytes>, into: &dyn ObjectStore, path: &str) -> Result<()> {
    let mut upload = into.upload(path).await?;
    while let Some(piece) = pieces.next().await {
        let written = match piece {
            Ok(piece) => upload.write(piece).await,
            Err(fault) => Err(fault),
        };
        if let Err(fault) = written {
            // The first fault is the one to tell.
            let _ = upload.abort().await;
            return Err(fault);
        }
    }
    upload.finish().await
}

/// The base's own log and that of the slices, as far as it is wanted: `mongorestore` replays it onto the dump. How many entries it has.
async fn log(
    plan: &RestorePlan,
    store: &dyn ObjectStore,
    into: &dyn ObjectStore,
    codec: Codec,
    listener: &dyn Listener,
) -> Result<u64> {
    let mut upload = into.upload(LOG).await?;
    match entries(plan, store, upload.as_mut(), codec, listener).await {
        Ok(entries) => upload.finish().await.map(|()| entries),
        Err(fault) => {
            // The first fault is the one to tell.
            let _ = upload.abort().await;
            Err(fault.within(format!("cannot write `{LOG}`")))
        }
    }
}

async fn entries(
    plan: &RestorePlan,
    store: &dyn ObjectStore,
    upload: &mut dyn Upload,
    codec: Codec,
    listener: &dyn Listener,
) -> Result<u64> {
    let (scope, selection) = (Scope::of(&plan.base), Selection::default().within(&plan.base.databases));
    let mut after = plan.base.cluster_time.ok_or_else(|| Fault::bug("a log for a base without a time"))?;
    let until = plan.until.unwrap_or(after);
    let mut translator = rehearsal(plan, store).await?;
    let mut entries = match plan.own_log()? {
        Some((own, object)) => own_entries(own, &object, store, upload, codec, &mut translator).await?,
        None => 0,
    };
    for slice in &plan.slices {
        let mut batches = std::pin::pin!(unpack::documents(store, &slice.object()).await?);
        while let Some(batch) = batches.next().await {
            let mut kept = BytesMut::new();
            for entry in documents(&batch?.bytes) {
                let unreadable = |error| Fault::corrupt(format!("`{}` holds no BSON", slice.key)).because(error);
                let entry = RawDocument::from_bytes(entry?).map_err(unreadable)?;
                let at = time_of(entry)?;
                // Slices may overlap: what was taken once is not taken again.
                if at <= after || at > until {
                    continue;
                }
                after = at;
                let Some(entry) = sift(entry, &scope)? else { continue };
                let Some(entry) = rewrite::taken(&entry, &selection)? else { continue };
                let stock = rewrite::apart(entry.clone(), |db, collection| translator.indexes.of(db, collection))?;
                for entry in stock {
                    kept.extend_from_slice(entry.as_bytes());
                    entries += 1;
                }
                translator.feed(&entry)?;
            }
            if !kept.is_empty() {
                upload.write(packed(codec, kept.freeze())?).await?;
            }
        }
        listener.on(Event::Advanced { phase: PHASE, by: slice.header.bytes });
    }
    if entries == 0 {
        upload.write(packed(codec, Bytes::new())?).await?;
    }
    Ok(entries)
}

/// The base's own log, which is as stock tools replay it. How many entries it has.
async fn own_entries(
    own: &OwnLog,
    object: &ObjectEntry,
    store: &dyn ObjectStore,
    upload: &mut dyn Upload,
    codec: Codec,
    translator: &mut Translator,
) -> Result<u64> {
    let from = if own.gzip { Codec::Gzip } else { Codec::Plain };
    let mut batches = std::pin::pin!(unpack::packed(store, object, from).await?);
    let mut entries = 0;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        entries += batch.tally.documents;
        for entry in documents(&batch.bytes) {
            let unreadable = |error| Fault::corrupt(format!("`{}` holds no BSON", object.key)).because(error);
            translator.feed(RawDocument::from_bytes(entry?).map_err(unreadable)?)?;
        }
        upload.write(packed(codec, batch.bytes)?).await?;
    }
    Ok(entries)
}

/// Knows the indexes of each collection at every entry, and refuses what cannot be replayed.
async fn rehearsal(plan: &RestorePlan, store: &dyn ObjectStore) -> Result<Translator> {
    let (mut indexes, mut with_views) = (IndexBook::default(), BTreeSet::new());
    for collection in restore::prepare(plan, store).await? {
        let entry = &collection.entry;
        collection.indexes.iter().try_for_each(|index| indexes.add(&entry.db, &entry.name, index))?;
        if entry.kind != CollectionKind::Collection {
            with_views.insert(entry.db.clone());
        }
    }
    Ok(Translator::new(plan.scope(), indexes, HeadCount::default(), with_views))
}

/// As a file of the dump is packed; several pieces of one file are one file too.
fn packed(codec: Codec, raw: Bytes) -> Result<Bytes> {
    match codec {
        Codec::Gzip => compress::pack(Compression::default(), raw),
        _ => Ok(raw),
    }
}
