//! Prices, bills, and the trade of cost against loss.

pub mod advice;
pub mod bill;
pub mod book;
pub mod expected;
pub mod front;
pub mod kept;
pub mod objectives;
pub mod saving;
pub mod sensitivity;
pub mod space;
pub mod tradeoff;
mod transfer;
pub mod variant;
pub mod volume;
mod weighed;

pub use bill::{Bill, BillLine};
pub use book::{Grade, Price, PriceBook, Tier};
pub use sensitivity::{Assumption, Sensitivity};
pub use space::{Choice, Copies};
pub use tradeoff::{Complexity, PlanPoint, Step, Tradeoff};
