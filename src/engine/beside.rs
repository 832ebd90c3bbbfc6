//! The log that lies beside a dump that was read plainly, as Plimsoll and `mongodump --oplog` write it: it covers the time in which the collections were read, one after
//! another, and replayed onto them it makes them of one instant.
//!
//! What it says may be in the dump already. So an insert replaces what is there, and a collection is not made twice. An
//! update may find no document, or a write no collection, but then only because they were gone when the dump was made: the
//! log must say so, before it ends, or the dump lacks what it should hold.

use std::collections::BTreeSet;

use bson::{RawDocument, RawDocumentBuf, cstr, rawdoc};
use futures_util::StreamExt;

use super::content::documents;
use super::event::{Event, Listener};
use super::foreign::feed;
use super::gather::Batch;
use super::loader::Prepared;
use super::plan::RestorePlan;
use super::replay::{PHASE, taken};
use super::translate::{Operation, Translator, malformed, split};
use super::unpack;
use crate::base::{Codec, Fault, FaultKind, Result};
use crate::port::{Flow, MongoTarget, ObjectStore};

/// Views stand in a collection that every database has when it needs it.
const VIEWS: &str = "system.views";
const BATCH_OPERATIONS: usize = 1_000;
const BATCH_BYTES: usize = 2 << 20;

/// Tries the whole log without a server, so that what cannot be replayed is known beforehand.
pub async fn rehearse(
    plan: &RestorePlan,
    store: &dyn ObjectStore,
    translator: &mut Translator,
    collections: &[Prepared],
) -> Result<u64> {
    let mut forgiving = Forgiving::of(plan, collections);
    let (mut operations, mut entries) = (0, 0);
    let Some(mut batches) = batches(plan, store).await? else { return Ok(0) };
    translator.repeats = true;
    while let Some(batch) = batches.next().await {
        for entry in documents(&batch?.bytes) {
            operations += translated(entry?, plan, translator, &mut forgiving)?.len() as u64;
            entries += 1;
        }
    }
    translator.repeats = false;
    if let Some(own) = plan.base.own_log.as_ref().filter(|own| own.entries != entries) {
        let said = own.entries;
        return Err(Fault::corrupt(format!("`{}` holds {entries} entries, its manifest says {said}", own.key)));
    }
    forgiving.ended()?;
    Ok(operations)
}

/// Replays the log and returns the number of operations.
pub async fn replay(
    plan: &RestorePlan,
    store: &dyn ObjectStore,
    target: &dyn MongoTarget,
    listener: &dyn Listener,
    translator: &mut Translator,
    collections: &[Prepared],
) -> Result<u64> {
    let mut forgiving = Forgiving::of(plan, collections);
    let mut writer = Writer { target, listener, pending: Vec::new(), bytes: 0, applied: 0, missed: BTreeSet::new() };
    let Some(mut batches) = batches(plan, store).await? else { return Ok(0) };
    while let Some(batch) = batches.next().await {
        for entry in documents(&batch?.bytes) {
            for operation in translated(entry?, plan, translator, &mut forgiving)? {
                writer.take(operation).await?;
            }
        }
    }
    writer.flush().await?;
    match writer.missed.first() {
        None => Ok(writer.applied),
        Some((ns, _)) => Err(Fault::corrupt(format!(
            "the log changes {} documents, of `{}` and others, that are neither in the dump nor gone by its end",
            writer.missed.len(),
            ns.escape_debug()
        ))
        .help("the dump is not whole: restore another one")),
    }
}

async fn batches(plan: &RestorePlan, store: &dyn ObjectStore) -> Result<Option<Flow<Batch>>> {
    if let Some((own, object)) = plan.own_log()? {
        let codec = if own.gzip { Codec::Gzip } else { Codec::Plain };
        return Ok(Some(Box::pin(unpack::packed(store, &object, codec).await?)));
    }
    let Some(foreign) = plan.foreign.as_ref().filter(|foreign| foreign.log.is_some()) else { return Ok(None) };
    Ok(Some(match (&foreign.whole, &foreign.log_object) {
        (Some(whole), _) => feed::log(whole, store).await?,
        (None, Some((object, codec))) => Box::pin(unpack::packed(store, object, *codec).await?),
        (None, None) => return Err(Fault::bug("a log that is nowhere")),
    }))
}

