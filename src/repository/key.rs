//! The grammar of keys, both directions in one place: what [`Key`] shows, [`Key::from_str`] reads back.
//!
//! ```text
//! plimsoll.json
//! snapshots/<asset>/<id>/manifest.json | uploads.jsonl.gz | begun.json
//! snapshots/<asset>/<id>/dump/<db>/<collection>.bson.gz | .metadata.json.gz     as mongodump --gzip lays it out;
//!                                                            .bson.zst, or both without .gz, as it was compressed
//! snapshots/<asset>/<id>/dump/prelude.json | oplog.bson
//! oplog/<asset>/<secs>.<inc>-<secs>.<inc>.bson.gz | .json                       ten digits each: key order is time order
//! leases/<asset>/<number>.json                                                        twenty digits: who captures
//! blobs/<aa>/<sha256>
//! ….age | ….<number>.age                                                           any of the data above, sealed;
//!                                                            below it as `sealed.age` where the name would be too long
//! drills/<id>.json
//! drills/steps/<id>/start.json | done.json                                          timed by hand
//! runs/<id>.json
//! verifications/<id>.json
//! notices/<place>/<number>.json | <number>.end.json                             what a place was told; twenty digits
//! prunes/<id>/mark.json | fate.json | end.json
//! ```

use std::fmt;
use std::str::FromStr;

use super::dump_name::Namespace;
use super::notice::NoticeName;
use super::prune::PruneStep;
use super::sealed_name::{is_sealed, number_of, with_seal, without_seal};
use crate::base::{Codec, Fault, OpTime, Result};

/// What an object of the repository is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// The repository's own format and id.
    Format,
    Manifest(SnapshotName),
    /// That a run began to write it.
    Begun(SnapshotName),
    /// Documents of a collection.
    Data(SnapshotName, Namespace, Codec),
    /// Options and indexes of a collection.
    Metadata(SnapshotName, Namespace, Codec),
    /// Versions of server and tool, as newer dumps carry them.
    Prelude(SnapshotName),
    /// Oplog entries that a dump needs to be of one instant.
    Oplog(SnapshotName),
    /// The list of a bucket's objects; their bytes are blobs.
    Uploads(SnapshotName),
    /// The hashes of what a sealed snapshot's collections hold.
    Contents(SnapshotName),
    Slice(SliceName),
    SliceHeader(SliceName),
    Lease(LeaseName),
    Blob(Digest),
    Drill(Name),
    /// Of a step that somebody times: its start, or that it is done.
    Step(Name, bool),
    Run(Name),
    Verification(Name),
    Prune(Name, PruneStep),
    /// Data in the age format. Sealed twice, the same bytes are others: the number tells apart what has one name.
    Sealed(Box<Key>, u32),
    /// What a place of the policy is told, or what came of it.
    Notice(NoticeName, bool),
}

/// A name that is safe in a key, in a file name and on a terminal: letters, digits, `-`, `_` and `.`, at most 100,
/// beginning with a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// One snapshot of one asset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotName {
    pub asset: Name,
    pub id: Name,
}

/// One slice of an asset's oplog.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SliceName {
    pub asset: Name,
    pub first: OpTime,
    pub last: OpTime,
}

/// One record of the lease on an asset's chain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseName {
    pub asset: Name,
    pub number: u64,
}

/// A SHA-256 in hexadecimal, lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(String);

/// Prefixes to list.
pub const SNAPSHOTS: &str = "snapshots/";
pub const OPLOG: &str = "oplog/";
pub const LEASES: &str = "leases/";
pub const BLOBS: &str = "blobs/";
pub const DRILLS: &str = "drills/";
pub const RUNS: &str = "runs/";
pub const VERIFICATIONS: &str = "verifications/";
pub const PRUNES: &str = "prunes/";
pub const NOTICES: &str = "notices/";

impl Name {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Name {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let begins_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if begins_well && text.len() <= 100 && text.chars().all(allowed) {
            return Ok(Name(text.to_string()));
        }
        Err(Fault::usage(format!("`{}` cannot be the name of an asset, snapshot, drill or run", text.escape_debug()))
            .help("use up to 100 letters, digits, `-`, `_` and `.`, beginning with a letter or digit"))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Digest {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self> {
        if text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Ok(Digest(text.to_string()));
        }
        Err(Fault::corrupt(format!("`{}` is not a SHA-256 in hexadecimal", text.escape_debug())))
    }
}

impl SnapshotName {
    pub fn new(asset: &str, id: &str) -> Result<Self> {
        Ok(SnapshotName { asset: asset.parse()?, id: id.parse()? })
    }

