//! What is drawn: how long things take, how often things fail, when incidents come.

use super::pert::Pert;
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
            Time::Pert(pert) => pert.at(stream.next_u64()),
            other => other.draw_rarely(stream),
        }
    }

    /// The kinds of which few plans are full, so that the others are drawn where they are needed.
    #[inline(never)]
    fn draw_rarely(&self, stream: &mut Stream) -> Span {
        match self {
            Time::Constant(span) => *span,
            Time::Pert(pert) => pert.at(stream.next_u64()),
            Time::Lognormal(lognormal) => span(lognormal.at(stream.normal())),
            Time::Measured(all) => all.get(stream.below(all.len() as u64) as usize).copied().unwrap_or_default(),
        }
    }

    /// The time, if it is always the same.
    pub fn constant(&self) -> Option<Span> {
        match self {
            Time::Constant(span) => Some(*span),
            Time::Pert(pert) => (pert.low() == pert.high()).then_some(pert.low()),
            Time::Lognormal(_) => None,
            Time::Measured(all) => all.first().copied().filter(|first| all.iter().all(|one| one == first)),
        }
    }

    /// No shorter one is ever drawn.
    pub fn shortest(&self) -> Span {
        match self {
            Time::Constant(span) => *span,
            Time::Pert(pert) => pert.low(),
            Time::Lognormal(_) => Span::ZERO,
            Time::Measured(all) => all.iter().min().copied().unwrap_or_default(),
        }
    }

    /// The longest that is ever drawn; none where there is no longest.
    pub fn longest(&self) -> Option<Span> {
        match self {
            Time::Constant(span) => Some(*span),
            Time::Pert(pert) => Some(pert.high()),
            Time::Lognormal(_) => None,
            Time::Measured(all) => all.iter().max().copied(),
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
