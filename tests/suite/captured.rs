//! Helpers for the stories about capture: a capture that runs beside the story, and its chain held against the server.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use bson::{Document, doc};
use bytes::Bytes;
use futures_util::TryStreamExt;
use mongodb::Client;
use plimsoll::base::{Keeping, Result, Span};
use plimsoll::clock::SystemClock;
use plimsoll::engine::capture::{self, CaptureRequest, CaptureSummary, Worker};
use plimsoll::engine::chain::time_of;
use plimsoll::engine::content::{documents, hex};
use plimsoll::mongo::{Source, client};
use plimsoll::port::{Clock, MongoSource, ObjectStore};
use plimsoll::repository::SliceHeader;
use plimsoll::repository::key::SliceName;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::servers;
use crate::stage::Heard;

pub const ASSET: &str = "shop";

/// A capture by a process of this name's host.
pub fn worker(host: &str) -> Worker {
    Worker { host: host.to_string(), pid: std::process::id() }
}

pub fn request(flush_every: Span, slice_bytes: u64) -> CaptureRequest {
    CaptureRequest {
        asset: ASSET.to_string(),
        protection: Some("log".to_string()),
        flush_every,
        slice_bytes,
        by: worker("the test"),
        keeping: Keeping::default(),
        lease: Span::secs(3),
    }
}

/// A capture that runs beside the story.
pub struct Running {
    pub raise: watch::Sender<bool>,
    pub heard: Arc<Heard>,
    pub task: JoinHandle<Result<CaptureSummary>>,
}

impl Running {
    pub async fn start(
        source: impl MongoSource + 'static,
        store: Arc<dyn ObjectStore>,
        request: CaptureRequest,
    ) -> Running {
        let running = Running::launch(source, store, Arc::new(SystemClock), request);
        running.begun().await;
        running
    }

    /// Starts it, and does not wait until it has its lease.
    pub fn launch(
        source: impl MongoSource + 'static,
        store: Arc<dyn ObjectStore>,
        clock: Arc<dyn Clock>,
        request: CaptureRequest,
    ) -> Running {
        let (raise, stop) = watch::channel(false);
        let heard = Arc::new(Heard::default());
        let ear = heard.clone();
        let task =
            tokio::spawn(
                async move { capture::run(&source, store, clock.as_ref(), ear.as_ref(), &request, stop).await },
            );
        Running { raise, heard, task }
    }

    /// A chain begins at the newest write: waits until it has found where that is, or has ended.
    pub async fn begun(&self) {
        let begins = |note: &String| note.starts_with("beginning at") || note.starts_with("going on from");
        while !self.task.is_finished() && !self.heard.notes().iter().any(begins) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// How it ended by itself.
    pub async fn ended(self) -> Result<CaptureSummary> {
        tokio::time::timeout(Duration::from_secs(30), self.task).await.expect("it ends by itself").unwrap()
    }

    /// As kill -9 ends it: between two steps, and with no last word.
    pub async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.is_err_and(|error| error.is_cancelled()), "it had ended before it was killed");
    }

    pub async fn stop(self) -> Result<CaptureSummary> {
        self.raise.send_replace(true);
        tokio::time::timeout(Duration::from_secs(30), self.task).await.expect("it stops when told").unwrap()
    }
}

pub async fn connected() -> Client {
    client::connect(&servers::mongo().await.uri).await.unwrap()
}

pub async fn write(client: &Client, db: &str, count: i32) {
    let things = client.database(db).collection::<Document>("things");
    for i in 0..count {
        things.insert_one(doc! { "n": i, "noise": "n".repeat(500) }).await.unwrap();
    }
}

/// The chain in the store, in order.
pub async fn chain(store: &dyn ObjectStore) -> Vec<(String, SliceHeader)> {
    let mut slices = Vec::new();
    for object in store.list(&SliceName::prefix(ASSET).unwrap()).await.unwrap() {
        if object.key.ends_with(".json") {
            let header = serde_json::from_slice(&store.get(&object.key).await.unwrap()).unwrap();
            slices.push((object.key.replace(".json", ".bson.gz"), header));
        }
    }
    slices
}

/// The entries of a slice, as they were stored; everything that its header says of them is checked.
pub async fn entries(store: &dyn ObjectStore, key: &str, header: &SliceHeader) -> Vec<Vec<u8>> {
    let body = store.get(key).await.unwrap();
    let digest: [u8; 32] = <sha2::Sha256 as sha2::Digest>::digest(&body).into();
    assert_eq!((header.bytes, &header.sha256), (body.len() as u64, &hex(&digest)));
    let mut raw = Vec::new();
    flate2::read::MultiGzDecoder::new(body.as_ref()).read_to_end(&mut raw).unwrap();
    let entries: Vec<Vec<u8>> = documents(&raw).map(|entry| entry.unwrap().to_vec()).collect();
    assert_eq!(header.entries, entries.len() as u64);
    entries
}

/// Holds a chain against the server's own oplog: every entry after its beginning, in order, once, byte for byte.
pub async fn assert_gap_free(client: &Client, store: &dyn ObjectStore) -> Vec<SliceHeader> {
    let slices = chain(store).await;
    let (first, last) = (slices[0].1.first, slices[slices.len() - 1].1.last);
    let mut captured = Vec::new();
    let mut before: Option<&SliceHeader> = None;
    for (key, header) in &slices {
        if let Some(before) = before {
            assert_eq!((before.last, Some(&before.sha256)), (header.first, header.previous.as_ref()));
        }
        captured.extend(entries(store, key, header).await);
        before = Some(header);
    }
    let served: Vec<Bytes> =
        Source::new(client.clone()).oplog(first, Some(last)).await.unwrap().try_collect().await.unwrap();
    let served: Vec<Vec<u8>> = served.iter().flat_map(|b| documents(b)).map(|entry| entry.unwrap().to_vec()).collect();
    assert_eq!(time_of(&served[0]).unwrap(), first);
    assert!(served[1..] == captured[..], "{} entries served, {} captured", served.len() - 1, captured.len());
    slices.into_iter().map(|(_, header)| header).collect()
}
