//! Helpers for the stories about restores: a source with a capture beside it, and what a server held at an instant.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::StreamExt;
use plimsoll::base::{Compression, Keeping, OpTime, Span};
use plimsoll::clock::SystemClock;
use plimsoll::engine::backup::{self, BackupRequest};
use plimsoll::engine::capture::{self, CaptureRequest, CaptureSummary};
use plimsoll::engine::content::Tally;
use plimsoll::engine::dump::Wanted;
use plimsoll::engine::event::Silent;
use plimsoll::mongo::Source;
use plimsoll::port::CollectionKind;
use plimsoll::port::{MongoSource, ObjectStore};
use plimsoll::repository::Manifest;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::captured::worker;

pub const ASSET: &str = "shop";

/// What a server holds: tally, options, indexes, by namespace. Options and indexes as sorted text.
pub type State = BTreeMap<String, (Tally, String, Vec<String>)>;

/// The state of these databases at one cluster time; options and indexes are those of now, and so are the documents of
/// capped collections, which the server reads at no other time.
pub async fn state(source: &Source, databases: &[&str], at: Option<OpTime>) -> State {
    let mut state = State::new();
    for db in databases {
        for collection in source.collections(db).await.expect("collections") {
            let mut tally = Tally::default();
            if collection.kind != CollectionKind::View {
                let place = match collection.kind {
                    CollectionKind::TimeSeries => format!("system.buckets.{}", collection.name),
                    _ => collection.name.clone(),
                };
                let capped = collection.options.get_bool("capped").unwrap_or(false);
                let mut batches = source.documents(db, &place, at.filter(|_| !capped)).await.expect("documents");
                while let Some(batch) = batches.next().await {
                    tally.merge(&Tally::of(&batch.expect("a batch")).expect("documents"));
                }
            }
            let mut indexes: Vec<String> = collection.indexes.iter().map(|i| sorted(i.as_ref())).collect();
            indexes.sort();
            state.insert(format!("{db}.{}", collection.name), (tally, sorted(collection.options.as_ref()), indexes));
        }
    }
    state
}

/// Top-level fields in order of name, since a server may write them in any.
fn sorted(document: &bson::RawDocument) -> String {
    let document = bson::Document::try_from(document).expect("BSON");
    let fields: BTreeMap<String, String> =
        document.into_iter().map(|(name, value)| (name, value.to_string())).collect();
    format!("{fields:?}")
}

pub struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<plimsoll::base::Result<CaptureSummary>>,
}

/// Begins a capture that writes slices often, so that a restore needs several.
pub fn begin_capture(source: &Source, store: &Arc<dyn ObjectStore>) -> Running {
    let (stop, stopped) = watch::channel(false);
    let (source, store) = (source.clone(), Arc::clone(store));
    let task = tokio::spawn(async move {
        let request = CaptureRequest {
            asset: ASSET.to_string(),
            protection: None,
            flush_every: Span::millis(300),
            slice_bytes: 8 << 20,
            by: worker("the test"),
            keeping: Keeping::default(),
            lease: Span::secs(30),
        };
        capture::run(&source, store, &SystemClock, &Silent, &request, stopped).await
    });
    Running { stop, task }
}

impl Running {
    pub async fn end(self) -> CaptureSummary {
        self.stop.send(true).expect("the capture runs");
        self.task.await.expect("the capture's task").expect("the capture")
    }
}

pub async fn back_up(source: &dyn MongoSource, store: &Arc<dyn ObjectStore>, databases: &[&str]) -> Manifest {
    back_up_as(Compression::default(), source, store, databases).await
}

pub async fn back_up_as(
    compression: Compression,
    source: &dyn MongoSource,
    store: &Arc<dyn ObjectStore>,
    databases: &[&str],
) -> Manifest {
    let request = BackupRequest {
        asset: ASSET.to_string(),
        protection: None,
        wanted: Wanted { databases: databases.iter().map(|db| db.to_string()).collect(), ..Wanted::default() },
        with_log: false,
        expires_after: None,
        compression,
        keeping: Keeping::default(),
    };
    backup::run(source, Arc::clone(store), &SystemClock, &Silent, &request).await.expect("a backup")
}
