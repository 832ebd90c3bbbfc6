//! An entry of a log as it is for a restore of some collections, or to other names: what is not taken is left out, also
//! of transactions, and what is taken has its new name, wherever an entry can hold one.

use std::borrow::Cow;

use bson::raw::RawArrayBuf;
use bson::{RawBsonRef, RawDocument, RawDocumentBuf, rawdoc};

use super::index_book::BUCKETS;
use super::selection::Selection;
use super::translate::{malformed, split};
use crate::base::{Fault, FaultKind, Result};

const VIEWS: &str = "system.views";

/// The entry as `selection` takes it; none if it does not.
pub fn rewrite<'a>(entry: &'a RawDocument, selection: &Selection) -> Result<Option<Cow<'a, RawDocument>>> {
    if selection.is_everything() {
        return Ok(Some(Cow::Borrowed(entry)));
    }
    Ok(taken(entry, selection)?.map(Cow::Owned))
}

/// As [`rewrite`], and without what belongs to the server itself, in any case.
pub fn taken(entry: &RawDocument, selection: &Selection) -> Result<Option<RawDocumentBuf>> {
    operation(entry, selection)
}

fn operation(entry: &RawDocument, selection: &Selection) -> Result<Option<RawDocumentBuf>> {
    let op = entry.get_str("op").map_err(malformed)?;
    if op == "n" {
        return Ok(None);
    }
    let (db, collection) = split(entry.get_str("ns").map_err(malformed)?)?;
    let o = entry.get_document("o").map_err(malformed)?;
    match op {
        "c" => command(entry, db, o, selection),
        _ if collection == VIEWS => view(entry, db, selection),
        _ => match selection.target(db, collection)? {
            Some((db, collection)) => with(entry, &[("ns", format!("{db}.{collection}").into())]).map(Some),
            None => Ok(None),
        },
    }
}

/// A view or time series: a document among all views of its database.
fn view(entry: &RawDocument, db: &str, selection: &Selection) -> Result<Option<RawDocumentBuf>> {
    let which = if entry.get("o2").map_err(malformed)?.is_some() { "o2" } else { "o" };
    let id = entry.get_document(which).and_then(|which| which.get_str("_id")).map_err(malformed)?;
    let Some(name) = id.strip_prefix(db).and_then(|rest| rest.strip_prefix('.')) else { return Ok(None) };
    let Some((to_db, to_name)) = selection.target(db, name)? else { return Ok(None) };
    let id = format!("{to_db}.{to_name}");
    let renamed = |field: &str| -> Result<Option<RawDocumentBuf>> {
        let Ok(document) = entry.get_document(field) else { return Ok(None) };
        let mut changes: Vec<(&str, New)> = Vec::new();
        if document.get("_id").map_err(malformed)?.is_some() {
            changes.push(("_id", id.clone().into()));
        }
        // A time series is a view of its own buckets, which go with it.
        if document.get_str("viewOn").is_ok_and(|on| on.strip_prefix(BUCKETS) == Some(name)) {
            changes.push(("viewOn", format!("{BUCKETS}{to_name}").into()));
        }
        with(document, &changes).map(Some)
    };
    let mut changes: Vec<(&str, New)> = vec![("ns", format!("{to_db}.{VIEWS}").into())];
    for field in ["o", "o2"] {
        changes.extend(renamed(field)?.map(|document| (field, document.into())));
    }
    with(entry, &changes).map(Some)
}

fn command(entry: &RawDocument, db: &str, o: &RawDocument, selection: &Selection) -> Result<Option<RawDocumentBuf>> {
    let (name, subject) = o.iter().next().ok_or_else(|| malformed("a command without a name"))?.map_err(malformed)?;
    let name = name.as_str();
    let ns = |db: &str| ("ns", New::from(format!("{db}.$cmd")));
    match (name, subject.as_str()) {
        ("commitTransaction" | "abortTransaction", _) => Ok(Some(entry.to_owned())),
        ("applyOps", _) => transaction(entry, o, selection),
        ("renameCollection", Some(from)) => rename(entry, o, from, selection),
        // Each of its collections was dropped before it, and others may share the database that is written to.
        ("dropDatabase", _) => {
            let alone = selection.takes_whole(db) && selection.singled_out(selection.database(db)).next().is_none();
            if alone { with(entry, &[ns(selection.database(db))]).map(Some) } else { Ok(None) }
        }
        (_, Some(VIEWS)) if selection.takes_whole(db) => with(entry, &[ns(selection.database(db))]).map(Some),
        // They are made with the first view, and those of others may be among them.
        ("create", Some(VIEWS)) => Ok(None),
        (_, Some(VIEWS)) if selection.has_database(db) => {
            Err(refused(&format!("`{name}` of all views of `{db}`, of which only some are restored")))
        }
        (_, Some(collection)) => match selection.target(db, collection)? {
            Some((db, collection)) => {
                let o = with(o, &[(name, collection.into_owned().into())])?;
                with(entry, &[ns(db), ("o", o.into())]).map(Some)
            }
            None => Ok(None),
        },
        (_, None) if selection.has_database(db) => with(entry, &[ns(selection.database(db))]).map(Some),
        (_, None) => Ok(None),
    }
}

