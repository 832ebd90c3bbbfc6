//! Which state is wanted: a recovery point, or any instant of the log.

use clap::Args;

use crate::base::{Fault, Instant, OpTime, Result};
use crate::engine::plan::{RestoreRequest, RestoreTo};

#[derive(Debug, Clone, Args)]
pub struct RecoveryTarget {
    /// The policy's name for what is restored
    #[arg(long, value_name = "NAME")]
    pub asset: String,
    /// Restore to this instant, its second included (2026-11-20T14:03:07Z), or to a cluster time (secs:inc)
    #[arg(long, value_name = "INSTANT", conflicts_with = "point")]
    pub at: Option<String>,
    /// Restore this recovery point [default: the newest]
    #[arg(long, value_name = "ID")]
    pub point: Option<String>,
}

impl RecoveryTarget {
    pub fn request(&self) -> Result<RestoreRequest> {
        let target = wanted(self.at.as_deref(), self.point.as_deref())?;
        Ok(RestoreRequest { asset: self.asset.clone(), target })
    }
}

/// An instant, a point, or the newest one.
pub fn wanted(at: Option<&str>, point: Option<&str>) -> Result<RestoreTo> {
    Ok(match (at, point) {
        (Some(at), _) => RestoreTo::At(instant(at)?),
        (None, Some(point)) => RestoreTo::Point(point.to_string()),
        (None, None) => RestoreTo::Newest,
    })
}

fn instant(text: &str) -> Result<OpTime> {
    let instant = text.parse::<Instant>().map(OpTime::last_in_second);
    instant.or_else(|_| text.parse()).map_err(|_| {
        Fault::usage(format!("`{}` is neither an instant nor a cluster time", text.escape_debug()))
            .help("write 2026-11-20T14:03:07Z, zone included, or secs:inc as `plimsoll inventory` shows it")
    })
}
