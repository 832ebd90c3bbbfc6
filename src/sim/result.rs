//! What a simulation says, each figure with its unit and its Monte Carlo error.

use serde::Serialize;

use crate::base::{Instant, Span};
use crate::timeline::{Basis, Loss};

#[derive(Debug, Clone, Serialize)]
pub struct Simulation {
    pub basis: Basis,
    pub seed: u64,
    /// Simulated years.
    pub years: u64,
    pub incidents: u64,
    pub scenarios: Vec<ScenarioResult>,
    /// None where the policy declares no loss rates.
    pub annual: Option<AnnualLoss>,
    /// The incident that cost most, with its times.
    pub worst: Option<Story>,
    /// What cannot be said, and why; never a made-up number in its place.
    pub unsaid: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ScenarioResult {
    pub scenario: String,
    pub title: String,
    pub per_year: f64,
    /// Incidents drawn: those of a rare scenario are drawn more often than they come, and weighed for it.
    pub incidents: u64,
    pub downtime: Option<Quantiles>,
    pub meets_rto: Option<Estimate>,
    pub assets: Vec<AssetResult>,
    /// Expected money lost a year to this scenario, so far as it can be priced.
    pub annual_loss: Option<Estimate>,
}

/// One asset in one scenario.
#[derive(Debug, Clone, Serialize)]
pub struct AssetResult {
    pub asset: String,
    pub loss_window: Option<Quantiles>,
    /// Share of incidents that lose everything.
    pub total_loss: Estimate,
    pub meets_rpo: Option<Estimate>,
}

/// A mean with its standard error.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Estimate {
    pub mean: f64,
    pub standard_error: f64,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub struct Quantiles {
    pub mean: Span,
    /// Monte Carlo standard error of the mean.
    pub standard_error: Span,
    pub p50: Span,
    pub p90: Span,
    pub p95: Span,
    pub p99: Span,
    pub worst: Span,
    pub errors: Errors<Span>,
}

/// Monte Carlo standard errors of quantiles; none where too few values are beyond one to say.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Errors<T> {
    pub p50: Option<T>,
    pub p90: Option<T>,
    pub p95: Option<T>,
    pub p99: Option<T>,
}

/// Money lost in a year, over simulated years.
#[derive(Debug, Clone, Serialize)]
pub struct AnnualLoss {
    pub currency: String,
    /// Something that costs money could not be priced (`unsaid` names it): the true figures are higher.
    pub at_least: bool,
    pub expected: Estimate,
    pub p50: f64,
    pub p90: f64,
    pub p95: f64,
    pub p99: f64,
    /// Mean of the worst 5 % of years.
    pub tail_mean_95: f64,
    pub errors: Errors<f64>,
    /// Monte Carlo standard error of the tail mean.
    pub tail_mean_95_error: f64,
    /// (amount, probability that a year loses more, standard error of that probability), amounts rising.
    pub exceedance: Vec<(f64, f64, f64)>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Story {
    pub scenario: String,
    pub asset: Option<String>,
    pub failed_at: Instant,
    pub noticed_at: Instant,
    /// None where a step of the runbook has no known time.
    pub back_at: Option<Instant>,
    pub loss: Option<Loss>,
    pub money: Option<f64>,
}
