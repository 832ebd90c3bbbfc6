//! One rule, one file, its explanation beside it. Registration is explicit: a rule that is not listed here does not run.

mod channel_unproven;
mod clock_skew;
mod consistency_weak;
mod copies_few;
mod copies_one_credential;
mod copies_one_domain;
mod coverage_gap;
mod cross_asset_skew;
mod deletes_by_age;
mod drill_failed;
mod drill_missing;
mod drill_partial;
mod drill_small;
mod drill_stale;
mod drills_few;
mod evidence_stale;
mod evidence_unmatched;
mod evidence_unreadable;
mod existence_as_verification;
mod hole_ahead;
mod isolation_unproven;
mod job_undeclared;
mod key_unproven;
mod late_noticing;
mod lifecycle_short;
mod lock_short;
mod loss_window_declared;
mod loss_window_observed;
mod loss_window_unproven;
mod media_few;
mod no_usable_point;
mod not_encrypted;
mod not_immutable;
mod not_offsite;
mod points_few;
mod points_overdue;
mod points_partial;
mod protection_unproven;
mod protection_unused;
mod references_dangle;
mod replica_as_backup;
mod restore_path_slow;
mod retention_long;
mod retention_short;
mod rto_declared;
mod rto_drilled;
mod rto_unproven;
mod runbook_drift;
mod runs_missed;
mod schedule_drift;
mod scheduler_unbounded;
mod script_names_differ;
mod steps_untimed;
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
    Copies(runs_missed::check),
    Copies(points_few::check),
    Whole(rto_declared::check),
    Whole(rto_drilled::check),
    Whole(rto_unproven::check),
    Whole(steps_untimed::check),
    Whole(restore_path_slow::check),
    Whole(drill_failed::check),
    Whole(drill_missing::check),
    Whole(drill_stale::check),
    Copies(drill_partial::check),
    Whole(drill_small::check),
    Whole(drills_few::check),
    Whole(copies_few::check),
    Whole(media_few::check),
    Whole(not_offsite::check),
    Whole(isolation_unproven::check),
    Whole(copies_one_domain::check),
    Whole(copies_one_credential::check),
    Copies(not_immutable::check),
    Whole(lock_short::check),
    Copies(not_encrypted::check),
    Copies(key_unproven::check),
    Whole(retention_short::check),
    Whole(lifecycle_short::check),
    Whole(retention_long::check),
    Copies(points_overdue::check),
    Copies(consistency_weak::check),
    Whole(cross_asset_skew::check),
    Whole(references_dangle::check),
    Copies(unverified_points::check),
    Copies(points_partial::check),
    Whole(existence_as_verification::check),
    Whole(script_names_differ::check),
    Whole(deletes_by_age::check),
    Whole(scheduler_unbounded::check),
    Whole(schedule_drift::check),
    Whole(job_undeclared::check),
    Whole(runbook_drift::check),
    Whole(channel_unproven::check),
    Copies(protection_unproven::check),
    Whole(protection_unused::check),
    Whole(clock_skew::check),
    Copies(clock_skew::check_copies),
    Whole(evidence_stale::check),
    Whole(evidence_unreadable::check),
    Whole(evidence_unmatched::check),
    Copies(evidence_unmatched::check_copies),
];
