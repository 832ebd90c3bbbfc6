//! Uploads that a killed run had begun: nobody sees them, and they are paid for. The next run that succeeds takes them
//! back, once they are so old that no run can still be at them.

use futures_util::{StreamExt, TryStreamExt, stream};

use super::record::{self, RunOf};
use super::{Event, Listener};
use crate::base::{Fault, FaultKind, Instant, Result, Span};
use crate::port::{ObjectStore, Unfinished};
use crate::repository::key::BLOBS;
use crate::repository::{Key, SnapshotName};

/// Longer than any one object is written.
pub const GRACE: Span = Span::days(7);
const AT_ONCE: usize = 8;

/// What became of the uploads that were old enough.
#[derive(Debug, Default)]
pub struct Swept {
    pub taken_back: usize,
    /// Why each of the others is still there.
    pub left: Vec<Fault>,
}

/// After a run that succeeded: clears what earlier runs of its asset left, and says so. It undoes nothing if it fails.
pub async fn clear(run: RunOf<'_>, store: &dyn ObjectStore, listener: &dyn Listener) {
    match sweep_after(run, store).await {
        Ok(Swept { taken_back, left }) => {
            if taken_back > 0 {
                listener.on(Event::Note(format!("took back {taken_back} uploads that killed runs had not finished")));
            }
            if let Some(first) = left.first() {
                let (left, why) = (left.len(), record::chain(first));
                let still =
                    format!("{left} uploads that killed runs had not finished are still there, and are paid for");
                listener.on(Event::Warning(format!("{still}: {why}")));
            }
        }
        // Credentials that may only add objects, and servers without parts, have nothing to clear.
        Err(fault) if matches!(fault.kind, FaultKind::Denied | FaultKind::Unsupported) => {
            tracing::debug!("unfinished uploads are not looked for: {}", record::chain(&fault));
        }
        Err(fault) => {
            let why = record::chain(&fault);
            listener.on(Event::Warning(format!("uploads that killed runs had not finished are not looked for: {why}")));
        }
    }
}

/// The store's own clock says how old they are: the run's record was written just now. Ours may be wrong by weeks.
async fn sweep_after(run: RunOf<'_>, store: &dyn ObjectStore) -> Result<Swept> {
    let record = store.head(&Key::run(run.id)?.to_string()).await?;
    let Some(now) = record.and_then(|record| record.modified_at) else { return Ok(Swept::default()) };
    let prefixes = [SnapshotName::prefix_of_all(run.asset)?, BLOBS.to_string()];
    sweep(store, &prefixes, now - GRACE).await
}

/// Takes back what was begun below these prefixes before then. What has no time of its own stays.
pub async fn sweep(store: &dyn ObjectStore, prefixes: &[String], before: Instant) -> Result<Swept> {
    let listed: Vec<Vec<Unfinished>> =
        stream::iter(prefixes).then(|prefix| store.unfinished(prefix)).try_collect().await?;
    let old = listed.into_iter().flatten().filter(|upload| upload.begun_at.is_some_and(|at| at < before));
    let ended = stream::iter(old).map(|upload| async move { store.take_back(&upload).await });
    let ended: Vec<Result<()>> = ended.buffer_unordered(AT_ONCE).collect().await;
    let many = ended.len();
    let left: Vec<Fault> = ended.into_iter().filter_map(Result::err).collect();
    Ok(Swept { taken_back: many - left.len(), left })
}
