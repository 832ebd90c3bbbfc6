//! Uploads out of the repository: the list of a point, the state of an instant, and its way back to a bucket or directory.

use std::collections::{HashMap, HashSet};

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::Semaphore;

use super::event::{Event, Unit};
use super::phases::Phases;
use super::plan::{self, RestoreTo};
use super::transfer::{self, LARGE_AT_ONCE, SMALL, turn};
use super::{Listener, opened, points, unpack};
use crate::base::{Bytes, Fault, FaultKind, Instant, Result, Span};
use crate::port::ObjectStore;
use crate::repository::key::BLOBS;
use crate::repository::manifest::{ManifestKind, UploadContent, UploadEntry};
use crate::repository::{Key, Manifest, ObjectEntry, SnapshotName};

const AT_ONCE: usize = 16;
/// Unpacked size of a list; far above a hundred million objects' worth of memory, it is no list.
const LIST_BYTES_MAX: u64 = 4 << 30;

/// What would go out, once every blob of the point is known to be there.
#[derive(Debug, Clone)]
pub struct UploadsPlan {
    pub manifest: Manifest,
    /// The instant whose state this is: the one that was asked for where the point knows the bucket's versions, else the
    /// point's own.
    pub state_of: Instant,
    /// What was asked for, where it was an instant.
    pub at: Option<Instant>,
    /// By key, each with what the bucket held there.
    pub objects: Vec<(String, UploadContent)>,
}

/// What went out to a bucket or directory.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct UploadsRestored {
    pub point: String,
    pub state_of: Instant,
    pub objects: u64,
    pub bytes: u64,
}

impl UploadsPlan {
    pub fn describe(&self) -> String {
        let UploadsPlan { manifest, state_of, at, objects } = self;
        let mut text = format!("Restore uploads `{}`\n", manifest.asset);
        let mut line = |name: &str, value: String| text += &format!("  {name:<10} {value}\n");
        line("point", format!("{}, read from {} on", manifest.id, manifest.consistent_at));
        line("state of", state_of.to_string());
        if let Some(at) = at.filter(|at| at > state_of) {
            let apart = at - *state_of;
            line("apart", format!("{apart} before {at}: what was uploaded or removed between is as it was then"));
        }
        line("holds", format!("{}, {}", plan::count(objects.len(), "object"), Bytes(self.bytes())));
        text
    }

    /// Whether the state is of the very instant that was asked for: the bucket's versions tell it.
    pub fn knows_every_instant(&self) -> bool {
        self.at == Some(self.state_of)
    }

    pub fn bytes(&self) -> u64 {
        self.objects.iter().map(|(_, content)| content.bytes).sum()
    }
}

/// The list as text, a line for each entry.
pub fn lines(entries: &[UploadEntry]) -> Result<String> {
    let mut text = String::new();
    for entry in entries {
        text += &serde_json::to_string(entry).map_err(|error| Fault::bug("cannot write JSON").because(error))?;
        text.push('\n');
    }
    Ok(text)
}

/// The list of a point, checked.
pub async fn entries(store: &dyn ObjectStore, manifest: &Manifest) -> Result<Vec<UploadEntry>> {
    let key = SnapshotName::new(&manifest.asset, &manifest.id)?.uploads();
    let is_list = |object: &&ObjectEntry| object.key.parse().is_ok_and(|found: Key| *found.unsealed() == key);
    let object = manifest.objects.iter().find(is_list);
    let object =
        object.ok_or_else(|| Fault::corrupt(format!("the manifest of `{}` does not list `{key}`", manifest.id)))?;
    let text = unpack::whole(store, object, LIST_BYTES_MAX).await?;
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let entries = lines.map(serde_json::from_slice::<UploadEntry>).collect::<Result<Vec<_>, _>>();
    entries.map_err(|error| Fault::corrupt(format!("cannot read `{key}`")).because(error))
}

/// The list of the newest point; nothing where there is none, or none that can be read.
pub async fn of_newest(
    store: &dyn ObjectStore,
    newest: Option<&Manifest>,
    listener: &dyn Listener,
    mut notes: Vec<String>,
) -> Vec<UploadEntry> {
    let known = match newest {
        Some(newest) if newest.seal.is_some() && store.keys().identities().is_empty() => {
            listener.on(Event::Note(
                "the newest point is sealed, and without an identity its list cannot be read: every object of the bucket \
                 is read again, and stored only where it is new"
                    .to_string(),
            ));
            Vec::new()
        }
        Some(newest) => entries(store, newest).await.unwrap_or_else(|fault| {
            notes.push(format!("{}: everything is read again", super::record::chain(&fault)));
            Vec::new()
        }),
        None => Vec::new(),
    };
    notes.into_iter().for_each(|note| listener.on(Event::Warning(note)));
    known
}

/// Finds the state that is wanted, and looks for every blob of it.
pub async fn plan(store: &dyn ObjectStore, asset: &str, wanted: &RestoreTo) -> Result<UploadsPlan> {
    let of_uploads = async || points::of(store, asset, ManifestKind::Uploads, &mut Vec::new()).await;
    let (manifest, state_of, at) = match wanted {
        RestoreTo::Point(id) => own(points::one(store, &SnapshotName::new(asset, id)?).await?, None),
        RestoreTo::Newest => own(newest(of_uploads().await?, asset)?, None),
        RestoreTo::At(at) => choose(of_uploads().await?, asset, at.instant())?,
    };
    if manifest.kind != ManifestKind::Uploads {
        return Err(Fault::usage(format!("`{}` of `{asset}` holds a database, not uploads", manifest.id))
            .help("restore it without --uploads"));
    }
    let objects = match manifest.consistent_at == state_of {
        true => current(entries(store, &manifest).await?),
        false => as_of(entries(store, &manifest).await?, state_of),
    };
    let plan = UploadsPlan { manifest, state_of, at, objects };
    all_there(store, &plan).await?;
    opened::by_each(store, &plan.manifest.objects).await?;
    Ok(plan)
}

