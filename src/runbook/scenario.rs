//! One failure: what it does, what is left to restore from, the steps that end it.

use super::{Line, Plan, commands, words};
use crate::base::{Instant, Span, markdown};
use crate::policy::{Asset, Policy, Scenario, Step};
use crate::timeline::{Failure, Promise, bound, downtime};

/// Schedules are expanded over the year from here, whenever the plan is made: else the plan would change by itself.
const FROM: Instant = Instant(1_735_689_600_000);

impl Plan {
    pub(super) fn scenario(&mut self, policy: &Policy, number: usize) {
        let Some(scenario) = policy.scenarios.get(number) else { return };
        let struck = words::struck(policy, scenario);
        self.says("");
        self.from(scenario.at, format!("## {}. {}", number + 1, markdown::prose(&scenario.title)));
        self.says("");
        self.what_happens(policy, scenario);
        self.what_is_asked(policy, scenario, &struck);
        self.what_is_left(policy, scenario, &struck);
        self.steps(policy, scenario, &struck);
        self.says("");
        self.lines.push(Line::Measured { scenario: number });
    }

    fn what_happens(&mut self, policy: &Policy, scenario: &Scenario) {
        if let Some(first) = scenario.destroys.first() {
            let named: Vec<&str> = scenario.destroys.iter().map(|domain| domain.value.as_str()).collect();
            let all = policy.domain_closure(named.iter().copied());
            let inside = words::codes(all.into_iter().filter(|domain| !named.contains(domain)));
            let inside = if inside.is_empty() { String::new() } else { format!(", and with that {inside}") };
            self.from(first.at, format!("- Gone: {}{inside}.", words::codes(named)));
        }
        if let Some(first) = scenario.corrupts.first() {
            let names = words::codes(scenario.corrupts.iter().map(|asset| asset.value.as_str()));
            self.from(first.at, format!("- Contents turned wrong: {names}. What holds them still stands."));
        }
        for stolen in &scenario.compromises {
            let reach = policy.credentials.iter().find(|c| c.name == stolen.value);
            let reach = reach.map(|c| words::codes(c.can_delete.iter().map(|domain| domain.value.as_str())));
            let name = words::code(&stolen.value);
            let reach = reach.unwrap_or_default();
            let text = format!("- In the wrong hands: {name}, which can delete in {reach} what no lock protects.");
            self.from(stolen.at, text);
        }
        let noticed = &scenario.noticed_after;
        let by = scenario.noticed_by.as_ref().map(|by| format!(", by {}", markdown::prose(&by.value)));
        let after = words::duration(&noticed.value, None);
        self.from(noticed.at, format!("- Noticed: after {after}{}.", by.unwrap_or_default()));
        if scenario.writes_continue {
            self.says("- Writes go on until it is noticed, and are lost.");
        }
    }

    fn what_is_asked(&mut self, policy: &Policy, scenario: &Scenario, struck: &[&Asset]) {
        for asset in struck {
            let Some(rpo) = policy.objective_for(asset, Some(scenario)).rpo else { continue };
            self.from(rpo.at, format!("- {} may lose {} of writes.", words::code(&asset.name), rpo.value));
        }
        if let Some(rto) = words::Asked::of(policy, scenario, struck).downtime {
            self.from(rto.at, format!("- Service must be back within {} of the failure.", rto.value));
        }
        let text = match downtime::declared(scenario) {
            Some(path) => {
                let noticed = scenario.noticed_after.value.declared_longest().unwrap_or_default();
                let total = downtime::from_failure(scenario, noticed, path);
                format!("- By these steps it is back within {total} at the longest, as declared.")
            }
            None if scenario.runbook.is_empty() => "- The policy has no steps for this failure.".to_string(),
            None => "- How long the steps take is not declared for each of them.".to_string(),
        };
        self.from(scenario.at, text);
    }

