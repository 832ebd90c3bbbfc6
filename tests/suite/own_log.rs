//! Backups that are read plainly and made of one instant by the log of their own time: on servers that keep no snapshot
//! for long enough, and for capped collections. What comes back is the state of one instant all the same.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bson::{Document, doc};
use futures_util::TryStreamExt;
use mongodb::Client;
use plimsoll::base::{FaultKind, OpTime, Result};
use plimsoll::clock::SystemClock;
use plimsoll::engine::backup::{self, BackupRequest};
use plimsoll::engine::download;
use plimsoll::engine::drill::{self, DrillRequest, Practised};
use plimsoll::engine::dump::Wanted;
use plimsoll::engine::event::Silent;
use plimsoll::engine::expectation::Expectations;
use plimsoll::engine::plan::{self, RestoreRequest, RestoreTo};
use plimsoll::engine::restore::{self, RestoreOptions, Restored};
use plimsoll::lab::server::{MongoOptions, MongoServer};
use plimsoll::mongo::{Source, Target, client};
use plimsoll::policy::Consistency;
use plimsoll::port::{MongoSource, ObjectStore};
use plimsoll::repository::Manifest;
use plimsoll::store::S3Options;
use plimsoll::store::memory::MemoryStore;

use super::peers::peers;
use super::restored::{ASSET, begin_capture, state};
use super::servers::{self, private_mongo};
use super::stage::{Heard, Meddled, Moment};

fn memory() -> Arc<dyn ObjectStore> {
    Arc::new(MemoryStore::new())
}

fn request(db: &str, with_log: bool) -> BackupRequest {
    let wanted = Wanted { databases: vec![db.to_string()], ..Wanted::default() };
    BackupRequest { asset: ASSET.to_string(), wanted, with_log, ..BackupRequest::default() }
}

async fn back_up(source: &dyn MongoSource, store: &Arc<dyn ObjectStore>, request: &BackupRequest) -> Result<Manifest> {
    backup::run(source, Arc::clone(store), &SystemClock, &Silent, request).await
}

async fn connected(server: &MongoServer) -> Client {
    client::connect(&server.uri).await.expect("connects")
}

async fn restore(store: &Arc<dyn ObjectStore>, to: &Client, wanted: RestoreTo) -> Result<Restored> {
    let plan =
        plan::make(store.as_ref(), &RestoreRequest { asset: ASSET.to_string(), target: wanted }).await.expect("a plan");
    let (target, options) = (Target::new(to.clone()), RestoreOptions { replace: true, ..RestoreOptions::default() });
    restore::run(&plan, Arc::clone(store), &target, &SystemClock, &Silent, &options).await
}

async fn all(client: &Client, db: &str, collection: &str) -> Vec<Document> {
    let found = client.database(db).collection::<Document>(collection).find(doc! {}).await.expect("finds");
    found.try_collect().await.expect("reads")
}

async fn run(client: &Client, db: &str, command: Document) {
    let what = command.to_string();
    client.database(db).run_command(command).await.unwrap_or_else(|error| panic!("{what}: {error}"));
}

const ACCOUNTS: i64 = 4_000;
const OPENED_WITH: i64 = 1_000;
const BANK: &str = "bank";

async fn open_bank(client: &Client) {
    let opened = (0..ACCOUNTS).map(|i| doc! { "_id": i, "money": OPENED_WITH, "note": "n".repeat(3_000) });
    client.database(BANK).collection::<Document>("accounts").insert_many(opened).await.expect("opens");
    client.database(BANK).create_collection("journal").await.expect("makes");
}

/// Moves money between accounts from both ends of the collection, each move a transaction with its line in the journal.
async fn move_money(client: Client, mine: i64, done: Arc<AtomicBool>) {
    let bank = client.database(BANK);
    let (accounts, journal) = (bank.collection::<Document>("accounts"), bank.collection::<Document>("journal"));
    let mut moved = 0;
    while !done.load(Ordering::Relaxed) {
        let (from, to) = (mine + 2 * (moved % 500), ACCOUNTS - 2 + mine - 2 * (moved % 700));
        let mut session = client.start_session().await.expect("a session");
        session.start_transaction().await.expect("begins");
        for (account, by) in [(from, -3), (to, 3)] {
            let update = accounts.update_one(doc! { "_id": account }, doc! { "$inc": { "money": by } });
            update.session(&mut session).await.expect("moves");
        }
        journal.insert_one(doc! { "from": from, "to": to }).session(&mut session).await.expect("notes");
        session.commit_transaction().await.expect("commits");
        moved += 1;
    }
}

