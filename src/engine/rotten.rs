//! Blobs that a verification found wrong. All points that list one share its rot, those to come too, so the next run brings
//! it again from the bucket; points of before are whole again with it.

use std::collections::{BTreeMap, HashSet};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Event, Listener, record};
use crate::base::{Fault, FaultKind, Instant, Result};
use crate::port::{ObjectInfo, ObjectStore};
use crate::repository::Verification;
use crate::repository::key::{BLOBS, VERIFICATIONS};

/// So many of the newest records are looked at: what rotted is found anew each time that it is read.
const NEWEST: usize = 64;
const AT_ONCE: usize = 8;

/// For each blob that was found wrong, when the last verification that did so began.
pub async fn found(store: &dyn ObjectStore, listener: &dyn Listener) -> Result<BTreeMap<String, Instant>> {
    let mut records: Vec<String> = store.list(VERIFICATIONS).await?.into_iter().map(|record| record.key).collect();
    // Their names begin with their times.
    records.sort_unstable();
    let newest = records.into_iter().rev().take(NEWEST).map(|key| async move {
        match store.get(&key).await.and_then(|body| Verification::decode(&body, &key)) {
            Ok(verification) => Ok(Some(verification)),
            Err(fault) if matches!(fault.kind, FaultKind::Corrupt | FaultKind::Missing) => {
                listener
                    .on(Event::Warning(format!("what a verification found is not known: {}", record::chain(&fault))));
                Ok(None)
            }
            Err(fault) => Err::<_, Fault>(fault),
        }
    });
    let read: Vec<Option<Verification>> = stream::iter(newest).buffered(AT_ONCE).try_collect().await?;
    let mut found = BTreeMap::new();
    for verification in read.into_iter().flatten() {
        for bad in verification.bad().filter(|bad| bad.key.starts_with(BLOBS)) {
            let since = found.entry(bad.key.clone()).or_insert(verification.started_at);
            *since = verification.started_at.max(*since);
        }
    }
    Ok(found)
}

/// Those that nobody has written since.
pub fn still(found: &BTreeMap<String, Instant>, listed: &[ObjectInfo]) -> HashSet<String> {
    let written_before = |blob: &&ObjectInfo| {
        let since = found.get(&blob.key);
        since.is_some_and(|since| blob.modified_at.is_none_or(|written| written <= *since))
    };
    listed.iter().filter(written_before).map(|blob| blob.key.clone()).collect()
}
