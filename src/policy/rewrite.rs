//! A policy's text with another plan in it: only what differs is written anew; comments, layout and all the rest stay.

use toml_edit::{Array, DocumentMut, InlineTable, Item, RawString, Table, TableLike, Value, value};

use super::written::{self, Field, Written};
use super::{Policy, Protection};
use crate::base::{Fault, Result};

/// The text of `before`'s own file, so that it declares the plan of `after`: its protections, new domains and credentials,
/// and how often drills are asked for. What an included file declares is overridden, table by table.
pub fn rewrite(before: &Policy, after: &Policy) -> Result<String> {
    let text: &str = &before.source.text;
    // It was read strictly before: a file that got here is TOML.
    let mut document: DocumentMut = text.parse().map_err(|e| Fault::bug(format!("cannot edit the policy: {e}")))?;
    for protection in &before.protections {
        if after.protection(&protection.name).is_none() {
            remove(&mut document, "protection", &protection.name)?;
        }
    }
    for domain in after.domains.iter().filter(|d| !before.domains.iter().any(|b| b.name == d.name)) {
        let kind = written::word(domain.kind).unwrap_or_default();
        add(&mut document, "domain", &domain.name, vec![("kind", Written::Text(kind))])?;
    }
    for credential in after.credentials.iter().filter(|c| !before.credentials.iter().any(|b| b.name == c.name)) {
        let reach = credential.can_delete.iter().map(|name| name.value.clone()).collect();
        add(&mut document, "credential", &credential.name, vec![("can_delete", Written::List(reach))])?;
    }
    for protection in &after.protections {
        let fields = written::fields(after, protection);
        match before.protection(&protection.name) {
            None => add(&mut document, "protection", &protection.name, fields)?,
            Some(old) => change(&mut document, before, old, fields)?,
        }
    }
    drills(&mut document, before, after)?;
    Ok(document.to_string())
}

/// How often drills are asked for, where that is declared and differs.
fn drills(document: &mut DocumentMut, before: &Policy, after: &Policy) -> Result<()> {
    let every = |objective: &super::Objective| objective.drill_every.as_ref().map(|every| every.value);
    let set = |table: &mut dyn TableLike, span| put(table, "drill_every", &Written::Text(written::span(span)));
    if let Some(now) = every(&after.objective).filter(|now| Some(*now) != every(&before.objective)) {
        set(table_in(document.as_table_mut(), "objective")?, now);
    }
    for (was, is) in before.assets.iter().zip(&after.assets) {
        let Some(now) = every(&is.objective).filter(|now| Some(*now) != every(&was.objective)) else { continue };
        let asset = document.get_mut("asset").and_then(|assets| assets.get_mut(&is.name));
        let objective = asset.and_then(|asset| asset.get_mut("objective")).and_then(Item::as_table_like_mut);
        set(objective.ok_or_else(|| elsewhere("asset", &is.name))?, now);
    }
    Ok(())
}

fn change(document: &mut DocumentMut, before: &Policy, old: &Protection, fields: Vec<Field>) -> Result<()> {
    let was = written::fields(before, old);
    if was == fields {
        return Ok(());
    }
    let here = document.get_mut("protection").and_then(|all| all.get_mut(&old.name)).and_then(Item::as_table_like_mut);
    let Some(table) = here else {
        // It stands in an included file: a table of the same name here takes its place.
        return add(document, "protection", &old.name, fields);
    };
    for (name, _) in was.iter().filter(|(name, _)| !fields.iter().any(|(kept, _)| kept == name)) {
        table.remove(name);
    }
    for (name, value) in fields.iter().filter(|field| !was.contains(field)) {
        put(table, name, value);
    }
    Ok(())
}

/// Sets a field, and keeps the comment behind it where it stood.
fn put(table: &mut dyn TableLike, name: &str, written: &Written) {
    let mut new = item(written);
    if let (Some(old), Some(value)) = (table.get(name).and_then(Item::as_value), new.as_value_mut()) {
        let width = |value: &Value| value.clone().decorated("", "").to_string().chars().count();
        let (was, is) = (width(old), width(value));
        *value.decor_mut() = old.decor().clone();
        let behind = old.decor().suffix().and_then(RawString::as_str).unwrap_or_default();
        let comment = behind.trim_start_matches(' ');
        if comment.starts_with('#') {
            let spaces = (behind.len() - comment.len() + was).saturating_sub(is).max(1);
            value.decor_mut().set_suffix(format!("{}{comment}", " ".repeat(spaces)));
        }
    }
    match table.get_mut(name) {
        Some(old) => *old = new,
        None => drop(table.insert(name, new)),
    }
}

