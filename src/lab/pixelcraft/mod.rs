//! PixelCraft, a small site for sharing pictures: its data, its users' doings, and a ledger of what was acknowledged.

mod data;
mod fill;
mod ledger;
mod schema;
mod step;
mod writer;

use std::sync::Arc;

use crate::port::{Clock, ObjectStore};

pub use fill::{Size, fill};
pub use ledger::{Difference, Ledger, SharedLedger, Upload, share};
pub use schema::missing;
pub use writer::{Writer, Written};

/// Where one PixelCraft lives.
#[derive(Debug, Clone)]
pub struct PixelCraft {
    pub database: mongodb::Database,
    /// The bucket of uploads.
    pub uploads: Arc<dyn ObjectStore>,
    pub clock: Arc<dyn Clock>,
    /// The same seed gives the same users, images and bytes.
    pub seed: u64,
}

/// Collections by their names; images name objects among the uploads, edits name images, images name users.
pub const USERS: &str = "users";
pub const IMAGES: &str = "images";
pub const EDITS: &str = "edits";
/// A log of what happens: rows are only added.
pub const ACTIVITY: &str = "activity";
/// All that hold documents.
pub const COLLECTIONS: [&str; 4] = [USERS, IMAGES, EDITS, ACTIVITY];
/// A view of the public images.
pub const GALLERY: &str = "gallery";
