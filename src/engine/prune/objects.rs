//! What goes with points, slices and killed runs, and what stays.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::abandoned::Abandoned;
use super::plan::{PointPlan, SlicePlan};
use crate::repository::prune::Marked;
use crate::repository::{Manifest, SnapshotName};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ObjectPlan {
    pub key: String,
    pub bytes: u64,
    /// What made it; empty where nothing says.
    pub protection: String,
    pub why: String,
}

/// What the points and slices that go consist of, and no point that stays lists; and the bytes that stay.
pub(super) fn objects(
    manifests: &[Manifest],
    begun: &BTreeMap<SnapshotName, u64>,
    (points, slices): (&[PointPlan], &[SlicePlan]),
    abandoned: &[Abandoned],
) -> (Vec<ObjectPlan>, BTreeMap<String, u64>) {
    let go: BTreeSet<(&str, &str)> =
        points.iter().filter(|p| !p.kept).map(|p| (p.asset.as_str(), p.id.as_str())).collect();
    let goes = |manifest: &&Manifest| go.contains(&(manifest.asset.as_str(), manifest.id.as_str()));
    let mut kept_bytes: BTreeMap<String, u64> = BTreeMap::new();
    let mut wanted: BTreeSet<&str> = BTreeSet::new();
    for manifest in manifests.iter().filter(|manifest| !goes(manifest)) {
        let bytes = kept_bytes.entry(manifest.protection.clone().unwrap_or_default()).or_default();
        for object in &manifest.objects {
            if wanted.insert(&object.key) {
                *bytes = bytes.saturating_add(object.bytes);
            }
        }
    }
    let mut objects: BTreeMap<String, ObjectPlan> = BTreeMap::new();
    for manifest in manifests.iter().filter(goes) {
        for object in manifest.objects.iter().filter(|object| !wanted.contains(object.key.as_str())) {
            let plan = || ObjectPlan {
                key: object.key.clone(),
                bytes: object.bytes,
                protection: manifest.protection.clone().unwrap_or_default(),
                why: format!("of `{}`, and no point that stays lists it", manifest.id),
            };
            objects.entry(object.key.clone()).or_insert_with(plan);
        }
        // What says that it began goes with it.
        let name = SnapshotName::new(&manifest.asset, &manifest.id).ok();
        if let Some((name, bytes)) = name.and_then(|name| begun.get_key_value(&name)) {
            let (key, protection) = (name.begun().to_string(), manifest.protection.clone().unwrap_or_default());
            let why = format!("says that `{}` began", manifest.id);
            objects.insert(key.clone(), ObjectPlan { key, bytes: *bytes, protection, why });
        }
    }
    for run in abandoned {
        for Marked { key, bytes } in run.objects.iter().cloned() {
            let protection = run.protection.clone().unwrap_or_default();
            objects.insert(key.clone(), ObjectPlan { key, bytes, protection, why: run.why() });
        }
    }
    for slice in slices {
        let key = slice.data.clone();
        let protection = String::new();
        match slice.kept {
            true => {
                let bytes = kept_bytes.entry(protection).or_default();
                *bytes = bytes.saturating_add(slice.bytes);
            }
            false => {
                let why = format!("of a slice that is {}", slice.why);
                objects.insert(key.clone(), ObjectPlan { key, bytes: slice.bytes, protection, why });
            }
        }
    }
    (objects.into_values().collect(), kept_bytes)
}
