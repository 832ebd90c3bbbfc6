//! Plimsoll and the stock tools read each other's dumps, and what comes back is equal: by the server's own hash of every
//! collection, and by the listing of options and indexes.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bson::{Bson, DateTime, Document, Timestamp, doc};
use mongodb::Client;
use plimsoll::base::Compression;
use plimsoll::clock::SystemClock;
use plimsoll::engine::content::Tally;
use plimsoll::engine::event::Silent;
use plimsoll::engine::plan::{self, RestorePlan, RestoreRequest, RestoreTo};
use plimsoll::engine::restore::{self, RestoreOptions};
use plimsoll::engine::{download, foreign};
use plimsoll::mongo::{Source, Target, client};
use plimsoll::port::{MongoSource, ObjectStore};
use plimsoll::repository::SnapshotName;
use plimsoll::store::directory::DirectoryStore;

use super::peers::peers;
use super::restore::{DATABASES, busy_history, docs, fill, run};
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

/// Restores a dump of another tool, found at `url`.
async fn restore_from(url: &str, to: &Client) -> plimsoll::base::Result<RestorePlan> {
    let s3 = super::servers::s3().await.options();
    let (store, name) = plimsoll::store::locate(url, &s3).await?;
    let plan = foreign::plan(store.as_ref(), &name, &Silent).await?;
    let target = Target::new(to.clone());
    restore::run(&plan, store, &target, &SystemClock, &Silent, &RestoreOptions::default()).await?;
    Ok(plan)
}

/// A source with everything in it, capped collections too.
async fn full_source() -> (plimsoll::lab::server::MongoServer, Client) {
    let server = private_mongo().await;
    let client = client::connect(&server.uri).await.expect("connects");
    fill(&client, DB).await;
    fill_indexes(&client).await;
    let db = client.database(DB);
    run(&db, doc! { "create": "capped", "capped": true, "size": 1 << 20, "max": 5000 }).await;
    db.collection::<Document>("capped").insert_many(docs(0..4000)).await.expect("capped");
    (server, client)
}

