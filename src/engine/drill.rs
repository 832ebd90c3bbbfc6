//! A restore for practice: everything is compared, timed, cleaned up, and recorded whatever happens.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::event::{Event, Unit};
use super::expectation::{self, Expectations};
use super::phases::Phases;
use super::plan::{self, RestorePlan, RestoreRequest, RestoreTo};
use super::restore::{self, Ready, RestoreOptions};
use super::{Listener, compare, foreign, record, transfer};
use crate::base::{Fault, FaultKind, OpTime, Result, Span};
use crate::evidence::{Check, Drill, DrillOutcome, KeyProof, Origin, Phase};
use crate::port::Written;
use crate::port::{Clock, MongoTarget, ObjectStore};
use crate::repository::Key;

/// After a failed restore: how often the server is looked at, and how long it has to show what is still coming.
const LOOKS: usize = 20;
const PAUSE: Duration = Duration::from_millis(250);

#[derive(Debug, Clone)]
pub struct DrillRequest {
    pub asset: String,
    pub what: Practised,
    /// Phases that came before, such as `provision` for the start of a server.
    pub before: Vec<Phase>,
    /// The policy's own checks.
    pub expectations: Expectations,
}

/// What is restored for practice.
#[derive(Debug, Clone)]
pub enum Practised {
    /// A state of the repository.
    Point(RestoreTo),
    /// A dump of another tool, by its name in a store.
    Dump(Arc<dyn ObjectStore>, String),
}

impl Practised {
    fn is_dump(&self) -> bool {
        matches!(self, Practised::Dump(..))
    }

    /// The point as it was asked for, before anything was read.
    fn named(&self) -> Option<&str> {
        match self {
            Practised::Point(RestoreTo::Point(point)) => Some(point),
            Practised::Point(_) => None,
            Practised::Dump(_, name) => Some(name),
        }
    }
}

/// What a drill has found out so far; a fault leaves it as it is.
#[derive(Debug, Default)]
struct Findings {
    plan: Option<RestorePlan>,
    /// Whether the target was written to.
    began: bool,
    checks: Vec<Check>,
    bytes: u64,
    documents: u64,
}

/// The drill as recorded in `drills/<id>.json`, failures included; an error only where it could not be recorded.
pub async fn run(
    store: Arc<dyn ObjectStore>,
    target: &dyn MongoTarget,
    clock: &dyn Clock,
    listener: &dyn Listener,
    request: &DrillRequest,
) -> Result<Drill> {
    run_until(store, target, clock, listener, request, std::future::pending()).await
}

/// As [`run`], but gives up, cleans up and records that, when `stop` is ready first.
pub async fn run_until(
    store: Arc<dyn ObjectStore>,
    target: &dyn MongoTarget,
    clock: &dyn Clock,
    listener: &dyn Listener,
    request: &DrillRequest,
    stop: impl Future<Output = ()> + Send,
) -> Result<Drill> {
    let began = clock.now();
    let before: Span = request.before.iter().map(|phase| phase.took).sum();
    let mut phases = Phases { listener, done: request.before.clone() };
    let mut findings = Findings::default();
    let outcome = attempt(store.as_ref(), target, &mut phases, request, &mut findings, stop).await;
    let id = record::new_id(began);
    let key = Key::drill(&id)?.to_string();
    let base = findings.plan.as_ref().map(|plan| &plan.base);
    let blames_point = outcome.as_ref().err().is_none_or(|fault| blames_point(fault.kind, findings.began));
    let proof = key_proof(findings.plan.as_ref(), outcome.as_ref().err());
    let point = base.map(|base| base.id.as_str()).or(request.what.named()).filter(|_| blames_point);
    let point = point.unwrap_or("none").to_string();
    let drill = Drill {
        asset: request.asset.clone(),
        protection: base.and_then(|base| base.protection.clone()),
        point,
        target: match request.what {
            Practised::Point(RestoreTo::At(at)) => Some(at),
            _ => None,
        },
        started_at: began - before,
        ended_at: clock.now(),
        phases: phases.done,
        outcome: outcome_of(outcome, &findings.checks),
        key: proof,
        checks: findings.checks,
        bytes_restored: findings.bytes,
        documents: findings.documents,
        origin: Origin { tool: record::TOOL.to_string(), place: key.clone(), sha256: None },
        id,
    };
    let body = serde_json::to_vec_pretty(&drill).map_err(|error| Fault::bug("cannot write JSON").because(error))?;
    match store.put_new(&key, Bytes::from(body)).await {
        Ok(Written::New) => Ok(drill),
        Ok(Written::Existed) => {
            Err(Fault::new(FaultKind::Conflict, format!("a drill `{}` is there already", drill.id)))
        }
        Err(fault) => Err(fault.within("the drill was done and could not be recorded")),
    }
}

