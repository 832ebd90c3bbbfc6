//! What is there, by manifests and headers; and what speaks against that being all.
//!
//! A listing may be short. What it leaves out would look unneeded, so it is held against all else that names a point: the
//! records of runs, drills and verifications. One that the listing leaves out, and that is there when asked for by name,
//! ends the pruning.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};

use super::abandoned::{self, Abandoned};
use super::marks::{self, Pruning};
use crate::base::{Fault, FaultKind, Instant, Result, Span};
use crate::engine::points;
use crate::evidence::{Evidence, RunOutcome};
use crate::port::ObjectStore;
use crate::repository::key::{OPLOG, SNAPSHOTS};
use crate::repository::manifest::ManifestKind;
use crate::repository::{Key, Manifest, SliceHeader, SliceName, SnapshotName, catalog};

const AT_ONCE: usize = 32;
/// More is no delay: somebody's clock is wrong.
const SKEW_MAX: Span = Span::minutes(5);

pub struct Live {
    pub manifests: Vec<Manifest>,
    pub slices: Vec<(SliceName, SliceHeader)>,
    pub prunings: Vec<Pruning>,
    pub abandoned: Vec<Abandoned>,
    /// The records by which runs began, with their sizes.
    pub begun: BTreeMap<SnapshotName, u64>,
    pub evidence: Evidence,
    /// What speaks against removing anything of an asset.
    pub doubts: BTreeMap<String, String>,
    /// What speaks against removing anything of any.
    pub doubt: Option<String>,
    /// What speaks against removing uploads, whose blobs any point may share.
    pub uploads_doubt: Option<String>,
}

impl Live {
    pub async fn look(store: &dyn ObjectStore, now: Instant) -> Result<Live> {
        let prunings = marks::read(store).await?;
        let evidence = catalog::read(store, now).await?;
        let mut live = Live {
            manifests: Vec::new(),
            slices: Vec::new(),
            prunings,
            abandoned: Vec::new(),
            begun: BTreeMap::new(),
            evidence,
            doubts: BTreeMap::new(),
            doubt: None,
            uploads_doubt: None,
        };
        live.read_manifests(store).await?;
        live.read_slices(store).await?;
        live.look_for_holes();
        let unread = live.evidence.unreadable.iter().find(|piece| speaks_of_points(&piece.place));
        live.doubt = unread.map(|piece| format!("`{}` cannot be read: {}", piece.place, piece.why));
        Ok(live)
    }

