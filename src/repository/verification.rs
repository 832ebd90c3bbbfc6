//! What was read back and hashed again, and what that says of a point. Never more than its scope: a sample that found
//! nothing wrong proves the objects that it read, and a point is verified once all of them have been read.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::key::OPLOG;
use super::manifest;
use crate::base::{Instant, Result};
use crate::evidence::Health;

/// `verifications/<id>.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    pub format: u32,
    pub id: String,
    pub started_at: Instant,
    pub ended_at: Instant,
    /// The part of all objects that was read; absent where all were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    pub points: Vec<OfPoint>,
    pub chains: Vec<OfChain>,
    /// Bytes that were read.
    pub bytes: u64,
    /// Objects of it that are encrypted: they hold the bytes that were written, and nobody looked at what is in them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unopened: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Objects fall into `of` parts by a hash of their keys; this one is `index`, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    pub index: u64,
    pub of: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfPoint {
    pub asset: String,
    pub point: String,
    /// Objects of the point, and how many of them were read.
    pub objects: u64,
    pub read: u64,
    pub bad: Vec<Bad>,
}

/// The slices of one asset's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfChain {
    pub asset: String,
    pub slices: u64,
    pub read: u64,
    pub bad: Vec<Bad>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bad {
    pub key: String,
    pub why: String,
}

impl Part {
    pub fn holds(self, key: &str) -> bool {
        xxh3_64(key.as_bytes()).checked_rem(self.of) == Some(self.index)
    }
}

impl Verification {
    pub fn decode(body: &[u8], place: &str) -> Result<Self> {
        manifest::decode(body, place)
    }

    pub fn encode(&self) -> Result<Bytes> {
        manifest::encode(self)
    }

    /// Everything that was found wrong.
    pub fn bad(&self) -> impl Iterator<Item = &Bad> {
        self.points.iter().flat_map(|of| &of.bad).chain(self.chains.iter().flat_map(|of| &of.bad))
    }
}

/// What all verifications together say of a point. It is as well verified as its part that was read longest ago. What was
/// found wrong stays so until all of the point has been read again and was right.
pub fn health(asset: &str, point: &str, verifications: &[Verification]) -> Health {
    let found = |v: &Verification| {
        let of = v.points.iter().find(|of| of.asset == asset && of.point == point)?;
        Some((v.part, v.ended_at, of.bad.first().cloned()))
    };
    let mut found: Vec<_> = verifications.iter().filter_map(found).collect();
    found.sort_by_key(|(_, at, _)| *at);
    let wrong = found.iter().rposition(|(_, _, bad)| bad.is_some());
    let after = found.get(wrong.map_or(0, |place| place + 1)..).unwrap_or_default();
    match (whole(after), wrong.and_then(|place| found.get(place))) {
        (Some(at), _) => Health::Verified { at },
        (None, Some((_, at, Some(bad)))) => Health::Bad { at: *at, why: format!("`{}` {}", bad.key, bad.why) },
        _ => Health::Unverified,
    }
}

/// Since when every part is known to be right; none if some part was never read.
fn whole(found: &[(Option<Part>, Instant, Option<Bad>)]) -> Option<Instant> {
    let all_at_once = found.iter().filter(|(part, ..)| part.is_none()).map(|(_, at, _)| *at).max();
    let mut splits: Vec<u64> = found.iter().filter_map(|(part, ..)| part.map(|part| part.of)).collect();
    splits.sort_unstable();
    splits.dedup();
    let newest = |part: Part| found.iter().filter(|(read, ..)| *read == Some(part)).map(|(_, at, _)| *at).max();
    // No more parts can have been read than there are readings.
    let by_parts = splits.into_iter().filter(|of| *of <= found.len() as u64).filter_map(|of| {
        (0..of).map(|index| newest(Part { index, of })).collect::<Option<Vec<_>>>()?.into_iter().min()
    });
    by_parts.chain(all_at_once).max()
}

/// A drill and a verification each know something: what is bad by either is bad until the same kind, or a drill, which
/// reads all of it, says otherwise.
pub fn together(by_drills: Health, by_reading: Health) -> Health {
    match (&by_drills, &by_reading) {
        (Health::Bad { .. }, _) => by_drills,
        (Health::Verified { at: drilled }, Health::Bad { at, .. }) if drilled > at => by_drills,
        (_, Health::Bad { .. }) => by_reading,
        _ if by_drills.known_since() >= by_reading.known_since() => by_drills,
        _ => by_reading,
    }
}

/// Slices that were found wrong, and not found right since: by key, when and why.
pub fn bad_slices(verifications: &[Verification]) -> BTreeMap<String, (Instant, String)> {
    let mut in_order: Vec<&Verification> = verifications.iter().collect();
    in_order.sort_by_key(|verification| verification.ended_at);
    let mut bad = BTreeMap::new();
    for verification in in_order {
        let chains = &verification.chains;
        let read = |key: &String| {
            verification.part.is_none_or(|part| part.holds(key))
                && chains.iter().any(|of| of.read > 0 && key.starts_with(&format!("{OPLOG}{}/", of.asset)))
        };
        bad.retain(|key, _| !read(key));
        for Bad { key, why } in chains.iter().flat_map(|of| &of.bad) {
            bad.insert(key.clone(), (verification.ended_at, why.clone()));
        }
    }
    bad
}
