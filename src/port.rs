//! The four doors to the outside: an object store, a MongoDB to read, a MongoDB to write, and the clock.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use bson::RawDocumentBuf;
use bytes::Bytes;
use futures_util::Stream;

use crate::base::{Fault, FaultKind, Instant, OpTime, Result, Terms};
use crate::seal::Keys;

/// The only source of "now". Tests and simulations bring their own.
pub trait Clock: Send + Sync + Debug {
    fn now(&self) -> Instant;
}

/// A stream of fallible items that may be sent between tasks.
pub type Flow<T> = Pin<Box<dyn Stream<Item = Result<T>> + Send>>;

/// What a store says about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    pub key: String,
    pub bytes: u64,
    /// Opaque; equal tags of one key mean equal bytes.
    pub etag: Option<String>,
    pub modified_at: Option<Instant>,
}

/// What a bucket keeps of an object beside its bytes, as far as whoever is served it depends on it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Attributes {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_disposition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<String>,
    /// What the application itself attached.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

impl Attributes {
    pub fn is_empty(&self) -> bool {
        *self == Attributes::default()
    }
}

/// One of the states that a key had, in a place that keeps the earlier ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectVersion {
    /// Of the version; a deletion has no bytes and no tag.
    pub info: ObjectInfo,
    pub id: String,
    pub is_latest: bool,
    /// The key was deleted: from here on nothing is there.
    pub is_deletion: bool,
}

/// An upload that was begun, and neither finished nor taken back: invisible, and paid for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    pub key: String,
    pub id: String,
    /// By the store's own clock.
    pub begun_at: Option<Instant>,
}

/// An object that is being read.
pub struct Opened {
    pub attributes: Attributes,
    /// Of what is read, where the place says so with the bytes.
    pub etag: Option<String>,
    /// In pieces. A body that ends early is an error, never a short read.
    pub body: Flow<Bytes>,
}

/// Whether a conditional write wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    New,
    /// An object of that key was there; it was left as it is.
    Existed,
}

/// Keys are relative to the store's own root, `/`-separated, never starting with `/`.
///
/// Contract, held by one suite for every store: a put is visible whole or not at all; `put_new` of one key succeeds
/// once however many race; a read of what was never put is `Missing`; a list is in byte order of keys and complete.
#[async_trait]
pub trait ObjectStore: Send + Sync + Debug {
    /// Address without secrets, for messages.
    fn address(&self) -> String;

    async fn put(&self, key: &str, body: Bytes) -> Result<()>;

    /// The keys of whoever uses this view of the store. The store itself seals and opens nothing.
    fn keys(&self) -> Keys {
        Keys::default()
    }

    /// Writes only if no object of that key exists, decided by the store itself.
    async fn put_new(&self, key: &str, body: Bytes) -> Result<Written>;

    /// Begins an object of unknown length; nothing is visible until [`Upload::finish`].
    async fn upload(&self, key: &str) -> Result<Box<dyn Upload>>;

    /// The whole object: for manifests and slices.
    async fn get(&self, key: &str) -> Result<Bytes>;

    /// The object in pieces. A body that ends early is an error, never a short read.
    async fn read(&self, key: &str) -> Result<Flow<Bytes>>;

    async fn head(&self, key: &str) -> Result<Option<ObjectInfo>>;

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>>;

    /// Every version of every object, in byte order of keys, the newest of a key first; none where the place keeps only
    /// what is newest.
    async fn versions(&self, _prefix: &str) -> Result<Option<Vec<ObjectVersion>>> {
        Ok(None)
    }

    /// The object, or one version of it, with what the place keeps beside its bytes.
    async fn open(&self, key: &str, version: Option<&str>) -> Result<Opened> {
        match version {
            None => Ok(Opened { attributes: Attributes::default(), etag: None, body: self.read(key).await? }),
            Some(version) => {
                Err(Fault::missing(format!("there is no version `{version}` of `{key}` in {}", self.address())))
            }
        }
    }

    /// Whether attributes given with a write come back with [`ObjectStore::open`].
    fn keeps_attributes(&self) -> bool {
        false
    }

    /// As [`ObjectStore::put`], with attributes where the place keeps them.
    async fn put_with(&self, key: &str, body: Bytes, _attributes: &Attributes) -> Result<()> {
        self.put(key, body).await
    }

    /// As [`ObjectStore::upload`], with attributes where the place keeps them.
    async fn upload_with(&self, key: &str, _attributes: &Attributes) -> Result<Box<dyn Upload>> {
        self.upload(key).await
    }

    /// The same place, where all that is written is kept on these terms: a write that succeeds is kept on them.
    async fn on_terms(&self, _terms: &Terms) -> Result<Arc<dyn ObjectStore>> {
        Err(only_s3(&self.address()))
    }

    /// Makes sure that nobody can delete or change an object before an instant.
    async fn lock(&self, _key: &str, _until: Instant) -> Result<()> {
        Err(only_s3(&self.address()))
    }

    /// Removing what is not there is no error.
    async fn delete(&self, key: &str) -> Result<()>;

    /// As [`ObjectStore::delete`], with every version that the place keeps of it: nothing is left to pay for. Where a lock
    /// holds one of them it fails, and what is visible is what was.
    async fn erase(&self, key: &str) -> Result<()> {
        self.delete(key).await
    }

