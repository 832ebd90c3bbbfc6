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

/// The name without what tells that it is sealed.
pub fn without_seal(key: &str) -> &str {
    let Some(rest) = key.strip_suffix(SUFFIX) else { return key };
    match rest.rsplit_once('.') {
        Some((inner, number)) if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => inner,
        _ => rest,
    }
}

/// A number for [`Key::sealed`] that nobody else has taken: no two that work at once write one object.
pub fn lot() -> u32 {
    // Keys of the standard hasher come from the operating system's random numbers.
    let random = RandomState::new().hash_one(0_u8);
    u32::try_from(random >> 32).unwrap_or_default().max(1)
}
