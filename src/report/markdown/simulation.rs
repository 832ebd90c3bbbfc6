//! The simulation, each figure with its error.

use super::Page;
use crate::base::Span;
use crate::base::markdown::prose;
use crate::base::quantity::grouped;
use crate::report::html::percent;
use crate::report::view::{SimulationRow, SimulationView, Spread};

impl Page {
    pub(super) fn simulation(&mut self, simulation: &SimulationView) {
        self.says("## What the declared failures would do");
        let incidents = grouped(simulation.incidents);
        let mut text = format!(
            "{} years were simulated, in which {incidents} incidents struck (seed {}, as {}).",
            grouped(simulation.years),
            simulation.seed,
            simulation.basis
        );
        match &simulation.annual {
            Some(annual) => {
                let least = if annual.at_least { "at least " } else { "" };
                let half = with(&annual.p50, annual.p50_give_or_take.as_deref());
                let twentieth = with(&annual.p95, annual.p95_give_or_take.as_deref());
                text.push_str(&format!(
                    " In the mean a year loses {least}{} (± {}); half of all years lose more than {half}, one in twenty \
                     more than {twentieth}.",
                    annual.expected, annual.give_or_take
                ));
            }
            None => text.push_str(" The policy declares no loss rates, so losses are not priced."),
        }
        text.push_str(
            " ± is the simulation's own error: about 95 in 100 such simulations come out within it. It says nothing of how \
             sure the assumptions are.",
        );
        self.says(prose(&text));
        let head = [
            ("failure", false),
            ("asset", false),
            ("a year", true),
            ("loss, half below", true),
            ("95 % below", true),
            ("all lost", true),
            ("meets RPO", true),
            ("downtime, half below", true),
            ("95 % below", true),
            ("meets RTO", true),
            ("lost a year", true),
        ];
        self.table(head, simulation.rows.iter().map(simulated));
    }
}

fn simulated(row: &SimulationRow) -> [String; 11] {
    let none = || "–".to_string();
    let span = |span: Span, error: Option<Span>| with(&span.to_string(), error.map(|e| e.to_string()).as_deref());
    let share = |share: Option<f64>, error: Option<f64>| {
        share.map_or_else(none, |share| with(&percent(share), error.map(percent).as_deref()))
    };
    let half = |spread: &Option<Spread>| spread.as_ref().map_or_else(none, |s| span(s.p50, s.p50_give_or_take));
    let most = |spread: &Option<Spread>| spread.as_ref().map_or_else(none, |s| span(s.p95, s.p95_give_or_take));
    [
        if row.title.is_empty() { row.scenario.clone() } else { row.title.clone() },
        row.asset.clone().unwrap_or_else(|| "no asset's data".to_string()),
        row.per_year.to_string(),
        half(&row.loss),
        most(&row.loss),
        share(row.total_loss, row.total_loss_give_or_take),
        share(row.meets_rpo, row.meets_rpo_give_or_take),
        half(&row.downtime),
        most(&row.downtime),
        share(row.meets_rto, row.meets_rto_give_or_take),
        row.annual_loss.as_ref().map_or_else(String::new, |loss| with(loss, row.annual_loss_give_or_take.as_deref())),
    ]
}

/// A figure with the simulation's error.
fn with(figure: &str, error: Option<&str>) -> String {
    error.map_or_else(|| figure.to_string(), |error| format!("{figure} ± {error}"))
}
