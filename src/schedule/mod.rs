//! Schedules: cron expressions expanded to instants in a time zone, and the files that schedulers run from.

pub mod calendar;
pub mod cron;
pub mod due;
pub mod emit;
pub mod read;

pub use calendar::Calendar;
pub use cron::Schedule;
