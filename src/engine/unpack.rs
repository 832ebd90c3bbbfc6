//! Packed documents out of a store: read, hash, decompress and split, in bounded memory, off the asynchronous threads.

use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Buf;
use futures_util::{Stream, stream};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::content::hex;
use super::effort::Effort;
pub use super::gather::Batch;
use super::gather::{Gather, next_length};
use super::opened;
use super::pieces::{Pieces, Trouble};
use super::unpacked::Unpacked;
use crate::base::{Codec, Fault, Result};
use crate::port::ObjectStore;
use crate::repository::ObjectEntry;
use crate::repository::sealed_name::{is_sealed, without_seal};
use crate::seal::{Head, Keys};

/// What is unpacked at once.
const READ_BYTES: usize = 1 << 18;
/// Batches between the decompressor and the reader.
const AHEAD: usize = 2;

/// The documents of an object, in order; its name tells how it is packed. The last item is an error if the object's
/// bytes are not those of `entry`.
pub async fn documents(
    store: &dyn ObjectStore,
    entry: &ObjectEntry,
) -> Result<impl Stream<Item = Result<Batch>> + Send + use<>> {
    packed(store, entry, codec(&entry.key)).await
}

/// As [`documents`], and counts what that costs.
pub async fn counted(
    store: &dyn ObjectStore,
    entry: &ObjectEntry,
    effort: &Arc<Effort>,
) -> Result<impl Stream<Item = Result<Batch>> + Send + use<>> {
    unpacked(store, entry, codec(&entry.key), Arc::clone(effort)).await
}

/// As [`documents`], of an object whose name does not tell how it is packed.
pub async fn packed(
    store: &dyn ObjectStore,
    entry: &ObjectEntry,
    codec: Codec,
) -> Result<impl Stream<Item = Result<Batch>> + Send + use<>> {
    unpacked(store, entry, codec, Arc::default()).await
}

async fn unpacked(
    store: &dyn ObjectStore,
    entry: &ObjectEntry,
    codec: Codec,
    effort: Arc<Effort>,
) -> Result<impl Stream<Item = Result<Batch>> + Send + use<>> {
    let source = Pieces::counted(store, &entry.key, Arc::clone(&effort)).await?;
    let (batches, receiver) = mpsc::channel(AHEAD);
    let (expected, keys) = (entry.clone(), store.keys());
    tokio::task::spawn_blocking(move || {
        let (began, mut idle, mut bytes) = (Instant::now(), Duration::ZERO, 0);
        let mut send = |batch: Batch| {
            bytes += batch.tally.bytes;
            let since = Instant::now();
            let sent = batches.blocking_send(Ok(batch)).is_ok();
            idle += since.elapsed();
            sent
        };
        let mut waited = Duration::ZERO;
        let outcome = split(codec, source, &keys, &mut waited, &mut send);
        effort.unpacked(began.elapsed().saturating_sub(idle + waited), bytes);
        let outcome = match outcome {
            Ok(Some(read)) if read != expected => Err(other_bytes(&expected.key)),
            Ok(_) => Ok(()),
            Err(fault) => Err(fault),
        };
        if let Err(fault) = outcome {
            // Nobody listens any more: nobody minds.
            let _ = batches.blocking_send(Err(fault));
        }
    });
    Ok(stream::unfold(receiver, async |mut receiver| receiver.recv().await.map(|batch| (batch, receiver))))
}

/// A small object, whole and checked.
pub async fn whole(store: &dyn ObjectStore, entry: &ObjectEntry, bytes_max: u64) -> Result<Vec<u8>> {
    let bytes = store.get(&entry.key).await?;
    if bytes.len() as u64 != entry.bytes || hex(&Sha256::digest(&bytes)) != entry.sha256 {
        return Err(other_bytes(&entry.key));
    }
    if !is_sealed(&entry.key) {
        return plain(codec(&entry.key), bytes.reader(), &entry.key, bytes_max);
    }
    let mut source = bytes.reader();
    let head = Head::read(&mut source).map_err(|error| damaged(&entry.key, error))?;
    plain(codec(&entry.key), head.open(source, &store.keys(), &entry.key)?, &entry.key, bytes_max)
}

/// All that a reader gives, unpacked.
pub fn plain(codec: Codec, source: impl Read, name: &str, bytes_max: u64) -> Result<Vec<u8>> {
    let mut plain = Vec::new();
    let unpacked = Unpacked::new(codec, source);
    let read = unpacked.and_then(|unpacked| unpacked.take(bytes_max).read_to_end(&mut plain));
    read.map_err(|error| damaged(name, error))?;
    if plain.len() as u64 == bytes_max {
        return Err(Fault::corrupt(format!("`{name}` unpacks to more than {bytes_max} bytes")));
    }
    Ok(plain)
}

pub fn codec(key: &str) -> Codec {
    Codec::split(without_seal(key)).1
}

/// Hands batches on, until `to` wants no more; what the object was, if it was read to its end.
fn split(
    codec: Codec,
    mut source: Pieces,
    keys: &Keys,
    waited: &mut Duration,
    to: &mut dyn FnMut(Batch) -> bool,
) -> Result<Option<ObjectEntry>> {
    let last = match is_sealed(source.key()) {
        true => {
            let (key, trouble) = (source.key().to_string(), source.trouble());
            batches(codec, opened::reader(&mut source, keys)?, (&key, &trouble), to)?
        }
        false => {
            let (key, trouble) = (source.key().to_string(), source.trouble());
            batches(codec, &mut source, (&key, &trouble), to)?
        }
    };
    *waited = source.waited();
    let Some(mut last) = last else { return Ok(None) };
    let read = source.finish()?;
    // What was gathered last is handed on only when the object is known to have ended well.
    Ok(last.take().is_none_or(to).then_some(read))
}

/// All batches but the last, which is given back; none where `to` wanted no more.
fn batches(
    codec: Codec,
    source: impl Read,
    (key, trouble): (&str, &Trouble),
    to: &mut dyn FnMut(Batch) -> bool,
) -> Result<Option<Gather>> {
    let explain = |error: io::Error| trouble.explain(error, |error| damaged(key, error));
    let unpacked = Unpacked::new(codec, source).map_err(&explain)?;
    let mut reader = BufReader::with_capacity(READ_BYTES, unpacked);
    let mut gather = Gather::default();
    while let Some(length) = next_length(&mut reader).map_err(&explain)? {
        if !gather.read(length, &mut reader).map_err(&explain)? {
            return Err(no_document(key));
        }
        if gather.is_full() && !gather.take().is_none_or(&mut *to) {
            return Ok(None);
        }
    }
    Ok(Some(gather))
}

pub fn other_bytes(key: &str) -> Fault {
    Fault::corrupt(format!("`{key}` holds other bytes than its manifest says"))
        .help("restore another recovery point; this one was damaged after it was written")
}

pub fn damaged(key: &str, error: io::Error) -> Fault {
    Fault::corrupt(format!("cannot unpack `{key}`"))
        .because(error)
        .help("restore another recovery point; this one was damaged after it was written")
}

pub fn no_document(key: &str) -> Fault {
    Fault::corrupt(format!("`{key}` does not hold BSON documents"))
}
