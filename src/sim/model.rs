//! Policy and evidence, resolved once into what a trial needs: which assets a scenario strikes, what could be restored
//! from, which times are known, and what an hour costs. What is not known is said in `unsaid` and nowhere guessed.

use std::sync::Arc;

use super::draw::{Known, Posterior, Time, time};
use super::folded::Folded;
use super::money::Rates;
use super::trouble::{Capture, Runs};
use crate::base::{Instant, Span, Window};
use crate::evidence::{Evidence, RunOutcome};
use crate::policy::{Asset, Duration, Policy, Scenario, Step};
use crate::timeline::{Basis, Exposure, Failure, History, downtime, exposure, history};

/// Drawn incidents of one scenario in one year, at most: beyond, each stands for several.
pub const INCIDENTS_A_YEAR: f64 = 10_000.0;

#[derive(Debug)]
pub struct Model<'a> {
    pub histories: Vec<Recorded>,
    pub scenarios: Vec<Hazard<'a>>,
    pub unsaid: Vec<String>,
    /// Something that costs money has no price or no time.
    pub at_least: bool,
}

/// One asset's history, and what can be otherwise than it has it.
#[derive(Debug)]
pub struct Recorded {
    pub history: History,
    pub runs: Vec<Runs>,
    /// One for each of the history's logs.
    pub captures: Vec<Capture>,
    /// Anything can be otherwise than the history has it.
    pub troubled: bool,
    /// How often a run of the plan fails; none where nothing is recorded, or where the record is simulated itself.
    pub failed_run: Option<Posterior>,
    /// How often a restore fails.
    pub bad_restore: Option<Posterior>,
}

/// A scenario, ready to strike.
#[derive(Debug)]
pub struct Hazard<'a> {
    pub scenario: &'a Scenario,
    pub drawn_per_year: f64,
    /// Incidents that one drawn incident stands for.
    pub stands_for: f64,
    /// Failure instants.
    pub window: Window,
    /// None: not known, so nothing of this scenario can be simulated.
    pub noticed_after: Option<Time>,
    pub steps: Vec<StepTime>,
    /// The same with what is always the same summed up, where that can be.
    pub folded: Option<Folded>,
    pub assets: Vec<Struck<'a>>,
    pub rto: Option<Span>,
    pub rates: Rates,
}

impl Hazard<'_> {
    /// Whether every step has a time to draw, and there are steps.
    pub fn takes_known(&self) -> bool {
        !self.steps.is_empty() && self.steps.iter().all(|step| step.takes.is_some())
    }
}

#[derive(Debug)]
pub struct StepTime {
    pub takes: Option<Time>,
    pub restores: Restores,
}

/// Whose bad restores make a step longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restores {
    Nothing,
    /// Index into the hazard's assets.
    One(usize),
    Any,
}

/// An asset in a scenario that loses some of it.
#[derive(Debug)]
pub struct Struck<'a> {
    pub asset: &'a Asset,
    /// Index into the policy's assets and the model's histories.
    pub index: usize,
    pub failure: Failure,
    /// The loss at every instant, where the time to notice is always the same.
    pub exposure: Option<Exposure>,
    pub rpo: Option<Span>,
}

impl<'a> Model<'a> {
    pub fn new(policy: &'a Policy, evidence: Option<&Evidence>, basis: Basis, as_of: Instant) -> Self {
        let declared = Window::new(as_of, as_of + period(policy));
        let histories = policy
            .assets
            .iter()
            .map(|asset| match (basis, evidence) {
                (Basis::Observed, Some(evidence)) => history::observed(policy, evidence, asset),
                (Basis::Observed, None) => history::observed(policy, &Evidence::none(as_of), asset),
                (Basis::Declared, _) => history::declared(policy, asset, declared),
            })
            .zip(&policy.assets)
            .map(|(history, asset)| Recorded::new(policy, asset, history, evidence))
            .collect();
        let mut model = Model { histories, scenarios: vec![], unsaid: vec![], at_least: false };
        for scenario in &policy.scenarios {
            let hazard = Builder { policy, evidence, basis, as_of, declared, model: &mut model }.hazard(scenario);
            model.scenarios.push(hazard);
        }
        model.say_what_is_not_known(policy, basis, evidence);
        model
    }

