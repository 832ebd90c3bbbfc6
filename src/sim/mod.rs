//! The failures of many years, drawn: what each loses by `timeline`'s definition, how long it takes to be back, and what
//! that costs.
//!
//! `model` resolves policy and evidence once; `incident` plays one failure; `tally` adds up; `campaign` spreads the years
//! over threads and reads the result. A year's numbers depend on (seed, year) alone and all sums are whole numbers, so
//! the same inputs give the same bytes on any number of threads.

pub mod campaign;
pub mod draw;
pub mod incident;
pub mod loss;
pub mod model;
pub mod money;
pub mod result;
pub mod shard;
pub mod tally;

pub use campaign::Options;
pub use result::{AnnualLoss, AssetResult, Estimate, Quantiles, ScenarioResult, Simulation, Story};
pub use shard::{Partial, Shard};
