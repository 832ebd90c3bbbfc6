//! What was proven: recovery points, coverage, drills and runs, each with where it came from.

pub mod drill;
pub mod import;
pub mod inventory;
pub mod merge;
pub mod ran;

pub use drill::{Check, Drill, DrillOutcome, KeyProof, Phase};
pub use inventory::{Coverage, Evidence, Health, Origin, RecoveryPoint, Run, RunOutcome, Unreadable};
pub use ran::Ran;
