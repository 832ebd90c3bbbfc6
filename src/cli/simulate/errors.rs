//! The Monte Carlo error of every figure that a simulation prints, in a table beside theirs.

use crate::base::Span;
use crate::base::quantity::money;
use crate::report::table::{Set, Table};
use crate::sim::{Estimate, Quantiles, ScenarioResult};

/// One row for each asset that a scenario strikes, as in the table of the figures.
pub fn table(currency: &str, scenarios: &[ScenarioResult]) -> Table {
    let mut table = Table::new(&[
        ("scenario", Set::Text),
        ("downtime 50 / 95 %", Set::Number),
        ("within RTO", Set::Number),
        ("loses", Set::Text),
        ("loss window 50 / 95 %", Set::Number),
        ("all of it", Set::Number),
        ("within RPO", Set::Number),
        ("loss a year", Set::Number),
    ]);
    for scenario in scenarios {
        let head = [scenario.title.clone(), quantiles(scenario.downtime.as_ref()), points(scenario.meets_rto.as_ref())];
        let tail = scenario.annual_loss.map_or("–".into(), |loss| money(loss.standard_error, currency));
        if scenario.assets.is_empty() {
            let rest = ["–".to_string(), "–".into(), "–".into(), "–".into(), tail];
            table.row(head.into_iter().chain(rest));
            continue;
        }
        for (index, asset) in scenario.assets.iter().enumerate() {
            let first = index == 0;
            let head = if first { head.clone() } else { Default::default() };
            let rest = [
                asset.asset.clone(),
                quantiles(asset.loss_window.as_ref()),
                points(Some(&asset.total_loss)),
                points(asset.meets_rpo.as_ref()),
                if first { tail.clone() } else { String::new() },
            ];
            table.row(head.into_iter().chain(rest));
        }
    }
    table
}

fn quantiles(quantiles: Option<&Quantiles>) -> String {
    let shown = |error: Option<Span>| error.map_or("–".to_string(), |error| error.to_string());
    quantiles.map_or("–".into(), |q| format!("{} / {}", shown(q.errors.p50), shown(q.errors.p95)))
}

/// In points of a percentage.
fn points(share: Option<&Estimate>) -> String {
    share.map_or("–".into(), |share| format!("{:.3} %", share.standard_error * 100.0))
}
