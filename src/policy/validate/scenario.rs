//! Scenarios and their runbooks.

use super::chances::{duration, per_year};
use super::names::Names;
use super::{objective, rows, text};
use crate::policy::document::reader::Reader;
use crate::policy::document::tables::{ScenarioTable, StepTable};
use crate::policy::document::values::Name;
use crate::policy::document::words::Takes;
use crate::policy::document::{short, suggestion};
use crate::policy::{Placed, Resource, Scenario, Step};

pub fn scenarios(
    tables: Vec<(Placed<String>, ScenarioTable)>,
    names: &Names,
    resources: &[Resource],
    reader: &mut Reader,
) -> Vec<Scenario> {
    tables.into_iter().filter_map(|(name, table)| scenario(name, table, names, resources, reader)).collect()
}

fn scenario(
    name: Placed<String>,
    table: ScenarioTable,
    names: &Names,
    resources: &[Resource],
    reader: &mut Reader,
) -> Option<Scenario> {
    if table.destroys.is_none() && table.corrupts.is_none() && table.compromises.is_none() {
        let message = format!("the scenario `{}` harms nothing", name.value);
        reader.wrong::<()>(name.at, message, "say what it `destroys`, `corrupts` or `compromises`");
    }
    let destroys = names.domains.all_known(table.destroys, reader);
    let corrupts = names.assets.all_known(table.corrupts, reader);
    let compromises = names.credentials.all_known(table.compromises, reader);
    let runbook = runbook(rows(table.runbook), names, resources, reader);
    let per_year = table.per_year.and_then(|rate| per_year(rate, reader));
    let noticed_after = table.noticed_after.and_then(|takes| {
        let at = takes.at;
        duration(takes.value.0, reader).map(|duration| Placed::new(duration, at))
    });
    let (per_year, per_year_uncertain) = per_year?;
    Some(Scenario {
        title: text(table.title).unwrap_or_else(|| name.value.clone()),
        name: name.value,
        at: name.at,
        destroys,
        corrupts,
        compromises,
        per_year,
        per_year_uncertain,
        per_year_source: text(table.per_year_source),
        noticed_after: noticed_after?,
        noticed_by: table.noticed_by.map(|by| by.map(|text| text.0)),
        writes_continue: table.writes_continue.is_some_and(|on| on.value),
        runbook,
        fixed_cost: table.fixed_cost.map_or(0.0, |cost| cost.value.0),
        objective: objective(table.objective),
    })
}

/// Steps with their waits as indices. A step that could not be read keeps its number, so that the others still resolve.
fn runbook(tables: Vec<Placed<StepTable>>, names: &Names, resources: &[Resource], reader: &mut Reader) -> Vec<Step> {
    let titles: Vec<Option<String>> =
        tables.iter().map(|table| table.value.step.as_ref().map(|step| step.value.0.clone())).collect();
    let steps = tables.into_iter().enumerate();
    steps.filter_map(|(number, table)| step(number, table.value, &titles, (names, resources), reader)).collect()
}

fn step(
    number: usize,
    table: StepTable,
    titles: &[Option<String>],
    (names, resources): (&Names, &[Resource]),
    reader: &mut Reader,
) -> Option<Step> {
    let position = |title: &str| titles.iter().position(|other| other.as_deref() == Some(title));
    if let Some(own) = table.step.as_ref().filter(|own| position(&own.value.0).is_some_and(|first| first < number)) {
        let message = format!("a step is called `{}` already", short(&own.value.0));
        reader.wrong::<()>(own.at, message, "give each step of a runbook a name of its own");
    }
    let mut after = vec![];
    match table.after {
        None => after.extend(number.checked_sub(1)),
        Some(wait) => {
            for name in wait.value.0 {
                match position(&name.value.0) {
                    Some(earlier) if earlier < number && !after.contains(&earlier) => after.push(earlier),
                    Some(earlier) if earlier < number => {
                        let message = format!("`{}` is listed twice", short(&name.value.0));
                        reader.wrong::<()>(name.at, message, "name each once");
                    }
                    found => refuse_wait(&name, found.is_some(), titles.get(..number).unwrap_or_default(), reader),
                }
            }
        }
    }
    let asset = table.asset.and_then(|name| names.assets.known(name, reader));
    let uses = table.uses.and_then(|name| names.resources.known(name, reader));
    let uses = uses.and_then(|name| resources.iter().find(|resource| resource.name == name.value).cloned());
    let owner = table.owner.map(|owner| owner.map(|text| text.0));
    let needs = names.credentials.all_known(table.needs, reader);
    let takes = table.takes?;
    if let (Takes::Measured(_), None) = (&takes.value, &asset) {
        let help = "say which `asset` it restores: each asset has drills of its own";
        reader.wrong::<()>(takes.at, "a measured step needs `asset`", help);
    }
    let at = takes.at;
    let takes = Placed::new(duration(takes.value, reader)?, at);
    Some(Step { name: table.step?.value.0, at: table.at, takes, after, asset, uses, owner, needs })
}

fn refuse_wait(name: &Placed<Name>, exists: bool, earlier: &[Option<String>], reader: &mut Reader) {
    let wanted = &name.value.0;
    let message = match exists {
        true => format!("a step cannot wait for `{}`, which does not come before it", short(wanted)),
        false => format!("no step is called `{}`", short(wanted)),
    };
    let earlier: Vec<&str> = earlier.iter().flatten().map(String::as_str).collect();
    let help = match earlier.is_empty() {
        true => "the first step waits for none".to_string(),
        false => suggestion(wanted, "earlier steps", &earlier),
    };
    reader.wrong::<()>(name.at, message, help);
}
