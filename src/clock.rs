//! The machine's clock, behind the engine's port: the one place that reads it.

use crate::base::Instant;
use crate::port::Clock;

#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> Instant {
        Instant::from_utc(chrono::Utc::now())
    }
}