/// Whether a fault speaks against the point. A target that is taken, a server that does not answer and a person who
/// stops the drill do not: no point was restored then, and none is known to be bad.
fn blames_point(kind: FaultKind, began: bool) -> bool {
    match kind {
        FaultKind::Corrupt | FaultKind::Missing | FaultKind::Unsupported => true,
        // Into an empty target, what is there twice came from the point.
        FaultKind::Conflict => began,
        _ => false,
    }
}

/// What the drill shows of the key: a plan is made only of what was opened.
fn key_proof(plan: Option<&RestorePlan>, fault: Option<&Fault>) -> Option<KeyProof> {
    match (plan, fault) {
        (Some(plan), _) if !plan.opened_by.is_empty() => {
            Some(KeyProof::Opened { recipients: plan.opened_by.iter().cloned().collect() })
        }
        (_, Some(fault)) if fault.kind == FaultKind::Sealed => Some(KeyProof::Refused { why: fault.to_string() }),
        _ => None,
    }
}

fn outcome_of(outcome: Result<()>, checks: &[Check]) -> DrillOutcome {
    match (outcome, checks.iter().find(|check| !check.passed)) {
        (Err(fault), _) => DrillOutcome::Failed { why: record::chain(&fault) },
        (Ok(()), Some(check)) => DrillOutcome::Failed { why: format!("{}: {}", check.name, check.detail) },
        (Ok(()), None) => DrillOutcome::Passed,
    }
}

async fn attempt(
    store: &dyn ObjectStore,
    target: &dyn MongoTarget,
    phases: &mut Phases<'_>,
    request: &DrillRequest,
    findings: &mut Findings,
    stop: impl Future<Output = ()> + Send,
) -> Result<()> {
    // A dump of another tool is read from end to end before its plan is known.
    let planning = phases.begin(if request.what.is_dump() { "fetch" } else { "plan" }, None, Unit::Objects);
    let repository = store;
    let (store, plan) = match &request.what {
        Practised::Point(target) => {
            let wanted = RestoreRequest { asset: request.asset.clone(), target: target.clone() };
            (store, plan::make(store, &wanted).await?)
        }
        Practised::Dump(store, name) => {
            let store = store.as_ref();
            (store, foreign::plan(store, name, phases.listener).await?)
        }
    };
    let plan = &*findings.plan.insert(plan);
    phases.end(planning, 0);
    plan.notes.iter().for_each(|note| phases.listener.on(Event::Warning(note.clone())));
    let options = RestoreOptions::default();
    // Up to here nothing was written; from here on, what is in these databases is the drill's own.
    let ready = restore::check(plan, store, target, phases, &options).await?;
    let expired = target.expire_documents(false).await;
    if let Err(fault) = &expired {
        phases.listener.on(Event::Warning(format!("documents may expire during the drill: {}", record::chain(fault))));
    }
    let plan = plan.clone();
    findings.began = true;
    let result = tokio::select! {
        result = restore_and_compare(&plan, (store, repository), target, phases, &ready, (request, findings)) => result,
        () = stop => Err(Fault::new(FaultKind::Interrupted, "the drill was stopped before its end")),
    };
    let cleaning = phases.begin("clean-up", None, Unit::Objects);
    let mut cleaned = clean_up(target, &ready.databases, matches!(expired, Ok(true))).await;
    if result.is_err() {
        cleaned = cleaned.and(until_nothing_comes_back(target, &ready.databases).await);
    }
    phases.end(cleaning, 0);
    result.and(cleaned)
}

