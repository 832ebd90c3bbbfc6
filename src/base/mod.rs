//! Foundations: time, quantities, random streams, and the one error style. Pure; everything may use them.

pub mod compression;
pub mod fault;
pub mod keeping;
pub mod markdown;
pub mod parallel;
pub mod place;
pub mod quantity;
pub mod rng;
pub mod text;
pub mod time;

pub use compression::{Codec, Compression};
pub use fault::{Fault, FaultKind, Result};
pub use keeping::{Keeping, ServerEncryption, StorageClass, Terms};
pub use place::Place;
pub use quantity::{Bytes, Speed};
pub use time::{Instant, OpTime, Span, Window};
