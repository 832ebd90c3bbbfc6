//! The one model of a report: everything that any form of it says, said once. Built from values alone, so that equal
//! inputs give equal bytes; serialised, it is the JSON report. Names are made harmless here, before any form sees them.

mod appendix;
mod calendar;
mod changes;
mod earlier;
mod findings;
mod ledger;
mod money;
mod outlook;
pub mod plain;
mod promises;
mod storage;
mod unknown;
mod waivers;
mod words;

use serde::Serialize;

use super::chart::bill::AnnualCost;
use super::chart::cost::CostAgainstLoss;
use super::chart::drills::DrillTimes;
use super::chart::exceedance::LossExceedance;
use super::chart::heat::HeatMap;
use super::chart::outlook::Outgrowing;
use super::chart::sawtooth::Sawtooth;
use super::chart::storage::StorageGrowth;
use super::chart::tornado::Tornado;
use super::text::harmless;
use crate::audit::{Audit, Verdict};
use crate::base::{Instant, Span, Window};
use crate::cost::{Bill, PriceBook, Tradeoff};
use crate::evidence::Evidence;
use crate::policy::Policy;
use crate::sim::Simulation;

pub use appendix::{Appendix, CoverageRow, PointRow, RunRow};
pub use calendar::CalendarView;
pub use changes::{Changes, Missed, Moved, Turn};
pub use earlier::{Earlier, Told, With};
pub use findings::{FindingRow, PassRow, PolicyLine};
pub use ledger::{DrillRow, PhaseRow};
pub use money::{BillRow, MoneyView, PlanRow, SimulationRow, SimulationView, Spread};
pub use outlook::OutlookRow;
pub use promises::{Figure, PromiseRow, shown};
pub use storage::StorageView;
pub use unknown::{Assumption, Unknown};
pub use waivers::WaiverRow;

/// The form's name and version; a change that readers must know of raises the number.
pub const SCHEMA: &str = "plimsoll.report.weekly/2";

/// What a report is made from. Nothing else enters it: no clock, no file, no environment.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    pub policy: &'a Policy,
    pub evidence: Option<&'a Evidence>,
    pub audit: &'a Audit,
    pub simulation: Option<&'a Simulation>,
    pub book: Option<&'a PriceBook>,
    pub bill: Option<&'a Bill>,
    pub tradeoff: Option<&'a Tradeoff>,
    /// How things stood before; without it nothing is said of what changed.
    pub earlier: Option<&'a Earlier>,
    pub made_with: MadeWith,
}

/// What a report is about, and how it is worked out: with the policy, its prices and the evidence, all that it needs to be
/// made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct MadeWith {
    pub as_of: Instant,
    /// How far back failures are imagined, in milliseconds.
    #[serde(rename = "window_ms")]
    pub window: Span,
    /// Years that are simulated, and the seed of them.
    pub years: u64,
    pub seed: u64,
}

#[derive(Debug, Clone, Serialize)]
pub struct View {
    pub schema: &'static str,
    pub made_by: String,
    pub made_with: MadeWith,
    pub policy: PolicyView,
    pub as_of: Instant,
    pub window: Window,
    pub verdict: Verdict,
    /// The verdict in a sentence.
    pub headline: String,
    /// What follows from it, a sentence each.
    pub lead: Vec<String>,
    pub evidence: Option<EvidenceView>,
    pub promises: Vec<PromiseRow>,
    /// What is another than before, where that is known.
    pub changes: Option<Changes>,
    pub findings: Vec<FindingRow>,
    pub waivers: Vec<WaiverRow>,
    pub drills: Vec<DrillRow>,
    pub simulation: Option<SimulationView>,
    pub money: Option<MoneyView>,
    pub unknowns: Vec<Unknown>,
    pub assumptions: Vec<Assumption>,
    pub passes: Vec<PassRow>,
    /// What every job did on each of the last days.
    pub calendar: Option<CalendarView>,
    /// When restores outgrow their objective, the soonest first.
    pub outlooks: Vec<OutlookRow>,
    pub storage: StorageView,
    pub appendix: Appendix,
    #[serde(skip)]
    pub charts: Charts,
}

