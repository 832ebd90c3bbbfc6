//! Uploads as sealed blobs, each content once for one set of recipients.
//!
//! A blob is named by its content, so that the same bytes are stored once; but a plain SHA-256 would tell everybody who
//! sees a list of names that a file which they have is stored here. So the name is a hash of the repository's own id and
//! the content's hash: it tells nothing to who sees names alone, and no table that was made beforehand helps. Whoever reads
//! `plimsoll.json` too, and has the very file, can still find out that it is stored. A key that hides this as well would
//! have to stand on every host that backs up, and be lost with it: then nothing would be stored once any more.
//!
//! Sealed twice, the same bytes are others. So no blob is ever written over: a number in its name tells it from others of
//! the same content, and what is known of it, its size and SHA-256 as stored, stands in the manifests that list it.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use futures_util::TryStreamExt;
use sha2::{Digest, Sha256};

use super::content::hex;
use super::opened;
use crate::base::{Fault, Result};
use crate::port::{Flow, ObjectStore, Upload};
use crate::repository::manifest::ManifestKind;
use crate::repository::sealed_name::lot;
use crate::repository::{Key, Manifest, ObjectEntry};
use crate::seal::{Keys, Recipient, Sealing};

/// What is sealed for one set of recipients.
pub struct Vault {
    repository: String,
    recipients: Vec<Recipient>,
    /// By the name of its content.
    blobs: Mutex<HashMap<String, ObjectEntry>>,
    /// Keys that this run wrote.
    written: Mutex<HashSet<String>>,
}

impl Vault {
    /// Knows the blobs that are listed by manifests of points which are sealed for the same recipients. None where the
    /// run seals nothing.
    pub fn new(repository: String, keys: &Keys, manifests: &[Manifest]) -> Option<Self> {
        let recipients = keys.recipients().to_vec();
        let alike = |manifest: &&Manifest| {
            manifest.kind == ManifestKind::Uploads
                && manifest.seal.as_ref().is_some_and(|seal| seal.recipients == recipients)
        };
        let objects = manifests.iter().filter(alike).flat_map(|manifest| &manifest.objects);
        let named = objects.filter_map(|object| Some((content_of(&object.key)?, object.clone())));
        let (blobs, written) = (Mutex::new(named.collect()), Mutex::default());
        keys.seals().then_some(Vault { repository, recipients, blobs, written })
    }

    /// Forgets what the store does not list in full.
    pub fn keep_listed(&self, listed: &HashMap<String, u64>) {
        lock(&self.blobs).retain(|_, blob| listed.get(&blob.key) == Some(&blob.bytes));
    }

    pub fn has(&self, blob: &ObjectEntry) -> bool {
        content_of(&blob.key).is_some_and(|content| lock(&self.blobs).get(&content) == Some(blob))
    }

    pub fn wrote(&self, key: &str) -> bool {
        lock(&self.written).contains(key)
    }

    fn name(&self, sha256: &str) -> String {
        hex(&Sha256::digest(format!("plimsoll blob\n{}\n{sha256}", self.repository)))
    }

    /// The blob of these bytes, which is sealed and stored unless it is there.
    pub async fn bring(&self, store: &dyn ObjectStore, sha256: &str, plain: &Bytes) -> Result<ObjectEntry> {
        let content = self.name(sha256);
        if let Some(known) = lock(&self.blobs).get(&content) {
            return Ok(known.clone());
        }
        let body = Sealing::whole(&self.recipients, plain)?;
        let key = Key::blob(&content)?.sealed(lot()).to_string();
        let blob = ObjectEntry { key, bytes: body.len() as u64, sha256: hex(&Sha256::digest(&body)) };
        // Another object with the same bytes need not wait for this one: if the write fails, so does the run.
        if let Some(known) = self.claim(&content, &blob) {
            return Ok(known);
        }
        store.put(&blob.key, body).await?;
        Ok(blob)
    }

