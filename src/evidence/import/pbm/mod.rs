//! Percona Backup for MongoDB: `pbm status -o json`, `pbm list -o json` (`--unbacked`, `--restore`),
//! `pbm describe-backup NAME -o json`, `pbm describe-restore NAME -o json`; several outputs may follow each other.
//!
//! `list` hides failed backups, and ranges of the log without a base: prefer `status`, and add `describe-backup` of each
//! backup, since it alone says when one was complete.

mod backup;
mod log;
mod restore;

use super::gather::Gather;
use super::json::{self, Value};
use super::source::Source;
use crate::base::Result;

/// All at once: what one output lists, another one describes.
pub fn read(sources: &[Source], gather: &mut Gather<'_>) -> Result<()> {
    let mut bases = backup::Bases::default();
    let mut documents = vec![];
    for source in sources {
        documents.extend(json::documents(source)?);
    }
    for document in &documents {
        for list in lists(document)? {
            bases.learn(&list);
        }
        if is_description(document)? {
            bases.learn_one(document);
        }
    }
    documents.iter().try_for_each(|document| one(document, &bases, gather))
}

fn one(document: &Value<'_>, bases: &backup::Bases, gather: &mut Gather<'_>) -> Result<()> {
    if document.is_list() {
        return gather.records::<restore::Listed>(Some(document.clone()));
    }
    if document.field("backup")?.is_some() {
        return gather.record::<restore::Described>(document);
    }
    if is_description(document)? {
        return backup::take(document, bases, gather);
    }
    let lists = lists(document)?;
    let chunks = match document.field("backups")? {
        Some(backups) => backups.field("pitrChunks")?.map(|c| c.field("pitrChunks")).transpose()?.flatten(),
        None => None,
    };
    let pitr = document.field("pitr")?;
    if lists.is_empty() && chunks.is_none() && pitr.is_none() {
        let what = "`backups`, `snapshots`, `pitr`, a backup or a restore is expected: `pbm status -o json`";
        return Err(document.source.wrong(document.start(), what));
    }
    for list in lists {
        list.items().try_for_each(|value| backup::take(&value, bases, gather))?;
    }
    log::chunks(chunks, gather)?;
    pitr.map_or(Ok(()), |pitr| log::pitr(&pitr, gather))
}

/// The lists of backups of a status or a list.
fn lists<'a>(document: &Value<'a>) -> Result<Vec<Value<'a>>> {
    let of_status = document.field("backups")?.map(|backups| backups.field("snapshot")).transpose()?.flatten();
    let lists: Vec<Value<'a>> = of_status.into_iter().chain(document.field("snapshots")?).collect();
    match lists.iter().find(|list| !list.is_list()) {
        Some(wrong) => Err(document.source.wrong(wrong.start(), "a list of backups is expected there")),
        None => Ok(lists),
    }
}

fn is_description(document: &Value<'_>) -> Result<bool> {
    Ok(document.field("name")?.is_some() && document.field("replsets")?.is_some())
}
