//! What the repository proves: manifests, slices, drills and runs, read and turned into evidence.
//!
//! A snapshot without manifest does not exist, nor a slice without header; their leftovers are no fault. What is there
//! and cannot be read is listed as unreadable, so that it weighs on the verdict instead of vanishing.

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use futures_util::{StreamExt, future, stream};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::chain;
use super::key::{self, Key, Name, SliceName, SnapshotName};
use super::manifest::{Manifest, ManifestKind, ObjectEntry, SliceHeader};
use super::prune::Record;
use super::step::{self, StepDone, StepStart, Timed};
use super::verification::{self, Verification};
use crate::base::{Fault, Instant, Result};
use crate::evidence::{Drill, Evidence, Health, Origin, RecoveryPoint, Run, Unreadable};
use crate::port::ObjectInfo;
use crate::port::ObjectStore;

/// Small objects asked for at once.
const AT_ONCE: usize = 32;
/// A manifest of a million collections is smaller; more is no manifest, and would fill memory.
const BYTES_MAX: u64 = 512 << 20;

/// Reads all evidence that `store` holds, as of `read_at`. Fails only where the store itself does not answer.
pub async fn read(store: &dyn ObjectStore, read_at: Instant) -> Result<Evidence> {
    let (snapshots, oplog, drills, runs, verifications) = future::try_join5(
        store.list(key::SNAPSHOTS),
        store.list(key::OPLOG),
        store.list(key::DRILLS),
        store.list(key::RUNS),
        store.list(key::VERIFICATIONS),
    )
    .await?;
    let mut evidence = Evidence::none(read_at);
    let mut stored = Stored::default();
    stored.add(&snapshots);
    stored.add(&oplog);

    let names = keys(&snapshots, &mut evidence, |key| key.ends_with("/manifest.json"));
    let names = names.into_iter().filter(|(key, _)| matches!(key, Key::Manifest(_)));
    let manifests: Vec<Found<Manifest>> = read_all(store, names.collect(), Manifest::decode, &mut evidence).await;
    if manifests.iter().any(|found| found.value.objects.iter().any(|object| object.key.starts_with(key::BLOBS))) {
        stored.add(&store.list(key::BLOBS).await?);
    }

    let names = keys(&oplog, &mut evidence, |_| true);
    let names = names.into_iter().filter(|(key, _)| matches!(key, Key::SliceHeader(_)));
    let headers: Vec<Found<SliceHeader>> = read_all(store, names.collect(), SliceHeader::decode, &mut evidence).await;
    let names = keys(&drills, &mut evidence, |_| true);
    let (steps, names): (Vec<_>, Vec<_>) = names.into_iter().partition(|(key, _)| matches!(key, Key::Step(..)));
    let drills: Vec<Found<Drill>> = read_all(store, names, plain, &mut evidence).await;
    let steps = read_steps(store, steps, &mut evidence).await;
    let names = keys(&runs, &mut evidence, |_| true);
    let runs: Vec<Found<Run>> = read_all(store, names, plain, &mut evidence).await;

    let names = keys(&verifications, &mut evidence, |_| true);
    let verifications: Vec<Found<Verification>> = read_all(store, names, Verification::decode, &mut evidence).await;

    add_drills(drills, &mut evidence);
    step::join(steps, &mut evidence.drills);
    add_runs(runs, &mut evidence);
    let verifications = well_placed(verifications, &mut evidence);
    add_points(store, manifests, (&stored, &verifications), &mut evidence).await?;
    add_slices(store, headers, (&stored, &verifications), &mut evidence).await?;
    Ok(evidence)
}

/// An object that was read, with where it was and its hash.
struct Found<T> {
    key: Key,
    value: T,
    origin: Origin,
}

/// Sizes of what the store lists.
#[derive(Default)]
struct Stored(BTreeMap<String, u64>);

impl Stored {
    fn add(&mut self, listed: &[ObjectInfo]) {
        self.0.extend(listed.iter().map(|object| (object.key.clone(), object.bytes)));
    }

    /// What is wrong with an object that is declared. A listing can be short, or older than the object: before it
    /// speaks against one, that one is looked at.
    async fn why_bad(&self, store: &dyn ObjectStore, key: &str, bytes: u64) -> Result<Option<String>> {
        if self.0.get(key) == Some(&bytes) {
            return Ok(None);
        }
        Ok(match store.head(key).await? {
            Some(found) if found.bytes == bytes => None,
            Some(found) => Some(format!("`{key}` has {} bytes; {bytes} were written", found.bytes)),
            None => Some(format!("`{key}` is missing")),
        })
    }

