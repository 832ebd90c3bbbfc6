//! Puts a recovery point into a server: collections, documents, the log on top, indexes last.
//!
//! Nothing is written before all is known to be there: objects (the plan), options and indexes, a log that can be
//! replayed to its end, and a target that holds nothing of the same names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::event::{Event, Listener, Unit};
use super::head_count::HeadCount;
use super::index_book::IndexBook;
use super::loader::{self, Prepared};
use super::phases::Phases;
use super::plan::RestorePlan;
use super::translate::Translator;
use super::users::{self, Accounts};
use super::{beside, foreign, metadata, replay};
use crate::base::{Fault, FaultKind, Instant, OpTime, Result};
use crate::evidence::Phase;
use crate::port::CollectionKind;
use crate::port::{Clock, MongoTarget, ObjectStore};

#[derive(Debug, Clone)]
pub struct RestoreOptions {
    /// Batches in flight to the server.
    pub workers: usize,
    /// Drop databases of the same names first; without it a target that holds any of them is refused.
    pub replace: bool,
    /// Users and roles too, where the recovery point holds them.
    pub users_and_roles: bool,
}

impl Default for RestoreOptions {
    fn default() -> Self {
        RestoreOptions { workers: 4, replace: false, users_and_roles: false }
    }
}

/// What a restore did.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Restored {
    /// Id of the recovery point.
    pub point: String,
    /// The cluster time up to which the target holds every write; none where the base has no cluster time.
    pub until: Option<OpTime>,
    pub started_at: Instant,
    pub ended_at: Instant,
    pub databases: Vec<String>,
    pub documents: u64,
    /// Raw BSON bytes loaded.
    pub bytes: u64,
    /// Operations of the log that were applied.
    pub operations: u64,
    /// Users and roles that the target took over.
    pub accounts: u64,
    /// Writes of the log that a restore leaves out, by namespace: those to users and roles.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub uncovered: BTreeMap<String, u64>,
    pub phases: Vec<Phase>,
}

const METADATA_AT_ONCE: usize = 16;
const INDEX_BUILDS_AT_ONCE: usize = 2;

pub async fn run(
    plan: &RestorePlan,
    store: Arc<dyn ObjectStore>,
    target: &dyn MongoTarget,
    clock: &dyn Clock,
    listener: &dyn Listener,
    options: &RestoreOptions,
) -> Result<Restored> {
    let started_at = clock.now();
    let mut phases = Phases { listener, done: Vec::new() };
    let ready = check(plan, store.as_ref(), target, &mut phases, options).await?;
    let done = write(plan, store.as_ref(), target, &mut phases, &ready, options).await;
    let done = done.map_err(|fault| stopped(fault, &ready.databases))?;
    Ok(Restored {
        point: plan.base.id.clone(),
        until: plan.until.or(plan.base.cluster_time),
        started_at,
        ended_at: clock.now(),
        databases: ready.databases,
        documents: done.documents,
        bytes: done.bytes,
        operations: done.operations,
        accounts: ready.accounts.map_or(0, |accounts| accounts.count),
        uncovered: ready.uncovered,
        phases: phases.done,
    })
}

/// All that was found out before the target is touched.
pub(super) struct Ready {
    pub collections: Vec<Prepared>,
    /// As the base has them, and as they must be in the end.
    base_indexes: IndexBook,
    pub indexes: IndexBook,
    /// How many documents there must be in the end.
    pub counts: HeadCount,
    /// Writes of the log that are not replayed, by namespace.
    uncovered: BTreeMap<String, u64>,
    /// Where they are wanted.
    accounts: Option<Accounts>,
    with_views: BTreeSet<String>,
    /// Of the log, that will be applied.
    operations: u64,
    /// Databases that the restore writes to.
    pub databases: Vec<String>,
    /// Databases of those names that the target holds, or single collections of them, and that may be dropped.
    to_drop: Vec<(String, Option<String>)>,
}

