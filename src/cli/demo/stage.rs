//! What the demo tells while it runs: numbered acts, and lines with the time since the start.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant as Moment;

use tokio::sync::Notify;

use crate::base::{Instant, Span};
use crate::cli::output::{self, Format, Global};
use crate::clock::SystemClock;
use crate::engine::{Event, Listener};
use crate::port::Clock;

pub struct Stage<'a> {
    global: &'a Global,
    began: Moment,
    pub began_at: Instant,
    pub clock: Arc<dyn Clock>,
    act: Cell<u32>,
}

impl<'a> Stage<'a> {
    pub fn new(global: &'a Global) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Stage { global, began: Moment::now(), began_at: clock.now(), clock, act: Cell::new(0) }
    }

    pub fn format(&self) -> Format {
        self.global.format
    }

    pub fn act(&self, title: &str) {
        self.act.set(self.act.get() + 1);
        output::tell(self.global, &format!("{}. {title}", self.act.get()));
    }

    pub fn say(&self, line: &str) {
        say(self.global, self.began, line);
    }

    /// The same, for those who work on another thread.
    pub fn teller(&self) -> impl Fn(&str) + Send + use<> {
        let (global, began) = (self.global.clone(), self.began);
        move |line| say(&global, began, line)
    }

    /// Passes on what went wrong and drops the rest: the acts tell it in their own words.
    pub fn ear(&self) -> Ear {
        Ear { global: self.global.clone(), began: self.began, begun: Notify::new() }
    }
}

fn say(global: &Global, began: Moment, line: &str) {
    output::tell(global, &format!("{:>8.1} s  {line}", since(began).as_secs()));
}

pub fn since(began: Moment) -> Span {
    Span::millis(i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX))
}

/// Listens to the engine.
pub struct Ear {
    global: Global,
    began: Moment,
    /// Told by the engine's first remark: where a capture begins.
    pub begun: Notify,
}

impl Listener for Ear {
    fn on(&self, event: Event) {
        match event {
            Event::Warning(text) => say(&self.global, self.began, &format!("warning: {text}")),
            Event::Note(_) => self.begun.notify_one(),
            _ => {}
        }
    }
}
