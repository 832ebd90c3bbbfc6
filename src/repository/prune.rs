//! What a pruning writes as it goes on, and what makes it safe beside everything else that runs.
//!
//! `mark.json` names what is to go; then the manifests go, and nobody sees those points any more. Their data stays for a
//! grace. After that `fate.json` decides, once, by a write that the store lets only one of all do: the sweep that would
//! remove the data, or a sync that needs some of it again. `end.json` says that the sweep is over.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::manifest;
use crate::base::{Instant, Result, Span};

/// What is written of a pruning as it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PruneStep {
    /// What goes.
    Mark,
    /// Whether it goes, decided once.
    Fate,
    /// What went.
    End,
}

impl PruneStep {
    pub(super) const ALL: [PruneStep; 3] = [PruneStep::Mark, PruneStep::Fate, PruneStep::End];

    pub(super) fn file(self) -> &'static str {
        match self {
            PruneStep::Mark => "mark.json",
            PruneStep::Fate => "fate.json",
            PruneStep::End => "end.json",
        }
    }
}

/// `prunes/<id>/mark.json`. That an object is in it is what authorises its removal: a manifest or a header listed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    pub format: u32,
    pub id: String,
    /// By the clock of the machine that pruned.
    pub marked_at: Instant,
    /// The sweep comes no sooner than so long after.
    pub grace: Span,
    pub points: Vec<MarkedPoint>,
    pub slices: Vec<MarkedSlice>,
    /// What they consisted of, in order of key, and no kept point lists.
    pub objects: Vec<Marked>,
    /// The pruning that could not remove these objects before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_by: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarkedPoint {
    pub asset: String,
    pub id: String,
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarkedSlice {
    /// Of its header.
    pub key: String,
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marked {
    pub key: String,
    pub bytes: u64,
}

/// `prunes/<id>/fate.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fate {
    pub format: u32,
    pub verdict: Verdict,
    /// The run that decided.
    pub by: String,
    pub at: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Sweep,
    Spare,
}

/// `prunes/<id>/end.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    pub format: u32,
    pub at: Instant,
    pub removed: u64,
    pub bytes: u64,
    /// Objects that another point lists by now.
    pub spared: u64,
    /// Objects that the store would not remove, and the pruning that tries them next.
    pub left: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_to: Option<String>,
}

/// Read strictly, and written readably.
pub trait Record: Serialize + DeserializeOwned {
    fn decode(body: &[u8], place: &str) -> Result<Self> {
        manifest::decode(body, place)
    }

    fn encode(&self) -> Result<Bytes> {
        manifest::encode(self)
    }
}

impl Record for Mark {}
impl Record for Fate {}
impl Record for End {}
