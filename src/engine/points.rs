//! Recovery points by their manifests: the newest first, and what can't be read said.

use futures_util::{StreamExt, stream};

use crate::base::rng::Stream;
use crate::base::{Fault, FaultKind, Instant, Result, Span};
use crate::port::ObjectStore;
use crate::repository::key::{Name, SNAPSHOTS};
use crate::repository::manifest::ManifestKind;
use crate::repository::{Key, Manifest, SnapshotName};

/// Small objects asked for at once.
const AT_ONCE: usize = 16;

/// One manifest, checked to be of the snapshot that its key names.
pub async fn one(store: &dyn ObjectStore, name: &SnapshotName) -> Result<Manifest> {
    let key = name.manifest().to_string();
    let body = store.get(&key).await.map_err(|fault| match fault.kind {
        FaultKind::Missing => Fault::missing(format!("there is no recovery point `{}` of `{}`", name.id, name.asset))
            .help("`plimsoll inventory` lists those that exist"),
        _ => fault,
    })?;
    let manifest = Manifest::decode(&body, &key)?;
    if manifest.asset != name.asset.as_str() || manifest.id != name.id.as_str() {
        return Err(Fault::corrupt(format!("`{key}` is the manifest of `{}` of `{}`", manifest.id, manifest.asset)));
    }
    Ok(manifest)
}

/// The manifests of an asset, newest first. What can't be read can't be restored: it is passed over, with a note.
pub async fn of(
    store: &dyn ObjectStore,
    asset: &str,
    kind: ManifestKind,
    notes: &mut Vec<String>,
) -> Result<Vec<Manifest>> {
    let listed = store.list(&format!("{SNAPSHOTS}{}/", asset.parse::<Name>()?)).await?;
    let names = listed.iter().filter_map(|object| match object.key.parse() {
        Ok(Key::Manifest(name)) => Some(name),
        _ => None,
    });
    let names: Vec<SnapshotName> = names.collect();
    let read: Vec<_> = stream::iter(&names).map(|name| one(store, name)).buffered(AT_ONCE).collect().await;
    let mut manifests = Vec::new();
    for outcome in read {
        match outcome {
            Ok(manifest) if manifest.kind == kind => manifests.push(manifest),
            Ok(_) => {}
            // One that is missing was pruned since it was listed.
            Err(fault) if matches!(fault.kind, FaultKind::Corrupt | FaultKind::Unsupported | FaultKind::Missing) => {
                notes.push(format!("{fault}: passed over"));
            }
            Err(fault) => return Err(fault),
        }
    }
    manifests.sort_by(|a, b| (b.consistent_at, b.cluster_time, &b.id).cmp(&(a.consistent_at, a.cluster_time, &a.id)));
    Ok(manifests)
}

/// One of the points of a database by lot: the same all day, so that a drill can be repeated, and in time each of them.
pub async fn by_lot(store: &dyn ObjectStore, asset: &str, at: Instant, seed: Option<u64>) -> Result<String> {
    let points = of(store, asset, ManifestKind::Database, &mut Vec::new()).await?;
    let day = u64::try_from(at.0.div_euclid(Span::days(1).0)).unwrap_or_default();
    let place = Stream::new(seed.unwrap_or(day), 0).below(points.len() as u64);
    let chosen = points.into_iter().nth(usize::try_from(place).unwrap_or_default());
    chosen.map(|point| point.id).ok_or_else(|| {
        Fault::missing(format!("there is no recovery point of `{asset}`"))
            .help("`plimsoll inventory` lists those that exist")
    })
}
