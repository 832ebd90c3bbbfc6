//! The ledger: every write that the server acknowledged, with the cluster time that it gave. From it follows what the
//! database held at any cluster time, independent of every backup: the judge of every restore.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bson::{Bson, Document, RawDocument, Timestamp};
use sha2::{Digest, Sha256};

use crate::base::{Fault, Instant, OpTime, Result};

type Hash = [u8; 32];

/// A document's place: its collection, and its `_id` as BSON, since ids are of any type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    collection: &'static str,
    id: Vec<u8>,
}

#[derive(Debug)]
struct Change {
    at: OpTime,
    acked_at: Instant,
    /// SHA-256 of the document's bytes; none where it was deleted.
    content: Option<Hash>,
}

/// An object that the S3 server acknowledged.
#[derive(Debug, Clone)]
pub struct Upload {
    pub sha256: String,
    pub bytes: u64,
    pub acked_at: Instant,
}

#[derive(Debug, Default)]
pub struct Ledger {
    /// Changes of each document, in order of their cluster times.
    documents: BTreeMap<Place, Vec<Change>>,
    pub uploads: BTreeMap<String, Upload>,
    writes: u64,
}

/// The writers' way to it.
pub type SharedLedger = Arc<Mutex<Ledger>>;

pub fn share(ledger: Ledger) -> SharedLedger {
    Arc::new(Mutex::new(ledger))
}

/// What a restored database has otherwise than the ledger. Nothing in any field: they are equal.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// In both and equal.
    pub equal: u64,
    /// Acknowledged and not there.
    pub lost: u64,
    /// There and not as acknowledged.
    pub changed: u64,
    /// There, and never written or deleted since.
    pub extra: u64,
    /// The first few, by name.
    pub examples: Vec<String>,
}

impl Difference {
    pub fn is_none(&self) -> bool {
        self.lost == 0 && self.changed == 0 && self.extra == 0
    }

    fn note(&mut self, what: &str, place: &Place) {
        if self.examples.len() < 5 {
            let id = RawDocument::from_bytes(&place.id).and_then(Document::try_from);
            let id = id.ok().and_then(|mut d| d.remove("_id")).unwrap_or(Bson::Null);
            self.examples.push(format!("{what}: {} {id}", place.collection));
        }
    }
}

impl Ledger {
    /// Notes a write that the server acknowledged at `at`; `content` is the whole document after it.
    pub(super) fn note(
        &mut self,
        collection: &'static str,
        id: &Bson,
        content: Option<&Document>,
        at: OpTime,
        acked_at: Instant,
    ) -> Result<()> {
        let place = Place { collection, id: bytes(&bson::doc! { "_id": id })? };
        let content = content.map(bytes).transpose()?.map(|bytes| Sha256::digest(bytes).into());
        let changes = self.documents.entry(place).or_default();
        // Two writers never share a document, but a writer's own order is what counts, not that of arrival.
        let index = changes.partition_point(|change| change.at <= at);
        changes.insert(index, Change { at, acked_at, content });
        self.writes += 1;
        Ok(())
    }

    pub(super) fn note_upload(&mut self, key: String, upload: Upload) {
        self.uploads.insert(key, upload);
    }

    /// Acknowledged changes of documents, all in all.
    pub fn writes(&self) -> u64 {
        self.writes
    }

    /// Changes acknowledged with a cluster time in `(after, until]`: what is lost when `after` is restored and
    /// `until` was reached.
    pub fn writes_between(&self, after: OpTime, until: OpTime) -> u64 {
        let inside = |change: &&Change| after < change.at && change.at <= until;
        self.documents.values().map(|changes| changes.iter().filter(inside).count() as u64).sum()
    }

    /// The last change at or before `until`, by cluster time.
    pub fn last_until(&self, until: OpTime) -> Option<(OpTime, Instant)> {
        let changes = self.documents.values().flatten().filter(|change| change.at <= until);
        changes.max_by_key(|change| change.at).map(|change| (change.at, change.acked_at))
    }

    /// How many documents there were at that cluster time.
    pub fn documents_at(&self, at: OpTime) -> u64 {
        self.documents.values().filter(|changes| content_at(changes, at).is_some()).count() as u64
    }

    /// Begins a comparison with what is found in a restored database.
    pub fn compare_at(&self, at: OpTime) -> Comparison<'_> {
        let content = |(place, changes): (&'_ Place, &Vec<Change>)| Some((place.clone(), content_at(changes, at)?));
        Comparison {
            expected: self.documents.iter().filter_map(content).collect(),
            ledger: self,
            found: Difference::default(),
        }
    }

    fn collection(&self, name: &str) -> Option<&'static str> {
        super::COLLECTIONS.iter().copied().find(|known| *known == name)
    }
}

fn content_at(changes: &[Change], at: OpTime) -> Option<Hash> {
    let until = changes.partition_point(|change| change.at <= at);
    changes.get(until.checked_sub(1)?)?.content
}

fn bytes(document: &Document) -> Result<Vec<u8>> {
    document.to_vec().map_err(|e| Fault::bug("cannot write BSON").because(e))
}

/// What was expected and not yet seen.
pub struct Comparison<'a> {
    expected: BTreeMap<Place, Hash>,
    ledger: &'a Ledger,
    found: Difference,
}

impl Comparison<'_> {
    /// Holds one document that was found against the ledger.
    pub fn see(&mut self, collection: &str, document: &[u8]) -> Result<()> {
        let Some(collection) = self.ledger.collection(collection) else {
            self.found.extra += 1;
            return Ok(());
        };
        let cannot = |e| Fault::corrupt(format!("a document of `{collection}` has no readable `_id`")).because(e);
        let raw = RawDocument::from_bytes(document).map_err(cannot)?;
        let id = raw.get("_id").map_err(cannot)?.map(bson::RawBson::from).unwrap_or(bson::RawBson::Null);
        let place = Place { collection, id: bson::rawdoc! { "_id": id }.into_bytes() };
        match self.expected.remove(&place) {
            Some(hash) if hash == Hash::from(Sha256::digest(document)) => self.found.equal += 1,
            Some(_) => {
                self.found.changed += 1;
                self.found.note("changed", &place);
            }
            None => {
                self.found.extra += 1;
                self.found.note("extra", &place);
            }
        }
        Ok(())
    }

    /// Whatever was not seen is lost.
    pub fn finish(mut self) -> Difference {
        self.found.lost = self.expected.len() as u64;
        for place in self.expected.keys() {
            self.found.note("lost", place);
        }
        self.found
    }
}

pub(super) fn op_time(at: Timestamp) -> OpTime {
    OpTime::new(at.time, at.increment)
}
