//! From entries of an oplog to operations that another server can apply. Pure, so that a whole log can be tried before
//! the target is touched: what can't be replayed is refused with its name, never skipped.
//!
//! Three things differ between the two servers: collections have other UUIDs, so names are used; indexes are built at the
//! end (see [`super::index_book`]); and a transaction's writes, which the log may spread over several entries, count from
//! the entry that commits them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bson::{Document, RawArray, RawDocument, RawDocumentBuf, Timestamp, cstr, rawdoc};

use super::head_count::HeadCount;
use super::index_book::IndexBook;
use crate::base::{Fault, FaultKind, OpTime, Result};

/// One thing for the target to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// A write of documents; many go into one batch.
    Write(RawDocumentBuf),
    /// A change to collections, applied by itself.
    Change(RawDocumentBuf),
}

#[derive(Debug)]
pub struct Translator {
    /// Databases that are restored; empty means all user databases.
    databases: BTreeSet<String>,
    /// The entries that follow were written while the base was read: it may hold already what they say.
    pub repeats: bool,
    pub indexes: IndexBook,
    pub counts: HeadCount,
    /// Databases that the log writes to.
    pub touched: BTreeSet<String>,
    /// Writes to the server's users and roles, which are not replayed: by namespace.
    pub uncovered: BTreeMap<String, u64>,
    /// Databases whose target has a `system.views`.
    with_views: BTreeSet<String>,
    /// Transactions that are not committed yet, by session and number.
    open: HashMap<Vec<u8>, Open>,
}

#[derive(Debug)]
struct Open {
    last: Timestamp,
    operations: Vec<RawDocumentBuf>,
}

/// An entry, as far as it is looked at.
struct Entry<'a> {
    at: Timestamp,
    ns: &'a str,
    op: &'a str,
    o: &'a RawDocument,
    whole: &'a RawDocument,
}

/// Cluster time of an oplog entry.
pub fn time_of(entry: &RawDocument) -> Result<OpTime> {
    let at =
        entry.get_timestamp("ts").map_err(|error| Fault::corrupt("an entry of the log has no time").because(error))?;
    Ok(OpTime::new(at.time, at.increment))
}

impl Translator {
    /// `with_views`: databases that have views or time series in the base.
    pub fn new(databases: &[String], indexes: IndexBook, counts: HeadCount, with_views: BTreeSet<String>) -> Self {
        let databases = databases.iter().cloned().collect();
        Translator {
            databases,
            repeats: false,
            indexes,
            counts,
            touched: BTreeSet::new(),
            uncovered: BTreeMap::new(),
            with_views,
            open: HashMap::new(),
        }
    }

    /// The operations that `entry` stands for, in order.
    pub fn feed(&mut self, entry: &RawDocument) -> Result<Vec<Operation>> {
        let at = entry.get_timestamp("ts").map_err(malformed)?;
        let mut out = Vec::new();
        self.one(entry, at, &mut out).map_err(|fault| {
            let at = OpTime::new(at.time, at.increment);
            fault.within(format!("cannot replay the log's entry of {at}"))
        })?;
        Ok(out)
    }

    fn one(&mut self, whole: &RawDocument, at: Timestamp, out: &mut Vec<Operation>) -> Result<()> {
        let op = whole.get_str("op").map_err(malformed)?;
        if op == "n" {
            return Ok(());
        }
        let ns = whole.get_str("ns").map_err(malformed)?;
        let entry = Entry { at, ns, op, o: whole.get_document("o").map_err(malformed)?, whole };
        match op {
            "i" | "u" | "d" => self.write(&entry, out),
            "c" => self.command(&entry, out),
            _ => Err(unknown(&format!("operation `{op}` on `{ns}`"))),
        }
    }

    fn wants(&mut self, db: &str) -> bool {
        let of_the_server = matches!(db, "admin" | "config" | "local");
        let wanted = !of_the_server && (self.databases.is_empty() || self.databases.contains(db));
        if wanted && !self.touched.contains(db) {
            self.touched.insert(db.to_string());
        }
        wanted
    }

    fn write(&mut self, entry: &Entry<'_>, out: &mut Vec<Operation>) -> Result<()> {
        let (db, collection) = split(entry.ns)?;
        if matches!(entry.ns, "admin.system.users" | "admin.system.roles") {
            *self.uncovered.entry(entry.ns.to_string()).or_default() += 1;
        }
        if !self.wants(db) {
            return Ok(());
        }
        if collection == "system.views" && self.with_views.insert(db.to_string()) {
            out.push(create_system_views(db));
        }
        let write = |op: &str, o: &RawDocument| {
            let mut operation = rawdoc! { "op": op, "ns": entry.ns };
            // With its time, an insert keeps the document's bytes as they are, empty timestamps included.
            operation.append(cstr!("ts"), entry.at);
            operation.append(cstr!("o"), o);
            operation
        };
        self.counts.change(db, collection);
        if entry.op != "u" {
            self.counts.add(db, collection, if entry.op == "i" { 1 } else { -1 });
            if self.repeats {
                self.counts.blur(db, collection);
            }
            out.push(Operation::Write(write(entry.op, entry.o)));
            return Ok(());
        }
        let which = entry.whole.get_document("o2").map_err(malformed)?;
        let version = entry.o.get("$v").map_err(malformed)?.and_then(|v| v.as_i32().or(v.as_i64().map(|v| v as i32)));
        if version == Some(1) && entry.o.get("diff").map_err(malformed)?.is_none() {
            return Err(unknown(&format!("an update of `{}` in the form of MongoDB 4.4 and older", entry.ns)));
        }
        if version.is_none() && has_empty_timestamp(entry.o)? {
            // A replacement would fill the empty timestamp with the server's time; an insert does not.
            out.push(Operation::Write(write("d", &rawdoc_of_id(which)?)));
            out.push(Operation::Write(write("i", entry.o)));
            return Ok(());
        }
        let mut operation = write("u", entry.o);
        operation.append(cstr!("o2"), which);
        out.push(Operation::Write(operation));
        Ok(())
    }

