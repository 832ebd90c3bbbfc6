//! Sealing what is stored for others than before: somebody came, somebody went, a key was lost or seen.
//!
//! Every object is opened and sealed anew, with a key of its own. To write only the headers again would save nothing: a
//! store takes objects whole; and whoever had kept an object's key could go on using it. New objects stand beside the old
//! ones, under names of their own; then the manifest, or the slice's header, names the new ones by one write. So a kill at
//! any moment leaves each point and slice either as it was or as it shall be, and the next run goes on with the others.
//!
//! The old objects go as pruned ones do: marked before anything is written, and swept by `prune --apply` after the grace.
//! Until then, whoever may read the store and has an old identity can still open them.

mod apply;
mod plan;

pub use apply::{Rekeyed, apply};
pub use plan::{Plan, PointPlan, SlicePlan, make};
