//! A scenario as the timeline sees it, for one asset and one time to notice.

use std::collections::BTreeSet;

use crate::base::Span;
use crate::policy::{Asset, Policy, Scenario};

/// What a failure takes away, and how late it is noticed.
#[derive(Debug, Clone, Default)]
pub struct Failure {
    /// Closed over containment.
    pub destroyed: BTreeSet<String>,
    /// Domains in which a compromised credential can delete what no lock protects; closed over containment.
    pub deletable: BTreeSet<String>,
    /// The asset's contents turn wrong while its storage stands.
    pub corrupts: bool,
    pub noticed_after: Span,
    pub writes_continue: bool,
    /// Time from noticing to the end of the restore: points must live that long.
    pub restore_takes: Span,
}

impl Failure {
    pub fn of(policy: &Policy, scenario: &Scenario, asset: &Asset, noticed_after: Span, restore_takes: Span) -> Self {
        Failure::of_any(policy, scenario, noticed_after, restore_takes).on(scenario, asset)
    }

    /// What holds for every asset: where storage is lost, and to whom.
    pub fn of_any(policy: &Policy, scenario: &Scenario, noticed_after: Span, restore_takes: Span) -> Self {
        let closed = |names: Vec<&str>| policy.domain_closure(names).into_iter().map(str::to_string).collect();
        let deletable = policy
            .credentials
            .iter()
            .filter(|c| scenario.compromises.iter().any(|name| name.value == c.name))
            .flat_map(|c| c.can_delete.iter().map(|d| d.value.as_str()));
        Failure {
            destroyed: closed(scenario.destroys.iter().map(|d| d.value.as_str()).collect()),
            deletable: closed(deletable.collect()),
            corrupts: false,
            noticed_after,
            writes_continue: scenario.writes_continue,
            restore_takes,
        }
    }

    /// The same failure, as it strikes `asset`.
    pub fn on(mut self, scenario: &Scenario, asset: &Asset) -> Self {
        self.corrupts = scenario.corrupts(asset);
        self
    }

    /// Whether `on(scenario, asset)` strikes, without making it.
    pub fn would_strike(&self, scenario: &Scenario, asset: &Asset) -> bool {
        scenario.corrupts(asset) || self.strikes(asset)
    }

    /// Whether the asset loses anything at all: its storage is destroyed or can be deleted, or its contents turn wrong.
    pub fn strikes(&self, asset: &Asset) -> bool {
        self.corrupts || asset.lives_in.iter().any(|d| self.takes(&d.value))
    }

    /// Whether nothing goes on being produced in these domains. Unknown domains count as lost: what is not known must
    /// not flatter.
    pub fn stops(&self, runs_in: &[String]) -> bool {
        runs_in.is_empty() || runs_in.iter().any(|d| self.takes(d))
    }

    /// Whether what is stored in these domains is destroyed; unknown domains are.
    pub fn destroys(&self, stored_in: &[String]) -> bool {
        stored_in.is_empty() || stored_in.iter().any(|d| self.destroyed.contains(d))
    }

    /// Whether a compromised credential can delete what is stored in these domains, if no lock protects it.
    pub fn can_delete(&self, stored_in: &[String]) -> bool {
        stored_in.iter().any(|d| self.deletable.contains(d))
    }

    fn takes(&self, domain: &str) -> bool {
        self.destroyed.contains(domain) || self.deletable.contains(domain)
    }

    /// Time after the failure in which what these domains produce may still become available.
    pub fn grace(&self, runs_in: &[String]) -> Span {
        if self.stops(runs_in) { Span::ZERO } else { self.noticed_after }
    }

    /// Time from the failure to the end of the restore.
    pub fn needed_for(&self) -> Span {
        self.noticed_after + self.restore_takes
    }
}
