//! The write that makes a snapshot exist, beside prunings that may want what it consists of.

use std::collections::{BTreeSet, HashSet};

use super::prune::{GRACE_MIN, marks};
use super::{Event, Listener, record};
use crate::base::{Fault, FaultKind, Result};
use crate::port::{Clock, ObjectStore, Written};
use crate::repository::{Manifest, SnapshotName};

/// Makes the snapshot exist. What a pruning has marked, and is wanted, is taken back first; and looked for after it, should
/// this process have stood still in between for so long that a sweep was faster. Prunings that were over before the run
/// looked at what is there removed nothing that it counts on.
pub async fn publish(
    store: &dyn ObjectStore,
    (clock, listener): (&dyn Clock, &dyn Listener),
    manifest: &Manifest,
    over_before: &BTreeSet<String>,
) -> Result<()> {
    let beside = Beside { store, clock, listener, manifest, over_before };
    beside.before().await?;
    let key = beside.put().await?;
    beside.after(&key).await?;
    beside.forget_the_beginning().await
}

/// The same for a run all of whose objects are its own: only one that stood still for a day or more can have been taken
/// for killed, so that no other needs the right to list.
pub async fn publish_own(
    store: &dyn ObjectStore,
    (clock, listener): (&dyn Clock, &dyn Listener),
    manifest: &Manifest,
) -> Result<()> {
    let beside = Beside { store, clock, listener, manifest, over_before: &BTreeSet::new() };
    let took_long = || clock.now() - manifest.started_at >= GRACE_MIN;
    if took_long() {
        beside.before().await?;
    }
    let key = beside.put().await?;
    if took_long() {
        beside.after(&key).await?;
    }
    beside.forget_the_beginning().await
}

struct Beside<'a> {
    store: &'a dyn ObjectStore,
    clock: &'a dyn Clock,
    listener: &'a dyn Listener,
    manifest: &'a Manifest,
    over_before: &'a BTreeSet<String>,
}

impl Beside<'_> {
    async fn take_back(&self) -> Result<Option<Fault>> {
        let wanted: HashSet<&str> = self.manifest.objects.iter().map(|object| object.key.as_str()).collect();
        marks::take_back(self.store, self.clock, &self.manifest.id, self.over_before, &wanted).await
    }

    async fn before(&self) -> Result<()> {
        self.take_back().await?.map_or(Ok(()), Err)
    }

    async fn put(&self) -> Result<String> {
        let id = &self.manifest.id;
        let key = SnapshotName::new(&self.manifest.asset, id)?.manifest().to_string();
        match self.store.put_new(&key, self.manifest.encode()?).await? {
            Written::New => Ok(key),
            Written::Existed => Err(Fault::new(FaultKind::Conflict, format!("a snapshot `{id}` is there already"))
                .help("run the backup again; its name comes from the clock")),
        }
    }

    /// A snapshot that is there is no killed run's. Where it cannot be deleted, by a writer who may only add, it goes with
    /// the snapshot.
    async fn forget_the_beginning(&self) -> Result<()> {
        let key = SnapshotName::new(&self.manifest.asset, &self.manifest.id)?.begun().to_string();
        if let Err(fault) = self.store.delete(&key).await {
            tracing::debug!("`{key}` stays: {fault}");
        }
        Ok(())
    }

    async fn after(&self, key: &str) -> Result<()> {
        match self.take_back().await {
            Ok(None) => Ok(()),
            Ok(Some(gone)) => {
                self.store.erase(key).await?;
                Err(gone)
            }
            // The point is whole by all that was known when it was made.
            Err(fault) => {
                let why = record::chain(&fault);
                let text = format!("whether a pruning goes on beside this run is not known: {why}");
                self.listener.on(Event::Warning(text));
                Ok(())
            }
        }
    }
}
