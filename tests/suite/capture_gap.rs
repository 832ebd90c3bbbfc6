//! What capture cannot see, and what it is not told: an oplog that rolled over, and a listing that is short.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use plimsoll::base::{Instant, OpTime, Result, Span};
use plimsoll::clock::SystemClock;
use plimsoll::engine::backup::{self, BackupRequest};
use plimsoll::engine::chain::{self, End, Pending, store_data};
use plimsoll::engine::dump::Wanted;
use plimsoll::engine::event::Silent;
use plimsoll::engine::plan::{self, RestorePlan, RestoreRequest, RestoreTo};
use plimsoll::mongo::Source;
use plimsoll::port::{CollectionInfo, Flow, ObjectInfo, ServerInfo, Upload, Written};
use plimsoll::port::{MongoSource, ObjectStore};
use plimsoll::repository::{SliceHeader, catalog};
use plimsoll::store::memory::MemoryStore;

use crate::captured::{self, ASSET, Running, connected, request, write};
use crate::restored::back_up;
use crate::servers;

/// A real server that has thrown away all entries before this one.
#[derive(Debug)]
struct Rolled(Source, OpTime);

#[async_trait]
impl MongoSource for Rolled {
    async fn info(&self) -> Result<ServerInfo> {
        self.0.info().await
    }
    async fn databases(&self) -> Result<Vec<String>> {
        self.0.databases().await
    }
    async fn collections(&self, db: &str) -> Result<Vec<CollectionInfo>> {
        self.0.collections(db).await
    }
    async fn cluster_time(&self) -> Result<OpTime> {
        self.0.cluster_time().await
    }
    async fn size(&self, db: &str, collection: &str) -> Option<u64> {
        self.0.size(db, collection).await
    }
    async fn documents(&self, db: &str, collection: &str, at: Option<OpTime>) -> Result<Flow<Bytes>> {
        self.0.documents(db, collection, at).await
    }
    async fn horizon(&self) -> Result<OpTime> {
        self.0.horizon().await
    }
    async fn documents_since(&self, db: &str, collection: &str, from: OpTime) -> Result<Flow<Bytes>> {
        self.0.documents_since(db, collection, from).await
    }
    async fn oplog_first(&self) -> Result<OpTime> {
        Ok(self.1)
    }
    async fn oplog(&self, from: OpTime, until: Option<OpTime>) -> Result<Flow<Bytes>> {
        self.0.oplog(from.max(self.1), until).await
    }
}

async fn planned(store: &dyn ObjectStore, at: OpTime) -> Result<RestorePlan> {
    planned_of(ASSET, store, at).await
}

