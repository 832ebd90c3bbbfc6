//! The indexes that each collection must end with: those of the base, changed by what the log says, built at the end.
//!
//! Building last is faster, and the only way that is right: while the log is replayed, a unique index may forbid what the
//! source had allowed a moment later.

use std::collections::BTreeMap;

use bson::{Bson, Document, RawDocument, RawDocumentBuf};

use crate::base::{Fault, Result};

/// Where time series keep their buckets; their indexes are named in the log by this place, and in a base by the series.
pub const BUCKETS: &str = "system.buckets.";

#[derive(Debug, Clone, Default, PartialEq)]
pub struct IndexBook {
    collections: BTreeMap<(String, String), Vec<Index>>,
}

#[derive(Debug, Clone, PartialEq)]
struct Index {
    /// The collection that `createIndexes` must name.
    on: String,
    spec: Document,
}

impl Index {
    fn name(&self) -> Option<&str> {
        self.spec.get_str("name").ok()
    }
}

fn place(db: &str, collection: &str) -> (String, String) {
    (db.to_string(), collection.strip_prefix(BUCKETS).unwrap_or(collection).to_string())
}

impl IndexBook {
    /// The `_id` index, and the one that a clustered collection is, come with the collection itself.
    pub fn add(&mut self, db: &str, collection: &str, spec: &RawDocument) -> Result<()> {
        let mut spec = Document::try_from(spec)
            .map_err(|error| Fault::corrupt(format!("cannot read an index of `{db}.{collection}`")).because(error))?;
        if spec.get_str("name").ok() == Some("_id_") || spec.get_bool("clustered").ok() == Some(true) {
            return Ok(());
        }
        // Older servers wrote the namespace into each index; newer ones refuse it.
        spec.remove("ns");
        let index = Index { on: collection.to_string(), spec };
        let indexes = self.collections.entry(place(db, collection)).or_default();
        indexes.retain(|other| other.name() != index.name());
        indexes.push(index);
        Ok(())
    }

    /// By name, or all of them by `*`.
    pub fn remove(&mut self, db: &str, collection: &str, name: &str) {
        if let Some(indexes) = self.collections.get_mut(&place(db, collection)) {
            indexes.retain(|index| name != "*" && index.name() != Some(name));
        }
    }

    /// `collMod` of an index, named by name or by key: its other fields replace those of the same name.
    pub fn modify(&mut self, db: &str, collection: &str, change: &Document) -> Result<()> {
        let indexes = self.collections.get_mut(&place(db, collection)).map(Vec::as_mut_slice).unwrap_or_default();
        let named = |index: &&mut Index| match (change.get_str("name"), change.get_document("keyPattern")) {
            (Ok(name), _) => index.name() == Some(name),
            (_, Ok(key)) => index.spec.get_document("key").ok() == Some(key),
            _ => false,
        };
        let index = indexes.iter_mut().find(named).ok_or_else(|| {
            Fault::corrupt(format!("the log changes an index of `{db}.{collection}` that is not known: {change}"))
        })?;
        for (field, value) in change.iter().filter(|(field, _)| *field != "name" && *field != "keyPattern") {
            index.spec.insert(field, value.clone());
        }
        // As the server does: an index that has become unique no longer prepares for it, and `false` is not stored.
        if index.spec.get_bool("unique").ok() == Some(true) {
            index.spec.remove("prepareUnique");
        }
        for field in ["hidden", "prepareUnique"] {
            if index.spec.get(field) == Some(&Bson::Boolean(false)) {
                index.spec.remove(field);
            }
        }
        Ok(())
    }

    pub fn drop_collection(&mut self, db: &str, collection: &str) {
        self.collections.remove(&place(db, collection));
    }

    pub fn drop_database(&mut self, db: &str) {
        self.collections.retain(|(other, _), _| other != db);
    }

    pub fn rename(&mut self, from: (&str, &str), to: (&str, &str)) {
        self.drop_collection(to.0, to.1);
        if let Some(mut indexes) = self.collections.remove(&place(from.0, from.1)) {
            indexes.iter_mut().for_each(|index| index.on = to.1.to_string());
            self.collections.insert(place(to.0, to.1), indexes);
        }
    }

    /// What is to be built: database, collection, indexes.
    pub fn to_build(&self) -> Result<Vec<(String, String, Vec<RawDocumentBuf>)>> {
        let mut builds: BTreeMap<(String, String), Vec<RawDocumentBuf>> = BTreeMap::new();
        for ((db, _), indexes) in &self.collections {
            for index in indexes {
                let spec = RawDocumentBuf::try_from(&index.spec).map_err(|error| {
                    Fault::bug(format!("cannot write an index of `{db}.{}`", index.on)).because(error)
                })?;
                builds.entry((db.clone(), index.on.clone())).or_default().push(spec);
            }
        }
        Ok(builds.into_iter().map(|((db, on), specs)| (db, on, specs)).collect())
    }

    /// The indexes of one collection.
    pub fn of(&self, db: &str, collection: &str) -> Result<Vec<RawDocumentBuf>> {
        let indexes = self.collections.get(&place(db, collection)).map(Vec::as_slice).unwrap_or_default();
        let specs = indexes.iter().map(|index| RawDocumentBuf::try_from(&index.spec));
        let specs = specs.collect::<bson::error::Result<_>>();
        specs.map_err(|error| Fault::bug(format!("cannot write an index of `{db}.{collection}`")).because(error))
    }

    /// Every index by database, collection and its own name.
    pub fn by_name(&self) -> BTreeMap<(&str, &str, &str), &Document> {
        let all = self.collections.iter().flat_map(|((db, collection), indexes)| {
            indexes.iter().map(move |index| {
                let name = index.name().unwrap_or_default();
                ((db.as_str(), collection.as_str(), name), &index.spec)
            })
        });
        all.collect()
    }
}