/// A point's own state.
fn own(manifest: Manifest, at: Option<Instant>) -> (Manifest, Instant, Option<Instant>) {
    let state_of = manifest.consistent_at;
    (manifest, state_of, at)
}

fn newest(newest_first: Vec<Manifest>, asset: &str) -> Result<Manifest> {
    let newest = newest_first.into_iter().next();
    newest.ok_or_else(|| Fault::missing(format!("there is no recovery point of uploads for `{asset}`")))
}

/// The point that knows the state at `at` best: the first one after it that lists the bucket's versions, since what was
/// current then is among them; else the newest one before it, which gives its own state.
fn choose(newest_first: Vec<Manifest>, asset: &str, at: Instant) -> Result<(Manifest, Instant, Option<Instant>)> {
    let (after, before): (Vec<_>, Vec<_>) = newest_first.into_iter().partition(|manifest| manifest.consistent_at > at);
    if let Some(manifest) = after.into_iter().rfind(|manifest| manifest.versions.is_some()) {
        return Ok((manifest, at, Some(at)));
    }
    let newest = before.into_iter().next();
    newest.map(|manifest| own(manifest, Some(at))).ok_or_else(|| {
        Fault::missing(format!("no recovery point of the uploads of `{asset}` lies at or before {at}"))
            .help("`plimsoll inventory` lists the recovery points; name a later instant, or one of them with --point")
    })
}

fn current(entries: Vec<UploadEntry>) -> Vec<(String, UploadContent)> {
    let newest = entries.into_iter().filter(|entry| !entry.is_older);
    newest.filter_map(|entry| Some((entry.key, entry.content?))).collect()
}

/// Of each key the newest version that is not newer than `at`; nothing where that is a deletion, or there is none. The
/// instants of S3 are whole seconds, so all of the second that is asked for counts.
fn as_of(entries: Vec<UploadEntry>, at: Instant) -> Vec<(String, UploadContent)> {
    let mut seen: HashSet<String> = HashSet::new();
    let end = at + Span::millis(999);
    let then = entries.into_iter().filter(|entry| entry.modified_at.is_some_and(|modified| modified <= end));
    let then = then.filter(|entry| seen.insert(entry.key.clone()));
    then.filter_map(|entry| Some((entry.key, entry.content?))).collect()
}

async fn all_there(store: &dyn ObjectStore, plan: &UploadsPlan) -> Result<()> {
    let listed: HashMap<String, u64> =
        store.list(BLOBS).await?.into_iter().map(|blob| (blob.key, blob.bytes)).collect();
    let looks = stream::iter(&plan.manifest.objects).map(|object| async {
        // A listing may be short: before it speaks against an object, that one is asked after.
        let there = listed.get(&object.key) == Some(&object.bytes)
            || store.head(&object.key).await?.is_some_and(|info| info.bytes == object.bytes);
        if there { Ok(()) } else { Err(Fault::corrupt(format!("`{}` is missing or not whole", object.key))) }
    });
    let looked: Result<()> = looks.buffer_unordered(AT_ONCE).try_collect().await;
    looked.map_err(|fault| {
        fault
            .within(format!("`{}` cannot be restored", plan.manifest.id))
            .help("nothing was written; restore another point")
    })
}

/// What is there already is somebody's.
pub async fn must_be_empty(destination: &dyn ObjectStore) -> Result<()> {
    let Some(first) = destination.list("").await?.into_iter().next() else { return Ok(()) };
    let address = destination.address();
    Err(Fault::new(FaultKind::Conflict, format!("{address} already holds objects, such as `{}`", first.key))
        .help("nothing was changed; name an empty place, or overwrite with --replace"))
}

/// Writes what the plan holds into `destination`, which must hold nothing; with `replace`, objects of the same key are
/// overwritten and others stay.
pub async fn restore(
    store: &dyn ObjectStore,
    destination: &dyn ObjectStore,
    listener: &dyn Listener,
    plan: &UploadsPlan,
    replace: bool,
) -> Result<UploadsRestored> {
    if !replace {
        must_be_empty(destination).await?;
    }
    let with_attributes = plan.objects.iter().filter(|(_, content)| !content.attributes.is_empty()).count();
    if with_attributes > 0 && !destination.keeps_attributes() {
        let address = destination.address();
        listener.on(Event::Warning(format!(
            "{address} keeps no content types and other metadata: those of {with_attributes} objects stay behind"
        )));
    }
    let mut phases = Phases { listener, done: Vec::new() };
    let writing = phases.begin("load", Some(plan.bytes()), Unit::Bytes);
    let large = &Semaphore::new(LARGE_AT_ONCE);
    let writes = stream::iter(&plan.objects).map(|(key, content)| async move {
        let _turn = if content.bytes <= SMALL { None } else { Some(turn(large, 1).await?) };
        let written = transfer::out(store, destination, key, content).await;
        written.map_err(|fault| fault.within(format!("cannot restore `{key}`")))?;
        listener.on(Event::Advanced { phase: "load", by: content.bytes });
        Ok::<_, Fault>(content.bytes)
    });
    let bytes = writes.buffer_unordered(AT_ONCE).try_fold(0, async |sum, bytes| Ok(sum + bytes)).await?;
    phases.end(writing, bytes);
    let point = plan.manifest.id.clone();
    Ok(UploadsRestored { point, state_of: plan.state_of, objects: plan.objects.len() as u64, bytes })
}
