//! Pruning beside everything else: killed or paused at any step, with a sync in between, under a short listing, by a
//! wrong clock, against a store that refuses. What is visible is whole.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use plimsoll::base::{FaultKind, Result, Span};
use plimsoll::clock::SystemClock;
use plimsoll::engine::event::Silent;
use plimsoll::engine::prune::{self, PruneRequest};
use plimsoll::evidence::RunOutcome;
use plimsoll::port::{Clock, Flow, ObjectInfo, ObjectStore, Upload, Written};
use plimsoll::repository::catalog;
use plimsoll::store::memory::MemoryStore;
use plimsoll::store::s3::S3Store;

use super::halting::{HaltingStore, Steps};
use super::proxied::{Deed, Proxied};
use super::pruned::{Dated, Hand, at, log, plan, point, points, policy, prune, uploads, whole};
use super::scripted::{Request, answer};
use super::servers;

const DAY: Span = Span::days(1);
const AT_ONCE: i64 = 16;

/// A database of some nights with its log, and uploads of which the older points hold what the newer do not.
async fn stocked(memory: &MemoryStore) -> Arc<Hand> {
    let clock = Hand::at("2026-11-10T12:00:00Z");
    let store: Arc<dyn ObjectStore> = Arc::new(memory.clone());
    for day in 10..=18 {
        clock.set(at(&format!("2026-11-{day}T04:00:00Z")));
        point(memory, &format!("n{day}"), at(&format!("2026-11-{day}T03:00:00Z"))).await;
        let files = [("old", "gone soon"), ("kept", "always there")];
        uploads(&store, clock.as_ref(), if day < 13 { &files } else { &files[1..] }).await.expect("syncs");
    }
    log(memory, at("2026-11-10T00:00:00Z"), at("2026-11-18T12:00:00Z")).await;
    clock.set(at("2026-11-18T13:00:00Z"));
    clock
}

/// Everything but what tells of the prunings themselves; the names of points without what is random in them.
async fn left(store: &dyn ObjectStore) -> Vec<String> {
    let all = store.list("").await.expect("lists").into_iter().map(|object| object.key);
    let all = all.filter(|key| !key.starts_with("prunes/") && !key.starts_with("runs/"));
    let named = |key: String| match key.split_once("Z-") {
        Some((before, after)) => format!("{before}/{}", after.split_once('/').map_or("", |(_, file)| file)),
        None => key,
    };
    all.map(named).collect()
}

/// Prunes day by day until all that goes is gone.
async fn to_the_end(store: &dyn ObjectStore, clock: &Hand) -> Vec<String> {
    for _ in 0..4 {
        let policy = policy("");
        let request = PruneRequest { policy: Some(&policy), ..PruneRequest::default() };
        let plan = prune::make(store, clock.now(), &request).await.expect("a plan");
        prune::apply(store, clock, &Silent, &plan).await.expect("prunes");
        whole(store).await;
        clock.turn(prune::GRACE + Span::minutes(1));
    }
    left(store).await
}

