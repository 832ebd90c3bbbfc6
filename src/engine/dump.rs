//! What a backup reads: the list of collections and their open cursors, proven to be of one instant.
//!
//! A snapshot read is by name, and the server lists names only as they are now. So the list is read, the cluster time
//! taken, every cursor opened at it, and the list read again: if both lists are equal, no collection can have slipped
//! through between them, and a cursor that is open survives or fails, but never turns empty. Where collections are read
//! plainly, the same proof shows from which instant on the log is needed.

use std::time::Duration;

use bson::{RawDocument, rawdoc};
use bytes::Bytes;

use super::scope::Scope;
use super::{Event, Listener, extjson, users};
use crate::base::{Fault, FaultKind, OpTime, Result};
use crate::port::MongoSource;
use crate::port::{CollectionInfo, CollectionKind, Flow};
use crate::repository::Exclusion;

/// How often the list may change under the reader before it gives up.
const TRIES: u32 = 5;
/// A collection that was just dropped, or a snapshot from before a change, fails once. What fails twice is something else.
const TRIES_AFTER_A_FAULT: u32 = 2;
const PAUSE: Duration = Duration::from_millis(200);

/// How collections are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// All at one cluster time.
    Snapshot,
    /// As they stand when their turn comes, with the log of that time to be replayed onto them.
    WithLog,
    /// As they stand when their turn comes: a standalone server has nothing better.
    Plain,
}

/// What is to be read.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Empty: all user databases.
    pub databases: Vec<String>,
    pub exclude: Vec<Exclusion>,
    pub users_and_roles: bool,
}

impl Wanted {
    pub fn scope(&self) -> Scope {
        Scope::new(&self.databases, &self.exclude)
    }
}

pub struct Opened {
    /// The cluster time that is read at, or from which on the log is needed.
    pub at: Option<OpTime>,
    /// Largest first, as far as the server tells their sizes.
    pub collections: Vec<OpenCollection>,
}

pub struct OpenCollection {
    pub info: CollectionInfo,
    pub bytes: Option<u64>,
    /// None for a view.
    pub documents: Option<Flow<Bytes>>,
}

impl Opened {
    /// None if the size of any of them is unknown.
    pub fn bytes(&self) -> Option<u64> {
        let mut sized = self.collections.iter().filter(|c| c.documents.is_some());
        sized.try_fold(0_u64, |sum, c| c.bytes.map(|bytes| sum.saturating_add(bytes)))
    }
}

/// Opens every collection that is wanted.
pub async fn open(
    source: &dyn MongoSource,
    listener: &dyn Listener,
    wanted: &Wanted,
    reading: Reading,
) -> Result<Opened> {
    let mut tries = 0;
    loop {
        tries += 1;
        match open_once(source, wanted, reading).await {
            Ok(Some(opened)) => {
                if opened.collections.is_empty() {
                    listener.on(Event::Warning("the server holds no collection: this recovery point is empty".into()));
                }
                return Ok(opened);
            }
            Ok(None) if tries < TRIES => listener.on(Event::Note("collections changed while they were opened".into())),
            Ok(None) => {
                return Err(Fault::unreachable(format!("collections changed {TRIES} times while they were opened"))
                    .help("run the backup again when nobody creates or drops collections or indexes"));
            }
            Err(fault) if tries < TRIES_AFTER_A_FAULT && (fault.retry_can_help() || fault.kind == FaultKind::Gone) => {
                listener.on(Event::Note(format!("opening again: {}", super::record::chain(&fault))));
            }
            Err(fault) => return Err(fault),
        }
        tokio::time::sleep(PAUSE * tries).await;
    }
}