fn translated(
    entry: &[u8],
    plan: &RestorePlan,
    translator: &mut Translator,
    forgiving: &mut Forgiving,
) -> Result<Vec<Operation>> {
    let entry = RawDocument::from_bytes(entry).map_err(malformed)?;
    let Some(entry) = taken(entry, plan)? else { return Ok(Vec::new()) };
    let mut operations = Vec::new();
    for operation in translator.feed(&entry)? {
        forgiving.adapt(operation, &mut operations)?;
    }
    Ok(operations)
}

/// Makes operations do no harm where the dump knows already what they say.
struct Forgiving {
    /// Database and collection, as they stand.
    known: BTreeSet<(String, String)>,
    /// Written to, and not of the dump: gone when it began, and the log must say so before it ends.
    gone: BTreeSet<(String, String)>,
    /// The dump lists its collections as they stood when the log began, so that a rename is known for what it is.
    is_exact: bool,
}

impl Forgiving {
    fn of(plan: &RestorePlan, collections: &[Prepared]) -> Self {
        let names =
            collections.iter().flat_map(|c| [c.entry.name.clone(), c.stored_in()].map(|n| (c.entry.db.clone(), n)));
        Forgiving { known: names.collect(), gone: BTreeSet::new(), is_exact: plan.base.own_log.is_some() }
    }

    fn ended(&self) -> Result<()> {
        self.gone.first().map_or(Ok(()), |(db, name)| {
            let name = format!("{db}.{name}").escape_debug().to_string();
            Err(Fault::corrupt(format!("the log beside the dump writes to `{name}`, which the dump does not hold"))
                .help("the dump is not whole: restore another one"))
        })
    }

    fn adapt(&mut self, operation: Operation, out: &mut Vec<Operation>) -> Result<()> {
        match operation {
            Operation::Write(write) => {
                let (db, name) = split(write.get_str("ns").map_err(malformed)?)?;
                let place = (db.to_string(), name.to_string());
                if name != VIEWS && !self.known.contains(&place) {
                    self.gone.insert(place);
                    return Ok(());
                }
                let is_new = write.get_str("op").map_err(malformed)? == "i";
                let o = write.get_document("o").map_err(malformed)?;
                let replaces =
                    write.get("o2").map_err(malformed)?.is_some() && o.get("$v").map_err(malformed)?.is_none();
                if is_new || replaces {
                    out.push(Operation::Write(of_id(&write, "d", &id(&write)?)?));
                }
                out.push(Operation::Write(if replaces { of_id(&write, "i", o)? } else { write }));
                Ok(())
            }
            Operation::Change(change) => {
                if self.counts(&change)? {
                    out.push(Operation::Change(change));
                }
                Ok(())
            }
        }
    }

    /// Whether a change to collections is still to be made.
    fn counts(&mut self, change: &RawDocument) -> Result<bool> {
        let db = change.get_str("ns").map_err(malformed)?.trim_end_matches(".$cmd").to_string();
        let o = change.get_document("o").map_err(malformed)?;
        let (name, subject) =
            o.iter().next().ok_or_else(|| malformed("a command without a name"))?.map_err(malformed)?;
        let place = (db.clone(), subject.as_str().unwrap_or_default().to_string());
        match name.as_str() {
            "create" => Ok(self.known.insert(place)),
            "drop" => {
                self.gone.remove(&place);
                Ok(self.known.remove(&place))
            }
            "dropDatabase" => {
                self.gone.retain(|(other, _)| *other != db);
                self.known.retain(|(other, _)| *other != db);
                Ok(true)
            }
            "renameCollection" if self.is_exact => {
                let (_, from) = split(&place.1)?;
                let (_, to) = split(o.get_str("to").map_err(malformed)?)?;
                let is_known = self.known.remove(&(db.clone(), from.to_string()));
                self.known.insert((db, to.to_string()));
                Ok(is_known)
            }
            "renameCollection" => {
                let what = format!("the log beside the dump renames `{}`", place.1.escape_debug());
                Err(Fault::new(FaultKind::Unsupported, what)
                    .help("make the dump again when nobody renames collections"))
            }
            _ => Ok(self.known.contains(&place)),
        }
    }
}

