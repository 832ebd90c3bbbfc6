//! A server that is written to.
//!
//! Documents go in as the bytes they are. One thing stands in the way: an ordinary insert replaces an empty timestamp at
//! the top of a document by the server's own time, and moves `_id` to the front. An oplog insert does neither, so the
//! rare documents of that kind go in as such.

use std::fmt;

use async_trait::async_trait;
use bson::raw::{RawArrayBuf, RawElement};
use bson::spec::ElementType;
use bson::{Document, RawDocument, RawDocumentBuf, Timestamp, doc, rawdoc};
use bytes::Bytes;
use mongodb::Client;

use super::client::fault;
use super::{Source, accounts};
use crate::base::{Fault, FaultKind, Result};
use crate::engine::content::documents;
use crate::port::{CollectionInfo, Flow, MongoSource, MongoTarget, ServerInfo};

/// A server that is written to.
#[derive(Clone)]
pub struct Target {
    client: Client,
    /// What a target is asked about itself, a source answers as well.
    source: Source,
}

impl Target {
    pub fn new(client: Client) -> Self {
        Target { source: Source::new(client.clone()), client }
    }

    async fn run(&self, db: &str, mut command: RawDocumentBuf, doing: &str) -> Result<Document> {
        command.append(bson::cstr!("writeConcern"), rawdoc! { "w": "majority", "j": true });
        let reply = self.client.database(db).run_raw_command(command).await;
        let reply = reply.map_err(|error| fault(format!("cannot {doing}"), &error))?;
        match reply.get_document("writeConcernError") {
            Ok(error) => Err(refused(doing, error)),
            Err(_) => Ok(reply),
        }
    }

    async fn insert_plain(&self, db: &str, collection: &str, batch: RawArrayBuf, count: u64) -> Result<u64> {
        let doing = format!("insert into `{db}.{collection}`");
        let mut command = rawdoc! { "insert": collection, "ordered": false, "bypassDocumentValidation": true };
        command.append(bson::cstr!("documents"), &*batch);
        let reply = self.run(db, command, &doing).await?;
        if let Some(first) = reply.get_array("writeErrors").ok().and_then(|errors| errors.first()) {
            let errors = reply.get_array("writeErrors").map_or(0, Vec::len);
            let first = first.as_document().cloned().unwrap_or_default();
            return Err(refused(&format!("{doing}: {errors} of {count} documents were refused"), &first));
        }
        let inserted = number(&reply, "n");
        if inserted != count {
            return Err(Fault::corrupt(format!("cannot {doing}: the server took {inserted} of {count} documents")));
        }
        Ok(inserted)
    }
}

#[async_trait]
impl MongoTarget for Target {
    async fn info(&self) -> Result<ServerInfo> {
        self.source.info().await
    }

    async fn databases(&self) -> Result<Vec<String>> {
        self.source.databases().await
    }

    async fn collections(&self, db: &str) -> Result<Vec<CollectionInfo>> {
        self.source.collections(db).await
    }

    async fn create_collection(&self, db: &str, name: &str, options: &RawDocumentBuf) -> Result<()> {
        let doing = format!("create `{db}.{name}`");
        let mut command = rawdoc! { "create": name };
        for field in options.iter_elements() {
            let (field, value) = field.and_then(|f| Ok((f.key(), f.value()?))).map_err(|e| unreadable(&doing, e))?;
            command.append(field, value);
        }
        self.run(db, command, &doing).await.map(drop)
    }

    async fn insert(&self, db: &str, collection: &str, batch: Bytes) -> Result<u64> {
        let (mut plain, mut plain_count, mut odd) = (RawArrayBuf::new(), 0, Vec::new());
        let doing = format!("insert into `{db}.{collection}`");
        for document in documents(&batch) {
            let document = RawDocument::from_bytes(document?).map_err(|e| unreadable(&doing, e))?;
            match would_be_changed(document).map_err(|e| unreadable(&doing, e))? {
                false => {
                    plain.push(document);
                    plain_count += 1;
                }
                true => odd.push(oplog_insert(db, collection, document)),
            }
        }
        let mut inserted = odd.len() as u64;
        if plain_count > 0 {
            inserted += self.insert_plain(db, collection, plain, plain_count).await?;
        }
        if !odd.is_empty() {
            self.apply_ops(&odd).await?;
        }
        Ok(inserted)
    }

