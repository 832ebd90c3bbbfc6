//! Names, times and objectives in words.

use crate::base::Span;
use crate::policy::{Asset, Duration, Placed, Policy, Scenario};
use crate::timeline::Failure;

/// A name as it is written in the policy.
pub fn code(name: &str) -> String {
    format!("`{}`", name.replace('`', "'"))
}

pub fn codes<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(code).collect::<Vec<_>>().join(", ")
}

/// How long something takes; `asset` is the one that drills of it restore.
pub fn duration(duration: &Duration, asset: Option<&str>) -> String {
    match duration {
        Duration::Constant(span) => span.to_string(),
        Duration::Pert { low, mode, high } => format!("{low} to {high}, most often {mode}"),
        Duration::Lognormal(times) => {
            let median = Span(times.at(0.0).round() as i64);
            format!("about {median}; one in a thousand takes longer than {}", times.longest())
        }
        Duration::Measured { phase, declared } => {
            let of = asset.map(|asset| format!(" of {}", code(asset))).unwrap_or_default();
            let until = match declared {
                Some(claimed) => format!("{claimed} is claimed until then"),
                None => "nothing is claimed until then".to_string(),
            };
            format!("as drills{of} measure it ({}); {until}", code(phase))
        }
    }
}

/// The assets whose data the failure takes or spoils.
pub fn struck<'a>(policy: &'a Policy, scenario: &Scenario) -> Vec<&'a Asset> {
    let failure = Failure::of_any(policy, scenario, Span::ZERO, Span::ZERO);
    policy.assets.iter().filter(|asset| failure.would_strike(scenario, asset)).collect()
}

/// The strictest that is asked in a scenario.
pub struct Asked {
    pub loss: Option<Placed<Span>>,
    pub downtime: Option<Placed<Span>>,
}

impl Asked {
    pub fn of(policy: &Policy, scenario: &Scenario, struck: &[&Asset]) -> Self {
        let all: Vec<_> = struck.iter().map(|asset| policy.objective_for(asset, Some(scenario))).collect();
        let of_service = scenario.objective.or(&policy.objective).rto.filter(|_| all.is_empty());
        Asked {
            loss: all.iter().filter_map(|o| o.rpo.clone()).min_by_key(|rpo| rpo.value),
            downtime: all.iter().filter_map(|o| o.rto.clone()).chain(of_service).min_by_key(|rto| rto.value),
        }
    }
}
