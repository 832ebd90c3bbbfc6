//! Random instants of a busy hour, each restored and equal to what the server itself said of that instant.

use std::sync::Arc;

use plimsoll::clock::SystemClock;
use plimsoll::engine::event::Silent;
use plimsoll::engine::plan::{self, RestoreRequest, RestoreTo};
use plimsoll::engine::record;
use plimsoll::engine::restore::{self, RestoreOptions};
use plimsoll::lab::server::MongoOptions;
use plimsoll::mongo::{Source, Target, client};
use plimsoll::port::{MongoTarget, ObjectStore};
use plimsoll::store::memory::MemoryStore;

use super::hour::{CHANGES, DATABASES, Hour, Seed};
use super::restored::{ASSET, back_up, begin_capture, state};
use super::servers::private_mongo_with;

/// Every kind of change comes at least once.
async fn comes_back(rounds: u64, instants_a_round: usize) {
    // What was not yet expired then must not expire once it is restored.
    let busy = MongoOptions { ttl_every_secs: Some(1), ..MongoOptions::default() };
    let spare = MongoOptions { without_ttl: true, ..MongoOptions::default() };
    let (from_server, to_server) = tokio::join!(private_mongo_with(&busy), private_mongo_with(&spare));
    let seed = Seed::new();
    let from = client::connect(&from_server.uri).await.expect("connects");
    let (source, store): (_, Arc<dyn ObjectStore>) = (Source::new(from.clone()), Arc::new(MemoryStore::new()));
    let mut hour = Hour::begin(&from, seed.0).await;
    let capture = begin_capture(&source, &store);
    // A chain begins at the newest write: the base is younger.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    back_up(&source, &store, &[]).await;
    for _ in 0..rounds {
        hour.round(CHANGES.div_ceil(rounds), instants_a_round).await;
    }
    hour.settle().await;
    let captured = capture.end().await;
    assert!(captured.slices > 1 && captured.gaps == 0, "{captured:?}");

    let to = client::connect(&to_server.uri).await.expect("connects");
    let target = Target::new(to.clone());
    assert_eq!(hour.instants.len() as u64, rounds * instants_a_round as u64 + 1);
    for (nth, (at, expected)) in hour.instants.iter().enumerate() {
        let request = RestoreRequest { asset: ASSET.to_string(), target: RestoreTo::At(*at) };
        let plan = plan::make(store.as_ref(), &request).await.expect("a plan");
        let options = RestoreOptions { replace: true, ..RestoreOptions::default() };
        let restored = restore::run(&plan, Arc::clone(&store), &target, &SystemClock, &Silent, &options).await;
        restored.unwrap_or_else(|fault| panic!("instant {nth}, {at}: {}", record::chain(&fault)));
        let held = state(&Source::new(to.clone()), &DATABASES, None).await;
        let names = |names: &super::restored::State| names.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&held), names(expected), "instant {nth}, {at}");
        for (name, held) in &held {
            assert_eq!(held, &expected[name], "instant {nth}, {at}: {name}");
        }
        for db in DATABASES {
            target.drop_database(db).await.expect("drops");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_instants_of_a_busy_hour_come_back_as_the_server_itself_had_them() {
    comes_back(4, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a minute or two: for the release, and for whoever changes the replay"]
async fn a_hundred_random_instants_of_a_busy_hour_come_back_as_the_server_itself_had_them() {
    comes_back(25, 4).await;
}
