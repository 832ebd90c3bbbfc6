//! What was promised: the policy file, read strictly, with the place of every value.
//!
//! `document` turns TOML into plain tables and collects every problem; `validate` turns tables into a [`Policy`], in
//! which every name resolves and every number makes sense. Everything else sees only [`Policy`].

pub mod beside;
pub mod chance;
pub mod document;
pub mod include;
pub mod objective;
pub mod operations;
pub mod place;
pub mod plan;
pub mod problem;
pub mod ranges;
pub mod rewrite;
pub mod scenario;
pub mod schema;
pub mod validate;
pub mod waiver;
pub mod written;

pub use beside::{Beside, RunbookCopy, Scheduled};
pub use chance::{Lognormal, Resource, Sharing, Trouble, Uncertain};
pub use include::Fetched;
pub use objective::{Consistency, Objective};
pub use operations::{Channel, Notify, Occasion, Operations, Secret, Work};
pub use place::{Place, Placed, SourceText};
pub use plan::{
    Asset, AssetKind, Credential, Domain, DomainKind, Expectation, Expects, Mechanism, Medium, Protection, Scheduler,
    Tiers,
};
pub use problem::Problem;
pub use ranges::{Ranges, Setting};
pub use scenario::{Duration, LossRates, Scenario, Step};
pub use validate::{Refused, parse, parse_with};
pub use waiver::{Contact, Waiver};

/// A validated policy: the only form that the rest of the house sees.
#[derive(Debug, Clone)]
pub struct Policy {
    pub source: SourceText,
    /// Schedules and scripts that were read beside it.
    pub beside: Beside,
    /// Whose plan this is.
    pub name: String,
    /// ISO 4217 code that all money is in.
    pub currency: String,
    pub timezone: chrono_tz::Tz,
    /// The default objective; assets and scenarios override it value by value.
    pub objective: Objective,
    pub domains: Vec<Domain>,
    pub credentials: Vec<Credential>,
    pub assets: Vec<Asset>,
    pub protections: Vec<Protection>,
    /// What steps of runbooks share.
    pub resources: Vec<Resource>,
    pub scenarios: Vec<Scenario>,
    /// What an hour of downtime and an hour of lost writes cost; absent means that losses cannot be priced.
    pub losses: Option<LossRates>,
    /// Price book: the name of a built-in one (`aws-us-east-1`) or a path relative to the policy.
    pub prices: Option<Placed<String>>,
    /// The plans to weigh; those by default where absent.
    pub tradeoff: Option<Ranges>,
    /// When what no protection does by itself is done.
    pub operations: Operations,
    /// Places that failures, breaches and recoveries are told to.
    pub notify: Vec<Notify>,
    pub contacts: Vec<Contact>,
    pub waivers: Vec<Waiver>,
}

impl Policy {
    pub fn asset(&self, name: &str) -> Option<&Asset> {
        self.assets.iter().find(|a| a.name == name)
    }

    pub fn protection(&self, name: &str) -> Option<&Protection> {
        self.protections.iter().find(|p| p.name == name)
    }

    pub fn scenario(&self, name: &str) -> Option<&Scenario> {
        self.scenarios.iter().find(|s| s.name == name)
    }

    /// The protections that hold copies of `asset`, in the file's order. A `copy` counts for the assets of what it copies.
    pub fn protections_of<'a>(&'a self, asset: &'a str) -> impl Iterator<Item = &'a Protection> {
        self.protections.iter().filter(move |p| p.assets.iter().any(|a| a.value == asset))
    }

    /// The objective that holds for `asset` in `scenario`: scenario over asset over default, value by value.
    pub fn objective_for(&self, asset: &Asset, scenario: Option<&Scenario>) -> Objective {
        let base = asset.objective.or(&self.objective);
        match scenario {
            Some(scenario) => scenario.objective.or(&base),
            None => base,
        }
    }

    /// `domain` and everything inside it, at any depth: what is lost when it is lost.
    pub fn domain_closure<'a>(
        &'a self,
        lost: impl IntoIterator<Item = &'a str>,
    ) -> std::collections::BTreeSet<&'a str> {
        let mut all: std::collections::BTreeSet<&str> = lost.into_iter().collect();
        loop {
            let before = all.len();
            for domain in &self.domains {
                if domain.inside.iter().any(|outer| all.contains(outer.value.as_str())) {
                    all.insert(&domain.name);
                }
            }
            if all.len() == before {
                return all;
            }
        }
    }
}
