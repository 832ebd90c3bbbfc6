//! What is to be sealed anew, and that it can be: an identity opens each of its objects, and no lock holds it.

use serde::Serialize;

use crate::base::{Bytes, Fault, FaultKind, Instant, Result};
use crate::engine::plan::count;
use crate::engine::{opened, points};
use crate::port::ObjectStore;
use crate::repository::key::{Name, OPLOG, SNAPSHOTS};
use crate::repository::manifest::Seal;
use crate::repository::{Key, Manifest, ObjectEntry, SliceHeader, SliceName, SnapshotName};
use crate::seal::Recipient;

#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// Who will be able to open it, and nobody else.
    pub recipients: Vec<Recipient>,
    pub points: Vec<PointPlan>,
    pub slices: Vec<SlicePlan>,
    /// Points and slices that are sealed for these recipients already.
    pub done: usize,
    /// Points and slices that are not sealed, and stay so.
    pub plain: usize,
    /// Every manifest of the repository, for the blobs that points share.
    #[serde(skip)]
    pub(super) manifests: Vec<Manifest>,
}

#[derive(Debug, Clone, Serialize)]
pub struct PointPlan {
    pub asset: String,
    pub id: String,
    pub objects: usize,
    pub bytes: u64,
    pub sealed_for: Vec<Recipient>,
    /// Why it stays as it is; none where it is sealed anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stays: Option<String>,
    #[serde(skip)]
    pub(super) manifest: Manifest,
}

#[derive(Debug, Clone, Serialize)]
pub struct SlicePlan {
    /// Of its header.
    pub key: String,
    pub bytes: u64,
    pub sealed_for: Vec<Recipient>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stays: Option<String>,
    #[serde(skip)]
    pub(super) name: SliceName,
    #[serde(skip)]
    pub(super) header: SliceHeader,
}

/// Looks at everything of `asset`, or of all, and writes nothing. The keys are those of the store: for whom, and with what.
pub async fn make(store: &dyn ObjectStore, now: Instant, asset: Option<&str>) -> Result<Plan> {
    let asset = asset.map(str::parse::<Name>).transpose()?;
    let recipients = store.keys().recipients().to_vec();
    let mut plan = Plan { recipients, points: vec![], slices: vec![], done: 0, plain: 0, manifests: vec![] };
    for object in store.list(SNAPSHOTS).await? {
        if let Ok(Key::Manifest(name)) = object.key.parse() {
            let manifest = points::one(store, &name).await?;
            plan.manifests.push(manifest.clone());
            if asset.as_ref().is_none_or(|asset| *asset == name.asset) {
                plan.add_point(manifest, now);
            }
        }
    }
    let below = asset.map_or_else(|| OPLOG.to_string(), |asset| format!("{OPLOG}{asset}/"));
    for object in store.list(&below).await? {
        if let Ok(Key::SliceHeader(name)) = object.key.parse() {
            let header = SliceHeader::decode(&store.get(&object.key).await?, &object.key)?;
            plan.add_slice(name, header, now);
        }
    }
    if plan.points.is_empty() && plan.slices.is_empty() && plan.done + plan.plain == 0 {
        return Err(Fault::missing("there is nothing to seal anew")
            .help("`plimsoll inventory` lists what the repository holds"));
    }
    opened::by_each(store, &plan.old_objects()).await?;
    Ok(plan)
}

impl Plan {
    fn add_point(&mut self, manifest: Manifest, now: Instant) {
        let Some(sealed_for) = self.others(manifest.seal.as_ref()) else { return };
        self.points.push(PointPlan {
            asset: manifest.asset.clone(),
            id: manifest.id.clone(),
            objects: manifest.objects.len(),
            bytes: manifest.objects.iter().map(|object| object.bytes).sum(),
            sealed_for,
            stays: locked(manifest.locked_until, now),
            manifest,
        });
    }

    fn add_slice(&mut self, name: SliceName, header: SliceHeader, now: Instant) {
        let Some(sealed_for) = self.others(header.seal.as_ref()) else { return };
        let (key, stays) = (name.header().to_string(), locked(header.locked_until, now));
        self.slices.push(SlicePlan { key, bytes: header.bytes, sealed_for, stays, name, header });
    }

    /// For whom it is sealed, if those are others than are wanted.
    fn others(&mut self, seal: Option<&Seal>) -> Option<Vec<Recipient>> {
        match seal {
            None => self.plain += 1,
            Some(seal) if seal.recipients == self.recipients => self.done += 1,
            Some(seal) => return Some(seal.recipients.clone()),
        }
        None
    }

    pub fn points_to_seal(&self) -> impl Iterator<Item = &PointPlan> {
        self.points.iter().filter(|point| point.stays.is_none())
    }

    pub fn slices_to_seal(&self) -> impl Iterator<Item = &SlicePlan> {
        self.slices.iter().filter(|slice| slice.stays.is_none())
    }

    /// What is opened, and is not listed any more afterwards.
    pub(super) fn old_objects(&self) -> Vec<ObjectEntry> {
        let of_points = self.points_to_seal().flat_map(|point| point.manifest.objects.iter().cloned());
        let of_slices = self.slices_to_seal().map(|slice| ObjectEntry {
            key: slice.header.data(&slice.name).to_string(),
            bytes: slice.header.bytes,
            sha256: slice.header.sha256.clone(),
        });
        let mut all: Vec<ObjectEntry> = of_points.chain(of_slices).collect();
        all.sort_by(|a, b| a.key.cmp(&b.key));
        all.dedup();
        all
    }

    /// In words, for a person to agree with.
    pub fn describe(&self) -> String {
        let names = |all: &[Recipient]| all.iter().map(Recipient::as_str).collect::<Vec<_>>().join(", ");
        let mut text = format!("Seal anew for {}, and for nobody else\n", names(&self.recipients));
        for point in &self.points {
            let what = format!("{}, {}", count(point.objects, "object"), Bytes(point.bytes));
            let how = point.stays.clone().unwrap_or_else(|| format!("sealed now for {}", names(&point.sealed_for)));
            text += &format!("  {} {}: {what}; {how}\n", point.asset, point.id);
        }
        let (seal, stay): (Vec<&SlicePlan>, Vec<&SlicePlan>) = self.slices.iter().partition(|s| s.stays.is_none());
        if !seal.is_empty() {
            let bytes = Bytes(seal.iter().map(|slice| slice.bytes).sum());
            text += &format!("  {} of the log, {bytes}\n", count(seal.len(), "slice"));
        }
        if let Some(why) = stay.iter().filter_map(|slice| slice.stays.as_ref()).max() {
            text += &format!("  {} of the log stay: the last is {why}\n", count(stay.len(), "slice"));
        }
        if self.done > 0 {
            text += &format!("  {} sealed for them already\n", self.done);
        }
        if self.plain > 0 {
            text += &format!(
                "  {} not encrypted, and left so: what was stored open is not made secret later\n",
                self.plain
            );
        }
        text
    }
}

fn locked(until: Option<Instant>, now: Instant) -> Option<String> {
    until.filter(|until| *until > now).map(|until| format!("locked until {until}: it stays as it is until then"))
}

/// That somebody else changed it meanwhile.
pub(super) fn changed(key: &str) -> Fault {
    Fault::new(FaultKind::Conflict, format!("`{key}` was changed while it was sealed anew"))
        .help("run one rekey at a time; what is done is done, and another run goes on with the rest")
}

/// The snapshot of a plan.
impl PointPlan {
    pub(super) fn name(&self) -> Result<SnapshotName> {
        SnapshotName::new(&self.asset, &self.id)
    }
}