pub(super) async fn check(
    plan: &RestorePlan,
    store: &dyn ObjectStore,
    target: &dyn MongoTarget,
    phases: &mut Phases<'_>,
    options: &RestoreOptions,
) -> Result<Ready> {
    let checking = phases.begin("check", None, Unit::Objects);
    let collections = prepare(plan, store).await?;
    let accounts = if options.users_and_roles { Some(users::read(plan, store).await?) } else { None };
    views_that_change(plan, &collections).into_iter().for_each(|warning| phases.listener.on(Event::Warning(warning)));
    let (mut base_indexes, mut counts, mut with_views) = (IndexBook::default(), HeadCount::default(), BTreeSet::new());
    for collection in &collections {
        let entry = &collection.entry;
        collection.indexes.iter().try_for_each(|index| base_indexes.add(&entry.db, &entry.name, index))?;
        if entry.kind != CollectionKind::Collection {
            with_views.insert(entry.db.clone());
        }
        if entry.kind != CollectionKind::View {
            counts.load(&entry.db, &collection.stored_in(), entry.documents);
        }
    }
    let mut rehearsal = Translator::new(plan.scope(), base_indexes.clone(), counts, with_views.clone());
    let own = beside::rehearse(plan, store, &mut rehearsal, &collections).await?;
    let operations = own + replay::rehearse(plan, store, &mut rehearsal).await?;
    for (namespace, writes) in &rehearsal.uncovered {
        let left_out =
            format!("{writes} writes of the log to `{namespace}` are not replayed: make those changes by hand");
        phases.listener.on(Event::Warning(left_out));
    }
    let databases: BTreeSet<String> = plan.databases().into_iter().chain(rehearsal.touched.clone()).collect();
    let mut to_drop = Vec::new();
    for db in target.databases().await?.into_iter().filter(|db| databases.contains(db)) {
        let (held, fills) = (target.collections(&db).await?, plan.fills(&db));
        if !fills && held.iter().any(|c| c.kind != CollectionKind::Collection) {
            with_views.insert(db.clone());
        }
        let is_in_the_way = |name: &str| fills || plan.selection.singled_out(&db).any(|other| other == name);
        let held: Vec<String> = held.into_iter().map(|c| c.name).filter(|name| is_in_the_way(name)).collect();
        match held.first() {
            Some(_) if options.replace && fills => to_drop.push((db, None)),
            Some(_) if options.replace => to_drop.extend(held.into_iter().map(|name| (db.clone(), Some(name)))),
            Some(first) => return Err(not_empty(target, &db, first, held.len()).await),
            None => {}
        }
    }
    phases.end(checking, 0);
    let databases = databases.into_iter().collect();
    let Translator { indexes, counts, uncovered, .. } = rehearsal;
    Ok(Ready {
        collections,
        base_indexes,
        indexes,
        counts,
        uncovered,
        accounts,
        with_views,
        operations,
        databases,
        to_drop,
    })
}

/// What is needed to make each collection: from its metadata, or as it was found in a dump that is one object.
pub(super) async fn prepare(plan: &RestorePlan, store: &dyn ObjectStore) -> Result<Vec<Prepared>> {
    let mut prepared: Vec<Prepared> = match plan.whole() {
        Some(whole) => whole.collections.iter().filter(|c| plan.target(&c.entry).is_some()).cloned().collect(),
        None => {
            let read = stream::iter(plan.collections()).map(|entry| metadata::prepare(store, &plan.base, entry));
            read.buffered(METADATA_AT_ONCE).try_collect().await?
        }
    };
    for collection in &mut prepared {
        // From here on, by the names that are written.
        if let Some((db, name)) = plan.target(&collection.entry) {
            (collection.entry.db, collection.entry.name) = (db, name);
        }
    }
    Ok(prepared)
}

