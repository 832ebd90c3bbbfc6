//! Carries a plan out, a point or a slice at a time: new data, a look at it, and the one write that makes it count.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use super::plan::{Plan, PointPlan, SlicePlan, changed};
use crate::base::{Compression, Fault, FaultKind, Instant, Result, Span};
use crate::engine::event::Unit;
use crate::engine::phases::Phases;
use crate::engine::prune::GRACE;
use crate::engine::record::{self, RunOf};
use crate::engine::vault::{self, Vault};
use crate::engine::{Event, Listener, look_back, pipeline, points, uploads};
use crate::port::{Clock, ObjectStore, Written};
use crate::repository::manifest::{FORMAT, ManifestKind, Seal};
use crate::repository::prune::{Mark, Marked, Record};
use crate::repository::sealed_name::lot;
use crate::repository::{Key, Manifest, ObjectEntry, PruneStep, SliceHeader};

const PHASE: &str = "seal";
const AT_ONCE: usize = 4;
/// Half of the grace after which what it does not list by then is swept.
const LONGEST: Span = Span::millis(GRACE.0 / 2);

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rekeyed {
    pub points: usize,
    pub slices: usize,
    /// Objects of before, and from when `prune --apply` removes them; none where nothing was sealed anew.
    pub marked: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub swept_from: Option<Instant>,
}

/// Carries it out, and records it for each asset, whatever comes of it.
pub async fn apply(
    store: &dyn ObjectStore,
    clock: &dyn Clock,
    listener: &dyn Listener,
    plan: &Plan,
) -> Result<Rekeyed> {
    let started_at = clock.now();
    let id = record::new_id(started_at);
    let result = carry_out(store, clock, listener, plan, &id).await;
    let of_points = plan.points_to_seal().map(|point| point.asset.as_str());
    let assets: BTreeSet<&str> =
        of_points.chain(plan.slices_to_seal().map(|slice| slice.header.asset.as_str())).collect();
    for (number, asset) in assets.into_iter().enumerate() {
        let id = format!("{id}-{number}");
        let ended = RunOf { id: &id, verb: "rekey", asset, protection: None, started_at };
        record::run_ended(ended, result.as_ref().err(), store, clock, listener).await;
    }
    result
}

async fn carry_out(
    store: &dyn ObjectStore,
    clock: &dyn Clock,
    listener: &dyn Listener,
    plan: &Plan,
    id: &str,
) -> Result<Rekeyed> {
    let old = plan.old_objects();
    let mut rekeyed = Rekeyed { points: 0, slices: 0, marked: old.len(), swept_from: None };
    if old.is_empty() {
        return Ok(rekeyed);
    }
    let mut phases = Phases { listener, done: Vec::new() };
    let total = old.iter().map(|object| object.bytes).sum();
    let sealing = phases.begin(PHASE, Some(total), Unit::Bytes);
    let vault = vault::open(store, &plan.manifests).await?;
    let vault = vault.ok_or_else(|| Fault::usage("nobody is named to seal for").help("give --recipient age1…"))?;
    let (marked_at, number) = (clock.now(), free_lot(&old));
    mark_both(store, (id, marked_at), &old, number).await?;
    rekeyed.swept_from = Some(marked_at + GRACE);
    let work = Work { store, clock, listener, vault, number, until: marked_at + LONGEST };
    for point in plan.points_to_seal() {
        work.point(point).await.map_err(|fault| fault.within(format!("cannot seal `{}` anew", point.id)))?;
        rekeyed.points += 1;
    }
    for slice in plan.slices_to_seal() {
        work.slice(slice).await.map_err(|fault| fault.within(format!("cannot seal `{}` anew", slice.key)))?;
        rekeyed.slices += 1;
    }
    phases.end(sealing, total);
    Ok(rekeyed)
}

/// A number that no object of before has.
fn free_lot(old: &[ObjectEntry]) -> u32 {
    loop {
        let number = lot();
        let taken = old.iter().any(|object| matches!(object.key.parse(), Ok(Key::Sealed(_, other)) if other == number));
        if !taken {
            return number;
        }
    }
}

/// What an object is called when it is sealed anew under this number.
fn anew(key: &str, number: u32) -> Result<String> {
    Ok(key.parse::<Key>()?.unsealed().clone().sealed(number).to_string())
}

/// Before anything is written: whatever this run leaves unlisted, old or new, killed or not, is swept one day. What a
/// manifest lists then is spared. The new is marked apart, since every sync from now on needs some of it.
async fn mark_both(
    store: &dyn ObjectStore,
    (id, marked_at): (&str, Instant),
    old: &[ObjectEntry],
    number: u32,
) -> Result<()> {
    let of_old = old.iter().map(|object| Marked { key: object.key.clone(), bytes: object.bytes }).collect();
    let of_new = old.iter().map(|object| Ok(Marked { key: anew(&object.key, number)?, bytes: object.bytes }));
    let mut of_new = of_new.collect::<Result<Vec<_>>>()?;
    of_new.sort();
    of_new.dedup();
    mark(store, format!("{id}-new"), marked_at, of_new).await?;
    mark(store, id.to_string(), marked_at, of_old).await
}

async fn mark(store: &dyn ObjectStore, id: String, marked_at: Instant, objects: Vec<Marked>) -> Result<()> {
    let (points, slices) = (Vec::new(), Vec::new());
    let mark = Mark { format: FORMAT, id, marked_at, grace: GRACE, points, slices, objects, left_by: None };
    let key = Key::prune(&mark.id, PruneStep::Mark)?.to_string();
    match store.put_new(&key, mark.encode()?).await? {
        Written::New => Ok(()),
        Written::Existed => Err(Fault::new(FaultKind::Conflict, format!("`{key}` is there already"))),
    }
}

