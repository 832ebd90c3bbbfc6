//! The ranges of the trade-off: names resolve, nothing stands twice, and the plans can be counted out.

use super::names::Names;
use crate::base::Span;
use crate::policy::document::reader::Reader;
use crate::policy::document::short;
use crate::policy::document::tradeoff::{SomePlace, TradeoffTable};
use crate::policy::document::values::List;
use crate::policy::ranges::{Ranges, Setting, plain};
use crate::policy::{Objective, Placed};

/// Values of one range, at most.
const MOST_VALUES: usize = 24;
/// Domains that copies are tried in: with each one more there are twice as many plans.
const MOST_PLACES: usize = 4;
/// Plans, at most: each is a policy that is priced and held against every scenario.
const MOST_PLANS: usize = 5_000;

pub fn ranges(
    table: Option<Placed<TradeoffTable>>,
    objective: &Objective,
    names: &Names,
    reader: &mut Reader,
) -> Option<Ranges> {
    let Placed { value: table, at } = table?;
    let drills = read(table.drill_every, |value| value.0.map(|span| span.0), reader);
    refuse_rarer(&drills, objective, reader);
    let copy_to = places(table.copy_to, names, reader);
    let ranges = Ranges {
        at,
        snapshot_every: read(table.snapshot_every, |value| value.0.map(|pace| pace.0), reader).map(plain),
        log_lag: read(table.log_lag, |value| value.0, reader).map(plain),
        retention: read(table.retention, |value| value.0.map(|span| span.0), reader).map(plain),
        keep: read(table.keep, |value| value.0, reader).map(plain),
        storage_class: read(table.storage_class, |value| value.0.map(|text| text.0), reader).map(plain),
        copy_to,
        lock: read(table.lock, |value| value.0.map(|span| span.0), reader).map(plain),
        drill_every: drills.map(plain),
    };
    let plans = ranges.plans();
    if plans > MOST_PLANS {
        let message = format!("these ranges have {plans} plans; {MOST_PLANS} are allowed");
        return reader.wrong(at, message, "leave values out, or pin a range with [\"declared\"]");
    }
    Some(ranges)
}

type Range<T> = Option<Vec<Placed<Setting<T>>>>;

fn read<V, T: PartialEq>(
    list: Option<Placed<List<V>>>,
    setting: impl Fn(V) -> Setting<T>,
    reader: &mut Reader,
) -> Range<T> {
    let mut range: Vec<Placed<Setting<T>>> = vec![];
    let list = list?;
    if list.value.0.len() > MOST_VALUES {
        let message = format!("a range of {} values; {MOST_VALUES} are allowed", list.value.0.len());
        return reader.wrong(list.at, message, "the answer lies between those that matter: name fewer");
    }
    for value in list.value.0 {
        let value = value.map(&setting);
        match range.iter().any(|other| other.value == value.value) {
            true => reader.wrong(value.at, "this value stands twice in its range", "name each once").unwrap_or(()),
            false => range.push(value),
        }
    }
    Some(range)
}

/// Domains that stand in the policy; the others are problems.
fn places(list: Option<Placed<List<SomePlace>>>, names: &Names, reader: &mut Reader) -> Option<Vec<Setting<String>>> {
    let at = list.as_ref()?.at;
    let range = read(list, |value| value.0, reader)?;
    let mut known = vec![];
    for Placed { value, at } in range {
        match value {
            Setting::Is(name) => {
                known.extend(names.domains.known(Placed::new(name, at), reader).map(|name| Setting::Is(name.value)));
            }
            other => known.push(other.map(|name| name.0)),
        }
    }
    let named = known.iter().filter(|place| place.value().is_some()).count();
    if named > MOST_PLACES {
        let message = format!("{named} domains to copy to, in every combination; {MOST_PLACES} are allowed");
        return reader.wrong(at, message, "name those that you would really pay for");
    }
    Some(known)
}

/// A plan must not ask for less than the business does.
fn refuse_rarer(drills: &Range<Span>, objective: &Objective, reader: &mut Reader) {
    let Some(asked) = &objective.drill_every else { return };
    for drill in drills.iter().flatten() {
        if let Some(every) = drill.value.value().filter(|every| **every > asked.value) {
            let message =
                format!("a drill every {every} is rarer than the {} that the objective asks for", asked.value);
            let help =
                format!("name at most {}, or change the objective where it stands", short(&asked.value.to_string()));
            reader.wrong::<()>(drill.at, message, help);
        }
    }
}
