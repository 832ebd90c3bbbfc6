//! Progress on stderr: bars on a terminal, one line per phase elsewhere.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{HumanCount, MultiProgress, ProgressBar, ProgressStyle};

use super::output::Global;
use crate::base::Bytes;
use crate::engine::event::{Event, Listener, Unit};

/// Listens to the engine and shows it.
pub struct Progress {
    bars: Option<MultiProgress>,
    quiet: bool,
    running: Mutex<HashMap<&'static str, Running>>,
}

struct Running {
    bar: ProgressBar,
    documents: u64,
}

impl Progress {
    pub fn new(global: &Global) -> Self {
        Progress { bars: global.draws().then(MultiProgress::new), quiet: global.quiet, running: Mutex::default() }
    }

    fn say(&self, line: &str) {
        match &self.bars {
            // Printing beside the bars would tear them.
            Some(bars) => drop(bars.println(line)),
            None if !self.quiet => plain_line(line),
            None => {}
        }
    }

    fn start(&self, phase: &'static str, total: Option<u64>, unit: Unit) {
        let Some(bars) = &self.bars else { return };
        let counts = match unit {
            Unit::Bytes => "{decimal_bytes} {decimal_bytes_per_sec}",
            Unit::Documents | Unit::Objects => "{human_pos} {per_sec}",
        };
        let template = match total {
            Some(_) => format!("  {{prefix:<10}} {{bar:28}} {counts} {{msg}} {{eta}} left"),
            None => format!("  {{prefix:<10}} {{spinner}} {counts} {{msg}}"),
        };
        let bar = bars.add(total.map_or_else(ProgressBar::new_spinner, ProgressBar::new)).with_prefix(phase);
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        self.lock().insert(phase, Running { bar, documents: 0 });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<&'static str, Running>> {
        // A panic elsewhere while a bar was moved leaves the map whole.
        self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Listener for Progress {
    fn on(&self, event: Event) {
        match event {
            Event::Started { phase, total, unit } => self.start(phase, total, unit),
            Event::Advanced { phase, by } => {
                if let Some(running) = self.lock().get(phase) {
                    running.bar.inc(by);
                }
            }
            Event::Documents { phase, by } => {
                if let Some(running) = self.lock().get_mut(phase) {
                    running.documents += by;
                    running.bar.set_message(format!("{} documents", HumanCount(running.documents)));
                }
            }
            Event::Finished { phase, took, bytes } => {
                if let Some(running) = self.lock().remove(phase) {
                    running.bar.finish_and_clear();
                }
                let size = if bytes > 0 { format!("  {}", Bytes(bytes)) } else { String::new() };
                self.say(&format!("  {phase:<10} {took}{size}"));
            }
            Event::Note(text) => self.say(&format!("  {text}")),
            Event::Warning(text) => self.say(&format!("  warning: {text}")),
        }
    }
}

fn plain_line(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
