//! All that the rules read, worked out once, and where they say what they found.

use std::collections::BTreeMap;

use super::finding::names;
use super::{Case, Cell, Code, Finding, Known, Measure, Pass, Recovery, Subject, Verdict};
use crate::base::{Instant, Span, Window};
use crate::evidence::Drill;
use crate::policy::{Asset, Mechanism, Objective, Place, Policy, Protection, Waiver};
use crate::timeline::States;

pub struct Context<'a> {
    pub policy: &'a Policy,
    /// All of it but the copies; none if no evidence was asked for.
    pub evidence: Option<&'a Known<'a>>,
    pub as_of: Instant,
    pub window: Window,
    /// The time to come that is looked at.
    pub ahead: Option<Window>,
    pub cases: Vec<Case<'a>>,
    pub recoveries: Vec<Recovery<'a>>,
    /// What assets that refer to each other can be brought to.
    pub states: BTreeMap<&'a str, States>,
}

/// Findings and passes as they come.
#[derive(Default)]
pub struct Report {
    pub findings: Vec<Finding>,
    pub passes: Vec<Pass>,
    together: Vec<Together>,
}

/// Items that one finding tells, once all of them are there.
struct Together {
    code: Code,
    verdict: Verdict,
    lead: String,
    remedy: String,
    items: Vec<Item>,
}

/// One of several things that are wrong in the same way, told as one finding.
pub struct Item {
    pub asset: String,
    pub at: Option<Place>,
    pub verdict: Verdict,
    /// A clause: "`uploads` has 1".
    pub says: String,
    pub evidence: Vec<String>,
}

impl<'a> Context<'a> {
    /// Without the cases, for which the copies of each asset are needed.
    pub fn new(policy: &'a Policy, evidence: Option<&'a Known<'a>>, as_of: Instant, window: Window) -> Self {
        let recovery = |scenario| Recovery::of(policy, evidence, scenario, as_of);
        let recoveries = policy.scenarios.iter().map(recovery).collect();
        Context { policy, evidence, as_of, window, ahead: None, cases: Vec::new(), recoveries, states: BTreeMap::new() }
    }

    pub fn objective(&self, asset: &Asset) -> Objective {
        self.policy.objective_for(asset, None)
    }

    /// Protections whose copies can be restored from: all but replicas.
    pub fn copies_of(&self, asset: &'a Asset) -> impl Iterator<Item = &'a Protection> {
        let policy: &'a Policy = self.policy;
        policy.protections_of(&asset.name).filter(|p| !matches!(p.mechanism, Mechanism::Replica { .. }))
    }

    /// The newest drill of `asset` that passed, of any age, and all that passed and are as recent as the plan asks.
    pub fn good_drills<'e>(&self, evidence: &Known<'e>, asset: &Asset) -> Option<(&'e Drill, Vec<&'e Drill>)> {
        let every = self.objective(asset).drill_every.map_or(Span::days(366), |every| every.value);
        let age = |drill: &&Drill| self.as_of - drill.ended_at;
        let good = evidence.drills_of(&asset.name).iter().copied().filter(|d| d.passed() && age(d) >= Span::ZERO);
        let good: Vec<&Drill> = good.collect();
        let newest = good.iter().copied().max_by_key(|drill| drill.ended_at)?;
        Some((newest, good.into_iter().filter(|drill| age(drill) <= every).collect()))
    }

    /// Whether the evidence is all there and recent: what is unreadable or stale keeps every verdict from being Met.
    pub fn whole(&self) -> bool {
        self.evidence.is_some_and(|e| e.unreadable.is_empty()) && !self.stale()
    }

    pub fn stale(&self) -> bool {
        self.evidence.is_some_and(|e| self.as_of - e.read_at > self.longest_silence().0)
    }

    /// How old evidence may be: the strictest RPO, with its place; a day where none is asked.
    pub fn longest_silence(&self) -> (Span, Option<Place>) {
        let own = self.policy.assets.iter().filter_map(|asset| self.objective(asset).rpo);
        let asked = own.chain(self.cases.iter().filter_map(|case| case.objective.rpo.clone()));
        asked.min_by_key(|rpo| rpo.value).map_or((Span::days(1), None), |rpo| (rpo.value, Some(rpo.at)))
    }

