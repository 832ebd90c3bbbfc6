//! One object from a store to another, its SHA-256 taken on the way, in bounded memory.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::content::hex;
use super::opened;
use super::vault::Vault;
use crate::base::{Fault, Instant, Result};
use crate::port::{Attributes, Flow, ObjectStore, Opened};
use crate::repository::Key;
use crate::repository::manifest::UploadContent;

/// Up to here an object is held whole.
pub const SMALL: u64 = 4 << 20;
/// Large ones hold parts of an upload in memory; so few bound it.
pub const LARGE_AT_ONCE: usize = 2;
/// What all objects that are held whole may take together, in pieces of [`PIECE`].
const HELD_PIECES: usize = 48;
const PIECE: u64 = 1 << 20;
const LOCKS_AT_ONCE: usize = 16;
/// A large object is named by its hash before it is written, so it is read twice; so often it may change in between.
const TRIES: u32 = 3;

/// An object of a bucket, or one version of it.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    pub bucket: &'a dyn ObjectStore,
    pub key: &'a str,
    pub version: Option<&'a str>,
    /// As listed.
    pub bytes: u64,
    pub etag: Option<&'a str>,
}

/// Brings objects into the repository as blobs, each once.
pub struct Intake<'a> {
    store: &'a dyn ObjectStore,
    /// What the store lists: key and size.
    blobs: HashMap<String, u64>,
    /// Listed too, and not what their names say.
    rotten: HashSet<String>,
    /// Blobs that this run writes. Another object with the same bytes need not wait for it: if the write fails, so does
    /// the run.
    begun: Mutex<HashSet<String>>,
    /// Where blobs are sealed.
    vault: Option<Vault>,
    held: Semaphore,
    large: Semaphore,
}

impl<'a> Intake<'a> {
    pub fn new(
        store: &'a dyn ObjectStore,
        blobs: HashMap<String, u64>,
        rotten: HashSet<String>,
        vault: Option<Vault>,
    ) -> Self {
        let (held, large) = (Semaphore::new(HELD_PIECES), Semaphore::new(LARGE_AT_ONCE));
        Intake { store, blobs, rotten, begun: Mutex::default(), vault, held, large }
    }

    /// Whether the blob is there in full, by the store's listing, and sealed as this run seals.
    pub fn holds(&self, content: &UploadContent) -> bool {
        let Ok(blob) = content.blob() else { return false };
        let sealed_alike = match &self.vault {
            Some(vault) => vault.has(&blob),
            None => content.sealed.is_none(),
        };
        sealed_alike && self.blobs.get(&blob.key) == Some(&blob.bytes)
    }

    pub async fn bring(&self, from: Origin<'_>) -> Result<UploadContent> {
        if from.bytes <= SMALL {
            let room = from.bytes.div_ceil(PIECE).max(1);
            let _held = turn(&self.held, u32::try_from(room).unwrap_or(1)).await?;
            let Opened { attributes, etag, mut body } = from.bucket.open(from.key, from.version).await?;
            if let Some(whole) = up_to(&mut body, room * PIECE).await? {
                let (sha256, bytes) = (hex(&Sha256::digest(&whole)), whole.len() as u64);
                if let Some(vault) = &self.vault {
                    let sealed = Some(vault.bring(self.store, &sha256, &whole).await?);
                    return Ok(UploadContent { bytes, etag: same(from.etag, etag), sha256, sealed, attributes });
                }
                let blob = Key::blob(&sha256)?.to_string();
                if self.is_first(&blob, bytes) {
                    // Its name is its content: an overwrite, where the listing was short, changes nothing.
                    self.store.put(&blob, whole).await?;
                }
                return Ok(UploadContent { bytes, etag: same(from.etag, etag), sha256, sealed: None, attributes });
            }
            // It grew since it was listed, to more than there is room for.
        }
        self.bring_large(from).await
    }

    async fn bring_large(&self, from: Origin<'_>) -> Result<UploadContent> {
        let _turn = turn(&self.large, 1).await?;
        for _ in 0..TRIES {
            let Opened { attributes, etag, body } = from.bucket.open(from.key, from.version).await?;
            let (sha256, bytes) = digest(body).await?;
            if let Some(vault) = &self.vault {
                let again = async || Ok(from.bucket.open(from.key, from.version).await?.body);
                if let Some(sealed) = vault.bring_large(self.store, &sha256, again).await? {
                    let sealed = Some(sealed);
                    return Ok(UploadContent { bytes, etag: same(from.etag, etag), sha256, sealed, attributes });
                }
                continue;
            }
            let blob = Key::blob(&sha256)?.to_string();
            let known = self.blobs.get(&blob) == Some(&bytes)
                || !self.rotten.contains(&blob)
                    && self.store.head(&blob).await?.is_some_and(|info| info.bytes == bytes);
            if known || self.pass(from, &blob, &sha256).await? {
                return Ok(UploadContent { bytes, etag: same(from.etag, etag), sha256, sealed: None, attributes });
            }
        }
        Err(Fault::unreachable("it changed each time that it was read").help("run the backup again when it is at rest"))
    }

