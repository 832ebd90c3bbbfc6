//! The content hashes of a sealed snapshot, kept apart from its manifest: who can guess all that a collection holds could
//! find out by its hash that the guess is right. Whoever opens the snapshot reads them first.

use serde::{Deserialize, Serialize};

use super::{pipeline, unpack};
use crate::base::{Fault, Result};
use crate::port::ObjectStore;
use crate::repository::{CollectionEntry, Manifest, ObjectEntry, SnapshotName};

/// Of a million collections it is smaller.
const BYTES_MAX: u64 = 512 << 20;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    db: String,
    name: String,
    content: String,
}

/// Takes the hashes out of the entries and stores them.
pub async fn store(store: &dyn ObjectStore, key: &str, collections: &mut [CollectionEntry]) -> Result<ObjectEntry> {
    let taken = collections.iter_mut().map(|entry| Content {
        db: entry.db.clone(),
        name: entry.name.clone(),
        content: std::mem::take(&mut entry.content),
    });
    let taken: Vec<Content> = taken.collect();
    let text = serde_json::to_vec(&taken).map_err(|error| Fault::bug("cannot write JSON").because(error))?;
    pipeline::store_whole(store, key, text.into()).await
}

/// Puts the hashes back into the manifest of a sealed snapshot; leaves any other as it is.
pub async fn put_back(store: &dyn ObjectStore, manifest: &mut Manifest) -> Result<()> {
    if manifest.seal.is_none() {
        return Ok(());
    }
    let contents = SnapshotName::new(&manifest.asset, &manifest.id)?.contents();
    let is_of_contents =
        |object: &&ObjectEntry| object.key.parse().is_ok_and(|key: crate::repository::Key| *key.unsealed() == contents);
    let unlisted = || Fault::corrupt(format!("the manifest of `{}` does not list its `{contents}`", manifest.id));
    let object = manifest.objects.iter().find(is_of_contents).ok_or_else(unlisted)?;
    let text = unpack::whole(store, object, BYTES_MAX).await?;
    let unreadable = || Fault::corrupt(format!("`{}` is not what the manifest of `{}` needs", object.key, manifest.id));
    let contents: Vec<Content> = serde_json::from_slice(&text).map_err(|error| unreadable().because(error))?;
    let fits = contents.len() == manifest.collections.len()
        && contents.iter().zip(&manifest.collections).all(|(of, entry)| (&of.db, &of.name) == (&entry.db, &entry.name));
    if !fits {
        return Err(unreadable().because("it is of other collections"));
    }
    manifest.collections.iter_mut().zip(contents).for_each(|(entry, of)| entry.content = of.content);
    Ok(())
}
