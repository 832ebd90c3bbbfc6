//! A server that is read from: what it holds, its documents at one cluster time, its oplog.

use std::time::Duration;

use async_trait::async_trait;
use bson::{RawDocument, RawDocumentBuf, rawdoc};
use bytes::Bytes;
use mongodb::action::Action;
use mongodb::error::Error;
use mongodb::options::CursorType;
use mongodb::raw_batch_cursor::RawBatchCursor;
use mongodb::{Client, Database};

use super::client::fault;
use super::listing;
use super::pump::{self, Ends};
use crate::base::{Fault, FaultKind, OpTime, Result};
use crate::port::MongoSource;
use crate::port::{CollectionInfo, Flow, ServerInfo};

/// How long a tailing read waits at the server before it says that nothing came.
const AWAIT: Duration = Duration::from_secs(1);
/// What is fetched of a collection at a time: a reply of the full 16 MB is in memory twice, per collection.
const BATCH_BYTES: u64 = 4 << 20;
const OPLOG: &str = "oplog.rs";

/// A server that is read from.
#[derive(Debug, Clone)]
pub struct Source {
    client: Client,
}

impl Source {
    pub fn new(client: Client) -> Self {
        Source { client }
    }

    async fn hello(&self) -> Result<RawDocumentBuf> {
        let admin = self.client.database("admin");
        let reply = command(&admin, rawdoc! { "hello": 1 }).await;
        reply.map_err(|error| fault("cannot ask the server who it is", &error))
    }

    async fn cursor(&self, db: &str, command: RawDocumentBuf, reading: Reading) -> Result<RawBatchCursor, Error> {
        let database = self.client.database(db);
        let run = database.run_raw_cursor_command(command);
        let run = run.optional(self.client.selection_criteria().cloned(), |run, c| run.selection_criteria(c));
        match reading {
            Reading::AsMuchAsFits => run.batch().await,
            Reading::Batches(documents) => run.batch_size(documents).batch().await,
            Reading::Tail => run.cursor_type(CursorType::TailableAwait).max_time(AWAIT).batch().await,
        }
    }

    /// All documents of a collection, in natural order.
    async fn find(&self, db: &str, collection: &str, concern: Option<RawDocumentBuf>) -> Result<Flow<Bytes>> {
        let what = format!("`{db}.{collection}`");
        // A first batch of zero opens the cursor, and with it the snapshot, before anything is fetched.
        let mut find = rawdoc! { "find": collection, "batchSize": 0, "noCursorTimeout": true };
        concern.into_iter().for_each(|concern| find.append(bson::cstr!("readConcern"), concern));
        let average = self.statistic(db, collection, "avgObjSize").await.unwrap_or(1).max(1);
        let batch = u32::try_from(BATCH_BYTES / average).unwrap_or(u32::MAX).max(1);
        let cursor = self.cursor(db, find, Reading::Batches(batch)).await;
        let cursor = cursor.map_err(|error| unreadable(format!("cannot read {what}"), &error))?;
        Ok(pump::flow(cursor, Ends::WhenRead, what))
    }

    /// A number of a collection's statistics; none if it has none or may not be asked.
    async fn statistic(&self, db: &str, collection: &str, field: &str) -> Option<u64> {
        let stats = command(&self.client.database(db), rawdoc! { "collStats": collection }).await.ok()?;
        let value = stats.get(field).ok()??;
        let value = value.as_i64().or(value.as_i32().map(i64::from)).or(value.as_f64().map(|f| f as i64))?;
        u64::try_from(value).ok()
    }
}

/// What a cursor fetches at a time.
#[derive(Debug, Clone, Copy)]
enum Reading {
    /// Up to 16 MB, the server's limit.
    AsMuchAsFits,
    /// So many documents.
    Batches(u32),
    /// What is new, waiting for it a while.
    Tail,
}

/// Runs a command where the address says that reads go.
async fn command(db: &Database, command: RawDocumentBuf) -> Result<RawDocumentBuf, Error> {
    let criteria = db.selection_criteria().cloned();
    let run = db.run_raw_command(command).optional(criteria, |run, c| run.selection_criteria(c));
    Ok(RawDocumentBuf::try_from(&run.await?)?)
}

#[async_trait]
impl MongoSource for Source {
    async fn info(&self) -> Result<ServerInfo> {
        let hello = self.hello().await?;
        if text(&hello, "msg").as_deref() == Some("isdbgrid") {
            return Err(Fault::new(
                FaultKind::Unsupported,
                "cannot back up through mongos: a sharded cluster is not supported",
            )
            .help("give the address of a replica set"));
        }
        let admin = self.client.database("admin");
        let build = command(&admin, rawdoc! { "buildInfo": 1 }).await;
        let build = build.map_err(|error| fault("cannot ask the server for its version", &error))?;
        Ok(ServerInfo {
            version: text(&build, "version").unwrap_or_else(|| "unknown".to_string()),
            replica_set: text(&hello, "setName"),
            address: text(&hello, "me").unwrap_or_else(|| "standalone server".to_string()),
        })
    }

    async fn databases(&self) -> Result<Vec<String>> {
        let names = self.client.list_database_names().await;
        let mut names = names.map_err(|error| fault("cannot list databases", &error))?;
        names.retain(|name| !matches!(name.as_str(), "admin" | "config" | "local"));
        names.sort();
        Ok(names)
    }