    async fn pass(&self, from: Origin<'_>, blob: &str, sha256: &str) -> Result<bool> {
        let body = from.bucket.open(from.key, from.version).await?.body;
        pass(body, self.store, blob, &Attributes::default(), sha256).await
    }

    /// Makes the locks of blobs that older points brought last as long as the new point's.
    pub async fn lock(&self, blobs: HashSet<String>, until: Instant) -> Result<()> {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let is_new = |blob: &String| begun.contains(blob) || self.vault.as_ref().is_some_and(|vault| vault.wrote(blob));
        let older = blobs.into_iter().filter(|blob| !is_new(blob));
        let locks = older.map(|blob| async move { self.store.lock(&blob, until).await });
        stream::iter(locks).buffer_unordered(LOCKS_AT_ONCE).try_collect().await
    }

    /// Whether the blob is to be written, and nobody has begun to.
    fn is_first(&self, blob: &str, bytes: u64) -> bool {
        self.blobs.get(blob) != Some(&bytes)
            && self.begun.lock().unwrap_or_else(PoisonError::into_inner).insert(blob.to_string())
    }
}

pub async fn turn(places: &Semaphore, many: u32) -> Result<SemaphorePermit<'_>> {
    places.acquire_many(many).await.map_err(|error| Fault::bug("no turn is left").because(error))
}

/// The tag of what was read, if it is what was listed: else the next run has to read it again.
fn same(listed: Option<&str>, read: Option<String>) -> Option<String> {
    let listed = listed.map(String::from);
    if read.is_none() || read == listed { listed } else { None }
}

/// The whole body, if it is no longer than `bytes_max`.
async fn up_to(body: &mut Flow<Bytes>, bytes_max: u64) -> Result<Option<Bytes>> {
    let mut whole = BytesMut::new();
    while let Some(piece) = body.try_next().await? {
        if (whole.len() + piece.len()) as u64 > bytes_max {
            return Ok(None);
        }
        whole.extend_from_slice(&piece);
    }
    Ok(Some(whole.freeze()))
}

/// SHA-256 and size of an object.
pub async fn hash(store: &dyn ObjectStore, key: &str) -> Result<(String, u64)> {
    digest(store.read(key).await?).await
}

async fn digest(mut body: Flow<Bytes>) -> Result<(String, u64)> {
    let (mut sha, mut bytes) = (Sha256::new(), 0);
    while let Some(piece) = body.try_next().await? {
        sha.update(&piece);
        bytes += piece.len() as u64;
    }
    Ok((hex(&sha.finalize()), bytes))
}

/// Streams a body on. Whether its bytes were those of `sha256`; if not, nothing is visible.
pub async fn pass(
    mut body: Flow<Bytes>,
    to: &dyn ObjectStore,
    key: &str,
    attributes: &Attributes,
    sha256: &str,
) -> Result<bool> {
    let mut upload = to.upload_with(key, attributes).await?;
    let mut sha = Sha256::new();
    loop {
        let written = match body.try_next().await {
            Ok(None) => break,
            Ok(Some(piece)) => {
                sha.update(&piece);
                upload.write(piece).await
            }
            Err(fault) => Err(fault),
        };
        if let Err(fault) = written {
            // The first fault is the one to tell.
            let _ = upload.abort().await;
            return Err(fault);
        }
    }
    if hex(&sha.finalize()) != sha256 {
        upload.abort().await?;
        return Ok(false);
    }
    upload.finish().await?;
    Ok(true)
}

/// Writes an object of a point; what is not what it was stays unwritten.
pub async fn out(
    store: &dyn ObjectStore,
    destination: &dyn ObjectStore,
    key: &str,
    content: &UploadContent,
) -> Result<()> {
    let stored = content.blob()?;
    let blob = stored.key.clone();
    let whole = if content.sealed.is_some() {
        let plain = opened::flow(store, &stored).await?;
        pass(plain, destination, key, &content.attributes, &content.sha256).await?
    } else if content.bytes <= SMALL {
        let body = store.get(&blob).await?;
        let whole = hex(&Sha256::digest(&body)) == content.sha256;
        if whole {
            destination.put_with(key, body, &content.attributes).await?;
        }
        whole
    } else {
        pass(store.read(&blob).await?, destination, key, &content.attributes, &content.sha256).await?
    };
    match whole {
        true => Ok(()),
        false => Err(Fault::corrupt(format!("`{blob}` holds other bytes than its name says"))),
    }
}
