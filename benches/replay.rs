//! How much faster the log is replayed than it was written.
//!
//! `cargo bench --bench replay -- SECONDS PER_SECOND`: PixelCraft's writers go on for so long at that pace while the log
//! is captured; then the state of their last write is restored into another server, and compared with their ledger.

use std::io::Write;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use plimsoll::base::{Compression, Keeping, OpTime, Span};
use plimsoll::clock::SystemClock;
use plimsoll::engine::backup::{self, BackupRequest};
use plimsoll::engine::capture::{self, CaptureRequest, Worker};
use plimsoll::engine::content::documents;
use plimsoll::engine::dump::Wanted;
use plimsoll::engine::event::Silent;
use plimsoll::engine::plan::{self, RestoreRequest, RestoreTo};
use plimsoll::engine::restore::{self, RestoreOptions, Restored};
use plimsoll::lab::guard::Guard;
use plimsoll::lab::pixelcraft::{self, COLLECTIONS, Ledger, PixelCraft, Size, Writer};
use plimsoll::lab::server::{MongoOptions, MongoServer, ServerKind, locate};
use plimsoll::mongo::{Source, Target, client};
use plimsoll::port::{MongoTarget, ObjectStore};
use plimsoll::store::directory::DirectoryStore;
use tokio::sync::watch;

const ASSET: &str = "pixelcraft";
const SIZE: Size = Size { users: 1_500, images: 1_000, edits: 30_000, activity: 30_000 };
/// The first finds a cold server.
const RESTORES: usize = 4;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let numbers: Vec<u32> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    let [seconds, per_second] = numbers[..] else { panic!("usage: cargo bench --bench replay -- SECONDS PER_SECOND") };
    let guard = Guard::at(env!("CARGO_BIN_EXE_plimsoll"));
    let mongod = locate(ServerKind::Mongod, None, &guard, &|_| ()).expect("a mongod");
    let options = MongoOptions { without_ttl: true, ..MongoOptions::default() };
    let from = MongoServer::start(&mongod, &guard, &MongoOptions::default()).await.expect("a server to write to");
    let to = MongoServer::start(&mongod, &guard, &options).await.expect("a server to restore into");
    let folder = tempfile::tempdir().expect("a folder");
    let store: Arc<dyn ObjectStore> = Arc::new(DirectoryStore::new(folder.path().join("repository")));

    let database = client::connect(&from.uri).await.expect("connects").database("pixelcraft");
    let uploads = Arc::new(DirectoryStore::new(folder.path().join("uploads")));
    let craft = PixelCraft { database, uploads, clock: Arc::new(SystemClock), seed: 1 };
    let (ledger, took) = write(&craft, &store, seconds, per_second).await;

    let target = Target::new(client::connect(&to.uri).await.expect("connects"));
    let until = ledger.last_until(OpTime::new(u32::MAX, 0)).expect("a write").0;
    let request = RestoreRequest { asset: ASSET.to_string(), target: RestoreTo::At(until) };
    let plan = plan::make(store.as_ref(), &request).await.expect("a plan");
    let options = RestoreOptions { replace: true, ..RestoreOptions::default() };
    for _ in 0..RESTORES {
        let restored = restore::run(&plan, Arc::clone(&store), &target, &SystemClock, &Silent, &options).await;
        equal(&ledger, until, &target).await;
        tell(&restored.expect("a restore"), plan.slices.len(), took);
    }
}

/// Backs up, then writes while the log is captured, and says for how long.
async fn write(craft: &PixelCraft, store: &Arc<dyn ObjectStore>, seconds: u32, per_second: u32) -> (Ledger, Duration) {
    let ledger = pixelcraft::share(pixelcraft::fill(craft, &SIZE).await.expect("fills"));
    let source = Source::new(craft.database.client().clone());
    let (stop, stopped) = watch::channel(false);
    let capture = tokio::spawn({
        let (source, store) = (source.clone(), Arc::clone(store));
        let request = CaptureRequest {
            asset: ASSET.to_string(),
            protection: None,
            flush_every: Span::secs(10),
            slice_bytes: 16 << 20,
            by: Worker { host: "the bench".to_string(), pid: std::process::id() },
            keeping: Keeping::default(),
            lease: Span::secs(30),
        };
        async move { capture::run(&source, store, &SystemClock, &Silent, &request, stopped).await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let request = BackupRequest {
        asset: ASSET.to_string(),
        protection: None,
        wanted: Wanted { databases: vec!["pixelcraft".to_string()], ..Wanted::default() },
        with_log: false,
        expires_after: None,
        compression: Compression::default(),
        keeping: Keeping::default(),
    };
    backup::run(&source, Arc::clone(store), &SystemClock, &Silent, &request).await.expect("a backup");

    let began = Instant::now();
    let writer = Writer::start(craft, &SIZE, &ledger, per_second).await.expect("writers");
    tokio::time::sleep(Duration::from_secs(u64::from(seconds))).await;
    let written = writer.stop().await.expect("written");
    let took = began.elapsed();
    stop.send_replace(true);
    let captured = capture.await.expect("the capture").expect("captured");
    assert_eq!((written.refused, captured.gaps), (0, 0));
    say(&format!(
        "written   {:.1} s, {} operations, {} of them transactions; {} entries captured, {} bytes stored",
        took.as_secs_f64(),
        written.operations,
        written.transactions,
        captured.entries,
        captured.bytes
    ));
    let ledger = std::mem::take(&mut *ledger.lock().unwrap_or_else(PoisonError::into_inner));
    (ledger, took)
}

async fn equal(ledger: &Ledger, until: OpTime, target: &Target) {
    let mut comparison = ledger.compare_at(until);
    for name in COLLECTIONS {
        let mut batches = target.documents("pixelcraft", name).await.expect("reads");
        while let Some(batch) = batches.next().await {
            for document in documents(&batch.expect("a batch")) {
                comparison.see(name, document.expect("a document")).expect("BSON");
            }
        }
    }
    let difference = comparison.finish();
    assert!(difference.is_none(), "what was restored is not what was written: {difference:?}");
}

fn tell(restored: &Restored, slices: usize, took: Duration) {
    let phase = |name: &str| restored.phases.iter().filter(|p| p.name == name).map(|p| p.took.as_secs()).sum::<f64>();
    let (check, replay) = (phase("check"), phase("replay"));
    say(&format!(
        "replayed  {replay:.2} s for {} operations of {slices} slices: {:.0} a second; the check before it {check:.2} s",
        restored.operations,
        restored.operations as f64 / replay
    ));
    let ratio = took.as_secs_f64() / replay;
    say(&format!("faster    {ratio:.1} times; check included {:.1} times", took.as_secs_f64() / (replay + check)));
}

fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("a word to whoever waits");
}