/// None if the list changed meanwhile.
async fn open_once(source: &dyn MongoSource, wanted: &Wanted, reading: Reading) -> Result<Option<Opened>> {
    let before = list(source, wanted).await?;
    let at = if reading == Reading::Plain { None } else { Some(source.cluster_time().await?) };
    let mut collections = Vec::with_capacity(before.len());
    for info in &before {
        let data = data_name(info);
        let documents = match (info.kind, reading, at) {
            (CollectionKind::View, _, _) => None,
            (_, Reading::WithLog, Some(from)) => Some(source.documents_since(&info.db, &data, from).await?),
            (_, _, at) => Some(source.documents(&info.db, &data, at).await?),
        };
        let bytes = if documents.is_some() { source.size(&info.db, &data).await } else { None };
        collections.push(OpenCollection { info: info.clone(), bytes, documents });
    }
    if list(source, wanted).await? != before {
        return Ok(None);
    }
    collections.sort_by_key(|c| std::cmp::Reverse(c.bytes));
    Ok(Some(Opened { at, collections }))
}

async fn list(source: &dyn MongoSource, wanted: &Wanted) -> Result<Vec<CollectionInfo>> {
    let there = source.databases().await?;
    if let Some(missing) = wanted.databases.iter().find(|db| !there.contains(db)) {
        let there = if there.is_empty() { "none".to_string() } else { there.join(", ") };
        return Err(Fault::missing(format!("there is no database `{missing}`"))
            .help(format!("databases on this server: {there}")));
    }
    let scope = wanted.scope();
    let mut all = Vec::new();
    for db in there.iter().filter(|db| scope.has_database(db)) {
        let collections = source.collections(db).await?;
        all.extend(collections.into_iter().filter(|c| scope.has(&c.db, &c.name)));
    }
    if wanted.users_and_roles {
        all.extend(source.collections(users::DB).await?.into_iter().filter(users::has));
    }
    match all.iter().find_map(|c| c.refused.as_ref().map(|why| (c, why))) {
        None => Ok(all),
        Some((c, why)) => {
            let name = format!("{}.{}", c.db, c.name);
            Err(Fault::new(FaultKind::Unsupported, format!("cannot back up `{name}`: {why}"))
                .help(format!("leave it out by name with --exclude '{name}'; the recovery point then says so")))
        }
    }
}

/// What was excluded must have been there: a name that is misspelt must not pass for something that was left out.
pub async fn excluded_is_there(source: &dyn MongoSource, wanted: &Wanted) -> Result<()> {
    let there = source.databases().await?;
    for exclusion in &wanted.exclude {
        let is_asked = wanted.databases.is_empty() || wanted.databases.contains(&exclusion.db);
        let matches = match &exclusion.collection {
            _ if !is_asked || !there.contains(&exclusion.db) => false,
            None => true,
            Some(_) => source.collections(&exclusion.db).await?.iter().any(|c| exclusion.covers(&c.db, &c.name)),
        };
        if !matches {
            return Err(Fault::missing(format!("`{exclusion}` was to be left out and is not there"))
                .help("check the name, or leave the --exclude out"));
        }
    }
    Ok(())
}

/// The collection that holds the documents: a time series keeps them in its buckets, which mongodump dumps as they are.
pub fn data_name(info: &CollectionInfo) -> String {
    match info.kind {
        CollectionKind::TimeSeries => format!("system.buckets.{}", info.name),
        CollectionKind::Collection | CollectionKind::View => info.name.clone(),
    }
}

/// The text of a `.metadata.json`, as mongodump writes and mongorestore reads it.
pub fn metadata(info: &CollectionInfo) -> Result<String> {
    let mut indexes = bson::RawArrayBuf::new();
    info.indexes.iter().for_each(|index| indexes.push(index.clone()));
    let kind = match info.kind {
        CollectionKind::Collection => "collection",
        CollectionKind::View => "view",
        CollectionKind::TimeSeries => "timeseries",
    };
    let mut document = rawdoc! { "options": info.options.clone(), "indexes": indexes };
    if let Some(uuid) = &info.uuid {
        document.append(bson::cstr!("uuid"), uuid.as_str());
    }
    document.append(bson::cstr!("collectionName"), info.name.as_str());
    document.append(bson::cstr!("type"), kind);
    let document: &RawDocument = &document;
    extjson::write(document)
}
