//! Restores on real servers: what comes back is what was there, to the instant, or nothing is touched.

use std::sync::Arc;

use bson::{Bson, DateTime, Document, Timestamp, doc};
use mongodb::{Client, Database};
use plimsoll::base::{FaultKind, OpTime};
use plimsoll::clock::SystemClock;
use plimsoll::engine::event::Silent;
use plimsoll::engine::plan::{self, RestoreRequest, RestoreTo};
use plimsoll::engine::restore::{self, RestoreOptions, Restored};
use plimsoll::mongo::{Source, Target, client};
use plimsoll::port::{MongoSource, MongoTarget, ObjectStore};
use plimsoll::store::memory::MemoryStore;

use super::restored::{ASSET, State, back_up, back_up_as, begin_capture, state};
use super::servers::{mongo, private_mongo, unique};

fn memory() -> Arc<dyn ObjectStore> {
    Arc::new(MemoryStore::new())
}

async fn restore(store: &Arc<dyn ObjectStore>, target: &Target, to: RestoreTo) -> plimsoll::base::Result<Restored> {
    let request = RestoreRequest { asset: ASSET.to_string(), target: to };
    let plan = plan::make(store.as_ref(), &request).await?;
    let options = RestoreOptions::default();
    restore::run(&plan, Arc::clone(store), target, &SystemClock, &Silent, &options).await
}

pub async fn run(db: &Database, command: Document) {
    let what = command.to_string();
    db.run_command(command).await.unwrap_or_else(|error| panic!("{what}: {error}"));
}

pub fn docs(ids: std::ops::Range<i32>) -> Vec<Document> {
    ids.map(|i| doc! { "_id": i, "name": format!("user {i}"), "n": i64::from(i), "tags": ["a", "b"] }).collect()
}