    async fn collections(&self, db: &str) -> Result<Vec<CollectionInfo>> {
        let list = self.cursor(db, rawdoc! { "listCollections": 1 }, Reading::AsMuchAsFits).await;
        let list = async { pump::gather(list?).await }.await;
        let list = list.map_err(|error| fault(format!("cannot list the collections of `{db}`"), &error))?;
        let mut collections = listing::collections(db, &list)?;
        for collection in collections.iter_mut().filter(|c| listing::has_indexes(c)) {
            let ask = rawdoc! { "listIndexes": collection.name.as_str() };
            let indexes = async { pump::gather(self.cursor(db, ask, Reading::AsMuchAsFits).await?).await }.await;
            collection.indexes = indexes.map_err(|error| {
                let mut fault = fault(format!("cannot list the indexes of `{db}.{}`", collection.name), &error);
                if fault.kind == FaultKind::Missing {
                    // Dropped since it was listed: the list is out of date, and reading it again helps.
                    fault.kind = FaultKind::Unreachable;
                }
                fault
            })?;
        }
        Ok(collections)
    }

    async fn cluster_time(&self) -> Result<OpTime> {
        let hello = self.hello().await?;
        let newest = hello.get_document("lastWrite").ok().and_then(|w| w.get_document("majorityOpTime").ok());
        let newest = newest.and_then(|op| op.get_timestamp("ts").ok()).filter(|ts| ts.time > 0);
        newest.map(op_time).ok_or_else(|| {
            Fault::new(FaultKind::Unsupported, "the server has no cluster time: it is not a member of a replica set")
                .help("run mongod with --replSet, even alone, for snapshots of one instant and for oplog capture")
        })
    }

    async fn horizon(&self) -> Result<OpTime> {
        // The driver tells every member the newest time that any of them told it, and each answers with one not older.
        let hello = self.hello().await?;
        let gossip = hello.get_document("$clusterTime").and_then(|time| time.get_timestamp("clusterTime"));
        match gossip {
            Ok(ts) => Ok(op_time(ts)),
            Err(_) => self.cluster_time().await,
        }
    }

    async fn size(&self, db: &str, collection: &str) -> Option<u64> {
        self.statistic(db, collection, "size").await
    }

    async fn documents(&self, db: &str, collection: &str, at: Option<OpTime>) -> Result<Flow<Bytes>> {
        let concern = at.map(|at| rawdoc! { "level": "snapshot", "atClusterTime": timestamp(at) });
        self.find(db, collection, concern).await
    }

    async fn documents_since(&self, db: &str, collection: &str, from: OpTime) -> Result<Flow<Bytes>> {
        let concern = rawdoc! { "level": "majority", "afterClusterTime": timestamp(from) };
        self.find(db, collection, Some(concern)).await
    }

    async fn oplog_first(&self) -> Result<OpTime> {
        let cannot = |error: &Error| oplog_help(fault("cannot read the oldest entry of the oplog", error));
        let find = rawdoc! { "find": OPLOG, "sort": { "$natural": 1 }, "limit": 1, "projection": { "ts": 1 } };
        let cursor = self.cursor("local", find, Reading::AsMuchAsFits).await.map_err(|error| cannot(&error))?;
        let first = pump::gather(cursor).await.map_err(|error| cannot(&error))?;
        let first = first.first().and_then(|entry| entry.get_timestamp("ts").ok()).map(op_time);
        first.ok_or_else(|| {
            Fault::new(FaultKind::Unsupported, "the server has no oplog")
                .help("oplog capture needs a replica set; run mongod with --replSet, even alone")
        })
    }

    async fn oplog(&self, from: OpTime, until: Option<OpTime>) -> Result<Flow<Bytes>> {
        let find = match until {
            // The server waits until it has committed what is asked for, so the read cannot end before it.
            Some(until) => rawdoc! {
                "find": OPLOG,
                "filter": { "ts": { "$gte": timestamp(from), "$lte": timestamp(until) } },
                "readConcern": { "level": "majority", "afterClusterTime": timestamp(until) },
                "noCursorTimeout": true,
            },
            None => rawdoc! {
                "find": OPLOG,
                "filter": { "ts": { "$gte": timestamp(from) } },
                "readConcern": { "level": "majority" },
                "tailable": true,
                "awaitData": true,
                "noCursorTimeout": true,
            },
        };
        let (reading, ends) = match until {
            Some(_) => (Reading::AsMuchAsFits, Ends::WhenRead),
            None => (Reading::Tail, Ends::Never),
        };
        let cursor = self.cursor("local", find, reading).await;
        let cursor = cursor.map_err(|error| oplog_help(fault("cannot read the oplog", &error)))?;
        Ok(pump::flow(cursor, ends, "the oplog".to_string()))
    }
}

fn oplog_help(fault: Fault) -> Fault {
    match fault.kind {
        FaultKind::Denied => fault.help("grant the user the role `backup`, or `read` on the database `local`"),
        _ => fault,
    }
}

/// Some ways in which a snapshot read fails need a word on what to do.
fn unreadable(what: String, error: &Error) -> Fault {
    let fault = fault(what, error);
    match fault.kind {
        FaultKind::Gone => fault.help(
            "raise the server's parameter minSnapshotHistoryWindowInSeconds above the time that the backup takes",
        ),
        FaultKind::Denied => fault.help("grant the user the role `backup`, or `read` on this database"),
        _ => fault,
    }
}

fn text(document: &RawDocument, field: &str) -> Option<String> {
    document.get_str(field).ok().map(String::from)
}

fn op_time(ts: bson::Timestamp) -> OpTime {
    OpTime::new(ts.time, ts.increment)
}

fn timestamp(at: OpTime) -> bson::Timestamp {
    bson::Timestamp { time: at.secs, increment: at.inc }
}
