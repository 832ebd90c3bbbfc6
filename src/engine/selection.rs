//! Which collections a restore takes, and under which names it writes them. Pure, and the same for a base and for a log.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::index_book::BUCKETS;
use crate::base::{Fault, FaultKind, Result};

/// A database, or one collection of it: `DB` or `DB.COLLECTION`. A collection's name may hold dots, a database's cannot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(into = "String")]
pub struct Name {
    pub db: String,
    /// None: all of the database.
    pub collection: Option<String>,
}

impl FromStr for Name {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self> {
        let (db, collection) = text.split_once('.').map_or((text, None), |(db, rest)| (db, Some(rest)));
        let cannot_be = db.is_empty() || db.contains(['/', '\\', '\0', '"', '$', ' ']);
        if cannot_be || is_of_the_server(db) || collection == Some("") {
            return Err(Fault::usage(format!("`{}` names no database or collection", text.escape_debug()))
                .help("name a database as DB, or a collection as DB.COLLECTION"));
        }
        Ok(Name { db: db.to_string(), collection: collection.map(String::from) })
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let collection = self.collection.as_ref().map_or(String::new(), |collection| format!(".{collection}"));
        write!(f, "{}", format!("{}{collection}", self.db).escape_debug())
    }
}

impl From<Name> for String {
    fn from(name: Name) -> String {
        name.to_string()
    }
}

/// One name in place of another.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Rename {
    pub from: Name,
    pub to: Name,
}

impl FromStr for Rename {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Fault::usage(format!("`{}` is no renaming: {why}", text.escape_debug()))
                .help("write DB=OTHER, or DB.COLLECTION=DB.OTHER")
        };
        let (from, to) = text.split_once('=').ok_or_else(|| wrong("it has no `=`"))?;
        if to.contains('=') {
            return Err(wrong("it has more than one `=`"));
        }
        let rename = Rename { from: from.parse()?, to: to.parse()? };
        match (&rename.from.collection, &rename.to.collection) {
            (None, None) | (Some(_), Some(_)) => Ok(rename),
            _ => Err(wrong("one side is a database, the other a collection")),
        }
    }
}

/// Empty: everything, under its own names.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Selection {
    only: Vec<Name>,
    renames: Vec<Rename>,
}

impl Selection {
    pub fn new(only: Vec<Name>, renames: Vec<Rename>) -> Result<Self> {
        for (at, rename) in renames.iter().enumerate() {
            let others = renames.iter().skip(at + 1);
            if let Some(other) = others.clone().find(|other| other.from == rename.from) {
                return Err(Fault::usage(format!(
                    "`{}` is renamed twice: to {} and to {}",
                    rename.from, rename.to, other.to
                )));
            }
            if let Some(other) = others.clone().find(|other| other.to == rename.to) {
                return Err(two_in_one(&rename.from.to_string(), &other.from.to_string(), &rename.to.to_string()));
            }
        }
        Ok(Selection { only, renames })
    }

    /// The same for a base that holds these databases alone (empty: all), so that the log of others is left out too.
    pub fn within(mut self, databases: &[String]) -> Self {
        if self.only.is_empty() {
            self.only = databases.iter().map(|db| Name { db: db.clone(), collection: None }).collect();
        }
        self
    }

    pub fn is_everything(&self) -> bool {
        self.only.is_empty() && self.renames.is_empty()
    }

    /// What was named, to be looked for.
    pub fn named(&self) -> impl Iterator<Item = &Name> {
        self.only.iter().chain(self.renames.iter().map(|rename| &rename.from))
    }

    /// Whether anything of `db` may be taken.
    pub fn has_database(&self, db: &str) -> bool {
        !is_of_the_server(db) && (self.only.is_empty() || self.only.iter().any(|name| name.db == db))
    }

    /// Whether all of `db` is taken, what is made later included.
    pub fn takes_whole(&self, db: &str) -> bool {
        let is_it = |name: &Name| name.db == db && name.collection.is_none();
        !is_of_the_server(db) && (self.only.is_empty() || self.only.iter().any(is_it))
    }

    /// The name of a database that is taken.
    pub fn database<'a>(&'a self, db: &'a str) -> &'a str {
        let rename = self.renames.iter().find(|rename| rename.from.collection.is_none() && rename.from.db == db);
        rename.map_or(db, |rename| &rename.to.db)
    }

    /// The name under which a collection is written, none if it is not. A time series' buckets go with the series.
    pub fn target<'a>(&'a self, db: &'a str, stored: &'a str) -> Result<Option<(&'a str, Cow<'a, str>)>> {
        let name = stored.strip_prefix(BUCKETS).unwrap_or(stored);
        let is_it = |other: &Name| other.db == db && other.collection.as_deref() == Some(name);
        if !self.takes_whole(db) && !self.only.iter().any(is_it) {
            return Ok(None);
        }
        let own = self.renames.iter().find(|rename| is_it(&rename.from));
        let (to_db, to_name) = match own {
            Some(Rename { to: Name { db, collection: Some(collection) }, .. }) => (db.as_str(), collection.as_str()),
            _ => (self.database(db), name),
        };
        let clash = self.renames.iter().find(|rename| {
            let is_other = !is_it(&rename.from) && (rename.from.collection.is_some() || rename.from.db != db);
            is_other
                && rename.to.db == to_db
                && rename.to.collection.as_ref().is_none_or(|to| to == to_name)
                && self.has_database(&rename.from.db)
        });
        if let Some(clash) = clash {
            return Err(two_in_one(&format!("{db}.{name}"), &clash.from.to_string(), &clash.to.to_string()));
        }
        let is_bucket = stored.len() > name.len();
        Ok(Some((to_db, if is_bucket { format!("{BUCKETS}{to_name}").into() } else { to_name.into() })))
    }

    /// Collections that are written into `db` by their own names.
    pub fn singled_out<'a>(&'a self, db: &'a str) -> impl Iterator<Item = &'a str> {
        let renamed = self.renames.iter().map(|rename| &rename.to);
        let kept = self.only.iter().filter(|name| !self.renames.iter().any(|rename| rename.from == **name));
        let kept = kept.filter(move |name| self.database(&name.db) == db).map(|name| name.collection.as_deref());
        let renamed = renamed.filter(move |name| name.db == db).map(|name| name.collection.as_deref());
        renamed.chain(kept).flatten()
    }
}

fn is_of_the_server(db: &str) -> bool {
    matches!(db, "admin" | "config" | "local")
}

fn two_in_one(one: &str, other: &str, to: &str) -> Fault {
    Fault::new(FaultKind::Usage, format!("both `{}` and `{other}` would be written to `{to}`", one.escape_debug()))
        .help("give one of them another name with --rename, or leave one out with --only")
}
