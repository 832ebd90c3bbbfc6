//! What `listCollections` says, and which of it a backup carries. Nothing is left out but what the server makes again
//! by itself; what cannot be carried is listed with the reason, for the backup to refuse or to exclude by name.

use bson::{RawBsonRef, RawDocument, RawDocumentBuf};

use crate::base::{Fault, Result};
use crate::engine::content::hex;
use crate::port::{CollectionInfo, CollectionKind};

/// Where a time series keeps its documents.
const BUCKETS: &str = "system.buckets.";

/// The collections of a database, in order of name, without their indexes.
pub fn collections(db: &str, list: &[RawDocumentBuf]) -> Result<Vec<CollectionInfo>> {
    let mut collections = Vec::new();
    let mut buckets = Vec::new();
    for entry in list {
        let collection = one(db, entry)?;
        match collection.name.strip_prefix(BUCKETS) {
            Some(series) => buckets.push((series.to_string(), collection.uuid)),
            None if made_by_the_server(&collection.name) => {}
            None => collections.push(collection),
        }
    }
    for (name, uuid) in buckets {
        let series = collections.iter_mut().find(|c| c.name == name && c.kind == CollectionKind::TimeSeries);
        match series {
            // The series itself is a view of its buckets and has no identity of its own.
            Some(series) => series.uuid = uuid,
            None => {
                collections.push(refused(db, &format!("{BUCKETS}{name}"), "it has no time series that it belongs to"))
            }
        }
    }
    collections.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(collections)
}

fn one(db: &str, entry: &RawDocument) -> Result<CollectionInfo> {
    let cannot = || Fault::corrupt(format!("cannot read the server's list of the collections of `{db}`"));
    let name = entry.get_str("name").map_err(|error| cannot().because(error))?.to_string();
    let kind = match entry.get_str("type") {
        Ok("collection") => CollectionKind::Collection,
        Ok("view") => CollectionKind::View,
        Ok("timeseries") => CollectionKind::TimeSeries,
        other => return Ok(refused(db, &name, &format!("its type `{}` is unknown", other.unwrap_or("none")))),
    };
    let options = match entry.get("options").map_err(|error| cannot().because(error))? {
        Some(RawBsonRef::Document(options)) => options.to_owned(),
        _ => RawDocumentBuf::new(),
    };
    let info = entry.get_document("info").ok();
    let uuid = info.and_then(|info| info.get_binary("uuid").ok()).map(|uuid| hex(uuid.bytes));
    Ok(CollectionInfo { db: db.to_string(), name, kind, options, indexes: Vec::new(), uuid, refused: None })
}

/// `system.views` is made again with its views, `system.profile` is the profiler's. Stored functions are data.
fn made_by_the_server(name: &str) -> bool {
    matches!(name, "system.views" | "system.profile" | "system.indexBuilds")
}

pub fn has_indexes(collection: &CollectionInfo) -> bool {
    collection.kind != CollectionKind::View && collection.refused.is_none()
}

fn refused(db: &str, name: &str, why: &str) -> CollectionInfo {
    CollectionInfo {
        db: db.to_string(),
        name: name.to_string(),
        kind: CollectionKind::Collection,
        options: RawDocumentBuf::new(),
        indexes: Vec::new(),
        uuid: None,
        refused: Some(why.to_string()),
    }
}