/// The same write as another kind.
fn of_id(write: &RawDocument, op: &str, o: &RawDocument) -> Result<RawDocumentBuf> {
    let mut other = rawdoc! { "op": op, "ns": write.get_str("ns").map_err(malformed)? };
    other.append(cstr!("ts"), write.get_timestamp("ts").map_err(malformed)?);
    other.append(cstr!("o"), o);
    Ok(other)
}

/// `{_id}` of what is written.
fn id(write: &RawDocument) -> Result<RawDocumentBuf> {
    let which = if write.get("o2").map_err(malformed)?.is_some() { "o2" } else { "o" };
    let which = write.get_document(which).map_err(malformed)?;
    let id = which.get("_id").map_err(malformed)?.ok_or_else(|| malformed("a write without `_id`"))?;
    let mut only = RawDocumentBuf::new();
    only.append(cstr!("_id"), id);
    Ok(only)
}

struct Writer<'a> {
    target: &'a dyn MongoTarget,
    listener: &'a dyn Listener,
    pending: Vec<RawDocumentBuf>,
    bytes: usize,
    applied: u64,
    /// Documents that an update did not find, until the log says what became of them.
    missed: BTreeSet<(String, Vec<u8>)>,
}

impl Writer<'_> {
    async fn take(&mut self, operation: Operation) -> Result<()> {
        match operation {
            Operation::Write(write) => {
                let bytes = write.as_bytes().len();
                if self.pending.len() == BATCH_OPERATIONS || self.bytes + bytes > BATCH_BYTES {
                    self.flush().await?;
                }
                self.bytes += bytes;
                self.pending.push(write);
                Ok(())
            }
            Operation::Change(change) => {
                self.flush().await?;
                self.target.apply_ops(std::slice::from_ref(&change)).await?;
                self.changed(&change)?;
                self.done(1);
                Ok(())
            }
        }
    }

    /// What was missed in a collection is gone with it, or has its new name.
    fn changed(&mut self, change: &RawDocument) -> Result<()> {
        let db = change.get_str("ns").map_err(malformed)?.trim_end_matches(".$cmd");
        let o = change.get_document("o").map_err(malformed)?;
        if let Ok(dropped) = o.get_str("drop") {
            let ns = format!("{db}.{dropped}");
            self.missed.retain(|(other, _)| *other != ns);
        }
        if o.get("dropDatabase").map_err(malformed)?.is_some() {
            self.missed.retain(|(other, _)| split(other).map_or(true, |(other, _)| other != db));
        }
        if let (Ok(from), Ok(to)) = (o.get_str("renameCollection"), o.get_str("to")) {
            let renamed = |(ns, id): (String, Vec<u8>)| (if ns == from { to.to_string() } else { ns }, id);
            self.missed = std::mem::take(&mut self.missed).into_iter().map(renamed).collect();
        }
        Ok(())
    }

    /// All at once; where the server refuses one, all of them again, each by itself: what was done already does no harm.
    async fn flush(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        self.bytes = 0;
        if pending.is_empty() {
            return Ok(());
        }
        let refused = match self.target.apply_ops(&pending).await {
            Ok(()) => false,
            Err(fault) if is_refusal(&fault) => true,
            Err(fault) => return Err(fault),
        };
        for write in &pending {
            let place = (write.get_str("ns").map_err(malformed)?.to_string(), id(write)?.as_bytes().to_vec());
            let is_update = write.get_str("op").map_err(malformed)? == "u";
            let applied = if refused { self.target.apply_ops(std::slice::from_ref(write)).await } else { Ok(()) };
            match applied {
                Err(fault) if is_update && is_refusal(&fault) => drop(self.missed.insert(place)),
                Err(fault) => return Err(fault),
                Ok(()) => drop(self.missed.remove(&place)),
            }
        }
        self.done(pending.len() as u64);
        Ok(())
    }

    fn done(&mut self, by: u64) {
        self.applied += by;
        self.listener.on(Event::Advanced { phase: PHASE, by });
    }
}

/// The server answered, and refused.
fn is_refusal(fault: &Fault) -> bool {
    matches!(fault.kind, FaultKind::Corrupt | FaultKind::Unsupported)
}
