//! What is spent on the parts of one phase that go on beside each other, by all who are at them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::base::Span;

/// Of the documents of a recovery point, on their way from the store to the server.
#[derive(Debug, Default)]
pub struct Effort {
    fetch: Spent,
    decompress: Spent,
    insert: Spent,
}

/// Time and bytes.
#[derive(Debug, Default)]
struct Spent {
    micros: AtomicU64,
    bytes: AtomicU64,
}

impl Effort {
    /// Waiting for the store to hand on what it holds.
    pub fn fetched(&self, took: Duration, bytes: u64) {
        self.fetch.add(took, bytes);
    }

    /// Hashing, opening, unpacking and splitting.
    pub fn unpacked(&self, took: Duration, bytes: u64) {
        self.decompress.add(took, bytes);
    }

    /// Waiting for the server to take documents.
    pub fn inserted(&self, took: Duration, bytes: u64) {
        self.insert.add(took, bytes);
    }

    pub fn parts(&self) -> [(&'static str, Span, u64); 3] {
        let part = |name, spent: &Spent| {
            let millis = spent.micros.load(Ordering::Relaxed) / 1000;
            (name, Span::millis(i64::try_from(millis).unwrap_or(i64::MAX)), spent.bytes.load(Ordering::Relaxed))
        };
        [part("fetch", &self.fetch), part("decompress", &self.decompress), part("insert", &self.insert)]
    }
}

impl Spent {
    fn add(&self, took: Duration, bytes: u64) {
        self.micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}
