//! What the evidence holds: of one asset its copies, and of all of them the rest.
//!
//! Copies are many, and what a rule says of those of one asset depends on no other's. So an audit takes them asset by
//! asset, on any number of threads, and needs to hold no more than one asset's for each.

use std::collections::BTreeMap;

use crate::base::Instant;
use crate::evidence::{Coverage, Drill, Evidence, Health, RecoveryPoint, Run, Unreadable};
use crate::policy::{Asset, Policy};
use crate::timeline::{History, history};

/// All evidence but copies of declared assets.
#[derive(Clone)]
pub struct Known<'a> {
    /// The oldest reading: nothing is known of later instants.
    pub read_at: Instant,
    pub drills: &'a [Drill],
    pub runs: &'a [Run],
    pub unreadable: Vec<&'a Unreadable>,
    /// Copies of assets that the policy does not declare: whose, and which.
    pub strangers: Vec<(&'a str, &'a str)>,
    drills_by_asset: BTreeMap<&'a str, Vec<&'a Drill>>,
}

/// The copies of one asset.
pub struct Stock<'a> {
    pub asset: &'a Asset,
    pub points: Vec<&'a RecoveryPoint>,
    pub coverage: Vec<&'a Coverage>,
    /// None: no evidence was asked for.
    pub history: Option<History>,
    pub read_at: Instant,
}

/// Copies that are in hand, by asset.
#[derive(Default)]
pub(super) struct Index<'a> {
    points: BTreeMap<&'a str, Vec<&'a RecoveryPoint>>,
    coverage: BTreeMap<&'a str, Vec<&'a Coverage>>,
}

impl<'a> Index<'a> {
    pub fn of(evidence: &'a Evidence) -> Self {
        let mut index = Index::default();
        for point in &evidence.points {
            index.points.entry(&point.asset).or_default().push(point);
        }
        for piece in &evidence.coverage {
            index.coverage.entry(&piece.asset).or_default().push(piece);
        }
        index
    }
}

impl<'a> Known<'a> {
    pub(super) fn of(policy: &Policy, evidence: &'a Evidence, index: &Index<'a>) -> Self {
        let mut drills_by_asset: BTreeMap<&str, Vec<&Drill>> = BTreeMap::new();
        for drill in &evidence.drills {
            drills_by_asset.entry(&drill.asset).or_default().push(drill);
        }
        drills_by_asset.values_mut().for_each(|drills| drills.sort_by_key(|drill| drill.started_at));
        let strange = |asset: &&str| policy.asset(asset).is_none();
        let points = index.points.iter().filter(|(asset, _)| strange(asset));
        let pieces = index.coverage.iter().filter(|(asset, _)| strange(asset));
        let points = points.flat_map(|(asset, points)| points.iter().map(|p| (*asset, p.id.as_str())));
        let pieces = pieces.flat_map(|(asset, pieces)| pieces.iter().map(|c| (*asset, c.origin.place.as_str())));
        let strangers = points.chain(pieces).collect();
        Known {
            read_at: evidence.read_at,
            drills: &evidence.drills,
            runs: &evidence.runs,
            unreadable: evidence.unreadable.iter().collect(),
            strangers,
            drills_by_asset,
        }
    }

    /// And what was on the shelves, the oldest of them read at `read_at`.
    pub(super) fn with(&self, read_at: Instant, unreadable: &'a [Unreadable]) -> Self {
        let unreadable = self.unreadable.iter().copied().chain(unreadable).collect();
        Known { read_at: self.read_at.min(read_at), unreadable, ..self.clone() }
    }

    /// The drills of `asset`, oldest first.
    pub fn drills_of(&self, asset: &str) -> &[&'a Drill] {
        self.drills_by_asset.get(asset).map(Vec::as_slice).unwrap_or_default()
    }
}

impl<'a> Stock<'a> {
    /// `in_hand` and what stands on the shelf, as known at `as_of`.
    pub(super) fn of(
        policy: &'a Policy,
        asset: &'a Asset,
        known: Option<&Known>,
        in_hand: &Index<'a>,
        on_shelf: &'a Evidence,
    ) -> Stock<'a> {
        let mut points = in_hand.points.get(asset.name.as_str()).cloned().unwrap_or_default();
        let mut coverage = in_hand.coverage.get(asset.name.as_str()).cloned().unwrap_or_default();
        points.reserve(on_shelf.points.len());
        points.extend(on_shelf.points.iter().filter(|p| p.asset == asset.name));
        coverage.extend(on_shelf.coverage.iter().filter(|c| c.asset == asset.name));
        let read_at = known.map_or(Instant::MAX, |known| known.read_at).min(on_shelf.read_at);
        let history =
            known.map(|_| history::shown(policy, asset, read_at, points.iter().copied(), coverage.iter().copied()));
        Stock { asset, points, coverage, history, read_at }
    }

    /// The points that one protection made.
    pub fn points_by<'s>(&'s self, protection: &'s str) -> impl Iterator<Item = &'a RecoveryPoint> + 's {
        self.points.iter().copied().filter(move |p| p.protection.as_deref() == Some(protection))
    }
}

/// What was known of a shelf at `as_of`: later copies are left out, and what a later drill showed is forgotten.
pub(super) fn as_of(shelf: Evidence, as_of: Instant, known: Option<&Known>) -> Evidence {
    if shelf.read_at <= as_of {
        return shelf;
    }
    let mut shelf = shelf.as_of(as_of);
    // The drills are not on the shelf: what the earlier ones showed is known all the same.
    for point in &mut shelf.points {
        if let (Health::Unverified, Some(known)) = (&point.health, known) {
            point.health = Health::by_drills(&point.asset, &point.id, known.drills);
        }
    }
    shelf
}
