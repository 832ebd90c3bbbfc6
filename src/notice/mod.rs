//! What is told to people and when: troubles that are open, what of them is new, and how it is put into words.
//!
//! A trouble is told once when it opens and once when it is over, however many hosts look and however often. What was
//! told is evidence in the store; here is only what follows from it.

pub mod change;
pub mod message;
pub mod open;

pub use change::{Change, Told, ToldOf, change};
pub use message::Notice;
pub use open::{Look, Trouble};