    async fn create_indexes(&self, db: &str, collection: &str, indexes: &[RawDocumentBuf]) -> Result<()> {
        if indexes.is_empty() {
            return Ok(());
        }
        let mut specs = RawArrayBuf::new();
        indexes.iter().for_each(|index| specs.push(index.as_ref()));
        let mut command = rawdoc! { "createIndexes": collection };
        command.append(bson::cstr!("indexes"), &*specs);
        self.run(db, command, &format!("build the indexes of `{db}.{collection}`")).await.map(drop)
    }

    async fn apply_ops(&self, operations: &[RawDocumentBuf]) -> Result<()> {
        let mut batch = RawArrayBuf::new();
        operations.iter().for_each(|operation| batch.push(operation.as_ref()));
        let mut command = RawDocumentBuf::new();
        command.append(bson::cstr!("applyOps"), &*batch);
        // An update must find its document: the state before it is known exactly.
        command.append(bson::cstr!("alwaysUpsert"), false);
        command.append(bson::cstr!("bypassDocumentValidation"), true);
        let reply = self.run("admin", command, "apply operations of the log").await?;
        let results = reply.get_array("results").map(Vec::as_slice).unwrap_or_default();
        match results.iter().position(|result| result.as_bool() != Some(true)) {
            None if results.len() == operations.len() => Ok(()),
            None => Err(Fault::corrupt(format!(
                "cannot apply operations of the log: the server took {} of {}",
                results.len(),
                operations.len()
            ))),
            Some(at) => Err(Fault::corrupt(format!("the server refused operation {at} of a batch of the log"))),
        }
    }

    async fn merge_accounts(&self, users: Bytes, roles: Bytes) -> Result<()> {
        accounts::merge(&self.client, &users, &roles).await
    }

    async fn documents(&self, db: &str, collection: &str) -> Result<Flow<Bytes>> {
        self.source.documents(db, collection, None).await
    }

    async fn drop_collection(&self, db: &str, collection: &str) -> Result<()> {
        self.run(db, rawdoc! { "drop": collection }, &format!("drop `{db}.{collection}`")).await.map(drop)
    }

    async fn drop_database(&self, db: &str) -> Result<()> {
        self.run(db, rawdoc! { "dropDatabase": 1 }, &format!("drop the database `{db}`")).await.map(drop)
    }

    async fn expire_documents(&self, on: bool) -> Result<bool> {
        let command = doc! { "setParameter": 1, "ttlMonitorEnabled": on };
        let reply = self.client.database("admin").run_command(command).await;
        let reply = reply.map_err(|error| fault("cannot switch the deletion of expired documents", &error))?;
        Ok(reply.get_bool("was").unwrap_or(true))
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The client's own form holds the address with its secrets.
        f.write_str("Target")
    }
}

/// Whether an ordinary insert would store other bytes: see the head of this file.
fn would_be_changed(document: &RawDocument) -> bson::error::Result<bool> {
    let mut id_at = None;
    for (at, field) in document.iter_elements().enumerate() {
        let field = field?;
        if field.key().as_str() == "_id" {
            id_at.get_or_insert(at);
        } else if is_empty_timestamp(&field) {
            return Ok(true);
        }
    }
    Ok(id_at != Some(0))
}

fn is_empty_timestamp(field: &RawElement<'_>) -> bool {
    let empty = Timestamp { time: 0, increment: 0 };
    field.element_type() == ElementType::Timestamp
        && field.value().ok().and_then(bson::RawBsonRef::as_timestamp) == Some(empty)
}

/// With any `ts`, the server takes the document as it is.
fn oplog_insert(db: &str, collection: &str, document: &RawDocument) -> RawDocumentBuf {
    let mut operation = rawdoc! { "op": "i", "ns": format!("{db}.{collection}") };
    operation.append(bson::cstr!("ts"), Timestamp { time: 1, increment: 1 });
    operation.append(bson::cstr!("o"), document);
    operation
}

fn refused(doing: &str, error: &Document) -> Fault {
    let code = error.get_i32("code").unwrap_or_default();
    let reason = error.get_str("errmsg").unwrap_or("the server gives no reason");
    let kind = if code == 11000 { FaultKind::Conflict } else { FaultKind::Unsupported };
    Fault::new(kind, format!("cannot {doing}")).because(format!("{reason} ({code})"))
}

fn unreadable(doing: &str, error: impl std::error::Error + Send + Sync + 'static) -> Fault {
    Fault::corrupt(format!("cannot {doing}: its BSON cannot be read")).because(error)
}

fn number(reply: &Document, field: &str) -> u64 {
    let n = reply.get_i32(field).map(i64::from).or_else(|_| reply.get_i64(field)).unwrap_or_default();
    u64::try_from(n).unwrap_or_default()
}
