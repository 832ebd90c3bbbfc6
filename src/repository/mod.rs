//! The layout of Plimsoll's own store: key grammar, manifests, and the catalogue that turns them into evidence.

pub mod begun;
pub mod catalog;
pub mod chain;
pub mod dump_name;
pub mod exclusion;
pub mod format;
pub mod history;
pub mod key;
pub mod lease;
pub mod manifest;
pub mod notice;
pub mod prune;
pub mod sealed_name;
pub mod step;
pub mod verification;

pub use exclusion::Exclusion;
pub use format::{id, open, require};
pub use key::{Key, SliceName, SnapshotName};
pub use lease::{Holder, Lease};
pub use manifest::{CollectionEntry, Manifest, ObjectEntry, OwnLog, Seal, SliceHeader};
pub use prune::{Fate, Mark, PruneStep};
pub use verification::Verification;
