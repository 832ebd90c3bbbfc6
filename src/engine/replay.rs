//! The log on top of a base: every entry after the base's cluster time, up to the target and with it, in order.

use bson::{RawDocument, RawDocumentBuf};
use futures_util::StreamExt;

use super::content::documents;
use super::event::{Event, Listener};
use super::plan::{PlannedSlice, RestorePlan};
use super::rewrite::rewrite;
use super::translate::{Operation, Translator, time_of};
use super::unpack;
use crate::base::{Fault, OpTime, Result};
use crate::port::{MongoTarget, ObjectStore};

pub const PHASE: &str = "replay";

/// One `applyOps` of a thousand is fastest on the server; four million bytes stay far from its limit.
const BATCH_OPERATIONS: usize = 1_000;
const BATCH_BYTES: usize = 4 << 20;

/// Translates the whole log without applying it, so that what is damaged or cannot be replayed is known beforehand.
/// Slices are read to their end: their hashes are proven too.
pub async fn rehearse(plan: &RestorePlan, store: &dyn ObjectStore, translator: &mut Translator) -> Result<()> {
    let Some(mut window) = Stretch::of(plan) else { return Ok(()) };
    for slice in &plan.slices {
        let mut batches = std::pin::pin!(unpack::documents(store, &slice.object()).await?);
        let mut entries = 0;
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            entries += batch.tally.documents;
            for entry in documents(&batch.bytes) {
                let entry = read(entry?, slice)?;
                if !window.takes(entry)? {
                    continue;
                }
                if let Some(entry) = rewrite(entry, &plan.selection)? {
                    translator.feed(&entry)?;
                }
            }
        }
        if entries != slice.header.entries {
            let said = slice.header.entries;
            return Err(Fault::corrupt(format!("`{}` holds {entries} entries, its header says {said}", slice.key)));
        }
    }
    Ok(())
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
    let mut writer = Writer { target, listener, pending: Vec::new(), pending_bytes: 0, applied: 0 };
    for slice in &plan.slices {
        let mut batches = std::pin::pin!(unpack::documents(store, &slice.object()).await?);
        while let Some(batch) = batches.next().await {
            for entry in documents(&batch?.bytes) {
                let entry = read(entry?, slice)?;
                if !window.takes(entry)? {
                    continue;
                }
                let Some(entry) = rewrite(entry, &plan.selection)? else { continue };
                for operation in translator.feed(&entry)? {
                    writer.take(operation).await?;
                }
            }
        }
    }
    writer.flush().await?;
    Ok(writer.applied)
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

/// Gathers writes into batches; a change to collections goes alone, after all before it.
struct Writer<'a> {
    target: &'a dyn MongoTarget,
    listener: &'a dyn Listener,
    pending: Vec<RawDocumentBuf>,
    pending_bytes: usize,
    applied: u64,
}

impl Writer<'_> {
    async fn take(&mut self, operation: Operation) -> Result<()> {
        match operation {
            Operation::Write(write) => {
                let bytes = write.as_bytes().len();
                if self.pending.len() == BATCH_OPERATIONS || self.pending_bytes + bytes > BATCH_BYTES {
                    self.flush().await?;
                }
                self.pending_bytes += bytes;
                self.pending.push(write);
                Ok(())
            }
            Operation::Change(change) => {
                self.flush().await?;
                self.pending.push(change);
                self.flush().await
            }
        }
    }

    async fn flush(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        self.target.apply_ops(&self.pending).await?;
        let by = self.pending.len() as u64;
        self.listener.on(Event::Advanced { phase: PHASE, by });
        self.applied += by;
        self.pending.clear();
        self.pending_bytes = 0;
        Ok(())
    }
}
