//! Whether a restored server holds what it should: every document read back, every option and index looked at.

use std::collections::BTreeMap;

use bson::{Document, RawDocumentBuf};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::content::Tally;
use super::event::{Event, Listener};
use super::head_count::HeadCount;
use super::index_book::{BUCKETS, IndexBook};
use super::loader::Prepared;
use crate::base::{Bytes as Size, Fault, Result};
use crate::evidence::Check;
use crate::port::MongoTarget;
use crate::port::{CollectionInfo, CollectionKind};

pub const PHASE: &str = "verify";

const COLLECTIONS_AT_ONCE: usize = 2;
const HASHES_AT_ONCE: usize = 2;

/// What a server holds, by database and the collection that stores it.
pub type Held = BTreeMap<(String, String), Tally>;

/// All collections of these databases, with options and indexes.
pub async fn list(target: &dyn MongoTarget, databases: &[String]) -> Result<Vec<CollectionInfo>> {
    let lists: Vec<Vec<CollectionInfo>> =
        stream::iter(databases).then(|db| target.collections(db)).try_collect().await?;
    Ok(lists.into_iter().flatten().collect())
}

/// Reads every document back.
pub async fn read_back(target: &dyn MongoTarget, listener: &dyn Listener, found: &[CollectionInfo]) -> Result<Held> {
    let stored = found.iter().filter(|c| c.kind != CollectionKind::View);
    let reads = stored.map(|c| async move {
        let place = stored_in(c);
        let tally = one(target, listener, &c.db, &place).await?;
        Ok::<_, Fault>(((c.db.clone(), place), tally))
    });
    stream::iter(reads).buffer_unordered(COLLECTIONS_AT_ONCE).try_collect().await
}

fn stored_in(collection: &CollectionInfo) -> String {
    match collection.kind {
        CollectionKind::TimeSeries => format!("{BUCKETS}{}", collection.name),
        _ => collection.name.clone(),
    }
}

async fn one(target: &dyn MongoTarget, listener: &dyn Listener, db: &str, collection: &str) -> Result<Tally> {
    let batches = target.documents(db, collection).await?;
    let hashed = batches.map(|batch: Result<Bytes>| async move {
        let batch = batch?;
        let hash = tokio::task::spawn_blocking(move || Tally::of(&batch)).await;
        let tally = hash.map_err(|error| Fault::bug("a task that hashes documents ended early").because(error))??;
        listener.on(Event::Advanced { phase: PHASE, by: tally.bytes });
        listener.on(Event::Documents { phase: PHASE, by: tally.documents });
        Ok::<_, Fault>(tally)
    });
    let sum = async |mut sum: Tally, one: Tally| {
        sum.merge(&one);
        Ok(sum)
    };
    hashed.buffer_unordered(HASHES_AT_ONCE).try_fold(Tally::default(), sum).await
}

/// Count and content of every collection against the manifest; options too.
pub fn with_manifest(expected: &[Prepared], found: &[CollectionInfo], held: &Held) -> Vec<Check> {
    let (mut wrong, mut wrong_options) = (Vec::new(), Vec::new());
    for collection in expected {
        let entry = &collection.entry;
        let name = format!("`{}.{}`", entry.db, entry.name);
        let Some(there) = found.iter().find(|c| (&c.db, &c.name, c.kind) == (&entry.db, &entry.name, entry.kind))
        else {
            wrong.push(format!("{name} is missing"));
            continue;
        };
        if !same_options(&collection.options, &there.options) {
            wrong_options.push(name.clone());
        }
        if entry.kind == CollectionKind::View {
            continue;
        }
        let tally = held.get(&(entry.db.clone(), collection.stored_in())).copied().unwrap_or_default();
        if tally.documents != entry.documents {
            wrong.push(format!("{name} holds {} documents instead of {}", tally.documents, entry.documents));
        } else if tally.content.to_hex() != entry.content {
            wrong.push(format!("{name} holds {} documents, but not those that were backed up", tally.documents));
        }
    }
    for extra in found.iter().filter(|c| !expected.iter().any(|e| (&e.entry.db, &e.entry.name) == (&c.db, &c.name))) {
        wrong.push(format!("`{}.{}` was not backed up", extra.db, extra.name));
    }
    let total = sum(held);
    let equal = format!(
        "{} documents ({}) in {} collections read back, equal to the manifest by content hash",
        total.documents,
        Size(total.bytes),
        expected.len()
    );
    let options = format!("options of {} collections equal, validators and collations included", expected.len());
    vec![check("content", &wrong, equal), check("options", &wrong_options, options)]
}

