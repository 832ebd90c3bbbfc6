//! The recovery plan that people follow in an incident, in Markdown, made from the policy alone.
//!
//! Each line knows the place in the policy that it comes from, so that a committed copy can be held against it: [`drift`].
//! What drills measured stands between two marks and is no part of that comparison: a new drill changes no plan.

mod assets;
mod commands;
pub mod drift;
mod scenario;
mod words;

use crate::base::{Place, markdown};
use crate::policy::Policy;

/// What stands around the measured part of a scenario.
pub const MEASURED: (&str, &str) = ("<!-- measured -->", "<!-- /measured -->");

/// One line of the plan.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// `at`: what it comes from; None where it says the same for every policy.
    Says { text: String, at: Option<Place> },
    /// Here stands what was measured for the scenario of this number.
    Measured { scenario: usize },
}

/// The plan, line by line.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    pub lines: Vec<Line>,
}

impl Plan {
    pub fn of(policy: &Policy) -> Self {
        let mut plan = Plan::default();
        plan.opening(policy);
        plan.contacts(policy);
        plan.failures(policy);
        for number in 0..policy.scenarios.len() {
            plan.scenario(policy, number);
        }
        plan.assets(policy);
        plan
    }

    /// The whole text, with `measured` giving the lines that stand between the marks of each scenario.
    pub fn text(&self, measured: impl Fn(usize) -> Vec<String>) -> String {
        let mut out = String::new();
        for line in &self.lines {
            match line {
                Line::Says { text, .. } => {
                    out.push_str(text);
                    out.push('\n');
                }
                Line::Measured { scenario } => {
                    let inside = measured(*scenario).iter().map(|line| format!("{line}\n")).collect::<String>();
                    out.push_str(&format!("{}\n{inside}{}\n", MEASURED.0, MEASURED.1));
                }
            }
        }
        out
    }

    fn says(&mut self, text: impl Into<String>) {
        self.lines.push(Line::Says { text: text.into(), at: None });
    }

    fn from(&mut self, at: Place, text: impl Into<String>) {
        self.lines.push(Line::Says { text: text.into(), at: Some(at) });
    }

    fn heading(&mut self, text: &str) {
        self.says("");
        self.says(text);
        self.says("");
    }

    fn opening(&mut self, policy: &Policy) {
        self.says(format!("# {}: recovery plan", markdown::prose(&policy.name)));
        self.says("");
        self.says("> Made by `plimsoll report runbook` from the policy: change the policy and make this anew.");
        self.says("> `plimsoll check` finds where the two differ. Measured times come from restore drills.");
        self.heading("## When something fails");
        self.says("1. Write down the time, and call the people below.");
        self.says("2. Find the failure in the table, and do its steps. Those that wait for nothing can begin at once.");
        self.says("3. Delete nothing, overwrite nothing: what is left may be needed.");
    }

    fn contacts(&mut self, policy: &Policy) {
        self.heading("## Whom to call");
        if policy.contacts.is_empty() {
            self.says("**The policy names nobody.** Add a `[[contact]]` for each person or team.");
            return;
        }
        self.says(markdown::row(["who", "how to reach", "told of failed backups"]));
        self.says(markdown::rule(&[false, false, false]));
        for contact in &policy.contacts {
            let told = if contact.alerts { "yes" } else { "no" };
            self.from(contact.at, markdown::row([contact.name.as_str(), &contact.reach, told]));
        }
    }

    fn failures(&mut self, policy: &Policy) {
        self.heading("## What can fail");
        if policy.scenarios.is_empty() {
            self.says("**The policy declares no failure**, and so no steps. Add a `[scenario.NAME]` for each.");
            return;
        }
        self.says(markdown::row(["no.", "failure", "strikes", "known after", "may lose", "may take"]));
        self.says(markdown::rule(&[true, false, false, false, true, true]));
        for (number, scenario) in policy.scenarios.iter().enumerate() {
            let struck = words::struck(policy, scenario);
            let asked = words::Asked::of(policy, scenario, &struck);
            let names = struck.iter().map(|asset| words::code(&asset.name)).collect::<Vec<_>>().join(", ");
            let row = [
                (number + 1).to_string(),
                scenario.title.clone(),
                if names.is_empty() { "the service alone".to_string() } else { names },
                words::duration(&scenario.noticed_after.value, None),
                asked.loss.map_or("not said".to_string(), |rpo| rpo.value.to_string()),
                asked.downtime.map_or("not said".to_string(), |rto| rto.value.to_string()),
            ];
            self.from(scenario.at, markdown::row(row));
        }
    }
}
