//! The plain form as JSON: an object for each piece, one a line or in a list, with the names of
//! [`super::plain::COLUMNS`]; lists in place of `;`.

use serde::Deserialize;

use super::gather::Gather;
use super::json::{self, Value};
use super::plain::{COLUMNS, Row};
use super::source::Source;
use super::when::shown;
use crate::base::Result;

pub fn read(source: &Source, gather: &mut Gather<'_>) -> Result<()> {
    for document in json::documents(source)? {
        match document.is_list() {
            true => document.items().try_for_each(|value| row(&value, gather))?,
            false => row(&document, gather)?,
        }
    }
    Ok(())
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Cell {
    Text(String),
    Whole(u64),
    Truth(bool),
    List(Vec<String>),
}

fn row(value: &Value<'_>, gather: &mut Gather<'_>) -> Result<()> {
    let wrong = |why: &str| (value.place(), why.to_string());
    let mut row = Row::default();
    if !value.is_object() {
        let (place, why) = wrong("an object is expected there");
        return gather.unreadable(place, why);
    }
    for (name, cell) in value.fields() {
        let known = COLUMNS.iter().any(|(known, ..)| *known == name);
        if !known || row.0.contains_key(&name) {
            let what = if known { "is there twice" } else { "is no field that is known here" };
            return gather.unreadable(cell.place(), format!("`{}` {what}", shown(&name)));
        }
        let text = match (cell.is_null(), cell.read::<Cell>()) {
            (true, _) => continue,
            (_, Ok(Cell::Text(text))) => text,
            (_, Ok(Cell::Whole(number))) => number.to_string(),
            (_, Ok(Cell::Truth(truth))) => truth.to_string(),
            (_, Ok(Cell::List(list))) => list.join(";"),
            (_, Err(_)) => {
                let why = format!("`{name}` is neither a text, a whole number, true or false, nor a list of texts");
                return gather.unreadable(cell.place(), why);
            }
        };
        if !text.is_empty() {
            row.0.insert(name, text);
        }
    }
    gather.take(row, value.source, value.place())
}
