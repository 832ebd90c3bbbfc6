//! All that a database can hold, through a directory and back: every kind of collection and index, and the oddest names.

use std::collections::BTreeMap;

use bson::{Document, doc};
use futures_util::TryStreamExt;
use mongodb::{Client, Database};
use plimsoll::clock::SystemClock;
use plimsoll::engine::drill::{self, DrillRequest, Practised};
use plimsoll::engine::event::Silent;
use plimsoll::engine::expectation::Expectations;
use plimsoll::engine::plan::{self, RestoreRequest, RestoreTo};
use plimsoll::engine::restore::{self, RestoreOptions};
use plimsoll::mongo::{Source, Target, client};
use plimsoll::policy::Consistency;
use plimsoll::store::S3Options;

use super::restored::{ASSET, back_up, state};
use super::servers::private_mongo;

const DB: &str = "Every-thing_1";

async fn run(db: &Database, command: Document) {
    let what = command.to_string();
    db.run_command(command).await.unwrap_or_else(|error| panic!("{what}: {error}"));
}

async fn insert(db: &Database, name: &str, documents: impl IntoIterator<Item = Document>) {
    db.collection::<Document>(name).insert_many(documents).await.unwrap_or_else(|error| panic!("{name:?}: {error}"));
}

async fn indexes(db: &Database) {
    let place = |i: i32| doc! { "type": "Point", "coordinates": [i % 90, i % 45] };
    let documents = (0..300).map(|i| {
        doc! { "_id": i, "a": i % 7, "b": format!("w{i} word"), "at": place(i), "flat": [i % 90, i % 45],
        "deep": { "x": i, "y": [i, i + 1] }, "tags": ["s", "t"] }
    });
    insert(db, "indexed", documents).await;
    let all = doc! { "createIndexes": "indexed", "indexes": [
        { "key": { "a": 1, "b": -1 }, "name": "compound" },
        { "key": { "tags": 1 }, "name": "multikey" },
        { "key": { "b": "text", "deep.z": "text" }, "name": "words", "weights": { "b": 5 }, "default_language": "german",
          "language_override": "lang", "textIndexVersion": 3 },
        { "key": { "at": "2dsphere" }, "name": "sphere", "2dsphereIndexVersion": 3 },
        { "key": { "flat": "2d" }, "name": "flat", "bits": 20, "min": -200.0, "max": 200.0 },
        { "key": { "a": "hashed" }, "name": "hashed" },
        { "key": { "deep.x": 1, "a": "hashed" }, "name": "compound hashed" },
        { "key": { "$**": 1 }, "name": "wild", "wildcardProjection": { "deep": 1, "tags": 1 } },
        { "key": { "deep.$**": 1 }, "name": "wild below" },
        { "key": { "a": 1 }, "name": "partial", "partialFilterExpression": { "a": { "$gt": 3 } } },
        { "key": { "gone": 1 }, "name": "sparse unique", "sparse": true, "unique": true },
        { "key": { "expires": 1 }, "name": "ttl", "expireAfterSeconds": 86_400 },
        { "key": { "b": 1 }, "name": "hidden", "hidden": true },
        { "key": { "b": 1 }, "name": "collated", "collation": { "locale": "sv", "strength": 1, "caseLevel": true } },
    ] };
    run(db, all).await;
}

