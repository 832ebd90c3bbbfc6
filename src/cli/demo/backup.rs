//! Act 3: snapshots of database and uploads, and the capture of the log beside them, all while PixelCraft is written to.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::lab::Lab;
use super::site::Site;
use super::stage::{Ear, Stage};
use crate::base::quantity::grouped;
use crate::base::{Bytes, Compression, Fault, Instant, Keeping, Result, Span};
use crate::cli::worker;
use crate::engine::backup::{self, BackupRequest};
use crate::engine::capture::{self, CaptureRequest, CaptureSummary};
use crate::engine::dump::Wanted;
use crate::engine::sync::{self, SyncRequest};
use crate::mongo::Source;
use crate::policy::Policy;
use crate::port::{Clock, ObjectStore};
use crate::repository::{self, Manifest};

/// Assets and protections of PixelCraft's plan, by its own names.
pub const DATABASE: &str = "database";
const UPLOADS: &str = "uploads";
const LOG: &str = "atlas-log";
const SNAPSHOTS: &str = "atlas-snapshots";
const NIGHTLY_DUMP: &str = "nightly-dump";
const NIGHTLY_UPLOADS: &str = "nightly-uploads";

/// A day of the plan takes seconds here: this long from one snapshot to the next.
const BETWEEN_SNAPSHOTS: Duration = Duration::from_secs(4);
const SNAPSHOTS_TAKEN: usize = 4;
const FLUSH_EVERY: Span = Span::secs(2);
const LEASE: Span = Span::secs(30);

/// The repository and what was put there.
pub struct Stored {
    pub repository: Arc<dyn ObjectStore>,
    pub source: Source,
    pub snapshots: Vec<Manifest>,
    pub uploads: Manifest,
    capture: Option<Capture>,
}

struct Capture {
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<CaptureSummary>>,
}

pub async fn run(stage: &Stage<'_>, lab: &Lab, site: &Site, policy: &Policy) -> Result<Stored> {
    stage.act("Back up");
    let repository = lab.repository().await?;
    repository::open(Arc::clone(&repository), stage.clock.as_ref()).await?;
    let source = Source::new(lab.client.clone());
    let capture = start_capture(stage, &source, &repository).await?;
    stage.say(&format!("the log is captured into {} every {FLUSH_EVERY}", repository.address()));

    let kept = |name: &str| policy.protection(name).and_then(|p| p.retention.as_ref()).map(|r| r.value);
    let mut uploads = sync_uploads(stage, site, &repository, kept(NIGHTLY_UPLOADS)).await?;
    let mut snapshots = Vec::new();
    for number in 0..SNAPSHOTS_TAKEN {
        if number > 0 {
            tokio::time::sleep(BETWEEN_SNAPSHOTS).await;
        }
        if number + 1 == SNAPSHOTS_TAKEN {
            uploads = sync_uploads(stage, site, &repository, kept(NIGHTLY_UPLOADS)).await?;
        }
        let protection = if number == 0 { NIGHTLY_DUMP } else { SNAPSHOTS };
        let request = BackupRequest {
            asset: DATABASE.to_string(),
            protection: Some(protection.to_string()),
            wanted: Wanted { databases: vec![lab.database.clone()], ..Wanted::default() },
            with_log: false,
            expires_after: kept(protection),
            compression: Compression::default(),
            keeping: Keeping::default(),
        };
        let ear = stage.ear();
        let taken = backup::run(&source, Arc::clone(&repository), stage.clock.as_ref(), &ear, &request).await?;
        stage.say(&snapshot_line(&taken));
        snapshots.push(taken);
    }
    Ok(Stored { repository, source, snapshots, uploads, capture: Some(capture) })
}

fn snapshot_line(taken: &Manifest) -> String {
    let documents: u64 = taken.collections.iter().map(|c| c.documents).sum();
    let stored = taken.objects.iter().map(|o| o.bytes).sum();
    let at = taken.cluster_time.map_or_else(|| "no one instant".to_string(), |at| format!("cluster time {at}"));
    let took = taken.finished_at - taken.started_at;
    format!("snapshot of {} documents, all of {at}, {} stored, in {took}", grouped(documents), Bytes(stored))
}

async fn sync_uploads(
    stage: &Stage<'_>,
    site: &Site,
    repository: &Arc<dyn ObjectStore>,
    expires_after: Option<Span>,
) -> Result<Manifest> {
    let (asset, protection) = (UPLOADS.to_string(), Some(NIGHTLY_UPLOADS.to_string()));
    let request = SyncRequest { asset, protection, expires_after, keeping: Keeping::default() };
    let bucket = site.craft.uploads.as_ref();
    let copied = sync::run(bucket, Arc::clone(repository), stage.clock.as_ref(), &stage.ear(), &request).await?;
    let took = copied.finished_at - copied.started_at;
    stage.say(&format!("copy of {} uploads, {}, in {took}", grouped(copied.uploads), Bytes(copied.bytes_raw)));
    Ok(copied)
}

/// Starts the capture, and waits until it has noted where it begins: a snapshot that is older could not be rolled on.
async fn start_capture(stage: &Stage<'_>, source: &Source, repository: &Arc<dyn ObjectStore>) -> Result<Capture> {
    let (stop, stopped) = watch::channel(false);
    let ear = Arc::new(stage.ear());
    let (source, store, clock) = (source.clone(), Arc::clone(repository), Arc::clone(&stage.clock));
    let request = CaptureRequest {
        asset: DATABASE.to_string(),
        protection: Some(LOG.to_string()),
        flush_every: FLUSH_EVERY,
        slice_bytes: 16 << 20,
        by: worker::this_process(),
        keeping: Keeping::default(),
        lease: LEASE,
    };
    let heard = Arc::clone(&ear);
    let mut task = tokio::spawn(async move {
        let (clock, ear): (&dyn Clock, &Ear) = (clock.as_ref(), heard.as_ref());
        capture::run(&source, store, clock, ear, &request, stopped).await
    });
    tokio::select! {
        () = ear.begun.notified() => Ok(Capture { stop, task }),
        ended = &mut task => match joined(ended) {
            Ok(_) => Err(Fault::bug("the capture ended before it began")),
            Err(fault) => Err(fault),
        },
    }
}

fn joined(ended: Result<Result<CaptureSummary>, tokio::task::JoinError>) -> Result<CaptureSummary> {
    ended.map_err(|e| Fault::bug("the capture broke").because(e))?
}

impl Stored {
    /// Lets the capture read on to what was committed by now, and end.
    pub async fn end_capture(&mut self) -> Result<Option<CaptureSummary>> {
        let Some(capture) = self.capture.take() else { return Ok(None) };
        capture.stop.send_replace(true);
        joined(capture.task.await).map(Some)
    }

    /// The newest snapshot of the database at or before that instant.
    pub fn newest_until(&self, at: Instant) -> Option<&Manifest> {
        self.snapshots.iter().filter(|taken| taken.consistent_at <= at).max_by_key(|taken| taken.consistent_at)
    }
}
