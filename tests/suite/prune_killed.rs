//! What killed runs leave: it goes, in time; and a run that only stood still loses nothing that it shows.

use std::sync::Arc;

use bson::{Document, doc};
use bytes::Bytes;
use plimsoll::base::{Compression, Keeping, Span};
use plimsoll::engine::backup::{self, BackupRequest};
use plimsoll::engine::dump::Wanted;
use plimsoll::engine::event::Silent;
use plimsoll::engine::prune::{self, PruneRequest};
use plimsoll::lab::server::MongoServer;
use plimsoll::mongo::{Source, client};
use plimsoll::port::{Clock, MongoSource, ObjectStore};
use plimsoll::repository::SnapshotName;
use plimsoll::store::memory::MemoryStore;

use super::halting::{HaltingStore, Steps};
use super::pruned::{self, Dated, Hand, Trouble, plan, point, points, policy, uploads, whole};
use super::servers::{private_mongo, unique};

const DAY: Span = Span::days(1);
const FILES: [(&str, &str); 2] = [("a", "one"), ("b", "two")];

fn request(db: &str) -> BackupRequest {
    BackupRequest {
        asset: "shop".to_string(),
        protection: Some("nightly".to_string()),
        wanted: Wanted { databases: vec![db.to_string()], ..Wanted::default() },
        with_log: false,
        expires_after: None,
        compression: Compression::default(),
        keeping: Keeping::default(),
    }
}

async fn below(store: &dyn ObjectStore, prefix: &str) -> Vec<String> {
    store.list(prefix).await.expect("lists").into_iter().map(|object| object.key).collect()
}

