//! PixelCraft's collections with what real ones have: a validator, an order of its own, a view, indexes of many kinds.

use bson::{Document, doc};
use mongodb::Database;
use mongodb::error::Error;
use mongodb::options::{Collation, CollationStrength};

use super::{ACTIVITY, EDITS, GALLERY, IMAGES, USERS};
use crate::base::{Fault, Result};
use crate::mongo::client::fault;

/// Every index but `_id_`, by collection, as `createIndexes` takes it.
fn indexes() -> [(&'static str, Vec<Document>); 3] {
    // Nobody is away for so long that this removes a row while we look; it is there to be restored.
    const TEN_YEARS: i32 = 10 * 365 * 86_400;
    [
        (
            USERS,
            vec![
                doc! { "name": "email", "key": { "email": 1 }, "unique": true },
                doc! { "name": "by_name", "key": { "name.last": 1, "name.first": 1 },
                "collation": { "locale": "en", "strength": 2 } },
                doc! { "name": "forget", "key": { "lastSeenAt": 1 }, "expireAfterSeconds": TEN_YEARS },
            ],
        ),
        (
            IMAGES,
            vec![
                doc! { "name": "newest_of_owner", "key": { "owner": 1, "createdAt": -1 } },
                doc! { "name": "object", "key": { "object.key": 1 }, "unique": true },
                doc! { "name": "tags", "key": { "tags": 1 } },
                doc! { "name": "liked", "key": { "likes": -1 },
                "partialFilterExpression": { "visibility": "public" } },
                doc! { "name": "words", "key": { "title": "text" } },
            ],
        ),
        (EDITS, vec![doc! { "name": "tool", "key": { "tool": 1, "at": 1 } }]),
    ]
}

/// Makes them in an empty database; a collection that is there already is a fault.
pub(super) async fn make(db: &Database) -> Result<()> {
    let required = doc! { "required": ["email", "plan"], "properties": { "email": { "bsonType": "string" } } };
    db.create_collection(USERS).validator(doc! { "$jsonSchema": required }).await.map_err(cannot("make", USERS))?;
    db.create_collection(IMAGES).await.map_err(cannot("make", IMAGES))?;
    let english = Collation::builder().locale("en").strength(CollationStrength::Secondary).build();
    db.create_collection(EDITS).collation(english).await.map_err(cannot("make", EDITS))?;
    // Not capped, though a log could be: a server reads no capped collection at one instant.
    db.create_collection(ACTIVITY).await.map_err(cannot("make", ACTIVITY))?;
    let public = vec![doc! { "$match": { "visibility": "public" } }, doc! { "$project": { "object": 0 } }];
    db.create_collection(GALLERY)
        .view_on(IMAGES.to_string())
        .pipeline(public)
        .await
        .map_err(cannot("make", GALLERY))?;
    for (name, indexes) in indexes() {
        db.run_command(doc! { "createIndexes": name, "indexes": indexes }).await.map_err(cannot("index", name))?;
    }
    Ok(())
}

/// What is there otherwise than [`make`] makes it: missing collections, views and indexes, by name.
pub async fn missing(db: &Database) -> Result<Vec<String>> {
    let there = db.list_collection_names().await.map_err(cannot("list the collections of", db.name()))?;
    let all = super::COLLECTIONS.iter().chain([&GALLERY]);
    let mut missing: Vec<String> =
        all.filter(|name| !there.iter().any(|t| t == **name)).map(|name| name.to_string()).collect();
    for (name, indexes) in indexes() {
        if missing.iter().any(|m| m == name) {
            continue;
        }
        let there =
            db.collection::<Document>(name).list_index_names().await.map_err(cannot("list indexes of", name))?;
        let wanted = indexes.iter().filter_map(|index| index.get_str("name").ok());
        missing.extend(wanted.filter(|w| !there.iter().any(|t| t == w)).map(|w| format!("{name}.{w}")));
    }
    Ok(missing)
}

fn cannot(doing: &str, name: &str) -> impl FnOnce(Error) -> Fault {
    let what = format!("cannot {doing} `{name}`");
    move |error| fault(what, &error)
}
