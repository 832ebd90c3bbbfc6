//! Tables to a [`Policy`]: every name resolves, nothing goes in a circle, every number makes sense.

mod asset;
mod chances;
mod names;
mod operations;
mod plan;
mod ranges;
mod scenario;

use chrono::{Days, TimeZone};
use chrono_tz::Tz;

use super::beside::{self, Beside};
use super::document::tables::{ContactTable, LossesTable, ObjectiveTable, PolicyTable, WaiverTable};
use super::document::values::{Named, Rows, Text};
use super::document::words::Until;
use super::document::{self, reader::Reader};
use super::include::{self, Fetch};
use super::{Contact, LossRates, Objective, Placed, Policy, Problem, SourceText, Waiver};
use crate::base::{Instant, Span};
use names::Names;

/// Everything that is wrong with a policy, and the files that it is in.
#[derive(Debug)]
pub struct Refused {
    pub source: SourceText,
    pub problems: Vec<Problem>,
}

/// Reads a policy of one file, or says everything that is wrong with it, in the order of the file.
pub fn parse(source: SourceText) -> Result<Policy, Vec<Problem>> {
    let alone = |_: &str, _: &str| Err("no other file is read here".to_string());
    parse_with(source, &mut { alone }).map_err(|refused| refused.problems)
}

/// Reads a policy and what it names: includes, schedules, scripts. `fetch` is given the name of the file that names
/// another, and the path that stands there.
pub fn parse_with(source: SourceText, fetch: &mut Fetch) -> Result<Policy, Refused> {
    let (tables, mut files) = include::read(source, fetch);
    let named = beside::named(&tables);
    let text = files.source.clone();
    let mut reader = Reader::new(&text.text, 0);
    let policy = build(tables, &text, &mut reader);
    files.problems.extend(reader.problems);
    let mut beside = Beside::default();
    // With a problem in the policy itself, what is said of other files would only hide it.
    if files.problems.is_empty() {
        beside = beside::read(named, &mut files, fetch);
    }
    let include::Files { source, mut problems } = files;
    problems.sort_by_key(|problem| problem.at);
    problems.dedup();
    match policy {
        Some(policy) if problems.is_empty() => Ok(Policy { source, beside, ..policy }),
        _ if problems.is_empty() => {
            let problems = vec![Problem::new(Default::default(), "the policy could not be read")];
            Err(Refused { source, problems })
        }
        _ => Err(Refused { source, problems }),
    }
}

/// Checks what could be read even where something could not, so that all problems are said at once.
fn build(tables: PolicyTable, source: &SourceText, reader: &mut Reader) -> Option<Policy> {
    let zone = document::words::zone_or(&tables.timezone, Tz::UTC);
    let names = Names::of(&tables);
    let domains = plan::domains(named(tables.domain), &names, zone, reader);
    let credentials = plan::credentials(named(tables.credential), &names, reader);
    let assets = asset::assets(named(tables.asset), &names, reader);
    let mut protections = plan::protections(named(tables.protection), &names, zone, &assets, reader);
    plan::seal_for(&mut protections, tables.encryption);
    let resources = chances::resources(named(tables.resource), reader);
    let scenarios = scenario::scenarios(named(tables.scenario), &names, &resources, reader);
    let waivers = rows(tables.waiver).into_iter().filter_map(|w| waiver(w.value, &names, zone, reader)).collect();
    let operations = operations::operations(tables.operations, zone, reader);
    let notify = operations::places(named(tables.notify), &assets, source, reader);
    let objective = objective(tables.objective);
    let tradeoff = ranges::ranges(tables.tradeoff, &objective, &names, reader);
    Some(Policy {
        source: source.clone(),
        beside: Beside::default(),
        name: tables.name?.value.0,
        currency: tables.currency.map_or_else(|| "USD".to_string(), |currency| currency.value.0),
        timezone: zone,
        objective,
        domains,
        credentials,
        assets,
        protections,
        resources,
        scenarios,
        losses: tables.losses.and_then(|losses| loss_rates(losses.value)),
        prices: tables.prices.map(|prices| prices.map(|text| text.0)),
        tradeoff,
        operations,
        notify,
        contacts: rows(tables.contact).into_iter().filter_map(|c| contact(c.value, zone)).collect(),
        waivers,
    })
}

