//! The failures of many years, drawn: what each loses by `timeline`'s definition, how long it takes to be back, and what
//! that costs.
//!
//! `model` resolves policy and evidence once, and `prepared` what every year needs of it: the losses to look up (`band`),
//! the numbers of incidents (`count`), the strata of rare scenarios (`strata`), runbooks without what is always the same
//! (`folded`). `year` plays one year: `incident` one failure, `outage` one that takes nothing but time, `trouble` what
//! becomes of what is planned, `second` failures that meet. `tally` adds up, `campaign` spreads the years over threads, and
//! `read` says what came out, with the errors of `mix`. A year's numbers depend on (seed, year) alone and all sums are whole
//! numbers, so the same inputs give the same bytes on any number of threads.

pub mod band;
pub mod campaign;
pub mod count;
pub mod draw;
pub mod folded;
pub mod incident;
pub mod loss;
pub mod mix;
pub mod model;
pub mod money;
pub mod outage;
pub mod pert;
pub mod prepared;
pub mod read;
pub mod result;
pub mod second;
pub mod shard;
pub mod strata;
pub mod tally;
pub mod trouble;
pub mod wheel;
pub mod year;

pub use campaign::Options;
pub use result::{AnnualLoss, AssetResult, Errors, Estimate, Quantiles, ScenarioResult, Simulation, Story};
pub use shard::{Partial, Shard};
