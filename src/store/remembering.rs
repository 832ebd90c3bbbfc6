//! A store whose small objects are remembered on this machine: what was read once is not asked for again.
//!
//! What is remembered counts only if its digest is the ETag that the store lists for the key now. So the listing still
//! decides what exists and which bytes it has, and nothing that stands in the cache, damaged or put there, can stand for
//! anything that the store does not hold. Where an ETag is no digest (encryption with KMS, uploads in parts), every read
//! goes to the store.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use md5::Md5;
use sha2::{Digest, Sha256};

use crate::base::Result;
use crate::port::{Flow, ObjectInfo, ObjectStore, ObjectVersion, Opened, Upload, Written};

/// Larger objects are read where they are.
const BYTES_MAX: u64 = 16 << 20;

#[derive(Debug)]
pub struct Remembering {
    store: Arc<dyn ObjectStore>,
    folder: PathBuf,
    /// The digest of each object, as last listed.
    listed: Mutex<BTreeMap<String, String>>,
}

impl Remembering {
    /// Remembers what `store` holds in a folder of its own below `cache`.
    pub fn new(store: Arc<dyn ObjectStore>, cache: &Path) -> Self {
        let place = hexadecimal(&Sha256::digest(store.address().as_bytes()));
        let folder = cache.join(place.get(..16).unwrap_or(&place));
        Remembering { store, folder, listed: Mutex::default() }
    }

    /// Forgets what the store no longer lists, once all of it has been listed.
    pub fn forget_the_rest(&self) {
        let listed = self.listed();
        let current: std::collections::BTreeSet<&str> = listed.values().map(String::as_str).collect();
        let kept = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        for file in kept.filter(|file| file.file_name().to_str().is_none_or(|name| !current.contains(name))) {
            // What cannot be removed is in nobody's way.
            let _ = std::fs::remove_file(file.path());
        }
    }

    fn listed(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn recall(&self, key: &str, digest: &str) -> Option<Bytes> {
        let file = self.folder.join(digest);
        let body = std::fs::read(&file).ok()?;
        if digest_like(digest, &body).as_deref() == Some(digest) {
            return Some(body.into());
        }
        tracing::warn!("`{}` is not what was read of `{key}`; it is discarded and read again", file.display());
        let _ = std::fs::remove_file(&file);
        None
    }

    /// A cache that cannot be written is no fault: the next audit reads from the store again.
    fn remember(&self, key: &str, digest: &str, body: &[u8]) {
        if digest_like(digest, body).as_deref() != Some(digest) {
            return;
        }
        let written = std::fs::create_dir_all(&self.folder).and_then(|()| {
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            file.write_all(body)?;
            file.persist(self.folder.join(digest)).map_err(|e| e.error).map(drop)
        });
        if let Err(error) = written {
            tracing::warn!("cannot remember `{key}` in `{}`: {error}", self.folder.display());
        }
    }
}

#[async_trait]
impl ObjectStore for Remembering {
    fn address(&self) -> String {
        self.store.address()
    }

    async fn get(&self, key: &str) -> Result<Bytes> {
        let digest = self.listed().get(key).cloned();
        let Some(digest) = digest else { return self.store.get(key).await };
        if let Some(body) = self.recall(key, &digest) {
            return Ok(body);
        }
        let body = self.store.get(key).await?;
        self.remember(key, &digest, &body);
        Ok(body)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>> {
        let found = self.store.list(prefix).await?;
        let small = found.iter().filter(|object| object.bytes <= BYTES_MAX);
        let digests = small.filter_map(|object| Some((object.key.clone(), digest_in(object.etag.as_deref()?)?)));
        let mut listed = self.listed();
        listed.retain(|key, _| !key.starts_with(prefix));
        listed.extend(digests);
        Ok(found)
    }

    async fn read(&self, key: &str) -> Result<Flow<Bytes>> {
        self.store.read(key).await
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectInfo>> {
        self.store.head(key).await
    }

    async fn versions(&self, prefix: &str) -> Result<Option<Vec<ObjectVersion>>> {
        self.store.versions(prefix).await
    }

    async fn open(&self, key: &str, version: Option<&str>) -> Result<Opened> {
        self.store.open(key, version).await
    }

    async fn put(&self, key: &str, body: Bytes) -> Result<()> {
        self.listed().remove(key);
        self.store.put(key, body).await
    }

    async fn put_new(&self, key: &str, body: Bytes) -> Result<Written> {
        self.store.put_new(key, body).await
    }

    async fn upload(&self, key: &str) -> Result<Box<dyn Upload>> {
        self.listed().remove(key);
        self.store.upload(key).await
    }

    async fn delete(&self, key: &str) -> Result<()> {
        self.listed().remove(key);
        self.store.delete(key).await
    }

    async fn erase(&self, key: &str) -> Result<()> {
        self.listed().remove(key);
        self.store.erase(key).await
    }
}

/// The digest that an ETag is: an MD5, as S3 gives it, or a SHA-256. None for any other.
fn digest_in(etag: &str) -> Option<String> {
    let plain = etag.trim_matches('"');
    let digits = matches!(plain.len(), 32 | 64) && plain.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    digits.then(|| plain.to_string())
}

/// The digest of `body` of the same kind as `digest`.
fn digest_like(digest: &str, body: &[u8]) -> Option<String> {
    match digest.len() {
        32 => Some(hexadecimal(&Md5::digest(body))),
        64 => Some(hexadecimal(&Sha256::digest(body))),
        _ => None,
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
