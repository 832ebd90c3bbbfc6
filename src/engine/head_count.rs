//! How many documents each collection must hold after a replay: those of the base, and what the log adds and takes away.
//! The log has no hash of the state that it leads to; exact counts are what it can be held against.
//!
//! Where the log says again what the base may hold already, the sum is not known, and says so.

use std::collections::BTreeMap;

/// Counts by database and by the collection that stores the documents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeadCount {
    collections: BTreeMap<(String, String), Count>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Count {
    documents: i128,
    /// It came with the base, and not with the log.
    is_loaded: bool,
    is_unknown: bool,
    /// Whether any document is another one than in the base.
    is_changed: bool,
}

impl HeadCount {
    pub fn add(&mut self, db: &str, collection: &str, documents: i128) {
        self.of(db, collection).documents += documents;
    }

    /// Documents were written: a content hash of before says nothing any more.
    pub fn change(&mut self, db: &str, collection: &str) {
        self.of(db, collection).is_changed = true;
    }

    /// What the base holds.
    pub fn load(&mut self, db: &str, collection: &str, documents: u64) {
        let count = self.of(db, collection);
        (count.documents, count.is_loaded) = (i128::from(documents), true);
    }

    /// The log adds or takes away what it may say for the second time, if the base holds anything of it.
    pub fn blur(&mut self, db: &str, collection: &str) {
        let count = self.of(db, collection);
        count.is_unknown |= count.is_loaded;
    }

    fn of(&mut self, db: &str, collection: &str) -> &mut Count {
        self.collections.entry((db.to_string(), collection.to_string())).or_default()
    }

    fn get(&self, db: &str, collection: &str) -> Option<&Count> {
        self.collections.get(&(db.to_string(), collection.to_string()))
    }

    pub fn knows(&self, db: &str, collection: &str) -> bool {
        self.get(db, collection).is_some()
    }

    pub fn has_changed(&self, db: &str, collection: &str) -> bool {
        self.get(db, collection).is_none_or(|count| count.is_changed)
    }

    pub fn drop_collection(&mut self, db: &str, collection: &str) {
        self.collections.remove(&(db.to_string(), collection.to_string()));
    }

    pub fn drop_database(&mut self, db: &str) {
        self.collections.retain(|(other, _), _| other != db);
    }

    pub fn rename(&mut self, from: (&str, &str), to: (&str, &str)) {
        let count = self.collections.remove(&(from.0.to_string(), from.1.to_string())).unwrap_or_default();
        let count = Count { is_changed: true, ..count };
        self.collections.insert((to.0.to_string(), to.1.to_string()), count);
    }

    /// Database, collection, documents where they are known. What stands only on the server's own account is left out.
    pub fn collections(&self) -> impl Iterator<Item = (&str, &str, Option<i128>)> {
        let all = self.collections.iter().map(|((db, collection), count)| {
            (db.as_str(), collection.as_str(), (!count.is_unknown).then_some(count.documents))
        });
        all.filter(|(_, collection, _)| *collection != "system.views")
    }
}