/// Every account holds what the journal says, to the last move: then both are of one instant.
async fn assert_balanced(client: &Client) -> usize {
    let journal = all(client, BANK, "journal").await;
    let mut expected: BTreeMap<i64, i64> = (0..ACCOUNTS).map(|i| (i, OPENED_WITH)).collect();
    for line in &journal {
        *expected.get_mut(&line.get_i64("from").unwrap()).unwrap() -= 3;
        *expected.get_mut(&line.get_i64("to").unwrap()).unwrap() += 3;
    }
    let accounts = all(client, BANK, "accounts").await;
    let held: BTreeMap<i64, i64> =
        accounts.iter().map(|a| (a.get_i64("_id").unwrap(), a.get_i64("money").unwrap())).collect();
    assert_eq!(held.values().sum::<i64>(), ACCOUNTS * OPENED_WITH, "money was made or lost");
    assert!(held == expected, "accounts and journal are not of one instant");
    journal.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_snapshot_is_kept_money_is_neither_made_nor_lost_all_the_same() {
    let (from_server, to_server) = tokio::join!(private_mongo(), private_mongo());
    let (from, to) = (connected(&from_server).await, connected(&to_server).await);
    run(&from, "admin", doc! { "setParameter": 1, "minSnapshotHistoryWindowInSeconds": 0 }).await;
    open_bank(&from).await;
    let done = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..2).map(|mine| tokio::spawn(move_money(from.clone(), mine, done.clone()))).collect();
    // The first batch is read, and time passes before the next.
    let source = Meddled::new(Source::new(from.clone()), Moment::Read, || tokio::time::sleep(Duration::from_secs(3)));
    let (store, heard) = (memory(), Heard::default());
    let request = request(BANK, false);
    let manifest = backup::run(&source, Arc::clone(&store), &SystemClock, &heard, &request).await.expect("a backup");
    tokio::time::sleep(Duration::from_millis(300)).await;
    done.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.expect("writes");
    }
    assert_eq!(manifest.consistency, Consistency::Oplog, "{:?}", heard.warnings());
    assert!(heard.warnings().iter().any(|w| w.contains("consistency oplog")), "{:?}", heard.warnings());
    let own = manifest.own_log.as_ref().expect("its log");
    assert!(own.entries > 0 && own.first < manifest.cluster_time.expect("a time"), "{own:?}");

    let restored = restore(&store, &to, RestoreTo::Newest).await.expect("restores");
    assert_eq!(restored.until, manifest.cluster_time);
    let moved = assert_balanced(&to).await;
    assert!(moved > 0 && moved < assert_balanced(&from).await, "the writers stood still");
}

/// What may happen to a database while it is read.
async fn meddle(client: Client) {
    let db = client.database("busy");
    let things = db.collection::<Document>("things");
    things.insert_many((0..50).map(|i| doc! { "_id": 10_000 + i, "n": i })).await.expect("inserts");
    things.update_many(doc! { "_id": { "$lt": 500 } }, doc! { "$set": { "n": -1 } }).await.expect("updates");
    // Gone when the reader comes there, but changed and moved before: the log speaks of documents that no dump holds.
    things.update_many(doc! { "_id": { "$gte": 3_900 } }, doc! { "$inc": { "n": 7 } }).await.expect("updates");
    things.delete_many(doc! { "_id": { "$gte": 3_900, "$lt": 4_000 } }).await.expect("deletes");
    things.replace_one(doc! { "_id": 3 }, doc! { "replaced": true }).await.expect("replaces");
    run(&client, "busy", doc! { "createIndexes": "things", "indexes": [{ "key": { "n": 1 }, "name": "n" }] }).await;
    run(&client, "busy", doc! { "dropIndexes": "things", "index": "old" }).await;
    run(&client, "busy", doc! { "create": "late", "collation": { "locale": "fr" } }).await;
    db.collection::<Document>("late").insert_many((0..20).map(|i| doc! { "_id": i })).await.expect("inserts");
    db.collection::<Document>("short").insert_one(doc! { "_id": 1 }).await.expect("inserts");
    db.collection::<Document>("short").drop().await.expect("drops");
    run(&client, "busy", doc! { "create": "view", "viewOn": "things", "pipeline": [] }).await;
    run(&client, "busy", doc! { "collMod": "strict", "validator": { "n": { "$gte": 5 } } }).await;
    run(&client, "busy", doc! { "create": "staging" }).await;
    db.collection::<Document>("staging").insert_many((0..30).map(|i| doc! { "_id": i, "n": i })).await.expect("fills");
    run(&client, "busy", doc! { "createIndexes": "staging", "indexes": [{ "key": { "n": 1 }, "name": "n" }] }).await;
    let rename = doc! { "renameCollection": "busy.staging", "to": "busy.swapped", "dropTarget": true };
    run(&client, "admin", rename).await;
    let mut session = client.start_session().await.expect("a session");
    session.start_transaction().await.expect("begins");
    for i in 0..3 {
        let big = doc! { "_id": format!("big {i}"), "x": "x".repeat(7_000_000) };
        things.insert_one(big).session(&mut session).await.expect("inserts");
    }
    session.commit_transaction().await.expect("commits");
}

