//! An object's bytes as a blocking reader, counted and hashed as they pass.

use std::io::{self, Read};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::content::hex;
use super::effort::Effort;
use crate::base::{Fault, Result};
use crate::port::{Flow, ObjectStore};
use crate::repository::ObjectEntry;

/// Pieces between the store and the reader.
const AHEAD: usize = 2;

/// For a thread that may block; the pieces come from a task of their own.
pub struct Pieces {
    key: String,
    pieces: mpsc::Receiver<Result<Bytes>>,
    current: Bytes,
    sha: Sha256,
    seen: u64,
    trouble: Trouble,
    waited: Duration,
}

/// The store's own fault, which an `io::Error` could not carry whole.
#[derive(Debug, Clone, Default)]
pub struct Trouble(Arc<Mutex<Option<Fault>>>);

impl Trouble {
    /// The fault behind `error`: the store's own, else what `otherwise` makes of it.
    pub fn explain(&self, error: io::Error, otherwise: impl FnOnce(io::Error) -> Fault) -> Fault {
        let own = self.0.lock().ok().and_then(|mut slot| slot.take());
        own.unwrap_or_else(|| otherwise(error))
    }
}

impl Pieces {
    /// Read by a task that ends when nobody listens any more.
    pub async fn of(store: &dyn ObjectStore, key: &str) -> Result<Self> {
        Pieces::counted(store, key, Arc::default()).await
    }

    /// The same, and counts what that costs.
    pub async fn counted(store: &dyn ObjectStore, key: &str, effort: Arc<Effort>) -> Result<Self> {
        let since = Instant::now();
        let mut flow = store.read(key).await?;
        effort.fetched(since.elapsed(), 0);
        let (sender, pieces) = mpsc::channel(AHEAD);
        tokio::spawn(async move {
            let next = async |flow: &mut Flow<Bytes>| {
                let since = Instant::now();
                let piece = flow.next().await?;
                effort.fetched(since.elapsed(), piece.as_ref().map_or(0, |piece| piece.len() as u64));
                Some(piece)
            };
            while let Some(piece) = next(&mut flow).await {
                let failed = piece.is_err();
                if sender.send(piece).await.is_err() || failed {
                    return;
                }
            }
        });
        Ok(Pieces::new(key, pieces))
    }

    /// How long the reader waited for pieces.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// Whoever calls awaits the feeding, and hears of every piece.
    pub fn fed<'a>(
        flow: Flow<Bytes>,
        key: &str,
        advanced: &'a (dyn Fn(u64) + Sync),
    ) -> (Self, impl Future<Output = ()> + 'a) {
        let (sender, pieces) = mpsc::channel(AHEAD);
        (Pieces::new(key, pieces), feed(flow, sender, advanced))
    }

    fn new(key: &str, pieces: mpsc::Receiver<Result<Bytes>>) -> Self {
        let trouble = Trouble::default();
        Pieces {
            key: key.to_string(),
            pieces,
            current: Bytes::new(),
            sha: Sha256::new(),
            seen: 0,
            trouble,
            waited: Duration::ZERO,
        }
    }

    pub fn key(&self) -> &str {
        &self.key
    }

    pub fn trouble(&self) -> Trouble {
        self.trouble.clone()
    }

    /// Stored bytes that came so far.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Reads what is left; what the object is by its bytes.
    pub fn finish(mut self) -> Result<ObjectEntry> {
        while self.current.has_remaining() || self.receive().map_err(|e| self.trouble.explain(e, odd))? {
            self.current.clear();
        }
        Ok(ObjectEntry { key: self.key, bytes: self.seen, sha256: hex(&self.sha.finalize()) })
    }

    /// Whether there was another piece.
    fn receive(&mut self) -> io::Result<bool> {
        let since = Instant::now();
        let piece = self.pieces.blocking_recv();
        self.waited += since.elapsed();
        match piece {
            None => Ok(false),
            Some(Ok(piece)) => {
                self.sha.update(&piece);
                self.seen += piece.len() as u64;
                self.current = piece;
                Ok(true)
            }
            Some(Err(fault)) => {
                if let Ok(mut slot) = self.trouble.0.lock() {
                    *slot = Some(fault);
                }
                Err(io::Error::other("the store failed"))
            }
        }
    }
}

async fn feed(mut flow: Flow<Bytes>, to: mpsc::Sender<Result<Bytes>>, advanced: &(dyn Fn(u64) + Sync)) {
    while let Some(piece) = flow.next().await {
        let failed = piece.is_err();
        let bytes = piece.as_ref().map_or(0, |piece| piece.len() as u64);
        if to.send(piece).await.is_err() || failed {
            return;
        }
        advanced(bytes);
    }
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            if !self.receive()? {
                return Ok(0);
            }
        }
        let n = self.current.len().min(into.len());
        self.current.split_to(n).copy_to_slice(into.get_mut(..n).unwrap_or_default());
        Ok(n)
    }
}

fn odd(error: io::Error) -> Fault {
    Fault::bug("a reader of pieces failed without a fault").because(error)
}
