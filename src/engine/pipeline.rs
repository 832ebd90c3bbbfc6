//! Cursor → hash and compressor → upload, in one bounded stream: memory does not grow with the collection, nothing
//! touches the disk, and every core compresses.

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, future};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::compress::{self, Workers};
use super::content::{Tally, hex};
use crate::base::{Compression, Fault, Result};
use crate::port::ObjectStore;
use crate::port::{Flow, Upload};
use crate::repository::ObjectEntry;
use crate::repository::sealed_name::is_sealed;
use crate::seal::Sealing;

/// Large enough that beginning a compressed piece costs nothing measurable, small enough that many fit in memory.
const BLOCK: usize = 1 << 20;
/// Blocks of one stream that may be compressed, or wait for their turn to be written.
const AHEAD: usize = 4;

/// Documents that were compressed together.
struct Block {
    tally: Tally,
    stored: Bytes,
}

/// An object that was written, and the documents in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    pub object: ObjectEntry,
    pub tally: Tally,
}

/// Streams documents into the object `key`. Nothing is visible there unless all of it was written.
pub async fn store(
    documents: Flow<Bytes>,
    store: &dyn ObjectStore,
    key: &str,
    workers: &Workers,
    advanced: &(dyn Fn(u64) + Send + Sync),
) -> Result<Stored> {
    let sealing = sealing(store, key)?;
    let mut upload = store.upload(key).await?;
    let (blocks, ready) = mpsc::channel(AHEAD);
    let written =
        future::try_join(read(documents, workers, blocks), write(ready, upload.as_mut(), sealing, advanced)).await;
    match written {
        Ok(((), (tally, bytes, digest))) => {
            upload.finish().await?;
            let object = ObjectEntry { key: key.to_string(), bytes, sha256: hex(&digest) };
            Ok(Stored { object, tally })
        }
        Err(fault) => {
            // What was sent is invisible already; that its parts could not be freed must not hide the first fault.
            if let Err(left) = upload.abort().await {
                tracing::warn!("cannot free the parts of `{key}`: {left}");
            }
            Err(fault)
        }
    }
}

async fn read(
    mut documents: Flow<Bytes>,
    workers: &Workers,
    blocks: mpsc::Sender<JoinHandle<Result<Block>>>,
) -> Result<()> {
    let mut chunks = Vec::new();
    let mut held = 0;
    let mut sent = false;
    loop {
        let chunk = documents.next().await.transpose()?;
        let ended = chunk.is_none();
        held += chunk.as_ref().map_or(0, Bytes::len);
        chunks.extend(chunk);
        // An empty collection is one empty member: no bytes at all would be no gzip file.
        if held >= BLOCK || (ended && (held > 0 || !sent)) {
            let raw = std::mem::take(&mut chunks);
            let block = workers.begin(move |pack| {
                let raw = one(raw);
                Ok(Block { tally: Tally::of(&raw)?, stored: pack(raw)? })
            });
            held = 0;
            sent = true;
            if blocks.send(block.await?).await.is_err() {
                // The writer has failed, and its fault is the one to tell.
                return Ok(());
            }
        }
        if ended {
            return Ok(());
        }
    }
}

/// The chunks end to end; a single one, which is what a large collection gives, is not copied.
pub fn one(mut chunks: Vec<Bytes>) -> Bytes {
    match chunks.len() {
        1 => chunks.pop().unwrap_or_default(),
        _ => {
            let mut whole = BytesMut::with_capacity(chunks.iter().map(Bytes::len).sum());
            chunks.iter().for_each(|chunk| whole.extend_from_slice(chunk));
            whole.freeze()
        }
    }
}

async fn write(
    mut blocks: mpsc::Receiver<JoinHandle<Result<Block>>>,
    upload: &mut dyn Upload,
    mut sealing: Option<Sealing>,
    advanced: &(dyn Fn(u64) + Send + Sync),
) -> Result<(Tally, u64, [u8; 32])> {
    let mut tally = Tally::default();
    let mut bytes = 0_u64;
    let mut sha = Sha256::new();
    while let Some(block) = blocks.recv().await {
        let block = block.await.map_err(|error| Fault::bug("compression stopped without a word").because(error))??;
        let stored = match &mut sealing {
            Some(sealing) => sealing.push(&block.stored)?,
            None => block.stored,
        };
        sha.update(&stored);
        bytes += stored.len() as u64;
        upload.write(stored).await?;
        tally.merge(&block.tally);
        advanced(block.tally.bytes);
    }
    if let Some(sealing) = sealing {
        let rest = sealing.finish()?;
        sha.update(&rest);
        bytes += rest.len() as u64;
        upload.write(rest).await?;
    }
    Ok((tally, bytes, sha.finalize().into()))
}

/// Writes a small object whole, compressed.
pub async fn store_small(
    store: &dyn ObjectStore,
    key: &str,
    compression: Compression,
    text: String,
) -> Result<ObjectEntry> {
    store_whole(store, key, compress::pack(compression, Bytes::from(text))?).await
}

/// Begins to seal what stands under `key`; none where the run seals nothing.
fn sealing(store: &dyn ObjectStore, key: &str) -> Result<Option<Sealing>> {
    let keys = store.keys();
    match keys.seals() == is_sealed(key) {
        true => keys.sealing(),
        false => Err(Fault::bug(format!("the name of `{key}` does not tell whether it is sealed"))),
    }
}

/// Writes a small object as it is, or sealed where the run seals.
pub async fn store_whole(store: &dyn ObjectStore, key: &str, body: Bytes) -> Result<ObjectEntry> {
    let body = match sealing(store, key)? {
        Some(mut sealing) => [sealing.push(&body)?, sealing.finish()?].concat().into(),
        None => body,
    };
    let digest: [u8; 32] = Sha256::digest(&body).into();
    let entry = ObjectEntry { key: key.to_string(), bytes: body.len() as u64, sha256: hex(&digest) };
    store.put(key, body).await?;
    Ok(entry)
}