/// A server with something to back up.
async fn served(db: &str) -> (MongoServer, Source) {
    let server = private_mongo().await;
    let client = client::connect(&server.uri).await.expect("connects");
    let things = client.database(db).collection::<Document>("things");
    things.insert_many((0..50).map(|n| doc! { "_id": n })).await.expect("inserts");
    (server, Source::new(client))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_left_that_were_killed_before_any_write_is_gone_in_time_and_the_plan_says_whose_it_is() {
    let db = unique("killed");
    let (_server, source) = served(&db).await;
    let clock = Hand::at("2026-11-20T12:00:00Z");
    let trouble = Arc::<Trouble>::default();
    let store = Dated::in_trouble(Arc::new(MemoryStore::new()), Arc::clone(&clock), Arc::clone(&trouble));
    let (policy, request) = (policy(""), request(&db));
    for step in 0.. {
        trouble.arm(Some((step, true)));
        let killed = tokio::select! {
            ended = backup::run(&source, Arc::clone(&store), clock.as_ref(), &Silent, &request) => ended.is_err(),
            () = trouble.killed() => true,
        };
        trouble.arm(None);
        if !killed {
            assert!(step >= 5, "only {step} writes were met");
            break;
        }
    }
    let synced = async |step| {
        trouble.arm(Some((step, true)));
        let ended = tokio::select! {
            ended = uploads(&store, clock.as_ref(), &FILES) => ended.is_ok(),
            () = trouble.killed() => false,
        };
        trouble.arm(None);
        ended
    };
    assert!(!synced(1).await && !synced(3).await);
    let visible = points(store.as_ref(), "shop").await;
    let strays = async || {
        let all = below(store.as_ref(), "snapshots/").await;
        let made: Vec<String> = points(store.as_ref(), "shop").await;
        all.into_iter().filter(|key| !made.iter().any(|id| key.contains(id.as_str()))).collect::<Vec<_>>()
    };
    let left = strays().await;
    assert!(left.len() > 10, "{left:?}");

    // As long as they may still be at it, nothing is said of them.
    clock.turn(DAY - Span::minutes(1));
    assert!(plan(store.as_ref(), clock.as_ref(), &policy).await.expect("plans").abandoned.is_empty());
    clock.turn(Span::minutes(2));
    let told = plan(store.as_ref(), clock.as_ref(), &policy).await.expect("plans");
    let whose = |asset: &str| told.abandoned.iter().filter(|run| run.asset == asset).count();
    assert!(whose("shop") >= 5 && whose("uploads") == 2, "{:?}", told.abandoned);
    assert!(told.abandoned.iter().all(|run| run.why().contains("began at 2026-11-20T12:00:00Z")));
    assert!(told.objects.iter().all(|object| left.contains(&object.key)), "{:?}", told.objects);

    for _ in 0..5 {
        let pruned = pruned::prune(store.as_ref(), clock.as_ref(), &policy).await.expect("prunes");
        assert!(pruned.points == 0 && pruned.left.is_empty(), "{pruned:?}");
        clock.turn(DAY + Span::minutes(1));
    }
    assert_eq!(strays().await, Vec::<String>::new());
    assert_eq!(points(store.as_ref(), "shop").await, visible);
    whole(store.as_ref()).await;
}

#[tokio::test]
async fn data_of_which_no_record_says_that_a_run_began_or_of_which_a_point_is_known_stays() {
    let clock = Hand::at("2026-11-20T12:00:00Z");
    let store = Dated::over(Arc::new(MemoryStore::new()), Arc::clone(&clock));
    uploads(&store, clock.as_ref(), &FILES).await.expect("syncs");
    let made = points(store.as_ref(), "uploads").await.remove(0);
    // Somebody removed its manifest; and something is there that no run of ours wrote, or nobody can read.
    let name = SnapshotName::new("uploads", &made).expect("a name");
    store.delete(&name.manifest().to_string()).await.expect("deletes");
    let puts = async |key: &str, body: &str| store.put(key, Bytes::from(body.to_string())).await.expect("puts");
    puts("snapshots/shop/other/dump/prelude.json", "who wrote this?").await;
    puts("snapshots/shop/torn/begun.json", "{").await;
    puts("snapshots/shop/torn/dump/prelude.json", "data").await;
    let of_another = r#"{"format":1,"id":"x","asset":"shop","at":"2026-11-01T00:00:00Z"}"#;
    puts("snapshots/shop/y/begun.json", of_another).await;
    puts("snapshots/shop/y/dump/prelude.json", "data").await;
    point(store.as_ref(), "n20", clock.now() - Span::hours(9)).await;
    let before = below(store.as_ref(), "snapshots/").await;
    for _ in 0..4 {
        clock.turn(DAY + DAY);
        pruned::prune(store.as_ref(), clock.as_ref(), &policy("")).await.expect("prunes");
    }
    assert_eq!(below(store.as_ref(), "snapshots/").await, before);
}

/// A backup that stands still before a step, for so long that a pruning marks and another sweeps what it wrote. Whether
/// the step was reached.
async fn stands_still(source: &dyn MongoSource, db: &str, step: i64, weeks: i64) -> bool {
    let memory = MemoryStore::new();
    let clock = Hand::at("2026-11-20T12:00:00Z");
    let steps = Steps::halt_at(step);
    let halting: Arc<dyn ObjectStore> = Arc::new(HaltingStore(memory.clone(), Arc::clone(&steps)));
    let request = request(db);
    let mut run = Box::pin(backup::run(source, halting, clock.as_ref(), &Silent, &request));
    let at_once = tokio::select! {
        () = steps.halted() => None,
        ended = &mut run => Some(ended),
    };
    let pruned = async || {
        let (policy, now) = (policy(""), clock.now());
        let request = PruneRequest { policy: Some(&policy), ..PruneRequest::default() };
        let plan = prune::make(&memory, now, &request).await.expect("plans");
        prune::apply(&memory, clock.as_ref(), &Silent, &plan).await.expect("prunes");
    };
    for _ in 0..weeks {
        pruned().await;
        clock.turn(prune::GRACE + Span::minutes(1));
    }
    pruned().await;
    steps.release();
    let reached = at_once.is_none();
    let ended = match at_once {
        Some(ended) => ended,
        None => run.await,
    };
    let story = format!("step {step}, {weeks} weeks");
    let visible = points(&memory, "shop").await;
    match &ended {
        Ok(manifest) => assert!(visible.iter().eq([&manifest.id]), "{story}: {visible:?}"),
        Err(fault) => assert!(reached && visible.is_empty(), "{story}: {fault:?}"),
    }
    for _ in 0..5 {
        whole(&memory).await;
        // Twice as long as the longest run.
        clock.turn(prune::GRACE.saturating_mul(weeks * 2 + 1));
        pruned().await;
    }
    assert_eq!(points(&memory, "shop").await, visible, "{story}");
    let strays =
        below(&memory, "snapshots/").await.into_iter().filter(|key| !visible.iter().any(|id| key.contains(id)));
    assert_eq!(strays.collect::<Vec<_>>(), Vec::<String>::new(), "{story}");
    reached
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_stands_still_for_weeks_at_any_step_shows_a_whole_point_or_none() {
    let db = unique("still");
    let (_server, source) = served(&db).await;
    for weeks in [1, 2, 4] {
        let mut step = 0;
        while stands_still(&source, &db, step, weeks).await {
            step += 1;
        }
        assert!(step >= 8, "only {step} steps were found");
    }
}
