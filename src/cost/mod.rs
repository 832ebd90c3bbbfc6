//! Prices, bills, and the trade of cost against loss.

pub mod bill;
pub mod book;
pub mod expected;
pub mod saving;
pub mod sensitivity;
pub mod tradeoff;
pub mod variant;
pub mod volume;

pub use bill::{Bill, BillLine};
pub use book::{Grade, Price, PriceBook, Tier};
pub use sensitivity::{Assumption, Sensitivity};
pub use tradeoff::{PlanPoint, Tradeoff};
