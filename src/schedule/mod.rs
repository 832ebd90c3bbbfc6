//! Schedules: cron expressions expanded to instants in a time zone.

pub mod cron;

pub use cron::Schedule;