    fn say_what_is_not_known(&mut self, policy: &Policy, basis: Basis, evidence: Option<&Evidence>) {
        if basis == Basis::Observed && evidence.is_none() {
            self.say("there is no evidence: nothing is observed, and every failure loses everything".into());
        }
        let struck = |index| self.scenarios.iter().flat_map(|h| &h.assets).any(|s| s.index == index);
        let mut said = Vec::new();
        for (index, (asset, recorded)) in policy.assets.iter().zip(&self.histories).enumerate() {
            if !struck(index) {
                continue;
            }
            let name = &asset.name;
            if basis == Basis::Observed && recorded.history.points.is_empty() && recorded.history.coverage.is_empty() {
                said.push(format!("the evidence shows no recovery point of `{name}`: every failure loses all of it"));
            }
            if recorded.bad_restore.is_none() {
                said.push(format!("no drill of `{name}` is recorded: restores are taken to work at the first try"));
            }
            let declared = recorded.runs.iter().any(Runs::troubled) || recorded.captures.iter().any(Capture::troubled);
            if basis == Basis::Declared && recorded.failed_run.is_none() && !declared {
                said.push(format!("no run for `{name}` is recorded: runs are taken to succeed as declared"));
            }
        }
        said.into_iter().for_each(|line| self.say(line));
    }

    pub fn say(&mut self, line: String) {
        if !self.unsaid.contains(&line) {
            self.unsaid.push(line);
        }
    }
}

impl Recorded {
    fn new(policy: &Policy, own: &Asset, history: History, evidence: Option<&Evidence>) -> Self {
        let mut by_protection: Vec<(Option<&Arc<str>>, Vec<usize>)> = Vec::new();
        for (index, point) in history.points.iter().enumerate() {
            let name = point.protection.as_ref();
            match by_protection.iter_mut().find(|(known, _)| *known == name) {
                Some((_, indices)) => indices.push(index),
                None => by_protection.push((name, vec![index])),
            }
        }
        let basis = history.basis;
        let of = |(name, points)| Runs::of(policy, own, name, points, evidence, basis);
        let runs: Vec<Runs> = by_protection.into_iter().map(of).collect();
        let captures: Vec<Capture> = history.coverage.iter().map(|log| Capture::of(policy, log, basis)).collect();
        let asset = history.asset.as_str();
        let makes_points = |verb: &str| matches!(verb, "backup" | "sync");
        let done = evidence.into_iter().flat_map(|e| &e.runs).filter(|r| r.asset == asset && makes_points(&r.verb));
        // The points of a record are those of the runs that succeeded.
        let promised = history.basis == Basis::Declared;
        let failed_run = Posterior::of(done.filter(|_| promised).map(|r| r.outcome != RunOutcome::Done));
        let drills = evidence.into_iter().flat_map(|e| &e.drills).filter(|d| d.asset == asset);
        let bad_restore = Posterior::of(drills.map(|d| !d.passed()));
        let troubled = failed_run.is_some()
            || bad_restore.is_some()
            || runs.iter().any(Runs::troubled)
            || captures.iter().any(Capture::troubled);
        Recorded { runs, captures, failed_run, bad_restore, troubled, history }
    }
}

/// What building one hazard needs at hand.
struct Builder<'a, 'm> {
    policy: &'a Policy,
    evidence: Option<&'m Evidence>,
    basis: Basis,
    as_of: Instant,
    declared: Window,
    model: &'m mut Model<'a>,
}

