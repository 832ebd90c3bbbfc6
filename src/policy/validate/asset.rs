//! Assets, and what their drills must find.

use super::names::Names;
use super::{loss_rates, objective, rows, text};
use crate::policy::document::reader::Reader;
use crate::policy::document::short;
use crate::policy::document::tables::{AssetTable, ExpectTable};
use crate::policy::document::values::Rows;
use crate::policy::document::words::Looks;
use crate::policy::{Asset, AssetKind, Expectation, Expects, Placed};

pub fn assets(tables: Vec<(Placed<String>, AssetTable)>, names: &Names, reader: &mut Reader) -> Vec<Asset> {
    let mut assets = vec![];
    for (name, table) in tables {
        let lives_in = names.domains.all_known(table.lives_in, reader);
        let references = table.references.and_then(|reference| names.assets.known(reference, reader));
        if let Some(own) = references.as_ref().filter(|reference| reference.value == name.value) {
            reader.wrong::<()>(own.at, format!("`{}` refers to itself", name.value), "name another asset");
        }
        let expect = expectations(table.expect, references.is_some(), reader);
        let Some(kind) = table.kind else { continue };
        if let Some(first) = expect.first().filter(|_| kind.value != AssetKind::MongoDb) {
            reader.wrong::<()>(
                first.at,
                "only a database is looked into",
                "give the expectations to an asset of the kind mongodb",
            );
        }
        let checks = table.checks.map(|list| list.value.0).unwrap_or_default().into_iter().map(|c| c.map(|c| c.0));
        let own = expect.iter().map(|expectation| Placed::new(expectation.name.clone(), expectation.at));
        assets.push(Asset {
            name: name.value,
            at: name.at,
            kind: kind.value,
            size: table.size,
            growth_per_year: table.growth_per_year.map_or(0.0, |growth| growth.value.0),
            lives_in,
            references,
            checks: checks.chain(own).collect(),
            expect,
            objective: objective(table.objective),
            losses: table.losses.and_then(|losses| loss_rates(losses.value)),
        });
    }
    assets
}

fn expectations(table: Option<Placed<Rows<ExpectTable>>>, has_uploads: bool, reader: &mut Reader) -> Vec<Expectation> {
    let mut all: Vec<Expectation> = vec![];
    for row in rows(table) {
        let Some(expectation) = expectation(row.value, has_uploads, reader) else { continue };
        if all.iter().any(|other| other.name == expectation.name) {
            let message = format!("an expectation is called `{}` already", short(&expectation.name));
            reader.wrong::<()>(expectation.at, message, "give each a name of its own");
        }
        all.push(expectation);
    }
    all
}

fn expectation(table: ExpectTable, has_uploads: bool, reader: &mut Reader) -> Option<Expectation> {
    let collection = table.collection?;
    let Some((db, name)) = collection.value.0.split_once('.').filter(|(db, name)| !db.is_empty() && !name.is_empty())
    else {
        let message = format!("`{}` names no collection", short(&collection.value.0));
        return reader.wrong(collection.at, message, "write it as database.collection");
    };
    let kind = table.kind?;
    let expects = match kind.value {
        Looks::Count => Expects::AtLeast(table.at_least?.value.0),
        Looks::Fresh => Expects::Fresh { field: text(table.field)?, within: table.within?.value.0 },
        Looks::References if !has_uploads => {
            let help = "name the asset of the uploads with `references`";
            return reader.wrong(kind.at, "its asset refers to no uploads", help);
        }
        Looks::References => {
            Expects::References { field: text(table.field)?, prefix: text(table.prefix).unwrap_or_default() }
        }
    };
    Some(Expectation {
        name: text(table.name)?,
        at: table.at,
        db: db.to_string(),
        collection: name.to_string(),
        expects,
    })
}
