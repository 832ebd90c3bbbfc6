//! The crash campaign for backup: killed before every step that it takes, the last good snapshot stays, nothing half-made
//! shows, and the next run converges.

use std::collections::BTreeSet;
use std::sync::Arc;

use bson::{Document, doc};
use plimsoll::base::Instant;
use plimsoll::clock::SystemClock;
use plimsoll::engine::backup::{self, BackupRequest};
use plimsoll::engine::dump::Wanted;
use plimsoll::engine::event::Silent;
use plimsoll::engine::plan::{self, RestoreRequest, RestoreTo};
use plimsoll::mongo::Source;
use plimsoll::port::ObjectStore;
use plimsoll::repository::catalog;
use plimsoll::store::memory::MemoryStore;

use crate::captured::connected;
use crate::halting::{HaltingSource, HaltingStore, Steps};
use crate::restored::{ASSET, back_up};
use crate::servers;

/// Crashes tried side by side.
const AT_ONCE: i64 = 16;

/// The points that the evidence shows, all of them whole.
pub async fn points(store: &dyn ObjectStore) -> BTreeSet<String> {
    let evidence = catalog::read(store, Instant(i64::MAX / 2)).await.unwrap();
    assert!(evidence.unreadable.is_empty(), "{:?}", evidence.unreadable);
    for point in &evidence.points {
        let request = RestoreRequest { asset: ASSET.to_string(), target: RestoreTo::Point(point.id.clone()) };
        plan::make(store, &request).await.expect("a point that is visible can be restored");
    }
    evidence.points.into_iter().map(|point| point.id).collect()
}

/// Whether the step was reached.
async fn killed_at(step: i64, source: &Source, db: &str, with_log: bool) -> bool {
    let memory = MemoryStore::new();
    let store: Arc<dyn ObjectStore> = Arc::new(memory.clone());
    let good = back_up(source, &store, &[db]).await.id;
    let steps = Steps::halt_at(step);
    let halting: Arc<dyn ObjectStore> = Arc::new(HaltingStore(memory.clone(), Arc::clone(&steps)));
    let halting_source = HaltingSource(source.clone(), Arc::clone(&steps));
    let wanted = Wanted { databases: vec![db.to_string()], ..Wanted::default() };
    let request = BackupRequest { asset: ASSET.to_string(), wanted, with_log, ..BackupRequest::default() };
    // What is dropped takes no further step, as what is killed.
    let finished = tokio::select! {
        () = steps.halted() => None,
        manifest = backup::run(&halting_source, halting, &SystemClock, &Silent, &request) => Some(manifest.unwrap().id),
    };
    if let Some(id) = finished {
        assert_eq!(points(&memory).await, BTreeSet::from([good, id]));
        return false;
    }
    let left = points(&memory).await;
    // Killed after its manifest was written, and before it could say so, a run is complete.
    assert!(left.len() <= 2 && left.contains(&good), "step {step}: {left:?}");
    let next = back_up(source, &store, &[db]).await.id;
    assert_eq!(points(&memory).await, &left | &BTreeSet::from([next]), "step {step}");
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_any_step_of_store_or_server_the_last_good_snapshot_stays_and_the_next_run_converges() {
    let (client, db) = (connected().await, servers::unique("killed"));
    let database = client.database(&db);
    for name in ["users", "images"] {
        let documents = (0..200).map(|i| doc! { "_id": i, "noise": "n".repeat(200) });
        database.collection::<Document>(name).insert_many(documents).await.unwrap();
    }
    database.run_command(doc! { "create": "view", "viewOn": "users", "pipeline": [] }).await.unwrap();
    let source = Source::new(client);
    for with_log in [false, true] {
        let mut first = 0;
        loop {
            let crashes = (first..first + AT_ONCE).map(|step| killed_at(step, &source, &db, with_log));
            let reached = futures_util::future::join_all(crashes).await;
            first += AT_ONCE;
            if reached.contains(&false) {
                break;
            }
        }
        assert!(first >= 2 * AT_ONCE, "only {first} steps were found");
    }
}
