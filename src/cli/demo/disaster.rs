//! Act 5: somebody drops the database. Found, restored to the last instant before, and held against the ledger.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::backup::{DATABASE, Stored};
use super::lab::Lab;
use super::site::Site;
use super::stage::Stage;
use crate::base::quantity::grouped;
use crate::base::{Fault, Instant, OpTime, Result, Span};
use crate::engine::plan::{self, RestorePlan, RestoreRequest, RestoreTo};
use crate::engine::restore::{self, RestoreOptions};
use crate::lab::disaster::{Reckoning, last_instant_before_drop, reckon};
use crate::lab::pixelcraft::{self, Ledger};
use crate::mongo::{Target, client};
use crate::port::MongoSource;

/// Longest wait for the captured log to reach an instant: many times what a flush takes.
const LOG_WITHIN: Duration = Duration::from_secs(30);
const ASK_EVERY: Duration = Duration::from_millis(200);
/// How long after the drop somebody calls a halt; PixelCraft's users go on until then.
const NOTICED_AFTER: Duration = Duration::from_millis(500);

/// What happened, measured.
#[derive(Debug, serde::Serialize)]
pub struct Disaster {
    pub dropped_at: Instant,
    /// The last instant that was asked for, and reached.
    pub target: OpTime,
    /// Writes of the ledger up to the drop.
    pub writes: u64,
    /// Of those, writes whose effect is not in the restored database.
    pub lost: u64,
    /// What the newest snapshot alone would have lost, and how old it was.
    pub without_log: u64,
    pub snapshot_age: Span,
    /// Writes acknowledged after the drop, into a database that was no longer there.
    pub into_the_void: u64,
    pub reckoning: Reckoning,
    /// From the drop until the restored database was verified.
    pub downtime: Span,
    pub operations_replayed: u64,
}

pub async fn run(stage: &Stage<'_>, lab: &Lab, site: Site, stored: &mut Stored) -> Result<Disaster> {
    stage.act("Disaster");
    let before = stored.source.cluster_time().await?;
    let dropped_at = stage.clock.now();
    let dropped = site.craft.database.drop().await;
    dropped.map_err(|e| client::fault("cannot drop the demo's own database", &e))?;
    stage.say(&format!(
        "somebody dropped the database `{}` after {} acknowledged writes",
        lab.database,
        grouped(site.writes())
    ));
    tokio::time::sleep(NOTICED_AFTER).await;
    let keys = site.keys().await?;
    let written = site.writer.stop().await?;
    let after = stored.source.cluster_time().await?;
    let target = last_instant_before_drop(&stored.source, &lab.database, before, after).await?;
    stage.say(&format!(
        "noticed; the log shows the drop just after cluster time {target}; {} writes refused since",
        written.refused
    ));

    let (plan, server) = tokio::try_join!(plan_when_captured(stored, target), lab.spare_mongo("mongod-restored"))?;
    let destination = Target::new(client::connect(&server.uri).await?);
    let store = Arc::clone(&stored.repository);
    let options = RestoreOptions::default();
    let restored = restore::run(&plan, store, &destination, stage.clock.as_ref(), &stage.ear(), &options).await?;
    stage.say(&format!(
        "restored {} documents into a new server and replayed {} operations on top",
        grouped(restored.documents),
        grouped(restored.operations)
    ));
    let ledger = std::mem::take(&mut *site.ledger.lock().unwrap_or_else(PoisonError::into_inner));
    let reckoning = reckon(&destination, &lab.database, &ledger, target, &keys).await?;
    let missing = missing(&server.uri, &lab.database).await?;
    let downtime = stage.clock.now() - dropped_at;
    if !missing.is_empty() {
        return Err(Fault::corrupt(format!("the restored database lacks {}", missing.join(", "))));
    }
    let disaster = measure(stored, &ledger, target, dropped_at, reckoning, downtime, restored.operations);
    tell(stage, &disaster);
    stored.end_capture().await?;
    server.stop().await?;
    Ok(disaster)
}

/// The plan, as soon as the captured log reaches the instant.
async fn plan_when_captured(stored: &Stored, target: OpTime) -> Result<RestorePlan> {
    let request = RestoreRequest { asset: DATABASE.to_string(), target: RestoreTo::At(target) };
    let mut left = LOG_WITHIN.as_millis() / ASK_EVERY.as_millis();
    loop {
        match plan::make(stored.repository.as_ref(), &request).await {
            Err(_) if left > 0 => tokio::time::sleep(ASK_EVERY).await,
            planned => return planned,
        }
        left -= 1;
    }
}

/// Collections, views and indexes that did not come back.
async fn missing(uri: &str, database: &str) -> Result<Vec<String>> {
    pixelcraft::missing(&client::connect(uri).await?.database(database)).await
}

fn measure(
    stored: &Stored,
    ledger: &Ledger,
    target: OpTime,
    dropped_at: Instant,
    reckoning: Reckoning,
    downtime: Span,
    operations_replayed: u64,
) -> Disaster {
    let start = OpTime::new(0, 0);
    let snapshot = stored.newest_until(dropped_at);
    let snapshot_time = snapshot.and_then(|taken| taken.cluster_time).unwrap_or(start);
    let differs = &reckoning.documents;
    Disaster {
        dropped_at,
        target,
        writes: ledger.writes_between(start, target),
        lost: differs.lost + differs.changed + differs.extra,
        without_log: ledger.writes_between(snapshot_time, target),
        snapshot_age: snapshot.map_or(Span::ZERO, |taken| dropped_at - taken.consistent_at),
        into_the_void: ledger.writes_between(target, OpTime::new(u32::MAX, u32::MAX)),
        reckoning,
        downtime,
        operations_replayed,
    }
}

fn tell(stage: &Stage<'_>, disaster: &Disaster) {
    let differs = &disaster.reckoning.documents;
    stage.say(&format!(
        "against the ledger: {} documents equal, {} lost, {} changed, {} extra; {} images without their upload",
        grouped(differs.equal),
        differs.lost,
        differs.changed,
        differs.extra,
        disaster.reckoning.dangling
    ));
    for example in &differs.examples {
        stage.say(example);
    }
    stage.say(&format!(
        "lost {} of {} acknowledged writes; down {}, from the drop to a verified database",
        grouped(disaster.lost),
        grouped(disaster.writes),
        disaster.downtime
    ));
}