    fn command(&mut self, entry: &Entry<'_>, out: &mut Vec<Operation>) -> Result<()> {
        let (db, _) = split(entry.ns)?;
        let first = entry.o.iter().next().ok_or_else(|| unknown("a command without a name"))?;
        let (name, subject) = first.map_err(malformed)?;
        let name = name.as_str();
        match name {
            "applyOps" => {
                return self.transaction(entry, subject.as_array().ok_or_else(|| malformed("applyOps"))?, out);
            }
            "commitTransaction" => return self.commit(entry, out),
            "abortTransaction" => {
                self.open.remove(&session(entry.whole)?);
                return Ok(());
            }
            _ if !self.wants(db) => return Ok(()),
            "dropDatabase" => {
                self.indexes.drop_database(db);
                self.counts.drop_database(db);
                self.with_views.remove(db);
                out.push(change(db, entry.o));
                return Ok(());
            }
            "renameCollection" => return self.rename(entry.o, out),
            "dbCheck" => return Ok(()),
            _ => {}
        }
        let collection = subject.as_str().ok_or_else(|| unknown(&format!("`{name}` in `{db}`")))?;
        self.collection_command(name, db, collection, entry.o, out)
    }

    fn collection_command(
        &mut self,
        name: &str,
        db: &str,
        collection: &str,
        o: &RawDocument,
        out: &mut Vec<Operation>,
    ) -> Result<()> {
        let is_views = collection == "system.views";
        match name {
            "create" => {
                if !is_views || self.with_views.insert(db.to_string()) {
                    self.indexes.drop_collection(db, collection);
                    self.counts.add(db, collection, 0);
                    self.counts.change(db, collection);
                    out.push(change(db, o));
                }
            }
            "drop" => {
                self.indexes.drop_collection(db, collection);
                self.counts.drop_collection(db, collection);
                if !is_views || self.with_views.remove(db) {
                    out.push(change(db, o));
                }
            }
            "createIndexes" => self.indexes.add(db, collection, &without_first(o)?)?,
            "commitIndexBuild" => {
                for spec in o.get_array("indexes").map_err(malformed)? {
                    let spec = spec.map_err(malformed)?.as_document().ok_or_else(|| malformed("commitIndexBuild"))?;
                    self.indexes.add(db, collection, spec)?;
                }
            }
            // Only a build that was committed counts.
            "startIndexBuild" | "abortIndexBuild" => {}
            "dropIndexes" | "dropIndex" | "deleteIndexes" | "deleteIndex" => {
                self.indexes.remove(db, collection, o.get_str("index").map_err(malformed)?);
            }
            "collMod" => self.modify(db, collection, o, out)?,
            "emptycapped" => {
                self.counts.drop_collection(db, collection);
                self.counts.add(db, collection, 0);
                self.counts.change(db, collection);
                out.push(change(db, o));
            }
            _ => return Err(unknown(&format!("`{name}` of `{db}.{collection}`"))),
        }
        Ok(())
    }

    /// Changes to an index go into the book, since the index does not exist yet; the rest goes to the server.
    fn modify(&mut self, db: &str, collection: &str, o: &RawDocument, out: &mut Vec<Operation>) -> Result<()> {
        let mut rest = RawDocumentBuf::new();
        let mut fields = 0;
        for field in o {
            let (name, value) = field.map_err(malformed)?;
            match value.as_document().filter(|_| name == "index") {
                Some(index) => {
                    let index = Document::try_from(index).map_err(malformed)?;
                    self.indexes.modify(db, collection, &index)?;
                }
                None => {
                    rest.append(name, value);
                    fields += 1;
                }
            }
        }
        if fields > 1 {
            out.push(change(db, &rest));
        }
        Ok(())
    }