    /// The same for what is read a second time as a stream; none if its bytes were others then.
    pub async fn bring_large(
        &self,
        store: &dyn ObjectStore,
        sha256: &str,
        read: impl AsyncFnOnce() -> Result<Flow<Bytes>>,
    ) -> Result<Option<ObjectEntry>> {
        let content = self.name(sha256);
        let known = lock(&self.blobs).get(&content).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let key = Key::blob(&content)?.sealed(lot()).to_string();
        let mut upload = store.upload(&key).await?;
        let sealed = async { seal(&self.recipients, read().await?, upload.as_mut()).await }.await;
        match sealed {
            Ok((plain, blob)) if plain == sha256 => {
                upload.finish().await?;
                let blob = ObjectEntry { key, ..blob };
                Ok(self.claim(&content, &blob).or(Some(blob)))
            }
            Ok(_) => upload.abort().await.map(|()| None),
            Err(fault) => {
                // The first fault is the one to tell.
                let _ = upload.abort().await;
                Err(fault)
            }
        }
    }

    /// A blob that is sealed for others, sealed for these recipients under this number, unless that was done already.
    pub async fn seal_anew(&self, store: &dyn ObjectStore, blob: &ObjectEntry, number: u32) -> Result<ObjectEntry> {
        let no_blob = || Fault::corrupt(format!("`{}` is no sealed blob", blob.key));
        let content = content_of(&blob.key).ok_or_else(no_blob)?;
        if let Some(known) = lock(&self.blobs).get(&content) {
            return Ok(known.clone());
        }
        let anew = seal_anew(store, blob, Key::blob(&content)?.sealed(number).to_string()).await?;
        Ok(self.claim(&content, &anew).unwrap_or(anew))
    }

    /// Notes a blob; the one that was noted before it, if there is one.
    fn claim(&self, content: &str, blob: &ObjectEntry) -> Option<ObjectEntry> {
        let mut blobs = lock(&self.blobs);
        if let Some(known) = blobs.get(content) {
            return Some(known.clone());
        }
        blobs.insert(content.to_string(), blob.clone());
        lock(&self.written).insert(blob.key.clone());
        None
    }
}

/// Opens an object and seals what is in it for the store's recipients, as `key`. Nothing is visible there unless the stored
/// bytes were those of `old`.
pub async fn seal_anew(store: &dyn ObjectStore, old: &ObjectEntry, key: String) -> Result<ObjectEntry> {
    let plain = opened::flow(store, old).await?;
    let mut upload = store.upload(&key).await?;
    match seal(store.keys().recipients(), plain, upload.as_mut()).await {
        Ok((_, anew)) => upload.finish().await.map(|()| ObjectEntry { key, ..anew }),
        Err(fault) => {
            // The first fault is the one to tell.
            let _ = upload.abort().await;
            Err(fault)
        }
    }
}

/// The SHA-256 of what was read, and what it is as stored, but for its key.
async fn seal(
    recipients: &[Recipient],
    mut plain: Flow<Bytes>,
    upload: &mut dyn Upload,
) -> Result<(String, ObjectEntry)> {
    let mut sealing = Sealing::begin(recipients)?;
    let (mut of_plain, mut of_stored, mut bytes) = (Sha256::new(), Sha256::new(), 0);
    while let Some(piece) = plain.try_next().await? {
        of_plain.update(&piece);
        let stored = sealing.push(&piece)?;
        of_stored.update(&stored);
        bytes += stored.len() as u64;
        upload.write(stored).await?;
    }
    let rest = sealing.finish()?;
    of_stored.update(&rest);
    bytes += rest.len() as u64;
    upload.write(rest).await?;
    let sha256 = hex(&of_stored.finalize());
    Ok((hex(&of_plain.finalize()), ObjectEntry { key: String::new(), bytes, sha256 }))
}

/// The name of the content of a sealed blob; none of any other object.
fn content_of(key: &str) -> Option<String> {
    match key.parse().ok()? {
        Key::Sealed(inner, _) => match *inner {
            Key::Blob(content) => Some(content.to_string()),
            _ => None,
        },
        _ => None,
    }
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What tells a repository that nobody has named yet from others is not asked for where nothing is sealed.
pub async fn open(store: &dyn ObjectStore, manifests: &[Manifest]) -> Result<Option<Vault>> {
    let keys = store.keys();
    match keys.seals() {
        true => Ok(Vault::new(crate::repository::id(store).await?, &keys, manifests)),
        false => Ok::<_, Fault>(None),
    }
}
