//! The log of a dump's own time: what makes a dump that was read plainly be of one instant.
//!
//! Every collection was read at some instant after the first entry, and none after the last. So all entries between,
//! replayed onto what was read, lead to the state at the last one: what a document holds already is said once more, and
//! does no harm (see [`super::beside`]). Whether it can be replayed is tried here, and not first when it is needed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use bson::RawDocument;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use super::compress::Workers;
use super::content::documents;
use super::head_count::HeadCount;
use super::index_book::IndexBook;
use super::scope::Scope;
use super::sift::sift;
use super::translate::{Translator, time_of};
use super::{dump, pipeline, rewrite, users};
use crate::base::{Codec, Fault, FaultKind, OpTime, Result};
use crate::port::{CollectionInfo, CollectionKind};
use crate::port::{MongoSource, ObjectStore};
use crate::repository::{ObjectEntry, OwnLog};

/// A log that was stored.
pub struct Kept {
    pub log: OwnLog,
    pub object: ObjectEntry,
    /// The instant that the dump is of.
    pub last: OpTime,
    pub bytes: u64,
    pub users_changed: bool,
}

/// Reads the log from `first` to after all that was read, into the object `key`.
pub async fn store(
    source: &dyn MongoSource,
    store: &dyn ObjectStore,
    key: &str,
    workers: &Workers,
    scope: &Scope,
    first: OpTime,
    collections: &[CollectionInfo],
) -> Result<Kept> {
    let until = source.horizon().await?;
    let sieve = Arc::new(Mutex::new(Sieve {
        scope: scope.clone(),
        translator: rehearsal(collections)?,
        first,
        last: None,
        users_changed: false,
    }));
    let through = Arc::clone(&sieve);
    let stored = async {
        let entries = source.oplog(first, Some(until)).await?;
        let kept = entries.map(move |batch| through.lock().unwrap_or_else(PoisonError::into_inner).take(&batch?));
        pipeline::store(Box::pin(kept), store, key, workers, &|_| ()).await
    };
    let stored = match stored.await {
        Ok(stored) => stored,
        Err(fault) => return Err(explained(source, first, fault).await),
    };
    let sieve = sieve.lock().unwrap_or_else(PoisonError::into_inner);
    let last =
        sieve.last.ok_or_else(|| Fault::unreachable(format!("the server's oplog does not reach {first} yet")))?;
    let gzip = workers.compression.codec() == Codec::Gzip;
    let log = OwnLog { key: key.to_string(), first, entries: stored.tally.documents, gzip };
    let (object, bytes, users_changed) = (stored.object, stored.tally.bytes, sieve.users_changed);
    Ok(Kept { log, object, last, bytes, users_changed })
}

/// Begun from the list of collections as it stood at the first entry.
fn rehearsal(collections: &[CollectionInfo]) -> Result<Translator> {
    let (mut indexes, mut counts, mut with_views) = (IndexBook::default(), HeadCount::default(), BTreeSet::new());
    for info in collections {
        info.indexes.iter().try_for_each(|index| indexes.add(&info.db, &info.name, index))?;
        if info.kind != CollectionKind::Collection {
            with_views.insert(info.db.clone());
        }
        if info.kind != CollectionKind::View {
            counts.load(&info.db, &dump::data_name(info), 0);
        }
    }
    Ok(Translator::new(&[], indexes, counts, with_views))
}

/// Lets through what belongs to the dump, and looks at everything.
struct Sieve {
    scope: Scope,
    translator: Translator,
    first: OpTime,
    last: Option<OpTime>,
    users_changed: bool,
}

impl Sieve {
    fn take(&mut self, batch: &[u8]) -> Result<Bytes> {
        let mut kept = BytesMut::new();
        for entry in documents(batch) {
            let unreadable = |error| Fault::corrupt("the oplog holds an entry that is no BSON").because(error);
            let entry = RawDocument::from_bytes(entry?).map_err(unreadable)?;
            let at = time_of(entry)?;
            let Some(last) = self.last else {
                // Of the first entry, everything that was read knows already.
                self.last = Some(at);
                if at == self.first { continue } else { return Err(rolled_over(self.first)) }
            };
            if at <= last {
                return Err(Fault::corrupt(format!("the oplog gave {at} after {last}")));
            }
            self.last = Some(at);
            self.users_changed |= entry.get_str("ns").is_ok_and(users::is_changed_by);
            self.keep(entry, &mut kept).map_err(|fault| {
                let what = format!("the log of the backup's own time holds at {at} what cannot be replayed");
                fault.within(what).help(AGAIN)
            })?;
        }
        Ok(kept.freeze())
    }

    fn keep(&mut self, entry: &RawDocument, kept: &mut BytesMut) -> Result<()> {
        let Some(entry) = sift(entry, &self.scope)? else { return Ok(()) };
        // Stock tools replay a rename rightly only in its parts, and Plimsoll no less.
        let indexes = |db: &str, collection: &str| self.translator.indexes.of(db, collection);
        let parts = rewrite::apart(entry.into_owned(), indexes)?;
        for part in parts {
            kept.extend_from_slice(part.as_bytes());
            self.translator.feed(&part)?;
        }
        Ok(())
    }
}

const AGAIN: &str = "run the backup again when nobody does that";

/// A read that lost its place in the log, because the server had overwritten it, is told as what it is.
async fn explained(source: &dyn MongoSource, first: OpTime, fault: Fault) -> Fault {
    match source.oplog_first().await {
        Ok(oldest) if oldest > first => rolled_over(first).because(fault),
        _ => fault,
    }
}

fn rolled_over(first: OpTime) -> Fault {
    let what = format!("the server's oplog no longer holds what was written from {first} on, while the backup ran");
    Fault::new(FaultKind::Exhausted, what).help(
        "enlarge the oplog (replSetResizeOplog) above what is written while a backup runs, or let the server keep \
         snapshots for longer than that (minSnapshotHistoryWindowInSeconds)",
    )
}
