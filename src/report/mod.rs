//! What people read: one view of a week, and one file per form that it is written in.

pub mod calendar;
pub mod chart;
pub mod csv;
pub mod format;
pub mod html;
pub mod json;
pub mod markdown;
pub mod runbook;
pub mod stakeholder;
pub mod table;
pub mod terminal;
pub mod text;
pub mod view;
pub mod write;

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

pub use view::{Inputs, View};
pub use write::write_all;

/// SHA-256 as hexadecimal digits.
pub fn digest(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
