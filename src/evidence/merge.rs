//! Evidence from several places made one: it speaks for the time at which the oldest of it was read.

use std::collections::BTreeMap;

use super::{Drill, Evidence, Health, RecoveryPoint};
use crate::base::{Instant, OpTime};
use crate::policy::Consistency;

impl Evidence {
    /// What all of them show together. A piece that several hold counts once, with the least flattering of what they say.
    pub fn merged(parts: impl IntoIterator<Item = Evidence>) -> Option<Evidence> {
        let mut parts = parts.into_iter();
        let first = parts.next()?;
        let mut rest = parts.peekable();
        if rest.peek().is_none() {
            return Some(first);
        }
        let mut all = first;
        for part in rest {
            all.read_at = all.read_at.min(part.read_at);
            all.points.extend(part.points);
            all.coverage.extend(part.coverage);
            all.drills.extend(part.drills);
            all.runs.extend(part.runs);
            all.unreadable.extend(part.unreadable);
        }
        all.drills = distinct_drills(all.drills);
        all.points = distinct_points(all.points);
        for point in &mut all.points {
            let shown = Health::by_drills(&point.asset, &point.id, &all.drills);
            point.health = later(point.health.clone(), shown);
        }
        let run = |r: &super::Run| (r.asset.clone(), r.verb.clone(), r.id.clone(), r.started_at, r.ended_at);
        all.runs.sort_by_cached_key(run);
        all.runs.dedup_by(|a, b| run(a) == run(b) && a.outcome == b.outcome);
        let log = |c: &super::Coverage| {
            (
                c.asset.clone(),
                c.protection.clone(),
                c.first,
                c.last,
                c.stored_in.clone(),
                c.available_at,
                c.expires_at,
                c.locked_until,
            )
        };
        all.coverage.sort_by_cached_key(log);
        all.coverage.dedup_by(|a, b| log(a) == log(b));
        Some(all)
    }
}

type PointKey = (String, Option<String>, String, Instant, Option<OpTime>, Vec<String>);

fn distinct_points(points: Vec<RecoveryPoint>) -> Vec<RecoveryPoint> {
    let key = |p: &RecoveryPoint| -> PointKey {
        let RecoveryPoint { asset, protection, id, consistent_at, cluster_time, stored_in, .. } = p.clone();
        (asset, protection, id, consistent_at, cluster_time, stored_in)
    };
    let mut known: BTreeMap<PointKey, usize> = BTreeMap::new();
    let mut distinct: Vec<RecoveryPoint> = Vec::with_capacity(points.len());
    for point in points {
        match known.get(&key(&point)).and_then(|index| distinct.get_mut(*index)) {
            Some(twin) => lower(twin, point),
            None => {
                known.insert(key(&point), distinct.len());
                distinct.push(point);
            }
        }
    }
    distinct
}

/// Lowers `point` to what both sayings of it bear.
fn lower(point: &mut RecoveryPoint, other: RecoveryPoint) {
    point.available_at = point.available_at.max(other.available_at);
    point.expires_at = [point.expires_at, other.expires_at].into_iter().flatten().min();
    point.locked_until = point.locked_until.zip(other.locked_until).map(|(a, b)| a.min(b));
    let weakest = |a: Consistency, b: Consistency| a.min(b);
    point.consistency = point.consistency.zip(other.consistency).map(|(a, b)| weakest(a, b));
    point.encrypted = match (point.encrypted, other.encrypted) {
        (Some(a), Some(b)) => Some(a && b),
        (Some(false), _) | (_, Some(false)) => Some(false),
        _ => None,
    };
    // Who is known to open it by one saying may be what the other did not ask.
    point.recipients.extend(other.recipients);
    point.recipients.sort();
    point.recipients.dedup();
    point.without.extend(other.without.into_iter().filter(|part| !point.without.contains(part)).collect::<Vec<_>>());
    point.health = later(point.health.clone(), other.health);
    point.bytes_stored = point.bytes_stored.or(other.bytes_stored);
    point.bytes_restored = point.bytes_restored.or(other.bytes_restored);
    point.documents = point.documents.or(other.documents);
}

/// What was found out last; of the same instant, the worse.
fn later(one: Health, other: Health) -> Health {
    let rank = |health: &Health| (health.known_since(), matches!(health, Health::Bad { .. }));
    if rank(&other) > rank(&one) { other } else { one }
}

/// A drill that two tools tell of counts once: as the one that timed it, unless they differ in how it came out.
fn distinct_drills(drills: Vec<Drill>) -> Vec<Drill> {
    let mut distinct: BTreeMap<(String, String, String, bool), Drill> = BTreeMap::new();
    for drill in drills {
        let key = (drill.asset.clone(), drill.id.clone(), drill.point.clone(), drill.passed());
        match distinct.get_mut(&key) {
            Some(twin) if twin.took() < drill.took() => *twin = drill,
            Some(_) => {}
            None => drop(distinct.insert(key, drill)),
        }
    }
    distinct.into_values().collect()
}
