//! The manifest: written last, it makes a snapshot exist. A listing proves nothing; this does.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::exclusion::Exclusion;
use super::{Key, SliceName};
use crate::base::{Fault, FaultKind, Instant, OpTime, Result};
use crate::evidence::Phase;
use crate::policy::Consistency;
use crate::port::{Attributes, CollectionKind};
use crate::seal::{Keys, Recipient};

/// Version of this form. Readers refuse a newer one.
pub const FORMAT: u32 = 1;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub format: u32,
    pub id: String,
    pub asset: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<String>,
    pub kind: ManifestKind,
    pub started_at: Instant,
    pub finished_at: Instant,
    /// The instant whose state this is; where consistency is none, the start of the reading.
    pub consistent_at: Instant,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_time: Option<OpTime>,
    pub consistency: Consistency,
    /// The databases that were asked for; empty means all user databases, those created later included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub databases: Vec<String>,
    /// What was left out by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<Exclusion>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// Until then the store lets nobody delete its objects: it was asked to, and looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<Instant>,
    /// For whom its objects are sealed; none where they are as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<Seal>,
    /// Version of Plimsoll that wrote it.
    pub tool_version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_version: Option<String>,
    /// Every object of the snapshot but this one, in key order; keys relative to the repository.
    pub objects: Vec<ObjectEntry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collections: Vec<CollectionEntry>,
    /// Where consistency is `oplog`: the log of the time that the reading took, which makes it of one instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_log: Option<OwnLog>,
    /// Uploads: how many objects the bucket held and their bytes. Their list is the object `uploads.jsonl.gz`.
    #[serde(default)]
    pub uploads: u64,
    /// How many earlier versions and deletions are listed beside them; none where the bucket kept no versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub versions: Option<u64>,
    /// Bytes before compression.
    pub bytes_raw: u64,
    pub timings: Vec<Phase>,
}

/// Who can open sealed objects, as far as everybody may know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// Public keys of age, in order.
    pub recipients: Vec<Recipient>,
    /// When it was last sealed for others than before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rekeyed_at: Option<Instant>,
}

