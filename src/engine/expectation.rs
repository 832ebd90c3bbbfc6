//! The policy's own checks of what a drill has restored: enough of it, fresh enough, and nothing that it names is missing.

use std::collections::HashSet;

use bson::RawDocument;
use bson::raw::RawBsonRef;
use futures_util::TryStreamExt;

use super::compare::{self, Held};
use super::content::documents;
use super::plan::RestoreTo;
use super::{points, record, uploads};
use crate::base::{Fault, Instant, OpTime, Result};
use crate::evidence::Check;
use crate::policy::{Expectation, Expects};
use crate::port::{MongoTarget, ObjectStore};
use crate::repository::manifest::ManifestKind;

/// What an asset's policy expects.
#[derive(Debug, Clone, Default)]
pub struct Expectations {
    pub all: Vec<Expectation>,
    /// The asset of the uploads that its rows name.
    pub uploads: Option<String>,
}

/// Keys that are missing are named, up to so many.
const SHOWN: usize = 3;

/// Runs every check on the state of this instant; a check that cannot be run has not passed.
pub async fn check(
    target: &dyn MongoTarget,
    repository: &dyn ObjectStore,
    expected: &Expectations,
    held: &Held,
    state_of: Instant,
) -> Result<Vec<Check>> {
    let mut checks = Vec::with_capacity(expected.all.len());
    for expectation in &expected.all {
        let (db, collection) = (&expectation.db, &expectation.collection);
        let there = held.get(&(db.clone(), collection.clone()));
        let (wrong, detail) = match (&expectation.expects, there) {
            (_, None) => (vec![format!("`{db}.{collection}` was not restored")], String::new()),
            (Expects::AtLeast(least), Some(tally)) => {
                let detail = format!("{} documents, {least} at least are expected", tally.documents);
                (if tally.documents < *least { vec![detail.clone()] } else { vec![] }, detail)
            }
            (Expects::Fresh { field, within }, Some(_)) => {
                let newest = newest(target, db, collection, field).await?;
                let detail = match newest {
                    Some(newest) => format!("the newest `{field}` is {newest}, the state is of {state_of}"),
                    None => format!("no document has a time in `{field}`"),
                };
                let is_fresh = newest.is_some_and(|newest| newest + *within >= state_of);
                (if is_fresh { vec![] } else { vec![detail.clone()] }, detail)
            }
            (Expects::References { field, prefix }, Some(_)) => {
                match keys(repository, expected.uploads.as_deref(), state_of).await {
                    Ok(keys) => references(target, (db, collection), (field, prefix), &keys).await?,
                    // The restore is not to blame; the check has not passed all the same.
                    Err(fault) => (vec![format!("cannot be checked: {}", record::chain(&fault))], String::new()),
                }
            }
        };
        checks.push(compare::check(&expectation.name, &wrong, detail));
    }
    Ok(checks)
}

async fn newest(target: &dyn MongoTarget, db: &str, collection: &str, field: &str) -> Result<Option<Instant>> {
    let mut newest = None;
    each(target, db, collection, field, &mut |value| newest = newest.max(time_of(value))).await?;
    Ok(newest)
}

fn time_of(value: RawBsonRef<'_>) -> Option<Instant> {
    match value {
        RawBsonRef::DateTime(at) => Some(Instant(at.timestamp_millis())),
        RawBsonRef::Timestamp(at) => Some(OpTime::new(at.time, at.increment).instant()),
        RawBsonRef::ObjectId(id) => Some(Instant(id.timestamp().timestamp_millis())),
        _ => None,
    }
}

/// The keys of the uploads that a restore would lay beside that state: those of the first point after it, which holds what
/// its rows name unless it was deleted since, or else of the newest one.
async fn keys(repository: &dyn ObjectStore, asset: Option<&str>, state_of: Instant) -> Result<HashSet<String>> {
    let Some(asset) = asset else { return Err(Fault::usage("the policy does not say which uploads are named")) };
    let newest_first = points::of(repository, asset, ManifestKind::Uploads, &mut Vec::new()).await?;
    let after = newest_first.iter().rfind(|point| point.consistent_at >= state_of);
    let Some(point) = after.or(newest_first.first()) else {
        return Err(Fault::missing(format!("there is no recovery point of the uploads `{asset}`")));
    };
    let plan = uploads::plan(repository, asset, &RestoreTo::Point(point.id.clone())).await?;
    Ok(plan.objects.into_iter().map(|(key, _)| key).collect())
}

async fn references(
    target: &dyn MongoTarget,
    (db, collection): (&str, &str),
    (field, prefix): (&str, &str),
    keys: &HashSet<String>,
) -> Result<(Vec<String>, String)> {
    let (mut named, mut missing, mut shown) = (0_u64, 0_u64, Vec::new());
    let mut look = |value: RawBsonRef<'_>| {
        let Some(key) = value.as_str() else { return };
        named += 1;
        let key = format!("{prefix}{key}");
        if !keys.contains(&key) {
            missing += 1;
            if shown.len() < SHOWN {
                shown.push(format!("`{}`", key.escape_debug()));
            }
        }
    };
    each(target, db, collection, field, &mut look).await?;
    let wrong = match missing {
        // A field that is misspelt names nothing, and would have passed for whole.
        0 if named == 0 => vec![format!("no document names an upload in `{field}`")],
        0 => vec![],
        _ => {
            vec![format!("{missing} of {named} uploads that `{field}` names are missing, such as {}", shown.join(", "))]
        }
    };
    Ok((wrong, format!("all {named} uploads that `{field}` names are there")))
}

/// Hands on each value of a field, with dots into what is within, and each item of a list.
async fn each(
    target: &dyn MongoTarget,
    db: &str,
    collection: &str,
    field: &str,
    to: &mut (dyn FnMut(RawBsonRef<'_>) + Send),
) -> Result<()> {
    let path: Vec<&str> = field.split('.').collect();
    let mut batches = target.documents(db, collection).await?;
    while let Some(batch) = batches.try_next().await? {
        for document in documents(&batch) {
            let document = RawDocument::from_bytes(document?).map_err(|error| broken(db, collection).because(error))?;
            walk(RawBsonRef::Document(document), &path, to).map_err(|error| broken(db, collection).because(error))?;
        }
    }
    Ok(())
}

fn walk(
    value: RawBsonRef<'_>,
    path: &[&str],
    to: &mut (dyn FnMut(RawBsonRef<'_>) + Send),
) -> std::result::Result<(), bson::error::Error> {
    match (value, path.split_first()) {
        (RawBsonRef::Array(items), _) => {
            for item in items {
                walk(item?, path, to)?;
            }
        }
        (RawBsonRef::Document(document), Some((name, rest))) => {
            if let Some(value) = document.get(name)? {
                walk(value, rest, to)?;
            }
        }
        (value, None) => to(value),
        _ => {}
    }
    Ok(())
}

fn broken(db: &str, collection: &str) -> Fault {
    Fault::corrupt(format!("a document of `{db}.{collection}` cannot be read"))
}
