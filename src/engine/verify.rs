//! Reads objects back and hashes them again: what a listing cannot tell, and what rots unseen.
//!
//! Everything that the chosen points and logs consist of is read once, however many points share it. What is found is
//! evidence of exactly that much, and is recorded whatever it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;
use tokio::time::Instant as Moment;

use super::content::hex;
use super::event::{Event, Unit};
use super::{Listener, points, record};
use crate::base::{Fault, FaultKind, Instant, Result, Span};
use crate::evidence::Origin;
use crate::port::{Clock, ObjectStore, Written};
use crate::repository::chain::{self, Link};
use crate::repository::key::{Name, OPLOG, SNAPSHOTS};
use crate::repository::manifest::{FORMAT, ObjectEntry};
use crate::repository::sealed_name::is_sealed;
use crate::repository::verification::{Bad, OfChain, OfPoint, Part};
use crate::repository::{Key, Manifest, SliceHeader, SliceName, SnapshotName, Verification};

#[derive(Debug, Clone, Default)]
pub struct VerifyRequest {
    /// None: all assets of the repository.
    pub asset: Option<String>,
    /// None: all points.
    pub point: Option<String>,
    /// Reads one of so many parts, a different one each day, so that all is read in so many days. 0 and 1: all.
    pub parts: u64,
    /// At most so many bytes a second.
    pub bytes_per_second: Option<u64>,
}

const AT_ONCE: usize = 8;
const PHASE: &str = "verify";

/// What one object must be, by the manifest or header that names it.
type Wanted = (String, u64, String);

/// Reads, and records what it found in `verifications/<id>.json`. A store that does not answer is a fault, and no verdict.
pub async fn run(
    store: Arc<dyn ObjectStore>,
    clock: &dyn Clock,
    listener: &dyn Listener,
    request: &VerifyRequest,
) -> Result<Verification> {
    let started_at = clock.now();
    let part = part_of(started_at, request.parts);
    let found = Found::look(store.as_ref(), request).await?;
    let objects = found.objects();
    let read: BTreeSet<&Wanted> =
        objects.iter().copied().filter(|(key, ..)| part.is_none_or(|part| part.holds(key))).collect();
    let total = read.iter().map(|(_, bytes, _)| bytes).sum();
    listener.on(Event::Started { phase: PHASE, total: Some(total), unit: Unit::Bytes });
    let since = Moment::now();
    let pace = Pace { bytes_per_second: request.bytes_per_second, since, spent: Mutex::new(0) };
    let bad = read_all(store.as_ref(), listener, &read, &pace).await?;
    let took = Span::millis(i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX));
    listener.on(Event::Finished { phase: PHASE, took, bytes: total });
    let (points, chains) = found.told(&read, &bad);
    let id = record::new_id(started_at);
    let ended_at = clock.now();
    let unopened = read.iter().filter(|(key, ..)| is_sealed(key)).count() as u64;
    let verification =
        Verification { format: FORMAT, id, started_at, ended_at, part, points, chains, bytes: total, unopened };
    let key = Key::verification(&verification.id)?.to_string();
    match store.put_new(&key, verification.encode()?).await? {
        Written::New => Ok(verification),
        Written::Existed => Err(Fault::new(FaultKind::Conflict, format!("`{key}` is there already"))),
    }
}

/// The part of this day: after as many days every part has had its turn.
fn part_of(at: Instant, parts: u64) -> Option<Part> {
    let day = u64::try_from(at.0.div_euclid(Span::days(1).0)).unwrap_or_default();
    (parts > 1).then(|| Part { index: day % parts, of: parts })
}

/// What there is to read.
#[derive(Default)]
struct Found {
    points: Vec<(SnapshotName, std::result::Result<Vec<Wanted>, Bad>)>,
    chains: BTreeMap<String, (Vec<Wanted>, Vec<Bad>)>,
}

impl Found {
    async fn look(store: &dyn ObjectStore, request: &VerifyRequest) -> Result<Self> {
        let below = match &request.asset {
            Some(asset) => format!("{}/", asset.parse::<Name>()?),
            None => String::new(),
        };
        let mut found = Found::default();
        let listed = store.list(&format!("{SNAPSHOTS}{below}")).await?;
        let names = listed.iter().filter_map(|object| match object.key.parse() {
            Ok(Key::Manifest(name)) => Some(name),
            _ => None,
        });
        let wanted = |name: &SnapshotName| request.point.as_ref().is_none_or(|point| point == name.id.as_str());
        for name in names.filter(wanted) {
            match points::one(store, &name).await {
                Ok(manifest) => found.points.push((name, Ok(objects(&manifest)))),
                Err(fault) => {
                    let bad = bad(&name.manifest().to_string(), fault)?;
                    found.points.push((name, Err(bad)));
                }
            }
        }
        if let (Some(point), true) = (&request.point, found.points.is_empty()) {
            return Err(Fault::missing(format!("there is no recovery point `{point}`"))
                .help("`plimsoll inventory` lists those that exist"));
        }
        if request.point.is_none() {
            found.look_at_chains(store, &below).await?;
        }
        Ok(found)
    }

