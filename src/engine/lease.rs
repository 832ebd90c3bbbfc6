//! The lease that keeps two captures off one chain.
//!
//! Its records are numbered, and the store lets only one capture write the next number: whoever wrote the newest holds
//! the lease. Clocks say only when one may ask for it: by the *server's* time, or by having watched in vain for a whole
//! term; they never say who may write. Before a slice is hung, a record says which: a successor hangs that one first. So
//! a capture that was paused at any moment, for however long, finds its slice hung and the next number taken. Whatever it
//! still does, it cannot fork the chain.
//!
//! A holder deletes its records as it writes new ones, but never the one by which it began: that is the number which
//! the holder before it would write next.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant as Moment;

use super::capture::stopped;
use super::chain;
use super::{Event, Listener};
use crate::base::{Fault, FaultKind, OpTime, Result, Span};
use crate::port::{MongoSource, ObjectStore, Written};
use crate::repository::key::LeaseName;
use crate::repository::manifest::FORMAT;
use crate::repository::{Holder, Key, Lease, SliceHeader};

/// How long a server's cluster time may stand still while nobody writes.
const NO_OP_EVERY: Span = Span::secs(10);
/// Renewals in a term: two may fail.
const RENEWALS: u32 = 3;

/// A lease that is held, as far as this process knows.
pub struct Held<'a> {
    source: &'a dyn MongoSource,
    store: &'a dyn ObjectStore,
    asset: &'a str,
    number: u64,
    record: Lease,
    /// Whether the newest record is a renewal.
    renewed: bool,
    renew_at: Moment,
}

/// The newest record; none if the asset was never captured.
pub async fn newest(store: &dyn ObjectStore, asset: &str) -> Result<Option<(u64, Lease)>> {
    loop {
        let Some(number) = newest_number(store, asset).await? else { return Ok(None) };
        let key = LeaseName::new(asset, number)?.key().to_string();
        match store.get(&key).await {
            Ok(body) => return Ok(Some((number, Lease::decode(&body, &key)?))),
            // Its holder has just written a newer one and deleted it.
            Err(fault) if fault.kind == FaultKind::Missing => {}
            Err(fault) => return Err(fault),
        }
    }
}

async fn newest_number(store: &dyn ObjectStore, asset: &str) -> Result<Option<u64>> {
    let listed = store.list(&LeaseName::prefix(asset)?).await?;
    let numbers = listed.iter().filter_map(|object| match object.key.parse() {
        Ok(Key::Lease(name)) => Some(name.number),
        _ => None,
    });
    Ok(numbers.max())
}

/// Whether the server's own time says that the holder has been silent for its whole term.
pub fn is_silent(lease: &Lease, now: OpTime) -> bool {
    now.instant() - lease.at.instant() > lease.term + NO_OP_EVERY
}

/// Waits until nobody holds the lease, and takes it. A holder that shows a sign of life meanwhile keeps it.
pub async fn take<'a>(
    source: &'a dyn MongoSource,
    store: &'a dyn ObjectStore,
    listener: &dyn Listener,
    (asset, holder, term): (&'a str, Holder, Span),
    stop: &mut watch::Receiver<bool>,
) -> Result<Held<'a>> {
    let mut watched: Option<(u64, Moment)> = None;
    loop {
        // Asked first, so that a standalone server is refused whatever the store holds.
        let now = source.cluster_time().await?;
        let found = newest(store, asset).await?;
        let Some((number, lease)) = found.as_ref().filter(|(_, lease)| !lease.released && !is_silent(lease, now))
        else {
            return begin(source, store, (asset, holder, term), now, found).await;
        };
        match watched {
            None => {
                let who = person(&lease.holder);
                listener.on(Event::Note(format!("{who} captures `{asset}`; waiting for a sign of life")));
                watched = Some((*number, Moment::now()));
            }
            Some((before, _)) if before != *number => return Err(taken(asset, lease)),
            Some((_, since)) if since.elapsed() >= duration(lease.term) => {
                return begin(source, store, (asset, holder, term), now, found).await;
            }
            Some(_) => {}
        }
        tokio::select! {
            () = tokio::time::sleep(duration(lease.term) / (4 * RENEWALS)) => {}
            () = stopped(stop) => return Err(taken(asset, lease)),
        }
    }
}