    fn what_is_left(&mut self, policy: &Policy, scenario: &Scenario, struck: &[&Asset]) {
        self.heading("### What to restore from");
        if struck.is_empty() {
            self.says("No data is lost: the steps bring the service back.");
            return;
        }
        let left: Vec<(&Asset, Vec<Promise>)> =
            struck.iter().map(|asset| (*asset, promises(policy, scenario, asset))).collect();
        for (asset, _) in left.iter().filter(|(_, promises)| promises.is_empty()) {
            let name = words::code(&asset.name);
            self.from(asset.at, format!("**Nothing in the plan survives this: all of {name} is lost.**"));
        }
        if left.iter().all(|(_, promises)| promises.is_empty()) {
            return;
        }
        if left.iter().any(|(_, promises)| promises.is_empty()) {
            self.says("");
        }
        self.says(markdown::row(["data", "copies", "stand in", "lose at most", "if noticed within"]));
        self.says(markdown::rule(&[false, false, false, true, true]));
        for (asset, promise) in left.iter().flat_map(|(asset, all)| all.iter().map(move |promise| (asset, promise))) {
            let Some(protection) = policy.protection(&promise.protection) else { continue };
            let within = promise.noticed_within;
            let row = [
                words::code(&asset.name),
                words::code(&protection.name),
                super::assets::stands_in(protection),
                if promise.loss == Span::ZERO { "nothing".to_string() } else { promise.loss.to_string() },
                if within > Span::LONGEST { "any time".to_string() } else { within.to_string() },
            ];
            self.from(protection.at, markdown::row(row));
        }
        for (asset, _) in left.iter().filter(|(asset, all)| !all.is_empty() && restores(scenario, asset).is_none()) {
            self.command(policy, scenario, asset, "");
        }
    }

    fn steps(&mut self, policy: &Policy, scenario: &Scenario, struck: &[&Asset]) {
        if scenario.runbook.is_empty() {
            return;
        }
        self.heading("### Steps");
        for (index, step) in scenario.runbook.iter().enumerate() {
            let number = format!("{}. ", index + 1);
            self.from(step.at, format!("{number}{}", told(step, index)));
            let restored = struck.iter().find(|asset| restores(scenario, asset) == Some(index));
            if let Some(asset) = restored.filter(|asset| !promises(policy, scenario, asset).is_empty()) {
                self.command(policy, scenario, asset, &" ".repeat(number.len()));
            }
        }
    }

    /// The commands that restore an asset, set in by `indent`.
    fn command(&mut self, policy: &Policy, scenario: &Scenario, asset: &Asset, indent: &str) {
        let names: Vec<String> = promises(policy, scenario, asset).into_iter().map(|p| p.protection).collect();
        let Some(commands) = commands::of(policy, scenario, asset, &names) else { return };
        self.says("");
        self.from(asset.at, format!("{indent}{}", commands.lead));
        self.says("");
        self.says(format!("{indent}```sh"));
        for line in commands.lines {
            self.from(asset.at, format!("{indent}{line}"));
        }
        self.says(format!("{indent}```"));
        // Without it the next step would be no step of the same list.
        if !indent.is_empty() {
            self.says("");
        }
    }
}

/// The step that restores an asset, if the runbook has one whose whole restore a drill measures.
fn restores(scenario: &Scenario, asset: &Asset) -> Option<usize> {
    use crate::policy::Duration;
    let total = |step: &Step| matches!(&step.takes.value, Duration::Measured { phase, .. } if phase == "total");
    let of = |step: &Step| step.asset.as_ref().is_some_and(|name| name.value == asset.name);
    scenario.runbook.iter().position(|step| total(step) && of(step))
}

/// What each protection promises that survives, the least loss first.
fn promises(policy: &Policy, scenario: &Scenario, asset: &Asset) -> Vec<Promise> {
    let noticed = scenario.noticed_after.value.declared_longest().unwrap_or_default();
    let takes = downtime::declared(scenario).unwrap_or_default();
    let failure = Failure::of(policy, scenario, asset, noticed, takes);
    let mut all = bound::promises(policy, asset, &failure, FROM);
    all.retain(|promise| noticed < promise.noticed_within);
    all.sort_by_key(|promise| promise.loss);
    all
}

/// A step in a sentence or three.
fn told(step: &Step, index: usize) -> String {
    let waits = match step.after.as_slice() {
        [] if index == 0 => String::new(),
        [] => " Begins at once.".to_string(),
        [before] if before + 1 == index => String::new(),
        several => {
            let numbers: Vec<String> = several.iter().map(|before| (before + 1).to_string()).collect();
            let steps = if several.len() == 1 { "step" } else { "steps" };
            format!(" Waits for {steps} {}.", numbers.join(" and "))
        }
    };
    let shares = step.uses.as_ref().map(|uses| format!(" Shares {} with other steps.", words::code(&uses.name)));
    let owner = step.owner.as_ref().map(|owner| format!(" Done by {}.", markdown::prose(&owner.value)));
    let needs = words::codes(step.needs.iter().map(|name| name.value.as_str()));
    let needs = if needs.is_empty() { String::new() } else { format!(" Needs {needs}.") };
    format!(
        "**{}**: {}.{waits}{}{}{needs}",
        markdown::prose(step.name.trim_end_matches('.')),
        words::duration(&step.takes.value, step.asset.as_ref().map(|asset| asset.value.as_str())),
        shares.unwrap_or_default(),
        owner.unwrap_or_default(),
    )
}
