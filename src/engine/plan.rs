//! What a restore needs, found and checked before the target is touched.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::expected::{self, Expected};
use super::foreign::{Foreign, Whole};
use super::selection::{Name, Selection};
use super::{contents, opened, points, route, users};
use crate::base::{Bytes, Fault, OpTime, Result};
use crate::policy::Consistency;
use crate::port::ObjectStore;
use crate::repository::manifest::ManifestKind;
use crate::repository::{CollectionEntry, Key, Manifest, ObjectEntry, OwnLog, SliceHeader, SliceName, SnapshotName};
use crate::seal::Recipient;

/// The state that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RestoreTo {
    /// The newest recovery point.
    Newest,
    /// The recovery point of this id.
    Point(String),
    /// Every write up to and including this cluster time.
    At(OpTime),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreRequest {
    pub asset: String,
    pub target: RestoreTo,
}

/// A slice of the log with where its data stands.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PlannedSlice {
    pub key: String,
    pub header: SliceHeader,
}

impl PlannedSlice {
    pub fn object(&self) -> ObjectEntry {
        ObjectEntry { key: self.key.clone(), bytes: self.header.bytes, sha256: self.header.sha256.clone() }
    }
}

/// A base, and the slices that roll it forward without a gap.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct RestorePlan {
    pub base: Manifest,
    /// In order; empty where the base itself is what is wanted.
    pub slices: Vec<PlannedSlice>,
    /// The last instant to replay; none where nothing is replayed.
    pub until: Option<OpTime>,
    /// How far the log at hand could roll this base.
    pub reaches: Option<OpTime>,
    /// What was found on the way and was not used, with why.
    pub notes: Vec<String>,
    /// Where the base is no recovery point of the repository, but a dump that another tool made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub foreign: Option<Foreign>,
    /// Which of the base's collections are restored, and under which names.
    #[serde(skip_serializing_if = "Selection::is_everything")]
    pub selection: Selection,
    /// Whose identities open what is encrypted of it.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub opened_by: BTreeSet<Recipient>,
    /// The time that it will take.
    pub expected: Expected,
}

/// Objects asked after at once.
const AT_ONCE: usize = 16;

pub async fn make(store: &dyn ObjectStore, request: &RestoreRequest) -> Result<RestorePlan> {
    make_of(store, request, Selection::default()).await
}

/// As [`make`], for some collections, or under other names. What is not restored need not be whole.
pub async fn make_of(store: &dyn ObjectStore, request: &RestoreRequest, selection: Selection) -> Result<RestorePlan> {
    let mut notes = Vec::new();
    let wanted = match &request.target {
        RestoreTo::Point(id) => vec![points::one(store, &SnapshotName::new(&request.asset, id)?).await?],
        _ => points::of(store, &request.asset, ManifestKind::Database, &mut notes).await?,
    };
    let slices = slices(store, &request.asset).await?;
    let mut plan = match request.target {
        RestoreTo::At(at) => roll_forward(store, wanted, &slices, at, &request.asset).await?,
        _ => {
            let base = wanted.into_iter().next().ok_or_else(|| no_point(&request.asset))?;
            let reaches = base.cluster_time.map(|from| route::reach(&slices, from));
            RestorePlan::of(base, reaches)
        }
    };
    plan.notes = notes;
    usable(&plan.base)?;
    plan.select(selection)?;
    all_there(store, &plan).await?;
    plan.opened_by = opened::by_each(store, &plan.objects()).await?;
    contents::put_back(store, &mut plan.base).await?;
    plan.expected = expected::by_drills(store, &plan).await;
    Ok(plan)
}

/// Every slice whose header exists, in order of time, by name alone.
async fn slices(store: &dyn ObjectStore, asset: &str) -> Result<Vec<SliceName>> {
    let listed = store.list(&SliceName::prefix(asset)?).await?;
    let names = listed.iter().filter_map(|object| match object.key.parse() {
        Ok(Key::SliceHeader(name)) => Some(name),
        _ => None,
    });
    let mut names: Vec<SliceName> = names.collect();
    names.sort_by_key(|name| (name.first, name.last));
    Ok(names)
}

async fn slice(store: &dyn ObjectStore, name: &SliceName) -> Result<PlannedSlice> {
    let key = name.header().to_string();
    let body = store.get(&key).await?;
    let header = SliceHeader::decode(&body, &key)?;
    if (header.asset.as_str(), header.first, header.last) != (name.asset.as_str(), name.first, name.last) {
        return Err(Fault::corrupt(format!("`{key}` is the header of another slice")));
    }
    Ok(PlannedSlice { key: header.data(name).to_string(), header })
}

