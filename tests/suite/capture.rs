//! Oplog capture from a real server: a chain without gaps, and where there is one, a gap that is said.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bson::RawDocument;
use bytes::Bytes;
use futures_util::StreamExt;
use mongodb::Client;
use plimsoll::base::{Fault, FaultKind, OpTime, Result, Span};
use plimsoll::clock::SystemClock;
use plimsoll::engine::chain::{End, Pending, hang, store_data};
use plimsoll::evidence::{Run, RunOutcome};
use plimsoll::mongo::{Source, client};
use plimsoll::port::{CollectionInfo, Flow, ServerInfo};
use plimsoll::port::{MongoSource, ObjectStore};
use plimsoll::repository::SliceHeader;
use plimsoll::repository::key::SliceName;
use plimsoll::store::memory::MemoryStore;

use crate::captured::{ASSET, Running, assert_gap_free, chain, connected, entries, request, write};
use crate::servers;
use crate::stage::Breaking;

fn inserted(entries: &[Vec<u8>], namespace: &str) -> usize {
    let wanted = |e: &&Vec<u8>| RawDocument::from_bytes(e).unwrap().get_str("ns").unwrap() == namespace;
    entries.iter().filter(wanted).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn slices_hold_every_entry_once_and_chain_by_hash() {
    let (client, db) = (connected().await, servers::unique("captured"));
    let store = Arc::new(MemoryStore::new());
    let running = Running::start(Source::new(client.clone()), store.clone(), request(Span::secs(60), 100_000)).await;
    write(&client, &db, 1_000).await;
    let summary = running.stop().await.unwrap();

    let slices = assert_gap_free(&client, store.as_ref()).await;
    assert!(slices.len() >= 4, "slices of 100 kB, yet only {} of them", slices.len());
    assert_eq!(slices[0].previous, None);
    assert_eq!((summary.slices, summary.gaps), (slices.len() as u64, 0));
    assert_eq!((summary.first, summary.last), (slices[0].first, slices[slices.len() - 1].last));
    let mut count = 0;
    for (key, header) in chain(store.as_ref()).await {
        count += inserted(&entries(store.as_ref(), &key, &header).await, &format!("{db}.things"));
    }
    assert_eq!(count, 1_000, "what was acknowledged before the stop is not all there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_goes_on_where_the_last_one_ended() {
    let (client, db) = (connected().await, servers::unique("resumed"));
    let store = Arc::new(MemoryStore::new());
    for _ in 0..3 {
        let often = request(Span::secs(1), 1 << 20);
        let running = Running::start(Source::new(client.clone()), store.clone(), often).await;
        write(&client, &db, 50).await;
        running.stop().await.unwrap();
        // Written while nobody captures.
        write(&client, &db, 50).await;
    }
    let slices = assert_gap_free(&client, store.as_ref()).await;
    assert_eq!(slices.iter().filter(|header| header.previous.is_none()).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn coverage_moves_forward_while_nobody_writes() {
    // Others write to the shared server.
    let server = servers::private_mongo().await;
    let client = client::connect(&server.uri).await.unwrap();
    let store = Arc::new(MemoryStore::new());
    let running = Running::start(Source::new(client.clone()), store.clone(), request(Span::secs(1), 1 << 20)).await;
    // The server writes a no-op when nobody has written for ten seconds.
    for _ in 0..30 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let slices = chain(store.as_ref()).await;
        let covered = |s: &[(String, SliceHeader)]| s[s.len() - 1].1.last.instant() - s[0].1.first.instant();
        if !slices.is_empty() && covered(&slices) >= Span::secs(8) {
            assert_gap_free(&client, store.as_ref()).await;
            running.stop().await.unwrap();
            return;
        }
    }
    panic!("idle time is not covered: {:?}", chain(store.as_ref()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_is_announced_recorded_and_begins_a_new_chain() {
    let (client, db) = (connected().await, servers::unique("gap"));
    let store = Arc::new(MemoryStore::new());
    // The chain ended long before the oldest entry that the server still has.
    let oldest = Source::new(client.clone()).oplog_first().await.unwrap();
    let lost = OpTime::new(oldest.secs - 7_200, 1);
    put_header(store.as_ref(), &header(OpTime::new(lost.secs - 10, 1), lost)).await;

    let running = Running::start(Source::new(client.clone()), store.clone(), request(Span::secs(1), 16 << 20)).await;
    write(&client, &db, 10).await;
    let heard = running.heard.clone();
    let summary = running.stop().await.unwrap();
    assert_eq!(summary.gaps, 1);
    assert!(
        heard.warnings().iter().any(|w| w.contains("gap") && w.contains("take a backup")),
        "{:?}",
        heard.warnings()
    );
    let new = chain(store.as_ref()).await.into_iter().map(|(_, header)| header).find(|h| h.first > lost).unwrap();
    assert_eq!((new.first, new.previous), (oldest, None));
    let mut outcomes = Vec::new();
    for run in store.list("runs/").await.unwrap() {
        let run: Run = serde_json::from_slice(&store.get(&run.key).await.unwrap()).unwrap();
        outcomes.push(run.outcome);
    }
    let gap = |o: &&RunOutcome| matches!(o, RunOutcome::Failed { why } if why.starts_with("gap"));
    assert_eq!((outcomes.iter().filter(gap).count(), outcomes.len()), (1, 2), "{outcomes:?}");
}

/// A real server whose oplog cursor breaks after its first few batches, the first times.
#[derive(Debug)]
struct Unsteady {
    source: Source,
    breaks: AtomicUsize,
}

#[async_trait]
impl MongoSource for Unsteady {
    async fn info(&self) -> Result<ServerInfo> {
        self.source.info().await
    }
    async fn databases(&self) -> Result<Vec<String>> {
        self.source.databases().await
    }
    async fn collections(&self, db: &str) -> Result<Vec<CollectionInfo>> {
        self.source.collections(db).await
    }
    async fn cluster_time(&self) -> Result<OpTime> {
        self.source.cluster_time().await
    }
    async fn size(&self, _db: &str, _collection: &str) -> Option<u64> {
        None
    }
    async fn documents(&self, db: &str, collection: &str, at: Option<OpTime>) -> Result<Flow<Bytes>> {
        self.source.documents(db, collection, at).await
    }
    async fn horizon(&self) -> Result<OpTime> {
        self.source.horizon().await
    }
    async fn documents_since(&self, db: &str, collection: &str, from: OpTime) -> Result<Flow<Bytes>> {
        self.source.documents_since(db, collection, from).await
    }
    async fn oplog_first(&self) -> Result<OpTime> {
        self.source.oplog_first().await
    }
    async fn oplog(&self, from: OpTime, until: Option<OpTime>) -> Result<Flow<Bytes>> {
        let flow = self.source.oplog(from, until).await?;
        let left = self.breaks.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        match left {
            Err(_) => Ok(flow),
            Ok(_) => {
                let broken = futures_util::stream::once(async { Err(Fault::unreachable("the primary stepped down")) });
                Ok(Box::pin(flow.take(3).chain(broken)))
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_read_is_taken_up_again_without_gap_or_overlap() {
    let (client, db) = (connected().await, servers::unique("unsteady"));
    let store = Arc::new(MemoryStore::new());
    let source = Unsteady { source: Source::new(client.clone()), breaks: AtomicUsize::new(2) };
    let running = Running::start(source, store.clone(), request(Span::secs(60), 16 << 20)).await;
    write(&client, &db, 400).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    write(&client, &db, 100).await;
    let heard = running.heard.clone();
    running.stop().await.unwrap();
    assert_eq!(heard.warnings().iter().filter(|w| w.contains("stepped down")).count(), 2, "{:?}", heard.warnings());
    assert_gap_free(&client, store.as_ref()).await;
}

/// Whether the fault was met.
async fn broken_at(call: i64, client: &Client, db: &str) -> bool {
    let memory = MemoryStore::new();
    let store = Arc::new(Breaking::once(memory.clone(), call));
    let often = || request(Span::millis(300), 1 << 20);
    let running = Running::start(Source::new(client.clone()), store.clone(), often()).await;
    for _ in 0..3 {
        write(client, db, 20).await;
        tokio::time::sleep(Duration::from_millis(350)).await;
    }
    // What was broken fails the run, or is told by it.
    let _ = running.stop().await;
    let running = Running::start(Source::new(client.clone()), Arc::new(memory.clone()), often()).await;
    write(client, db, 1).await;
    running.stop().await.unwrap_or_else(|fault| panic!("after call {call} broke: {fault:?}"));
    let slices = assert_gap_free(client, &memory).await;
    assert_eq!(slices.iter().filter(|header| header.previous.is_none()).count(), 1);
    store.broke()
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_the_store_breaks_the_next_run_makes_the_chain_whole() {
    let (client, db) = (connected().await, servers::unique("converges"));
    let met = futures_util::future::join_all((0..24).map(|call| broken_at(call, &client, &db))).await;
    assert!(met.iter().take(12).all(|met| *met), "too few calls were broken: {met:?}");
}

fn header(first: OpTime, last: OpTime) -> SliceHeader {
    SliceHeader {
        format: 1,
        asset: ASSET.to_string(),
        protection: None,
        first,
        last,
        entries: 1,
        bytes: 1,
        sha256: "00".repeat(32),
        seal: None,
        number: 0,
        hung_as: None,
        previous: None,
        written_at: last.instant(),
        locked_until: None,
    }
}

async fn put_header(store: &dyn ObjectStore, header: &SliceHeader) {
    let key = SliceName::new(ASSET, header.first, header.last).unwrap().header().to_string();
    store.put(&key, serde_json::to_vec(header).unwrap().into()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_behind_the_chain_is_not_taken_for_its_continuation() {
    let client = connected().await;
    let store = Arc::new(MemoryStore::new());
    let future = header(OpTime::new(4_000_000_000, 1), OpTime::new(4_000_000_001, 1));
    put_header(store.as_ref(), &future).await;
    let running = Running::start(Source::new(client), store.clone(), request(Span::secs(1), 1 << 20)).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let fault = running.stop().await.unwrap_err();
    assert!(fault.what.contains("does not reach 4000000001:1"), "{fault:?}");
    assert_eq!(chain(store.as_ref()).await.len(), 1, "nothing was added");
}

#[tokio::test]
async fn a_slice_that_somebody_else_wrote_is_not_taken_for_ones_own() {
    let store = MemoryStore::new();
    let (first, last) = (OpTime::new(1_000, 1), OpTime::new(1_000, 2));
    put_header(&store, &header(first, last)).await;
    let mut pending = Pending::default();
    let entry = bson::rawdoc! { "ts": bson::Timestamp { time: 1_000, increment: 2 }, "op": "n" };
    pending.take(Bytes::copy_from_slice(entry.as_bytes()), first).unwrap();
    let end = End { last: first, previous: None };
    let ours = store_data(&end, &pending, ASSET, None, &store, (&SystemClock, None)).await.unwrap();
    assert_eq!(hang(&ours, &store).await.unwrap_err().kind, FaultKind::Conflict);

    // Nor is its data overwritten, which its header vouches for.
    let key = SliceName::new(ASSET, first, last).unwrap().data().to_string();
    store.put(&key, Bytes::from_static(b"theirs")).await.unwrap();
    let fault = store_data(&end, &pending, ASSET, None, &store, (&SystemClock, None)).await.unwrap_err();
    assert_eq!((fault.kind, store.get(&key).await.unwrap().as_ref()), (FaultKind::Conflict, b"theirs".as_slice()));
}

#[test]
fn entries_out_of_order_are_refused() {
    let entry =
        |inc| Bytes::copy_from_slice(bson::rawdoc! { "ts": bson::Timestamp { time: 9, increment: inc } }.as_bytes());
    let mut pending = Pending::default();
    pending.take(entry(5), OpTime::new(9, 4)).unwrap();
    for inc in [5, 4, 1] {
        assert!(pending.take(entry(inc), OpTime::new(9, 4)).is_err(), "{inc} after 5");
    }
    pending.take(entry(6), OpTime::new(9, 4)).unwrap();
    assert_eq!((pending.entries, pending.last), (2, Some(OpTime::new(9, 6))));
}
