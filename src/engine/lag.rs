//! How far a capture is behind, read from what it wrote: at any moment, from anywhere, whether or not it runs.

use super::chain::End;
use super::lease;
use crate::base::{Instant, OpTime, Result, Span};
use crate::port::{Clock, MongoSource, ObjectStore};
use crate::repository::Holder;

/// What the store, and the server if it was asked, say of a capture.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct CaptureStatus {
    pub asset: String,
    pub as_of: Instant,
    /// Every entry up to and including this one is in the store; none if nothing was captured yet.
    pub covered_until: Option<OpTime>,
    /// The server's newest committed write; none if the server was not asked.
    pub server_at: Option<OpTime>,
    /// What would be lost now: by the server's own time if it was asked, else by this machine's clock.
    pub lag: Option<Span>,
    /// Who captures; none if nobody does.
    pub holder: Option<Holder>,
    /// The server's time at the holder's last sign of life.
    pub alive_at: Option<OpTime>,
}

pub async fn read(
    store: &dyn ObjectStore,
    source: Option<&dyn MongoSource>,
    clock: &dyn Clock,
    asset: &str,
) -> Result<CaptureStatus> {
    let covered_until = End::in_store(store, asset).await?.map(|end| end.last);
    let lease = lease::newest(store, asset).await?.map(|(_, lease)| lease);
    let server_at = match source {
        Some(source) => Some(source.cluster_time().await?),
        None => None,
    };
    let as_of = clock.now();
    let now = server_at.map_or(as_of, OpTime::instant);
    let lease = lease.filter(|lease| !lease.released && !lease::is_silent(lease, OpTime::last_in_second(now)));
    Ok(CaptureStatus {
        asset: asset.to_string(),
        as_of,
        covered_until,
        server_at,
        lag: covered_until.map(|last| (now - last.instant()).max(Span::ZERO)),
        alive_at: lease.as_ref().map(|lease| lease.at),
        holder: lease.map(|lease| lease.holder),
    })
}
