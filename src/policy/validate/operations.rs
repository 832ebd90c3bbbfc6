//! Schedules of the other verbs, and the places to tell.

use chrono_tz::Tz;

use crate::base::Span;
use crate::policy::document::operations::{NotifyTable, OperationsTable, Variable};
use crate::policy::document::reader::{Reader, Value};
use crate::policy::document::values::Text;
use crate::policy::document::words::zone_or;
use crate::policy::operations::{Channel, Notify, Occasion, Operations, Secret, Work};
use crate::policy::{Asset, Place, Placed, SourceText};
use crate::schedule::Schedule;

pub fn operations(table: Option<Placed<OperationsTable>>, zone: Tz, reader: &mut Reader) -> Operations {
    let Some(table) = table.map(|table| table.value) else { return Operations::default() };
    let zone = zone_or(&table.timezone, zone);
    let mut schedule = |text: Option<Placed<Text>>| {
        let text = text?;
        match Schedule::parse(&text.value.0, zone) {
            Ok(schedule) => Some(Placed::new(schedule, text.at)),
            Err(said) => reader.wrong_text(text.at, &said),
        }
    };
    Operations {
        verify: schedule(table.verify),
        prune: schedule(table.prune),
        drill: schedule(table.drill),
        notify: schedule(table.notify),
        verify_sample: table.verify_sample.map(|sample| sample.value.0),
        jitter: table.jitter.map_or(Span::ZERO, |jitter| jitter.value),
    }
}

/// The places to tell. What names the file that a secret stands in is the file in which it is said.
pub fn places(
    tables: Vec<(Placed<String>, NotifyTable)>,
    assets: &[Asset],
    source: &SourceText,
    reader: &mut Reader,
) -> Vec<Notify> {
    for (name, _) in tables.iter().filter(|(name, _)| assets.iter().any(|asset| asset.name == name.value)) {
        let message = format!("`{}` is the name of an asset too", name.value);
        reader.wrong::<()>(name.at, message, "what was sent stands among the runs by this name: choose another");
    }
    tables.into_iter().filter_map(|(name, table)| place(name, table, source, reader)).collect()
}

fn place(name: Placed<String>, table: NotifyTable, source: &SourceText, reader: &mut Reader) -> Option<Notify> {
    let file = |at: Place| source.of(at).name.clone();
    let (address, key) = ((table.url_env, table.url_file), (table.secret_env, table.secret_file));
    let address = one(name.at, "url", address, &file, reader);
    let key = one(name.at, "secret", key, &file, reader);
    let channel = table.kind?.value;
    if address.as_ref().is_ok_and(|address| address.is_none()) {
        let help = "the address is a secret: name the variable of the environment, or the file, that holds it";
        reader.wrong::<()>(name.at, "a place to tell needs `url_env` or `url_file`", help);
    }
    let on = table.on.map(|list| list.value.0.into_iter().map(|word| word.value).collect());
    let after = table.after.map(|list| list.value.0.into_iter().map(|word| word.value).collect());
    let usual = vec![Occasion::Failure, Occasion::Breach, Occasion::Recovery];
    Some(Notify {
        name: name.value,
        at: name.at,
        channel,
        address: address.ok()??,
        key: key.ok()?,
        on: if channel == Channel::Ping { vec![] } else { on.unwrap_or(usual) },
        remind_every: table.remind_every.map(|every| every.value.0),
        after: if channel == Channel::Ping { after.unwrap_or_else(|| vec![Work::Backup]) } else { vec![] },
        allow_private: table.allow_private.is_some_and(|allowed| allowed.value),
    })
}

/// One of two places that a secret may stand in; an error after a problem was noted.
fn one(
    at: Place,
    what: &str,
    (variable, path): (Option<Placed<Variable>>, Option<Placed<Text>>),
    file: &dyn Fn(Place) -> String,
    reader: &mut Reader,
) -> Result<Option<Secret>, ()> {
    match (variable, path) {
        (Some(_), Some(path)) => {
            let message = format!("`{what}_env` and `{what}_file` both say where it stands");
            reader.wrong::<()>(path.at, message, "leave one of them out");
            Err(())
        }
        // It may be the secret itself: the line that holds it is not shown.
        (Some(Placed { value: Variable(text), .. }), None) | (None, Some(Placed { value: Text(text), .. }))
            if text.contains("://") =>
        {
            let message = format!("`{what}_env` or `{what}_file` holds an address in place of a name");
            let help =
                "the address is a secret, and stands in no policy: name the variable, or the file, that holds it";
            reader.wrong::<()>(at, message, help);
            Err(())
        }
        (Some(variable), None) if !variable.value.is_name() => {
            let help = format!("it takes {}", <Variable as Value>::TAKES);
            reader.wrong::<()>(variable.at, format!("`{what}_env` is no name of a variable"), help);
            Err(())
        }
        (Some(variable), None) => Ok(Some(Secret::Variable(variable.value.0))),
        (None, Some(path)) => Ok(Some(Secret::File { from: file(path.at), path: path.value.0 })),
        (None, None) => Ok(None),
    }
}