/// The charts that there are numbers for.
#[derive(Debug, Clone, Default)]
pub struct Charts {
    pub loss_window: Option<Sawtooth>,
    pub drill_times: Option<DrillTimes>,
    pub cost_against_loss: Option<CostAgainstLoss>,
    pub loss_exceedance: Option<LossExceedance>,
    pub tornado: Option<Tornado>,
    pub annual_cost: Option<AnnualCost>,
    pub heat_map: Option<HeatMap>,
    pub outgrowing: Option<Outgrowing>,
    pub storage_growth: Option<StorageGrowth>,
}

#[derive(Debug, Clone, Serialize)]
pub struct PolicyView {
    pub name: String,
    pub file: String,
    /// SHA-256 of the policy's text.
    pub sha256: String,
    pub currency: String,
    pub contacts: Vec<(String, String)>,
}

#[derive(Debug, Clone, Serialize)]
pub struct EvidenceView {
    pub read_at: Instant,
    /// SHA-256 of the evidence as `inventory --format json` would print it, without white space.
    pub sha256: Option<String>,
    pub points: usize,
    pub log_pieces: usize,
    pub drills: usize,
    pub runs: usize,
    pub failed_runs: usize,
    pub unreadable: usize,
}

impl View {
    pub fn build(inputs: &Inputs<'_>) -> View {
        let Inputs { policy, audit, evidence, .. } = *inputs;
        let promises = promises::rows(audit);
        let findings = findings::rows(policy, audit);
        let drills = ledger::rows(evidence);
        let changes = changes::of(inputs, &findings, &promises, &drills);
        let outlooks = outlook::told(inputs);
        let (storage, storage_growth) = storage::view(inputs);
        View {
            schema: SCHEMA,
            made_by: concat!("plimsoll ", env!("CARGO_PKG_VERSION")).to_string(),
            made_with: inputs.made_with,
            policy: policy_view(policy),
            as_of: audit.as_of,
            window: audit.window,
            verdict: audit.verdict,
            headline: words::headline(policy, audit),
            lead: words::lead(inputs, changes.as_ref()),
            evidence: evidence.map(evidence_view),
            charts: Charts {
                loss_window: promises::sawtooth(audit),
                drill_times: ledger::chart(inputs, &drills),
                cost_against_loss: inputs.tradeoff.and_then(money::chart),
                loss_exceedance: money::exceedance(inputs),
                tornado: money::tornado(inputs),
                annual_cost: money::annual_cost(inputs),
                heat_map: promises::heat(audit),
                outgrowing: outlooks.iter().find_map(|told| told.outgrowing.clone().ok()),
                storage_growth,
            },
            simulation: inputs.simulation.map(money::simulation),
            money: money::view(inputs),
            unknowns: unknown::unknowns(inputs, &outlooks),
            assumptions: unknown::assumptions(inputs),
            passes: findings::passes(audit),
            calendar: calendar::view(inputs),
            outlooks: outlook::rows(&outlooks),
            storage,
            appendix: appendix::of(evidence),
            waivers: waivers::rows(inputs),
            changes,
            promises,
            findings,
            drills,
        }
    }
}

impl View {
    /// When restores outgrow their objective, a sentence for each of the soonest.
    pub fn outlook_lines(&self) -> Vec<String> {
        outlook::lines(&self.outlooks)
    }
}

fn policy_view(policy: &Policy) -> PolicyView {
    let contacts = policy.contacts.iter().map(|c| (clean(&c.name), clean(&c.reach)));
    PolicyView {
        name: clean(&policy.name),
        file: clean(&policy.source.name),
        sha256: super::digest(policy.source.text.as_bytes()),
        currency: clean(&policy.currency),
        contacts: contacts.collect(),
    }
}

fn evidence_view(evidence: &Evidence) -> EvidenceView {
    use crate::evidence::RunOutcome;
    let failed = evidence.runs.iter().filter(|run| matches!(run.outcome, RunOutcome::Failed { .. }));
    EvidenceView {
        read_at: evidence.read_at,
        sha256: serde_json::to_vec(evidence).ok().map(|bytes| super::digest(&bytes)),
        points: evidence.points.len(),
        log_pieces: evidence.coverage.len(),
        drills: evidence.drills.len(),
        runs: evidence.runs.len(),
        failed_runs: failed.count(),
        unreadable: evidence.unreadable.len(),
    }
}

fn clean(text: &str) -> String {
    harmless(text).into_owned()
}

fn clean_option(text: Option<&String>) -> Option<String> {
    text.map(|text| clean(text))
}

/// The value's name as it is serialised: the closed lists have one spelling everywhere.
fn spelled(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}
