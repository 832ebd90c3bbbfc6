//! Packed documents out of a store: read, hash, decompress and split, in bounded memory, off the asynchronous threads.

use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::Mutex;

use bytes::{Buf, Bytes};
use futures_util::{Stream, StreamExt, stream};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::content::{Tally, hex};
use super::unpacked::Unpacked;
use crate::base::{Codec, Fault, Result};
use crate::port::ObjectStore;
use crate::repository::ObjectEntry;

/// Whole documents, concatenated, and what they are.
#[derive(Debug, Clone)]
pub struct Batch {
    pub bytes: Bytes,
    pub tally: Tally,
}

/// 1,000 documents a batch load fastest; four million bytes keep a few batches in flight within memory.
const BATCH_DOCUMENTS: u64 = 1_000;
const BATCH_BYTES: usize = 4 << 20;
/// The server's own limit: 16 MiB and room for its own fields. What claims to be longer is no document.
const DOCUMENT_BYTES_MAX: usize = (16 << 20) + (16 << 10);
/// What is unpacked at once.
const READ_BYTES: usize = 1 << 18;
/// Pieces between the store and the decompressor, and batches between it and the reader.
const AHEAD: usize = 2;

/// The documents of an object, in order; its name tells how it is packed. The last item is an error if the object's bytes are not those of `entry`.
pub async fn documents(
    store: &dyn ObjectStore,
    entry: &ObjectEntry,
) -> Result<impl Stream<Item = Result<Batch>> + Send + use<>> {
    let source = Pieces::of(store, entry).await?;
    let (batches, receiver) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        let outcome = split(source, &batches);
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
    let mut plain = Vec::new();
    let unpacked = Unpacked::new(codec(&entry.key), bytes.reader());
    let read = unpacked.and_then(|unpacked| unpacked.take(bytes_max).read_to_end(&mut plain));
    read.map_err(|error| damaged(&entry.key, error))?;
    if plain.len() as u64 == bytes_max {
        return Err(Fault::corrupt(format!("`{}` unpacks to more than {bytes_max} bytes", entry.key)));
    }
    Ok(plain)
}

fn codec(key: &str) -> Codec {
    Codec::split(key).1
}

fn split(source: Pieces, batches: &mpsc::Sender<Result<Batch>>) -> Result<()> {
    let key = source.key.clone();
    let trouble = source.trouble.clone();
    let explain = |error: io::Error| match trouble.lock() {
        Ok(mut slot) => slot.take().unwrap_or_else(|| damaged(&key, error)),
        Err(_) => damaged(&key, error),
    };
    let codec = codec(&source.key);
    let unpacked = Unpacked::new(codec, source).map_err(&explain)?;
    let mut reader = BufReader::with_capacity(READ_BYTES, unpacked);
    let mut bytes = Vec::with_capacity(BATCH_BYTES);
    let mut tally = Tally::default();
    while let Some(length) = next_length(&mut reader).map_err(&explain)? {
        let start = bytes.len();
        bytes.extend_from_slice(&length.to_le_bytes());
        let length = usize::try_from(length).ok().filter(|n| (5..=DOCUMENT_BYTES_MAX).contains(n));
        let length = length.ok_or_else(|| no_document(&key))?;
        bytes.resize(start + length, 0);
        let body = bytes.get_mut(start + 4..).unwrap_or_default();
        reader.read_exact(body).map_err(&explain)?;
        let document = bytes.get(start..).filter(|d| d.ends_with(&[0]));
        let document = document.ok_or_else(|| no_document(&key))?;
        tally.content.add(document);
        tally.documents += 1;
        tally.bytes += length as u64;
        if tally.documents == BATCH_DOCUMENTS || bytes.len() >= BATCH_BYTES {
            let full = std::mem::replace(&mut bytes, Vec::with_capacity(BATCH_BYTES));
            if batches.blocking_send(Ok(Batch { bytes: full.into(), tally: std::mem::take(&mut tally) })).is_err() {
                return Ok(());
            }
        }
    }
    reader.into_inner().into_source().finish()?;
    if tally.documents > 0 {
        let _ = batches.blocking_send(Ok(Batch { bytes: bytes.into(), tally }));
    }
    Ok(())
}

/// The length that begins the next document; none at a clean end.
fn next_length(reader: &mut impl Read) -> io::Result<Option<i32>> {
    let mut length = [0; 4];
    let mut filled = 0;
    while let Some(rest) = length.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Some(i32::from_le_bytes(length)))
}

/// An object's pieces as one reader that hashes what passes.
struct Pieces {
    key: String,
    pieces: mpsc::Receiver<Result<Bytes>>,
    current: Bytes,
    sha: Sha256,
    seen: u64,
    expected: ObjectEntry,
    /// The store's own fault, which an `io::Error` could not carry whole.
    trouble: Arc<Mutex<Option<Fault>>>,
}

impl Pieces {
    async fn of(store: &dyn ObjectStore, entry: &ObjectEntry) -> Result<Self> {
        let mut flow = store.read(&entry.key).await?;
        let (sender, pieces) = mpsc::channel(AHEAD);
        tokio::spawn(async move {
            while let Some(piece) = flow.next().await {
                let failed = piece.is_err();
                if sender.send(piece).await.is_err() || failed {
                    break;
                }
            }
        });
        Ok(Pieces {
            key: entry.key.clone(),
            pieces,
            current: Bytes::new(),
            sha: Sha256::new(),
            seen: 0,
            expected: entry.clone(),
            trouble: Arc::default(),
        })
    }

    /// All was read: was it what the manifest says?
    fn finish(mut self) -> Result<()> {
        let mut rest = [0; 1];
        while self.read(&mut rest).map_err(|error| damaged(&self.key, error))? > 0 {}
        if self.seen != self.expected.bytes || hex(&self.sha.finalize()) != self.expected.sha256 {
            return Err(other_bytes(&self.key));
        }
        Ok(())
    }
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.pieces.blocking_recv() {
                None => return Ok(0),
                Some(Ok(piece)) => {
                    self.sha.update(&piece);
                    self.seen += piece.len() as u64;
                    self.current = piece;
                }
                Some(Err(fault)) => {
                    if let Ok(mut slot) = self.trouble.lock() {
                        *slot = Some(fault);
                    }
                    return Err(io::Error::other("the store failed"));
                }
            }
        }
        let n = self.current.len().min(into.len());
        self.current.split_to(n).copy_to_slice(into.get_mut(..n).unwrap_or_default());
        Ok(n)
    }
}

fn other_bytes(key: &str) -> Fault {
    Fault::corrupt(format!("`{key}` holds other bytes than its manifest says"))
        .help("restore another recovery point; this one was damaged after it was written")
}

fn damaged(key: &str, error: io::Error) -> Fault {
    Fault::corrupt(format!("cannot unpack `{key}`"))
        .because(error)
        .help("restore another recovery point; this one was damaged after it was written")
}

fn no_document(key: &str) -> Fault {
    Fault::corrupt(format!("`{key}` does not hold BSON documents"))
}
