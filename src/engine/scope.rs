//! Which namespaces a recovery point carries, and so what of the log belongs to it: the databases that were asked for,
//! less what was excluded by name. Half a collection is never made: what is not in the base is not in the log either.

use std::collections::BTreeSet;

use crate::repository::Manifest;
use crate::repository::exclusion::Exclusion;

#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Empty: all user databases.
    databases: BTreeSet<String>,
    excluded: Vec<Exclusion>,
}

impl Scope {
    pub fn new(databases: &[String], excluded: &[Exclusion]) -> Self {
        Scope { databases: databases.iter().cloned().collect(), excluded: excluded.to_vec() }
    }

    pub fn of(manifest: &Manifest) -> Self {
        Scope::new(&manifest.databases, &manifest.exclude)
    }

    /// Whether anything of this database may belong to it.
    pub fn has_database(&self, db: &str) -> bool {
        let of_the_server = matches!(db, "admin" | "config" | "local");
        let excluded = self.excluded.iter().any(|e| e.db == db && e.collection.is_none());
        !of_the_server && !excluded && (self.databases.is_empty() || self.databases.contains(db))
    }

    pub fn has(&self, db: &str, collection: &str) -> bool {
        self.has_database(db) && !self.excluded.iter().any(|e| e.covers(db, collection))
    }
}
