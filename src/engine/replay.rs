//! The log on top of a base: every entry after the base's cluster time, up to the target and with it, in order.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hasher};

use bson::{RawDocument, RawDocumentBuf};
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, FuturesUnordered};
use futures_util::{FutureExt, StreamExt, stream};

use super::content::documents;
use super::event::{Event, Listener};
use super::plan::{PlannedSlice, RestorePlan};
use super::rewrite::rewrite;
use super::scope::Scope;
use super::sift::sift;
use super::translate::{Operation, Translator, time_of};
use super::unpack::{self, Batch};
use crate::base::{Fault, OpTime, Result};
use crate::port::{Flow, MongoTarget, ObjectStore};

pub const PHASE: &str = "replay";

/// One `applyOps` of a thousand is fastest on the server; two million bytes keep all that is on its way within memory.
const BATCH_OPERATIONS: usize = 1_000;
const BATCH_BYTES: usize = 2 << 20;
/// Batches at the server at once.
const LANES: usize = 4;
/// Slices that are fetched and unpacked at once.
const SLICES_AHEAD: usize = 2;

/// Translates the whole log without applying it, so that what is damaged or cannot be replayed is known beforehand.
/// Returns the number of operations. Slices are read to their end: their hashes are proven too.
pub async fn rehearse(plan: &RestorePlan, store: &dyn ObjectStore, translator: &mut Translator) -> Result<u64> {
    let Some(mut window) = Stretch::of(plan) else { return Ok(0) };
    let mut operations = 0;
    let mut slices = opened(plan, store);
    while let Some(opened) = slices.next().await {
        let (slice, mut batches) = opened?;
        let mut entries = 0;
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            entries += batch.tally.documents;
            for entry in documents(&batch.bytes) {
                let entry = read(entry?, slice)?;
                if !window.takes(entry)? {
                    continue;
                }
                if let Some(entry) = taken(entry, plan)? {
                    operations += translator.feed(&entry)?.len() as u64;
                }
            }
        }
        if entries != slice.header.entries {
            let said = slice.header.entries;
            return Err(Fault::corrupt(format!("`{}` holds {entries} entries, its header says {said}", slice.key)));
        }
    }
    Ok(operations)
}

/// Applies the log and returns the number of operations.
pub async fn apply(
    plan: &RestorePlan,
    store: &dyn ObjectStore,
    target: &dyn MongoTarget,
    listener: &dyn Listener,
    translator: &mut Translator,
) -> Result<u64> {
    let Some(mut window) = Stretch::of(plan) else { return Ok(0) };
    let mut writer = Writer::new(target, listener);
    let mut slices = opened(plan, store);
    while let Some(opened) = slices.next().await {
        let (slice, mut batches) = opened?;
        while let Some(batch) = batches.next().await {
            for entry in documents(&batch?.bytes) {
                let entry = read(entry?, slice)?;
                if !window.takes(entry)? {
                    continue;
                }
                let Some(entry) = taken(entry, plan)? else { continue };
                for operation in translator.feed(&entry)? {
                    writer.take(operation).await?;
                }
            }
        }
    }
    writer.flush().await?;
    Ok(writer.applied)
}

/// An entry, as far as the plan takes it: without what the base was made without, and under the names that are written.
pub fn taken<'a>(entry: &'a RawDocument, plan: &RestorePlan) -> Result<Option<Cow<'a, RawDocument>>> {
    if plan.base.exclude.is_empty() {
        return rewrite(entry, &plan.selection);
    }
    let Some(entry) = sift(entry, &Scope::of(&plan.base))? else { return Ok(None) };
    let taken = rewrite(&entry, &plan.selection)?;
    Ok(taken.map(|taken| Cow::Owned(taken.into_owned())))
}

type Opened<'a> = (&'a PlannedSlice, Flow<Batch>);

/// The slices in order. The next is fetched and unpacked already while one is read.
fn opened<'a>(plan: &'a RestorePlan, store: &'a dyn ObjectStore) -> BoxStream<'a, Result<Opened<'a>>> {
    let open = move |slice: &'a PlannedSlice| async move {
        let batches = unpack::documents(store, &slice.object()).await?;
        Ok::<Opened<'a>, Fault>((slice, Box::pin(batches)))
    };
    Box::pin(stream::iter(&plan.slices).map(open).buffered(SLICES_AHEAD))
}

