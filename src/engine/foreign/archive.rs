//! What `mongodump --archive` writes: a magic number, a header, what is known of each collection, and then the documents
//! of all collections in slices as they came, each with the collection's name before it and a mark after it. Where a
//! collection ends, a CRC-64 of all its documents says what they were.

use std::collections::BTreeMap;
use std::io::Read;

use bson::RawDocument;
use crc_fast::{CrcAlgorithm, Digest};

use super::Finds;
use super::contents::Contents;
use crate::base::Result;
use crate::engine::index_book::BUCKETS;
use crate::engine::metadata;

pub const MAGIC: [u8; 4] = 0x8199_e26d_u32.to_le_bytes();
const VERSION: &str = "0.1";
/// Ends a slice, and the list of collections.
const MARK: i32 = -1;
/// Of the list of collections, all together: hundreds of thousands of them.
const LIST_BYTES_MAX: usize = 1 << 30;

pub fn read<R: Read>(archive: &mut Contents<R>, finds: &mut dyn Finds) -> Result<()> {
    let mut magic = [0; 4];
    archive.exact(&mut magic)?;
    if magic != MAGIC {
        return Err(archive.wrong("it is no archive of mongodump"));
    }
    let mut open = prelude(archive, finds)?;
    while let Some(length) = archive.length()? {
        let (name, ends) = header(archive, length)?;
        let shown = format!("{}.{}", name.0, name.1).escape_debug().to_string();
        let known = open.get_mut(&name);
        let state = known.ok_or_else(|| archive.wrong(&format!("its list of collections does not name `{shown}`")))?;
        let State::Open { sum, .. } = state else {
            return Err(archive.wrong(&format!("`{shown}` goes on after its end")));
        };
        match ends {
            Some(crc) if crc == sum.finalize() => *state = State::Ended,
            Some(_) => return Err(archive.wrong(&format!("the checksum of `{shown}` is wrong"))),
            None => {
                finds.begin(&name.0, &name.1)?;
                slice(archive, sum, finds)?;
                finds.pause()?;
                continue;
            }
        }
        if archive.length()? != Some(MARK) {
            return Err(archive.wrong(&format!("documents follow the end of `{shown}`")));
        }
    }
    let cut = open.into_iter().find(|(_, state)| matches!(state, State::Open { must_end: true, .. }));
    cut.map_or(Ok(()), |((db, name), _)| {
        Err(archive.wrong(&format!("it ends before `{}` does", format!("{db}.{name}").escape_debug())))
    })
}

type Name = (String, String);

enum State {
    Open {
        sum: Box<Digest>,
        /// A view has no documents that could be missing.
        must_end: bool,
    },
    Ended,
}

/// The collections whose documents are to come.
fn prelude<R: Read>(archive: &mut Contents<R>, finds: &mut dyn Finds) -> Result<BTreeMap<Name, State>> {
    let unreadable = "its header cannot be read";
    let length = archive.length()?.ok_or_else(|| archive.wrong(unreadable))?;
    let version = raw(archive.document(length)?).and_then(|h| h.get_str("version").ok()).map(String::from);
    if version.as_deref() != Some(VERSION) {
        return Err(archive.wrong(&format!("it has format {version:?}; this version reads {VERSION:?}")));
    }
    let mut open = BTreeMap::new();
    let mut bytes = 0;
    loop {
        let length = archive.length()?.ok_or_else(|| archive.wrong("it ends within its list of collections"))?;
        if length == MARK {
            return Ok(open);
        }
        let entry = archive.document(length)?;
        bytes += entry.len();
        let read = collection(entry);
        let ((db, name), kind, text) = read.ok_or_else(|| archive.wrong("its list of collections cannot be read"))?;
        if bytes > LIST_BYTES_MAX || text.len() as u64 >= metadata::BYTES_MAX {
            return Err(archive.wrong("its list of collections is too long to be one"));
        }
        if !text.is_empty() {
            finds.metadata(&db, &name, text.as_bytes())?;
        }
        let data = if kind == "timeseries" { format!("{BUCKETS}{name}") } else { name };
        let state = State::Open { sum: Box::new(Digest::new(CrcAlgorithm::Crc64Xz)), must_end: kind != "view" };
        if open.insert((db, data), state).is_some() {
            return Err(archive.wrong("its list of collections names one twice"));
        }
    }
}

/// Name, kind and metadata.
fn collection(entry: &[u8]) -> Option<(Name, String, String)> {
    let entry = raw(entry)?;
    let text = |field| entry.get_str(field).ok().map(String::from);
    Some(((text("db")?, text("collection")?), text("type").unwrap_or_default(), text("metadata").unwrap_or_default()))
}

/// Whose documents follow; or, where they have ended, their checksum.
fn header<R: Read>(archive: &mut Contents<R>, length: i32) -> Result<(Name, Option<u64>)> {
    let read = raw(archive.document(length)?).and_then(|header| {
        let name = (header.get_str("db").ok()?.to_string(), header.get_str("collection").ok()?.to_string());
        let ends = header.get_bool("EOF").ok()?;
        let crc = header.get_i64("CRC").ok()?;
        Some((name, ends.then(|| u64::from_ne_bytes(crc.to_ne_bytes()))))
    });
    read.ok_or_else(|| archive.wrong("the header of a slice cannot be read"))
}

fn slice<R: Read>(archive: &mut Contents<R>, sum: &mut Digest, finds: &mut dyn Finds) -> Result<()> {
    loop {
        let length = archive.length()?.ok_or_else(|| archive.wrong("it ends within a slice"))?;
        if length == MARK {
            return Ok(());
        }
        let document = archive.document(length)?;
        sum.update(document);
        finds.document(document)?;
    }
}

fn raw(document: &[u8]) -> Option<&RawDocument> {
    RawDocument::from_bytes(document).ok()
}