/// The newest base from which a chain of slices leads to `at`.
async fn roll_forward(
    store: &dyn ObjectStore,
    bases: Vec<Manifest>,
    slices: &[SliceName],
    at: OpTime,
    asset: &str,
) -> Result<RestorePlan> {
    if bases.is_empty() {
        return Err(no_point(asset));
    }
    let mut furthest = None;
    for base in bases {
        let is_of_one_instant = base.consistency != Consistency::None;
        let Some(from) = base.cluster_time.filter(|from| is_of_one_instant && *from <= at) else { continue };
        let reaches = route::reach(slices, from);
        if let Some(names) = route::between(slices, from, at) {
            let chain = stream::iter(names).map(|name| slice(store, name)).buffered(AT_ONCE);
            let chain: Vec<PlannedSlice> = chain.try_collect().await?;
            linked(store, slices, &chain).await?;
            return Ok(RestorePlan { slices: chain, until: Some(at), ..RestorePlan::of(base, Some(reaches)) });
        }
        furthest = furthest.max(Some(reaches));
    }
    let instant = at.instant();
    Err(match furthest {
        None => Fault::missing(format!("no recovery point of `{asset}` lies at or before {instant} ({at})"))
            .help("`plimsoll inventory` lists the recovery points; name a later instant"),
        Some(reaches) => Fault::missing(format!("the log of `{asset}` does not reach {instant} ({at}) without a gap"))
            .help(format!("the last instant before it that can be restored is {reaches}: name it with --at {reaches}")),
    })
}

/// A slice that begins where others end, and names none of them as its predecessor, was not written after what is there.
async fn linked(store: &dyn ObjectStore, names: &[SliceName], slices: &[PlannedSlice]) -> Result<()> {
    for (before, after) in slices.iter().zip(slices.iter().skip(1)) {
        let named = after.header.previous.as_ref().filter(|_| before.header.last == after.header.first);
        let Some(named) = named.filter(|named| *named != before.header.link()) else { continue };
        // Slices may overlap: it may continue another that ends at the same instant.
        let ends_there = names.iter().filter(|name| name.last == after.header.first);
        let others: Vec<PlannedSlice> =
            stream::iter(ends_there).map(|name| slice(store, name)).buffered(AT_ONCE).try_collect().await?;
        if !others.iter().any(|other| other.header.link() == named.as_str()) {
            return Err(Fault::corrupt(format!("`{}` does not continue `{}`", after.key, before.key))
                .help("the target was not touched; one of the two was replaced after it was written"));
        }
    }
    Ok(())
}

fn no_point(asset: &str) -> Fault {
    Fault::missing(format!("there is no recovery point of a database for `{asset}`"))
        .help("`plimsoll inventory` lists what there is")
}

/// Whether this version can restore the base at all.
fn usable(base: &Manifest) -> Result<()> {
    if base.kind != ManifestKind::Database {
        return Err(Fault::usage(format!("`{}` of `{}` holds uploads, not a database", base.id, base.asset))
            .help("restore it with --uploads"));
    }
    let known: BTreeSet<&str> = base.objects.iter().map(|object| object.key.as_str()).collect();
    let needed = base.collections.iter().flat_map(|c| c.data.iter().chain([&c.metadata]));
    for key in needed.chain(base.own_log.iter().map(|log| &log.key)) {
        if !known.contains(key.as_str()) {
            return Err(Fault::corrupt(format!("the manifest of `{}` does not list `{key}`, which it needs", base.id)));
        }
    }
    if base.consistency == Consistency::Oplog && base.own_log.is_none() {
        let what = format!("the manifest of `{}` names no log of the time that it was read in", base.id);
        return Err(Fault::corrupt(what));
    }
    Ok(())
}

/// Every object there, with its size: a restore never begins that cannot end. Hashes are checked while reading.
async fn all_there(store: &dyn ObjectStore, plan: &RestorePlan) -> Result<()> {
    let objects = plan.objects();
    let checks = stream::iter(&objects).map(|object| async move {
        Ok::<_, Fault>(match store.head(&object.key).await? {
            None => Some(format!("`{}` is missing", object.key)),
            Some(info) if info.bytes != object.bytes => {
                Some(format!("`{}` has {} bytes instead of {}", object.key, info.bytes, object.bytes))
            }
            Some(_) => None,
        })
    });
    let wrong: Vec<String> =
        checks.buffered(AT_ONCE).try_filter_map(|wrong| std::future::ready(Ok(wrong))).try_collect().await?;
    let Some(first) = wrong.first() else { return Ok(()) };
    let more =
        if wrong.len() > 1 { format!(", and {} more objects are wrong", wrong.len() - 1) } else { String::new() };
    Err(Fault::corrupt(format!("`{}` cannot be restored: {first}{more}", plan.base.id))
        .help("the target was not touched; restore another point with --point, or another instant with --at"))
}