/// What a dump must carry: every kind of collection, odd names, odd values.
pub async fn fill(client: &Client, db: &str) {
    let db = client.database(db);
    let users = db.collection::<Document>("users");
    users.insert_many(docs(0..2500)).await.expect("users");
    run(
        &db,
        doc! { "createIndexes": "users", "indexes": [
            { "key": { "name": 1, "n": -1 }, "name": "name_n", "unique": true },
            { "key": { "_id": "hashed" }, "name": "hashed" },
            { "key": { "seen": 1 }, "name": "ttl", "expireAfterSeconds": 3600 },
            { "key": { "name": "text" }, "name": "words" },
        ] },
    )
    .await;
    run(&db, doc! { "create": "strict", "validator": { "n": { "$gte": 0 } }, "collation": { "locale": "de", "strength": 2 } })
        .await;
    run(&db, doc! { "insert": "strict", "documents": [{ "_id": "ä", "n": -1 }], "bypassDocumentValidation": true })
        .await;
    run(&db, doc! { "create": "measured", "timeseries": { "timeField": "t", "metaField": "m" } }).await;
    let measured = (0..50).map(|i| doc! { "t": DateTime::from_millis(1_000 * i), "m": i % 3, "v": i });
    db.collection::<Document>("measured").insert_many(measured).await.expect("measured");
    run(&db, doc! { "create": "view", "viewOn": "users", "pipeline": [{ "$match": { "n": { "$lt": 10 } } }] }).await;
    run(&db, doc! { "create": "clustered", "clusteredIndex": { "key": { "_id": 1 }, "unique": true } }).await;
    db.collection::<Document>("clustered").insert_many(docs(0..10)).await.expect("clustered");
    let odd = db.collection::<Document>("odd name % \n ä");
    odd.insert_one(
        doc! { "_id": Bson::MinKey, "": 1, "a.b": 2, "$set": 3, "deep": { "t": Timestamp { time: 0, increment: 0 } } },
    )
    .await
    .expect("odd");
    let empty_time = doc! { "_id": 1, "first": true, "t": Timestamp { time: 0, increment: 0 } };
    let pipeline = vec![doc! { "$replaceRoot": { "newRoot": { "$literal": empty_time } } }];
    odd.update_one(doc! { "_id": 1 }, pipeline).upsert(true).await.expect("an empty timestamp");
    db.collection::<Document>("large")
        .insert_one(doc! { "_id": 1, "x": "x".repeat(16 * 1024 * 1024 - 64) })
        .await
        .expect("large");
    run(&db, doc! { "create": "empty" }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_collection_comes_back_byte_for_byte_however_it_was_compressed() {
    let from = client::connect(&mongo().await.uri).await.expect("connects");
    let (source, db) = (Source::new(from.clone()), unique("kinds"));
    fill(&from, &db).await;
    let before = state(&source, &[&db], None).await;
    assert_eq!(before.len(), 8, "{:?}", before.keys());
    let server = private_mongo().await;
    let to = client::connect(&server.uri).await.expect("connects");
    for (compression, suffix) in
        [("gzip", ".bson.gz"), ("zstd", ".bson.zst"), ("zstd:-7", ".bson.zst"), ("none", ".bson")]
    {
        let store = memory();
        let manifest = back_up_as(compression.parse().expect("a compression"), &source, &store, &[&db]).await;
        let data: Vec<&String> = manifest.collections.iter().filter_map(|c| c.data.as_ref()).collect();
        assert!(data.len() > 5 && data.iter().all(|key| key.ends_with(suffix)), "{data:?}");
        let restored = restore(&store, &Target::new(to.clone()), RestoreTo::Newest).await.expect("restores");
        assert_eq!(restored.documents, manifest.collections.iter().map(|c| c.documents).sum::<u64>());
        assert_eq!(state(&Source::new(to.clone()), &[&db], None).await, before, "{compression}");
        to.database(&db).drop().await.expect("dropped");
    }
}

/// Everything that an oplog can hold, in rounds; after each, the instant and what was there.
struct History {
    client: Client,
    source: Source,
    instants: Vec<(OpTime, State)>,
}

pub const DATABASES: [&str; 3] = ["shop", "gone", "later"];

impl History {
    async fn mark(&mut self) {
        // Nobody else writes: what is there now is what was there at this instant, capped collections included.
        let at = self.source.cluster_time().await.expect("cluster time");
        self.instants.push((at, state(&self.source, &DATABASES, None).await));
    }

    async fn writes(&mut self) {
        let users = self.client.database("shop").collection::<Document>("users");
        users.insert_many(docs(3000..5500)).await.expect("inserts");
        users
            .update_many(
                doc! { "n": { "$lt": 500 } },
                doc! { "$set": { "seen": DateTime::now() }, "$unset": { "tags": 1 } },
            )
            .await
            .expect("updates");
        users.delete_many(doc! { "n": { "$gte": 4000, "$lt": 4100 } }).await.expect("deletes");
        users.replace_one(doc! { "_id": 7 }, doc! { "name": "replaced", "n": 7 }).await.expect("replaces");
        users
            .update_one(doc! { "_id": 8 }, doc! { "$push": { "tags": { "$each": ["c"], "$position": 0 } } })
            .await
            .expect("pushes");
        let odd = self.client.database("shop").collection::<Document>("odd name % \n ä");
        odd.update_one(doc! { "_id": 1 }, vec![doc! { "$set": { "u": Timestamp { time: 0, increment: 0 } } }])
            .await
            .expect("odd");
        // A unique key that moves from one document to another: in no order of documents alone is it unique.
        users.delete_one(doc! { "_id": 9 }).await.expect("frees the key");
        users
            .update_one(doc! { "_id": 10 }, doc! { "$set": { "name": "user 9", "n": 9_i64 } })
            .await
            .expect("takes the key");
        users.insert_one(doc! { "_id": 9, "name": "user 10", "n": 10_i64 }).await.expect("takes the other");
        run(&self.client.database("shop"), doc! { "create": "recent", "capped": true, "size": 100_000, "max": 20 })
            .await;
        self.client.database("shop").collection::<Document>("recent").insert_many(docs(0..30)).await.expect("capped");
        let measured = (50..80).map(|i| doc! { "t": DateTime::from_millis(1_000 * i), "m": i % 3, "v": i });
        self.client.database("shop").collection::<Document>("measured").insert_many(measured).await.expect("measures");
        self.mark().await;
    }

    async fn transactions(&mut self) {
        let users = self.client.database("shop").collection::<Document>("users");
        let mut session = self.client.start_session().await.expect("a session");
        for (round, commits) in [(0, true), (1, false), (2, true)] {
            session.start_transaction().await.expect("begins");
            users
                .insert_many(docs(10_000 + round * 100..10_050 + round * 100))
                .session(&mut session)
                .await
                .expect("inserts");
            users.delete_one(doc! { "_id": 20 + round }).session(&mut session).await.expect("deletes");
            if round == 2 {
                // Past 16 MB: the log spreads it over several entries.
                for i in 0..3 {
                    let big = doc! { "_id": format!("big {i}"), "name": format!("big {i}"), "n": i, "x": "x".repeat(7_000_000) };
                    users.insert_one(big).session(&mut session).await.expect("inserts");
                }
                let fresh = self.client.database("shop").collection::<Document>("made in a transaction");
                fresh.insert_one(doc! { "_id": 1 }).session(&mut session).await.expect("creates");
            }
            match commits {
                true => session.commit_transaction().await.expect("commits"),
                false => session.abort_transaction().await.expect("aborts"),
            }
            self.mark().await;
        }
    }

    async fn changes(&mut self) {
        let (db, gone, later) =
            (self.client.database("shop"), self.client.database("gone"), self.client.database("later"));
        run(&db, doc! { "dropIndexes": "users", "index": "words" }).await;
        run(
            &db,
            doc! { "createIndexes": "users", "indexes": [{ "key": { "tags": 1 }, "name": "tags", "sparse": true }] },
        )
        .await;
        run(&db, doc! { "collMod": "users", "index": { "keyPattern": { "seen": 1 }, "expireAfterSeconds": 7200 } })
            .await;
        run(&db, doc! { "collMod": "strict", "validator": { "n": { "$gte": 5 } }, "validationLevel": "moderate" })
            .await;
        self.mark().await;
        gone.drop().await.expect("drops a database");
        gone.collection::<Document>("again").insert_many(docs(0..5)).await.expect("makes it again");
        later.collection::<Document>("new").insert_many(docs(0..5)).await.expect("a new database");
        run(&later, doc! { "create": "view", "viewOn": "new", "pipeline": [] }).await;
        run(&later, doc! { "create": "series", "timeseries": { "timeField": "t" }, "expireAfterSeconds": 100_000_000 })
            .await;
        later
            .collection::<Document>("series")
            .insert_one(doc! { "t": DateTime::now(), "v": 1 })
            .await
            .expect("measures");
        run(&db, doc! { "collMod": "view", "viewOn": "users", "pipeline": [] }).await;
        self.mark().await;
        run(&db, doc! { "create": "staging", "collation": { "locale": "fr" } }).await;
        db.collection::<Document>("staging").insert_many(docs(0..100)).await.expect("fills");
        run(&db, doc! { "createIndexes": "staging", "indexes": [{ "key": { "n": 1 }, "name": "n" }] }).await;
        let rename = doc! { "renameCollection": "shop.staging", "to": "shop.clustered", "dropTarget": true };
        run(&self.client.database("admin"), rename).await;
        run(&self.client.database("admin"), doc! { "renameCollection": "shop.empty", "to": "shop.full" }).await;
        db.collection::<Document>("full").insert_many(docs(0..3)).await.expect("fills");
        run(&db, doc! { "convertToCapped": "full", "size": 100_000 }).await;
        run(&db, doc! { "drop": "view" }).await;
        run(&db, doc! { "drop": "measured" }).await;
        run(&db, doc! { "create": "measured" }).await;
        self.mark().await;
        later.drop().await.expect("drops a database");
        self.mark().await;
    }
}

/// A base, a log after it, and what was there at each instant that was marked.
pub async fn busy_history(client: Client) -> (Arc<dyn ObjectStore>, Vec<(OpTime, State)>) {
    let source = Source::new(client.clone());
    let store = memory();
    fill(&client, "shop").await;
    client.database("gone").collection::<Document>("things").insert_many(docs(0..10)).await.expect("things");
    let capture = begin_capture(&source, &store);
    back_up(&source, &store, &[]).await;
    let mut history = History { client, source: source.clone(), instants: Vec::new() };
    history.writes().await;
    history.transactions().await;
    history.changes().await;
    let captured = capture.end().await;
    assert!(captured.slices > 1 && captured.gaps == 0, "{captured:?}");
    (store, history.instants)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_history_comes_back_at_every_instant_that_was_marked() {
    let (from_server, to_server) = tokio::join!(private_mongo(), private_mongo());
    let client = client::connect(&from_server.uri).await.expect("connects");
    let (store, instants) = busy_history(client).await;
    let to = client::connect(&to_server.uri).await.expect("connects");
    let target = Target::new(to.clone());
    for (nth, (at, expected)) in instants.iter().enumerate() {
        let restored = restore(&store, &target, RestoreTo::At(*at)).await;
        let restored =
            restored.unwrap_or_else(|fault| panic!("instant {nth}: {}", plimsoll::engine::record::chain(&fault)));
        assert_eq!(restored.until, Some(*at));
        let held = state(&Source::new(to.clone()), &DATABASES, None).await;
        let names = |state: &State| state.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&held), names(expected), "instant {nth}");
        for (name, held) in &held {
            assert_eq!(held, &expected[name], "instant {nth}: {name}");
        }
        for db in DATABASES {
            target.drop_database(db).await.expect("drops");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_slice_is_refused_before_the_target_is_touched() {
    let from = client::connect(&mongo().await.uri).await.expect("connects");
    let (source, db, store) = (Source::new(from.clone()), unique("slices"), memory());
    let things = from.database(&db).collection::<Document>("things");
    things.insert_many(docs(0..10)).await.expect("inserts");
    let capture = begin_capture(&source, &store);
    back_up(&source, &store, &[&db]).await;
    for i in 10..14 {
        things.insert_many(docs(i..i + 1)).await.expect("inserts");
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    let at = source.cluster_time().await.expect("cluster time");
    capture.end().await;
    let slices: Vec<String> = store.list("oplog/").await.expect("lists").into_iter().map(|object| object.key).collect();
    let data: Vec<&String> = slices.iter().filter(|key| key.ends_with(".bson.gz")).collect();
    assert!(data.len() >= 3, "{slices:?}");
    let server = private_mongo().await;
    let target = Target::new(client::connect(&server.uri).await.expect("connects"));
    let untouched = async || assert_eq!(target.databases().await.expect("databases"), Vec::<String>::new());

    let body = store.get(data[1]).await.expect("the slice");
    store.delete(data[1]).await.expect("deletes");
    let fault = restore(&store, &target, RestoreTo::At(at)).await.expect_err("its data is missing");
    assert!(fault.to_string().contains(data[1].as_str()), "{fault}");
    untouched().await;

    let mut damaged = body.to_vec();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    store.put(data[1], damaged.into()).await.expect("puts");
    let fault = restore(&store, &target, RestoreTo::At(at)).await.expect_err("a bit is flipped");
    assert_eq!(fault.kind, FaultKind::Corrupt);
    untouched().await;

    let header = data[1].replace(".bson.gz", ".json");
    let text = store.get(&header).await.expect("the header");
    store.delete(&header).await.expect("deletes");
    let fault = restore(&store, &target, RestoreTo::At(at)).await.expect_err("there is a gap");
    assert!(fault.help.as_deref().is_some_and(|help| help.contains("--at")), "{fault:?}");
    untouched().await;

    store.put(&header, text).await.expect("puts");
    store.put(data[1], body).await.expect("puts");
    restore(&store, &target, RestoreTo::At(at)).await.expect("whole again");
    let restored = Source::new(client::connect(&server.uri).await.expect("connects"));
    assert_eq!(state(&restored, &[&db], None).await, state(&source, &[&db], None).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_holds_something_is_refused_unless_told() {
    let from = client::connect(&mongo().await.uri).await.expect("connects");
    let (source, db, store) = (Source::new(from.clone()), unique("held"), memory());
    from.database(&db).collection::<Document>("things").insert_many(docs(0..10)).await.expect("inserts");
    back_up(&source, &store, &[&db]).await;
    let before = state(&source, &[&db], None).await;
    let target = Target::new(from.clone());
    let fault = restore(&store, &target, RestoreTo::Newest).await.expect_err("it is the source itself");
    assert_eq!(fault.kind, FaultKind::Conflict);
    assert!(fault.to_string().contains(&db), "{fault}");
    assert_eq!(state(&source, &[&db], None).await, before);

    from.database(&db).collection::<Document>("things").delete_many(doc! {}).await.expect("a disaster");
    let request = RestoreRequest { asset: ASSET.to_string(), target: RestoreTo::Newest };
    let plan = plan::make(store.as_ref(), &request).await.expect("a plan");
    let options = RestoreOptions { replace: true, ..RestoreOptions::default() };
    restore::run(&plan, store, &target, &SystemClock, &Silent, &options).await.expect("replaces");
    assert_eq!(state(&source, &[&db], None).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_the_server_refuses_fail_the_insert_with_count_and_reason() {
    let to = client::connect(&mongo().await.uri).await.expect("connects");
    let (target, db) = (Target::new(to.clone()), unique("refused"));
    let batch: Vec<u8> = docs(0..10).iter().flat_map(|d| d.to_vec().expect("BSON")).collect();
    target.insert(&db, "things", batch.clone().into()).await.expect("new documents");
    let more: Vec<u8> = docs(5..15).iter().flat_map(|d| d.to_vec().expect("BSON")).collect();
    let fault = target.insert(&db, "things", more.into()).await.expect_err("half of them are there");
    assert!(fault.to_string().contains("5 of 10 documents were refused"), "{fault}");
    assert!(plimsoll::engine::record::chain(&fault).contains("duplicate key"), "{fault:?}");
    let missing = bson::rawdoc! { "op": "u", "ns": format!("{db}.things"), "o": { "$v": 2, "diff": { "u": { "n": 1 } } }, "o2": { "_id": 99 } };
    target.apply_ops(&[missing]).await.expect_err("an update finds no document");
}
