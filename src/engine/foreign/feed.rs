//! The documents of an archive or tar into a server, in the order in which they come.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::{Mutex, mpsc};

use super::contents::wrong;
use super::{Finds, LOG, Whole, read};
use crate::base::{Fault, FaultKind, Result};
use crate::engine::content::Tally;
use crate::engine::event::{Event, Listener};
use crate::engine::gather::{Batch, Gather};
use crate::engine::loader::{self, Prepared};
use crate::engine::pieces::Pieces;
use crate::port::{Flow, MongoTarget, ObjectStore};

/// Batches between the reader and the inserts.
const AHEAD: usize = 2;

/// Loads what of `whole` is in `collections`; what was loaded must be exactly what was found before.
pub async fn load(
    whole: &Whole,
    store: &dyn ObjectStore,
    target: &dyn MongoTarget,
    listener: &dyn Listener,
    collections: &[Prepared],
    workers: usize,
) -> Result<Tally> {
    // The order of a capped collection's documents is part of what it is: one batch of it at a time.
    let turns: Vec<_> = collections.iter().map(|c| c.is_capped().then(|| Arc::new(Mutex::new(())))).collect();
    let places = collections.iter().enumerate().filter_map(|(at, c)| Some((c.entry.data.clone()?, at))).collect();
    let flow = flow(whole, store, places).await?;
    let in_turn = flow.then(|item| async {
        let turn = match item.as_ref().ok().and_then(|(at, _)| turns.get(*at)?.clone()) {
            Some(turn) => Some(turn.lock_owned().await),
            None => None,
        };
        (item, turn)
    });
    let inserts = in_turn.map(|(item, turn)| async move {
        // Held until the batch is in.
        let _turn = turn;
        let (at, batch) = item?;
        let collection = collections.get(at).ok_or_else(|| Fault::bug("documents of no collection"))?;
        let entry = &collection.entry;
        let inserted = target.insert(&entry.db, &collection.stored_in(), batch.bytes).await;
        inserted.map_err(|fault| fault.within(format!("cannot load `{}.{}`", entry.db, entry.name)))?;
        listener.on(Event::Advanced { phase: loader::PHASE, by: batch.tally.bytes });
        listener.on(Event::Documents { phase: loader::PHASE, by: batch.tally.documents });
        Ok::<_, Fault>((at, batch.tally))
    });
    let add = async |mut loaded: Vec<Tally>, (at, tally): (usize, Tally)| {
        loaded.iter_mut().skip(at).take(1).for_each(|one| one.merge(&tally));
        Ok(loaded)
    };
    let none = vec![Tally::default(); collections.len()];
    let loaded = inserts.buffer_unordered(workers.max(1)).try_fold(none, add).await?;
    let mut sum = Tally::default();
    for (collection, loaded) in collections.iter().zip(&loaded) {
        loader::is_whole(collection, loaded)?;
        sum.merge(loaded);
    }
    Ok(sum)
}

/// The entries of the dump's own log.
pub async fn log(whole: &Whole, store: &dyn ObjectStore) -> Result<Flow<Batch>> {
    let flow = flow(whole, store, BTreeMap::from([(format!("/{LOG}"), 0)])).await?;
    Ok(Box::pin(flow.map_ok(|(_, batch)| batch)))
}

/// Batches, each with the place of its collection.
async fn flow(whole: &Whole, store: &dyn ObjectStore, places: BTreeMap<String, usize>) -> Result<Flow<(usize, Batch)>> {
    let pieces = Pieces::of(store, &whole.object.key).await?;
    let (to, batches) = mpsc::channel(AHEAD);
    let (form, codec, expected) = (whole.form, whole.codec, whole.object.clone());
    tokio::task::spawn_blocking(move || {
        let mut feed = Feed { places, current: None, gather: Gather::default(), to };
        let outcome = match read(form, codec, pieces, &mut feed) {
            Ok(object) if object != expected => Err(wrong(&expected.key, "it changed since it was looked through")),
            Ok(_) => Ok(()),
            Err(fault) => Err(fault),
        };
        if let Err(fault) = outcome {
            // Nobody listens any more: nobody minds.
            let _ = feed.to.blocking_send(Err(fault));
        }
    });
    Ok(Box::pin(stream::unfold(batches, async |mut batches| batches.recv().await.map(|item| (item, batches)))))
}

struct Feed {
    /// Of the collections that are wanted.
    places: BTreeMap<String, usize>,
    current: Option<usize>,
    gather: Gather,
    to: mpsc::Sender<Result<(usize, Batch)>>,
}

impl Feed {
    fn send(&mut self) -> Result<()> {
        let (Some(at), Some(batch)) = (self.current, self.gather.take()) else { return Ok(()) };
        let sent = self.to.blocking_send(Ok((at, batch)));
        sent.map_err(|_| Fault::new(FaultKind::Interrupted, "nobody takes the documents any more"))
    }
}

impl Finds for Feed {
    fn metadata(&mut self, _db: &str, _stem: &str, _text: &[u8]) -> Result<()> {
        Ok(())
    }

    fn begin(&mut self, db: &str, stem: &str) -> Result<()> {
        self.current = self.places.get(&format!("{db}/{stem}")).copied();
        Ok(())
    }

    fn document(&mut self, document: &[u8]) -> Result<()> {
        if self.current.is_none() {
            return Ok(());
        }
        self.gather.push(document);
        if self.gather.is_full() { self.send() } else { Ok(()) }
    }

    fn pause(&mut self) -> Result<()> {
        self.send()
    }

    fn upload(&mut self, path: &str, _bytes: u64, contents: &mut dyn Read) -> Result<()> {
        let skipped = io::copy(contents, &mut io::sink());
        skipped.map(drop).map_err(|error| wrong(path, "it cannot be read").because(error))
    }

    fn other(&mut self, _path: &str) -> Result<()> {
        Ok(())
    }
}