impl RestorePlan {
    /// Of a base alone.
    pub fn of(base: Manifest, reaches: Option<OpTime>) -> Self {
        let (slices, notes, selection) = (Vec::new(), Vec::new(), Selection::default());
        let expected = Expected::unknown("no drill yet");
        let opened_by = BTreeSet::new();
        RestorePlan { base, slices, until: None, reaches, notes, foreign: None, selection, opened_by, expected }
    }

    /// Everything that is read.
    pub fn objects(&self) -> Vec<ObjectEntry> {
        let of_collections = self.collections().flat_map(|c| c.data.iter().chain([&c.metadata]));
        let taken: BTreeSet<&String> = of_collections.chain(self.base.own_log.iter().map(|log| &log.key)).collect();
        let of_base = self.base.objects.iter();
        let of_base = of_base.filter(|object| self.selection.is_everything() || taken.contains(&object.key));
        of_base.cloned().chain(self.slices.iter().map(PlannedSlice::object)).collect()
    }

    /// Takes of the base, and of the log, what is selected.
    pub fn select(&mut self, selection: Selection) -> Result<()> {
        // A plan for everything stays one: the log is kept to the base's databases anyway.
        self.selection = if selection.is_everything() { selection } else { selection.within(&self.base.databases) };
        let mut written = BTreeMap::new();
        for entry in &self.base.collections {
            let Some((db, name)) = self.selection.target(&entry.db, &entry.name)? else { continue };
            if let Some(other) = written.insert((db, name), entry) {
                let (one, other) = (format!("{}.{}", other.db, other.name), format!("{}.{}", entry.db, entry.name));
                return Err(Fault::usage(format!("both `{one}` and `{other}` would be written to one collection")));
            }
        }
        let is_there = |name: &&Name| {
            self.base
                .collections
                .iter()
                .any(|c| c.db == name.db && name.collection.as_ref().is_none_or(|n| *n == c.name))
        };
        let absent = self.selection.named().find(|name| !is_there(name));
        match absent {
            // The log may make it yet.
            Some(name) if self.until.is_some() => {
                self.notes.push(format!("`{name}` is not in the base; it comes if the log makes it"));
                Ok(())
            }
            Some(name) => Err(Fault::missing(format!("there is no `{name}` in `{}`", self.base.id))
                .help(format!("it holds the databases {}", databases_of(&self.base).join(", ")))),
            None => Ok(()),
        }
    }

    /// The collections that are made, by the names that they have in the base.
    pub fn collections(&self) -> impl Iterator<Item = &CollectionEntry> {
        self.base.collections.iter().filter(|c| !users::is_of_them(&c.db) && self.target(c).is_some())
    }

    /// The name under which a collection of the base is written. A plan holds no clash of names: see [`Self::select`].
    pub fn target(&self, entry: &CollectionEntry) -> Option<(String, String)> {
        let (db, name) = self.selection.target(&entry.db, &entry.name).ok()??;
        Some((db.to_string(), name.into_owned()))
    }

    /// The databases of the log that count, as the log names them once it is rewritten; empty for all.
    pub fn scope(&self) -> &[String] {
        if self.selection.is_everything() { &self.base.databases } else { &[] }
    }

    /// Whether a database that is written to takes all of one, so that nothing else may be in it.
    pub fn fills(&self, db: &str) -> bool {
        let whole = |c: &CollectionEntry| self.selection.takes_whole(&c.db) && self.selection.database(&c.db) == db;
        self.collections().any(whole) || self.selection.singled_out(db).next().is_none()
    }

    /// The base, where all its collections are in one object.
    pub fn whole(&self) -> Option<&Whole> {
        self.foreign.as_ref()?.whole.as_ref()
    }

    /// What a restore that may replace drops first, where it is there.
    pub fn drops(&self) -> Vec<String> {
        let whole = self.databases().into_iter().filter(|db| self.fills(db));
        let targets = self.collections().filter_map(|c| self.target(c)).filter(|(db, _)| !self.fills(db));
        let names = whole.chain(targets.map(|(db, name)| format!("{db}.{name}")));
        names.map(|name| name.escape_debug().to_string()).collect()
    }

    /// Whether a log lies beside the base that makes it of one instant.
    pub fn has_own_log(&self) -> bool {
        self.base.own_log.is_some() || self.foreign.as_ref().is_some_and(|foreign| foreign.log.is_some())
    }