struct Work<'a> {
    store: &'a dyn ObjectStore,
    clock: &'a dyn Clock,
    listener: &'a dyn Listener,
    vault: Vault,
    /// In the name of all that this run writes.
    number: u32,
    /// When it ends, done or not, well before anybody sweeps.
    until: Instant,
}

impl Work<'_> {
    fn in_time(&self) -> Result<()> {
        match self.clock.now() < self.until {
            true => Ok(()),
            false => Err(Fault::new(FaultKind::Interrupted, "sealing anew took too long and ends here")
                .help("run it again: what is done is done, and another run goes on with the rest")),
        }
    }

    async fn point(&self, plan: &PointPlan) -> Result<()> {
        let name = plan.name()?;
        let seal = Seal { recipients: self.store.keys().recipients().to_vec(), rekeyed_at: Some(self.clock.now()) };
        let manifest = match plan.manifest.kind {
            ManifestKind::Database => self.database(&plan.manifest).await?,
            ManifestKind::Uploads => self.uploads(plan).await?,
        };
        let manifest = Manifest { seal: Some(seal), ..manifest };
        look_back::all(self.store, &manifest.objects).await?;
        let key = name.manifest().to_string();
        self.in_time()?;
        if points::one(self.store, &name).await? != plan.manifest {
            return Err(changed(&key));
        }
        self.store.put(&key, manifest.encode()?).await
    }

    /// All objects of a snapshot, under the new number.
    async fn database(&self, old: &Manifest) -> Result<Manifest> {
        let sealed = stream::iter(&old.objects).map(|object| async move {
            let key = anew(&object.key, self.number)?;
            Ok::<_, Fault>((object.key.clone(), self.object(object, key).await?))
        });
        let sealed: BTreeMap<String, ObjectEntry> = sealed.buffer_unordered(AT_ONCE).try_collect().await?;
        let renamed = |key: &mut String| match sealed.get(key) {
            Some(object) => {
                key.clone_from(&object.key);
                Ok(())
            }
            None => Err(Fault::corrupt(format!("the manifest of `{}` does not list `{key}`", old.id))),
        };
        let mut manifest = old.clone();
        for collection in &mut manifest.collections {
            renamed(&mut collection.metadata)?;
            collection.data.as_mut().map_or(Ok(()), renamed)?;
        }
        manifest.own_log.as_mut().map_or(Ok(()), |log| renamed(&mut log.key))?;
        manifest.objects = sealed.into_values().collect();
        manifest.objects.sort_by(|a, b| a.key.cmp(&b.key));
        manifest.assert_whole()?;
        Ok(manifest)
    }

    /// Every blob that no point for these recipients has yet, and the list that names them.
    async fn uploads(&self, plan: &PointPlan) -> Result<Manifest> {
        let old = &plan.manifest;
        let mut entries = uploads::entries(self.store, old).await?;
        let blobs: BTreeSet<ObjectEntry> =
            entries.iter().filter_map(|entry| entry.content.as_ref()?.sealed.clone()).collect();
        let sealed = stream::iter(&blobs).map(|blob| async move {
            let sealed = self.vault.seal_anew(self.store, blob, self.number).await?;
            self.listener.on(Event::Advanced { phase: PHASE, by: blob.bytes });
            Ok::<_, Fault>((blob.key.clone(), sealed))
        });
        let sealed: BTreeMap<String, ObjectEntry> = sealed.buffer_unordered(AT_ONCE).try_collect().await?;
        let contents = entries.iter_mut().filter_map(|entry| entry.content.as_mut()?.sealed.as_mut());
        contents.for_each(|blob| {
            if let Some(anew) = sealed.get(&blob.key) {
                blob.clone_from(anew);
            }
        });
        let list = plan.name()?.uploads().sealed(self.number).to_string();
        let lines = uploads::lines(&entries)?;
        let list = pipeline::store_small(self.store, &list, Compression::default(), lines).await?;
        let mut objects: Vec<ObjectEntry> = sealed.into_values().chain([list]).collect();
        objects.sort();
        objects.dedup();
        Ok(Manifest { objects, ..old.clone() })
    }

    async fn slice(&self, plan: &SlicePlan) -> Result<()> {
        let (old, number) = (&plan.header, self.number);
        let object =
            ObjectEntry { key: old.data(&plan.name).to_string(), bytes: old.bytes, sha256: old.sha256.clone() };
        let anew = self.object(&object, plan.name.data().sealed(number).to_string()).await?;
        look_back::all(self.store, std::slice::from_ref(&anew)).await?;
        let seal = Seal { recipients: self.store.keys().recipients().to_vec(), rekeyed_at: Some(self.clock.now()) };
        let header = SliceHeader {
            bytes: anew.bytes,
            sha256: anew.sha256,
            seal: Some(seal),
            number,
            hung_as: Some(old.link().to_string()),
            ..old.clone()
        };
        self.in_time()?;
        if SliceHeader::decode(&self.store.get(&plan.key).await?, &plan.key)? != *old {
            return Err(changed(&plan.key));
        }
        self.store.put(&plan.key, header.encode()?).await
    }

    async fn object(&self, old: &ObjectEntry, key: String) -> Result<ObjectEntry> {
        let anew = vault::seal_anew(self.store, old, key).await?;
        self.listener.on(Event::Advanced { phase: PHASE, by: old.bytes });
        Ok(anew)
    }
}
