//! A real server whose cluster time is moved to where a clock that is turned by hand stands.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use plimsoll::base::{Instant, OpTime, Result};
use plimsoll::clock::SystemClock;
use plimsoll::mongo::Source;
use plimsoll::port::{Clock, CollectionInfo, Flow, MongoSource, ServerInfo};

use super::pruned::Hand;

#[derive(Debug)]
pub struct Displaced {
    inner: Source,
    clock: Arc<Hand>,
    /// Where the clock stood when it was last looked at, and the seconds to there from the server's time: the same until
    /// it is turned, so that what was told by one call is understood by the next.
    seconds: Mutex<(Instant, i64)>,
}

impl Displaced {
    pub fn new(inner: Source, clock: Arc<Hand>) -> Displaced {
        Displaced { inner, clock, seconds: Mutex::new((Instant(i64::MIN), 0)) }
    }

    fn seconds(&self) -> i64 {
        let mut seconds = self.seconds.lock().unwrap();
        let now = self.clock.now();
        if seconds.0 != now {
            *seconds = (now, (now - SystemClock.now()).0.div_euclid(1000));
        }
        seconds.1
    }

    fn told(&self, real: OpTime) -> OpTime {
        moved(real, self.seconds())
    }

    fn real(&self, told: OpTime) -> OpTime {
        moved(told, -self.seconds())
    }
}

/// Whole seconds: the order of operations stays.
fn moved(at: OpTime, seconds: i64) -> OpTime {
    OpTime::new(u32::try_from(i64::from(at.secs) + seconds).expect("a time"), at.inc)
}

#[async_trait]
impl MongoSource for Displaced {
    async fn info(&self) -> Result<ServerInfo> {
        self.inner.info().await
    }
    async fn databases(&self) -> Result<Vec<String>> {
        self.inner.databases().await
    }
    async fn collections(&self, db: &str) -> Result<Vec<CollectionInfo>> {
        self.inner.collections(db).await
    }
    async fn cluster_time(&self) -> Result<OpTime> {
        self.inner.cluster_time().await.map(|at| self.told(at))
    }
    async fn horizon(&self) -> Result<OpTime> {
        self.inner.horizon().await.map(|at| self.told(at))
    }
    async fn size(&self, db: &str, collection: &str) -> Option<u64> {
        self.inner.size(db, collection).await
    }
    async fn documents(&self, db: &str, collection: &str, at: Option<OpTime>) -> Result<Flow<Bytes>> {
        self.inner.documents(db, collection, at.map(|at| self.real(at))).await
    }
    async fn documents_since(&self, db: &str, collection: &str, from: OpTime) -> Result<Flow<Bytes>> {
        self.inner.documents_since(db, collection, self.real(from)).await
    }
    async fn oplog_first(&self) -> Result<OpTime> {
        self.inner.oplog_first().await.map(|at| self.told(at))
    }
    /// The entries themselves bear the server's times.
    async fn oplog(&self, from: OpTime, until: Option<OpTime>) -> Result<Flow<Bytes>> {
        self.inner.oplog(self.real(from), until.map(|at| self.real(at))).await
    }
}
