//! A window of instants that begins again when it ends.

use crate::base::{Instant, Span, Window};

/// A division costs as much as all else of an incident's time, so what is left of one is found by a multiplication.
#[derive(Debug, Clone, Copy)]
pub struct Wheel {
    from: Instant,
    length: u64,
    /// Of 2^64, rounded down.
    inverse: u64,
}

impl Wheel {
    pub fn new(window: Window) -> Self {
        let length = u64::try_from(window.length().0).unwrap_or_default().max(1);
        Wheel { from: window.from, length, inverse: u64::MAX / length }
    }

    pub fn length(&self) -> u64 {
        self.length
    }

    /// The instant so many milliseconds after the beginning, however often the window goes by.
    #[inline]
    pub fn at(&self, millis: u64) -> Instant {
        // At most one less than the true quotient.
        let times = ((u128::from(millis) * u128::from(self.inverse)) >> u64::BITS) as u64;
        let rest = millis - times * self.length;
        let rest = if rest >= self.length { rest - self.length } else { rest };
        self.from + Span(rest as i64)
    }

    /// The part of the length which the number is of 2^64.
    #[inline]
    pub fn part(&self, number: u64) -> u64 {
        ((u128::from(number) * u128::from(self.length)) >> u64::BITS) as u64
    }
}