    async fn first_bad(&self, store: &dyn ObjectStore, objects: &[ObjectEntry]) -> Result<Option<String>> {
        for object in objects {
            let why = self.why_bad(store, &object.key, object.bytes).await?;
            if why.is_some() {
                return Ok(why);
            }
        }
        Ok(None)
    }
}

/// The keys that can be read as such; those that cannot, and are `evidence` by their look, are unreadable.
fn keys(listed: &[ObjectInfo], evidence: &mut Evidence, is_evidence: fn(&str) -> bool) -> Vec<(Key, u64)> {
    let mut keys = Vec::new();
    for object in listed {
        match object.key.parse() {
            Ok(key) => keys.push((key, object.bytes)),
            Err(fault) if is_evidence(&object.key) => unreadable(evidence, &object.key, &fault),
            Err(_) => {}
        }
    }
    keys
}

/// Reads and decodes, many at once, in the order of the keys.
async fn read_all<T>(
    store: &dyn ObjectStore,
    keys: Vec<(Key, u64)>,
    decode: impl Fn(&[u8], &str) -> Result<T>,
    evidence: &mut Evidence,
) -> Vec<Found<T>> {
    let bodies = stream::iter(keys).map(|(key, bytes)| async move {
        let place = key.to_string();
        let body = match bytes {
            0..=BYTES_MAX => store.get(&place).await,
            _ => Err(Fault::corrupt(format!("`{place}` has {bytes} bytes, more than any that was written"))),
        };
        (key, place, body)
    });
    let mut bodies = bodies.buffered(AT_ONCE);
    let mut found = Vec::new();
    while let Some((key, place, body)) = bodies.next().await {
        let read = body.and_then(|body: Bytes| Ok((decode(&body, &place)?, sha256(&body))));
        match read {
            Ok((value, hash)) => {
                let origin = Origin { tool: "plimsoll".to_string(), place, sha256: Some(hash) };
                found.push(Found { key, value, origin });
            }
            Err(fault) => unreadable(evidence, &place, &fault),
        }
    }
    found
}

fn plain<T: DeserializeOwned>(body: &[u8], place: &str) -> Result<T> {
    serde_json::from_slice(body).map_err(|e| Fault::corrupt(format!("cannot read `{place}`")).because(e))
}

