//! Pruning: what no rule keeps is removed, in two phases, and never on the word of a listing.
//!
//! First the manifests go, under a mark that says what they consisted of; then, after a grace longer than any run, the
//! data. So nobody ever sees a point without its data, whatever is killed when; and who had begun to read a point, or to
//! build on its blobs, has ended by then or has taken it back. Only a manifest or a header ever authorises a removal; or, of
//! what a killed run left, the record by which that run began.

pub mod marks;

mod abandoned;
mod apply;
mod live;
mod objects;
mod plan;
mod sweep;

pub use abandoned::Abandoned;
pub use apply::{Left, Pruned, apply};
pub use objects::ObjectPlan;
pub use plan::{Plan, PointPlan, SlicePlan, make};
pub use sweep::{Due, Swept};

use crate::base::{Instant, Span};
use crate::policy::Policy;

/// No shorter grace is taken: a restore that began before a mark has ended after it.
pub const GRACE_MIN: Span = Span::days(1);
pub const GRACE: Span = Span::days(7);

#[derive(Debug, Clone, Default)]
pub struct PruneRequest<'a> {
    /// None: all assets of the repository.
    pub asset: Option<String>,
    /// Says how long points are kept; without one, only what was promised to points when they were made counts.
    pub policy: Option<&'a Policy>,
    /// From the mark to the sweep; [`GRACE`] where absent.
    pub grace: Option<Span>,
    /// The plan of another day: of an earlier one as things were known then, of a later one as if all went on as planned.
    pub as_of: Option<Instant>,
}