    /// Uploads below `prefix` that somebody began and has not finished, yet or for ever; none where the place keeps no
    /// such thing.
    async fn unfinished(&self, _prefix: &str) -> Result<Vec<Unfinished>> {
        Ok(Vec::new())
    }

    /// Frees the parts of one. That it is not there any more is no error; whoever was still at it fails to finish.
    async fn take_back(&self, _upload: &Unfinished) -> Result<()> {
        Ok(())
    }
}

fn only_s3(address: &str) -> Fault {
    let what = format!("{address} has no storage classes, no encryption of its own and no locks");
    Fault::new(FaultKind::Unsupported, what).help("ask for none of them, or back up into S3")
}

/// An object being written in parts. Dropped without `finish`, it leaves nothing visible; `abort` also frees the parts.
#[async_trait]
pub trait Upload: Send {
    async fn write(&mut self, part: Bytes) -> Result<()>;
    async fn finish(self: Box<Self>) -> Result<()>;
    async fn abort(self: Box<Self>) -> Result<()>;
}

/// What a server says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerInfo {
    pub version: String,
    /// Name of the replica set; a standalone server has none, and so no oplog and no snapshot reads.
    pub replica_set: Option<String>,
    /// Address without secrets.
    pub address: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CollectionKind {
    Collection,
    View,
    TimeSeries,
}

/// A collection with all that is needed to make it again.
#[derive(Debug, Clone, PartialEq)]
pub struct CollectionInfo {
    pub db: String,
    pub name: String,
    pub kind: CollectionKind,
    /// As `listCollections` gives them.
    pub options: RawDocumentBuf,
    /// As `listIndexes` gives them; empty for views.
    pub indexes: Vec<RawDocumentBuf>,
    /// Hexadecimal, as mongodump writes it into metadata.
    pub uuid: Option<String>,
    /// Why it cannot be carried; none if it can.
    pub refused: Option<String>,
}

/// A server that is read from.
#[async_trait]
pub trait MongoSource: Send + Sync + Debug {
    async fn info(&self) -> Result<ServerInfo>;

    /// User databases, without `admin`, `config` and `local`.
    async fn databases(&self) -> Result<Vec<String>>;

    async fn collections(&self, db: &str) -> Result<Vec<CollectionInfo>>;

    /// The newest majority-committed cluster time. Fails on a standalone server.
    async fn cluster_time(&self) -> Result<OpTime>;

    /// A cluster time at or after every write that any read so far has shown, whichever member answered it.
    async fn horizon(&self) -> Result<OpTime>;

    /// About how many bytes of BSON the collection holds, where the server tells: to plan by, never to rely on.
    async fn size(&self, db: &str, collection: &str) -> Option<u64>;

    /// Documents of a collection in natural order, in batches of concatenated BSON; at one cluster time if `at` is given.
    /// The cursor is open when this returns: a collection dropped later makes the flow fail, never end early.
    async fn documents(&self, db: &str, collection: &str, at: Option<OpTime>) -> Result<Flow<Bytes>>;

    /// As [`MongoSource::documents`], but not of one instant: each document is as it stood, committed by a majority, at
    /// `from` or at some instant after it.
    async fn documents_since(&self, db: &str, collection: &str, from: OpTime) -> Result<Flow<Bytes>>;

    /// The oldest entry that the oplog still holds.
    async fn oplog_first(&self) -> Result<OpTime>;

    /// Majority-committed oplog entries with `ts >= from`, in order, up to and including `until`, or tailing for ever.
    /// A tailing flow yields an empty batch when it has waited for a while and nothing came, so that idle time is known.
    /// Each batch is concatenated BSON.
    async fn oplog(&self, from: OpTime, until: Option<OpTime>) -> Result<Flow<Bytes>>;
}

/// A server that is written to.
#[async_trait]
pub trait MongoTarget: Send + Sync + Debug {
    async fn info(&self) -> Result<ServerInfo>;

    async fn databases(&self) -> Result<Vec<String>>;

    async fn collections(&self, db: &str) -> Result<Vec<CollectionInfo>>;

    async fn create_collection(&self, db: &str, name: &str, options: &RawDocumentBuf) -> Result<()>;

    /// Inserts a batch of concatenated BSON, unordered; fails if any document was refused, with count and first reason.
    async fn insert(&self, db: &str, collection: &str, batch: Bytes) -> Result<u64>;

    /// One `createIndexes` for all of them; `_id_` is left out by the caller.
    async fn create_indexes(&self, db: &str, collection: &str, indexes: &[RawDocumentBuf]) -> Result<()>;

    /// Applies oplog operations in order; a no-op is the caller's to leave out.
    async fn apply_ops(&self, operations: &[RawDocumentBuf]) -> Result<()>;

    /// Takes over users and roles; those of the same names are replaced, the others stay.
    async fn merge_accounts(&self, users: Bytes, roles: Bytes) -> Result<()>;

    /// Documents back again, for the content compare.
    async fn documents(&self, db: &str, collection: &str) -> Result<Flow<Bytes>>;

    /// A view or a time series too.
    async fn drop_collection(&self, db: &str, collection: &str) -> Result<()>;

    async fn drop_database(&self, db: &str) -> Result<()>;

    /// Stops or starts the server's deletion of expired documents, and says whether it was on before: while copies are
    /// compared, nothing may vanish.
    async fn expire_documents(&self, on: bool) -> Result<bool>;
}
