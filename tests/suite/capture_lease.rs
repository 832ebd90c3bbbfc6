//! The lease that keeps two captures off one chain: one of them works, the other says who does, and none forks it.

use std::sync::Arc;
use std::time::Duration;

use plimsoll::base::{FaultKind, Instant, Span};
use plimsoll::clock::SystemClock;
use plimsoll::engine::capture::CaptureRequest;
use plimsoll::engine::record;
use plimsoll::engine::{lag, lease};
use plimsoll::mongo::Source;
use plimsoll::port::{Clock, ObjectStore};
use plimsoll::store::S3Options;
use plimsoll::store::memory::MemoryStore;

use crate::captured::{ASSET, Running, assert_gap_free, connected, request, worker, write};
use crate::halting::{HaltingSource, HaltingStore, Steps};
use crate::servers;

fn by(host: &str, lease: Span) -> CaptureRequest {
    CaptureRequest { by: worker(host), lease, ..request(Span::millis(300), 1 << 20) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_capture_ends_and_names_the_one_that_works() {
    let (client, db) = (connected().await, servers::unique("second"));
    let (store, source) = (Arc::new(MemoryStore::new()), Source::new(client.clone()));
    let first = Running::start(source.clone(), store.clone(), by("alpha", Span::secs(2))).await;
    write(&client, &db, 10).await;
    let second = Running::start(source.clone(), store.clone(), by("beta", Span::secs(2))).await;
    let fault = second.ended().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Conflict);
    assert!(fault.what.contains("of alpha"), "{fault}");
    assert!(fault.what.contains(&format!("process {}", std::process::id())), "{fault}");
    write(&client, &db, 10).await;
    first.stop().await.expect("the first is not disturbed");
    assert_gap_free(&client, store.as_ref()).await;

    // Ended as told, it makes room at once.
    let third = Running::start(source, store.clone(), by("gamma", Span::hours(1))).await;
    assert!(!third.heard.notes().iter().any(|note| note.contains("waiting")), "{:?}", third.heard.notes());
    third.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_captures_that_begin_at_once_one_works() {
    let (client, db) = (connected().await, servers::unique("many"));
    let store = Arc::new(MemoryStore::new());
    let many: Vec<Running> = (0..8)
        .map(|n| {
            let source = Source::new(client.clone());
            Running::launch(source, store.clone(), Arc::new(SystemClock), by(&format!("host {n}"), Span::secs(2)))
        })
        .collect();
    write(&client, &db, 20).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (ended, working): (Vec<Running>, Vec<Running>) = many.into_iter().partition(|one| one.task.is_finished());
    assert_eq!((ended.len(), working.len()), (7, 1));
    for one in ended {
        assert_eq!(one.ended().await.unwrap_err().kind, FaultKind::Conflict);
    }
    for one in working {
        one.stop().await.unwrap();
    }
    assert_gap_free(&client, store.as_ref()).await;
}

/// A clock that is wrong by so much.
#[derive(Debug)]
struct Skewed(Span);

impl Clock for Skewed {
    fn now(&self) -> Instant {
        SystemClock.now() + self.0
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_clock_however_wrong_takes_a_lease_from_a_capture_that_lives() {
    let (client, db) = (connected().await, servers::unique("skewed"));
    let (store, source) = (Arc::new(MemoryStore::new()), Source::new(client.clone()));
    let clock = |days| Arc::new(Skewed(Span::days(days)));
    let first = Running::launch(source.clone(), store.clone(), clock(-42), by("behind", Span::secs(2)));
    first.begun().await;
    for days in [42, -42, 0] {
        write(&client, &db, 5).await;
        let other = Running::launch(source.clone(), store.clone(), clock(days), by("other", Span::secs(2)));
        let fault = other.ended().await.unwrap_err();
        assert!(fault.what.contains("of behind"), "{days} days: {fault}");
    }
    // What can be lost is told by the server's time.
    write(&client, &db, 1).await;
    tokio::time::sleep(Duration::from_millis(800)).await;
    let status = lag::read(store.as_ref(), Some(&source), clock(42).as_ref(), ASSET).await.unwrap();
    assert!(status.lag.is_some_and(|lag| lag < Span::secs(15)), "{status:?}");
    assert_eq!(status.holder.map(|holder| holder.host).as_deref(), Some("behind"));
    first.stop().await.unwrap();
    assert_gap_free(&client, store.as_ref()).await;
}

/// What the capture said that was paused at this step and went on when another had begun.
async fn paused_at(step: i64, client: &mongodb::Client, db: &str) -> String {
    let (memory, steps) = (MemoryStore::new(), Steps::halt_at(step));
    let source = HaltingSource(Source::new(client.clone()), Arc::clone(&steps));
    let store = Arc::new(HaltingStore(memory.clone(), Arc::clone(&steps)));
    let paused = Running::launch(source, store, Arc::new(SystemClock), by("sleeper", Span::secs(1)));
    let working = async {
        loop {
            write(client, db, 5).await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::select! {
        () = steps.halted() => {}
        () = working => {}
    }
    let next = Running::start(Source::new(client.clone()), Arc::new(memory.clone()), by("heir", Span::secs(2))).await;
    write(client, db, 20).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    steps.release();
    write(client, db, 20).await;
    let outcome = paused.ended().await;
    write(client, db, 5).await;
    next.stop().await.unwrap_or_else(|fault| panic!("step {step}: the heir was disturbed: {fault:?}"));
    assert_gap_free(client, &memory).await;
    let (_, newest) = lease::newest(&memory, ASSET).await.unwrap().unwrap();
    assert_eq!((newest.holder.host.as_str(), newest.released), ("heir", true), "step {step}");
    record::chain(&outcome.expect_err("it has lost its chain"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_that_was_paused_at_any_step_beyond_its_term_does_not_fork_the_chain_when_it_goes_on() {
    let (client, db) = (connected().await, servers::unique("paused"));
    // A flush takes six steps: the lease, the beginning, and several flushes.
    for first in [0, 15, 30] {
        let pauses = (first..first + 15).map(|step| paused_at(step, &client, &db));
        for said in futures_util::future::join_all(pauses).await {
            assert!(said.contains("of heir"), "{said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_a_lease_do_not_pile_up() {
    let client = connected().await;
    let (store, source) = (Arc::new(MemoryStore::new()), Source::new(client.clone()));
    for _ in 0..3 {
        let running = Running::start(source.clone(), store.clone(), by("alpha", Span::millis(300))).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        running.stop().await.unwrap();
    }
    // One by which each began, and the newest.
    let left = store.list("leases/").await.unwrap();
    assert!(left.len() <= 6, "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_s3_too_one_of_two_captures_works_and_the_next_takes_over_from_one_that_died() {
    let (client, db) = (connected().await, servers::unique("lease-in-s3"));
    let s3 = servers::s3().await;
    let options = S3Options {
        endpoint: Some(s3.endpoint.clone()),
        region: Some("us-east-1".to_string()),
        credentials: Some((s3.access_key.clone(), s3.secret_key.clone())),
    };
    let bucket = servers::bucket("lease").await;
    let store = plimsoll::store::open(&format!("s3://{bucket}/shop"), &options).await.unwrap();
    let source = Source::new(client.clone());
    let first = Running::start(source.clone(), store.clone(), by("alpha", Span::secs(2))).await;
    write(&client, &db, 20).await;
    let second = Running::start(source.clone(), store.clone(), by("beta", Span::secs(2))).await;
    assert!(second.ended().await.unwrap_err().what.contains("of alpha"));
    first.kill().await;
    let third = Running::start(source, store.clone(), by("gamma", Span::secs(2))).await;
    write(&client, &db, 20).await;
    third.stop().await.unwrap();
    assert_gap_free(&client, store.as_ref()).await;
}
