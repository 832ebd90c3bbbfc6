//! The names that a policy declares, and whether a reference means one of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::policy::Placed;
use crate::policy::document::reader::Reader;
use crate::policy::document::tables::PolicyTable;
use crate::policy::document::values::{List, Name, Named};
use crate::policy::document::{short, suggestion};

/// The names of one kind of table.
pub struct Declared {
    what: &'static str,
    names: BTreeSet<String>,
}

pub struct Names {
    pub domains: Declared,
    pub credentials: Declared,
    pub assets: Declared,
    pub protections: Declared,
    pub resources: Declared,
    pub scenarios: Declared,
}

impl Names {
    pub fn of(tables: &PolicyTable) -> Self {
        Names {
            domains: Declared::of("domain", &tables.domain),
            credentials: Declared::of("credential", &tables.credential),
            assets: Declared::of("asset", &tables.asset),
            protections: Declared::of("protection", &tables.protection),
            resources: Declared::of("resource", &tables.resource),
            scenarios: Declared::of("scenario", &tables.scenario),
        }
    }
}

impl Declared {
    fn of<T>(what: &'static str, tables: &Option<Placed<Named<T>>>) -> Self {
        let names = tables.iter().flat_map(|tables| &tables.value.0).map(|(name, _)| name.value.clone()).collect();
        Declared { what, names }
    }

    /// The reference if it means something declared.
    pub fn known(&self, reference: Placed<Name>, reader: &mut Reader) -> Option<Placed<String>> {
        let reference = reference.map(|name| name.0);
        if self.names.contains(&reference.value) {
            return Some(reference);
        }
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let message = format!("no {} is called `{}`", self.what, short(&reference.value));
        let help = match names.is_empty() {
            true => format!("declare it as [{}.NAME]", self.what),
            false => suggestion(&reference.value, "declared", &names),
        };
        reader.wrong(reference.at, message, help)
    }

    /// The references of a list, each declared and none twice.
    pub fn all_known(&self, list: Option<Placed<List<Name>>>, reader: &mut Reader) -> Vec<Placed<String>> {
        let mut seen = BTreeSet::new();
        let mut known = vec![];
        for name in list.map(|list| list.value.0).unwrap_or_default() {
            if !seen.insert(name.value.0.clone()) {
                let message = format!("`{}` is listed twice", short(&name.value.0));
                reader.wrong::<()>(name.at, message, "name each once");
                continue;
            }
            known.extend(self.known(name, reader));
        }
        known
    }
}

/// Notes each circle once, at the reference that closes it. `edges` leads from a name to what it depends on.
pub fn refuse_circles(edges: &BTreeMap<&str, Vec<&Placed<String>>>, word: &str, reader: &mut Reader) {
    let mut done: BTreeSet<&str> = BTreeSet::new();
    for start in edges.keys() {
        // Depth first without recursion: the path, and for each name on it the edges that are left to walk.
        let mut path: Vec<(&str, std::slice::Iter<&Placed<String>>)> = vec![];
        let mut on_path: BTreeSet<&str> = BTreeSet::new();
        let mut enter = Some(*start);
        loop {
            if let Some(name) = enter.take()
                && done.insert(name)
                && let Some(next) = edges.get(name)
            {
                on_path.insert(name);
                path.push((name, next.iter()));
            }
            let Some((name, next)) = path.last_mut() else { break };
            match next.next() {
                Some(edge) if on_path.contains(edge.value.as_str()) => {
                    let from = *name;
                    let members = path.iter().map(|(name, _)| *name).skip_while(|name| *name != edge.value);
                    let circle: Vec<&str> = members.chain([edge.value.as_str()]).take(12).collect();
                    let message = format!("`{from}` is {word} itself: {}", circle.join(" → "));
                    reader.wrong::<()>(edge.at, message, "take one of them out");
                }
                Some(edge) => enter = Some(edge.value.as_str()),
                None => {
                    on_path.remove(*name);
                    path.pop();
                }
            }
        }
    }
}