    fn rename(&mut self, o: &RawDocument, out: &mut Vec<Operation>) -> Result<()> {
        let (from, to) = (o.get_str("renameCollection").map_err(malformed)?, o.get_str("to").map_err(malformed)?);
        let (from_db, from_name) = split(from)?;
        let (to_db, to_name) = split(to)?;
        if from_db != to_db {
            return Err(unknown(&format!("`renameCollection` of `{from}` into another database, `{to}`")));
        }
        let drops = o.get("dropTarget").map_err(malformed)?;
        if drops.is_some_and(|target| target.as_bool() != Some(false)) {
            // The log names the dropped collection by its UUID, which is another one here.
            out.push(change(to_db, &rawdoc! { "drop": to_name }));
        }
        self.indexes.rename((from_db, from_name), (to_db, to_name));
        self.counts.rename((from_db, from_name), (to_db, to_name));
        let stays_temporary = o.get_bool("stayTemp").unwrap_or(false);
        let renamed = rawdoc! { "renameCollection": from, "to": to, "stayTemp": stays_temporary, "dropTarget": false };
        out.push(change(from_db, &renamed));
        Ok(())
    }

    fn transaction(&mut self, entry: &Entry<'_>, inner: &RawArray, out: &mut Vec<Operation>) -> Result<()> {
        let whole = entry.whole;
        let is_transaction = whole.get("txnNumber").map_err(malformed)?.is_some()
            && whole.get_i32("multiOpType").unwrap_or_default() == 0;
        if !is_transaction {
            return self.all(inner, entry.at, out);
        }
        let session = session(whole)?;
        let before = whole.get_document("prevOpTime").and_then(|p| p.get_timestamp("ts")).ok();
        let before = before.filter(|at| at.time != 0);
        let mut open = match (before, self.open.remove(&session)) {
            (None, _) => Open { last: entry.at, operations: Vec::new() },
            (Some(before), Some(open)) if open.last == before => open,
            (Some(_), _) => return Err(unknown("a transaction that began before the log at hand")),
        };
        for operation in inner {
            let operation = operation.map_err(malformed)?.as_document().ok_or_else(|| malformed("applyOps"))?;
            open.operations.push(operation.to_owned());
        }
        open.last = entry.at;
        let goes_on = entry.o.get_bool("partialTxn").unwrap_or(false) || entry.o.get_bool("prepare").unwrap_or(false);
        if goes_on {
            self.open.insert(session, open);
            return Ok(());
        }
        open.operations.iter().try_for_each(|operation| self.one(operation, entry.at, out))
    }

    /// The end of a transaction that was prepared first, as those over several shards are.
    fn commit(&mut self, entry: &Entry<'_>, out: &mut Vec<Operation>) -> Result<()> {
        let open = self.open.remove(&session(entry.whole)?);
        let open = open.ok_or_else(|| unknown("a transaction that began before the log at hand"))?;
        open.operations.iter().try_for_each(|operation| self.one(operation, entry.at, out))
    }

    fn all(&mut self, inner: &RawArray, at: Timestamp, out: &mut Vec<Operation>) -> Result<()> {
        for operation in inner {
            let operation = operation.map_err(malformed)?.as_document().ok_or_else(|| malformed("applyOps"))?;
            self.one(operation, at, out)?;
        }
        Ok(())
    }
}

pub(super) fn split(ns: &str) -> Result<(&str, &str)> {
    ns.split_once('.').ok_or_else(|| malformed(format!("the namespace `{}`", ns.escape_debug())))
}

/// Session and number, as one key.
fn session(whole: &RawDocument) -> Result<Vec<u8>> {
    let mut key = whole.get_document("lsid").map_err(malformed)?.as_bytes().to_vec();
    let number = whole.get("txnNumber").map_err(malformed)?.and_then(|n| n.as_i64());
    key.extend_from_slice(&number.ok_or_else(|| malformed("txnNumber"))?.to_le_bytes());
    Ok(key)
}

fn change(db: &str, o: &RawDocument) -> Operation {
    let mut operation = rawdoc! { "op": "c", "ns": format!("{db}.$cmd") };
    operation.append(cstr!("o"), o);
    Operation::Change(operation)
}

fn create_system_views(db: &str) -> Operation {
    change(db, &rawdoc! { "create": "system.views" })
}

fn without_first(o: &RawDocument) -> Result<RawDocumentBuf> {
    let mut rest = RawDocumentBuf::new();
    for field in o.iter().skip(1) {
        let (name, value) = field.map_err(malformed)?;
        rest.append(name, value);
    }
    Ok(rest)
}

/// `{_id}` alone: on a sharded collection `o2` holds the shard key too.
fn rawdoc_of_id(which: &RawDocument) -> Result<RawDocumentBuf> {
    let id = which.get("_id").map_err(malformed)?.ok_or_else(|| malformed("an update without `_id`"))?;
    let mut only = RawDocumentBuf::new();
    only.append(cstr!("_id"), id);
    Ok(only)
}

fn has_empty_timestamp(document: &RawDocument) -> Result<bool> {
    for field in document {
        let (_, value) = field.map_err(malformed)?;
        if value.as_timestamp() == Some(Timestamp { time: 0, increment: 0 }) {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn malformed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Fault {
    Fault::corrupt("it is not formed as an entry of an oplog is").because(error)
}

fn unknown(what: &str) -> Fault {
    Fault::new(FaultKind::Unsupported, format!("it holds {what}, which cannot be replayed"))
        .help("restore to an instant before it, or take a newer recovery point as the base")
}
