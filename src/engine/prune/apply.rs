//! Carries a plan out: the mark, the manifests, and then what earlier marks left to be swept.

use serde::Serialize;
use tokio::time::Instant as Moment;

use super::live;
use super::marks::{self, Now};
use super::plan::Plan;
use super::sweep::{Sweep, Swept};
use crate::base::{Fault, FaultKind, Instant, Result};
use crate::engine::record::{self, RunOf};
use crate::engine::{Event, Listener, leftovers};
use crate::port::{Clock, ObjectStore, Written};
use crate::repository::manifest::FORMAT;
use crate::repository::prune::{Marked, MarkedPoint, MarkedSlice, Record};
use crate::repository::{Key, Mark, PruneStep, SnapshotName};

/// What a pruning did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pruned {
    pub id: String,
    /// Points and slices that nobody sees any more, and what they consisted of.
    pub points: u64,
    pub slices: u64,
    pub marked: u64,
    pub marked_bytes: u64,
    /// What earlier marks left.
    pub swept: Swept,
    /// What the store would not remove.
    pub left: Vec<Left>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    pub key: String,
    pub why: String,
}

/// Carries it out, and records it for each asset, whatever comes of it.
pub async fn apply(store: &dyn ObjectStore, clock: &dyn Clock, listener: &dyn Listener, plan: &Plan) -> Result<Pruned> {
    let started_at = clock.now();
    let id = record::new_id(started_at);
    let result = carry_out(store, clock, listener, plan, &id).await;
    let refused = result.as_ref().ok().and_then(Pruned::what_stayed);
    let failure = result.as_ref().err().or(refused.as_ref());
    for (number, asset) in plan.assets().into_iter().enumerate() {
        let id = format!("{id}-{number}");
        let ended = RunOf { id: &id, verb: "prune", asset, protection: None, started_at };
        record::run_ended(ended, failure, store, clock, listener).await;
        if result.is_ok() {
            leftovers::clear(ended, store, listener).await;
        }
    }
    result
}

impl Pruned {
    /// The fault of a pruning that left what it should have removed.
    pub fn what_stayed(&self) -> Option<Fault> {
        let first = self.left.first()?;
        let what = format!("{} objects could not be removed, such as `{}`", self.left.len(), first.key);
        Some(Fault::new(FaultKind::Denied, what).because(first.why.clone()).help(
            "they are tried again by later prunings; what nothing may remove, by a lock or for want of a right, stays",
        ))
    }
}

async fn carry_out(
    store: &dyn ObjectStore,
    clock: &dyn Clock,
    listener: &dyn Listener,
    plan: &Plan,
    id: &str,
) -> Result<Pruned> {
    if let Some(why) = &plan.refused {
        return Err(wrong_clock(why));
    }
    let since = Moment::now();
    let mark = mark(plan, id, clock.now());
    let now = write(store, clock, &mark).await?;
    let mut pruned = Pruned {
        id: id.to_string(),
        points: 0,
        slices: 0,
        marked: mark.objects.len() as u64,
        marked_bytes: plan.bytes_to_go(),
        swept: Swept::default(),
        left: Vec::new(),
    };
    // From the oldest on, so that a chain that is cut short by a kill still hangs together.
    let mut remove = async |key: String| match marks::erase(store, &key).await? {
        None => Ok::<u64, Fault>(1),
        Some(why) => {
            listener.on(Event::Warning(format!("`{key}` stays: {why}")));
            pruned.left.push(Left { key, why });
            Ok(0)
        }
    };
    let (mut points, mut slices) = (0, 0);
    for point in plan.points_to_go() {
        points += remove(SnapshotName::new(&point.asset, &point.id)?.manifest().to_string()).await?;
    }
    for slice in plan.slices_to_go() {
        slices += remove(slice.name.header().to_string()).await?;
    }
    (pruned.points, pruned.slices) = (points, slices);
    if mark == (Mark { objects: Vec::new(), points: Vec::new(), slices: Vec::new(), ..mark.clone() }) {
        // It told the time, and has nothing else to tell.
        store.erase(&Key::prune(id, PruneStep::Mark)?.to_string()).await?;
    }
    pruned.swept = Sweep { store, clock, listener, by: id, now, since }.run().await?;
    pruned.left.extend(pruned.swept.left.iter().map(|(key, why)| Left { key: key.clone(), why: why.clone() }));
    Ok(pruned)
}

fn mark(plan: &Plan, id: &str, marked_at: Instant) -> Mark {
    let points = plan.points_to_go();
    let slices = plan.slices_to_go();
    let objects = plan.objects.iter();
    let points = points.map(|p| MarkedPoint { asset: p.asset.clone(), id: p.id.clone(), why: p.why.clone() });
    // Asked for by name before their data goes, like points: should a manifest have come, it stays.
    let killed = plan.abandoned.iter();
    let killed = killed.map(|run| MarkedPoint { asset: run.asset.clone(), id: run.id.clone(), why: run.why() });
    Mark {
        format: FORMAT,
        id: id.to_string(),
        marked_at,
        grace: plan.grace,
        points: points.chain(killed).collect(),
        slices: slices.map(|s| MarkedSlice { key: s.name.header().to_string(), why: s.why.clone() }).collect(),
        objects: objects.map(|object| Marked { key: object.key.clone(), bytes: object.bytes }).collect(),
        left_by: None,
    }
}

/// Writes the mark, and by it reads the store's own clock. Where the two differ, nothing was removed and nothing is.
async fn write(store: &dyn ObjectStore, clock: &dyn Clock, mark: &Mark) -> Result<Now> {
    let key = Key::prune(&mark.id, PruneStep::Mark)?.to_string();
    if store.put_new(&key, mark.encode()?).await? == Written::Existed {
        return Err(Fault::new(FaultKind::Conflict, format!("`{key}` is there already")));
    }
    let ours = clock.now();
    let stores = store.head(&key).await?.and_then(|found| found.modified_at);
    match stores.and_then(|stores| live::apart(ours, stores)) {
        None => Ok(Now { ours, stores }),
        Some(apart) => {
            store.erase(&key).await?;
            Err(wrong_clock(&format!("this machine's clock and the store's are {apart} apart")))
        }
    }
}

fn wrong_clock(why: &str) -> Fault {
    Fault::new(FaultKind::Conflict, format!("nothing is removed: {why}"))
        .help("set the clock right; what is too old cannot be said by a wrong one")
}
