//! How many incidents of a scenario a year has: a Poisson number whose rate may itself be uncertain.

use crate::base::rng::Stream;
use crate::policy::Uncertain;

/// Incidents of one scenario that one year is simulated with, at most.
const MOST: usize = 20_000;
/// Probabilities below this, against the greatest, are none.
const NEGLIGIBLE: f64 = 1e-18;
/// Nodes and reach of the sum over a standard normal variable, which the trapezium rule takes to the last digits.
const NODES: i32 = 192;
const REACH: f64 = 8.0;

/// The distribution of a year's number of incidents, drawn by its inverse from one uniform.
#[derive(Debug, Clone)]
pub struct Counts {
    /// Probability of no more than 0, 1, 2, … incidents.
    all: Rising,
    /// The same of years with at least one, from 1 on.
    struck: Rising,
    /// Probability of at least one: exact, however rare.
    pub some: f64,
    /// Probability of more than are simulated.
    pub beyond: f64,
}

impl Counts {
    pub fn of(per_year: f64, uncertain: Option<Uncertain>) -> Self {
        if !(per_year.is_finite() && per_year > 0.0) {
            return Counts { all: Rising::of(vec![1.0]), struck: Rising::of(vec![]), some: 0.0, beyond: 0.0 };
        }
        let (chances, some) = match uncertain {
            None => (poisson(per_year), -(-per_year).exp_m1()),
            Some(Uncertain::Gamma { shape }) => {
                (negative_binomial(per_year, shape), -(-shape * (per_year / shape).ln_1p()).exp_m1())
            }
            Some(Uncertain::Lognormal { sigma }) => mixed(per_year, sigma),
        };
        let sum: f64 = chances.iter().sum();
        let one_or_more: f64 = chances.iter().skip(1).sum();
        let rising = |chances: &[f64], whole: f64| {
            let mut below = 0.0;
            let step = |chance: &f64| {
                below += chance / whole;
                below
            };
            Rising::of(chances.iter().map(step).collect())
        };
        let struck = rising(chances.get(1..).unwrap_or_default(), one_or_more);
        Counts { all: rising(&chances, sum.max(f64::MIN_POSITIVE)), struck, some, beyond: (1.0 - sum).max(0.0) }
    }

    /// The number of a year, of which `struck` says whether it has at least one.
    #[inline]
    pub fn draw(&self, struck: Option<bool>, stream: &mut Stream) -> u64 {
        match struck {
            Some(false) => 0,
            Some(true) => 1 + self.struck.place(stream.next_u64()),
            None => self.all.place(stream.next_u64()),
        }
    }
}

/// Even parts of [0, 1) from which the search for a place starts.
const PARTS: usize = 256;

/// Shares that rise to 1, and for each even part the first that is not below it.
#[derive(Debug, Clone)]
struct Rising {
    below: Vec<f64>,
    first: Vec<u16>,
}

impl Rising {
    fn of(below: Vec<f64>) -> Self {
        let reaches = |part: usize| below.partition_point(|share| *share <= part as f64 / PARTS as f64);
        let first = (0..PARTS).map(|part| u16::try_from(reaches(part)).unwrap_or(u16::MAX)).collect();
        Rising { below, first }
    }

    /// The first place whose share the number, of 2^64, does not exceed; the last where rounding left none.
    #[inline]
    fn place(&self, number: u64) -> u64 {
        let uniform = (number >> 11) as f64 * (1.0 / (1_u64 << 53) as f64);
        let part = (number >> (u64::BITS - PARTS.ilog2())) as usize;
        let mut place = self.first.get(part).map_or(0, |first| usize::from(*first));
        while self.below.get(place).is_some_and(|share| *share <= uniform) {
            place += 1;
        }
        place.min(self.below.len().saturating_sub(1)) as u64
    }
}

/// Probabilities of 0, 1, 2, …, from the greatest outwards, so that none vanishes that matters.
fn poisson(mean: f64) -> Vec<f64> {
    let mode = (mean as usize).min(MOST);
    let log_at_mode = mode as f64 * mean.ln() - mean - (2..=mode).map(|k| (k as f64).ln()).sum::<f64>();
    outwards(mode, log_at_mode.exp(), |k| mean / k as f64)
}

/// Poisson with a Gamma rate: shape `shape`, mean `mean`.
fn negative_binomial(mean: f64, shape: f64) -> Vec<f64> {
    let success = mean / (mean + shape);
    let ratio = |k: usize| success * (k as f64 - 1.0 + shape) / k as f64;
    let mode = if shape > 1.0 { ((success * (shape - 1.0) / (1.0 - success)) as usize).min(MOST) } else { 0 };
    let log_at_mode = -shape * (mean / shape).ln_1p() + (1..=mode).map(|k| ratio(k).ln()).sum::<f64>();
    outwards(mode, log_at_mode.exp(), ratio)
}

/// `ratio(k)` is that of the probabilities of k and k − 1.
fn outwards(mode: usize, at_mode: f64, ratio: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut chances = vec![0.0; mode + 1];
    let mut chance = at_mode;
    for k in (0..=mode).rev() {
        if let Some(place) = chances.get_mut(k) {
            *place = chance;
        }
        chance /= ratio(k.max(1));
    }
    chance = at_mode;
    for k in mode + 1..=MOST {
        chance *= ratio(k);
        if chance < at_mode * NEGLIGIBLE {
            break;
        }
        chances.push(chance);
    }
    chances
}

/// Poisson with a lognormal rate: a sum over the standard normal variable behind it.
fn mixed(mean: f64, sigma: f64) -> (Vec<f64>, f64) {
    let mut chances: Vec<f64> = Vec::new();
    let (mut some, mut whole) = (0.0, 0.0);
    for node in -NODES..=NODES {
        let z = REACH * f64::from(node) / f64::from(NODES);
        let weight = (-z * z / 2.0).exp();
        let rate = mean * (sigma * z - sigma * sigma / 2.0).exp();
        whole += weight;
        some += weight * -(-rate).exp_m1();
        let own = poisson(rate);
        chances.resize(chances.len().max(own.len()), 0.0);
        chances.iter_mut().zip(own).for_each(|(sum, chance)| *sum += weight * chance);
    }
    chances.iter_mut().for_each(|chance| *chance /= whole);
    (chances, some / whole)
}