async fn collections(db: &Database) {
    run(db, doc! { "create": "collated", "collation": { "locale": "de", "strength": 2 } }).await;
    insert(db, "collated", ["ä", "b", "Z"].map(|id| doc! { "_id": id })).await;
    let schema = doc! { "$jsonSchema": { "required": ["n"], "properties": { "n": { "bsonType": "int" } } } };
    run(
        db,
        doc! { "create": "strict", "validator": schema, "validationLevel": "moderate", "validationAction": "warn" },
    )
    .await;
    insert(db, "strict", [doc! { "_id": 1, "n": "no number, and only warned of" }]).await;
    run(db, doc! { "create": "ring", "capped": true, "size": 100_000, "max": 50 }).await;
    insert(db, "ring", (0..80).map(|i| doc! { "_id": (i * 37) % 101, "n": i })).await;
    let series = doc! { "timeField": "t", "metaField": "m", "granularity": "minutes" };
    run(db, doc! { "create": "heat", "timeseries": series, "expireAfterSeconds": 1_000_000_000_i64 }).await;
    insert(db, "heat", (0..90).map(|i| doc! { "t": bson::DateTime::from_millis(i * 61_000), "m": i % 4, "v": i }))
        .await;
    run(db, doc! { "createIndexes": "heat", "indexes": [{ "key": { "m": 1, "t": -1 }, "name": "m_t" }] }).await;
    let key = doc! { "key": { "_id": 1 }, "unique": true, "name": "by id" };
    run(db, doc! { "create": "clustered", "clusteredIndex": key, "expireAfterSeconds": 1_000_000_000_i64 }).await;
    insert(db, "clustered", (0..20).map(|i| doc! { "_id": bson::DateTime::from_millis(4_000_000_000_000 + i) })).await;
    let images = doc! { "create": "images", "changeStreamPreAndPostImages": { "enabled": true } };
    run(db, images).await;
    run(db, doc! { "create": "empty" }).await;
    run(db, doc! { "create": "a view of heat", "viewOn": "heat", "pipeline": [] }).await;
    run(db, doc! { "create": "view", "viewOn": "indexed", "pipeline": [{ "$match": { "a": 1 } }] }).await;
    run(db, doc! { "create": "view of the view", "viewOn": "view", "pipeline": [{ "$project": { "b": 1 } }] }).await;
    let collation = doc! { "locale": "fr" };
    run(db, doc! { "create": "a view in French", "viewOn": "empty", "pipeline": [], "collation": collation }).await;
    insert(db, "large", [doc! { "_id": 1, "x": "x".repeat(16 * 1024 * 1024 - 64) }]).await;
    insert(db, "system.js", [doc! { "_id": "twice", "value": bson::Bson::JavaScriptCode("x => 2 * x".to_string()) }])
        .await;
    let long = "l".repeat(255 - DB.len() - 1);
    for name in ["new\nline", "100 % \t of it", "ünï/cödé \u{1F6A2}", "dots.and..dots", "=1+1", "<script>", &long] {
        insert(db, name, [doc! { "_id": name, "": 1, "$set": 2, "a.b": 3 }]).await;
    }
}

/// Documents in natural order, where that is a part of what they are.
async fn ring(client: &Client) -> Vec<Document> {
    let found = client.database(DB).collection::<Document>("ring").find(doc! {}).await.expect("finds");
    found.try_collect().await.expect("reads")
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_a_database_can_hold_comes_back_through_a_directory_byte_for_byte() {
    let (from_server, to_server) = tokio::join!(private_mongo(), private_mongo());
    let from = client::connect(&from_server.uri).await.expect("connects");
    let to = client::connect(&to_server.uri).await.expect("connects");
    collections(&from.database(DB)).await;
    indexes(&from.database(DB)).await;
    let folder = tempfile::tempdir().expect("a folder");
    let store = plimsoll::store::open(&folder.path().to_string_lossy(), &S3Options::default()).await.expect("opens");
    let source = Source::new(from.clone());
    let manifest = back_up(&source, &store, &[]).await;
    assert_eq!(manifest.consistency, Consistency::Oplog, "a capped collection is among them");

    let wanted = RestoreRequest { asset: ASSET.to_string(), target: RestoreTo::Newest };
    let plan = plan::make(store.as_ref(), &wanted).await.expect("a plan");
    let (target, options) = (Target::new(to.clone()), RestoreOptions::default());
    restore::run(&plan, store.clone(), &target, &SystemClock, &Silent, &options).await.expect("restores");
    let (before, after) = (state(&source, &[DB], None).await, state(&Source::new(to.clone()), &[DB], None).await);
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (name, held) in &after {
        assert_eq!(held, &before[name], "{name:?}");
    }
    assert_eq!(before[&format!("{DB}.indexed")].2.len(), 15, "an index of each kind, and that of `_id`");
    assert!(ring(&to).await == ring(&from).await, "another order");
    let counts: BTreeMap<&String, u64> = after.iter().map(|(name, (tally, ..))| (name, tally.documents)).collect();
    assert_eq!(counts.len(), 21, "{counts:?}");

    to.database(DB).drop().await.expect("drops");
    let wanted = DrillRequest {
        asset: ASSET.to_string(),
        what: Practised::Point(RestoreTo::Newest),
        before: Vec::new(),
        expectations: Expectations::default(),
    };
    let drill = drill::run(store, &target, &SystemClock, &Silent, &wanted).await.expect("a drill");
    assert!(drill.passed(), "{:?}", drill.outcome);
}