    /// The log of the base's own reading, with its object.
    pub fn own_log(&self) -> Result<Option<(&OwnLog, ObjectEntry)>> {
        let Some(log) = &self.base.own_log else { return Ok(None) };
        let object = self.base.objects.iter().find(|object| object.key == log.key).cloned();
        let unlisted = || Fault::corrupt(format!("the manifest of `{}` does not list `{}`", self.base.id, log.key));
        Ok(Some((log, object.ok_or_else(unlisted)?)))
    }

    /// Whether anything is replayed onto what is loaded.
    pub fn replays(&self) -> bool {
        self.until.is_some() || self.has_own_log()
    }

    /// Databases that are written to, in order.
    pub fn databases(&self) -> Vec<String> {
        let databases: BTreeSet<String> = self.collections().filter_map(|c| Some(self.target(c)?.0)).collect();
        databases.into_iter().collect()
    }

    pub fn documents(&self) -> u64 {
        self.collections().map(|c| c.documents).sum()
    }

    /// Raw BSON that is loaded.
    pub fn bytes_raw(&self) -> u64 {
        self.collections().map(|c| c.bytes).sum()
    }

    /// Collections that get other names: from, to.
    pub fn renamed(&self) -> Vec<(String, String)> {
        let named = self.collections().filter_map(|c| Some((format!("{}.{}", c.db, c.name), self.target(c)?)));
        let named = named.map(|(from, (db, name))| (from, format!("{db}.{name}"))).filter(|(from, to)| from != to);
        named.map(|(from, to)| (from.escape_debug().to_string(), to.escape_debug().to_string())).collect()
    }

    /// The plan in words, for a human to agree with.
    pub fn describe(&self) -> String {
        if let Some(foreign) = &self.foreign {
            return foreign.describe(self);
        }
        let base = &self.base;
        let fetch: u64 = self.objects().iter().map(|object| object.bytes).sum();
        let mut text = format!("Restore `{}`\n", base.asset);
        let mut line = |name: &str, value: String| text.push_str(&format!("  {name:<10} {value}\n"));
        line("base", format!("{}, the state of {}", base.id, base.consistent_at));
        let holds = count(self.collections().count(), "collection");
        let of = if self.selection.is_everything() { String::new() } else { format!(" of {}", base.collections.len()) };
        let holds = format!("{holds}{of} in {}", databases_of(base).join(", "));
        line("holds", format!("{holds}; {} documents, {}", self.documents(), Bytes(self.bytes_raw())));
        self.renamed().into_iter().for_each(|(from, to)| line("renames", format!("{from} to {to}")));
        if !base.exclude.is_empty() {
            let left_out: Vec<String> = base.exclude.iter().map(|e| e.to_string().escape_debug().to_string()).collect();
            line("without", format!("{}, left out when it was backed up", left_out.join(", ")));
        }
        if let Some(own) = &base.own_log {
            let entries = format!("{} entries of its own log, from {} on", own.entries, own.first.instant());
            line("replays", format!("{entries}: they make of one instant what was read one after another"));
        }
        if let Some(until) = self.until {
            let to = format!("to {} ({until}) included", until.instant());
            line("replays", format!("{} of the log, {to}", count(self.slices.len(), "slice")));
        } else if let Some(reaches) = self.reaches.filter(|reaches| Some(*reaches) > base.cluster_time) {
            line("", format!("the log could roll it forward to {} (--at {reaches})", reaches.instant()));
        }
        line("reads", format!("{} in {}", Bytes(fetch), count(self.objects().len(), "object")));
        if !self.opened_by.is_empty() {
            let by: Vec<&str> = self.opened_by.iter().map(Recipient::as_str).collect();
            line("opened by", by.join(", "));
        }
        line("takes", self.expected.describe());
        if base.consistency == Consistency::None {
            line("warning", "the base is not of one instant: it may hold parts of several states".to_string());
        }
        self.notes.iter().for_each(|note| line("note", note.clone()));
        text
    }
}

pub(super) fn databases_of(base: &Manifest) -> Vec<String> {
    let collections = base.collections.iter().filter(|c| !users::is_of_them(&c.db));
    let databases: BTreeSet<&String> = collections.map(|c| &c.db).collect();
    databases.into_iter().map(|db| db.escape_debug().to_string()).collect()
}

/// `1 object`, `2 objects`.
pub fn count(n: usize, thing: &str) -> String {
    if n == 1 { format!("1 {thing}") } else { format!("{n} {thing}s") }
}