/// Counts of every collection against what base and log add up to. What cannot be known is said, and left open.
pub fn with_counts<'a>(counts: impl Iterator<Item = (&'a str, &'a str, Option<i128>)>, held: &Held) -> Check {
    let (mut wrong, mut unknown) = (Vec::new(), Vec::new());
    let mut known = 0;
    for (db, collection, documents) in counts {
        known += 1;
        match (held.get(&(db.to_string(), collection.to_string())), documents) {
            (None, _) => wrong.push(format!("`{db}.{collection}` is missing")),
            (Some(_), None) => unknown.push(format!("`{db}.{collection}`")),
            (Some(tally), Some(documents)) if i128::from(tally.documents) != documents => {
                wrong.push(format!("`{db}.{collection}` holds {} documents instead of {documents}", tally.documents));
            }
            (Some(_), Some(_)) => {}
        }
    }
    if held.len() > known {
        wrong.push(format!("{} collections that neither base nor log know", held.len() - known));
    }
    let total = sum(held);
    let mut equal = format!(
        "{} documents ({}) in {known} collections read back, as many as base and log add up to; \
         the log holds no content hash to compare with",
        total.documents,
        Size(total.bytes)
    );
    if !unknown.is_empty() {
        let names = shortened(&unknown);
        equal +=
            &format!("; not known how many there must be, since they were written to while they were read: {names}");
    }
    Check { leaves_open: !unknown.is_empty(), ..check("counts", &wrong, equal) }
}

/// Content of the collections that the log does not touch: what was loaded must be there still.
pub fn untouched(expected: &[Prepared], counts: &HeadCount, held: &Held) -> Check {
    let is_untouched = |c: &&Prepared| c.data.is_some() && !counts.has_changed(&c.entry.db, &c.stored_in());
    let untouched: Vec<&Prepared> = expected.iter().filter(is_untouched).collect();
    let differs = |c: &&&Prepared| {
        let tally = held.get(&(c.entry.db.clone(), c.stored_in())).copied().unwrap_or_default();
        (tally.documents, tally.content.to_hex()) != (c.entry.documents, c.entry.content.clone())
    };
    let wrong = untouched.iter().filter(differs);
    let wrong: Vec<String> =
        wrong.map(|c| format!("`{}.{}` is not as it was loaded", c.entry.db, c.entry.name)).collect();
    let equal =
        format!("{} collections that the log does not touch equal the manifest by content hash", untouched.len());
    check("content", &wrong, equal)
}

/// Every index that should be there is there, with the same options and the same order of keys.
pub fn indexes(book: &IndexBook, found: &[CollectionInfo]) -> Result<Check> {
    let mut there = IndexBook::default();
    for collection in found {
        collection.indexes.iter().try_for_each(|index| there.add(&collection.db, &collection.name, index))?;
    }
    let (wanted, there) = (book.by_name(), there.by_name());
    let mut wrong = Vec::new();
    for (name, spec) in &wanted {
        match there.get(name) {
            None => wrong.push(format!("`{}` of `{}.{}` is missing", name.2, name.0, name.1)),
            Some(other) if !same_index(spec, other) => {
                wrong.push(format!("`{}` of `{}.{}` differs", name.2, name.0, name.1));
            }
            Some(_) => {}
        }
    }
    let extra = there.keys().filter(|name| !wanted.contains_key(*name));
    wrong.extend(extra.map(|name| format!("`{}` of `{}.{}` should not be there", name.2, name.0, name.1)));
    Ok(check("indexes", &wrong, format!("{} indexes equal", wanted.len())))
}

pub fn sum(held: &Held) -> Tally {
    held.values().fold(Tally::default(), |mut sum, one| {
        sum.merge(one);
        sum
    })
}

/// Fields of a document compare in any order; the order of an index's keys is its meaning. What only buckets carry is
/// not compared: time series name their indexes in two ways.
fn same_index(one: &Document, other: &Document) -> bool {
    let keys = |index: &Document| index.get_document("key").map(|key| key.keys().cloned().collect::<Vec<_>>()).ok();
    one == other && keys(one) == keys(other)
}

fn same_options(one: &RawDocumentBuf, other: &RawDocumentBuf) -> bool {
    let read = |options: &RawDocumentBuf| Document::try_from(options.as_ref()).ok();
    read(one) == read(other)
}

pub fn check(name: &str, wrong: &[String], right: String) -> Check {
    let detail = if wrong.is_empty() { right } else { shortened(wrong) };
    Check { name: name.to_string(), passed: wrong.is_empty(), detail, leaves_open: false }
}

fn shortened(all: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = all.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("; ");
    if all.len() > SHOWN { format!("{shown}; and {} more", all.len() - SHOWN) } else { shown }
}
