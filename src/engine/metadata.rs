//! A collection's options and indexes, as a dump keeps them: mongodump's own form, so dumps made by it are read too.

use bson::{Bson, Document, RawDocumentBuf};

use super::loader::Prepared;
use super::{extjson, unpack};
use crate::base::{Fault, Result};
use crate::port::{CollectionKind, ObjectStore};
use crate::repository::{CollectionEntry, Manifest, ObjectEntry};

/// 64 indexes of a collection and a validator do not come near it.
pub const BYTES_MAX: u64 = 64 << 20;

/// Reads what is needed to make `entry` again.
pub async fn prepare(store: &dyn ObjectStore, base: &Manifest, entry: &CollectionEntry) -> Result<Prepared> {
    let object = |key: &str| base.objects.iter().find(|object| object.key == key).cloned();
    let unlisted = |key: &str| Fault::corrupt(format!("the manifest of `{}` does not list `{key}`", base.id));
    let metadata = object(&entry.metadata).ok_or_else(|| unlisted(&entry.metadata))?;
    let data: Option<ObjectEntry> = match &entry.data {
        Some(key) => Some(object(key).ok_or_else(|| unlisted(key))?),
        None => None,
    };
    let text = unpack::whole(store, &metadata, BYTES_MAX).await?;
    let (options, indexes) = read(&text).map_err(|fault| fault.within(format!("cannot read `{}`", metadata.key)))?;
    Ok(Prepared { entry: entry.clone(), options, indexes, data })
}

/// All that the metadata of a dump says of a collection.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    /// Older dumps do not say it; there the file's name does.
    pub name: Option<String>,
    pub kind: CollectionKind,
    pub options: RawDocumentBuf,
    pub indexes: Vec<RawDocumentBuf>,
}

impl Described {
    /// A collection of which nothing is said.
    pub fn plain() -> Self {
        let (options, indexes) = (RawDocumentBuf::new(), Vec::new());
        Described { name: None, kind: CollectionKind::Collection, options, indexes }
    }
}

pub fn describe(text: &[u8]) -> Result<Described> {
    let (options, indexes) = read(text)?;
    let metadata: Document = extjson::read(text)?;
    let kind = match metadata.get_str("type") {
        Ok("view") => CollectionKind::View,
        Ok("timeseries") => CollectionKind::TimeSeries,
        Ok("collection" | "") => CollectionKind::Collection,
        Ok(other) => return Err(Fault::corrupt(format!("its type `{}` is unknown", other.escape_debug()))),
        // As dumps were before there was a type.
        Err(_) if options.get_str("viewOn").is_ok() => CollectionKind::View,
        Err(_) => CollectionKind::Collection,
    };
    let name = metadata.get_str("collectionName").ok().map(String::from);
    Ok(Described { name, kind, options, indexes })
}

/// Options and indexes.
pub fn read(text: &[u8]) -> Result<(RawDocumentBuf, Vec<RawDocumentBuf>)> {
    let mut metadata: Document = extjson::read(text)?;
    let options = match metadata.remove("options") {
        Some(Bson::Document(options)) => raw(&options)?,
        None | Some(Bson::Null) => RawDocumentBuf::new(),
        Some(_) => return Err(Fault::corrupt("its `options` are no document")),
    };
    let mut indexes = Vec::new();
    match metadata.remove("indexes") {
        Some(Bson::Array(array)) => {
            for index in &array {
                let index = index.as_document().ok_or_else(|| Fault::corrupt("one of its `indexes` is no document"))?;
                indexes.push(raw(index)?);
            }
        }
        None | Some(Bson::Null) => {}
        Some(_) => return Err(Fault::corrupt("its `indexes` are no list")),
    }
    Ok((options, indexes))
}

fn raw(document: &Document) -> Result<RawDocumentBuf> {
    RawDocumentBuf::try_from(document).map_err(|error| Fault::corrupt("it cannot be written as BSON").because(error))
}
