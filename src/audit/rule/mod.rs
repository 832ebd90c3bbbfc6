//! One rule, one file, its explanation beside it. Registration is explicit: a rule that is not listed here does not run.

mod consistency_weak;
mod copies_few;
mod copies_one_credential;
mod copies_one_domain;
mod coverage_gap;
mod cross_asset_skew;
mod drill_failed;
mod drill_missing;
mod drill_stale;
mod evidence_stale;
mod evidence_unmatched;
mod evidence_unreadable;
mod hole_ahead;
mod late_noticing;
mod loss_window_declared;
mod loss_window_observed;
mod loss_window_unproven;
mod no_usable_point;
mod not_encrypted;
mod not_immutable;
mod points_partial;
mod protection_unproven;
mod protection_unused;
mod replica_as_backup;
mod retention_short;
mod rto_declared;
mod rto_drilled;
mod rto_unproven;
mod scheduler_unbounded;
mod unprotected_asset;
mod unverified_points;
mod waiver;

pub use waiver::accept;

use super::{Context, Report, Stock};

/// What a rule looks at.
#[derive(Clone, Copy)]
pub enum Rule {
    /// The plan, and all that is known but the copies.
    Whole(fn(&Context, &mut Report)),
    /// The copies of one asset, asked for each in turn: the context holds no cases yet.
    Copies(fn(&Context, &Stock, &mut Report)),
}

use Rule::{Copies, Whole};

/// In the order in which a reader wants to know.
pub const ALL: &[Rule] = &[
    Whole(unprotected_asset::check),
    Whole(replica_as_backup::check),
    Whole(no_usable_point::check),
    Whole(loss_window_declared::check),
    Whole(late_noticing::check),
    Whole(hole_ahead::check),
    Whole(loss_window_observed::check),
    Whole(loss_window_unproven::check),
    Copies(coverage_gap::check),
    Whole(rto_declared::check),
    Whole(rto_drilled::check),
    Whole(rto_unproven::check),
    Whole(drill_failed::check),
    Whole(drill_missing::check),
    Whole(drill_stale::check),
    Whole(copies_few::check),
    Whole(copies_one_domain::check),
    Whole(copies_one_credential::check),
    Copies(not_immutable::check),
    Copies(not_encrypted::check),
    Whole(retention_short::check),
    Copies(consistency_weak::check),
    Whole(cross_asset_skew::check),
    Copies(unverified_points::check),
    Copies(points_partial::check),
    Whole(scheduler_unbounded::check),
    Copies(protection_unproven::check),
    Whole(protection_unused::check),
    Whole(evidence_stale::check),
    Whole(evidence_unreadable::check),
    Whole(evidence_unmatched::check),
    Copies(evidence_unmatched::check_copies),
];
