//! What is drawn: how long things take, how often things fail, when incidents come.

use std::sync::Arc;

use crate::base::Span;
use crate::base::rng::Stream;
use crate::evidence::Evidence;
use crate::policy::chance::span;
use crate::policy::{Asset, Duration, Lognormal};
use crate::timeline::Basis;

/// A time to draw.
#[derive(Debug, Clone, PartialEq)]
pub enum Time {
    Constant(Span),
    Pert(Pert),
    Lognormal(Lognormal),
    /// One of these, each as likely (the bootstrap): what drills took, scaled to today's size. Never empty.
    Measured(Vec<Span>),
}

/// Where a time comes from, when that has to be said.
#[derive(Debug, Clone, PartialEq)]
pub enum Known {
    Yes(Time),
    /// Nothing was measured; this is what the plan claims.
    Claimed(Span),
    /// Nothing was measured and nothing is claimed.
    No,
}

impl Time {
    #[inline]
    pub fn draw(&self, stream: &mut Stream) -> Span {
        match self {
            Time::Constant(span) => *span,
            Time::Pert(pert) => pert.at(stream.uniform()),
            Time::Lognormal(lognormal) => span(lognormal.at(stream.normal())),
            Time::Measured(all) => all.get(stream.below(all.len() as u64) as usize).copied().unwrap_or_default(),
        }
    }

    /// The time, if it is always the same.
    pub fn constant(&self) -> Option<Span> {
        match self {
            Time::Constant(span) => Some(*span),
            Time::Pert(pert) => (pert.range <= 0.0).then_some(pert.low),
            Time::Lognormal(_) => None,
            Time::Measured(all) => all.first().copied().filter(|first| all.iter().all(|one| one == first)),
        }
    }

    /// No shorter one is ever drawn.
    pub fn shortest(&self) -> Span {
        match self {
            Time::Constant(span) => *span,
            Time::Pert(pert) => pert.low,
            Time::Lognormal(_) => Span::ZERO,
            Time::Measured(all) => all.iter().min().copied().unwrap_or_default(),
        }
    }

    /// The longest that is ever drawn; none where there is no longest.
    pub fn longest(&self) -> Option<Span> {
        match self {
            Time::Constant(span) => Some(*span),
            Time::Pert(pert) => Some(pert.at(1.0)),
            Time::Lognormal(_) => None,
            Time::Measured(all) => all.iter().max().copied(),
        }
    }
}

/// Beta-PERT with weight 4 on the mode (Malcolm and others 1959): a Beta between `low` and `high` whose mean is
/// (low + 4 mode + high) / 6. Drawn by its inverse from one uniform: the density is tabulated once, in cells of exact
/// mass, and taken to be even within a cell. What that moves is far below any error that a campaign can state.
#[derive(Debug, Clone, PartialEq)]
pub struct Pert {
    low: Span,
    range: f64,
    cells: Arc<[Cell]>,
    /// For each even part of [0, 1), the first cell that reaches into it.
    first: Arc<[u16]>,
}

/// One cell of the density.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Cell {
    /// Share of the distribution below its left edge, and up to its right edge.
    from: f64,
    until: f64,
    /// Milliseconds above the shortest at its left edge, and how fast they rise with the share.
    start: f64,
    rise: f64,
}

const CELLS: usize = 256;

impl Pert {
    pub fn new(low: Span, mode: Span, high: Span) -> Self {
        let range = ((high - low).0 as f64).max(0.0);
        if range <= 0.0 {
            return Pert { low, range, cells: Arc::from([]), first: Arc::from([]) };
        }
        let at = ((mode - low).0 as f64 / range).clamp(0.0, 1.0);
        let (a, b) = (4.0 * at, 4.0 - 4.0 * at);
        let density = |half: usize| {
            let x = half as f64 / (2 * CELLS) as f64;
            x.powf(a) * (1.0 - x).powf(b)
        };
        // Simpson's rule; only shares matter, so its factor is left out.
        let mass = |cell: usize| density(2 * cell) + 4.0 * density(2 * cell + 1) + density(2 * cell + 2);
        let masses: Vec<f64> = (0..CELLS).map(mass).collect();
        let (whole, width) = (masses.iter().sum::<f64>(), range / CELLS as f64);
        let mut from = 0.0;
        let cell = |(place, mass): (usize, &f64)| {
            let until = if place + 1 == CELLS { 1.0 } else { from + mass / whole };
            let rise = if until > from { width / (until - from) } else { 0.0 };
            let cell = Cell { from, until, start: place as f64 * width, rise };
            from = until;
            cell
        };
        let cells: Vec<Cell> = masses.iter().enumerate().map(cell).collect();
        let reaches = |part: usize| cells.partition_point(|cell| cell.until <= part as f64 / CELLS as f64);
        let first = (0..CELLS).map(|part| u16::try_from(reaches(part)).unwrap_or(u16::MAX)).collect();
        Pert { low, range, cells: cells.into(), first }
    }