    pub fn manifest(&self) -> Key {
        Key::Manifest(self.clone())
    }

    pub fn begun(&self) -> Key {
        Key::Begun(self.clone())
    }

    pub fn data(&self, db: &str, collection: &str, codec: Codec) -> Result<Key> {
        Ok(Key::Data(self.clone(), Namespace::new(db, collection)?, codec))
    }

    /// `codec` is one of [`Compression::of_texts`](crate::base::Compression::of_texts).
    pub fn metadata(&self, db: &str, collection: &str, codec: Codec) -> Result<Key> {
        Ok(Key::Metadata(self.clone(), Namespace::new(db, collection)?, codec))
    }

    pub fn prelude(&self) -> Key {
        Key::Prelude(self.clone())
    }

    pub fn oplog(&self) -> Key {
        Key::Oplog(self.clone())
    }

    pub fn uploads(&self) -> Key {
        Key::Uploads(self.clone())
    }

    pub fn contents(&self) -> Key {
        Key::Contents(self.clone())
    }

    /// Begins the key of each of its objects.
    pub fn prefix(&self) -> String {
        format!("{SNAPSHOTS}{}/{}/", self.asset, self.id)
    }

    /// Begins the key of each object of each snapshot of `asset`.
    pub fn prefix_of_all(asset: &str) -> Result<String> {
        Ok(format!("{SNAPSHOTS}{}/", asset.parse::<Name>()?))
    }
}

impl SliceName {
    pub fn new(asset: &str, first: OpTime, last: OpTime) -> Result<Self> {
        Ok(SliceName { asset: asset.parse()?, first, last })
    }

    pub fn data(&self) -> Key {
        Key::Slice(self.clone())
    }

    pub fn header(&self) -> Key {
        Key::SliceHeader(self.clone())
    }

    /// Begins the key of each slice of `asset`.
    pub fn prefix(asset: &str) -> Result<String> {
        Ok(format!("{OPLOG}{}/", asset.parse::<Name>()?))
    }
}

impl LeaseName {
    pub fn new(asset: &str, number: u64) -> Result<Self> {
        Ok(LeaseName { asset: asset.parse()?, number })
    }

    pub fn key(&self) -> Key {
        Key::Lease(self.clone())
    }

    /// Begins the key of each record of `asset`.
    pub fn prefix(asset: &str) -> Result<String> {
        Ok(format!("{LEASES}{}/", asset.parse::<Name>()?))
    }
}

impl Key {
    pub fn blob(sha256: &str) -> Result<Self> {
        Ok(Key::Blob(sha256.parse()?))
    }

    pub fn drill(id: &str) -> Result<Self> {
        Ok(Key::Drill(id.parse()?))
    }

    pub fn step(id: &str, is_done: bool) -> Result<Self> {
        Ok(Key::Step(id.parse()?, is_done))
    }

    pub fn run(id: &str) -> Result<Self> {
        Ok(Key::Run(id.parse()?))
    }

    pub fn verification(id: &str) -> Result<Self> {
        Ok(Key::Verification(id.parse()?))
    }

    pub fn prune(id: &str, step: PruneStep) -> Result<Self> {
        Ok(Key::Prune(id.parse()?, step))
    }
}

impl fmt::Display for SliceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (self.first, self.last);
        write!(f, "{OPLOG}{}/", self.asset)?;
        write!(f, "{:010}.{:010}-{:010}.{:010}", first.secs, first.inc, last.secs, last.inc)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Format => f.write_str("plimsoll.json"),
            Key::Manifest(s) => write!(f, "{}manifest.json", s.prefix()),
            Key::Begun(s) => write!(f, "{}begun.json", s.prefix()),
            Key::Data(s, namespace, codec) => write!(f, "{}dump/{namespace}.bson{}", s.prefix(), codec.suffix()),
            Key::Metadata(s, namespace, codec) => {
                write!(f, "{}dump/{namespace}.metadata.json{}", s.prefix(), codec.suffix())
            }
            Key::Prelude(s) => write!(f, "{}dump/prelude.json", s.prefix()),
            Key::Oplog(s) => write!(f, "{}dump/oplog.bson", s.prefix()),
            Key::Uploads(s) => write!(f, "{}uploads.jsonl.gz", s.prefix()),
            Key::Contents(s) => write!(f, "{}contents.json", s.prefix()),
            Key::Sealed(inner, number) => f.write_str(&with_seal(&inner.to_string(), *number)),
            Key::Slice(slice) => write!(f, "{slice}.bson.gz"),
            Key::SliceHeader(slice) => write!(f, "{slice}.json"),
            Key::Lease(lease) => write!(f, "{LEASES}{}/{:020}.json", lease.asset, lease.number),
            Key::Blob(digest) => write!(f, "{BLOBS}{}/{digest}", digest.0.get(..2).unwrap_or_default()),
            Key::Drill(id) => write!(f, "{DRILLS}{id}.json"),
            Key::Step(id, is_done) => write!(f, "{DRILLS}steps/{id}/{}.json", if *is_done { "done" } else { "start" }),
            Key::Run(id) => write!(f, "{RUNS}{id}.json"),
            Key::Verification(id) => write!(f, "{VERIFICATIONS}{id}.json"),
            Key::Prune(id, step) => write!(f, "{PRUNES}{id}/{}", step.file()),
            Key::Notice(notice, is_end) => f.write_str(&notice.show(*is_end)),
        }
    }
}