    async fn look_at_chains(&mut self, store: &dyn ObjectStore, below: &str) -> Result<()> {
        let mut links = Vec::new();
        for object in store.list(&format!("{OPLOG}{below}")).await? {
            let Ok(Key::SliceHeader(name)) = object.key.parse() else { continue };
            let (wanted, wrong) = self.chains.entry(name.asset.to_string()).or_default();
            match header(store, &name).await {
                Ok(header) => {
                    wanted.push((header.data(&name).to_string(), header.bytes, header.sha256.clone()));
                    let origin = Origin { tool: record::TOOL.to_string(), place: object.key, sha256: None };
                    links.push(Link { header, origin });
                }
                Err(fault) => wrong.push(bad(&object.key, fault)?),
            }
        }
        for broken in chain::coverage(links).1 {
            let asset = match broken.place.parse() {
                Ok(Key::SliceHeader(name)) => name.asset.to_string(),
                _ => continue,
            };
            self.chains.entry(asset).or_default().1.push(Bad { key: broken.place, why: broken.why });
        }
        Ok(())
    }

    fn objects(&self) -> BTreeSet<&Wanted> {
        let of_points = self.points.iter().filter_map(|(_, objects)| objects.as_ref().ok()).flatten();
        of_points.chain(self.chains.values().flat_map(|(wanted, _)| wanted)).collect()
    }

    /// The findings, by what they are about.
    fn told(&self, read: &BTreeSet<&Wanted>, bad: &BTreeMap<Wanted, String>) -> (Vec<OfPoint>, Vec<OfChain>) {
        let wrong = |objects: &[Wanted]| -> Vec<Bad> {
            let of = |object: &Wanted| Some(Bad { key: object.0.clone(), why: bad.get(object)?.clone() });
            objects.iter().filter_map(of).collect()
        };
        let many = |objects: &[Wanted]| objects.iter().filter(|object| read.contains(object)).count() as u64;
        let points = self.points.iter().map(|(name, objects)| {
            let objects = objects.as_deref().map_err(Clone::clone);
            OfPoint {
                asset: name.asset.to_string(),
                point: name.id.to_string(),
                objects: objects.as_ref().map_or(0, |objects| objects.len() as u64),
                read: objects.as_ref().map_or(0, |objects| many(objects)),
                bad: objects.map_or_else(|bad| vec![bad], wrong),
            }
        });
        let chains = self.chains.iter().map(|(asset, (wanted, broken))| OfChain {
            asset: asset.clone(),
            slices: wanted.len() as u64,
            read: many(wanted),
            bad: broken.iter().cloned().chain(wrong(wanted)).collect(),
        });
        (points.collect(), chains.collect())
    }
}

fn objects(manifest: &Manifest) -> Vec<Wanted> {
    let wanted = |object: &ObjectEntry| (object.key.clone(), object.bytes, object.sha256.clone());
    manifest.objects.iter().map(wanted).collect()
}

async fn header(store: &dyn ObjectStore, name: &SliceName) -> Result<SliceHeader> {
    let key = name.header().to_string();
    let header = SliceHeader::decode(&store.get(&key).await?, &key)?;
    match header.asset == name.asset.as_str() && (header.first, header.last) == (name.first, name.last) {
        true => Ok(header),
        false => Err(Fault::corrupt("it does not say what its name says")),
    }
}

/// What speaks against an object; a store that does not answer speaks against none.
fn bad(key: &str, fault: Fault) -> Result<Bad> {
    match fault.kind {
        FaultKind::Missing => Ok(Bad { key: key.to_string(), why: "is missing".to_string() }),
        FaultKind::Corrupt | FaultKind::Unsupported => {
            Ok(Bad { key: key.to_string(), why: format!("cannot be read: {}", record::chain(&fault)) })
        }
        _ => Err(fault),
    }
}

async fn read_all(
    store: &dyn ObjectStore,
    listener: &dyn Listener,
    objects: &BTreeSet<&Wanted>,
    pace: &Pace,
) -> Result<BTreeMap<Wanted, String>> {
    let reads = stream::iter(objects).map(|object| async move {
        let (key, bytes, sha256) = object;
        let why = match digest(store, listener, key, pace).await {
            Ok((_, read)) if read != *bytes => Some(format!("has {read} bytes; {bytes} were written")),
            Ok((found, _)) if found != *sha256 => Some("holds other bytes than were written".to_string()),
            Ok(_) => None,
            Err(fault) => Some(bad(key, fault)?.why),
        };
        Ok::<_, Fault>(why.map(|why| ((*object).clone(), why)))
    });
    let found: Vec<Option<(Wanted, String)>> = reads.buffer_unordered(AT_ONCE).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

async fn digest(store: &dyn ObjectStore, listener: &dyn Listener, key: &str, pace: &Pace) -> Result<(String, u64)> {
    let mut body = store.read(key).await?;
    let (mut sha, mut bytes) = (Sha256::new(), 0);
    while let Some(piece) = body.try_next().await? {
        let more = piece.len() as u64;
        sha.update(&piece);
        bytes += more;
        listener.on(Event::Advanced { phase: PHASE, by: more });
        pace.spend(more).await;
    }
    Ok((hex(&sha.finalize()), bytes))
}

/// Keeps all reads together below a rate.
struct Pace {
    bytes_per_second: Option<u64>,
    since: Moment,
    spent: Mutex<u64>,
}

impl Pace {
    async fn spend(&self, bytes: u64) {
        let Some(rate) = self.bytes_per_second.filter(|rate| *rate > 0) else { return };
        let due = {
            let mut spent = self.spent.lock().await;
            *spent = spent.saturating_add(bytes);
            Duration::from_secs_f64(*spent as f64 / rate as f64)
        };
        tokio::time::sleep_until(self.since + due).await;
    }
}
