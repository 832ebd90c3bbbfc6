//! What the business asked for.

use serde::{Deserialize, Serialize};

use super::Placed;
use crate::base::Span;

/// Every value is optional: an objective that was not declared cannot be met or breached.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Objective {
    /// Recovery point objective: the longest loss window allowed.
    pub rpo: Option<Placed<Span>>,
    /// Recovery time objective: the longest downtime allowed.
    pub rto: Option<Placed<Span>>,
    /// How far back a restore must reach.
    pub retention: Option<Placed<Span>>,
    /// The longest time between two restore drills.
    pub drill_every: Option<Placed<Span>>,
    /// Copies apart from the live data.
    pub copies: Option<Placed<u32>>,
    /// At least one copy that no credential can delete before its lock ends.
    pub immutable: Option<Placed<bool>>,
    /// At least one copy is encrypted before it leaves the host.
    pub encrypted: Option<Placed<bool>>,
    /// The weakest consistency allowed.
    pub consistency: Option<Placed<Consistency>>,
    /// Kinds of storage that the copies stand on.
    pub media: Option<Placed<u32>>,
    /// At least one copy at another site, and somebody has made sure.
    pub offsite: Option<Placed<bool>>,
    /// The longest that a copy may be kept.
    pub keep_at_most: Option<Placed<Span>>,
    /// The least part of the scheduled points that must have been made.
    pub points_created: Option<Placed<f64>>,
    /// The least part of restores that drills must show to succeed, with 95 % confidence.
    pub restores_shown: Option<Placed<f64>>,
    /// The least part of production's size that a drill must restore to count.
    pub drill_share: Option<Placed<f64>>,
    /// The longest time between two test alerts that arrived.
    pub alert_test_every: Option<Placed<Span>>,
}

/// How far the parts of one recovery point are of one instant, weakest first, so that `<` means weaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Consistency {
    /// Each part is of some instant between start and end.
    None,
    /// Read over a time, made consistent by replaying the log of that time.
    Oplog,
    /// Read at one cluster time.
    Snapshot,
}

impl Objective {
    /// This objective's own values, and those of `wider` where it has none.
    pub fn or(&self, wider: &Objective) -> Objective {
        Objective {
            rpo: self.rpo.clone().or_else(|| wider.rpo.clone()),
            rto: self.rto.clone().or_else(|| wider.rto.clone()),
            retention: self.retention.clone().or_else(|| wider.retention.clone()),
            drill_every: self.drill_every.clone().or_else(|| wider.drill_every.clone()),
            copies: self.copies.clone().or_else(|| wider.copies.clone()),
            immutable: self.immutable.clone().or_else(|| wider.immutable.clone()),
            encrypted: self.encrypted.clone().or_else(|| wider.encrypted.clone()),
            consistency: self.consistency.clone().or_else(|| wider.consistency.clone()),
            media: self.media.clone().or_else(|| wider.media.clone()),
            offsite: self.offsite.clone().or_else(|| wider.offsite.clone()),
            keep_at_most: self.keep_at_most.clone().or_else(|| wider.keep_at_most.clone()),
            points_created: self.points_created.clone().or_else(|| wider.points_created.clone()),
            restores_shown: self.restores_shown.clone().or_else(|| wider.restores_shown.clone()),
            drill_share: self.drill_share.clone().or_else(|| wider.drill_share.clone()),
            alert_test_every: self.alert_test_every.clone().or_else(|| wider.alert_test_every.clone()),
        }
    }
}
