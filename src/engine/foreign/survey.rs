//! What a dump holds, once all of it was read.

use std::collections::BTreeMap;
use std::io::{self, Read};

use super::contents::wrong;
use super::{Finds, LOG};
use crate::base::{Fault, OpTime, Result};
use crate::engine::chain::time_of;
use crate::engine::content::Tally;
use crate::engine::index_book::BUCKETS;
use crate::engine::loader::Prepared;
use crate::engine::metadata::{self, Described};
use crate::port::CollectionKind;
use crate::repository::dump_name::Namespace;
use crate::repository::{CollectionEntry, ObjectEntry};

/// By database and file, or in archives by database and collection.
type Place = (String, String);

#[derive(Debug, Default)]
pub struct Survey {
    pub metadata: BTreeMap<Place, Metadata>,
    pub data: BTreeMap<Place, Data>,
    /// The log of the dump's own time.
    pub log: Option<Log>,
    pub uploads: u64,
    pub upload_bytes: u64,
    /// Files that are no part of a dump: one of them, and how many.
    pub others: Option<(String, u64)>,
    current: Place,
    tally: Tally,
}

#[derive(Debug)]
pub struct Metadata {
    pub described: Described,
    /// What the manifest is to call it.
    pub key: String,
}

#[derive(Debug, Default)]
pub struct Data {
    pub tally: Tally,
    /// Where it is an object of its own.
    pub object: Option<ObjectEntry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Log {
    pub entries: u64,
    pub first: OpTime,
    pub last: OpTime,
}

/// Collections that can be restored, and what is to be said of the rest.
pub struct Found {
    pub collections: Vec<Prepared>,
    pub notes: Vec<String>,
}

impl Finds for Survey {
    fn metadata(&mut self, db: &str, stem: &str, text: &[u8]) -> Result<()> {
        let key = format!("{db}/{stem}.metadata.json");
        let described = metadata::describe(text).map_err(|fault| fault.within(format!("cannot read `{key}`")))?;
        match self.metadata.insert((db.to_string(), stem.to_string()), Metadata { described, key }) {
            None => Ok(()),
            Some(twice) => Err(wrong(&twice.key, "it is there twice")),
        }
    }

    fn begin(&mut self, db: &str, stem: &str) -> Result<()> {
        self.current = (db.to_string(), stem.to_string());
        self.data.entry(self.current.clone()).or_default();
        Ok(())
    }

    fn document(&mut self, document: &[u8]) -> Result<()> {
        if self.current.0.is_empty() && self.current.1 == LOG {
            let at = time_of(document)?;
            let log = self.log.get_or_insert(Log { entries: 0, first: at, last: at });
            if at < log.last {
                return Err(Fault::corrupt(format!("its log has {at} after {}", log.last)));
            }
            (log.entries, log.last) = (log.entries + 1, at);
        }
        self.tally.content.add(document);
        self.tally.documents += 1;
        self.tally.bytes += document.len() as u64;
        Ok(())
    }

    fn pause(&mut self) -> Result<()> {
        let tally = std::mem::take(&mut self.tally);
        self.data.entry(self.current.clone()).or_default().tally.merge(&tally);
        Ok(())
    }

    fn upload(&mut self, path: &str, bytes: u64, contents: &mut dyn Read) -> Result<()> {
        let read = io::copy(contents, &mut io::sink());
        read.map_err(|error| wrong(path, "it cannot be read").because(error))?;
        self.uploads += 1;
        self.upload_bytes += bytes;
        Ok(())
    }

    fn other(&mut self, path: &str) -> Result<()> {
        self.others.get_or_insert_with(|| (path.to_string(), 0)).1 += 1;
        Ok(())
    }
}

impl Survey {
    /// What can be restored. `by_name`: places are named by collection, as in archives, and not by file.
    pub fn collections(mut self, by_name: bool, dump: &str) -> Result<Found> {
        let mut found = Found { collections: Vec::new(), notes: Vec::new() };
        if let Some((first, n)) = &self.others {
            let more = if *n > 1 { format!(" and {} more", n - 1) } else { String::new() };
            found.notes.push(format!("`{}`{more}: no part of a dump", first.escape_debug()));
        }
        let mut left_out = Vec::new();
        self.described(by_name, dump, &mut found, &mut left_out)?;
        self.undescribed(by_name, dump, &mut found, &mut left_out)?;
        if !left_out.is_empty() {
            found.notes.push(format!("left out, since a server makes them itself: {}", left_out.join(", ")));
        }
        found.collections.sort_by(|a, b| (&a.entry.db, &a.entry.name).cmp(&(&b.entry.db, &b.entry.name)));
        let mut pairs = found.collections.iter().zip(found.collections.iter().skip(1));
        match pairs.find(|(a, b)| (&a.entry.db, &a.entry.name) == (&b.entry.db, &b.entry.name)) {
            Some((a, _)) => Err(wrong(dump, &format!("`{}.{}` is there twice", a.entry.db, a.entry.name))),
            None => Ok(found),
        }
    }

