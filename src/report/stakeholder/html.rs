//! The two pages, self-contained as the weekly one is: no script, no remote asset, a policy that forbids both.

use minijinja::context;
use minijinja::value::{Serde, Value};
use sha2::{Digest, Sha256};

use super::Sheet;
use crate::base::{Fault, Result};
use crate::report::chart::cost::CostAgainstLoss;
use crate::report::html::{base64, drawing, environment, stylesheet};
use crate::report::view::plain;
use crate::report::{View, text};

const TEMPLATE: &str = include_str!("../../../reports/stakeholder.html.j2");
const STYLE: &str = include_str!("../../../reports/stakeholder.css");

pub fn page(view: &View) -> Result<String> {
    let bug = |e: minijinja::Error| Fault::bug("cannot write the page").because(format!("{e:#}"));
    let mut env = environment().map_err(bug)?;
    env.add_template("stakeholder.html", TEMPLATE).map_err(bug)?;
    let style = stylesheet(STYLE);
    let plans = view.charts.cost_against_loss.as_ref().map(plainly);
    let charts = context! {
        exceedance => drawing(view.charts.loss_exceedance.as_ref(), "exceedance")?,
        plans => drawing(plans.as_ref(), "plans")?,
    };
    let page = env.get_template("stakeholder.html").map_err(bug)?;
    page.render(context! {
        sheet => Value::from(Serde(&Sheet::of(view))),
        view => Value::from(Serde(view)),
        charts,
        style => Value::from_safe_string(style.clone()),
        style_hash => base64(&Sha256::digest(style.as_bytes())),
    })
    .map_err(bug)
}

/// The chart with each plan called what it takes.
fn plainly(chart: &CostAgainstLoss) -> CostAgainstLoss {
    let mut tradeoff = chart.tradeoff.clone();
    for plan in &mut tradeoff.plans {
        plan.label = text::harmless(&plain::plan(&plan.choice)).into_owned();
    }
    CostAgainstLoss { tradeoff }
}
