//! The history that evidence shows. What the evidence does not say is taken from nowhere else, unless that makes the
//! picture worse: unknown is never flattering.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::declared::supersede;
use super::history::{Basis, Candidate, Covered, Flush, History, needs, stands_in};
use crate::base::{Instant, Span};
use crate::evidence::{Coverage, Evidence, Health, RecoveryPoint};
use crate::policy::{Asset, Consistency, Mechanism, Policy, Protection};

/// What `evidence` shows to be there of `asset`.
pub fn observed(policy: &Policy, evidence: &Evidence, asset: &Asset) -> History {
    let points = evidence.points.iter().filter(|p| p.asset == asset.name);
    let coverage = evidence.coverage.iter().filter(|c| c.asset == asset.name);
    shown(policy, asset, evidence.read_at, points, coverage)
}

/// What these points and pieces of `asset`, read at `read_at`, show to be there of it.
pub fn shown<'a>(
    policy: &'a Policy,
    asset: &'a Asset,
    read_at: Instant,
    points: impl Iterator<Item = &'a RecoveryPoint>,
    coverage: impl Iterator<Item = &'a Coverage>,
) -> History {
    let mut places = Places { policy, asset, known: Vec::new(), index: BTreeMap::new(), last: 0 };
    let (mut mirrors, mut all): (BTreeMap<Option<Arc<str>>, Vec<Candidate>>, _) = (BTreeMap::new(), Vec::new());
    for point in points {
        let candidate = candidate(places.of(point.protection.as_deref(), &point.stored_in), read_at, point);
        match candidate.mirror {
            true => mirrors.entry(candidate.protection.clone()).or_default().push(candidate),
            false => all.push(candidate),
        }
    }
    for mut mirror in mirrors.into_values() {
        mirror.sort_by_key(|p| p.available_at);
        supersede(&mut mirror);
        all.extend(mirror);
    }
    let coverage = chains(&mut places, coverage);
    History::assemble(&asset.name, Basis::Observed, all, coverage)
}

type Domains = Arc<[String]>;
/// A protection's name, and the domains that the evidence itself names.
type Maker<'a> = (Option<&'a str>, &'a [String]);

/// Where protections stand and run, worked out once for each of them and each place that the evidence names itself.
struct Places<'a> {
    policy: &'a Policy,
    asset: &'a Asset,
    known: Vec<(Maker<'a>, Made<'a>)>,
    index: BTreeMap<Maker<'a>, usize>,
    /// Evidence in a row mostly has the same maker.
    last: usize,
}

/// What everything has in common that one protection made in one place.
struct Made<'a> {
    name: Option<Arc<str>>,
    /// None: the policy knows no such protection of the asset.
    protection: Option<&'a Protection>,
    stored_in: Domains,
    runs_in: Domains,
}

impl<'a> Places<'a> {
    fn of(&mut self, named: Option<&'a str>, own: &'a [String]) -> &Made<'a> {
        if self.known.get(self.last).is_none_or(|(key, _)| *key != (named, own)) {
            let next = self.known.len();
            self.last = *self.index.entry((named, own)).or_insert(next);
            if self.last == next {
                self.known.push(((named, own), Made::of(self.policy, self.asset, named, own)));
            }
        }
        &self.known[self.last].1
    }
}

impl<'a> Made<'a> {
    /// The evidence's own domains, else those declared, else none; and what producing more needs.
    fn of(policy: &'a Policy, asset: &Asset, named: Option<&str>, own: &[String]) -> Self {
        let of_this_asset = |p: &&Protection| p.assets.iter().any(|a| a.value == asset.name);
        let protection = named.and_then(|name| policy.protection(name)).filter(of_this_asset);
        let source = protection.and_then(|protection| match &protection.mechanism {
            Mechanism::Copy { of, .. } => policy.protection(&of.value).map(stands_in),
            _ => None,
        });
        let declared = protection.map(stands_in).unwrap_or_default();
        Made {
            name: named.map(Arc::from),
            protection,
            stored_in: if own.is_empty() { declared } else { Arc::from(own) },
            runs_in: protection.map(|p| needs(p, asset, &source.unwrap_or_default())).unwrap_or_default(),
        }
    }
}

