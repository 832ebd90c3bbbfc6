//! What a backup was told to leave out: a database, or one collection of it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::base::Fault;

/// `DB` or `DB.COLLECTION`; a collection's name may hold dots, a database's cannot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Exclusion {
    pub db: String,
    /// None: all of the database.
    pub collection: Option<String>,
}

/// Where a time series keeps its documents; it is excluded with the series.
const BUCKETS: &str = "system.buckets.";

impl Exclusion {
    pub fn covers(&self, db: &str, collection: &str) -> bool {
        let name = collection.strip_prefix(BUCKETS).unwrap_or(collection);
        self.db == db && self.collection.as_ref().is_none_or(|excluded| excluded == name || excluded == collection)
    }
}

impl fmt::Display for Exclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.db)?;
        self.collection.as_ref().map_or(Ok(()), |collection| write!(f, ".{collection}"))
    }
}

impl FromStr for Exclusion {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let (db, collection) = text.split_once('.').map_or((text, None), |(db, rest)| (db, Some(rest)));
        if db.is_empty() || collection == Some("") {
            return Err(Fault::usage(format!("`{}` names nothing to leave out", text.escape_debug()))
                .help("name a database as DB, or a collection as DB.COLLECTION"));
        }
        Ok(Exclusion { db: db.to_string(), collection: collection.map(String::from) })
    }
}

impl TryFrom<String> for Exclusion {
    type Error = Fault;

    fn try_from(text: String) -> Result<Self, Fault> {
        text.parse()
    }
}

impl From<Exclusion> for String {
    fn from(exclusion: Exclusion) -> String {
        exclusion.to_string()
    }
}
