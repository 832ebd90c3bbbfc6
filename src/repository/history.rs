//! All that was done to the assets of a repository, from every kind of record that it keeps.

use std::collections::BTreeMap;

use super::key::VERIFICATIONS;
use super::{Key, Verification, catalog};
use crate::base::{Instant, Result};
use crate::evidence::{Evidence, Ran};
use crate::port::ObjectStore;

/// The evidence, and what was done, verifications included.
pub async fn read(store: &dyn ObjectStore, now: Instant) -> Result<(Evidence, Vec<Ran>)> {
    let evidence = catalog::read(store, now).await?;
    let mut all = Ran::all(&evidence);
    for object in store.list(VERIFICATIONS).await? {
        // What cannot be read is among the evidence that cannot.
        if let Ok(Key::Verification(_)) = object.key.parse()
            && let Ok(verification) = Verification::decode(&store.get(&object.key).await?, &object.key)
        {
            all.extend(verified(&verification));
        }
    }
    Ok((evidence, all))
}

/// A verification is a run for each asset of which it read something.
fn verified(verification: &Verification) -> Vec<Ran> {
    let points = verification.points.iter().map(|of| (&of.asset, of.bad.first()));
    let chains = verification.chains.iter().map(|of| (&of.asset, of.bad.first()));
    let mut found: BTreeMap<&String, Option<String>> = BTreeMap::new();
    for (asset, bad) in points.chain(chains) {
        let failed = found.entry(asset).or_default();
        *failed = failed.take().or(bad.map(|bad| format!("{} {}", bad.key, bad.why)));
    }
    let ran = |(asset, failed): (&String, Option<String>)| Ran {
        verb: "verify".to_string(),
        asset: asset.clone(),
        protection: None,
        id: verification.id.clone(),
        started_at: verification.started_at,
        took: verification.ended_at - verification.started_at,
        failed,
    };
    found.into_iter().map(ran).collect()
}
