//! Oplog capture: gap-free slices, chained by hash, so that any instant between two snapshots can be restored.
//!
//! That there is no gap is proven, not hoped for: a read begins *at* the last entry that is covered, and that very
//! entry must come first. If another comes, the server has thrown away what was between: a gap, which is recorded.
//! Only entries move coverage forward; when nobody writes, the server's own no-ops (every 10 s) do. Its time between two
//! entries proves nothing: after a failover to a member whose clock is behind, the next is stamped right after the last.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::watch;
use tokio::time::Instant as Moment;

use super::chain::{self, End, Pending};
use super::content::documents;
use super::event::Unit;
use super::lease::{self, Held};
use super::record::{self, RunOf};
use super::{Event, Listener, kept};
use crate::base::{Fault, Instant, Keeping, OpTime, Result, Span};
use crate::port::{Clock, MongoSource, ObjectStore};
use crate::repository::Holder;

/// Pauses between tries while a server does not answer; after the last the capture ends, for its supervisor to see.
const PAUSES_SECS: [u64; 12] = [1, 1, 2, 4, 8, 15, 30, 30, 30, 30, 30, 30];
/// How often it is told how far the log is stored.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// How long a capture that was told to stop reads on to reach what was committed by then.
const LAST_WORDS: Duration = Duration::from_secs(15);

#[derive(Debug, Clone)]
pub struct CaptureRequest {
    pub asset: String,
    /// The policy's protection that this run serves.
    pub protection: Option<String>,
    /// A slice is written at least this often, while the server's own no-ops move time forward.
    pub flush_every: Span,
    /// A slice is written when it holds so many bytes of BSON.
    pub slice_bytes: u64,
    /// Whose process this is.
    pub by: Worker,
    /// How the store is asked to keep the slices.
    pub keeping: Keeping,
    /// Silent for so long, this capture loses its chain to the next that asks.
    pub lease: Span,
}

/// Named to whoever finds the chain taken.
#[derive(Debug, Clone)]
pub struct Worker {
    pub host: String,
    pub pid: u32,
}

/// What a capture did until it was told to stop.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct CaptureSummary {
    /// Covered by this run: every majority-committed entry in `(first, last]`, but for gaps.
    pub first: OpTime,
    pub last: OpTime,
    pub slices: u64,
    pub entries: u64,
    /// Bytes stored.
    pub bytes: u64,
    /// How often the server had thrown away what was not yet captured.
    pub gaps: u64,
}

/// Captures until `stop` turns true, then reads on to what was committed by then, and flushes.
pub async fn run(
    source: &dyn MongoSource,
    store: Arc<dyn ObjectStore>,
    clock: &dyn Clock,
    listener: &dyn Listener,
    request: &CaptureRequest,
    stop: watch::Receiver<bool>,
) -> Result<CaptureSummary> {
    let started_at = clock.now();
    let id = record::new_id(started_at);
    let store = store.as_ref();
    listener.on(Event::Started { phase: "capture", total: None, unit: Unit::Bytes });
    let since = Moment::now();
    let result = held(source, store, clock, listener, request, &id, stop).await;
    let took = Span::millis(i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX));
    listener.on(Event::Finished { phase: "capture", took, bytes: result.as_ref().map_or(0, |s| s.bytes) });
    let ended = run_of(&id, request, started_at);
    record::run_ended(ended, result.as_ref().err(), store, clock, listener).await;
    result
}

/// Captures while the lease is held, and gives it back.
async fn held(
    source: &dyn MongoSource,
    store: &dyn ObjectStore,
    clock: &dyn Clock,
    listener: &dyn Listener,
    request: &CaptureRequest,
    id: &str,
    mut stop: watch::Receiver<bool>,
) -> Result<CaptureSummary> {
    let Worker { host, pid } = request.by.clone();
    let holder = Holder { id: id.to_string(), host, pid, since: clock.now() };
    let lease = lease::take(source, store, listener, (&request.asset, holder, request.lease), &mut stop).await?;
    let end = begin(store, listener, &request.asset, lease.at()).await?;
    let mut capture = Capture::new(source, store, clock, listener, request, (lease, end));
    let followed = capture.follow(stop).await;
    let (lease, summary) = (capture.lease, capture.summary);
    // Not given back, it runs out by itself.
    if let Err(fault) = lease.release().await {
        tracing::info!("the lease is not given back: {}", record::chain(&fault));
    }
    followed.map(|()| summary)
}

