//! What is declared at all, and what the figures rest on: a plan looks better as soon as a failure is declared away.

use super::value::Value;
use super::{Delta, Direction, Figure};
use crate::policy::{Asset, LossRates, Policy, Protection, Scenario, Uncertain};

pub fn deltas(old: &Policy, new: &Policy) -> Vec<Delta> {
    let mut deltas = Vec::new();
    let asset = |asset: &Asset| asset.name.clone();
    let scenario = |scenario: &Scenario| scenario.name.clone();
    let protection = |protection: &Protection| protection.name.clone();
    deltas.extend(named("asset", &old.assets, &new.assets, asset, Direction::Worse));
    deltas.extend(named("scenario", &old.scenarios, &new.scenarios, scenario, Direction::Worse));
    // What a protection was worth is told by the bounds.
    deltas.extend(named("protection", &old.protections, &new.protections, protection, Direction::Other));
    for asset in &new.assets {
        let Some(was) = old.asset(&asset.name) else { continue };
        let size = |asset: &Asset| asset.size.as_ref().map_or(Value::Nothing, |size| Value::Bytes(size.value));
        assumed(&mut deltas, format!("size of `{}`", asset.name), size(was), size(asset));
        rates(&mut deltas, &format!(" of `{}`", asset.name), was.losses.as_ref(), asset.losses.as_ref());
    }
    for scenario in &new.scenarios {
        let Some(was) = old.scenario(&scenario.name) else { continue };
        let title = &scenario.title;
        let per_year = |scenario: &Scenario| Value::Number(scenario.per_year.value);
        assumed(&mut deltas, format!("times a year: {title}"), per_year(was), per_year(scenario));
        assumed(&mut deltas, format!("how sure that is: {title}"), sure(was), sure(scenario));
        let noticed =
            |scenario: &Scenario| scenario.noticed_after.declared_longest().map_or(Value::Nothing, Value::Span);
        assumed(&mut deltas, format!("time to notice: {title}"), noticed(was), noticed(scenario));
        let fixed = |scenario: &Scenario| Value::Number(scenario.fixed_cost);
        assumed(&mut deltas, format!("fixed cost: {title}"), fixed(was), fixed(scenario));
    }
    rates(&mut deltas, "", old.losses.as_ref(), new.losses.as_ref());
    deltas
}

/// How well the rate of a scenario is known.
fn sure(scenario: &Scenario) -> Value {
    match scenario.per_year_uncertain {
        None => Value::Word("taken as exact".into()),
        Some(Uncertain::Gamma { shape }) => Value::Word(format!("from {} seen", (shape - 0.5).max(0.0))),
        // Of a hundred such rates 95 are within two standard deviations of the logarithm.
        Some(Uncertain::Lognormal { sigma }) => Value::Word(format!("within {:.1} times", (1.96 * sigma).exp())),
    }
}

/// What went and what came, by name.
fn named<T>(kind: &str, old: &[T], new: &[T], name: impl Fn(&T) -> String, removed: Direction) -> Vec<Delta> {
    let has = |among: &[T], one: &T| among.iter().any(|other| name(other) == name(one));
    let word = |there: bool| if there { Value::Word("declared".into()) } else { Value::Nothing };
    let delta = |one: &T, before: bool, direction: Direction| Delta {
        figure: Figure::Declared,
        what: format!("{kind} `{}`", name(one)),
        before: word(before),
        after: word(!before),
        by: None,
        direction,
    };
    let gone = old.iter().filter(|one| !has(new, one)).map(|one| delta(one, true, removed));
    let came = new.iter().filter(|one| !has(old, one)).map(|one| delta(one, false, Direction::Other));
    gone.chain(came).collect()
}

fn rates(deltas: &mut Vec<Delta>, of: &str, old: Option<&LossRates>, new: Option<&LossRates>) {
    type Rate = (&'static str, fn(&LossRates) -> Option<f64>);
    const RATES: [Rate; 3] = [
        ("price of an hour of downtime", |rates| Some(rates.downtime_per_hour.value)),
        ("price of an hour of lost writes", |rates| Some(rates.data_per_hour.value)),
        ("price of a total loss", |rates| rates.total_loss.as_ref().map(|total| total.value)),
    ];
    for (name, rate) in RATES {
        let value = |rates: Option<&LossRates>| rates.and_then(rate).map_or(Value::Nothing, Value::Number);
        assumed(deltas, format!("{name}{of}"), value(old), value(new));
    }
}

fn assumed(deltas: &mut Vec<Delta>, what: String, before: Value, after: Value) {
    if before != after {
        let by = Value::by(&before, &after);
        deltas.push(Delta { figure: Figure::Assumption, what, before, after, by, direction: Direction::Other });
    }
}
