//! Plimsoll and the stock tools read each other's dumps, and what comes back is equal: by the server's own hash of every
//! collection, and by the listing of options and indexes.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bson::{Bson, DateTime, Document, Timestamp, doc};
use mongodb::Client;
use plimsoll::base::Compression;
use plimsoll::mongo::{Source, client};
use plimsoll::port::ObjectStore;
use plimsoll::repository::SnapshotName;
use plimsoll::store::directory::DirectoryStore;

use super::peers::peers;
use super::restore::{fill, run};
use super::restored::{ASSET, back_up_as, state};
use super::servers::private_mongo;

const DB: &str = "shop";

/// Beside what [`fill`] makes: every kind of index that a server has.
async fn fill_indexes(client: &Client) {
    let db = client.database(DB);
    let places = (0..200).map(|i| {
        doc! { "_id": i, "at": [f64::from(i % 90), f64::from(i % 45)], "flat": [i % 100, i % 50], "name": format!("Ö{i}"),
        "tags": ["a", "b"], "deep": { "x": i }, "seen": DateTime::from_millis(i64::from(i) * 1_000_000_000_000) }
    });
    db.collection::<Document>("places").insert_many(places).await.expect("places");
    run(
        &db,
        doc! { "createIndexes": "places", "indexes": [
            { "key": { "at": "2dsphere" }, "name": "sphere", "2dsphereIndexVersion": 3 },
            { "key": { "flat": "2d" }, "name": "flat", "bits": 20, "min": -500.0, "max": 500.0 },
            { "key": { "$**": 1 }, "name": "wild", "wildcardProjection": { "deep": 1 } },
            { "key": { "name": 1, "deep.x": -1 }, "name": "part", "partialFilterExpression": { "deep.x": { "$gt": 10 } } },
            { "key": { "missing": 1 }, "name": "sparse", "sparse": true, "unique": true },
            { "key": { "name": 1 }, "name": "folded", "collation": { "locale": "de", "strength": 1 } },
            { "key": { "tags": 1 }, "name": "hidden", "hidden": true },
            { "key": { "name": "text", "tags": "text" }, "name": "words", "weights": { "name": 5 }, "default_language": "german" },
        ] },
    )
    .await;
    run(
        &db,
        doc! { "create": "folded view", "viewOn": "places", "pipeline": [{ "$match": { "deep.x": { "$lt": 5 } } }],
        "collation": { "locale": "sv" } },
    )
    .await;
    db.collection::<Document>(&("x".repeat(200) + "/%\n"))
        .insert_one(doc! { "_id": 1 })
        .await
        .expect("a long odd name");
}

/// The server's own hash of each collection.
async fn hashes(client: &Client) -> BTreeMap<String, String> {
    let reply = client.database(DB).run_command(doc! { "dbHash": 1 }).await.expect("dbHash");
    let collections = reply.get_document("collections").expect("collections");
    collections.iter().map(|(name, hash)| (name.clone(), hash.to_string())).collect()
}

async fn assert_equal(from: &Client, to: &Client, story: &str) {
    let (from_hashes, to_hashes) = (hashes(from).await, hashes(to).await);
    assert!(from_hashes.len() > 8, "{from_hashes:?}");
    assert_eq!(from_hashes, to_hashes, "{story}: dbHash");
    let listed = async |client: &Client| state(&Source::new(client.clone()), &[DB], None).await;
    let (expected, held) = (listed(from).await, listed(to).await);
    assert_eq!(expected.keys().collect::<Vec<_>>(), held.keys().collect::<Vec<_>>(), "{story}");
    for (name, expected) in &expected {
        assert_eq!(expected, &held[name], "{story}: {name}");
    }
}

/// Stock inserts replace an empty timestamp at the top of a document by the server's time, on every server before 8.0.
async fn without_empty_timestamps(client: &Client) {
    let all = client.database(DB).collection::<Document>("odd name % \n ä");
    let empty = Bson::Timestamp(Timestamp { time: 0, increment: 0 });
    assert_eq!(all.delete_many(doc! { "t": empty }).await.expect("deletes").deleted_count, 1);
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_mongorestore_reads_a_snapshot_equal_to_its_source() {
    let Some(peers) = peers("stock_mongorestore_reads_a_snapshot_equal_to_its_source") else { return };
    let from_server = private_mongo().await;
    let from = client::connect(&from_server.uri).await.expect("connects");
    fill(&from, DB).await;
    fill_indexes(&from).await;
    without_empty_timestamps(&from).await;
    for (compression, flags) in [(Compression::default(), &["--gzip"][..]), (Compression::Plain, &[])] {
        let folder = tempfile::tempdir().expect("a folder");
        let store: Arc<dyn ObjectStore> = Arc::new(DirectoryStore::new(folder.path()));
        let manifest = back_up_as(compression, &Source::new(from.clone()), &store, &[DB]).await;
        let prefix = SnapshotName::new(ASSET, &manifest.id).expect("a name").prefix();
        let dump = folder.path().join(prefix).join("dump");
        let to_server = private_mongo().await;
        peers.mongorestore(&to_server.uri, &[flags, &["--bypassDocumentValidation", path(&dump)]].concat());
        let to = client::connect(&to_server.uri).await.expect("connects");
        assert_equal(&from, &to, &format!("{compression:?}")).await;
    }
}