/// Whether both hold the capped documents in the same order.
async fn assert_same_order(from: &Client, to: &Client) {
    use futures_util::TryStreamExt;
    let ids = async |client: &Client| {
        let capped = client.database(DB).collection::<Document>("capped");
        let all: Vec<Document> = capped.find(doc! {}).await.expect("finds").try_collect().await.expect("reads");
        all.iter().map(|d| d.get_i32("_id").expect("a number")).collect::<Vec<_>>()
    };
    assert_eq!(ids(from).await, ids(to).await);
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

#[tokio::test(flavor = "multi_thread")]
async fn a_stock_dump_of_every_form_comes_back_equal() {
    let Some(peers) = peers("a_stock_dump_of_every_form_comes_back_equal") else { return };
    let (from_server, from) = full_source().await;
    let to_server = private_mongo().await;
    let to = client::connect(&to_server.uri).await.expect("connects");
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_string();
    let forms: [(&str, &[&str]); 4] = [
        ("plain", &["--out"]),
        ("gzip", &["--gzip", "--out"]),
        ("archive", &["--archive"]),
        ("archive.gz", &["--gzip", "--archive"]),
    ];
    for (name, flags) in forms {
        let (last, flags) = flags.split_last().expect("a flag");
        peers.mongodump(&from_server.uri, &[flags, &[&format!("{last}={}", at(name))]].concat());
        let plan = restore_from(&at(name), &to).await;
        let plan = plan.unwrap_or_else(|fault| panic!("{name}: {}", plimsoll::engine::record::chain(&fault)));
        assert!(plan.describe().contains("found whole"), "{}", plan.describe());
        assert_equal(&from, &to, name).await;
        assert_same_order(&from, &to).await;
        to.database(DB).drop().await.expect("drops");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tarball_of_the_original_scripts_comes_back_equal_straight_from_s3() {
    let Some(peers) = peers("a_tarball_of_the_original_scripts_comes_back_equal_straight_from_s3") else { return };
    let (from_server, from) = full_source().await;
    let folder = tempfile::tempdir().expect("a folder");
    let stamp = folder.path().join("backups/2026-02-19_03-00");
    peers.mongodump(&from_server.uri, &["--gzip", &format!("--db={DB}"), &format!("--out={}", path(&stamp))]);
    std::fs::create_dir_all(stamp.join("uploads/img")).expect("a folder");
    std::fs::write(stamp.join("uploads/img/1.bson"), "no document at all").expect("an upload");
    let tarball = folder.path().join("2026-02-19_03-00.tar.gz");
    let tar = std::process::Command::new("tar");
    let made = { tar }.arg("-czf").arg(&tarball).arg("-C").arg(folder.path()).arg("backups").status();
    assert!(made.expect("tar is part of every Linux").success());

    let bucket = super::servers::bucket("scripts").await;
    let s3 = super::servers::s3().await.options();
    let store = plimsoll::store::open(&format!("s3://{bucket}"), &s3).await.expect("a store");
    store.put("2026-02-19_03-00.tar.gz", std::fs::read(&tarball).expect("reads").into()).await.expect("puts");
    let to_server = private_mongo().await;
    let to = client::connect(&to_server.uri).await.expect("connects");
    for url in [format!("s3://{bucket}/2026-02-19_03-00.tar.gz"), path(&tarball).to_string()] {
        let plan = restore_from(&url, &to).await;
        let plan = plan.unwrap_or_else(|fault| panic!("{}", plimsoll::engine::record::chain(&fault)));
        assert_eq!(plan.foreign.as_ref().map(|foreign| foreign.uploads), Some(1));
        assert_equal(&from, &to, &url).await;
        assert_same_order(&from, &to).await;
        to.database(DB).drop().await.expect("drops");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_mongorestore_reads_a_download_of_whatever_compression() {
    let Some(peers) = peers("stock_mongorestore_reads_a_download_of_whatever_compression") else { return };
    let from_server = private_mongo().await;
    let from = client::connect(&from_server.uri).await.expect("connects");
    fill(&from, DB).await;
    fill_indexes(&from).await;
    without_empty_timestamps(&from).await;
    let to_server = private_mongo().await;
    let to = client::connect(&to_server.uri).await.expect("connects");
    for (compression, flags) in [("gzip", &["--gzip"][..]), ("zstd:1", &[]), ("none", &[])] {
        let folder = tempfile::tempdir().expect("a folder");
        let store: Arc<dyn ObjectStore> = Arc::new(DirectoryStore::new(folder.path().join("repository")));
        plimsoll::repository::open(Arc::clone(&store), &SystemClock).await.expect("a repository");
        back_up_as(compression.parse().expect("a compression"), &Source::new(from.clone()), &store, &[DB]).await;
        let out = folder.path().join("out/dump");
        let plimsoll = |more: &[&str]| {
            let repository = folder.path().join("repository");
            let arguments = ["restore", "--asset", ASSET, "--repo", path(&repository), "--download", path(&out)];
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_plimsoll"));
            let output = command.args(arguments).args(more).output().expect("plimsoll runs");
            let text = [output.stdout, output.stderr].concat();
            (output.status.code(), String::from_utf8_lossy(&text).into_owned())
        };
        let (status, said) = plimsoll(&[]);
        assert!(status == Some(0) && said.contains("--apply") && !out.exists(), "a plan writes nothing: {said}");
        let (status, said) = plimsoll(&["--apply"]);
        assert!(status == Some(0) && said.contains(&format!("mongorestore {}", flags.join(" "))), "{said}");
        let left: Vec<_> = std::fs::read_dir(folder.path().join("out")).expect("reads").flatten().collect();
        assert_eq!(left.len(), 1, "nothing beside the directory is left: {left:?}");
        let (status, said) = plimsoll(&["--apply"]);
        assert!(status == Some(1) && said.contains("holds something already"), "{said}");
        peers.mongorestore(&to_server.uri, &[flags, &["--bypassDocumentValidation", path(&out)]].concat());
        assert_equal(&from, &to, compression).await;
        to.database(DB).drop().await.expect("drops");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_mongorestore_replays_a_downloaded_log_to_the_instant_that_was_asked_for() {
    let Some(peers) = peers("stock_mongorestore_replays_a_downloaded_log_to_the_instant_that_was_asked_for") else {
        return;
    };
    let (from_server, to_server) = tokio::join!(private_mongo(), private_mongo());
    let from = client::connect(&from_server.uri).await.expect("connects");
    let to = client::connect(&to_server.uri).await.expect("connects");
    let (store, instants) = busy_history(from).await;
    for (nth, (at, expected)) in instants.iter().enumerate() {
        let request = RestoreRequest { asset: ASSET.to_string(), target: RestoreTo::At(*at) };
        let plan = plan::make(store.as_ref(), &request).await.expect("a plan");
        let folder = tempfile::tempdir().expect("a folder");
        let into = DirectoryStore::new(folder.path());
        let done = download::run(&plan, store.as_ref(), &into, &Silent).await;
        let done = done.unwrap_or_else(|fault| panic!("instant {nth}: {}", plimsoll::engine::record::chain(&fault)));
        assert!(done.entries.is_some_and(|entries| entries > 0), "{done:?}");
        peers.mongorestore(
            &to_server.uri,
            &[&done.flags[..], &["--bypassDocumentValidation", path(folder.path())]].concat(),
        );
        let held = state(&Source::new(to.clone()), &DATABASES, None).await;
        assert_eq!(held.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "instant {nth}");
        for (name, held) in held.iter().filter(|(name, _)| !name.contains("odd name")) {
            assert_eq!(held, &expected[name], "instant {nth}: {name}");
        }
        for db in DATABASES {
            to.database(db).drop().await.expect("drops");
        }
    }
}

/// What these collections hold, as of a cluster time.
async fn tallies(client: &Client, at: Option<plimsoll::base::OpTime>) -> Vec<(&'static str, Tally)> {
    use futures_util::TryStreamExt;
    let source = Source::new(client.clone());
    let mut tallies = Vec::new();
    for name in ["busy", "users", "places", "clustered", "strict", "system.buckets.measured"] {
        let batches: Vec<_> = source.documents(DB, name, at).await.expect("opens").try_collect().await.expect("reads");
        let mut tally = Tally::default();
        batches.iter().for_each(|batch| tally.merge(&Tally::of(batch).expect("documents")));
        tallies.push((name, tally));
    }
    tallies
}

/// Writes of every kind, until it is told to stop; the collections that it makes and drops are all named `temp`.
async fn load(client: Client, stop: tokio::sync::watch::Receiver<bool>) {
    let db = client.database(DB);
    let (busy, places) = (db.collection::<Document>("busy"), db.collection::<Document>("places"));
    busy.drop().await.expect("drops");
    busy.insert_many(docs(0..2_500)).await.expect("inserts");
    let mut session = client.start_session().await.expect("a session");
    for i in 0.. {
        if *stop.borrow() {
            return;
        }
        busy.insert_many(docs(10_000 + i * 20..10_020 + i * 20)).await.expect("inserts");
        let some = doc! { "n": { "$gte": i * 7 % 2_000, "$lt": i * 7 % 2_000 + 50 } };
        let update = doc! { "$inc": { "n": 0_i64, "seen": 1 }, "$push": { "tags": i } };
        busy.update_many(some, update).await.expect("updates");
        busy.delete_many(doc! { "_id": { "$in": [i, 10_000 + i * 20] } }).await.expect("deletes");
        let other = doc! { "again": i, "deep": { "x": i } };
        busy.replace_one(doc! { "_id": 2_400 - i % 300 }, other).upsert(true).await.expect("replaces");
        session.start_transaction().await.expect("begins");
        let set = doc! { "$set": { "deep.x": i } };
        places.update_one(doc! { "_id": i % 200 }, set).session(&mut session).await.expect("sets");
        busy.insert_one(doc! { "_id": format!("of {i}") }).session(&mut session).await.expect("inserts");
        session.commit_transaction().await.expect("commits");
        let temp = db.collection::<Document>(&format!("temp {}", i % 3));
        temp.insert_many(docs(i * 5..i * 5 + 5)).await.expect("makes");
        if i % 2 == 1 {
            temp.drop().await.expect("drops");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stock_dump_made_under_load_comes_back_of_one_instant_by_its_own_log() {
    let Some(peers) = peers("a_stock_dump_made_under_load_comes_back_of_one_instant_by_its_own_log") else { return };
    let (from_server, from) = full_source().await;
    let to_server = private_mongo().await;
    let to = client::connect(&to_server.uri).await.expect("connects");
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_string();
    for (name, flags) in [
        ("plain", &["--out"][..]),
        ("gzip", &["--gzip", "--out"]),
        ("archive", &["--archive"]),
        ("archive.gz", &["--gzip", "--archive"]),
    ] {
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let loading = tokio::spawn(load(from.clone(), stopped));
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let (last, flags) = flags.split_last().expect("a flag");
        let (uri, out) = (from_server.uri.clone(), format!("{last}={}", at(name)));
        let (peers, flags) = (peers.clone(), flags.to_vec());
        let dump = move || peers.mongodump(&uri, &[&["--oplog"], &flags[..], &[&out]].concat());
        tokio::task::spawn_blocking(dump).await.expect("dumps");
        let plan = restore_from(&at(name), &to).await;
        let plan = plan.unwrap_or_else(|fault| panic!("{name}: {}", plimsoll::engine::record::chain(&fault)));
        let log = plan.foreign.as_ref().and_then(|foreign| foreign.log).expect("a log");
        assert!(log.entries > 10, "it was made under load: {log:?}");
        let expected = tallies(&from, Some(log.last)).await;
        stop.send(true).expect("it runs");
        loading.await.expect("the load");
        assert_eq!(tallies(&to, None).await, expected, "{name}");
        to.database(DB).drop().await.expect("drops");
    }
}
