//! What is not known exactly: times and rates as distributions, and what goes wrong with runs and captures.

use super::scenario::Duration;
use super::{Place, Placed};
use crate::base::Span;

/// A lognormal distribution of milliseconds or of incidents a year.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lognormal {
    /// Mean and standard deviation of the logarithm.
    pub mu: f64,
    pub sigma: f64,
}

/// The quantiles that a policy may name, with those of the standard normal distribution.
pub const QUANTILES: [(&str, f64); 6] = [
    ("p5", -1.644_853_626_951_472_7),
    ("p10", -1.281_551_565_544_600_4),
    ("p50", 0.0),
    ("p90", 1.281_551_565_544_600_4),
    ("p95", 1.644_853_626_951_472_7),
    ("p99", 2.326_347_874_040_841),
];
/// One in a thousand is greater.
const ONE_IN_A_THOUSAND: f64 = 3.090_232_306_167_813;

impl Lognormal {
    /// The one that has two values, the lesser first, at two standard normal quantiles.
    pub fn through(lower: (f64, f64), upper: (f64, f64)) -> Self {
        let sigma = (upper.1 / lower.1).ln() / (upper.0 - lower.0);
        Lognormal { mu: lower.1.ln() - lower.0 * sigma, sigma }
    }

    /// The value at a standard normal quantile.
    pub fn at(&self, normal: f64) -> f64 {
        (self.mu + self.sigma * normal).exp()
    }

    pub fn mean(&self) -> f64 {
        (self.mu + self.sigma * self.sigma / 2.0).exp()
    }

    /// Read as milliseconds, the time that one in a thousand exceeds: it has no longest, and this stands for it.
    pub fn longest(&self) -> Span {
        span(self.at(ONE_IN_A_THOUSAND))
    }
}

/// Milliseconds as a time, within the bounds of times.
pub fn span(millis: f64) -> Span {
    Span(millis.round() as i64).max(Span::ZERO).min(Span::LONGEST)
}

/// How uncertain a rate is: the distribution of a factor whose mean is 1. Each simulated year draws the truth anew.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Uncertain {
    /// What is believed after some incidents were seen: the posterior under Jeffreys' prior, Gamma(seen + ½).
    Gamma {
        shape: f64,
    },
    Lognormal {
        sigma: f64,
    },
}

/// Something that steps of a runbook share.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    pub name: String,
    pub at: Place,
    pub sharing: Sharing,
    /// Steps that it serves at full pace at once; at least one.
    pub at_once: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// First come, first served.
    Queue,
    /// All at once, each at its part of the pace.
    Bandwidth,
}

/// What goes wrong with a protection's runs, as the plan assumes it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trouble {
    pub fails: Option<Placed<f64>>,
    /// Share of runs that hang, and for how long.
    pub hangs: Option<(Placed<f64>, Span)>,
    /// How much later than planned a point can be restored from, or a log is behind.
    pub late: Option<Placed<Duration>>,
    /// Times a year that a capture breaks, and for how long.
    pub breaks: Option<(Placed<f64>, Duration)>,
}
