//! The crash campaign for capture: killed before every step that it takes, the next run makes the chain whole.

use std::sync::Arc;
use std::time::Duration;

use mongodb::Client;
use plimsoll::base::Span;
use plimsoll::mongo::Source;
use plimsoll::store::memory::MemoryStore;

use crate::captured::{ASSET, Running, assert_gap_free, chain, connected, request, write};
use crate::halting::{HaltingSource, HaltingStore, Steps};
use crate::servers;
use plimsoll::clock::SystemClock;
use plimsoll::engine::capture::CaptureRequest;

/// Crashes tried side by side.
const AT_ONCE: i64 = 16;

fn quick() -> CaptureRequest {
    CaptureRequest { lease: Span::secs(1), ..request(Span::millis(300), 1 << 20) }
}

/// Whether the step was reached; told to stop, the capture ends by itself if it was not.
async fn killed_at(step: i64, client: &Client, db: &str) -> bool {
    let (memory, steps) = (MemoryStore::new(), Steps::halt_at(step));
    let source = HaltingSource(Source::new(client.clone()), Arc::clone(&steps));
    let store = Arc::new(HaltingStore(memory.clone(), Arc::clone(&steps)));
    let running = Running::launch(source, store, Arc::new(SystemClock), quick());
    let writes = async {
        for _ in 0..3 {
            write(client, db, 10).await;
            tokio::time::sleep(Duration::from_millis(350)).await;
        }
        running.raise.send_replace(true);
        // It reads on to what was committed, and ends well before this.
        tokio::time::sleep(Duration::from_secs(5)).await;
    };
    tokio::select! {
        () = steps.halted() => {}
        () = writes => {}
    }
    if running.task.is_finished() {
        running.ended().await.expect("nothing stood in its way");
        return false;
    }
    running.kill().await;

    // Nothing half-made is visible: what is there is whole.
    let before = chain(&memory).await;
    if !before.is_empty() {
        assert_gap_free(client, &memory).await;
    }
    let next = Running::start(Source::new(client.clone()), Arc::new(memory.clone()), quick()).await;
    write(client, db, 5).await;
    let summary = next.stop().await.unwrap_or_else(|fault| panic!("after a crash at step {step}: {fault:?}"));
    assert_eq!(summary.gaps, 0);
    let slices = assert_gap_free(client, &memory).await;
    assert_eq!(slices.iter().filter(|header| header.previous.is_none()).count(), 1, "step {step}");
    for (at, (_, header)) in before.iter().enumerate() {
        assert_eq!(header, &slices[at], "what was visible stays as it was; step {step}");
    }
    assert!(slices.iter().all(|header| header.asset == ASSET));
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_any_step_of_store_or_server_the_next_capture_makes_the_chain_whole() {
    let (client, db) = (connected().await, servers::unique("killed"));
    let mut first = 0;
    loop {
        let crashes = (first..first + AT_ONCE).map(|step| killed_at(step, &client, &db));
        let reached = futures_util::future::join_all(crashes).await;
        first += AT_ONCE;
        if reached.contains(&false) {
            break;
        }
    }
    assert!(first >= 2 * AT_ONCE, "only {first} steps were found");
}
