//! Records of a lease: who captures an asset, and which slice is about to be hung on its chain.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::manifest::{self, SliceHeader};
use crate::base::{Instant, OpTime, Result, Span};

/// Whose process it is, for the one who finds the chain taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// Never shared by two runs.
    pub id: String,
    pub host: String,
    pub pid: u32,
    pub since: Instant,
}

/// `leases/<asset>/<number>.json`. Each is written with the condition that it is new: of all who want to write the next
/// number, the store lets one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    pub format: u32,
    pub holder: Holder,
    /// The server's cluster time when this was written.
    pub at: OpTime,
    /// Silent for so long, the holder counts as gone.
    pub term: Span,
    /// Given back: the next may begin at once.
    pub released: bool,
    /// The slice that the holder is about to hang. Its data is stored; a successor hangs it before anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hangs: Option<SliceHeader>,
}

impl Lease {
    pub fn decode(body: &[u8], place: &str) -> Result<Self> {
        manifest::decode(body, place)
    }

    pub fn encode(&self) -> Result<Bytes> {
        manifest::encode(self)
    }
}
