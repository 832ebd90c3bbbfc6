//! Slices into coverage: each names the hash of the one before, so a slice that was lost or replaced shows.

use std::collections::BTreeMap;

use super::manifest::SliceHeader;
use crate::evidence::{Coverage, Origin, Unreadable};

/// A slice whose data is there.
#[derive(Debug, Clone)]
pub struct Link {
    pub header: SliceHeader,
    pub origin: Origin,
}

/// One piece of coverage for each slice, since each became available at its own time; pieces whose ends meet are
/// gap-free. A slice that names another predecessor than the one that ends where it begins is no coverage but a fault:
/// what it was hung on is not what is there.
pub fn coverage(mut links: Vec<Link>) -> (Vec<Coverage>, Vec<Unreadable>) {
    links.sort_by(|a, b| key(a).cmp(&key(b)));
    // By asset and end, the hashes of the slices that end there.
    let mut ends: BTreeMap<(&str, _), Vec<&str>> = BTreeMap::new();
    for Link { header, .. } in &links {
        ends.entry((header.asset.as_str(), header.last)).or_default().push(header.link());
    }
    let (mut coverage, mut broken) = (Vec::new(), Vec::new());
    for Link { header, origin } in &links {
        let before = ends.get(&(header.asset.as_str(), header.first)).filter(|_| header.first < header.last);
        let follows = match (before, header.previous.as_deref()) {
            // Nothing ends where it begins: the start of a chain, or its older part has been pruned.
            (None, _) => true,
            (Some(hashes), Some(previous)) => hashes.contains(&previous),
            // Begun afresh at the instant where another chain ends: it needs nothing from that one.
            (Some(_), None) => true,
        };
        match follows {
            true => coverage.push(piece(header, origin.clone())),
            false => broken.push(Unreadable {
                place: origin.place.clone(),
                why: "the slice before it is not the one that it was written after".to_string(),
            }),
        }
    }
    (coverage, broken)
}

fn key(link: &Link) -> (&str, crate::base::OpTime, crate::base::OpTime) {
    (&link.header.asset, link.header.first, link.header.last)
}

fn piece(header: &SliceHeader, origin: Origin) -> Coverage {
    Coverage {
        asset: header.asset.clone(),
        protection: header.protection.clone(),
        first: header.first,
        last: header.last,
        available_at: header.written_at,
        expires_at: None,
        locked_until: header.locked_until,
        stored_in: Vec::new(),
        bytes_stored: Some(header.bytes),
        encrypted: Some(header.seal.is_some()),
        origin,
    }
}