fn read<'a>(entry: &'a [u8], slice: &PlannedSlice) -> Result<&'a RawDocument> {
    let read = RawDocument::from_bytes(entry);
    read.map_err(|error| Fault::corrupt(format!("`{}` holds an entry that is no BSON", slice.key)).because(error))
}

/// Which entries count. Slices may overlap: what was taken once is not taken again.
struct Stretch {
    after: OpTime,
    until: OpTime,
}

impl Stretch {
    fn of(plan: &RestorePlan) -> Option<Stretch> {
        Some(Stretch { after: plan.base.cluster_time?, until: plan.until? })
    }

    fn takes(&mut self, entry: &RawDocument) -> Result<bool> {
        let at = time_of(entry)?;
        if at <= self.after || at > self.until {
            return Ok(false);
        }
        self.after = at;
        Ok(true)
    }
}

/// Gathers writes into batches, one queue for each lane: a namespace keeps to its lane, so its writes stay in order, and
/// writes to others do not wait for them. A change to collections goes alone, after all before it.
struct Writer<'a> {
    target: &'a dyn MongoTarget,
    listener: &'a dyn Listener,
    lanes: [Lane; LANES],
    /// At most one batch of each lane.
    flying: FuturesUnordered<BoxFuture<'a, (usize, Result<u64>)>>,
    applied: u64,
}

#[derive(Default)]
struct Lane {
    pending: Vec<RawDocumentBuf>,
    bytes: usize,
    flies: bool,
}

impl<'a> Writer<'a> {
    fn new(target: &'a dyn MongoTarget, listener: &'a dyn Listener) -> Self {
        Writer { target, listener, lanes: Default::default(), flying: FuturesUnordered::new(), applied: 0 }
    }

    async fn take(&mut self, operation: Operation) -> Result<()> {
        match operation {
            Operation::Write(write) => {
                let at = lane_of(&write);
                let bytes = write.as_bytes().len();
                if self.lane(at)?.is_full(bytes) {
                    self.send(at).await?;
                }
                let lane = self.lane(at)?;
                lane.bytes += bytes;
                lane.pending.push(write);
                Ok(())
            }
            Operation::Change(change) => {
                self.flush().await?;
                self.lane(0)?.pending.push(change);
                self.flush().await
            }
        }
    }

    fn lane(&mut self, at: usize) -> Result<&mut Lane> {
        self.lanes.get_mut(at).ok_or_else(|| Fault::bug("a lane that is not there"))
    }

    /// Sends what a lane has gathered, once its batch before is done.
    async fn send(&mut self, at: usize) -> Result<()> {
        while self.lane(at)?.flies {
            self.land().await?;
        }
        let lane = std::mem::take(self.lane(at)?);
        if lane.pending.is_empty() {
            return Ok(());
        }
        self.lane(at)?.flies = true;
        let target = self.target;
        self.flying.push(Box::pin(async move {
            let applied = target.apply_ops(&lane.pending).await;
            (at, applied.map(|()| lane.pending.len() as u64))
        }));
        // It leaves now, not when somebody waits for it.
        match self.flying.next().now_or_never().flatten() {
            Some(landed) => self.landed(landed),
            None => Ok(()),
        }
    }

    async fn land(&mut self) -> Result<()> {
        match self.flying.next().await {
            Some(landed) => self.landed(landed),
            None => Err(Fault::bug("a batch of the log was lost on its way")),
        }
    }

    fn landed(&mut self, (at, applied): (usize, Result<u64>)) -> Result<()> {
        let by = applied?;
        self.lane(at)?.flies = false;
        self.listener.on(Event::Advanced { phase: PHASE, by });
        self.applied += by;
        Ok(())
    }

    /// Everything that was taken is applied when this returns.
    async fn flush(&mut self) -> Result<()> {
        for at in 0..LANES {
            self.send(at).await?;
        }
        while !self.flying.is_empty() {
            self.land().await?;
        }
        Ok(())
    }
}

impl Lane {
    fn is_full(&self, bytes: usize) -> bool {
        self.pending.len() == BATCH_OPERATIONS || (self.bytes + bytes > BATCH_BYTES && !self.pending.is_empty())
    }
}

fn lane_of(write: &RawDocument) -> usize {
    let mut hasher = DefaultHasher::new();
    hasher.write(write.get_str("ns").unwrap_or_default().as_bytes());
    usize::try_from(hasher.finish() % LANES as u64).unwrap_or_default()
}