fn item(written: &Written) -> Item {
    match written {
        Written::Text(text) => value(text.as_str()),
        Written::Integer(number) => value(*number),
        Written::Float(number) => value(*number),
        Written::Bool(truth) => value(*truth),
        Written::List(names) => {
            let mut array = Array::new();
            names.iter().for_each(|name| array.push(name.as_str()));
            value(Value::Array(array))
        }
        Written::Counts(counts) => {
            let mut table = InlineTable::new();
            counts.iter().for_each(|(name, count)| drop(table.insert(*name, Value::from(i64::from(*count)))));
            value(Value::InlineTable(table))
        }
    }
}

/// A table under a header of its own, behind the others of its kind; the first of its kind stands behind the domains.
fn add(document: &mut DocumentMut, kind: &str, name: &str, fields: Vec<Field>) -> Result<()> {
    let behind = match document.contains_key(kind) {
        true => None,
        false => document.get("domain").and_then(last_place),
    };
    let group = table_in(document.as_table_mut(), kind)?;
    let mut table = Table::new();
    table.set_position(behind);
    table.decor_mut().set_prefix("\n");
    for (field, written) in &fields {
        table.insert(field, item(written));
    }
    group.insert(name, Item::Table(table));
    Ok(())
}

/// Where the last of a group of tables stands.
fn last_place(group: &Item) -> Option<isize> {
    group.as_table_like()?.iter().filter_map(|(_, item)| item.as_table()?.position()).max()
}

/// The table of that name, made where it is missing; one that only groups others gets no header.
fn table_in<'a>(root: &'a mut Table, name: &str) -> Result<&'a mut dyn TableLike> {
    let mut made = Table::new();
    made.set_implicit(name != "objective");
    made.decor_mut().set_prefix("\n");
    let item = root.entry(name).or_insert(Item::Table(made));
    item.as_table_like_mut().ok_or_else(|| Fault::bug(format!("`{name}` is no table")))
}

/// Takes a table out. The comment right above its header goes with it; what stands above that, a heading of several
/// tables, stays before the next one.
fn remove(document: &mut DocumentMut, kind: &str, name: &str) -> Result<()> {
    let group = document.get_mut(kind).and_then(Item::as_table_like_mut);
    let group = group.filter(|group| group.contains_key(name)).ok_or_else(|| elsewhere(kind, name))?;
    let gone = group.remove(name);
    let Some(table) = gone.as_ref().and_then(Item::as_table) else { return Ok(()) };
    let prefix = table.decor().prefix().and_then(RawString::as_str).unwrap_or_default();
    let Some((heading, _)) = prefix.rsplit_once("\n\n").filter(|(heading, _)| !heading.trim().is_empty()) else {
        return Ok(());
    };
    let gone_from = table.position().unwrap_or_default();
    let mut next: Option<isize> = None;
    for_each_table(document.as_table_mut(), &mut |table| {
        let behind = table.position().filter(|at| *at > gone_from);
        next = [next, behind].into_iter().flatten().min();
    });
    let Some(next) = next else {
        let trailing = document.trailing().as_str().unwrap_or_default().to_string();
        document.set_trailing(format!("{heading}\n{trailing}"));
        return Ok(());
    };
    for_each_table(document.as_table_mut(), &mut |table| {
        if table.position() == Some(next) {
            let own = table.decor().prefix().and_then(RawString::as_str).unwrap_or_default().to_string();
            table.decor_mut().set_prefix(format!("{heading}\n{own}"));
        }
    });
    Ok(())
}

/// Every table below this one that may have a header.
fn for_each_table(root: &mut Table, act: &mut dyn FnMut(&mut Table)) {
    for (_, item) in root.iter_mut() {
        match item {
            Item::Table(table) => {
                act(table);
                for_each_table(table, act);
            }
            Item::ArrayOfTables(rows) => rows.iter_mut().for_each(|table| {
                act(table);
                for_each_table(table, act);
            }),
            _ => {}
        }
    }
}

fn elsewhere(kind: &str, name: &str) -> Fault {
    Fault::usage(format!("the {kind} `{name}` does not stand in this file, so it cannot be changed here"))
        .help("it stands in a file that the policy includes: change it there")
}
