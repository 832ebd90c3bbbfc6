//! One object from a store to another, its SHA-256 taken on the way, in bounded memory.

use std::collections::HashMap;

use futures_util::StreamExt;
use sha2::{Digest, Sha256};

use super::content::hex;
use crate::base::{Fault, Result};
use crate::port::ObjectStore;
use crate::repository::Key;
use crate::repository::manifest::UploadEntry;

/// Up to here an object is held whole.
pub const SMALL: u64 = 4 << 20;
/// A large object is named by its hash before it is written, so it is read twice; so often it may change in between.
const TRIES: u32 = 3;

/// SHA-256 and size of what was brought in.
type Copied = (String, u64);

pub async fn small_in(
    bucket: &dyn ObjectStore,
    store: &dyn ObjectStore,
    key: &str,
    blobs: &HashMap<String, u64>,
) -> Result<Copied> {
    let body = bucket.get(key).await?;
    let (sha256, bytes) = (hex(&Sha256::digest(&body)), body.len() as u64);
    let blob = Key::blob(&sha256)?.to_string();
    match blobs.get(&blob) {
        Some(there) if *there == bytes => {}
        // Cut short by some mishap: it is mended.
        Some(_) => store.put(&blob, body).await?,
        None => store.put_new(&blob, body).await.map(drop)?,
    }
    Ok((sha256, bytes))
}

pub async fn large_in(
    bucket: &dyn ObjectStore,
    store: &dyn ObjectStore,
    key: &str,
    blobs: &HashMap<String, u64>,
) -> Result<Copied> {
    for _ in 0..TRIES {
        let (sha256, bytes) = hash(bucket, key).await?;
        let blob = Key::blob(&sha256)?.to_string();
        let known =
            blobs.get(&blob) == Some(&bytes) || store.head(&blob).await?.is_some_and(|info| info.bytes == bytes);
        if known || pass(bucket, key, store, &blob, &sha256).await? {
            return Ok((sha256, bytes));
        }
    }
    Err(Fault::unreachable("it changed each time that it was read").help("run the backup again when it is at rest"))
}

pub async fn hash(bucket: &dyn ObjectStore, key: &str) -> Result<Copied> {
    let (mut sha, mut bytes) = (Sha256::new(), 0);
    let mut pieces = bucket.read(key).await?;
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        sha.update(&piece);
        bytes += piece.len() as u64;
    }
    Ok((hex(&sha.finalize()), bytes))
}

/// Streams an object on. Whether its bytes were those of `sha256`; if not, nothing is visible.
pub async fn pass(from: &dyn ObjectStore, key: &str, to: &dyn ObjectStore, into: &str, sha256: &str) -> Result<bool> {
    let mut pieces = from.read(key).await?;
    let mut upload = to.upload(into).await?;
    let mut sha = Sha256::new();
    while let Some(piece) = pieces.next().await {
        let written = match piece {
            Ok(piece) => {
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
pub async fn out(store: &dyn ObjectStore, destination: &dyn ObjectStore, entry: &UploadEntry) -> Result<()> {
    let blob = Key::blob(&entry.sha256)?.to_string();
    let whole = if entry.bytes <= SMALL {
        let body = store.get(&blob).await?;
        let whole = hex(&Sha256::digest(&body)) == entry.sha256;
        if whole {
            destination.put(&entry.key, body).await?;
        }
        whole
    } else {
        pass(store, &blob, destination, &entry.key, &entry.sha256).await?
    };
    match whole {
        true => Ok(()),
        false => Err(Fault::corrupt(format!("`{blob}` holds other bytes than its name says"))),
    }
}
