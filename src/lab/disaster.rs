//! A disaster and its reckoning: drop a database, find the last instant before, and hold what was restored against the
//! ledger.

use std::collections::BTreeSet;

use bson::RawDocument;
use futures_util::TryStreamExt;

use super::pixelcraft::{Difference, IMAGES, Ledger};
use crate::base::{Fault, OpTime, Result};
use crate::engine::content::documents;
use crate::port::CollectionKind;
use crate::port::{MongoSource, MongoTarget};

/// The last cluster time before `db` began to be dropped, as the server's own log of `[from, until]` tells it.
pub async fn last_instant_before_drop(
    source: &dyn MongoSource,
    db: &str,
    from: OpTime,
    until: OpTime,
) -> Result<OpTime> {
    let command = format!("{db}.$cmd");
    let mut log = source.oplog(from, Some(until)).await?;
    while let Some(batch) = log.try_next().await? {
        for entry in documents(&batch) {
            if let Some(at) = drops(entry?, &command) {
                return Ok(before(at));
            }
        }
    }
    Err(Fault::missing(format!("the log from {from} to {until} tells of no drop of `{db}`")))
}

/// The entry's cluster time, if it drops a collection of the database or all of it.
fn drops(entry: &[u8], command: &str) -> Option<OpTime> {
    let entry = RawDocument::from_bytes(entry).ok()?;
    let is_command = entry.get_str("op").ok() == Some("c") && entry.get_str("ns").ok() == Some(command);
    let done = entry.get_document("o").ok()?;
    let (first, _) = done.iter().next()?.ok()?;
    let at = entry.get_timestamp("ts").ok()?;
    (is_command && ["drop", "dropDatabase"].contains(&first.as_str())).then(|| OpTime::new(at.time, at.increment))
}

fn before(at: OpTime) -> OpTime {
    match at.inc {
        0 => OpTime::new(at.secs.saturating_sub(1), u32::MAX),
        inc => OpTime::new(at.secs, inc - 1),
    }
}

/// What a restored database is worth.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Reckoning {
    pub documents: Difference,
    /// Images whose object is not among the uploads.
    pub dangling: u64,
}

impl Reckoning {
    /// Whether there is nothing to complain of.
    pub fn is_clean(&self) -> bool {
        self.documents.is_none() && self.dangling == 0
    }
}

/// Holds every document of `db` against the ledger as of `at`, and every image's object against the uploads' keys.
pub async fn reckon(
    target: &dyn MongoTarget,
    db: &str,
    ledger: &Ledger,
    at: OpTime,
    uploads: &BTreeSet<String>,
) -> Result<Reckoning> {
    let mut comparison = ledger.compare_at(at);
    let mut dangling = 0;
    for collection in target.collections(db).await? {
        if collection.kind != CollectionKind::Collection {
            continue;
        }
        let name = collection.name.as_str();
        let mut found = target.documents(db, name).await?;
        while let Some(batch) = found.try_next().await? {
            for document in documents(&batch) {
                let document = document?;
                comparison.see(name, document)?;
                dangling += u64::from(name == IMAGES && !object_of(document).is_some_and(|key| uploads.contains(key)));
            }
        }
    }
    Ok(Reckoning { documents: comparison.finish(), dangling })
}

fn object_of(image: &[u8]) -> Option<&str> {
    RawDocument::from_bytes(image).ok()?.get_document("object").ok()?.get_str("key").ok()
}
