//! Encryption on this host, in the age format (age-encryption.org/v1): what leaves it is sealed for recipients, and only
//! their identities open it again.
//!
//! A recipient is public: whoever makes backups needs nothing else, and cannot read what was made. An identity is secret:
//! it is needed to restore, to drill and to change the recipients, and stands nowhere near the repository.
//!
//! What age proves by itself is one object: each chunk of 64 KiB is authenticated with its number, and the last one says
//! that it is the last. So a flipped byte, chunks in another order and a cut end never pass for contents. That an object
//! stands in the place of another, or is an earlier one of the same name, or is missing, is what the SHA-256 shows that a
//! manifest has of the stored bytes. Nobody proves who sealed it: recipients are public, so whoever may write the whole
//! repository, manifests too, can put a point of their own there. Object lock is what keeps them from it.

mod identity;
mod keys;
mod opening;
mod recipient;
mod sealing;

pub use identity::{Identity, masked};
pub use keys::Keys;
pub use opening::{Head, Plain};
pub use recipient::Recipient;
pub use sealing::Sealing;

/// What the names of sealed objects end with, as age's own tools name them.
pub const SUFFIX: &str = ".age";
