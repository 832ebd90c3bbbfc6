//! What killed runs left: data below a name whose manifest never came. It is told from a run that is still at it by the
//! record that the run wrote first, by its age, and by its last sign of life.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::Serialize;

use super::marks::Pruning;
use crate::base::{FaultKind, Instant, Result, Span};
use crate::port::{ObjectInfo, ObjectStore};
use crate::repository::begun::Begun;
use crate::repository::prune::{Marked, Record};
use crate::repository::{Key, SnapshotName};

/// A run that began and made no point, as far as it is seen now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Abandoned {
    pub asset: String,
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protection: Option<String>,
    pub began: Instant,
    /// When it last wrote something.
    pub last_wrote: Instant,
    /// What it left, and no pruning has marked yet.
    #[serde(skip)]
    pub objects: Vec<Marked>,
}

impl Abandoned {
    /// Longer than any run may be silent.
    pub fn is_killed(&self, as_of: Instant, grace: Span) -> bool {
        as_of - self.last_wrote >= grace
    }

    pub fn why(&self) -> String {
        format!("of a run that began at {}, wrote nothing after {}, and made no point", self.began, self.last_wrote)
    }
}

/// Every begun snapshot that has no manifest when asked for it by name, and of which nothing says that it had one.
pub async fn look(
    store: &dyn ObjectStore,
    listed: &[ObjectInfo],
    known: &BTreeSet<SnapshotName>,
    prunings: &[Pruning],
) -> Result<Vec<Abandoned>> {
    let by_key: BTreeMap<&str, &ObjectInfo> = listed.iter().map(|object| (object.key.as_str(), object)).collect();
    let open = prunings.iter().filter(|pruning| !pruning.is_over).flat_map(|pruning| &pruning.mark.objects);
    let marked: HashSet<&str> = open.map(|object| object.key.as_str()).collect();
    let mut found = Vec::new();
    for object in listed {
        let Ok(Key::Begun(name)) = object.key.parse() else { continue };
        let manifest = name.manifest().to_string();
        if by_key.contains_key(manifest.as_str()) || known.contains(&name) || store.head(&manifest).await?.is_some() {
            continue;
        }
        let Some(begun) = read(store, &name).await? else { continue };
        let prefix = name.prefix();
        let below = by_key.range(prefix.as_str()..).take_while(|(key, _)| key.starts_with(&prefix));
        let (own, mut rest): (Vec<&ObjectInfo>, Vec<&ObjectInfo>) =
            below.map(|(_, object)| *object).partition(|below| below.key == object.key);
        let last_wrote = own.iter().chain(&rest).filter_map(|object| object.modified_at).fold(begun.at, Instant::max);
        // The record goes last, so that what a listing left out is found by a later pruning.
        if rest.is_empty() {
            rest = own;
        }
        let free = rest.into_iter().filter(|object| !marked.contains(object.key.as_str()));
        let objects: Vec<Marked> = free.map(|o| Marked { key: o.key.clone(), bytes: o.bytes }).collect();
        if !objects.is_empty() {
            let Begun { id, asset, protection, at: began, .. } = begun;
            found.push(Abandoned { asset, id, protection, began, last_wrote, objects });
        }
    }
    Ok(found)
}

/// What cannot be read authorises nothing.
async fn read(store: &dyn ObjectStore, name: &SnapshotName) -> Result<Option<Begun>> {
    let key = name.begun().to_string();
    match store.get(&key).await.and_then(|body| Begun::decode(&body, &key)) {
        Ok(begun) => {
            Ok(Some(begun).filter(|b| (b.asset.as_str(), b.id.as_str()) == (name.asset.as_str(), name.id.as_str())))
        }
        Err(fault) if matches!(fault.kind, FaultKind::Missing | FaultKind::Corrupt | FaultKind::Unsupported) => {
            Ok(None)
        }
        Err(fault) => Err(fault),
    }
}