impl<'a> Builder<'a, '_> {
    fn hazard(mut self, scenario: &'a Scenario) -> Hazard<'a> {
        let strikes = |asset: &&Asset| Failure::of(self.policy, scenario, asset, Span::ZERO, Span::ZERO).strikes(asset);
        let assets: Vec<&Asset> = self.policy.assets.iter().filter(strikes).collect();
        let noticed_after = self.notice(scenario, &assets);
        if scenario.runbook.is_empty() {
            self.model.say(format!(
                "`{}` has no runbook: its downtime cannot be said, and is in no amount of money",
                scenario.name
            ));
            self.model.at_least = true;
        }
        let steps: Vec<StepTime> = scenario.runbook.iter().map(|step| self.step(scenario, step, &assets)).collect();
        let window = self.window(&assets);
        let assets: Vec<Struck> =
            assets.into_iter().map(|asset| self.struck(scenario, asset, noticed_after.as_ref(), window)).collect();
        let declared = scenario.per_year.value;
        let per_year = if declared.is_finite() { declared.max(0.0) } else { 0.0 };
        let drawn_per_year = per_year.min(INCIDENTS_A_YEAR);
        let stands_for = if drawn_per_year > 0.0 { per_year / drawn_per_year } else { 1.0 };
        if stands_for > 1.0 {
            self.model.say(format!(
                "`{}` is declared {per_year} times a year: {INCIDENTS_A_YEAR} are drawn, each standing for \
                 {stands_for:.1}, so the spread of its annual loss is overstated",
                scenario.name
            ));
        }
        let rto = match assets.as_slice() {
            [] => scenario.objective.or(&self.policy.objective).rto.map(|rto| rto.value),
            all => {
                let of = |s: &Struck| self.policy.objective_for(s.asset, Some(scenario)).rto.map(|rto| rto.value);
                all.iter().filter_map(of).min()
            }
        };
        let rates = Rates::of(self.policy, scenario, assets.iter().map(|s| s.asset));
        let folded = Folded::of(&scenario.runbook, &steps);
        Hazard { scenario, drawn_per_year, stands_for, window, noticed_after, steps, folded, assets, rto, rates }
    }

    fn notice(&mut self, scenario: &Scenario, assets: &[&Asset]) -> Option<Time> {
        match time(&scenario.noticed_after.value, None, assets, self.evidence, self.basis) {
            Known::Yes(time) => Some(time),
            Known::Claimed(claim) => {
                self.model.say(format!(
                    "no drill measured the time to notice `{}`: the plan's {claim} stands for it",
                    scenario.name
                ));
                Some(Time::Constant(claim))
            }
            Known::No => {
                self.model.say(format!(
                    "the time to notice `{}` is neither measured nor declared: nothing can be said of this scenario",
                    scenario.name
                ));
                self.model.at_least = true;
                None
            }
        }
    }

    fn step(&mut self, scenario: &Scenario, step: &Step, assets: &[&'a Asset]) -> StepTime {
        let asset = step.asset.as_ref().and_then(|name| self.policy.asset(&name.value));
        let takes = match time(&step.takes.value, asset, assets, self.evidence, self.basis) {
            Known::Yes(time) => Some(time),
            Known::Claimed(claim) => {
                self.model.say(format!(
                    "no drill measured the step `{}` of `{}`: the plan's {claim} stands for it",
                    step.name, scenario.name
                ));
                Some(Time::Constant(claim))
            }
            Known::No => {
                self.model.say(format!(
                    "the step `{}` of `{}` is neither measured nor declared: the downtime cannot be said, and is in no \
                     amount of money",
                    step.name, scenario.name
                ));
                self.model.at_least = true;
                None
            }
        };
        let place = |asset: &Asset| assets.iter().position(|a| a.name == asset.name);
        let restores = match (asset, &step.takes.value) {
            (Some(asset), _) => place(asset).map_or(Restores::Nothing, Restores::One),
            (None, Duration::Measured { .. }) => Restores::Any,
            (None, _) => Restores::Nothing,
        };
        StepTime { takes, restores }
    }

    fn struck(
        &self,
        scenario: &Scenario,
        asset: &'a Asset,
        noticed_after: Option<&Time>,
        window: Window,
    ) -> Struck<'a> {
        let always = noticed_after.and_then(Time::constant);
        // Recovery points must live to the end of the restore as the plan declares it, at its longest.
        let restore_takes = downtime::declared(scenario).unwrap_or_default();
        let failure = Failure::of(self.policy, scenario, asset, always.unwrap_or_default(), restore_takes);
        let index = self.policy.assets.iter().position(|a| a.name == asset.name).unwrap_or_default();
        let recorded = self.model.histories.get(index);
        let exposure = always.and(recorded).map(|recorded| exposure::sweep(&recorded.history, &failure, window));
        let rpo = self.policy.objective_for(asset, Some(scenario)).rpo.map(|rpo| rpo.value);
        Struck { asset, index, failure, exposure, rpo }
    }

    /// Failure instants: the schedule's own period, or the time that the record speaks of for every asset struck.
    fn window(&self, assets: &[&Asset]) -> Window {
        let Some(evidence) = self.evidence.filter(|_| self.basis == Basis::Observed) else { return self.declared };
        let until = evidence.read_at.min(self.as_of);
        let first = |asset: &&Asset| {
            let of_it = evidence.points.iter().filter(|p| p.asset == asset.name);
            of_it.map(|p| p.available_at).filter(|at| *at < until).min()
        };
        match assets.iter().filter_map(first).max() {
            Some(from) => Window::new(from, until),
            None => Window::new(until - Span::days(28), until),
        }
    }
}

/// After this long every schedule of the policy begins again: four weeks, or a year if any names days of the month or
/// months.
fn period(policy: &Policy) -> Span {
    use crate::policy::Mechanism::{Mirror, Snapshot};
    let by_the_month = |text: &str| text.split_whitespace().skip(2).take(2).any(|field| field != "*");
    let long = policy.protections.iter().any(|p| match &p.mechanism {
        Snapshot { schedule, .. } | Mirror { schedule, .. } => by_the_month(&schedule.value.text),
        _ => false,
    });
    if long { Span::days(365) } else { Span::days(28) }
}
