//! How many documents each collection must hold after a replay: those of the base, and what the log adds and takes away.
//! The log has no hash of the state that it leads to; exact counts are what it can be held against.

use std::collections::BTreeMap;

/// Counts by database and by the collection that stores the documents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeadCount {
    collections: BTreeMap<(String, String), i128>,
}

impl HeadCount {
    pub fn add(&mut self, db: &str, collection: &str, documents: i128) {
        *self.collections.entry((db.to_string(), collection.to_string())).or_default() += documents;
    }

    pub fn drop_collection(&mut self, db: &str, collection: &str) {
        self.collections.remove(&(db.to_string(), collection.to_string()));
    }

    pub fn drop_database(&mut self, db: &str) {
        self.collections.retain(|(other, _), _| other != db);
    }

    pub fn rename(&mut self, from: (&str, &str), to: (&str, &str)) {
        let documents = self.collections.remove(&(from.0.to_string(), from.1.to_string())).unwrap_or_default();
        self.collections.insert((to.0.to_string(), to.1.to_string()), documents);
    }

    /// Database, collection, documents. What stands only on the server's own account is left out.
    pub fn collections(&self) -> impl Iterator<Item = (&str, &str, i128)> {
        let all = self.collections.iter().map(|((db, collection), n)| (db.as_str(), collection.as_str(), *n));
        all.filter(|(_, collection, _)| *collection != "system.views")
    }
}