async fn restore_and_compare(
    plan: &RestorePlan,
    (store, repository): (&dyn ObjectStore, &dyn ObjectStore),
    target: &dyn MongoTarget,
    phases: &mut Phases<'_>,
    ready: &Ready,
    (request, findings): (&DrillRequest, &mut Findings),
) -> Result<()> {
    let done = restore::write(plan, store, target, phases, ready, &RestoreOptions::default()).await?;
    let base = format!("{} documents loaded, equal to the manifest by content hash", done.documents);
    findings.checks.push(compare::check("load", &[], base));
    findings.checks.push(other_objects(store, plan).await?);

    let verifying = phases.begin(compare::PHASE, Some(done.bytes), Unit::Bytes);
    let found = compare::list(target, &ready.databases).await?;
    let held = compare::read_back(target, phases.listener, &found).await?;
    let total = compare::sum(&held);
    (findings.bytes, findings.documents) = (total.bytes, total.documents);
    if plan.replays() {
        findings.checks.push(replayed(plan, done.operations));
        findings.checks.push(compare::with_counts(ready.counts.collections(), &held));
        findings.checks.push(compare::untouched(&ready.collections, &ready.counts, &held));
    } else {
        findings.checks.extend(compare::with_manifest(&ready.collections, &found, &held));
    }
    findings.checks.push(compare::indexes(&ready.indexes, &found)?);
    let state_of = plan.until.map_or(plan.base.consistent_at, OpTime::instant);
    findings.checks.extend(expectation::check(target, repository, &request.expectations, &held, state_of).await?);
    phases.end(verifying, total.bytes);
    Ok(())
}

fn replayed(plan: &RestorePlan, operations: u64) -> Check {
    let own = plan.base.own_log.as_ref().map(|_| "the log of the base's own time".to_string());
    let slices = (!plan.slices.is_empty()).then(|| plan::count(plan.slices.len(), "slice"));
    let of = own.into_iter().chain(slices).collect::<Vec<_>>().join(" and ");
    let until = plan.until.or(plan.base.cluster_time).map_or_else(String::new, |until| format!(" up to {until}"));
    let detail = format!("{operations} operations of {of} applied without a gap{until}");
    compare::check("replay", &[], detail)
}

/// Objects of the point that a restore does not read, but stock tools do.
async fn other_objects(store: &dyn ObjectStore, plan: &RestorePlan) -> Result<Check> {
    let base = &plan.base;
    let read = plan.collections().flat_map(|c| c.data.iter().chain([&c.metadata]));
    let read: BTreeSet<&String> = read.chain(base.own_log.iter().map(|log| &log.key)).collect();
    let mut wrong = Vec::new();
    for object in base.objects.iter().filter(|object| !read.contains(&object.key)) {
        if transfer::hash(store, &object.key).await? != (object.sha256.clone(), object.bytes) {
            wrong.push(format!("`{}` holds other bytes than its manifest says", object.key));
        }
    }
    let right = format!("all {} objects of the point hold the bytes that the manifest says", base.objects.len());
    Ok(compare::check("objects", &wrong, right))
}

/// Drops what the drill restored, and switches the deletion of expired documents on again if it was on.
async fn clean_up(target: &dyn MongoTarget, databases: &[String], expire: bool) -> Result<()> {
    let mut outcome = Ok(());
    for db in databases {
        outcome = outcome.and(target.drop_database(db).await);
    }
    if expire {
        outcome = outcome.and(target.expire_documents(true).await.map(drop));
    }
    outcome.map_err(|fault| fault.within("the drill could not clean up"))
}

/// Inserts that were on their way when the restore failed may still reach the server after the drop, and would make
/// their collections anew: what comes back is dropped again, until a pause brings nothing.
async fn until_nothing_comes_back(target: &dyn MongoTarget, databases: &[String]) -> Result<()> {
    for _ in 0..LOOKS {
        tokio::time::sleep(PAUSE).await;
        let held = target.databases().await?;
        let back: Vec<&String> = databases.iter().filter(|db| held.contains(db)).collect();
        if back.is_empty() {
            return Ok(());
        }
        for db in back {
            target.drop_database(db).await?;
        }
    }
    Err(Fault::new(FaultKind::Conflict, format!("`{}` comes back however often it is dropped", databases.join("`, `")))
        .help("does another program write to the drill's server? give the drill one of its own"))
}