async fn begin<'a>(
    source: &'a dyn MongoSource,
    store: &'a dyn ObjectStore,
    (asset, holder, term): (&'a str, Holder, Span),
    at: OpTime,
    before: Option<(u64, Lease)>,
) -> Result<Held<'a>> {
    let (number, hangs) = before.map_or((0, None), |(number, lease)| (number, lease.hangs));
    let mut record = Lease { format: FORMAT, holder, at, term, released: false, hangs };
    let number = write(store, asset, number, &record).await?;
    // The holder before may live all the same, and be further: its newest record is never deleted.
    if let Some((_, lease)) = newest(store, asset).await?.filter(|(newest, _)| *newest != number) {
        return Err(taken(asset, &lease));
    }
    if let Some(header) = record.hangs.take() {
        chain::hang(&header, store).await?;
    }
    Ok(Held { source, store, asset, number, renew_at: next_renewal(&record), record, renewed: false })
}

impl Held<'_> {
    /// When it must be renewed, so that nobody takes it.
    pub fn renew_at(&self) -> Moment {
        self.renew_at
    }

    /// The server's time when the newest record was written.
    pub fn at(&self) -> OpTime {
        self.record.at
    }

    /// Says that this capture lives. Fails if the lease is lost.
    pub async fn renew(&mut self) -> Result<()> {
        // A server that does not answer has no newer time.
        self.record.at = self.source.cluster_time().await.unwrap_or(self.record.at);
        let number =
            write(self.store, self.asset, self.number, &self.record).await.map_err(|fault| match fault.kind {
                FaultKind::Conflict => fault.within("this capture was silent for too long and has lost its chain"),
                _ => fault,
            })?;
        let before = std::mem::replace(&mut self.number, number);
        if std::mem::replace(&mut self.renewed, true) {
            forget(self.store, self.asset, before).await;
        }
        self.renew_at = next_renewal(&self.record);
        Ok(())
    }

    /// Hangs a slice whose data is stored. Fails, and hangs nothing, if the lease is lost.
    pub async fn hang(&mut self, header: &SliceHeader) -> Result<SliceHeader> {
        self.record.hangs = Some(header.clone());
        self.renew().await?;
        let standing = chain::hang(header, self.store).await?;
        self.record.hangs = None;
        Ok(standing)
    }

    /// Gives it back, so that the next need not wait.
    pub async fn release(mut self) -> Result<()> {
        self.record.released = true;
        self.renew().await
    }
}

/// Writes `record` under the number after `number`, and gives that back.
async fn write(store: &dyn ObjectStore, asset: &str, mut number: u64, record: &Lease) -> Result<u64> {
    let body = record.encode()?;
    loop {
        number = number.saturating_add(1);
        if store.put_new(&LeaseName::new(asset, number)?.key().to_string(), body.clone()).await? == Written::New {
            return Ok(number);
        }
        let Some((found, lease)) = newest(store, asset).await? else { continue };
        if lease.holder.id != record.holder.id {
            return Err(taken(asset, &lease));
        }
        // Written by an earlier try whose answer was lost.
        number = found;
        if lease == *record {
            return Ok(number);
        }
    }
}

/// That a record cannot be deleted, by a writer who may only add, costs a little space and nothing else.
async fn forget(store: &dyn ObjectStore, asset: &str, number: u64) {
    let deleted = match LeaseName::new(asset, number) {
        Ok(name) => store.delete(&name.key().to_string()).await,
        Err(fault) => Err(fault),
    };
    if let Err(fault) = deleted {
        tracing::debug!("an old record of the lease stays: {fault}");
    }
}

fn next_renewal(record: &Lease) -> Moment {
    Moment::now() + duration(record.term) / RENEWALS
}

fn duration(span: Span) -> Duration {
    Duration::from_millis(u64::try_from(span.0).unwrap_or_default())
}

fn person(holder: &Holder) -> String {
    format!("process {} of {} (since {})", holder.pid, holder.host, holder.since)
}

fn taken(asset: &str, lease: &Lease) -> Fault {
    Fault::new(FaultKind::Conflict, format!("`{asset}` is captured by {}", person(&lease.holder))).help(format!(
        "run one capture per asset; once that one has ended, or was silent for {}, another may begin",
        lease.term
    ))
}