    async fn read_manifests(&mut self, store: &dyn ObjectStore) -> Result<()> {
        let all = store.list(SNAPSHOTS).await?;
        let known = self.known();
        self.abandoned = abandoned::look(store, &all, &known, &self.prunings).await?;
        let begun = all.iter().filter_map(|object| match object.key.parse() {
            Ok(Key::Begun(name)) => Some((name, object.bytes)),
            _ => None,
        });
        self.begun = begun.collect();
        let listed: BTreeSet<SnapshotName> = all
            .iter()
            .filter_map(|object| match object.key.parse() {
                Ok(Key::Manifest(name)) => Some(name),
                _ => None,
            })
            .collect();
        let unlisted = known.into_iter().filter(|name| !listed.contains(name));
        let names: Vec<(SnapshotName, bool)> =
            listed.iter().cloned().map(|name| (name, true)).chain(unlisted.map(|name| (name, false))).collect();
        let read = stream::iter(&names).map(|(name, _)| points::one(store, name));
        let read: Vec<Result<Manifest>> = read.buffered(AT_ONCE).collect().await;
        for ((name, is_listed), read) in names.iter().zip(read) {
            match read {
                Ok(_) if !is_listed => return Err(short(store, name)),
                Ok(manifest) => self.manifests.push(manifest),
                // Removed since it was listed, or long ago.
                Err(fault) if fault.kind == FaultKind::Missing => {}
                Err(fault) if matches!(fault.kind, FaultKind::Corrupt | FaultKind::Unsupported) => {
                    let why = format!("the manifest of `{}` cannot be read: {fault}", name.id);
                    self.uploads_doubt.get_or_insert_with(|| why.clone());
                    self.doubts.entry(name.asset.to_string()).or_insert(why);
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }

    /// Every point that something else than a listing names, and no pruning has removed.
    fn known(&self) -> BTreeSet<SnapshotName> {
        let runs = self.evidence.runs.iter().filter(|run| run.verb == "backup" && run.outcome == RunOutcome::Done);
        let runs = runs.map(|run| (run.asset.as_str(), run.id.as_str()));
        let drills = self.evidence.drills.iter().map(|drill| (drill.asset.as_str(), drill.point.as_str()));
        let points = self.evidence.points.iter().map(|point| (point.asset.as_str(), point.id.as_str()));
        let removed: BTreeSet<(&str, &str)> = self
            .prunings
            .iter()
            .flat_map(|pruning| &pruning.mark.points)
            .map(|point| (point.asset.as_str(), point.id.as_str()))
            .collect();
        let known: BTreeSet<(&str, &str)> = runs.chain(drills).chain(points).collect();
        known.difference(&removed).filter_map(|(asset, id)| SnapshotName::new(asset, id).ok()).collect()
    }

    async fn read_slices(&mut self, store: &dyn ObjectStore) -> Result<()> {
        let listed = store.list(OPLOG).await?;
        let names: Vec<SliceName> = listed
            .iter()
            .filter_map(|object| match object.key.parse() {
                Ok(Key::SliceHeader(name)) => Some(name),
                _ => None,
            })
            .collect();
        let read = stream::iter(&names).map(|name| async move {
            let key = name.header().to_string();
            let header = SliceHeader::decode(&store.get(&key).await?, &key)?;
            match header.asset == name.asset.as_str() && (header.first, header.last) == (name.first, name.last) {
                true => Ok(header),
                false => Err(Fault::corrupt(format!("`{key}` does not say what its name says"))),
            }
        });
        let read: Vec<Result<SliceHeader>> = read.buffered(AT_ONCE).collect().await;
        for (name, read) in names.into_iter().zip(read) {
            match read {
                Ok(header) => self.slices.push((name, header)),
                Err(fault) if fault.kind == FaultKind::Missing => {}
                Err(fault) if matches!(fault.kind, FaultKind::Corrupt | FaultKind::Unsupported) => {
                    let why = format!("the header `{}` cannot be read: {fault}", name.header());
                    self.doubts.entry(name.asset.to_string()).or_insert(why);
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }

    /// A slice that names one before it, which is neither there nor was pruned, though older ones are: the listing left it
    /// out, or somebody removed it. Which base the log needs cannot be said.
    fn look_for_holes(&mut self) {
        let pruned: BTreeSet<&str> =
            self.prunings.iter().flat_map(|pruning| &pruning.mark.slices).map(|slice| slice.key.as_str()).collect();
        let pruned: Vec<SliceName> = pruned
            .into_iter()
            .filter_map(|key| match key.parse() {
                Ok(Key::SliceHeader(name)) => Some(name),
                _ => None,
            })
            .collect();
        let names = self.slices.iter().map(|(name, _)| name).chain(&pruned);
        let ends: BTreeSet<_> = names.map(|name| (name.asset.clone(), name.last)).collect();
        for (name, header) in &self.slices {
            let follows = header.previous.is_none() || ends.contains(&(name.asset.clone(), name.first));
            let has_older = self.slices.iter().any(|(other, _)| other.asset == name.asset && other.last < name.first);
            if !follows && has_older {
                let why = format!("the slice before `{name}` is missing, and no pruning removed it");
                self.doubts.entry(name.asset.to_string()).or_insert(why);
            }
        }
    }

    /// What keeps all of an asset.
    pub fn doubt_of(&self, asset: &str, kind: ManifestKind) -> Option<&String> {
        let uploads = self.uploads_doubt.as_ref().filter(|_| kind == ManifestKind::Uploads);
        self.doubt.as_ref().or_else(|| self.doubts.get(asset)).or(uploads)
    }

    /// How far `now` is behind what is recorded already, and where. A pruning that was refused for its clock is not asked.
    pub fn behind(&self, now: Instant) -> Option<(Span, String)> {
        let manifests = self.manifests.iter().map(|manifest| (manifest.finished_at, &manifest.id));
        let runs = self.evidence.runs.iter().filter(|run| run.verb != "prune").map(|run| (run.ended_at, &run.id));
        let prunings = self.prunings.iter().map(|pruning| (pruning.mark.marked_at, &pruning.mark.id));
        let newest = manifests.chain(runs).chain(prunings).map(|(at, id)| (at, id.clone()));
        let slices = self.slices.iter().map(|(name, header)| (header.written_at, name.header().to_string()));
        let (at, place) = newest.chain(slices).max()?;
        Some((at - now, place)).filter(|(behind, _)| *behind > SKEW_MAX)
    }
}

/// Whether two clocks are further apart than a delay explains.
pub fn apart(ours: Instant, stores: Instant) -> Option<Span> {
    let apart = Span::millis((ours - stores).0.saturating_abs());
    Some(apart).filter(|apart| *apart > SKEW_MAX)
}

/// What a broken record was about is not known: it may have said which point is good.
fn speaks_of_points(place: &str) -> bool {
    match place.parse() {
        Ok(Key::Manifest(_) | Key::SliceHeader(_) | Key::Run(_)) => false,
        Ok(_) => true,
        Err(_) => place.starts_with("drills/") || place.starts_with("verifications/"),
    }
}

fn short(store: &dyn ObjectStore, name: &SnapshotName) -> Fault {
    let what = format!("{} does not list `{}`, which is there: its listing is short", store.address(), name.manifest());
    Fault::new(FaultKind::Conflict, what)
        .help("nothing was removed; run it again when the store lists what it holds, and ask its maker why it did not")
}