async fn planned_of(asset: &str, store: &dyn ObjectStore, at: OpTime) -> Result<RestorePlan> {
    plan::make(store, &RestoreRequest { asset: asset.to_string(), target: RestoreTo::At(at) }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_point_before_a_gap_is_rolled_beyond_it_and_a_new_base_makes_later_instants_restorable() {
    let (client, db) = (connected().await, servers::unique("rolled"));
    let (source, memory) = (Source::new(client.clone()), Arc::new(MemoryStore::new()));
    let store: Arc<dyn ObjectStore> = memory.clone();
    write(&client, &db, 5).await;
    let first = Running::start(source.clone(), store.clone(), request(Span::secs(1), 1 << 20)).await;
    let base = back_up(&source, &store, &[&db]).await;
    write(&client, &db, 20).await;
    let before_it = first.stop().await.unwrap();

    // While nobody captures, more is written than the oplog holds.
    write(&client, &db, 20).await;
    let lost = source.cluster_time().await.unwrap();
    write(&client, &db, 20).await;
    let oldest = source.cluster_time().await.unwrap();
    let rolled = Rolled(source.clone(), oldest);
    let second = Running::start(rolled, store.clone(), request(Span::secs(1), 1 << 20)).await;
    write(&client, &db, 20).await;
    let after = source.cluster_time().await.unwrap();
    // On a quiet server the new base would be of that very instant, and restore it.
    write(&client, &db, 1).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let new_base = back_up(&source, &store, &[&db]).await;
    write(&client, &db, 20).await;
    let later = source.cluster_time().await.unwrap();
    assert_eq!(second.stop().await.unwrap().gaps, 1);

    for at in [lost, after] {
        let fault = planned(store.as_ref(), at).await.unwrap_err();
        let help = fault.help.clone().unwrap_or_default();
        assert!(help.contains(&format!("--at {}", before_it.last)), "{at}: {fault}; {help}");
    }
    assert_eq!(planned(store.as_ref(), before_it.last).await.unwrap().base.id, base.id);
    assert_eq!(planned(store.as_ref(), later).await.unwrap().base.id, new_base.id);

    let evidence = catalog::read(store.as_ref(), Instant(i64::MAX / 2)).await.unwrap();
    let within = |at: OpTime| evidence.coverage.iter().any(|piece| piece.first < at && at <= piece.last);
    assert!(within(before_it.last) && within(after) && !within(lost) && !within(oldest), "{:?}", evidence.coverage);
    assert!(evidence.unreadable.is_empty(), "{:?}", evidence.unreadable);
}

/// A store whose listing knows nothing newer than this.
#[derive(Debug)]
struct Short(MemoryStore, OpTime);

#[async_trait]
impl ObjectStore for Short {
    fn address(&self) -> String {
        self.0.address()
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
        let newest = format!("-{:010}.{:010}.", self.1.secs, self.1.inc);
        let is_newer =
            |key: &str| key.rfind('-').is_some_and(|at| key[at..] > newest[..] && !key[at..].starts_with(&newest));
        listed.retain(|object| !object.key.starts_with("oplog/") || !is_newer(&object.key));
        Ok(listed)
    }
    async fn delete(&self, key: &str) -> Result<()> {
        self.0.delete(key).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_that_is_given_a_short_listing_makes_the_log_overlap_and_no_instant_is_lost() {
    let (client, db) = (connected().await, servers::unique("short"));
    let (source, memory) = (Source::new(client.clone()), MemoryStore::new());
    let store: Arc<dyn ObjectStore> = Arc::new(memory.clone());
    let often = || request(Span::millis(300), 1 << 20);
    write(&client, &db, 5).await;
    let first = Running::start(source.clone(), store.clone(), often()).await;
    back_up(&source, &store, &[&db]).await;
    let mut marks = Vec::new();
    for _ in 0..4 {
        write(&client, &db, 10).await;
        marks.push(source.cluster_time().await.unwrap());
        tokio::time::sleep(Duration::from_millis(350)).await;
    }
    let before_it = first.stop().await.unwrap();
    let before = captured::chain(store.as_ref()).await;
    assert!(before.len() >= 4, "{} slices", before.len());

    // Its listing ends at the second slice. What it writes ends where the chain ended, and then goes on beyond that.
    let short = Arc::new(Short(memory.clone(), before[1].1.last));
    let all_at_once = request(Span::secs(60), 16 << 20);
    let source_until = Source::new(client.clone());
    let second = Running::start(source_until, short, all_at_once).await;
    write(&client, &db, 10).await;
    marks.push(source.cluster_time().await.unwrap());
    second.stop().await.unwrap();
    let third = Running::start(source.clone(), store.clone(), often()).await;
    write(&client, &db, 10).await;
    marks.push(source.cluster_time().await.unwrap());
    third.stop().await.unwrap();
    let overlapping = captured::chain(store.as_ref()).await;
    assert!(overlapping.iter().any(|(_, h)| h.first == before[1].1.last && h.last > before_it.last), "no overlap");
    for at in marks {
        planned(store.as_ref(), at).await.unwrap_or_else(|fault| panic!("{at}: {fault}"));
    }
    let evidence = catalog::read(store.as_ref(), Instant(i64::MAX / 2)).await.unwrap();
    assert!(evidence.unreadable.is_empty(), "{:?}", evidence.unreadable);
}

/// A slice of one entry, hung after `previous`.
async fn hung(store: &dyn ObjectStore, first: OpTime, last: OpTime, previous: Option<&SliceHeader>) -> SliceHeader {
    hung_of(ASSET, store, first, last, previous).await
}

async fn hung_of(
    asset: &str,
    store: &dyn ObjectStore,
    first: OpTime,
    last: OpTime,
    previous: Option<&SliceHeader>,
) -> SliceHeader {
    let mut pending = Pending::default();
    let ts = bson::Timestamp { time: last.secs, increment: last.inc };
    // Other bytes for each slice.
    let entry = bson::rawdoc! { "ts": ts, "op": "n", "since": i64::from(first.secs), "ns": "" };
    pending.take(Bytes::copy_from_slice(entry.as_bytes()), first).unwrap();
    let end = End { last: first, previous: previous.map(|header| header.sha256.clone()) };
    let header = store_data(&end, &pending, asset, None, store, (&SystemClock, None)).await.unwrap();
    chain::hang(&header, store).await.unwrap();
    header
}

#[tokio::test(flavor = "multi_thread")]
async fn slices_that_end_at_one_instant_are_each_a_way_on_but_one_that_continues_neither_is_refused() {
    let (client, db) = (connected().await, servers::unique("ways"));
    let store: Arc<dyn ObjectStore> = Arc::new(MemoryStore::new());
    write(&client, &db, 5).await;
    let base = back_up(&Source::new(client.clone()), &store, &[&db]).await;
    let from = base.cluster_time.unwrap();
    let at = |secs: u32| OpTime::new(from.secs + secs, 1);
    let first = hung(store.as_ref(), from, at(1), None).await;
    let second = hung(store.as_ref(), at(1), at(2), Some(&first)).await;
    // From another beginning to the same end: it leads further at once.
    let wide = hung(store.as_ref(), from, at(2), None).await;
    hung(store.as_ref(), at(2), at(3), Some(&second)).await;
    let plan = planned(store.as_ref(), at(3)).await.unwrap();
    assert_eq!(plan.slices.iter().map(|slice| slice.header.last).collect::<Vec<_>>(), [at(2), at(3)]);
    assert_eq!(plan.slices[0].header, wide);

    let stranger = SliceHeader { sha256: "0".repeat(64), ..second };
    hung(store.as_ref(), at(3), at(4), Some(&stranger)).await;
    let fault = planned(store.as_ref(), at(4)).await.unwrap_err();
    assert!(fault.what.contains("does not continue"), "{fault}");
}

/// Row 8: of two assets in one repository each is restorable by its own chain alone, both together where both are.
#[tokio::test(flavor = "multi_thread")]
async fn the_gap_free_log_of_one_asset_hides_no_gap_in_that_of_another() {
    let (client, db) = (connected().await, servers::unique("two"));
    let store: Arc<dyn ObjectStore> = Arc::new(MemoryStore::new());
    write(&client, &db, 5).await;
    let source = Source::new(client.clone());
    let from = back_up(&source, &store, &[&db]).await.cluster_time.unwrap();
    let wanted = Wanted { databases: vec![db.clone()], ..Wanted::default() };
    let request = BackupRequest { asset: "other".to_string(), wanted, ..BackupRequest::default() };
    let other_from = backup::run(&source, store.clone(), &SystemClock, &Silent, &request).await.unwrap();
    let other_from = other_from.cluster_time.unwrap();
    let at = |secs: u32| OpTime::new(other_from.secs + secs, 1);

    let mut other = hung_of("other", store.as_ref(), other_from, at(1), None).await;
    for secs in 1..4 {
        other = hung_of("other", store.as_ref(), at(secs), at(secs + 1), Some(&other)).await;
    }
    // Of this one, nothing is known of what was between the second and the third.
    let first = hung(store.as_ref(), from, at(1), None).await;
    hung(store.as_ref(), at(1), at(2), Some(&first)).await;
    hung(store.as_ref(), at(3), at(4), None).await;

    let mut both = Vec::new();
    for secs in 1..=4 {
        let ours = planned(store.as_ref(), at(secs)).await;
        let theirs = planned_of("other", store.as_ref(), at(secs)).await;
        theirs.as_ref().unwrap_or_else(|fault| panic!("{secs}: {fault}"));
        both.push(ours.is_ok() && theirs.is_ok());
    }
    assert_eq!(both, [true, true, false, false]);
    let evidence = catalog::read(store.as_ref(), Instant(i64::MAX / 2)).await.unwrap();
    let covered = |asset: &str, at: OpTime| {
        evidence.coverage.iter().any(|piece| piece.asset == asset && piece.first < at && at <= piece.last)
    };
    assert!(covered("other", at(3)) && !covered(ASSET, at(3)), "{:?}", evidence.coverage);
}