fn named<T>(tables: Option<Placed<Named<T>>>) -> Vec<(Placed<String>, T)> {
    tables.map(|tables| tables.value.0).unwrap_or_default()
}

fn rows<T>(items: Option<Placed<Rows<T>>>) -> Vec<Placed<T>> {
    items.map(|items| items.value.0).unwrap_or_default()
}

fn text(value: Option<Placed<Text>>) -> Option<String> {
    value.map(|text| text.value.0)
}

fn objective(table: Option<Placed<ObjectiveTable>>) -> Objective {
    let table = table.map(|table| table.value).unwrap_or_default();
    Objective {
        rpo: table.rpo,
        rto: table.rto,
        retention: table.retention.map(|span| span.map(|span| span.0)),
        drill_every: table.drill_every.map(|span| span.map(|span| span.0)),
        copies: table.copies,
        immutable: table.immutable,
        encrypted: table.encrypted,
        consistency: table.consistency,
        media: table.media,
        offsite: table.offsite,
        keep_at_most: table.keep_at_most.map(|span| span.map(|span| span.0)),
        points_created: table.points_created.map(|share| share.map(|share| share.0)),
        restores_shown: table.restores_shown.map(|share| share.map(|share| share.0)),
        drill_share: table.drill_share.map(|share| share.map(|share| share.0)),
        alert_test_every: table.alert_test_every.map(|span| span.map(|span| span.0)),
    }
}

fn loss_rates(table: LossesTable) -> Option<LossRates> {
    Some(LossRates {
        at: table.at,
        downtime_per_hour: table.downtime_per_hour?.map(|amount| amount.0),
        data_per_hour: table.data_per_hour?.map(|amount| amount.0),
        total_loss: table.total_loss.map(|amount| amount.map(|amount| amount.0)),
        source: text(table.source),
    })
}

fn contact(table: ContactTable, zone: Tz) -> Option<Contact> {
    Some(Contact {
        at: table.at,
        name: text(table.name)?,
        reach: text(table.reach)?,
        alerts: table.alerts.is_some_and(|alerts| alerts.value),
        proven: table.proven.map(|proven| proven.map(|day| first_moment(day, zone))),
    })
}

fn waiver(table: WaiverTable, names: &Names, zone: Tz, reader: &mut Reader) -> Option<Waiver> {
    let asset = table.asset.and_then(|name| names.assets.known(name, reader));
    let scenario = table.scenario.and_then(|name| names.scenarios.known(name, reader));
    let protection = table.protection.and_then(|name| names.protections.known(name, reader));
    let until = table.until?.map(|until| last_moment(until, zone));
    Some(Waiver {
        at: table.at,
        code: table.code?.map(|code| code.0),
        asset,
        scenario,
        protection,
        owner: text(table.owner)?,
        reason: text(table.reason)?,
        until,
    })
}

/// A day lasts until the next one begins in the policy's time zone.
fn last_moment(until: Until, zone: Tz) -> Instant {
    match until {
        Until::Instant(instant) => instant,
        Until::Day(day) => midnight(day.checked_add_days(Days::new(1)).unwrap_or(day), zone) - Span::millis(1),
    }
}

/// What was done on a day may have been done as it began.
fn first_moment(day: Until, zone: Tz) -> Instant {
    match day {
        Until::Instant(instant) => instant,
        Until::Day(day) => midnight(day, zone),
    }
}

fn midnight(day: chrono::NaiveDate, zone: Tz) -> Instant {
    let end = day.and_time(chrono::NaiveTime::MIN);
    // Where that midnight is left out by a change of clocks, the zone's offset an hour later decides.
    let local = zone.from_local_datetime(&end).earliest();
    let end = local.map_or(end.and_utc().timestamp_millis(), |end| end.timestamp_millis());
    Instant(end)
}