fn sha256(body: &[u8]) -> String {
    Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unreadable(evidence: &mut Evidence, place: &str, fault: &Fault) {
    let mut why = fault.to_string();
    let mut error: &dyn std::error::Error = fault;
    while let Some(source) = error.source() {
        why.push_str(&format!(": {source}"));
        error = source;
    }
    evidence.unreadable.push(Unreadable { place: place.to_string(), why });
}

/// An object that says to be another one was put in its place by hand, or damaged.
fn misplaced(evidence: &mut Evidence, place: &str) {
    let why = "it does not say what its name says".to_string();
    evidence.unreadable.push(Unreadable { place: place.to_string(), why });
}

fn add_drills(found: Vec<Found<Drill>>, evidence: &mut Evidence) {
    for Found { key, value, origin } in found {
        match key {
            Key::Drill(id) if id.as_str() == value.id => evidence.drills.push(Drill { origin, ..value }),
            _ => misplaced(evidence, &origin.place),
        }
    }
}

/// The steps that are over. One that nobody ended says nothing.
async fn read_steps(store: &dyn ObjectStore, names: Vec<(Key, u64)>, evidence: &mut Evidence) -> Vec<Timed> {
    let (done, started): (Vec<_>, Vec<_>) = names.into_iter().partition(|(key, _)| matches!(key, Key::Step(_, true)));
    let started: Vec<Found<StepStart>> = read_all(store, started, StepStart::decode, evidence).await;
    let done: Vec<Found<StepDone>> = read_all(store, done, StepDone::decode, evidence).await;
    let done: BTreeMap<String, StepDone> =
        done.into_iter().map(|found| (found.value.id.clone(), found.value)).collect();
    let timed = started.into_iter().filter_map(|found| {
        let done = done.get(&found.value.id)?;
        Timed::of(found.value, done)
    });
    timed.collect()
}

fn add_runs(found: Vec<Found<Run>>, evidence: &mut Evidence) {
    for Found { key, value, origin } in found {
        match key {
            Key::Run(id) if id.as_str() == value.id => evidence.runs.push(Run { origin, ..value }),
            _ => misplaced(evidence, &origin.place),
        }
    }
}

fn well_placed(found: Vec<Found<Verification>>, evidence: &mut Evidence) -> Vec<Verification> {
    let mut right = Vec::new();
    for Found { key, value, origin } in found {
        match key {
            Key::Verification(id) if id.as_str() == value.id => right.push(value),
            _ => misplaced(evidence, &origin.place),
        }
    }
    right
}

async fn add_points(
    store: &dyn ObjectStore,
    found: Vec<Found<Manifest>>,
    (stored, verifications): (&Stored, &[Verification]),
    evidence: &mut Evidence,
) -> Result<()> {
    let mut found = found;
    found.sort_by_key(|found| found.value.finished_at);
    let mut held: HashSet<String> = HashSet::new();
    for Found { key, value, origin } in found {
        let named = |name: &SnapshotName| is(&name.asset, &value.asset) && is(&name.id, &value.id);
        match &key {
            Key::Manifest(name) if named(name) => {}
            _ => {
                misplaced(evidence, &origin.place);
                continue;
            }
        }
        let health = match stored.first_bad(store, &value.objects).await? {
            Some(why) => Health::Bad { at: evidence.read_at, why },
            None => {
                let since = value.seal.as_ref().and_then(|seal| seal.rekeyed_at);
                shown(&value, since, &evidence.drills, verifications)
            }
        };
        let added = value.objects.iter().filter(|object| held.insert(object.key.clone())).map(|object| object.bytes);
        let added = added.fold(0, u64::saturating_add);
        evidence.points.push(RecoveryPoint { bytes_stored: Some(added), ..point(value, health, origin) });
    }
    Ok(())
}

/// What drills and verifications show. What was read before a point was sealed anew were other bytes.
fn shown(manifest: &Manifest, since: Option<Instant>, drills: &[Drill], read: &[Verification]) -> Health {
    let (asset, id) = (&manifest.asset, &manifest.id);
    let Some(since) = since else {
        return verification::together(Health::by_drills(asset, id, drills), verification::health(asset, id, read));
    };
    let drills: Vec<Drill> = drills.iter().filter(|drill| drill.started_at >= since).cloned().collect();
    let read: Vec<Verification> = read.iter().filter(|read| read.started_at >= since).cloned().collect();
    shown(manifest, None, &drills, &read)
}

fn is(name: &Name, said: &str) -> bool {
    name.as_str() == said
}

fn point(manifest: Manifest, health: Health, origin: Origin) -> RecoveryPoint {
    let documents = match manifest.kind {
        ManifestKind::Database => manifest.collections.iter().map(|c| c.documents).fold(0, u64::saturating_add),
        ManifestKind::Uploads => manifest.uploads,
    };
    RecoveryPoint {
        id: manifest.id,
        asset: manifest.asset,
        protection: manifest.protection,
        consistent_at: manifest.consistent_at,
        cluster_time: manifest.cluster_time,
        available_at: manifest.finished_at,
        expires_at: manifest.expires_at,
        locked_until: manifest.locked_until,
        stored_in: Vec::new(),
        consistency: Some(manifest.consistency),
        without: manifest.exclude.iter().map(ToString::to_string).collect(),
        encrypted: Some(manifest.seal.is_some()),
        recipients: manifest.seal.map(|seal| seal.recipients).unwrap_or_default(),
        health,
        bytes_stored: None,
        bytes_restored: Some(manifest.bytes_raw),
        documents: Some(documents),
        origin,
    }
}

async fn add_slices(
    store: &dyn ObjectStore,
    found: Vec<Found<SliceHeader>>,
    (stored, verifications): (&Stored, &[Verification]),
    evidence: &mut Evidence,
) -> Result<()> {
    let rotten = verification::bad_slices(verifications);
    let mut links = Vec::new();
    for Found { key, value, origin } in found {
        let named =
            |name: &SliceName| is(&name.asset, &value.asset) && name.first == value.first && name.last == value.last;
        let Key::SliceHeader(name) = &key else { continue };
        if !named(name) || value.first > value.last {
            misplaced(evidence, &origin.place);
            continue;
        }
        let data = value.data(name).to_string();
        if let Some(why) = stored.why_bad(store, &data, value.bytes).await? {
            evidence.unreadable.push(Unreadable { place: origin.place, why });
        } else if let Some((at, why)) = rotten.get(&data) {
            let why = format!("its data {why}, as a verification of {at} found");
            evidence.unreadable.push(Unreadable { place: origin.place, why });
        } else {
            links.push(chain::Link { header: value, origin });
        }
    }
    let (coverage, broken) = chain::coverage(links);
    evidence.coverage.extend(coverage);
    evidence.unreadable.extend(broken);
    Ok(())
}
