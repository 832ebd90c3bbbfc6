//! The names of sealed objects: the name of what is in them, and `.age`.

use std::hash::{BuildHasher, RandomState};

use super::Key;
use crate::seal::{Keys, SUFFIX};

impl Key {
    /// The same, sealed for the recipients of these keys where there are any.
    pub fn sealed_for(self, keys: &Keys) -> Self {
        if keys.seals() { self.sealed(0) } else { self }
    }

    pub fn sealed(self, number: u32) -> Self {
        Key::Sealed(Box::new(self), number)
    }

    /// What it is, whether it is sealed or not.
    pub fn unsealed(&self) -> &Self {
        match self {
            Key::Sealed(inner, _) => inner,
            key => key,
        }
    }

    /// Whether it is data, which is sealed where something is: the rest is what an audit reads.
    pub(super) fn is_data(&self) -> bool {
        matches!(
            self,
            Key::Data(..)
                | Key::Metadata(..)
                | Key::Prelude(_)
                | Key::Oplog(_)
                | Key::Uploads(_)
                | Key::Contents(_)
                | Key::Slice(_)
                | Key::Blob(_)
        )
    }
}

/// Whether an object of this name is sealed.
pub fn is_sealed(key: &str) -> bool {
    key.ends_with(SUFFIX)
}

/// The longest part of a path that file systems take.
const PART_BYTES_MAX: usize = 255;
/// What a sealed object is called below a name that has no room for more.
const BELOW: &str = "/sealed";

/// The name of what is sealed under this name and number.
pub(super) fn with_seal(inner: &str, number: u32) -> String {
    let tail = if number == 0 { SUFFIX.to_string() } else { format!(".{number}{SUFFIX}") };
    let part = inner.rsplit('/').next().unwrap_or(inner);
    let below = if part.len() + tail.len() > PART_BYTES_MAX { BELOW } else { "" };
    format!("{inner}{below}{tail}")
}

/// The name without what tells that it is sealed.
pub fn without_seal(key: &str) -> &str {
    let Some(rest) = key.strip_suffix(SUFFIX) else { return key };
    let rest = numbered(rest).map_or(rest, |(inner, _)| inner);
    rest.strip_suffix(BELOW).unwrap_or(rest)
}

/// The number in the name of a sealed object; none if it cannot be one.
pub(super) fn number_of(key: &str) -> Option<u32> {
    let rest = key.strip_suffix(SUFFIX)?;
    numbered(rest).map_or(Some(0), |(_, number)| number.parse().ok())
}

fn numbered(rest: &str) -> Option<(&str, &str)> {
    rest.rsplit_once('.').filter(|(_, number)| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

/// A number for [`Key::sealed`] that nobody else has taken: no two that work at once write one object.
pub fn lot() -> u32 {
    // Keys of the standard hasher come from the operating system's random numbers.
    let random = RandomState::new().hash_one(0_u8);
    u32::try_from(random >> 32).unwrap_or_default().max(1)
}
