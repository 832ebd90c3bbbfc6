//! Files that a policy includes: an organisation's defaults, read first and overridden by what includes them.
//!
//! What overrides what: the objective value by value; every other field whole; tables with names (`[asset.database]`) by
//! their name, each whole; contacts and waivers add up. Of two included files the later one overrides the earlier.

use std::collections::BTreeSet;

use super::document::reader::Field;
use super::document::reader::Table as _;
use super::document::tables::{ObjectiveTable, PolicyTable};
use super::document::values::{Named, Rows, Text};
use super::document::{self, short};
use super::{Place, Placed, Problem, SourceText};

/// Includes inside includes, at most.
const DEEPEST: usize = 8;
/// Files that are read beside a policy, at most.
const MOST_FILES: usize = 64;

/// A file that was named and read.
pub struct Fetched {
    /// As it is shown, and from which further paths lead on. One file has one name.
    pub name: String,
    pub text: String,
}

/// Reads the file at a path that stands in the file of a name.
pub type Fetch<'f> = dyn FnMut(&str, &str) -> Result<Fetched, String> + 'f;

/// The files of a policy, and what is wrong with them.
pub struct Files {
    pub source: SourceText,
    pub problems: Vec<Problem>,
}

/// The tables of a policy with those of all that it includes.
pub fn read(source: SourceText, fetch: &mut Fetch) -> (PolicyTable, Files) {
    let mut files = Files { source, problems: vec![] };
    let mut chain = vec![files.source.name.clone()];
    let whole = files.read(0, &mut chain, fetch);
    if !files.source.beside.is_empty() && files.problems.is_empty() {
        files.note_missing(&whole);
    }
    (whole, files)
}

impl Files {
    fn read(&mut self, file: u32, chain: &mut Vec<String>, fetch: &mut Fetch) -> PolicyTable {
        let source = self.source.of(Place { file, ..Place::default() }).clone();
        let (mut tables, reader) = document::read(&source, file);
        self.problems.extend(reader.problems);
        let includes = tables.include.take().map(|list| list.value.0).unwrap_or_default();
        // The last one first: it overrides those before it.
        for include in includes.iter().rev() {
            let Some(number) = self.fetch(include, chain, fetch) else { continue };
            let wider = self.read(number, chain, fetch);
            chain.pop();
            tables = over(tables, wider);
        }
        tables
    }

    /// The number of an included file, which is then last in the chain.
    fn fetch(&mut self, include: &Placed<Text>, chain: &mut Vec<String>, fetch: &mut Fetch) -> Option<u32> {
        let path = &include.value.0;
        if chain.len() > DEEPEST {
            return self.wrong(include.at, format!("includes nest deeper than {DEEPEST}"), "include it further up");
        }
        let fetched = self.file(include, chain.last().cloned().unwrap_or_default().as_str(), fetch)?;
        if chain.contains(&fetched.name) {
            let circle: Vec<&str> =
                chain.iter().skip_while(|name| **name != fetched.name).map(String::as_str).collect();
            let message = format!("`{}` includes itself: {} → {}", short(path), circle.join(" → "), fetched.name);
            return self.wrong(include.at, message, "take one of them out");
        }
        let read: usize = self.source.text.len() + self.source.beside.iter().map(|file| file.text.len()).sum::<usize>();
        if read + fetched.text.len() > document::LARGEST_BYTES {
            let message = format!("with `{}` the policy has more than {} bytes", short(path), document::LARGEST_BYTES);
            return self.wrong(include.at, message, "include less of it");
        }
        chain.push(fetched.name.clone());
        Some(self.source.add(SourceText::new(fetched.name, fetched.text)))
    }

    /// A file that stands at a path relative to the file that names it.
    pub fn file(&mut self, path: &Placed<Text>, from: &str, fetch: &mut Fetch) -> Option<Fetched> {
        self.file_if_there(path, from, fetch)?.map_or_else(
            |said| {
                let message = format!("cannot read `{}`: {said}", short(&path.value.0));
                self.wrong(path.at, message, "write it from the folder of this file, such as `../defaults.toml`")
            },
            Some,
        )
    }

    /// The same for one that may not be there: then why it cannot be read.
    pub fn file_if_there(
        &mut self,
        path: &Placed<Text>,
        from: &str,
        fetch: &mut Fetch,
    ) -> Option<Result<Fetched, String>> {
        let text = &path.value.0;
        if self.source.beside.len() >= MOST_FILES {
            return self.wrong(path.at, format!("more than {MOST_FILES} files are named"), "name fewer of them");
        }
        if text.starts_with(['/', '\\']) || text.contains("://") || text.get(1..2) == Some(":") {
            let message = format!("`{}` is not a relative path", short(text));
            return self.wrong(path.at, message, "write it from the folder of this file, such as `../defaults.toml`");
        }
        Some(fetch(from, text))
    }

