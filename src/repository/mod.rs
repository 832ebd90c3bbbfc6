//! The layout of Plimsoll's own store: key grammar, manifests, and the catalogue that turns them into evidence.

pub mod catalog;
pub mod chain;
pub mod dump_name;
pub mod exclusion;
pub mod format;
pub mod key;
pub mod lease;
pub mod manifest;
pub mod verification;

pub use exclusion::Exclusion;
pub use format::{open, require};
pub use key::{Key, SliceName, SnapshotName};
pub use lease::{Holder, Lease};
pub use manifest::{CollectionEntry, Manifest, ObjectEntry, OwnLog, SliceHeader};
pub use verification::Verification;
