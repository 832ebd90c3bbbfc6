//! Documents of a base into a server: decompressed, counted and hashed on the way, a few batches at once.

use std::sync::Arc;
use std::time::Instant;

use bson::RawDocumentBuf;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::Semaphore;

use super::content::Tally;
use super::effort::Effort;
use super::event::{Event, Listener};
use super::index_book::BUCKETS;
use super::unpack;
use crate::base::{Fault, Result};
use crate::port::CollectionKind;
use crate::port::{MongoTarget, ObjectStore};
use crate::repository::{CollectionEntry, ObjectEntry};

pub const PHASE: &str = "load";

/// Largest first, two at once: while one ends, the server is not idle.
const COLLECTIONS_AT_ONCE: usize = 2;
const CREATES_AT_ONCE: usize = 4;

/// A collection of the base with all that is needed to make it.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    pub entry: CollectionEntry,
    pub options: RawDocumentBuf,
    pub indexes: Vec<RawDocumentBuf>,
    pub data: Option<ObjectEntry>,
}

impl Prepared {
    /// Where the documents are: a time series keeps them in its buckets.
    pub fn stored_in(&self) -> String {
        stored_in(&self.entry)
    }

    pub fn is_capped(&self) -> bool {
        self.options.get_bool("capped").unwrap_or(false)
    }
}

pub fn stored_in(entry: &CollectionEntry) -> String {
    match entry.kind {
        CollectionKind::TimeSeries => format!("{BUCKETS}{}", entry.name),
        _ => entry.name.clone(),
    }
}

/// Makes every collection, views last, since one may look at the others.
pub async fn create(target: &dyn MongoTarget, collections: &[Prepared]) -> Result<()> {
    let make = |c: &Prepared| {
        let (db, name, options) = (c.entry.db.clone(), c.entry.name.clone(), c.options.clone());
        async move { target.create_collection(&db, &name, &options).await }
    };
    let (views, others): (Vec<_>, Vec<_>) = collections.iter().partition(|c| c.entry.kind == CollectionKind::View);
    stream::iter(others.into_iter().map(make)).buffer_unordered(CREATES_AT_ONCE).try_collect::<()>().await?;
    stream::iter(views.into_iter().map(make)).buffer_unordered(1).try_collect::<()>().await
}

/// Loads every collection; what was loaded must be exactly what the manifest says.
pub async fn load(
    store: &dyn ObjectStore,
    target: &dyn MongoTarget,
    listener: &dyn Listener,
    collections: &[Prepared],
    (workers, effort): (usize, &Arc<Effort>),
) -> Result<Tally> {
    let mut largest_first: Vec<&Prepared> = collections.iter().filter(|c| c.data.is_some()).collect();
    largest_first.sort_by_key(|c| std::cmp::Reverse(c.entry.bytes));
    let workers = Workers { inserts: &Semaphore::new(workers.max(1)), at_most: workers.max(1), effort };
    let loads = stream::iter(largest_first).map(|c| async move {
        let loaded = load_one(store, target, listener, c, workers).await;
        loaded.map_err(|fault| fault.within(format!("cannot load `{}.{}`", c.entry.db, c.entry.name)))
    });
    let sum = async |mut sum: Tally, one: Tally| {
        sum.merge(&one);
        Ok(sum)
    };
    loads.buffer_unordered(COLLECTIONS_AT_ONCE).try_fold(Tally::default(), sum).await
}

#[derive(Clone, Copy)]
struct Workers<'a> {
    inserts: &'a Semaphore,
    at_most: usize,
    effort: &'a Arc<Effort>,
}

async fn load_one(
    store: &dyn ObjectStore,
    target: &dyn MongoTarget,
    listener: &dyn Listener,
    collection: &Prepared,
    workers: Workers<'_>,
) -> Result<Tally> {
    let Some(data) = &collection.data else { return Ok(Tally::default()) };
    let (entry, place) = (&collection.entry, collection.stored_in());
    let place = &place;
    let inserts = unpack::counted(store, data, workers.effort).await?.map(|batch| async move {
        let batch = batch?;
        let _turn = workers.inserts.acquire().await.map_err(|e| Fault::bug("no worker is left").because(e))?;
        let since = Instant::now();
        target.insert(&entry.db, place, batch.bytes).await?;
        workers.effort.inserted(since.elapsed(), batch.tally.bytes);
        listener.on(Event::Advanced { phase: PHASE, by: batch.tally.bytes });
        listener.on(Event::Documents { phase: PHASE, by: batch.tally.documents });
        Ok::<_, Fault>(batch.tally)
    });
    // The order of a capped collection's documents is part of what it is.
    let at_once = if collection.is_capped() { 1 } else { workers.at_most };
    let sum = async |mut sum: Tally, one: Tally| {
        sum.merge(&one);
        Ok(sum)
    };
    let loaded = inserts.buffer_unordered(at_once).try_fold(Tally::default(), sum).await?;
    is_whole(collection, &loaded)?;
    Ok(loaded)
}

/// Whether what was loaded is what the manifest says.
pub fn is_whole(collection: &Prepared, loaded: &Tally) -> Result<()> {
    let entry = &collection.entry;
    if (loaded.documents, loaded.content.to_hex().as_str()) == (entry.documents, entry.content.as_str()) {
        return Ok(());
    }
    let (documents, said) = (loaded.documents, entry.documents);
    Err(Fault::corrupt(format!("its {documents} documents are not the {said} that the manifest says"))
        .help("restore another recovery point; this one was damaged after it was written"))
}
