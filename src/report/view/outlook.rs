//! When restores outgrow their objective as the data grows, asset by asset; or why that cannot be said.

use serde::Serialize;

use super::super::chart::outlook::Outgrowing;
use super::super::text::count;
use super::{Inputs, clean};
use crate::base::{Bytes, Instant, Span};
use crate::cost::volume;
use crate::evidence::Drill;
use crate::policy::{Asset, Duration, Scenario};
use crate::timeline::outgrown::{self, Outlook, Timed};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OutlookRow {
    pub asset: String,
    /// The finding in a sentence.
    pub finding: String,
    pub rto: Span,
    /// What the other steps of the runbook leave for the restore.
    pub room: Span,
    /// What the middle drill would take at today's size.
    pub takes: Span,
    /// A fraction a year, and whether the policy declares it.
    pub growth_per_year: f64,
    pub growth_declared: bool,
    pub drills: usize,
    /// From when on a restore takes longer than it has, at the pace of the middle drill, of the slowest, of the fastest.
    pub outgrown_at: Option<Instant>,
    pub earliest: Option<Instant>,
    pub latest: Option<Instant>,
}

/// What one asset's restores come to, or why that cannot be said.
pub struct Told<'a> {
    pub asset: &'a str,
    pub outgrowing: Result<Outgrowing, String>,
}

/// Those that can be told, the soonest to be outgrown first, and the reasons of the others.
pub fn told<'a>(inputs: &Inputs<'a>) -> Vec<Told<'a>> {
    let asset = |asset: &'a Asset| Told { asset: &asset.name, outgrowing: outgrowing(inputs, asset) };
    let mut all: Vec<Told> = inputs.policy.assets.iter().map(asset).collect();
    all.sort_by_key(|told| match &told.outgrowing {
        Ok(one) => one.at().map_or(Instant::MAX - Span(1), |at| at),
        Err(_) => Instant::MAX,
    });
    all
}

pub fn rows(told: &[Told]) -> Vec<OutlookRow> {
    told.iter().filter_map(|told| told.outgrowing.as_ref().ok()).filter_map(row).collect()
}

fn row(one: &Outgrowing) -> Option<OutlookRow> {
    let pace = one.outlook.pace()?;
    Some(OutlookRow {
        asset: one.asset.clone(),
        finding: super::super::chart::Chart::title(one),
        rto: one.rto,
        room: one.outlook.room,
        takes: one.outlook.takes_at(one.outlook.as_of, pace.middle),
        growth_per_year: one.outlook.growth,
        growth_declared: one.declared,
        drills: one.outlook.drills.len(),
        outgrown_at: one.at(),
        earliest: one.outlook.outgrown_at(pace.slowest),
        latest: one.outlook.outgrown_at(pace.fastest),
    })
}

/// What the drills of an asset are held against: an objective, the scenario that leaves least of it, the phase that it
/// measures.
struct Against<'a> {
    rto: Span,
    room: Span,
    /// Whether each other step of the runbook has a time.
    whole: bool,
    scenario: Option<&'a Scenario>,
    phase: &'a str,
}

fn outgrowing(inputs: &Inputs<'_>, asset: &Asset) -> Result<Outgrowing, String> {
    let evidence = inputs.evidence.ok_or("no evidence was given")?;
    let as_of = inputs.audit.as_of;
    let drills = evidence.drills_of(&asset.name);
    let age = |drill: &&&Drill| drill.passed() && as_of - drill.ended_at <= Span::days(366);
    let passed: Vec<&Drill> = drills.iter().filter(age).copied().collect();
    if passed.is_empty() {
        return Err("no drill of the last year passed".to_string());
    }
    let against = against(inputs, asset)?;
    let newest = evidence.points.iter().filter(|point| point.asset == asset.name);
    let newest = newest.filter_map(|point| Some((point.consistent_at, point.bytes_restored?))).max();
    let size = asset.size.as_ref().map(|size| size.value).or(newest.map(|(_, bytes)| Bytes(bytes)));
    let Bytes(size) = size.ok_or("its size is neither declared nor recorded")?;
    let recorded = || volume::recorded_growth(&asset.name, Some(evidence));
    let (growth, declared) = match asset.growth_per_year {
        declared if declared != 0.0 => (declared, true),
        _ => (recorded().ok_or("no growth is declared, and its recorded sizes are too few or show none")?.0, false),
    };
    let timed: Vec<Timed> = passed.iter().filter_map(|drill| Timed::of(drill, against.phase, size)).collect();
    if timed.len() < outgrown::DRILLS_LEAST {
        return Err(match (timed.len(), passed.len()) {
            (0, _) => "no drill timed its restore on at least a tenth of its size".to_string(),
            _ => "one drill alone says nothing of how much restores differ: it takes two".to_string(),
        });
    }
    let outlook = Outlook { as_of, size: size as f64, growth, room: against.room, drills: timed };
    Ok(Outgrowing {
        asset: clean(&asset.name),
        rto: against.rto,
        leaves: against.scenario.map(|scenario| clean(&scenario.title)),
        whole: against.whole,
        declared,
        outlook,
    })
}

/// The scenario whose runbook leaves the restore the least time; the objective itself where no runbook measures one.
fn against<'a>(inputs: &Inputs<'a>, asset: &Asset) -> Result<Against<'a>, String> {
    let policy = inputs.policy;
    let mut least: Option<Against<'a>> = None;
    for scenario in &policy.scenarios {
        let Some(rto) = policy.objective_for(asset, Some(scenario)).rto else { continue };
        let phases = scenario.runbook.iter().filter_map(|step| match &step.takes.value {
            Duration::Measured { phase, .. } if step.asset.as_ref().is_some_and(|name| name.value == asset.name) => {
                Some(phase.as_str())
            }
            _ => None,
        });
        // Where the runbook measures several parts of it, the restore as a whole is what grows with the data.
        let Some(phase) = phases.clone().find(|phase| *phase == "total").or_else(|| phases.clone().next()) else {
            continue;
        };
        let (room, whole) = outgrown::room(scenario, (&asset.name, phase), rto.value);
        if least.as_ref().is_none_or(|least| room < least.room) {
            least = Some(Against { rto: rto.value, room, whole, scenario: Some(scenario), phase });
        }
    }
    let alone = || {
        let rto = policy.objective_for(asset, None).rto?.value;
        Some(Against { rto, room: rto, whole: false, scenario: None, phase: "total" })
    };
    least.or_else(alone).ok_or_else(|| "no recovery time is asked for".to_string())
}

/// What is said of it where there is no room for a chart.
pub fn lines(rows: &[OutlookRow]) -> Vec<String> {
    const LINES_MOST: usize = 6;
    let mut lines: Vec<String> =
        rows.iter().take(LINES_MOST).map(|row| format!("{}{}.", row.finding, between(row))).collect();
    if rows.len() > LINES_MOST {
        lines.push(format!("{} later, or not at all.", count(rows.len() - LINES_MOST, "more asset", "more assets")));
    }
    lines
}

/// ` (between 10 and 17 months, by the slowest and the fastest of 3 drills)`.
fn between(row: &OutlookRow) -> String {
    let by = format!("by the slowest and the fastest of {} drills", row.drills);
    match (row.outgrown_at, row.earliest, row.latest) {
        (Some(_), Some(earliest), Some(latest)) if earliest < latest => {
            format!(" ({} to {}, {by})", earliest.to_utc().format("%b %Y"), latest.to_utc().format("%b %Y"))
        }
        (_, Some(earliest), None) => format!(" (from {} at the earliest, {by})", earliest.to_utc().format("%b %Y")),
        _ => String::new(),
    }
}
