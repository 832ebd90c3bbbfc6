//! The keystone: one definition of "recoverable", shared by the audit, the simulator and the restore planner.
//!
//! `history` is what could be restored from, declared or observed; `recoverable` says from which of it a failure can be
//! undone, and what is lost; `exposure` says so for every instant of a window; `bound` from the policy alone;
//! `downtime` is the other half of a failure; `forward` is the history that is to come; `states` says to what instants assets can be
//! brought together; `outgrown` when restores outgrow the time that they have.

pub mod bound;
pub mod declared;
pub mod downtime;
pub mod exposure;
pub mod failure;
pub mod forward;
pub mod history;
pub mod interval;
pub mod observed;
pub mod outgrown;
pub mod recoverable;
pub mod shared;
pub mod states;

pub use bound::Promise;
pub use exposure::{Exposure, Segment};
pub use failure::Failure;
pub use forward::Hole;
pub use history::{Basis, Candidate, Covered, Flush, History};
pub use interval::IntervalSet;
pub use recoverable::{Loss, Reach, Restorable, Way};
pub use states::{States, Together};