fn candidate(made: &Made<'_>, read_at: Instant, point: &RecoveryPoint) -> Candidate {
    let protection = made.protection;
    // Where the evidence names no expiry, the declared retention will end it; that it is still there is a fact.
    let kept = protection.and_then(|p| p.retention.as_ref()).map(|r| (point.consistent_at + r.value).max(read_at));
    Candidate {
        id: Arc::from(point.id.as_str()),
        protection: made.name.clone(),
        consistent_at: point.consistent_at,
        cluster_time: point.cluster_time,
        available_at: point.available_at,
        expires_at: point.expires_at.or(kept),
        locked_until: point.locked_until,
        stored_in: made.stored_in.clone(),
        runs_in: made.runs_in.clone(),
        // What was left out by name is lost with the asset, however whole the rest is.
        known_bad: matches!(point.health, Health::Bad { .. }) || !point.without.is_empty(),
        torn: point.consistency.is_none_or(|c| c == Consistency::None),
        mirror: protection.is_some_and(|p| matches!(p.mechanism, Mechanism::Mirror { .. } | Mechanism::Replica { .. })),
        superseded_at: None,
    }
}

/// Pieces of one log that follow each other without a gap make one chain.
fn chains<'a>(places: &mut Places<'a>, coverage: impl Iterator<Item = &'a Coverage>) -> Vec<Covered> {
    let mut groups: BTreeMap<(Option<&str>, &[String]), Vec<&Coverage>> = BTreeMap::new();
    for piece in coverage.filter(|c| c.first <= c.last) {
        groups.entry((piece.protection.as_deref(), piece.stored_in.as_slice())).or_default().push(piece);
    }
    let mut chains = Vec::new();
    for ((protection, own), mut pieces) in groups {
        pieces.sort_by_key(|p| (p.first, p.last));
        let mut chain: Vec<&Coverage> = Vec::new();
        let mut reached = None;
        for piece in pieces {
            if reached.is_some_and(|last| piece.first > last) {
                chains.extend(covered(places.of(protection, own), &chain));
                chain.clear();
                reached = None;
            }
            reached = reached.max(Some(piece.last));
            chain.push(piece);
        }
        chains.extend(covered(places.of(protection, own), &chain));
    }
    chains
}

fn covered(made: &Made<'_>, chain: &[&Coverage]) -> Option<Covered> {
    let first = chain.first()?;
    let declared = made.protection;
    let window = declared.and_then(|p| match &p.mechanism {
        Mechanism::Log { window, .. } => Some(window.value),
        _ => p.retention.as_ref().map(|r| r.value),
    });
    let mut flushes: Vec<Flush> = Vec::with_capacity(chain.len());
    for piece in chain {
        // A piece is of use only when all before it are there too.
        let before = flushes.last().map_or((Instant::MIN, Instant::MIN), |f| (f.last, f.available_at));
        let last = piece.last.instant().max(before.0);
        let available_at = piece.available_at.max(before.1);
        flushes.push(Flush { last, available_at, expires_at: piece.expires_at });
    }
    let mut soonest = None;
    for flush in flushes.iter_mut().rev() {
        soonest = [soonest, flush.expires_at].into_iter().flatten().min();
        flush.expires_at = soonest;
    }
    // A chain is as safe as its least safe piece, and a piece's first entries are locked no longer than its last.
    let locked = chain.iter().map(|piece| piece.locked_until.map(|until| until - piece.last.instant()));
    let lock = locked.min().flatten();
    // Versions are whole or gone: the first piece to go ends what they promise.
    let own_base = declared.is_some_and(|p| matches!(p.mechanism, Mechanism::Versioning));
    if own_base {
        flushes.iter_mut().for_each(|f| f.expires_at = None);
    }
    Some(Covered {
        protection: made.name.clone(),
        first: first.first.instant(),
        last: flushes.last()?.last,
        first_op: Some(first.first),
        lag: Span::ZERO,
        flushes: flushes.into(),
        expires_at: soonest.filter(|_| own_base),
        window,
        lock: lock.filter(|_| !own_base),
        own_base,
        stored_in: made.stored_in.clone(),
        runs_in: made.runs_in.clone(),
    })
}