impl Seal {
    /// What is sealed with these keys; none where they seal nothing.
    pub fn of(keys: &Keys) -> Option<Seal> {
        keys.seals().then(|| Seal { recipients: keys.recipients().to_vec(), rekeyed_at: None })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ManifestKind {
    Database,
    Uploads,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectEntry {
    pub key: String,
    pub bytes: u64,
    /// Of the stored bytes, hexadecimal.
    pub sha256: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollectionEntry {
    pub db: String,
    pub name: String,
    pub kind: CollectionKind,
    pub documents: u64,
    /// Raw BSON bytes.
    pub bytes: u64,
    /// Order-free hash of the documents; see `engine::content`. Of a sealed snapshot it stands in the sealed object
    /// `contents.json.age`: whoever can guess all documents of a collection could find out by it that they are right.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub content: String,
    pub indexes: u32,
    /// Key of the data object; views have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Key of the metadata object.
    pub metadata: String,
}

/// The oplog of a dump's own time, `oplog.bson`: replayed onto the collections, it leads to the manifest's cluster time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnLog {
    pub key: String,
    /// The cluster time from which on the collections were read.
    pub first: OpTime,
    pub entries: u64,
    /// Its name does not tell: mongodump gives it no ending of its own.
    pub gzip: bool,
}

/// One line of `uploads.jsonl.gz`: an object of the bucket as it stood, or one of its versions. In byte order of keys, the
/// newest of a key first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UploadEntry {
    pub key: String,
    /// None where the bucket kept no versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Not the newest: kept by the bucket beside it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_older: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_at: Option<Instant>,
    /// None: the key was deleted, and from then on nothing was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<UploadContent>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UploadContent {
    pub bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Names the blob, unless that is sealed.
    pub sha256: String,
    /// The blob as it is stored, where it is sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<ObjectEntry>,
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
}

impl UploadContent {
    /// The blob as it is stored.
    pub fn blob(&self) -> Result<ObjectEntry> {
        match &self.sealed {
            Some(sealed) => Ok(sealed.clone()),
            None => {
                let key = Key::blob(&self.sha256)?.to_string();
                Ok(ObjectEntry { key, bytes: self.bytes, sha256: self.sha256.clone() })
            }
        }
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// Sidecar facts of one oplog slice, `<first>-<last>.json` beside the data: written after it, so it makes the slice exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SliceHeader {
    pub format: u32,
    pub asset: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<String>,
    /// Covered: every majority-committed entry with `first < ts <= last` is in the slice.
    pub first: OpTime,
    pub last: OpTime,
    pub entries: u64,
    pub bytes: u64,
    pub sha256: String,
    /// For whom it is sealed; none where it is as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<Seal>,
    /// Of a sealed slice: the number in the name of its data.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub number: u32,
    /// By what the next slice names this one, where its bytes are others since (rekeyed): their SHA-256 when it was hung.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hung_as: Option<String>,
    /// The slice before, by its SHA-256 when it was hung; none at the start of a chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// By the writer's clock, when the slice was complete.
    pub written_at: Instant,
    /// Until then the store lets nobody delete it: it was asked to, and looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<Instant>,
}

impl Manifest {
    pub fn decode(body: &[u8], place: &str) -> Result<Self> {
        decode(body, place)
    }

    pub fn encode(&self) -> Result<Bytes> {
        encode(self)
    }

    /// Held in release builds too: each collection's objects are listed, each data object belongs to one collection.
    pub fn assert_whole(&self) -> Result<()> {
        let listed = |key: &String| self.objects.binary_search_by(|object| object.key.cmp(key)).is_ok();
        let broken = self.collections.iter().find(|c| !listed(&c.metadata) || !c.data.as_ref().is_none_or(listed));
        let data = self.collections.iter().filter(|c| c.data.is_some()).count();
        let logs = self.own_log.iter().filter(|log| listed(&log.key)).count();
        match broken {
            Some(c) => Err(Fault::bug(format!("the manifest does not list the objects of `{}.{}`", c.db, c.name))),
            None if self.objects.len()
                != self.collections.len() + data + logs + 1 + usize::from(self.seal.is_some()) =>
            {
                Err(Fault::bug("the manifest lists an object that belongs to no collection"))
            }
            None => Ok(()),
        }
    }
}

impl SliceHeader {
    /// The data of the slice that this is the header of.
    pub fn data(&self, name: &SliceName) -> Key {
        let data = name.data();
        if self.seal.is_some() { data.sealed(self.number) } else { data }
    }

    /// By what the next slice names this one.
    pub fn link(&self) -> &str {
        self.hung_as.as_ref().unwrap_or(&self.sha256)
    }
    pub fn decode(body: &[u8], place: &str) -> Result<Self> {
        decode(body, place)
    }

    pub fn encode(&self) -> Result<Bytes> {
        encode(self)
    }
}

/// Reads strictly, but looks at the format first: a newer one is refused for what it is, not for a field it added.
pub(super) fn decode<T: DeserializeOwned>(body: &[u8], place: &str) -> Result<T> {
    #[derive(Deserialize)]
    struct Versioned {
        format: u32,
    }
    let unreadable = |e| Fault::corrupt(format!("cannot read `{place}`")).because(e);
    let Versioned { format } = serde_json::from_slice(body).map_err(unreadable)?;
    if format > FORMAT {
        let what = format!("`{place}` has format {format}; this version reads {FORMAT}");
        return Err(Fault::new(FaultKind::Unsupported, what).help("use the newer version of plimsoll that wrote it"));
    }
    serde_json::from_slice(body).map_err(unreadable)
}

pub(super) fn encode(value: &impl Serialize) -> Result<Bytes> {
    serde_json::to_vec_pretty(value).map(Bytes::from).map_err(|e| Fault::bug("cannot write a manifest").because(e))
}
