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

use super::{Context, Report};

pub type Rule = fn(&Context, &mut Report);

/// In the order in which a reader wants to know.
pub const ALL: &[Rule] = &[
    unprotected_asset::check,
    replica_as_backup::check,
    no_usable_point::check,
    loss_window_declared::check,
    late_noticing::check,
    loss_window_observed::check,
    loss_window_unproven::check,
    coverage_gap::check,
    rto_declared::check,
    rto_drilled::check,
    rto_unproven::check,
    drill_failed::check,
    drill_missing::check,
    drill_stale::check,
    copies_few::check,
    copies_one_domain::check,
    copies_one_credential::check,
    not_immutable::check,
    not_encrypted::check,
    retention_short::check,
    consistency_weak::check,
    cross_asset_skew::check,
    unverified_points::check,
    points_partial::check,
    scheduler_unbounded::check,
    protection_unproven::check,
    protection_unused::check,
    evidence_stale::check,
    evidence_unreadable::check,
    evidence_unmatched::check,
];