impl FromStr for Key {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self> {
        read(text)
            // A key has one form: `Blob` under the wrong two letters, or a time of nine digits, is not it.
            .filter(|key| key.to_string() == text)
            .ok_or_else(|| Fault::corrupt(format!("`{}` is no key of a repository", text.escape_debug())))
    }
}

fn read(text: &str) -> Option<Key> {
    if is_sealed(text) {
        let (inner, number) = (without_seal(text), number_of(text)?);
        return read(inner).filter(Key::is_data).map(|key| key.sealed(number));
    }
    let (room, rest) = text.split_once('/').unwrap_or((text, ""));
    match room {
        "plimsoll.json" => Some(Key::Format),
        "snapshots" => read_snapshot(rest),
        "oplog" => read_slice(rest),
        "leases" => read_lease(rest),
        "blobs" => Key::blob(rest.split_once('/')?.1).ok(),
        "drills" => match rest.strip_prefix("steps/").and_then(|rest| rest.split_once('/')) {
            Some((id, file)) => Key::step(id, file == "done.json").ok(),
            None => Key::drill(rest.strip_suffix(".json")?).ok(),
        },
        "runs" => Key::run(rest.strip_suffix(".json")?).ok(),
        "verifications" => Key::verification(rest.strip_suffix(".json")?).ok(),
        "prunes" => {
            let (id, file) = rest.split_once('/')?;
            Key::prune(id, PruneStep::ALL.into_iter().find(|step| step.file() == file)?).ok()
        }
        "notices" => NoticeName::read(rest).map(|(name, is_end)| Key::Notice(name, is_end)),
        _ => None,
    }
}

fn read_snapshot(rest: &str) -> Option<Key> {
    let (asset, rest) = rest.split_once('/')?;
    let (id, rest) = rest.split_once('/')?;
    let snapshot = SnapshotName::new(asset, id).ok()?;
    match rest {
        "manifest.json" => return Some(Key::Manifest(snapshot)),
        "begun.json" => return Some(Key::Begun(snapshot)),
        "uploads.jsonl.gz" => return Some(Key::Uploads(snapshot)),
        "contents.json" => return Some(Key::Contents(snapshot)),
        "dump/prelude.json" => return Some(Key::Prelude(snapshot)),
        "dump/oplog.bson" => return Some(Key::Oplog(snapshot)),
        _ => {}
    }
    let (db, file) = rest.strip_prefix("dump/")?.split_once('/')?;
    let (file, codec) = Codec::split(file);
    match file.strip_suffix(".metadata.json") {
        Some(stem) if codec != Codec::Zstd => Some(Key::Metadata(snapshot, Namespace::read(db, stem)?, codec)),
        Some(_) => None,
        None => Some(Key::Data(snapshot, Namespace::read(db, file.strip_suffix(".bson")?)?, codec)),
    }
}

fn read_slice(rest: &str) -> Option<Key> {
    let (asset, file) = rest.split_once('/')?;
    let (times, is_header) = match file.strip_suffix(".bson.gz") {
        Some(times) => (times, false),
        None => (file.strip_suffix(".json")?, true),
    };
    let time = |text: &str| {
        let (secs, inc) = text.split_once('.')?;
        Some(OpTime::new(secs.parse().ok()?, inc.parse().ok()?))
    };
    let (first, last) = times.split_once('-')?;
    let slice = SliceName::new(asset, time(first)?, time(last)?).ok()?;
    Some(if is_header { Key::SliceHeader(slice) } else { Key::Slice(slice) })
}

fn read_lease(rest: &str) -> Option<Key> {
    let (asset, file) = rest.split_once('/')?;
    let number = file.strip_suffix(".json")?.parse().ok()?;
    Some(Key::Lease(LeaseName::new(asset, number).ok()?))
}
