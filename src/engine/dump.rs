//! What a backup reads: the list of collections and their open cursors, proven to be of one instant.
//!
//! A snapshot read is by name, and the server lists names only as they are now. So the list is read, the cluster time
//! taken, every cursor opened at it, and the list read again: if both lists are equal, no collection can have slipped
//! through between them, and a cursor that is open survives or fails, but never turns empty.

use std::time::Duration;

use bson::{RawDocument, rawdoc};
use bytes::Bytes;

use super::{Event, Listener, extjson};
use crate::base::{Fault, OpTime, Result};
use crate::port::MongoSource;
use crate::port::{CollectionInfo, CollectionKind, Flow};

/// How often the list may change under the reader before it gives up.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(200);

pub struct Opened {
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

/// Opens every collection of `databases` (empty: of all), at one cluster time if `at_once`.
pub async fn open(
    source: &dyn MongoSource,
    listener: &dyn Listener,
    databases: &[String],
    at_once: bool,
) -> Result<Opened> {
    let mut tries = 0;
    loop {
        tries += 1;
        match open_once(source, databases, at_once).await {
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
            Err(fault) if fault.retry_can_help() && tries < TRIES => {
                listener.on(Event::Note(format!("opening again: {}", super::record::chain(&fault))));
            }
            Err(fault) => return Err(fault),
        }
        tokio::time::sleep(PAUSE * tries).await;
    }
}

/// None if the list changed meanwhile.
async fn open_once(source: &dyn MongoSource, databases: &[String], at_once: bool) -> Result<Option<Opened>> {
    let before = list(source, databases).await?;
    let at = if at_once { Some(source.cluster_time().await?) } else { None };
    let mut collections = Vec::with_capacity(before.len());
    for info in &before {
        let data = data_name(info);
        let (bytes, documents) = match info.kind {
            CollectionKind::View => (None, None),
            _ => (source.size(&info.db, &data).await, Some(open_documents(source, info, &data, at).await?)),
        };
        collections.push(OpenCollection { info: info.clone(), bytes, documents });
    }
    if list(source, databases).await? != before {
        return Ok(None);
    }
    collections.sort_by_key(|c| std::cmp::Reverse(c.bytes));
    Ok(Some(Opened { at, collections }))
}

async fn open_documents(
    source: &dyn MongoSource,
    info: &CollectionInfo,
    data: &str,
    at: Option<OpTime>,
) -> Result<Flow<Bytes>> {
    let opened = source.documents(&info.db, data, at).await;
    let capped = matches!(info.options.get_bool("capped"), Ok(true));
    opened.map_err(|fault| match (capped, at, fault.retry_can_help()) {
        (true, Some(_), true) => Fault::new(
            crate::base::FaultKind::Unsupported,
            format!(
                "cannot back up `{}.{}`: this server cannot read a capped collection at one instant",
                info.db, info.name
            ),
        )
        .help("MongoDB 8.0 and newer can; until then convert it, or name the other databases with --db")
        .because(fault),
        _ => fault,
    })
}

async fn list(source: &dyn MongoSource, databases: &[String]) -> Result<Vec<CollectionInfo>> {
    let there = source.databases().await?;
    if let Some(missing) = databases.iter().find(|db| !there.contains(db)) {
        let there = if there.is_empty() { "none".to_string() } else { there.join(", ") };
        return Err(Fault::missing(format!("there is no database `{missing}`"))
            .help(format!("databases on this server: {there}")));
    }
    let mut all = Vec::new();
    for db in there.iter().filter(|db| databases.is_empty() || databases.contains(db)) {
        all.extend(source.collections(db).await?);
    }
    Ok(all)
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