    pub fn recovery_of(&self, scenario: &str) -> Option<&Recovery<'a>> {
        self.recoveries.iter().find(|r| r.scenario.name == scenario)
    }

    /// With the exposures where their segments were kept.
    pub(super) fn cells(self, charts: bool) -> Vec<Cell> {
        let whole = self.whole();
        let mut cells = Vec::with_capacity(self.cases.len());
        for case in &self.cases {
            let Some(recovery) = self.recovery_of(&case.scenario.name) else { continue };
            let declared_downtime = match recovery.declared {
                Some(total) => Measure::Known(total),
                None => Measure::Unknown("the runbook does not say how long every step takes".to_string()),
            };
            let observed = case.observed.as_ref();
            cells.push(Cell {
                asset: case.asset.name.clone(),
                scenario: case.scenario.name.clone(),
                title: case.scenario.title.clone(),
                rpo: case.rpo(),
                rto: recovery.rto.as_ref().map(|rto| rto.value),
                declared_loss: Measure::Known(case.declared),
                observed_loss: observed
                    .map_or_else(|| Measure::Unknown("no evidence was read".to_string()), |o| o.measure()),
                declared_downtime,
                drilled_downtime: recovery.drilled.clone(),
                rpo_verdict: case.verdict(whole),
                rto_verdict: recovery.verdict(whole),
                declared_exposure: charts.then(|| case.declared_exposure.clone()),
                observed_exposure: observed.filter(|_| charts).map(|o| o.exposure.clone()),
            });
        }
        cells
    }

    /// The waiver that accepts `code` for this subject and still holds.
    pub fn waiver(&self, code: Code, subject: &Subject) -> Option<&'a Waiver> {
        let fits = |wanted: &Option<crate::policy::Placed<String>>, name: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| name.as_ref() == Some(&wanted.value))
        };
        self.policy.waivers.iter().find(|w| {
            w.code.value == code.name()
                && fits(&w.asset, &subject.asset)
                && fits(&w.scenario, &subject.scenario)
                && fits(&w.protection, &subject.protection)
                && self.as_of <= w.until.value
        })
    }
}

impl Report {
    pub fn find(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    pub fn pass(&mut self, code: Code, subject: Subject, why: impl Into<String>) {
        self.passes.push(Pass { code, subject, why: why.into() });
    }

    /// One finding for all items of one verdict, apart from those that a waiver accepts for their asset alone.
    pub fn find_all(&mut self, context: &Context, code: Code, lead: &str, remedy: &str, items: Vec<Item>) {
        let accepted = |item: &Item| {
            context.waiver(code, &Subject::asset(&item.asset)).is_some_and(|waiver| waiver.asset.is_some())
        };
        let (alone, together): (Vec<Item>, Vec<Item>) = items.into_iter().partition(accepted);
        let (breached, unproven) = together.into_iter().partition(|item| item.verdict == Verdict::Breached);
        let of = |verdict, items| Together { code, verdict, lead: lead.to_string(), remedy: remedy.to_string(), items };
        for item in alone {
            self.find(of(item.verdict, vec![item]).told());
        }
        self.put_together(of(Verdict::Breached, breached));
        self.put_together(of(Verdict::Unproven, unproven));
    }

    fn put_together(&mut self, more: Together) {
        let same = |t: &&mut Together| {
            (t.code, t.verdict, &t.lead, &t.remedy) == (more.code, more.verdict, &more.lead, &more.remedy)
        };
        match self.together.iter_mut().find(same) {
            Some(together) => together.items.extend(more.items),
            None => self.together.push(more),
        }
    }

    /// What another part of the audit found, behind what this one did.
    pub(super) fn append(&mut self, other: Report) {
        self.findings.extend(other.findings);
        self.passes.extend(other.passes);
        other.together.into_iter().for_each(|together| self.put_together(together));
    }

    /// Once all items are there, one finding for those that belong together.
    pub(super) fn tell(&mut self) {
        let together = std::mem::take(&mut self.together);
        self.findings.extend(together.into_iter().filter(|t| !t.items.is_empty()).map(Together::told));
    }
}

impl Together {
    fn told(self) -> Finding {
        let Together { code, verdict, lead, remedy, items } = self;
        let says: Vec<&str> = items.iter().map(|item| item.says.as_str()).collect();
        let one = items.first().filter(|first| items.iter().all(|item| item.asset == first.asset));
        let subject = one.map_or_else(Subject::default, |item| Subject::asset(&item.asset));
        let finding = Finding::new(code, verdict, format!("{lead}: {}", says.join("; "))).about(subject);
        let at = items.iter().find_map(|item| item.at);
        let part =
            |item: &Item| [item.asset.as_str()].into_iter().chain(names(&item.says)).collect::<Vec<_>>().join(" ");
        let finding = finding.parts(items.iter().map(part).collect());
        finding.at(at).shown_by(items.into_iter().flat_map(|item| item.evidence)).remedy(remedy)
    }
}
