//! MongoDB through its own driver: the source that backups read and the target that restores write.

mod accounts;
pub mod client;
mod listing;
mod pump;
mod source;
pub mod target;

pub use source::Source;
pub use target::Target;
