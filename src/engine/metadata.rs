//! A collection's options and indexes, as a dump keeps them: mongodump's own form, so dumps made by it are read too.

use bson::{Bson, Document, RawDocumentBuf};

use super::loader::Prepared;
use super::{extjson, unpack};
use crate::base::{Fault, Result};
use crate::port::ObjectStore;
use crate::repository::{CollectionEntry, Manifest, ObjectEntry};

/// 64 indexes of a collection and a validator do not come near it.
const BYTES_MAX: u64 = 64 << 20;

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