    /// Collections with their metadata.
    fn described(&mut self, by_name: bool, dump: &str, found: &mut Found, left_out: &mut Vec<String>) -> Result<()> {
        for ((db, stem), Metadata { described, key }) in std::mem::take(&mut self.metadata) {
            let name = described.name.clone().or_else(|| collection(&db, &stem, by_name));
            let name = name.ok_or_else(|| wrong(dump, &format!("`{stem}` of `{db}` does not say its name")))?;
            let data = match described.kind {
                // Archives name views among the collections, without documents.
                CollectionKind::View => self.take(&db, &stem).filter(|(_, data)| data.tally.documents > 0).map(Some),
                CollectionKind::Collection => Some(self.take(&db, &stem)),
                CollectionKind::TimeSeries => Some(self.take_buckets(&db, &name)),
            };
            let shown = shown(&db, &name);
            if is_left_out(&db, &name) {
                left_out.push(shown);
                continue;
            }
            let data = match data {
                Some(Some(_)) if described.kind == CollectionKind::View => {
                    return Err(wrong(dump, &format!("`{shown}` is a view, and has documents")));
                }
                Some(None) => return Err(wrong(dump, &format!("the documents of `{shown}` are missing"))),
                Some(data) => data,
                None => None,
            };
            found.collections.push(prepared(&db, &name, key, described, data));
        }
        Ok(())
    }

    /// Documents of which nothing else is said.
    fn undescribed(&mut self, by_name: bool, dump: &str, found: &mut Found, left_out: &mut Vec<String>) -> Result<()> {
        for (place, data) in std::mem::take(&mut self.data) {
            let (db, stem) = place.clone();
            if db.is_empty() && stem == LOG {
                continue;
            }
            let name = collection(&db, &stem, by_name);
            let name = name.ok_or_else(|| wrong(dump, &format!("`{stem}` of `{db}` does not say its name")))?;
            let shown = shown(&db, &name);
            if is_left_out(&db, &name) {
                left_out.push(shown);
            } else if name.starts_with(BUCKETS) {
                return Err(wrong(dump, &format!("the metadata of the time series of `{shown}` is missing")));
            } else {
                found.notes.push(format!("`{shown}` has no metadata: it comes without options and indexes"));
                let key = format!("{db}/{stem}.metadata.json");
                found.collections.push(prepared(&db, &name, key, Described::plain(), Some((place, data))));
            }
        }
        Ok(())
    }

    fn take(&mut self, db: &str, stem: &str) -> Option<(Place, Data)> {
        self.data.remove_entry(&(db.to_string(), stem.to_string()))
    }

    /// The buckets of a time series have the name of the collection in archives, and of a file elsewhere.
    fn take_buckets(&mut self, db: &str, series: &str) -> Option<(Place, Data)> {
        let name = format!("{BUCKETS}{series}");
        let file = Namespace::new(db, &name).ok().map(|file| file.stem().to_string());
        self.take(db, &name).or_else(|| self.take(db, &file?))
    }
}

fn collection(db: &str, stem: &str, by_name: bool) -> Option<String> {
    if by_name { Some(stem.to_string()) } else { Namespace::read(db, stem)?.collection() }
}

fn shown(db: &str, name: &str) -> String {
    format!("{db}.{name}").escape_debug().to_string()
}

fn is_left_out(db: &str, name: &str) -> bool {
    matches!(db, "admin" | "config" | "local")
        || db.starts_with('$')
        || name.starts_with("$admin.")
        || matches!(name, "system.views" | "system.profile" | "system.indexes" | "system.indexBuilds")
}

fn prepared(db: &str, name: &str, metadata: String, described: Described, data: Option<(Place, Data)>) -> Prepared {
    let tally = data.as_ref().map_or_else(Tally::default, |(_, data)| data.tally);
    let object = data.as_ref().and_then(|(_, data)| data.object.clone());
    let key = data.map(|((db, stem), _)| object.as_ref().map_or_else(|| format!("{db}/{stem}"), |o| o.key.clone()));
    let entry = CollectionEntry {
        db: db.to_string(),
        name: name.to_string(),
        kind: described.kind,
        documents: tally.documents,
        bytes: tally.bytes,
        content: tally.content.to_hex(),
        indexes: u32::try_from(described.indexes.len()).unwrap_or(u32::MAX),
        data: key,
        metadata,
    };
    Prepared { entry, options: described.options, indexes: described.indexes, data: object }
}