fn transaction(entry: &RawDocument, o: &RawDocument, selection: &Selection) -> Result<Option<RawDocumentBuf>> {
    let mut kept = RawArrayBuf::new();
    for inner in o.get_array("applyOps").map_err(malformed)? {
        let inner = inner.map_err(malformed)?.as_document().ok_or_else(|| malformed("applyOps"))?;
        if let Some(inner) = operation(inner, selection)? {
            kept.push(inner);
        }
    }
    // A link of a chain is kept, even an empty one: the next names it.
    let goes_on = o.get_bool("partialTxn").unwrap_or(false) || o.get_bool("prepare").unwrap_or(false);
    let before = entry.get_document("prevOpTime").and_then(|before| before.get_timestamp("ts"));
    if kept.is_empty() && !goes_on && !before.is_ok_and(|ts| ts.time != 0) {
        return Ok(None);
    }
    let o = with(o, &[("applyOps", New::Array(kept))])?;
    with(entry, &[("o", o.into())]).map(Some)
}

/// Both names must be taken, or none: what was another collection before is not in the base.
fn rename(entry: &RawDocument, o: &RawDocument, from: &str, selection: &Selection) -> Result<Option<RawDocumentBuf>> {
    let to = o.get_str("to").map_err(malformed)?;
    let target = |ns: &str| -> Result<Option<(String, String)>> {
        let (db, collection) = split(ns)?;
        let target = selection.target(db, collection)?;
        Ok(target.map(|(db, collection)| (db.to_string(), format!("{db}.{collection}"))))
    };
    match (target(from)?, target(to)?) {
        (None, None) => Ok(None),
        (Some((db, from)), Some((_, to))) => {
            let o = with(o, &[("renameCollection", from.into()), ("to", to.into())])?;
            with(entry, &[("ns", format!("{db}.$cmd").into()), ("o", o.into())]).map(Some)
        }
        _ => Err(refused(&format!("`renameCollection` of `{from}` to `{to}`, of which only one is restored"))),
    }
}

/// A rename as stock tools replay it rightly. The log names a collection that is dropped on the way by its UUID, which is
/// another one on every server, so they drop nothing; and they build indexes at the end, where they were before the rename.
/// `indexes` are those of a collection as it stands.
pub fn apart(
    entry: RawDocumentBuf,
    indexes: impl Fn(&str, &str) -> Result<Vec<RawDocumentBuf>>,
) -> Result<Vec<RawDocumentBuf>> {
    let o = entry.get_document("o").map_err(malformed)?;
    let (Ok(from), Ok(to)) = (o.get_str("renameCollection"), o.get_str("to")) else { return Ok(vec![entry]) };
    let ((from_db, from), (to_db, to)) = (split(from)?, split(to)?);
    let of = |db: &str, o: RawDocumentBuf| with(&entry, &[("ns", format!("{db}.$cmd").into()), ("o", o.into())]);
    let (mut without, mut drops) = (RawDocumentBuf::new(), false);
    for field in o {
        let (name, value) = field.map_err(malformed)?;
        match name == "dropTarget" {
            true => drops = value.as_bool() != Some(false),
            false => without.append(name, value),
        }
    }
    let mut apart = Vec::new();
    if drops {
        apart.push(of(to_db, rawdoc! { "drop": to })?);
    }
    apart.push(of(from_db, rawdoc! { "dropIndexes": from, "index": "*" })?);
    apart.push(of(from_db, without)?);
    for index in indexes(from_db, from)? {
        let mut create = rawdoc! { "createIndexes": to };
        for field in &index {
            let (name, value) = field.map_err(malformed)?;
            create.append(name, value);
        }
        apart.push(of(to_db, create)?);
    }
    Ok(apart)
}

fn refused(what: &str) -> Fault {
    Fault::new(FaultKind::Unsupported, format!("the log holds {}", what.escape_debug()))
        .help("restore both (--only may be given more than once), or to an instant before it")
}

/// What stands in place of a field's value.
enum New {
    Text(String),
    Document(RawDocumentBuf),
    Array(RawArrayBuf),
}

impl From<String> for New {
    fn from(text: String) -> Self {
        New::Text(text)
    }
}

impl From<RawDocumentBuf> for New {
    fn from(document: RawDocumentBuf) -> Self {
        New::Document(document)
    }
}

/// The document with other values in some of its fields.
fn with(document: &RawDocument, changes: &[(&str, New)]) -> Result<RawDocumentBuf> {
    let mut changed = RawDocumentBuf::new();
    for field in document {
        let (name, value) = field.map_err(malformed)?;
        let new = changes.iter().find(|(of, _)| name == *of).map(|(_, new)| new);
        match new {
            Some(New::Text(text)) => changed.append(name, text.as_str()),
            Some(New::Document(document)) => changed.append(name, RawBsonRef::Document(document)),
            Some(New::Array(array)) => changed.append(name, RawBsonRef::Array(array)),
            None => changed.append(name, value),
        }
    }
    Ok(changed)
}
