//! Entries of a log, as far as they belong to a recovery point: a dump of one database holds nothing of the others, in
//! its log no more than in its collections.

use std::borrow::Cow;

use bson::raw::RawArrayBuf;
use bson::{RawDocument, RawDocumentBuf, cstr, rawdoc};

use super::scope::Scope;
use super::translate::{malformed, split};
use crate::base::{Fault, FaultKind, Result};

/// Where a database keeps its views.
const VIEWS: &str = "system.views";

/// The entry without what is not of `scope`; none if nothing of it is.
pub fn sift<'a>(entry: &'a RawDocument, scope: &Scope) -> Result<Option<Cow<'a, RawDocument>>> {
    let op = entry.get_str("op").map_err(malformed)?;
    if op == "n" {
        return Ok(None);
    }
    let (db, collection) = split(entry.get_str("ns").map_err(malformed)?)?;
    if op != "c" {
        let is_of_it = scope.has(db, subject(entry, op, db, collection)?);
        return Ok(is_of_it.then_some(Cow::Borrowed(entry)));
    }
    let o = entry.get_document("o").map_err(malformed)?;
    let (name, of) = o.iter().next().ok_or_else(|| malformed("a command without a name"))?.map_err(malformed)?;
    match (name.as_str(), of.as_str()) {
        ("commitTransaction" | "abortTransaction", _) => Ok(Some(Cow::Borrowed(entry))),
        ("applyOps", _) => transaction(entry, o, scope),
        ("renameCollection", Some(from)) => rename(entry, o, from, scope),
        (_, Some(VIEWS)) | (_, None) => Ok(scope.has_database(db).then_some(Cow::Borrowed(entry))),
        (_, Some(collection)) => Ok(scope.has(db, collection).then_some(Cow::Borrowed(entry))),
    }
}

/// The collection that a write is about: a view or a time series stands as a document among all views of its database.
fn subject<'a>(operation: &'a RawDocument, op: &str, db: &str, collection: &'a str) -> Result<&'a str> {
    if collection != VIEWS {
        return Ok(collection);
    }
    let which = operation.get_document(if op == "u" { "o2" } else { "o" }).map_err(malformed)?;
    let id = which.get_str("_id").map_err(malformed)?;
    Ok(id.strip_prefix(db).and_then(|rest| rest.strip_prefix('.')).unwrap_or(id))
}

fn transaction<'a>(entry: &'a RawDocument, o: &RawDocument, scope: &Scope) -> Result<Option<Cow<'a, RawDocument>>> {
    let (mut kept, mut is_whole) = (RawArrayBuf::new(), true);
    for operation in o.get_array("applyOps").map_err(malformed)? {
        let operation = operation.map_err(malformed)?.as_document().ok_or_else(|| malformed("applyOps"))?;
        match sift(operation, scope)? {
            Some(Cow::Borrowed(operation)) => kept.push(operation),
            Some(Cow::Owned(operation)) => {
                kept.push(operation);
                is_whole = false;
            }
            None => is_whole = false,
        }
    }
    if is_whole {
        return Ok(Some(Cow::Borrowed(entry)));
    }
    // A link of a chain is kept, even an empty one: the next names it.
    let goes_on = o.get_bool("partialTxn").unwrap_or(false) || o.get_bool("prepare").unwrap_or(false);
    let before = entry.get_document("prevOpTime").and_then(|before| before.get_timestamp("ts"));
    if kept.is_empty() && !goes_on && !before.is_ok_and(|ts| ts.time != 0) {
        return Ok(None);
    }
    let mut inner = rawdoc! { "applyOps": kept };
    for field in o.iter().skip(1) {
        let (name, value) = field.map_err(malformed)?;
        inner.append(name, value);
    }
    with_command(entry, &inner).map(|entry| Some(Cow::Owned(entry)))
}

/// What was left out of the base cannot become a part of it; what becomes something left out is gone.
fn rename<'a>(
    entry: &'a RawDocument,
    o: &RawDocument,
    from: &str,
    scope: &Scope,
) -> Result<Option<Cow<'a, RawDocument>>> {
    let to = o.get_str("to").map_err(malformed)?;
    let ((from_db, from_name), (to_db, to_name)) = (split(from)?, split(to)?);
    match (scope.has(from_db, from_name), scope.has(to_db, to_name)) {
        (true, true) => Ok(Some(Cow::Borrowed(entry))),
        (false, false) => Ok(None),
        (true, false) => with_command(entry, &rawdoc! { "drop": from_name }).map(|entry| Some(Cow::Owned(entry))),
        (false, true) => {
            let what =
                format!("the log renames `{from}`, which was not backed up, to `{to}`").escape_debug().to_string();
            Err(Fault::new(FaultKind::Unsupported, what).help("back up both, or neither"))
        }
    }
}

/// The entry with another command.
fn with_command(entry: &RawDocument, command: &RawDocument) -> Result<RawDocumentBuf> {
    let mut whole = RawDocumentBuf::new();
    for field in entry {
        let (name, value) = field.map_err(malformed)?;
        if name != "o" {
            whole.append(name, value);
        }
    }
    whole.append(cstr!("o"), command);
    Ok(whole)
}