    /// The time that a share `uniform` of all does not exceed.
    #[inline]
    fn at(&self, uniform: f64) -> Span {
        let first = self.first.get((uniform * CELLS as f64) as usize).map_or(usize::MAX, |first| usize::from(*first));
        // An even part reaches into two cells at most, but near the ends: to add what a comparison says costs less than to
        // guess it.
        let first = first + usize::from(self.cells.get(first).is_some_and(|cell| cell.until <= uniform));
        let cells = self.cells.get(first..).unwrap_or_default();
        match cells.iter().find(|cell| uniform < cell.until) {
            // Half a millisecond more rounds to the nearest.
            Some(cell) => self.low + Span((cell.start + (uniform - cell.from) * cell.rise + 0.5) as i64),
            None => self.low + Span(self.range as i64),
        }
    }
}

/// A declared duration as a time to draw. `asset` is what a measured one restores; none takes the drills of `any`.
/// What the plan claims counts first where the plan is simulated, what was measured where the record is.
pub fn time(
    duration: &Duration,
    asset: Option<&Asset>,
    any: &[&Asset],
    evidence: Option<&Evidence>,
    basis: Basis,
) -> Known {
    let (phase, declared) = match duration {
        Duration::Constant(span) => return Known::Yes(Time::Constant(*span)),
        Duration::Pert { low, mode, high } => {
            return Known::Yes(Time::Pert(Pert::new(*low, *mode, *high)));
        }
        Duration::Lognormal(lognormal) => return Known::Yes(Time::Lognormal(*lognormal)),
        Duration::Measured { phase, declared } => (phase, *declared),
    };
    if let (Basis::Declared, Some(claim)) = (basis, declared) {
        return Known::Yes(Time::Constant(claim));
    }
    let assets = asset.map_or(any.to_vec(), |one| vec![one]);
    let measured: Vec<Span> = assets.into_iter().flat_map(|a| measured(phase, a, evidence)).collect();
    match declared {
        _ if !measured.is_empty() => Known::Yes(Time::Measured(measured)),
        Some(claim) => Known::Claimed(claim),
        None => Known::No,
    }
}

/// What the phase would take at the asset's declared size, by each drill that passed and says something about it.
fn measured(phase: &str, asset: &Asset, evidence: Option<&Evidence>) -> Vec<Span> {
    let Some(evidence) = evidence else { return vec![] };
    let size = asset.size.as_ref().map(|s| s.value.0);
    let passed = evidence.drills.iter().filter(|d| d.asset == asset.name && d.passed());
    passed.filter_map(|d| d.phase_at(phase, size)).map(|(took, _)| took.min(Span::LONGEST)).collect()
}

/// What is known of a probability after some failures and successes: Beta(failures + ½, successes + ½), the posterior
/// under Jeffreys' prior. Before any trial nothing is known, and there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posterior {
    failures: u32,
    successes: u32,
}

impl Posterior {
    pub fn of(outcomes: impl IntoIterator<Item = bool>) -> Option<Self> {
        let mut posterior = Posterior { failures: 0, successes: 0 };
        for failed in outcomes {
            let count = if failed { &mut posterior.failures } else { &mut posterior.successes };
            *count = count.saturating_add(1);
        }
        (posterior.trials() > 0).then_some(posterior)
    }

    pub fn trials(self) -> u32 {
        self.failures.saturating_add(self.successes)
    }

    pub fn failures(self) -> u32 {
        self.failures
    }

    pub fn mean(self) -> f64 {
        (f64::from(self.failures) + 0.5) / (f64::from(self.failures) + f64::from(self.successes) + 1.0)
    }

    pub fn draw(self, stream: &mut Stream) -> f64 {
        stream.beta(f64::from(self.failures) + 0.5, f64::from(self.successes) + 0.5)
    }
}
