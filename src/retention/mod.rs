//! Which points and which pieces of a log are kept, and why. Pure: what is known and `now` go in, a reason for each comes
//! out. Nothing here deletes.

pub mod bucket;
pub mod decision;
pub mod log;
pub mod reach;

pub use bucket::{Bucket, Every};
pub use decision::{Decision, Point, Reason, Rules, Standing, decide};