async fn fill_busy(client: &Client) {
    let db = client.database("busy");
    let many = (0..4_000).map(|i| doc! { "_id": i, "n": i, "x": "x".repeat(3_000) });
    db.collection::<Document>("things").insert_many(many).await.expect("inserts");
    run(client, "busy", doc! { "createIndexes": "things", "indexes": [{ "key": { "x": 1 }, "name": "old" }] }).await;
    db.collection::<Document>("quiet").insert_many((0..10).map(|i| doc! { "_id": i })).await.expect("inserts");
    run(client, "busy", doc! { "create": "strict", "validator": { "n": { "$gte": 0 } } }).await;
    db.collection::<Document>("swapped").insert_many((0..3).map(|i| doc! { "_id": -i })).await.expect("inserts");
    run(client, "busy", doc! { "create": "heat", "timeseries": { "timeField": "t", "metaField": "m" } }).await;
    let heat = (0..50).map(|i| doc! { "t": bson::DateTime::from_millis(1_000 * i), "m": i % 3, "v": i });
    db.collection::<Document>("heat").insert_many(heat).await.expect("inserts");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_every_kind_while_it_is_read_come_back_as_of_the_last_instant_and_any_later_one() {
    let (from_server, to_server) = tokio::join!(private_mongo(), private_mongo());
    let (from, to) = (connected(&from_server).await, connected(&to_server).await);
    fill_busy(&from).await;
    let (store, plain) = (memory(), Source::new(from.clone()));
    let capture = begin_capture(&plain, &store);
    let (during, other) = (from.clone(), from.clone());
    let source = Meddled::new(plain.clone(), Moment::Read, move || meddle(during.clone()));
    // Begun before the reading, committed after it: it is no part of the point, and a part of what follows.
    let mut spanning = other.start_session().await.expect("a session");
    spanning.start_transaction().await.expect("begins");
    let quiet = other.database("busy").collection::<Document>("quiet");
    quiet.insert_one(doc! { "_id": "spanning" }).session(&mut spanning).await.expect("inserts");
    let manifest = back_up(&source, &store, &request("busy", true)).await.expect("a backup");
    let point = state(&plain, &["busy"], manifest.cluster_time).await;
    spanning.commit_transaction().await.expect("commits");
    let things = other.database("busy").collection::<Document>("things");
    things.delete_many(doc! { "_id": { "$gte": 100, "$lt": 200 } }).await.expect("deletes");
    let later_at = plain.cluster_time().await.expect("a time");
    let later = state(&plain, &["busy"], Some(later_at)).await;
    capture.end().await;

    assert_eq!(manifest.consistency, Consistency::Oplog);
    let restored = restore(&store, &to, RestoreTo::Newest).await.expect("restores");
    assert!(restored.operations > 0);
    let target = Source::new(to.clone());
    assert_same(&state(&target, &["busy"], None).await, &point);
    restore(&store, &to, RestoreTo::At(later_at)).await.expect("restores");
    assert_same(&state(&target, &["busy"], None).await, &later);
    assert!(later["busy.things"].0 != point["busy.things"].0);

    to.database("busy").drop().await.expect("drops");
    let wanted = DrillRequest {
        asset: ASSET.to_string(),
        what: Practised::Point(RestoreTo::Newest),
        before: Vec::new(),
        expectations: Expectations::default(),
    };
    let drill = drill::run(store, &Target::new(to), &SystemClock, &Silent, &wanted).await.expect("a drill");
    assert!(drill.passed(), "{:?}", drill.outcome);
    let counts = drill.checks.iter().find(|check| check.name == "counts").expect("counts");
    // A count that cannot be known is told, and so are those that can.
    assert!(counts.detail.contains("not known") && counts.detail.contains("`busy.things`"), "{counts:?}");
    assert!(!counts.detail.contains("`busy.late`"), "made by the log alone, and counted: {counts:?}");
}

fn assert_same(held: &super::restored::State, expected: &super::restored::State) {
    assert_eq!(held.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, held) in held {
        assert_eq!(held, &expected[name], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capped_collection_that_is_written_to_comes_back_in_its_natural_order() {
    let (from_server, to_server) = tokio::join!(private_mongo(), private_mongo());
    let (from, to) = (connected(&from_server).await, connected(&to_server).await);
    run(&from, "rings", doc! { "create": "ring", "capped": true, "size": 1_000_000, "max": 200 }).await;
    let ring = from.database("rings").collection::<Document>("ring");
    // No order of ids: natural order alone tells which came first.
    let document = |i: i64| doc! { "_id": (i * 7_919) % 10_007, "n": i, "x": "x".repeat(100) };
    ring.insert_many((0..300).map(document)).await.expect("inserts");
    let during = ring.clone();
    let source = Meddled::new(Source::new(from.clone()), Moment::Read, move || {
        let ring = during.clone();
        async move { drop(ring.insert_many((300..450).map(document)).await.expect("inserts")) }
    });
    let store = memory();
    let manifest = back_up(&source, &store, &request("rings", false)).await.expect("a backup");
    assert_eq!(manifest.consistency, Consistency::Oplog, "this server reads no capped collection at an instant");
    restore(&store, &to, RestoreTo::Newest).await.expect("restores");
    let held = all(&to, "rings", "ring").await;
    assert_eq!(held.len(), 200);
    assert!(held == all(&from, "rings", "ring").await, "another content, or another order");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oplog_that_rolls_over_while_the_backup_runs_fails_it_with_what_to_do() {
    let options = MongoOptions { oplog_mib: Some(16), ..MongoOptions::default() };
    let server = MongoServer::start(&servers::mongod(), &servers::guard(), &options).await.expect("mongod starts");
    let client = connected(&server).await;
    client.database("small").collection::<Document>("things").insert_one(doc! { "_id": 1 }).await.expect("inserts");
    let writer = client.clone();
    let source = Meddled::new(Source::new(client), Moment::Read, move || overwrite_the_oplog(writer.clone()));
    let store = memory();
    let fault = back_up(&source, &store, &request("small", true)).await.expect_err("the log is gone");
    assert_eq!(fault.kind, FaultKind::Exhausted, "{fault:?}");
    assert!(fault.to_string().contains("no longer holds"), "{fault}");
    assert!(fault.help.is_some_and(|help| help.contains("replSetResizeOplog")));
    assert_eq!(store.list("snapshots/").await.expect("lists"), []);
}

/// Writes until the oldest entry is another one; the server truncates its oplog in the background.
async fn overwrite_the_oplog(client: Client) {
    let source = Source::new(client.clone());
    let began: OpTime = source.cluster_time().await.expect("a time");
    let noise = client.database("noise").collection::<Document>("noise");
    for round in 0..200 {
        noise.insert_many((0..4).map(|i| doc! { "x": format!("{round}{i}").repeat(300_000) })).await.expect("inserts");
        if source.oplog_first().await.expect("an entry") > began {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the oplog does not roll over");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_dump_of_one_database_holds_nothing_of_the_others_not_even_of_their_shared_transactions() {
    let server = private_mongo().await;
    let client = connected(&server).await;
    for db in ["mine", "theirs"] {
        client.database(db).collection::<Document>("things").insert_one(doc! { "_id": 0 }).await.expect("inserts");
    }
    let writer = client.clone();
    let source = Meddled::new(Source::new(client), Moment::Read, move || {
        let client = writer.clone();
        async move {
            let mut session = client.start_session().await.expect("a session");
            session.start_transaction().await.expect("begins");
            for (db, word) in [("mine", "kept-word"), ("theirs", "secret-word")] {
                let things = client.database(db).collection::<Document>("things");
                things.insert_one(doc! { "word": word }).session(&mut session).await.expect("inserts");
            }
            session.commit_transaction().await.expect("commits");
        }
    });
    let store = memory();
    let manifest = back_up(&source, &store, &request("mine", true)).await.expect("a backup");
    let own = manifest.own_log.expect("its log");
    let body = store.get(&own.key).await.expect("the log");
    let mut raw = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(body.as_ref()), &mut raw).expect("unpacks");
    let has = |word: &str| raw.windows(word.len()).any(|window| window == word.as_bytes());
    assert!(has("kept-word") && !has("secret-word"));
    assert_eq!(own.entries, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_mongorestore_replays_the_log_of_a_backup_to_the_same_end() {
    let Some(peers) = peers("stock_mongorestore_replays_the_log_of_a_backup_to_the_same_end") else { return };
    let (from_server, to_server) = tokio::join!(private_mongo(), private_mongo());
    let (from, to) = (connected(&from_server).await, connected(&to_server).await);
    fill_busy(&from).await;
    let during = from.clone();
    let source = Meddled::new(Source::new(from.clone()), Moment::Read, move || meddle(during.clone()));
    let folder = tempfile::tempdir().expect("a folder");
    let store = plimsoll::store::open(&folder.path().to_string_lossy(), &S3Options::default()).await.expect("opens");
    let manifest = back_up(&source, &store, &request("busy", true)).await.expect("a backup");
    let expected = state(&Source::new(from), &["busy"], manifest.cluster_time).await;
    let dump = folder.path().join("snapshots").join(ASSET).join(&manifest.id).join("dump");
    peers.mongorestore(&to_server.uri, &["--gzip", "--oplogReplay", &dump.to_string_lossy()]);
    assert_same(&state(&Source::new(to.clone()), &["busy"], None).await, &expected);

    // Downloaded, with the log up to a later instant beside it, it is one dump with one log.
    let wanted = RestoreRequest { asset: ASSET.to_string(), target: RestoreTo::Newest };
    let plan = plan::make(store.as_ref(), &wanted).await.expect("a plan");
    let into = tempfile::tempdir().expect("a folder");
    let files = plimsoll::store::open(&into.path().to_string_lossy(), &S3Options::default()).await.expect("opens");
    let written = download::run(&plan, store.as_ref(), files.as_ref(), &Silent).await.expect("downloads");
    assert_eq!(written.entries, manifest.own_log.map(|log| log.entries));
    to.database("busy").drop().await.expect("drops");
    let directory = into.path().to_string_lossy();
    let arguments = [&written.flags[..], &[&directory]].concat();
    peers.mongorestore(&to_server.uri, &arguments);
    assert_same(&state(&Source::new(to), &["busy"], None).await, &expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_excluded_is_left_out_of_the_log_too_and_never_comes_back_by_half() {
    let (from_server, to_server) = tokio::join!(private_mongo(), private_mongo());
    let (from, to) = (connected(&from_server).await, connected(&to_server).await);
    let db = from.database("part");
    for name in ["kept", "out"] {
        db.collection::<Document>(name).insert_one(doc! { "_id": 0 }).await.expect("inserts");
    }
    let (store, source) = (memory(), Source::new(from.clone()));
    let capture = begin_capture(&source, &store);
    let mut request = request("part", false);
    request.wanted.exclude = ["part.out", "part.series", "part.view"].map(|name| name.parse().expect("a name")).into();
    // An exclusion must match: these two are there when it is made, and made anew later.
    run(&from, "part", doc! { "create": "series", "timeseries": { "timeField": "t" } }).await;
    run(&from, "part", doc! { "create": "view", "viewOn": "kept", "pipeline": [] }).await;
    back_up(&source, &store, &request).await.expect("a backup");
    for name in ["series", "view"] {
        db.collection::<Document>(name).drop().await.expect("drops");
    }
    run(&from, "part", doc! { "create": "series", "timeseries": { "timeField": "t" } }).await;
    run(&from, "part", doc! { "create": "view", "viewOn": "kept", "pipeline": [] }).await;
    db.collection::<Document>("series").insert_one(doc! { "t": bson::DateTime::now() }).await.expect("measures");
    let mut session = from.start_session().await.expect("a session");
    session.start_transaction().await.expect("begins");
    for name in ["kept", "out"] {
        let things = db.collection::<Document>(name);
        things.insert_one(doc! { "_id": 1 }).session(&mut session).await.expect("inserts");
    }
    session.commit_transaction().await.expect("commits");
    run(&from, "part", doc! { "createIndexes": "out", "indexes": [{ "key": { "n": 1 }, "name": "n" }] }).await;
    let whole_at = source.cluster_time().await.expect("a time");
    let rename = doc! { "renameCollection": "part.out", "to": "part.back" };
    run(&from, "admin", rename).await;
    let half_at = source.cluster_time().await.expect("a time");
    capture.end().await;

    restore(&store, &to, RestoreTo::At(whole_at)).await.expect("restores");
    let held = state(&Source::new(to.clone()), &["part"], None).await;
    assert_eq!(held.keys().collect::<Vec<_>>(), ["part.kept"]);
    assert_eq!(held["part.kept"].0.documents, 2);
    let fault = restore(&store, &to, RestoreTo::At(half_at)).await.expect_err("half of it is not in the base");
    assert!(format!("{fault:?}").contains("part.out"), "{fault:?}");
    assert_eq!(state(&Source::new(to), &["part"], None).await, held, "the target was touched");
}