/// Whether the step was reached. `second`: not the first pruning is killed, but the one that sweeps.
async fn killed_at(step: i64, second: bool, expected: &[String]) -> bool {
    let memory = MemoryStore::new();
    let clock = stocked(&memory).await;
    if second {
        prune(&memory, clock.as_ref(), &policy("")).await.expect("prunes");
        clock.turn(DAY + Span::minutes(1));
    }
    let before = whole(&memory).await;
    let steps = Steps::halt_at(step);
    let halting = HaltingStore(memory.clone(), Arc::clone(&steps));
    let plan_of_all = policy("");
    let reached = tokio::select! {
        () = steps.halted() => true,
        done = prune(&halting, clock.as_ref(), &plan_of_all) => { done.expect("prunes"); false }
    };
    // Nothing that is visible lacks anything, and nothing else became visible.
    assert!(whole(&memory).await.is_subset(&before), "step {step}");
    clock.turn(DAY + Span::minutes(1));
    assert_eq!(to_the_end(&memory, &clock).await, expected, "step {step}");
    reached
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_any_step_a_pruning_leaves_every_visible_point_whole_and_the_next_ones_converge() {
    let memory = MemoryStore::new();
    let clock = stocked(&memory).await;
    let before = left(&memory).await.len();
    let expected = to_the_end(&memory, &clock).await;
    assert!(expected.len() + 30 < before, "{before} became {}", expected.len());
    for second in [false, true] {
        let mut first = 0;
        loop {
            let crashes = (first..first + AT_ONCE).map(|step| killed_at(step, second, &expected));
            let reached = futures_util::future::join_all(crashes).await;
            first += AT_ONCE;
            if reached.contains(&false) {
                break;
            }
        }
        assert!(first >= 5 * AT_ONCE, "only {first} steps were found");
    }
}

/// A sync that needs again what was pruned stands still before a step, while a pruning marks and another sweeps. Whether
/// the step was reached.
async fn paused_sync(step: i64, marked_before: bool) -> bool {
    let memory = MemoryStore::new();
    let clock = stocked(&memory).await;
    if marked_before {
        prune(&memory, clock.as_ref(), &policy("")).await.expect("marks");
    }
    let steps = Steps::halt_at(step);
    let halting: Arc<dyn ObjectStore> = Arc::new(HaltingStore(memory.clone(), Arc::clone(&steps)));
    let files = [("old", "gone soon"), ("kept", "always there"), ("more", "quite new")];
    let mut sync = Box::pin(uploads(&halting, clock.as_ref(), &files));
    let at_once = tokio::select! {
        () = steps.halted() => None,
        taken = &mut sync => Some(taken),
    };
    let reached = at_once.is_none();
    for _ in 0..2 {
        let pruned = prune(&memory, clock.as_ref(), &policy("")).await.expect("prunes");
        assert!(pruned.left.is_empty());
        clock.turn(DAY + Span::minutes(1));
    }
    prune(&memory, clock.as_ref(), &policy("")).await.expect("sweeps");
    steps.release();
    let taken = match at_once {
        Some(taken) => taken,
        None => sync.await,
    };
    // It ends with a point, or says why it has none; what is visible is whole either way.
    let visible = points(&memory, "uploads").await;
    if let Ok(manifest) = &taken {
        assert!(visible.contains(&manifest.id), "step {step}");
    }
    assert!(!reached || taken.is_ok(), "step {step}: {taken:?}");
    to_the_end(&memory, &clock).await;
    reached
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_is_paused_before_any_step_while_a_pruning_marks_and_sweeps_ends_whole() {
    for marked_before in [false, true] {
        let mut first = 0;
        loop {
            let pauses = (first..first + AT_ONCE).map(|step| paused_sync(step, marked_before));
            let reached = futures_util::future::join_all(pauses).await;
            first += AT_ONCE;
            if reached.contains(&false) {
                break;
            }
        }
        assert!(first >= 2 * AT_ONCE, "only {first} steps were found");
    }
}

/// A pruning that sweeps stands still before a step, while a sync brings again what it is about to remove. Whether the
/// step was reached.
async fn paused_sweep(step: i64) -> bool {
    let memory = MemoryStore::new();
    let clock = stocked(&memory).await;
    prune(&memory, clock.as_ref(), &policy("")).await.expect("marks");
    clock.turn(DAY + Span::minutes(1));
    let steps = Steps::halt_at(step);
    let halting = HaltingStore(memory.clone(), Arc::clone(&steps));
    let plan_of_all = policy("");
    let mut sweep = Box::pin(prune(&halting, clock.as_ref(), &plan_of_all));
    let at_once = tokio::select! {
        () = steps.halted() => None,
        pruned = &mut sweep => Some(pruned),
    };
    let reached = at_once.is_none();
    let store: Arc<dyn ObjectStore> = Arc::new(memory.clone());
    let files = [("old", "gone soon"), ("kept", "always there")];
    let go_on = async {
        // The sync may have to wait for the sweep.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        steps.release();
        match at_once {
            Some(pruned) => pruned,
            None => sweep.await,
        }
    };
    let (taken, pruned) = tokio::join!(uploads(&store, clock.as_ref(), &files), go_on);
    pruned.expect("prunes");
    let taken = taken.expect("a sync after the sweep brings what is gone");
    assert!(points(&memory, "uploads").await.contains(&taken.id), "step {step}");
    reached
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_that_is_paused_before_any_step_while_a_sync_needs_what_it_removes_leaves_the_sync_whole() {
    let mut first = 0;
    loop {
        let reached = futures_util::future::join_all((first..first + 2 * AT_ONCE).map(paused_sweep)).await;
        first += 2 * AT_ONCE;
        if reached.contains(&false) {
            break;
        }
    }
    assert!(first >= 4 * AT_ONCE, "only {first} steps were found");
}

/// A store that leaves some manifests out of every listing.
#[derive(Debug)]
struct Short(MemoryStore, &'static str);

#[async_trait]
impl ObjectStore for Short {
    fn address(&self) -> String {
        "short".to_string()
    }
    async fn put(&self, key: &str, body: Bytes) -> Result<()> {
        self.0.put(key, body).await
    }
    async fn put_new(&self, key: &str, body: Bytes) -> Result<Written> {
        self.0.put_new(key, body).await
    }
    async fn upload(&self, key: &str) -> Result<Box<dyn Upload>> {
        self.0.upload(key).await
    }
    async fn get(&self, key: &str) -> Result<Bytes> {
        self.0.get(key).await
    }
    async fn read(&self, key: &str) -> Result<Flow<Bytes>> {
        self.0.read(key).await
    }
    async fn head(&self, key: &str) -> Result<Option<ObjectInfo>> {
        self.0.head(key).await
    }
    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>> {
        let mut listed = self.0.list(prefix).await?;
        listed.retain(|object| !object.key.contains(self.1));
        Ok(listed)
    }
    async fn delete(&self, key: &str) -> Result<()> {
        self.0.delete(key).await
    }
}

#[tokio::test]
async fn a_listing_that_leaves_out_a_point_or_a_slice_that_is_there_removes_nothing() {
    let memory = MemoryStore::new();
    let clock = stocked(&memory).await;
    let newest = points(&memory, "uploads").await.pop().expect("a point");
    let manifest: &'static str = format!("snapshots/uploads/{newest}/").leak();
    let before = left(&memory).await;
    let fault = prune(&Short(memory.clone(), manifest), clock.as_ref(), &policy("")).await.expect_err("it is short");
    assert!(fault.kind == FaultKind::Conflict && fault.to_string().contains("its listing is short"), "{fault}");
    assert_eq!(left(&memory).await, before);
    // A slice in the midst of the log: which base is needed cannot be said, so all of the asset stays.
    let headers: Vec<String> = memory
        .list("oplog/")
        .await
        .expect("lists")
        .into_iter()
        .map(|o| o.key)
        .filter(|k| k.ends_with(".json"))
        .collect();
    let stem: &'static str = headers[headers.len() / 2].trim_end_matches(".json").to_string().leak();
    let plan = plan(&Short(memory.clone(), stem), clock.as_ref(), &policy("")).await.expect("a plan");
    assert!(plan.points.iter().filter(|point| point.asset == "shop").all(|point| point.kept), "{:?}", plan.points);
    assert_eq!(plan.slices_to_go().count(), 0);
}

#[tokio::test]
async fn a_clock_that_is_wrong_by_minutes_or_by_weeks_removes_nothing() {
    let wrong = [Span::minutes(6), Span::hours(1), Span::days(42)];
    for by in wrong.into_iter().flat_map(|by| [by, Span::ZERO - by]) {
        let memory = MemoryStore::new();
        let right = stocked(&memory).await;
        let store = Dated::over(Arc::new(memory.clone()), Arc::clone(&right));
        let before = left(store.as_ref()).await;
        let ours = Hand::at("2026-11-18T13:00:00Z");
        ours.turn(by);
        let fault = prune(store.as_ref(), ours.as_ref(), &policy("")).await.expect_err("the clocks differ");
        assert_eq!(fault.kind, FaultKind::Conflict, "{by}: {fault}");
        assert!(fault.to_string().starts_with("nothing is removed"), "{by}: {fault}");
        assert_eq!(left(store.as_ref()).await, before, "{by}");
        assert_eq!(store.list("prunes/").await.expect("lists").len(), 0, "{by}");
        let evidence = catalog::read(store.as_ref(), ours.now()).await.expect("reads");
        let failed = |run: &plimsoll::evidence::Run| run.verb == "prune" && run.outcome != RunOutcome::Done;
        assert!(evidence.runs.iter().any(failed), "{by}: the refusal is on record");
        // By the right clock the same is done.
        assert!(prune(store.as_ref(), right.as_ref(), &policy("")).await.expect("prunes").points > 0);
    }
}

#[tokio::test]
async fn a_mark_of_which_the_clocks_say_two_things_waits_for_the_later() {
    let memory = MemoryStore::new();
    let right = stocked(&memory).await;
    let store = Dated::over(Arc::new(memory.clone()), Arc::clone(&right));
    prune(store.as_ref(), right.as_ref(), &policy("")).await.expect("marks");
    // The machine's clock jumps ahead: it is refused, and its mark does not make an older one due.
    let ours = Hand::at("2026-12-18T13:00:00Z");
    prune(store.as_ref(), ours.as_ref(), &policy("")).await.expect_err("the clocks differ");
    let removed = prune(store.as_ref(), right.as_ref(), &policy("")).await.expect("prunes").swept.removed;
    assert_eq!(removed, 0);
}

/// A bucket whose objects can be locked, and the same with its client.
async fn locking() -> (Arc<S3Store>, String) {
    let name = servers::unique("pruned");
    let store = S3Store::open(&name, "ours", &servers::s3().await.options()).await.expect("opens");
    store.create_locking_bucket().await.expect("the bucket is made");
    (Arc::new(store), name)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_erased_from_a_bucket_that_keeps_versions_leaves_none() {
    let (store, _) = locking().await;
    for body in ["one", "two", "three"] {
        store.put("k", Bytes::from_static(body.as_bytes())).await.expect("puts");
        store.put("k2", Bytes::from_static(body.as_bytes())).await.expect("puts");
    }
    store.delete("k").await.expect("deletes");
    let versions = async || store.versions("").await.expect("lists").expect("keeps versions");
    assert!(versions().await.iter().filter(|version| version.info.key == "k").count() >= 3, "a deletion frees nothing");
    store.erase("k").await.expect("erases");
    store.erase("k").await.expect("erasing what is not there is no error");
    assert!(versions().await.iter().all(|version| version.info.key == "k2"), "{:?}", versions().await);
    assert_eq!(store.get("k2").await.expect("reads"), "three", "a key that begins alike is another one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_object_is_left_and_told_and_goes_once_its_lock_has_ended() {
    let (inner, _) = locking().await;
    let clock = Hand::at("2026-11-18T13:00:00Z");
    let store = Dated::over(inner.clone(), Arc::clone(&clock));
    for day in 10..=18 {
        point(store.as_ref(), &format!("n{day}"), at(&format!("2026-11-{day}T03:00:00Z"))).await;
    }
    // Somebody has put a hold on the data of one, and on the manifest of another, of which the manifests say nothing.
    let until = SystemClock.now() + Span::secs(8);
    let held = ["snapshots/shop/n10/dump/prelude.json", "snapshots/shop/n11/manifest.json"];
    for key in held {
        inner.lock(key, until).await.expect("locks");
    }
    let first = prune(store.as_ref(), clock.as_ref(), &policy("")).await.expect("goes on to the end");
    assert_eq!((first.points, first.left.len()), (3, 1), "{first:?}");
    assert!(first.left[0].key == held[1] && first.what_stayed().is_some());
    assert!(points(store.as_ref(), "shop").await.contains(&"n11".to_string()), "its manifest stays, and so its data");
    clock.turn(DAY + Span::minutes(1));
    let second = prune(store.as_ref(), clock.as_ref(), &policy("")).await.expect("goes on to the end");
    assert!(second.left.iter().any(|left| left.key == held[0]) && second.swept.removed == 2, "{second:?}");
    tokio::time::sleep(std::time::Duration::from_secs(9)).await;
    let mut freed = 0;
    for _ in 0..3 {
        clock.turn(DAY + Span::minutes(1));
        let pruned = prune(store.as_ref(), clock.as_ref(), &policy("")).await.expect("prunes");
        assert!(pruned.left.is_empty(), "{pruned:?}");
        freed += pruned.swept.removed;
    }
    assert_eq!(freed, 2, "what was held, and no more");
    let versions = inner.versions("snapshots/").await.expect("lists").expect("keeps versions");
    assert!(versions.iter().all(|v| !v.is_deletion && !v.info.key.contains("n10") && !v.info.key.contains("n11")));
    whole(store.as_ref()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deletions_that_the_store_refuses_one_by_one_are_counted_as_they_are() {
    let bucket = servers::bucket("refusing").await;
    let direct = S3Store::open(&bucket, "", &servers::s3().await.options()).await.expect("opens");
    let refusing = |request: &Request| match request.method == "DELETE" && request.target.contains("n12") {
        true => Deed::Answer(answer(403, "<Error><Code>AccessDenied</Code></Error>")),
        false => Deed::Pass,
    };
    let proxied = Proxied::start(&servers::s3().await.options(), refusing).await;
    let through = S3Store::open(&bucket, "", &proxied.options).await.expect("opens");
    let clock = Hand::at("2026-11-18T13:00:00Z");
    let store = Dated::over(Arc::new(through), Arc::clone(&clock));
    for day in 10..=18 {
        point(store.as_ref(), &format!("n{day}"), at(&format!("2026-11-{day}T03:00:00Z"))).await;
    }
    let planned = plan(store.as_ref(), clock.as_ref(), &policy("")).await.expect("a plan");
    let goes = planned.points_to_go().count() as u64;
    let pruned = prune::apply(store.as_ref(), clock.as_ref(), &Silent, &planned).await.expect("goes on to the end");
    assert_eq!((pruned.points, pruned.left.len()), (goes - 1, 1), "{pruned:?}");
    assert_eq!(points(&direct, "shop").await.len() as u64, 9 - (goes - 1), "the count is what is gone");
    let evidence = catalog::read(&direct, clock.now()).await.expect("reads");
    let run = evidence.runs.iter().find(|run| run.verb == "prune").expect("on record");
    assert!(matches!(&run.outcome, RunOutcome::Failed { why } if why.contains("could not be removed")), "{run:?}");
    assert!(direct.unfinished("").await.expect("lists").is_empty());
}

#[tokio::test]
async fn two_prunings_at_once_end_as_one() {
    let memory = MemoryStore::new();
    let clock = stocked(&memory).await;
    let alone = MemoryStore::new();
    let expected = {
        let clock = stocked(&alone).await;
        to_the_end(&alone, &clock).await.len()
    };
    let policy = policy("");
    for _ in 0..4 {
        let (one, two) = tokio::join!(prune(&memory, clock.as_ref(), &policy), prune(&memory, clock.as_ref(), &policy));
        one.expect("prunes");
        two.expect("prunes");
        whole(&memory).await;
        clock.turn(DAY + Span::minutes(1));
    }
    assert_eq!(to_the_end(&memory, &clock).await.len(), expected);
}
