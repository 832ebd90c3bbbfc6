//! Times the parts of a piece of work, and tells of them.

use super::effort::Effort;
use super::event::{Event, Listener, Unit};
use crate::base::Span;
use crate::evidence::Phase;

pub struct Phases<'a> {
    pub listener: &'a dyn Listener,
    pub done: Vec<Phase>,
}

/// A part that is being timed.
pub struct Running {
    name: &'static str,
    since: std::time::Instant,
}

impl Phases<'_> {
    pub fn begin(&self, name: &'static str, total: Option<u64>, unit: Unit) -> Running {
        self.listener.on(Event::Started { phase: name, total, unit });
        Running { name, since: std::time::Instant::now() }
    }

    pub fn end(&mut self, running: Running, bytes: u64) {
        let took = Span::millis(i64::try_from(running.since.elapsed().as_millis()).unwrap_or(i64::MAX));
        self.listener.on(Event::Finished { phase: running.name, took, bytes });
        self.done.push(Phase::new(running.name, took, bytes));
    }

    /// What its parts came to, that went on beside each other.
    pub fn parts(&mut self, of: &str, effort: &Effort) {
        let parts = effort.parts().into_iter().filter(|(_, _, bytes)| *bytes > 0);
        let part = |(name, took, bytes)| Phase { within: Some(of.to_string()), ..Phase::new(name, took, bytes) };
        self.done.extend(parts.map(part));
    }
}
