//! That a run began to write a snapshot: what stands below a name without a manifest, and is as old as this, was left by
//! a run that was killed. Without it nothing would tell such data from what somebody else put there.

use serde::{Deserialize, Serialize};

use super::prune::Record;
use crate::base::Instant;

/// `snapshots/<asset>/<id>/begun.json`, written before anything else of the snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begun {
    pub format: u32,
    pub id: String,
    pub asset: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<String>,
    pub at: Instant,
}

impl Record for Begun {}
