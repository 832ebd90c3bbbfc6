//! Users and roles, carried on request: collections of `admin` that are no database of anybody's. Their documents hold
//! hashes of passwords: they are copied, and never shown.

use std::fmt;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use super::content::Tally;
use super::plan::RestorePlan;
use super::unpack;
use crate::base::{Fault, Result};
use crate::port::{CollectionInfo, ObjectStore};
use crate::repository::{CollectionEntry, Manifest};

pub const DB: &str = "admin";
const USERS: &str = "system.users";
const ROLES: &str = "system.roles";
/// Tells stock tools by which schema the other two are to be read.
const VERSION: &str = "system.version";
/// Many times what any server has; more is none.
const BYTES_MAX: u64 = 256 << 20;

/// Whether a collection of this database can only be of users and roles.
pub fn is_of_them(db: &str) -> bool {
    db == DB
}

/// Whether a backup of users and roles carries it.
pub fn has(collection: &CollectionInfo) -> bool {
    is_of_them(&collection.db) && [USERS, ROLES, VERSION].contains(&collection.name.as_str())
}

/// Whether an entry of the log of this namespace changes them.
pub fn is_changed_by(ns: &str) -> bool {
    ns.split_once('.').is_some_and(|(db, name)| db == DB && [USERS, ROLES].contains(&name))
}

/// How many users and roles a recovery point holds; none if they were not backed up.
pub fn counted(manifest: &Manifest) -> Option<(u64, u64)> {
    let of = |name| entry(manifest, name).map_or(0, |entry| entry.documents);
    manifest.collections.iter().any(|c| is_of_them(&c.db)).then(|| (of(USERS), of(ROLES)))
}

fn entry<'a>(manifest: &'a Manifest, name: &str) -> Option<&'a CollectionEntry> {
    manifest.collections.iter().find(|c| is_of_them(&c.db) && c.name == name)
}

/// Users and roles, each as concatenated BSON.
#[derive(Clone, Default)]
pub struct Accounts {
    pub users: Bytes,
    pub roles: Bytes,
    pub count: u64,
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Accounts")
    }
}

/// All of them, proven to be those that were backed up.
pub async fn read(plan: &RestorePlan, store: &dyn ObjectStore) -> Result<Accounts> {
    if counted(&plan.base).is_none() {
        return Err(Fault::missing(format!("`{}` holds no users and roles", plan.base.id))
            .help("they are in recovery points that were made with `backup --users-and-roles`"));
    }
    let (users, users_count) = documents(plan, store, USERS).await?;
    let (roles, roles_count) = documents(plan, store, ROLES).await?;
    Ok(Accounts { users, roles, count: users_count + roles_count })
}

async fn documents(plan: &RestorePlan, store: &dyn ObjectStore, name: &str) -> Result<(Bytes, u64)> {
    let Some(entry) = entry(&plan.base, name) else { return Ok((Bytes::new(), 0)) };
    let object = plan.base.objects.iter().find(|object| Some(&object.key) == entry.data.as_ref());
    let object = object.ok_or_else(|| Fault::corrupt(format!("`{}` lists no object of `{name}`", plan.base.id)))?;
    let mut batches = std::pin::pin!(unpack::documents(store, object).await?);
    let (mut all, mut tally) = (BytesMut::new(), Tally::default());
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        tally.merge(&batch.tally);
        if tally.bytes > BYTES_MAX {
            return Err(Fault::corrupt(format!("`{}` holds more than {BYTES_MAX} bytes", object.key)));
        }
        all.extend_from_slice(&batch.bytes);
    }
    if (tally.documents, tally.content.to_hex().as_str()) != (entry.documents, entry.content.as_str()) {
        return Err(Fault::corrupt(format!("`{}` holds other documents than its manifest says", object.key)));
    }
    Ok((all.freeze(), tally.documents))
}
