//! What the engine tells while it works. It never prints: progress bars, logs and tests listen.

use crate::base::Span;

#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A timed part of the work begins. `total` is in `unit`, where it is known.
    Started {
        phase: &'static str,
        total: Option<u64>,
        unit: Unit,
    },
    /// So much more of the running phase is done.
    Advanced {
        phase: &'static str,
        by: u64,
    },
    /// So many documents are in what was last told as done; bytes alone say little to a person.
    Documents {
        phase: &'static str,
        by: u64,
    },
    Finished {
        phase: &'static str,
        took: Span,
        bytes: u64,
    },
    /// Worth knowing.
    Note(String),
    /// Worth looking at; the work goes on.
    Warning(String),
}

/// What a phase counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Bytes,
    Documents,
    Objects,
}

pub trait Listener: Send + Sync {
    fn on(&self, event: Event);
}

/// Hears nothing.
pub struct Silent;

impl Listener for Silent {
    fn on(&self, _event: Event) {}
}