/// A view looks at a collection by its name alone: what is renamed or left out, it no longer finds.
fn views_that_change(plan: &RestorePlan, collections: &[Prepared]) -> Vec<String> {
    let views = collections.iter().filter(|c| c.entry.kind == CollectionKind::View);
    let changed = views.filter_map(|view| {
        let on = view.options.get_str("viewOn").ok()?;
        let (db, name) = (&view.entry.db, &view.entry.name);
        let is_found = collections.iter().any(|c| c.entry.db == *db && c.entry.name == on);
        (!is_found && !plan.selection.is_everything())
            .then(|| format!("the view `{db}.{name}` looks at `{on}`, which is not restored under that name"))
    });
    changed.collect()
}

async fn not_empty(target: &dyn MongoTarget, db: &str, first: &str, collections: usize) -> Fault {
    let address = target.info().await.map_or_else(|_| "the target".to_string(), |info| info.address);
    let more = if collections > 1 { format!(" and {} more", collections - 1) } else { String::new() };
    Fault::new(FaultKind::Conflict, format!("{address} already holds a database `{db}`, with `{first}`{more}"))
        .help("nothing was changed; restore into another server, or drop it first with --replace")
}

/// What was written.
pub(super) struct Done {
    pub documents: u64,
    pub bytes: u64,
    pub operations: u64,
}

pub(super) async fn write(
    plan: &RestorePlan,
    store: &dyn ObjectStore,
    target: &dyn MongoTarget,
    phases: &mut Phases<'_>,
    ready: &Ready,
    options: &RestoreOptions,
) -> Result<Done> {
    for (db, collection) in &ready.to_drop {
        match collection {
            Some(collection) => target.drop_collection(db, collection).await?,
            None => target.drop_database(db).await?,
        }
    }
    let listener = phases.listener;
    let loading = phases.begin(loader::PHASE, Some(plan.bytes_raw()), Unit::Bytes);
    loader::create(target, &ready.collections).await?;
    let effort = Arc::default();
    let loaded = match plan.whole() {
        Some(whole) => foreign::load(whole, store, target, listener, &ready.collections, options.workers).await?,
        None => loader::load(store, target, listener, &ready.collections, (options.workers, &effort)).await?,
    };
    phases.end(loading, loaded.bytes);
    phases.parts(loader::PHASE, &effort);

    let mut operations = 0;
    if plan.replays() {
        let replaying = phases.begin(replay::PHASE, Some(ready.operations), Unit::Documents);
        let (indexes, with_views) = (ready.base_indexes.clone(), ready.with_views.clone());
        let mut translator = Translator::new(plan.scope(), indexes, HeadCount::default(), with_views);
        let collections = &ready.collections;
        operations = beside::replay(plan, store, target, listener, &mut translator, collections).await?;
        operations += replay::apply(plan, store, target, listener, &mut translator).await?;
        phases.end(replaying, plan.slices.iter().map(|slice| slice.header.bytes).sum());
    }

    let indexing = phases.begin("index", None, Unit::Objects);
    let builds = stream::iter(ready.indexes.to_build()?)
        .map(|(db, on, specs)| async move { target.create_indexes(&db, &on, &specs).await });
    builds.buffer_unordered(INDEX_BUILDS_AT_ONCE).try_collect::<()>().await?;
    phases.end(indexing, 0);
    if let Some(accounts) = &ready.accounts {
        let merging = phases.begin("users", None, Unit::Objects);
        target.merge_accounts(accounts.users.clone(), accounts.roles.clone()).await?;
        phases.end(merging, 0);
    }
    Ok(Done { documents: loaded.documents, bytes: loaded.bytes, operations })
}

fn stopped(fault: Fault, databases: &[String]) -> Fault {
    let names = databases.join("`, `");
    let advice = format!("the target holds a part of `{names}`; run again with --replace, which drops them first");
    let help = fault.help.as_ref().map_or(advice.clone(), |help| format!("{help}; {advice}"));
    fault.within("the restore stopped before its end").help(help)
}
