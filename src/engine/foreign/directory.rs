//! A directory that mongodump made, in any store: read once, it is like a snapshot of the repository that has a manifest.

use futures_util::{StreamExt, TryStreamExt, stream};

use super::contents::wrong;
use super::names::{self, Part};
use super::survey::{Data, Metadata, Survey};
use super::{Foreign, Form, LOG, PHASE, contents, documents, manifest, planned, shown, sniffed};
use crate::base::{Codec, Fault, Result};
use crate::engine::event::{Event, Listener, Unit};
use crate::engine::phases::Phases;
use crate::engine::pieces::Pieces;
use crate::engine::plan::RestorePlan;
use crate::engine::{metadata, transfer, unpack};
use crate::port::{ObjectInfo, ObjectStore};
use crate::repository::ObjectEntry;

const AT_ONCE: usize = 4;

pub async fn plan(store: &dyn ObjectStore, name: &str, phases: &mut Phases<'_>) -> Result<RestorePlan> {
    let prefix = if name.is_empty() { String::new() } else { format!("{}/", name.trim_end_matches('/')) };
    let listed = store.list(&prefix).await?;
    let written_at = listed.iter().filter_map(|object| object.modified_at).max();
    let mut survey = Survey::default();
    let mut files = Vec::new();
    for object in &listed {
        let path = object.key.strip_prefix(&prefix).unwrap_or(&object.key);
        match names::split(path) {
            ("", Part::Upload(_)) => {
                survey.uploads += 1;
                survey.upload_bytes += object.bytes;
            }
            (_, Part::Prelude) => {}
            ("", part @ (Part::Documents { .. } | Part::Metadata { .. } | Part::Log)) => files.push((object, part)),
            _ => survey.others.get_or_insert_with(|| (path.to_string(), 0)).1 += 1,
        }
    }
    let total = files.iter().map(|(object, _)| object.bytes).sum();
    let reading = phases.begin(PHASE, Some(total), Unit::Bytes);
    let reads = stream::iter(files).map(|(object, part)| one(store, phases.listener, object, part));
    let read: Vec<(ObjectEntry, Survey)> = reads.buffered(AT_ONCE).try_collect().await?;
    let (mut objects, mut log_object) = (Vec::new(), None);
    for (object, one) in read {
        if one.log.is_some() {
            let codec = sniffed(store, &object.key).await?;
            log_object = Some((object.clone(), codec));
        }
        objects.push(object);
        survey.metadata.extend(one.metadata);
        survey.data.extend(one.data);
        survey.log = survey.log.or(one.log);
    }
    phases.end(reading, total);
    let (uploads, upload_bytes, log) = (survey.uploads, survey.upload_bytes, survey.log);
    let found = survey.collections(false, name)?;
    let base = manifest(name, objects, &found.collections, written_at);
    let address = shown(store, name);
    let foreign = Foreign { address, form: Form::Directory, uploads, upload_bytes, log, log_object, whole: None };
    Ok(planned(base, foreign, found.notes))
}

/// Reads one file whole.
async fn one(
    store: &dyn ObjectStore,
    listener: &dyn Listener,
    object: &ObjectInfo,
    part: Part<'_>,
) -> Result<(ObjectEntry, Survey)> {
    match part {
        Part::Metadata { db, stem, .. } => described(store, object, (db.to_string(), stem.to_string())).await,
        Part::Documents { db, stem, codec } => {
            let place = (db.to_string(), stem.to_string());
            measured(store, listener, &object.key, place, codec).await
        }
        Part::Log => {
            let codec = sniffed(store, &object.key).await?;
            measured(store, listener, &object.key, (String::new(), LOG.to_string()), codec).await
        }
        _ => Err(Fault::bug("a file that is not read")),
    }
}

async fn described(
    store: &dyn ObjectStore,
    object: &ObjectInfo,
    place: (String, String),
) -> Result<(ObjectEntry, Survey)> {
    if object.bytes >= metadata::BYTES_MAX {
        return Err(wrong(&object.key, "it is too long for the metadata of a collection"));
    }
    let (sha256, bytes) = transfer::hash(store, &object.key).await?;
    let entry = ObjectEntry { key: object.key.clone(), bytes, sha256 };
    let text = unpack::whole(store, &entry, metadata::BYTES_MAX).await?;
    let described = metadata::describe(&text).map_err(|f| f.within(format!("cannot read `{}`", object.key)))?;
    let mut survey = Survey::default();
    survey.metadata.insert(place, Metadata { described, key: object.key.clone() });
    Ok((entry, survey))
}

async fn measured(
    store: &dyn ObjectStore,
    listener: &dyn Listener,
    key: &str,
    place: (String, String),
    codec: Codec,
) -> Result<(ObjectEntry, Survey)> {
    let advanced = |by| listener.on(Event::Advanced { phase: PHASE, by });
    let (pieces, feeding) = Pieces::fed(store.read(key).await?, key, &advanced);
    let reading = tokio::task::spawn_blocking(move || {
        let mut survey = Survey::default();
        let mut plain = contents(codec, pieces)?;
        documents(&mut plain, &place.0, &place.1, &mut survey)?;
        let object = plain.reader.into_inner().into_source().finish()?;
        survey.data.entry(place).or_insert_with(Data::default).object = Some(object.clone());
        Ok::<_, Fault>((object, survey))
    });
    let ((), read) = tokio::join!(feeding, reading);
    read.map_err(|error| Fault::bug("a reader stopped without a word").because(error))?
}
