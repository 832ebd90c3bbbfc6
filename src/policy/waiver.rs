//! Accepted risks and the people to call.

use super::{Place, Placed};
use crate::base::Instant;

/// A finding that somebody accepts until a date. An expired waiver accepts nothing and is a finding itself.
#[derive(Debug, Clone)]
pub struct Waiver {
    pub at: Place,
    /// Code of the finding, as in `explain`.
    pub code: Placed<String>,
    pub asset: Option<Placed<String>>,
    pub scenario: Option<Placed<String>>,
    pub protection: Option<Placed<String>>,
    pub owner: String,
    pub reason: String,
    pub until: Placed<Instant>,
}

#[derive(Debug, Clone)]
pub struct Contact {
    pub at: Place,
    pub name: String,
    pub reach: String,
    /// Whether failed and missing backups are told there.
    pub alerts: bool,
    /// When a test alert last arrived there.
    pub proven: Option<Placed<Instant>>,
}
