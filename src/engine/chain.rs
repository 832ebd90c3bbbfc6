//! The chain of slices in the store: where it ends, and how one more is hung on it.

use bson::RawDocument;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::content::{documents, hex};
use super::{compress, kept, pipeline};
use crate::base::{Compression, Fault, FaultKind, Instant, OpTime, Result, Terms};
use crate::port::Written;
use crate::port::{Clock, ObjectStore};
use crate::repository::Key;
use crate::repository::key::SliceName;
use crate::repository::manifest::FORMAT;
use crate::repository::sealed_name::lot;
use crate::repository::{Seal, SliceHeader};
use crate::seal::Sealing;

/// Slices are read by stock tools too.
const COMPRESSION: Compression = Compression::Gzip(6);

/// The end of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Covered up to and including this entry.
    pub last: OpTime,
    /// SHA-256 of the newest slice; none at the start of a chain.
    pub previous: Option<String>,
}

impl End {
    /// The end of the newest slice of `asset`; none if it has no slice.
    pub async fn in_store(store: &dyn ObjectStore, asset: &str) -> Result<Option<End>> {
        let listed = store.list(&SliceName::prefix(asset)?).await?;
        let newest = listed.iter().filter_map(|object| match object.key.parse() {
            Ok(Key::SliceHeader(slice)) => Some((slice.last, &object.key)),
            _ => None,
        });
        let Some((last, key)) = newest.max() else { return Ok(None) };
        let unreadable = || Fault::corrupt(format!("cannot read the newest slice's header `{key}`"));
        let header: SliceHeader =
            serde_json::from_slice(&store.get(key).await?).map_err(|error| unreadable().because(error))?;
        if header.format > FORMAT {
            return Err(Fault::new(FaultKind::Unsupported, format!("`{key}` has the newer format {}", header.format))
                .help("use the newer Plimsoll that wrote it"));
        }
        if header.last != last || header.asset != asset {
            return Err(unreadable().because("it does not say what its name says"));
        }
        Ok(Some(End { last, previous: Some(header.link().to_string()) }))
    }
}

/// Entries that are read and not yet stored, all after [`End::last`] and in order.
#[derive(Debug, Default)]
pub struct Pending {
    chunks: Vec<Bytes>,
    pub bytes: u64,
    pub entries: u64,
    /// The newest of them.
    pub last: Option<OpTime>,
}

impl Pending {
    pub fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    /// Takes a batch of entries that follow `after`.
    pub fn take(&mut self, batch: Bytes, after: OpTime) -> Result<()> {
        let mut last = self.last.unwrap_or(after);
        let mut entries = 0;
        for entry in documents(&batch) {
            let ts = time_of(entry?)?;
            if ts <= last {
                return Err(Fault::corrupt(format!("the oplog gave {ts} after {last}")));
            }
            last = ts;
            entries += 1;
        }
        if entries > 0 {
            self.last = Some(last);
            self.entries += entries;
            self.bytes += batch.len() as u64;
            self.chunks.push(batch);
        }
        Ok(())
    }
}

/// Stores the data of `pending`, and gives back the header with which [`hang`] makes it a slice.
pub async fn store_data(
    end: &End,
    pending: &Pending,
    asset: &str,
    protection: Option<&str>,
    store: &dyn ObjectStore,
    (clock, locked_until): (&dyn Clock, Option<Instant>),
) -> Result<SliceHeader> {
    let last = pending.last.ok_or_else(|| Fault::bug("a slice without entries"))?;
    let name = SliceName::new(asset, end.last, last)?;
    let chunks = pending.chunks.clone();
    let compressed = tokio::task::spawn_blocking(move || compress::pack(COMPRESSION, pipeline::one(chunks))).await;
    let body = compressed.map_err(|error| Fault::bug("compression stopped without a word").because(error))??;
    let keys = store.keys();
    let body = if keys.seals() { Sealing::whole(keys.recipients(), &body)? } else { body };
    let (bytes, sha256) = (body.len() as u64, hex(&Sha256::digest(&body)));
    // Sealed twice, the same entries are other bytes: each try has a name of its own, and the header says which counts.
    let (seal, number) = (Seal::of(&keys), if keys.seals() { lot() } else { 0 });
    let data = if keys.seals() { name.data().sealed(number) } else { name.data() };
    let key = data.to_string();
    // Never over what is there: it may be the data of a slice that another capture has hung.
    if store.put_new(&key, body).await? == Written::Existed && hex(&Sha256::digest(&store.get(&key).await?)) != sha256 {
        return Err(Fault::new(FaultKind::Conflict, format!("`{key}` is there already, with other bytes"))
            .help("another capture of this asset, or another version of it, wrote it"));
    }
    match store.head(&key).await? {
        Some(info) if info.bytes == bytes => {}
        _ => return Err(Fault::corrupt(format!("`{key}` was not stored whole"))),
    }
    Ok(SliceHeader {
        format: FORMAT,
        asset: asset.to_string(),
        protection: protection.map(String::from),
        first: end.last,
        last,
        entries: pending.entries,
        bytes,
        sha256,
        seal,
        number,
        hung_as: None,
        previous: end.previous.clone(),
        written_at: clock.now(),
        locked_until,
    })
}

/// Makes the slice exist: its header is written last, and kept as long as its data. The header that stands there now.
pub async fn hang(header: &SliceHeader, store: &dyn ObjectStore) -> Result<SliceHeader> {
    let terms = Terms { locked_until: header.locked_until, ..Terms::default() };
    let store = &*kept::on_terms(store, &terms).await?;
    let name = SliceName::new(&header.asset, header.first, header.last)?;
    let key = name.header().to_string();
    match store.put_new(&key, header.encode()?).await? {
        Written::New => Ok(header.clone()),
        // An earlier try whose answer was lost wrote these very words, or a successor did, or somebody else is at work.
        Written::Existed => match same(store, &key, header).await? {
            Some(standing) => Ok(standing),
            None => Err(Fault::new(
                FaultKind::Conflict,
                format!("another capture of `{}` has written `{key}`", header.asset),
            )
            .help("run one capture per asset")),
        },
    }
}

/// The header that is there, if it is of the same entries. Sealed by an earlier try, they are other bytes.
async fn same(store: &dyn ObjectStore, key: &str, ours: &SliceHeader) -> Result<Option<SliceHeader>> {
    let body = store.get(key).await?;
    let theirs: Option<SliceHeader> = serde_json::from_slice(&body).ok();
    let recipients = |header: &SliceHeader| header.seal.as_ref().map(|seal| seal.recipients.clone());
    let sealed_alike = |theirs: &SliceHeader| ours.seal.is_some() && recipients(theirs) == recipients(ours);
    Ok(theirs.filter(|theirs| {
        let is_same = theirs.link() == ours.link() || sealed_alike(theirs);
        is_same && theirs.entries == ours.entries && theirs.previous == ours.previous
    }))
}

/// When an oplog entry was written.
pub fn time_of(entry: &[u8]) -> Result<OpTime> {
    let ts = RawDocument::from_bytes(entry).ok().and_then(|entry| entry.get_timestamp("ts").ok());
    ts.map(|ts| OpTime::new(ts.time, ts.increment)).ok_or_else(|| Fault::corrupt("an oplog entry has no time"))
}
