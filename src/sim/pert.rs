//! Beta-PERT times (Malcolm and others 1959), drawn by their inverse from one number.

use std::sync::Arc;

use crate::base::Span;

/// Cells of exact mass that the density is cut into; within one it is taken to be even.
const CELLS: usize = 256;
/// Even shares at which the inverse is tabulated, and those that the first and the last of them are cut into once more:
/// only there does it bend between two.
const SHARES: usize = 1024;
const ENDS: usize = 64;
const SHARE_BITS: u32 = SHARES.ilog2();
const END_BITS: u32 = ENDS.ilog2();
/// Binary digits of a millisecond that the table keeps.
const FRACTION: u32 = 12;

/// A Beta between `low` and `high` whose mean is (low + 4 mode + high) / 6. What its table moves is far below any error that
/// a campaign can state.
#[derive(Debug, Clone, PartialEq)]
pub struct Pert {
    low: Span,
    high: Span,
    /// Above the shortest, at each share and at the end of the last.
    even: Arc<[u64]>,
    first: Arc<[u64]>,
    last: Arc<[u64]>,
}

impl Pert {
    pub fn new(low: Span, mode: Span, high: Span) -> Self {
        let range = ((high - low).0 as f64).max(0.0);
        let at = if range > 0.0 { ((mode - low).0 as f64 / range).clamp(0.0, 1.0) } else { 0.5 };
        let below = below(4.0 * at, 4.0 - 4.0 * at);
        let table = |from: f64, until: f64, parts: usize| -> Arc<[u64]> {
            let share = |part: usize| from + (until - from) * part as f64 / parts as f64;
            inverse(&below, (0..=parts).map(share)).map(|at| fixed(at * range)).collect()
        };
        let part = 1.0 / SHARES as f64;
        let high = low + Span(range as i64);
        Pert {
            low,
            high,
            even: table(0.0, 1.0, SHARES),
            first: table(0.0, part, ENDS),
            last: table(1.0 - part, 1.0, ENDS),
        }
    }

    pub fn low(&self) -> Span {
        self.low
    }

    pub fn high(&self) -> Span {
        self.high
    }

    /// The time that no more than this share of all exceeds, of 2^64. It rises with the share.
    #[inline]
    pub fn at(&self, share: u64) -> Span {
        let place = (share >> (u64::BITS - SHARE_BITS)) as usize;
        let rest = share << SHARE_BITS;
        let (table, place, rest) = match place {
            0 => (&self.first, (rest >> (u64::BITS - END_BITS)) as usize, rest << END_BITS),
            place if place == SHARES - 1 => (&self.last, (rest >> (u64::BITS - END_BITS)) as usize, rest << END_BITS),
            place => (&self.even, place, rest),
        };
        let Some([from, until]) = table.get(place..place + 2) else { return self.high };
        let within = ((u128::from(until - from) * u128::from(rest)) >> u64::BITS) as u64;
        // Half a millisecond more rounds to the nearest.
        self.low + Span(((from + within + (1 << (FRACTION - 1))) >> FRACTION) as i64)
    }
}

/// Share of a Beta(a + 1, b + 1) below the end of each cell, by Simpson's rule.
fn below(a: f64, b: f64) -> Vec<f64> {
    let density = |half: usize| {
        let x = half as f64 / (2 * CELLS) as f64;
        x.powf(a) * (1.0 - x).powf(b)
    };
    // Only shares matter, so the rule's factor is left out.
    let mass = |cell: usize| density(2 * cell) + 4.0 * density(2 * cell + 1) + density(2 * cell + 2);
    let masses: Vec<f64> = (0..CELLS).map(mass).collect();
    let (whole, mut sum) = (masses.iter().sum::<f64>(), 0.0);
    let upto = |mass: f64| {
        sum += mass / whole;
        sum
    };
    masses.into_iter().map(upto).collect()
}

/// Where in [0, 1] each of the shares is reached, which rise.
fn inverse(below: &[f64], shares: impl Iterator<Item = f64>) -> impl Iterator<Item = f64> {
    let (mut cell, mut from) = (0, 0.0);
    shares.map(move |share| {
        while below.get(cell).is_some_and(|until| *until < share) {
            from = below.get(cell).copied().unwrap_or_default();
            cell += 1;
        }
        let until = below.get(cell).copied().unwrap_or(1.0);
        let within = if until > from { ((share - from) / (until - from)).clamp(0.0, 1.0) } else { 0.0 };
        ((cell as f64 + within) / CELLS as f64).min(1.0)
    })
}

fn fixed(millis: f64) -> u64 {
    (millis * f64::from(1 << FRACTION)).round() as u64
}