    pub fn wrong<T>(&mut self, at: Place, message: impl Into<String>, help: &str) -> Option<T> {
        self.problems.push(Problem::new(at, message).help(help));
        None
    }

    /// What a policy needs and none of its files has.
    fn note_missing(&mut self, whole: &PolicyTable) {
        let there: BTreeSet<&str> =
            [("plimsoll", whole.plimsoll.is_some()), ("name", whole.name.is_some()), ("asset", whole.asset.is_some())]
                .into_iter()
                .filter_map(|(name, there)| there.then_some(name))
                .collect();
        let missing = |field: &&Field| field.required && !there.contains(field.name);
        for field in PolicyTable::FIELDS.iter().filter(missing) {
            let message = format!("neither the policy nor what it includes has `{}`", field.name);
            self.wrong::<()>(Place::on(0, 1, 1, 1), message, field.about);
        }
    }
}

/// `own` where it says something, else `wider`.
fn over(own: PolicyTable, wider: PolicyTable) -> PolicyTable {
    PolicyTable {
        at: own.at,
        plimsoll: own.plimsoll.or(wider.plimsoll),
        name: own.name.or(wider.name),
        currency: own.currency.or(wider.currency),
        timezone: own.timezone.or(wider.timezone),
        prices: own.prices.or(wider.prices),
        include: None,
        schedules: own.schedules.or(wider.schedules),
        scripts: own.scripts.or(wider.scripts),
        runbook_file: own.runbook_file.or(wider.runbook_file),
        objective: objective(own.objective, wider.objective),
        encryption: own.encryption.or(wider.encryption),
        losses: own.losses.or(wider.losses),
        tradeoff: own.tradeoff.or(wider.tradeoff),
        domain: named(own.domain, wider.domain),
        credential: named(own.credential, wider.credential),
        asset: named(own.asset, wider.asset),
        protection: named(own.protection, wider.protection),
        resource: named(own.resource, wider.resource),
        scenario: named(own.scenario, wider.scenario),
        operations: own.operations.or(wider.operations),
        notify: named(own.notify, wider.notify),
        waiver: rows(own.waiver, wider.waiver),
        contact: rows(own.contact, wider.contact),
    }
}

fn objective(
    own: Option<Placed<ObjectiveTable>>,
    wider: Option<Placed<ObjectiveTable>>,
) -> Option<Placed<ObjectiveTable>> {
    let (own, wider) = match (own, wider) {
        (Some(own), Some(wider)) => (own, wider.value),
        (own, wider) => return own.or(wider),
    };
    Some(own.map(|own| ObjectiveTable {
        at: own.at,
        rpo: own.rpo.or(wider.rpo),
        rto: own.rto.or(wider.rto),
        retention: own.retention.or(wider.retention),
        drill_every: own.drill_every.or(wider.drill_every),
        copies: own.copies.or(wider.copies),
        immutable: own.immutable.or(wider.immutable),
        encrypted: own.encrypted.or(wider.encrypted),
        consistency: own.consistency.or(wider.consistency),
        media: own.media.or(wider.media),
        offsite: own.offsite.or(wider.offsite),
        keep_at_most: own.keep_at_most.or(wider.keep_at_most),
        points_created: own.points_created.or(wider.points_created),
        restores_shown: own.restores_shown.or(wider.restores_shown),
        drill_share: own.drill_share.or(wider.drill_share),
        alert_test_every: own.alert_test_every.or(wider.alert_test_every),
    }))
}

fn named<T>(own: Option<Placed<Named<T>>>, wider: Option<Placed<Named<T>>>) -> Option<Placed<Named<T>>> {
    let (mut own, wider) = match (own, wider) {
        (Some(own), Some(wider)) => (own, wider),
        (own, wider) => return own.or(wider),
    };
    let names: BTreeSet<String> = own.value.0.iter().map(|(name, _)| name.value.clone()).collect();
    own.value.0.extend(wider.value.0.into_iter().filter(|(name, _)| !names.contains(&name.value)));
    Some(own)
}

fn rows<T>(own: Option<Placed<Rows<T>>>, wider: Option<Placed<Rows<T>>>) -> Option<Placed<Rows<T>>> {
    let (mut own, wider) = match (own, wider) {
        (Some(own), Some(wider)) => (own, wider),
        (own, wider) => return own.or(wider),
    };
    own.value.0.extend(wider.value.0);
    Some(own)
}
