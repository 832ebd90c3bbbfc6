//! What a collection holds, as one number that does not depend on order: how a restore is proven equal to its source.
//!
//! The hash of a collection is the sum, modulo 2^128, of the XXH3-128 of each document's raw BSON. Order is left out
//! because a restored collection may give its documents in another one; a sum, unlike an exclusive or, also notices a
//! document that is there twice. It finds every loss, change and doubling that faults can make, ten times faster than a
//! cryptographic hash; it is no defence against someone who may choose the documents. What defends the stored bytes is
//! the SHA-256 that the manifest has of every object.

use xxhash_rust::xxh3::xxh3_128;

use crate::base::{Fault, Result};

/// Order-free hash of a multiset of raw BSON documents. The empty one is all zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ContentHash(u128);

impl ContentHash {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one document, given as its raw BSON.
    pub fn add(&mut self, document: &[u8]) {
        self.0 = self.0.wrapping_add(xxh3_128(document));
    }

    /// Adds all that `other` holds, so that parts can be hashed apart.
    pub fn merge(&mut self, other: &ContentHash) {
        self.0 = self.0.wrapping_add(other.0);
    }

    /// 32 hexadecimal digits.
    pub fn to_hex(&self) -> String {
        format!("{:032x}", self.0)
    }
}

/// Documents of a run of bytes, and how many of each there were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    pub documents: u64,
    pub bytes: u64,
    pub content: ContentHash,
}

impl Tally {
    /// Counts and hashes every document of a batch of concatenated BSON.
    pub fn of(batch: &[u8]) -> Result<Tally> {
        let mut tally = Tally::default();
        for document in documents(batch) {
            let document = document?;
            tally.content.add(document);
            tally.documents += 1;
            tally.bytes += document.len() as u64;
        }
        Ok(tally)
    }

    pub fn merge(&mut self, other: &Tally) {
        self.documents += other.documents;
        self.bytes += other.bytes;
        self.content.merge(&other.content);
    }
}

/// The documents of a batch of concatenated BSON. Only the lengths are looked at: a batch that does not split exactly
/// ends with an error.
pub fn documents(batch: &[u8]) -> Documents<'_> {
    Documents { rest: batch }
}

#[derive(Debug)]
pub struct Documents<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Documents<'a> {
    type Item = Result<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let length = self.rest.first_chunk::<4>().map(|bytes| i32::from_le_bytes(*bytes));
        // The shortest document is a length and the final zero.
        let length = length.and_then(|n| usize::try_from(n).ok()).filter(|n| *n >= 5);
        let split = length.and_then(|n| self.rest.split_at_checked(n)).filter(|(one, _)| one.ends_with(&[0]));
        match split {
            Some((document, rest)) => {
                self.rest = rest;
                Some(Ok(document))
            }
            None => {
                let left = std::mem::take(&mut self.rest).len();
                Some(Err(Fault::corrupt(format!("cannot split BSON into documents: the last {left} bytes are none"))))
            }
        }
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