fn run_of<'a>(id: &'a str, request: &'a CaptureRequest, started_at: Instant) -> RunOf<'a> {
    RunOf { id, verb: "capture", asset: &request.asset, protection: request.protection.as_deref(), started_at }
}

/// Where to go on: at the end of the chain in the store, or now.
async fn begin(store: &dyn ObjectStore, listener: &dyn Listener, asset: &str, now: OpTime) -> Result<End> {
    match End::in_store(store, asset).await? {
        Some(end) => {
            listener.on(Event::Note(format!("going on from {}", end.last)));
            Ok(end)
        }
        None => {
            listener.on(Event::Note(format!("beginning at {now}")));
            Ok(End { last: now, previous: None })
        }
    }
}

struct Capture<'a> {
    source: &'a dyn MongoSource,
    store: &'a dyn ObjectStore,
    clock: &'a dyn Clock,
    listener: &'a dyn Listener,
    request: &'a CaptureRequest,
    lease: Held<'a>,
    end: End,
    pending: Pending,
    /// Whether this read has shown the entry that it began at.
    joined: bool,
    /// Tries since the last success.
    failures: usize,
    flush_at: Moment,
    tell_at: Moment,
    summary: CaptureSummary,
}

impl<'a> Capture<'a> {
    fn new(
        source: &'a dyn MongoSource,
        store: &'a dyn ObjectStore,
        clock: &'a dyn Clock,
        listener: &'a dyn Listener,
        request: &'a CaptureRequest,
        (lease, end): (Held<'a>, End),
    ) -> Self {
        let summary = CaptureSummary { first: end.last, last: end.last, slices: 0, entries: 0, bytes: 0, gaps: 0 };
        let (pending, flush_at, tell_at) = (Pending::default(), Moment::now(), Moment::now());
        let mut capture = Capture {
            source,
            store,
            clock,
            listener,
            request,
            lease,
            end,
            pending,
            joined: false,
            failures: 0,
            flush_at,
            tell_at,
            summary,
        };
        capture.wait_for_next_flush();
        capture
    }

    /// Reads, and reads again after a failure that may pass.
    async fn follow(&mut self, mut stop: watch::Receiver<bool>) -> Result<()> {
        loop {
            let fault = match self.read(&mut stop).await {
                Ok(()) => return Ok(()),
                Err(fault) => fault,
            };
            let pause = PAUSES_SECS.get(self.failures).copied();
            let (true, Some(pause), false) = (fault.retry_can_help(), pause, *stop.borrow()) else {
                // What was read is whole as far as it goes: it is kept even if the read cannot go on.
                if self.flush().await.is_err() {
                    tracing::warn!("{} entries that were read could not be stored", self.pending.entries);
                }
                return Err(fault);
            };
            self.failures += 1;
            let why = record::chain(&fault);
            self.listener.on(Event::Warning(format!("{why}; trying again in {pause} s")));
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(pause)) => {}
                () = stopped(&mut stop) => {}
            }
        }
    }

    /// One cursor's life.
    async fn read(&mut self, stop: &mut watch::Receiver<bool>) -> Result<()> {
        self.flush().await?;
        self.joined = false;
        let mut entries = self.source.oplog(self.end.last, None).await?;
        let mut goal = None;
        let mut give_up_at = None;
        loop {
            if self.joined && goal.is_some_and(|goal| self.reached() >= goal) {
                return self.flush().await;
            }
            tokio::select! {
                batch = entries.next() => match batch {
                    Some(batch) => self.take(batch?).await?,
                    None => return Err(Fault::unreachable("the oplog's cursor ended")),
                },
                () = tokio::time::sleep_until(self.flush_at) => self.flush().await?,
                () = tokio::time::sleep_until(self.lease.renew_at()) => self.lease.renew().await?,
                () = stopped(stop), if goal.is_none() => {
                    goal = Some(self.source.cluster_time().await?);
                    give_up_at = Some(Moment::now() + LAST_WORDS);
                }
                () = until(give_up_at) => {
                    self.flush().await?;
                    return Err(Fault::unreachable("stopped before all that was committed by then had been read"));
                }
            }
        }
    }

    fn reached(&self) -> OpTime {
        self.pending.last.unwrap_or(self.end.last)
    }

    async fn take(&mut self, batch: Bytes) -> Result<()> {
        let batch = if self.joined { batch } else { self.join(batch).await? };
        let bytes = batch.len() as u64;
        self.pending.take(batch, self.end.last)?;
        if bytes > 0 {
            self.listener.on(Event::Advanced { phase: "capture", by: bytes });
        }
        if self.pending.bytes >= self.request.slice_bytes {
            self.flush().await?;
        }
        Ok(())
    }

    /// Looks at the first entry of a read, and gives back those after it.
    async fn join(&mut self, batch: Bytes) -> Result<Bytes> {
        let Some(first) = documents(&batch).next().transpose()? else {
            return Err(Fault::unreachable(format!("the server's oplog does not reach {} yet", self.end.last))
                .help("is this the server that was captured before? if not, name another asset"));
        };
        let found = chain::time_of(first)?;
        if found != self.end.last {
            self.gap(found).await?;
        }
        self.joined = true;
        self.failures = 0;
        Ok(batch.slice(first.len()..))
    }

    /// What lies between is lost for ever: say so, write it down, and begin a new chain.
    async fn gap(&mut self, found: OpTime) -> Result<()> {
        let lost = self.end.last;
        if found < lost {
            return Err(Fault::corrupt(format!("the oplog gave {found} when asked from {lost} on")));
        }
        let fault = Fault::missing(format!(
            "gap: the server's oplog no longer holds what came after {lost}; nothing between {} and {} can be restored",
            lost.instant(),
            found.instant()
        ));
        self.listener.on(Event::Warning(format!("{fault}; take a backup now, so that later instants can be")));
        let now = self.clock.now();
        let id = record::new_id(now);
        let run = run_of(&id, self.request, now);
        record::run_ended(run, Some(&fault), self.store, self.clock, self.listener).await;
        self.summary.gaps += 1;
        self.end = End { last: found, previous: None };
        Ok(())
    }

    /// Stores what is pending. A failure leaves it pending.
    async fn flush(&mut self) -> Result<()> {
        self.wait_for_next_flush();
        if self.pending.is_empty() {
            return Ok(());
        }
        let (asset, protection) = (&self.request.asset, self.request.protection.as_deref());
        let terms = self.request.keeping.from(self.clock.now());
        let kept = kept::on_terms(self.store, &terms).await?;
        let clock = (self.clock, terms.locked_until);
        let header = chain::store_data(&self.end, &self.pending, asset, protection, &*kept, clock).await?;
        let header = self.lease.hang(&header).await?;
        tracing::info!("captured {} entries up to {}", header.entries, header.last);
        self.tell(header.last);
        self.summary.slices += 1;
        self.summary.entries += header.entries;
        self.summary.bytes += header.bytes;
        self.summary.last = header.last;
        self.end = End { last: header.last, previous: Some(header.link().to_string()) };
        self.pending = Pending::default();
        Ok(())
    }

    fn tell(&mut self, last: OpTime) {
        if Moment::now() >= self.tell_at {
            self.tell_at = Moment::now() + TELL_EVERY;
            let lag = (self.lease.at().instant() - last.instant()).max(Span::ZERO);
            self.listener.on(Event::Note(format!("captured to {last} ({}), {lag} behind the server", last.instant())));
        }
    }

    fn wait_for_next_flush(&mut self) {
        let every = u64::try_from(self.request.flush_every.0).unwrap_or(0).max(1);
        self.flush_at = Moment::now() + Duration::from_millis(every);
    }
}

/// Ready once the flag is true, or nobody is left to raise it.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // A closed channel means that whoever could stop this is gone.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn until(at: Option<Moment>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
