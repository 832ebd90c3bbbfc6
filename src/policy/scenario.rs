//! Declared failures, the runbooks that end them, and what they cost.

use super::{Lognormal, Objective, Place, Placed, Resource, Uncertain};
use crate::base::Span;

/// A declared failure.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub name: String,
    pub at: Place,
    /// What people call it.
    pub title: String,
    /// Domains destroyed, and with them everything inside.
    pub destroys: Vec<Placed<String>>,
    /// Assets whose contents turn wrong while their storage stands: a drop, a bad migration, an encrypting intruder.
    pub corrupts: Vec<Placed<String>>,
    /// Credentials in the wrong hands: what they can delete and no lock protects is gone.
    pub compromises: Vec<Placed<String>>,
    /// Expected incidents a year: the mean of what is believed, where that is uncertain.
    pub per_year: Placed<f64>,
    pub per_year_uncertain: Option<Uncertain>,
    /// Where the frequency comes from, shown beside every figure that rests on it.
    pub per_year_source: Option<String>,
    /// Time from the failure until somebody knows.
    pub noticed_after: Placed<Duration>,
    /// What notices it.
    pub noticed_by: Option<Placed<String>>,
    /// Whether writes go on after the failure, and are lost up to the time it is noticed.
    pub writes_continue: bool,
    pub runbook: Vec<Step>,
    /// Cost of one incident whatever its length, in the policy's currency.
    pub fixed_cost: f64,
    pub objective: Objective,
}

impl Scenario {
    /// How often it comes in a year; to four digits, and with a word, where that is not known exactly.
    pub fn often(&self) -> String {
        let rate = self.per_year.value;
        match self.per_year_uncertain {
            Some(_) => format!("about {}", format!("{rate:.3e}").parse().unwrap_or(rate)),
            None => rate.to_string(),
        }
    }

    /// Whether it turns the asset's contents wrong.
    pub fn corrupts(&self, asset: &super::Asset) -> bool {
        self.corrupts.iter().any(|name| name.value == asset.name)
    }
}

/// A step of a runbook: begins when all that it waits for is done.
#[derive(Debug, Clone)]
pub struct Step {
    pub name: String,
    pub at: Place,
    pub takes: Placed<Duration>,
    /// Indices into the runbook, each smaller than this step's own.
    pub after: Vec<usize>,
    /// The asset that a measured step restores.
    pub asset: Option<Placed<String>>,
    /// What it shares with other steps of the runbook.
    pub uses: Option<Resource>,
    /// Who does it.
    pub owner: Option<Placed<String>>,
    /// The credentials that it needs.
    pub needs: Vec<Placed<String>>,
}

/// How long something takes.
#[derive(Debug, Clone, PartialEq)]
pub enum Duration {
    Constant(Span),
    /// Lowest, most likely and highest: a beta-PERT distribution with weight 4 on the mode.
    Pert {
        low: Span,
        mode: Span,
        high: Span,
    },
    Lognormal(Lognormal),
    /// A drill's phase of this name (`total` for all of them), scaled by size; nothing measured means unproven.
    /// `declared` is what the plan claims meanwhile.
    Measured {
        phase: String,
        declared: Option<Span>,
    },
}

impl Duration {
    /// The longest that the declaration allows, or what one in a thousand exceeds where nothing is the longest; None where
    /// only a measurement can tell and nothing is claimed.
    pub fn declared_longest(&self) -> Option<Span> {
        match self {
            Duration::Constant(span) => Some(*span),
            Duration::Pert { high, .. } => Some(*high),
            Duration::Lognormal(lognormal) => Some(lognormal.longest()),
            Duration::Measured { declared, .. } => *declared,
        }
    }
}

/// Money lost an hour, in the policy's currency.
#[derive(Debug, Clone, PartialEq)]
pub struct LossRates {
    pub at: Place,
    pub downtime_per_hour: Placed<f64>,
    pub data_per_hour: Placed<f64>,
    /// All data lost for good: a value of its own, since no number of hours stands for it.
    pub total_loss: Option<Placed<f64>>,
    /// Where the figures come from; shown beside every amount that rests on them.
    pub source: Option<String>,
}
