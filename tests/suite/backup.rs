//! Backups of a real server: everything comes back as it stood at one instant, or no snapshot exists at all.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bson::{Document, RawDocumentBuf, doc};
use futures_util::TryStreamExt;
use mongodb::{Client, Database};
use plimsoll::base::{Compression, FaultKind, Keeping, Result, Span};
use plimsoll::clock::SystemClock;
use plimsoll::engine::backup::{self, BackupRequest};
use plimsoll::engine::content::{Tally, documents};
use plimsoll::engine::dump::Wanted;
use plimsoll::engine::event::Silent;
use plimsoll::engine::extjson;
use plimsoll::evidence::{Run, RunOutcome};
use plimsoll::mongo::{Source, client};
use plimsoll::policy::Consistency;
use plimsoll::port::{Clock, MongoSource, ObjectStore};
use plimsoll::repository::{CollectionEntry, Manifest};
use plimsoll::store::S3Options;
use plimsoll::store::memory::MemoryStore;

use crate::servers;
use crate::stage::{Breaking, Heard, Meddled, Moment};

async fn database(name: &str) -> (Client, Database) {
    let client = client::connect(&servers::mongo().await.uri).await.unwrap();
    let database = client.database(&servers::unique(name));
    (client, database)
}

fn request(db: &Database) -> BackupRequest {
    BackupRequest {
        asset: "shop".to_string(),
        protection: Some("nightly".to_string()),
        wanted: Wanted { databases: vec![db.name().to_string()], ..Wanted::default() },
        with_log: false,
        expires_after: Some(Span::days(30)),
        compression: Compression::default(),
        keeping: Keeping::default(),
    }
}

async fn back_up(source: &dyn MongoSource, store: Arc<dyn ObjectStore>, db: &Database) -> Result<Manifest> {
    backup::run(source, store, &SystemClock, &Silent, &request(db)).await
}

async fn unzipped(store: &dyn ObjectStore, key: &str) -> Vec<u8> {
    let body = store.get(key).await.unwrap();
    let mut raw = Vec::new();
    flate2::read::MultiGzDecoder::new(body.as_ref()).read_to_end(&mut raw).unwrap();
    raw
}

fn entry<'a>(manifest: &'a Manifest, name: &str) -> &'a CollectionEntry {
    manifest.collections.iter().find(|c| c.name == name).unwrap_or_else(|| panic!("no {name:?} in {manifest:?}"))
}

async fn only_run(store: &dyn ObjectStore) -> Run {
    let runs = store.list("runs/").await.unwrap();
    assert_eq!(runs.len(), 1, "{runs:?}");
    serde_json::from_slice(&store.get(&runs[0].key).await.unwrap()).unwrap()
}

/// Collections of every kind that this server can read at one instant.
async fn fill(db: &Database) {
    let users = db.collection::<Document>("users");
    let many = (0..6_000).map(|i| doc! { "_id": i, "name": format!("user {i}"), "bio": "b".repeat(i as usize % 900) });
    users.insert_many(many).await.unwrap();
    let indexes = doc! { "createIndexes": "users", "indexes": [
        { "key": { "name": 1, "_id": -1 }, "name": "by_name", "collation": { "locale": "de" } },
        { "key": { "bio": "text" }, "name": "words" },
        { "key": { "gone_at": 1 }, "name": "ttl", "expireAfterSeconds": 3600, "sparse": true },
    ] };
    db.run_command(indexes).await.unwrap();
    db.create_collection("empty").validator(doc! { "z": { "$exists": true }, "a": { "$gte": 1.5 } }).await.unwrap();
    db.create_collection("grown-ups")
        .view_on("users".to_string())
        .pipeline([doc! { "$match": { "age": { "$gte": 18 } } }])
        .await
        .unwrap();
    db.run_command(doc! { "create": "heat", "timeseries": { "timeField": "at", "metaField": "room" } }).await.unwrap();
    let heat = (0..500).map(|i| doc! { "at": bson::DateTime::from_millis(i * 60_000), "room": i % 3, "c": 20.5 });
    db.collection::<Document>("heat").insert_many(heat).await.unwrap();
    let odd = db.collection::<Document>("odd/name %25\nof ünïcode");
    odd.insert_one(doc! { "": 1, "at": bson::Timestamp { time: 0, increment: 0 } }).await.unwrap();
    let large = db.collection::<Document>("large");
    large.insert_one(doc! { "_id": 1, "bytes": "x".repeat(16_777_216 - 64) }).await.unwrap();
}

async fn tally_of(db: &Database, collection: &str) -> Tally {
    let all: Vec<RawDocumentBuf> =
        db.collection::<RawDocumentBuf>(collection).find(doc! {}).await.unwrap().try_collect().await.unwrap();
    Tally::of(&all.iter().flat_map(|d| d.as_bytes().to_vec()).collect::<Vec<u8>>()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_collection_comes_back_as_it_stood() {
    let (client, db) = database("whole").await;
    fill(&db).await;
    let store = Arc::new(MemoryStore::new());
    let manifest = back_up(&Source::new(client), store.clone(), &db).await.unwrap();

    assert_eq!(manifest.consistency, Consistency::Snapshot);
    assert_eq!(manifest.expires_at, Some(manifest.started_at + Span::days(30)));
    assert_eq!(manifest.collections.len(), 6);
    for (name, data) in [("users", "users"), ("empty", "empty"), ("heat", "system.buckets.heat"), ("large", "large")]
        .into_iter()
        .chain([("odd/name %25\nof ünïcode", "odd/name %25\nof ünïcode")])
    {
        let entry = entry(&manifest, name);
        let raw = unzipped(store.as_ref(), entry.data.as_ref().unwrap()).await;
        let (stored, there) = (Tally::of(&raw).unwrap(), tally_of(&db, data).await);
        assert_eq!(stored, there, "{name}");
        assert_eq!((entry.documents, &entry.content), (there.documents, &there.content.to_hex()), "{name}");
    }
    for object in &manifest.objects {
        let body = store.get(&object.key).await.unwrap();
        let digest: [u8; 32] = <sha2::Sha256 as sha2::Digest>::digest(&body).into();
        assert_eq!((object.bytes, &object.sha256), (body.len() as u64, &plimsoll::engine::content::hex(&digest)));
    }
    let keys = store.list("snapshots/").await.unwrap();
    assert_eq!(keys.len(), manifest.objects.len() + 1, "an object that no manifest names: {keys:?}");
    assert_eq!(only_run(store.as_ref()).await.outcome, RunOutcome::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_into_s3_is_whole() {
    let (client, db) = database("into-s3").await;
    let things = db.collection::<Document>("things");
    // Enough, after compression, for more than one part.
    for part in 0..8 {
        let noise = |i: i32| doc! { "_id": part * 1_000 + i, "noise": noise(part as u64 * 1_000 + i as u64, 2_000) };
        things.insert_many((0..1_000).map(noise)).await.unwrap();
    }
    let s3 = servers::s3().await;
    let options = S3Options {
        endpoint: Some(s3.endpoint.clone()),
        region: Some("us-east-1".to_string()),
        credentials: Some((s3.access_key.clone(), s3.secret_key.clone())),
    };
    let bucket = servers::bucket("backups").await;
    let store = plimsoll::store::open(&format!("s3://{bucket}/shop"), &options).await.unwrap();
    let manifest = back_up(&Source::new(client), store.clone(), &db).await.unwrap();
    let entry = entry(&manifest, "things");
    let raw = unzipped(store.as_ref(), entry.data.as_ref().unwrap()).await;
    assert_eq!(Tally::of(&raw).unwrap(), tally_of(&db, "things").await);
    assert_eq!((entry.documents, raw.len() as u64), (8_000, entry.bytes));
}

/// Text that does not compress well, the same for the same seed.
fn noise(seed: u64, length: usize) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'!' + (state % 90) as u8)
    };
    (0..length).map(next).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_keeps_options_and_the_order_of_index_keys() {
    let (client, db) = database("metadata").await;
    fill(&db).await;
    let store = Arc::new(MemoryStore::new());
    let manifest = back_up(&Source::new(client), store.clone(), &db).await.unwrap();
    let metadata = async |name: &str| {
        let text = unzipped(store.as_ref(), &entry(&manifest, name).metadata).await;
        extjson::read(&text).unwrap()
    };

    let users = metadata("users").await;
    let by_name = users.get_array("indexes").unwrap()[1].as_document().unwrap();
    assert_eq!(by_name.get_document("key").unwrap().keys().collect::<Vec<_>>(), ["name", "_id"]);
    assert_eq!(by_name.get_document("collation").unwrap().get_str("locale").unwrap(), "de");
    assert_eq!(users.get_str("uuid").unwrap().len(), 32);
    let validator = metadata("empty").await.get_document("options").unwrap().get_document("validator").unwrap().clone();
    assert_eq!(validator, doc! { "z": { "$exists": true }, "a": { "$gte": 1.5 } });
    let view = metadata("grown-ups").await;
    assert_eq!(view.get_document("options").unwrap().get_str("viewOn").unwrap(), "users");
    assert_eq!(view.get_str("type").unwrap(), "view");
    assert_eq!(entry(&manifest, "grown-ups").data, None);
    assert_eq!(metadata("heat").await.get_str("type").unwrap(), "timeseries");
}

const ACCOUNTS: i64 = 6_000;
const WRITERS: i64 = 4;

/// Moves money between every fourth account in transactions until told to stop; gives back how often.
async fn move_money(client: Client, db: String, mine: i64, done: Arc<AtomicBool>) -> i64 {
    let bank = client.database(&db).collection::<Document>("accounts");
    let journal = client.database(&db).collection::<Document>("journal");
    let account = |n: i64| (n * WRITERS + mine) % ACCOUNTS;
    let mut moved = 0;
    while !done.load(Ordering::Relaxed) {
        // From one end of the collection to the other: what is read first and what is read last.
        let (from, to) = (account(moved), account(ACCOUNTS / WRITERS - 1 - moved % 100));
        let amount = 1 + moved % 5;
        let mut session = client.start_session().await.unwrap();
        let moving = async {
            session.start_transaction().await?;
            let take = bank.update_one(doc! { "_id": from }, doc! { "$inc": { "money": -amount } });
            take.session(&mut session).await?;
            let give = bank.update_one(doc! { "_id": to }, doc! { "$inc": { "money": amount } });
            give.session(&mut session).await?;
            journal.insert_one(doc! { "delta": amount }).session(&mut session).await?;
            session.commit_transaction().await
        };
        match moving.await {
            // A busy server may give no lock in time: nothing was moved, and it is tried again.
            Err(error) if error.contains_label(mongodb::error::TRANSIENT_TRANSACTION_ERROR) => continue,
            moved => moved.unwrap(),
        }
        moved += 1;
    }
    moved
}

#[tokio::test(flavor = "multi_thread")]
async fn money_is_neither_made_nor_lost_while_backups_run() {
    let (client, db) = database("bank").await;
    let opened = (0..ACCOUNTS).map(|i| doc! { "_id": i, "money": 100_i64, "note": "n".repeat(2_000) });
    db.collection::<Document>("accounts").insert_many(opened).await.unwrap();
    db.create_collection("journal").await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let writer = |mine| tokio::spawn(move_money(client.clone(), db.name().to_string(), mine, done.clone()));
    let writers: Vec<_> = (0..WRITERS).map(writer).collect();

    let mut journals = Vec::new();
    // Until enough was written meanwhile that something is proven, however slow the machine.
    while journals.len() < 5 || journals[journals.len() - 1] < journals[0] + 100 {
        let store = Arc::new(MemoryStore::new());
        let manifest = back_up(&Source::new(client.clone()), store.clone(), &db).await.unwrap();
        let raw = unzipped(store.as_ref(), entry(&manifest, "accounts").data.as_ref().unwrap()).await;
        let money = documents(&raw)
            .map(|d| bson::RawDocument::from_bytes(d.unwrap()).unwrap().get_i64("money").unwrap())
            .sum::<i64>();
        assert_eq!(money, ACCOUNTS * 100, "money was made or lost at {:?}", manifest.cluster_time);
        journals.push(entry(&manifest, "journal").documents);
        assert!(journals.len() < 100, "the writers stand still: {journals:?}");
    }
    done.store(true, Ordering::Relaxed);
    for writer in writers {
        assert!(writer.await.unwrap() > 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_the_store_breaks_no_snapshot_exists_and_the_failure_is_on_record() {
    let (client, db) = database("broken").await;
    for name in ["one", "two"] {
        let some = (0..2_000).map(|i| doc! { "_id": i, "noise": format!("{:x}", i * 7_919).repeat(150) });
        db.collection::<Document>(name).insert_many(some).await.unwrap();
    }
    let mut at = 0;
    loop {
        let store = Arc::new(Breaking::once(MemoryStore::new(), at));
        let result = back_up(&Source::new(client.clone()), store.clone(), &db).await;
        if !store.broke() {
            result.unwrap();
            break;
        }
        // The last call is the record of the run itself: that breaks no backup.
        let snapshots = store.inner.list("snapshots/").await.unwrap();
        match result {
            Err(fault) => {
                assert_eq!(fault.kind, FaultKind::Corrupt, "{fault:?}");
                assert_eq!(snapshots, [], "left behind when call {at} broke");
                let run = only_run(&store.inner).await;
                assert!(matches!(&run.outcome, RunOutcome::Failed { why } if why.contains("as told")), "{run:?}");
            }
            Ok(manifest) => assert_eq!(snapshots.len(), manifest.objects.len() + 1),
        }
        at += 1;
    }
    assert!(at > 12, "only {at} calls were broken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_made_between_list_and_cluster_time_is_not_missed() {
    let (client, db) = database("late").await;
    db.collection::<Document>("early").insert_one(doc! { "_id": 1 }).await.unwrap();
    let late = db.collection::<Document>("late");
    let source = Meddled::new(Source::new(client), Moment::Listed, move || {
        let late = late.clone();
        async move { drop(late.insert_one(doc! { "_id": 1 }).await.unwrap()) }
    });
    let manifest = back_up(&source, Arc::new(MemoryStore::new()), &db).await.unwrap();
    assert_eq!(entry(&manifest, "late").documents, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_dropped_while_it_is_read_is_whole_or_not_there_at_all() {
    let (client, db) = database("dropped").await;
    let victim = db.collection::<Document>("victim");
    let count = 4_000;
    for part in 0..10 {
        let some = (0..count / 10).map(|i| doc! { "_id": part * count + i, "noise": "n".repeat(16_000) });
        victim.insert_many(some).await.unwrap();
    }
    db.collection::<Document>("stays").insert_one(doc! { "_id": 1 }).await.unwrap();
    let source = Meddled::new(Source::new(client), Moment::Read, move || {
        let victim = victim.clone();
        async move { victim.drop().await.unwrap() }
    });
    let store = Arc::new(MemoryStore::new());
    // Where the reading had to be begun again, it is of an instant after the drop.
    let manifest = back_up(&source, store.clone(), &db).await.unwrap();
    assert_eq!(entry(&manifest, "stays").documents, 1);
    if let Some(victim) = manifest.collections.iter().find(|c| c.name == "victim") {
        assert_eq!(victim.documents, count as u64);
    }
    assert_eq!(store.list("snapshots/").await.unwrap().len(), manifest.objects.len() + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standalone_server_is_said_to_give_no_consistency() {
    let (client, db) = database("alone").await;
    db.collection::<Document>("things").insert_one(doc! { "_id": 1 }).await.unwrap();
    let heard = Heard::default();
    let source = Meddled::standalone(Source::new(client));
    let store = Arc::new(MemoryStore::new());
    let manifest = backup::run(&source, store, &SystemClock, &heard, &request(&db)).await.unwrap();
    assert_eq!((manifest.consistency, manifest.cluster_time), (Consistency::None, None));
    assert_eq!(manifest.consistent_at, manifest.started_at.max(manifest.consistent_at));
    assert!(heard.warnings().iter().any(|w| w.contains("consistency none")), "{:?}", heard.warnings());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capped_collection_is_carried_whatever_the_server_can_read_at_one_instant() {
    let (client, db) = database("capped").await;
    db.create_collection("ring").capped(true).size(100_000).await.unwrap();
    db.collection::<Document>("ring").insert_one(doc! { "_id": 1 }).await.unwrap();
    let manifest = back_up(&Source::new(client), Arc::new(MemoryStore::new()), &db).await.unwrap();
    assert_eq!(entry(&manifest, "ring").documents, 1);
    assert_ne!(manifest.consistency, Consistency::None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_there_is_an_error_not_an_empty_backup() {
    let (client, db) = database("absent").await;
    let store = Arc::new(MemoryStore::new());
    let fault = back_up(&Source::new(client), store.clone(), &db).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Missing);
    assert_eq!(store.list("snapshots/").await.unwrap(), []);
    assert!(matches!(only_run(store.as_ref()).await.outcome, RunOutcome::Failed { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_told_to_stop_takes_away_what_it_wrote() {
    let (client, db) = database("stopped").await;
    for i in 0..8 {
        let some = (0..1_000).map(|i| doc! { "_id": i, "noise": "n".repeat(8_000) });
        db.collection::<Document>(&format!("c{i}")).insert_many(some).await.unwrap();
    }
    let store = Arc::new(MemoryStore::new());
    let watched = store.clone();
    let stop = async move {
        while watched.list("snapshots/").await.unwrap().len() < 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let source = Source::new(client);
    let result = backup::run_until(&source, store.clone(), &SystemClock, &Silent, &request(&db), stop).await;
    assert_eq!(result.unwrap_err().kind, FaultKind::Interrupted);
    assert_eq!(store.list("snapshots/").await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_answer_is_named_within_seconds() {
    let began = Instant::now();
    let fault = client::connect("mongodb://anna:geheim@127.0.0.1:1/shop").await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unreachable);
    assert!(fault.what.contains("127.0.0.1:1"), "{fault:?}");
    assert!(!format!("{fault:?}").contains("geheim"), "{fault:?}");
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_apart_and_never_shown() {
    let port = servers::mongo().await.port;
    let fault =
        client::connect(&format!("mongodb://anna:geheim@127.0.0.1:{port}/?authSource=admin")).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Denied, "{fault:?}");
    assert!(!format!("{fault:?}").contains("geheim"), "{fault:?}");
    assert!(fault.help.is_some());
}

#[tokio::test]
async fn a_malformed_address_is_wrong_usage_and_shows_no_secret() {
    for uri in [
        "localhost:27017",
        "mongodb://anna:ge/heim@host/",
        "mongodb://host/?readPreference=wrong",
        "mongodb://a:geheim@h:99999999/",
    ] {
        let fault = client::connect(uri).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Usage, "{uri}: {fault:?}");
        assert!(!format!("{fault:?}").contains("heim"), "{uri}: {fault:?}");
    }
}

/// As far from the server's clock as it is told.
#[derive(Debug)]
struct Skewed(Span);

impl Clock for Skewed {
    fn now(&self) -> plimsoll::base::Instant {
        SystemClock.now() + self.0
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_wrong_is_told_and_the_point_is_of_the_servers_own_time() {
    let (client, db) = database("skewed").await;
    db.collection::<Document>("things").insert_one(doc! { "_id": 1 }).await.unwrap();
    let source = Source::new(client);
    for (skew, is_told) in [(Span::minutes(4), false), (Span::minutes(6), true), (Span::days(-42), true)] {
        let heard = Heard::default();
        let store = Arc::new(MemoryStore::new());
        let manifest = backup::run(&source, store, &Skewed(skew), &heard, &request(&db)).await.unwrap();
        let told = heard.warnings().iter().any(|w| w.contains("clock"));
        assert_eq!(told, is_told, "{skew}: {:?}", heard.warnings());
        let off = SystemClock.now() - manifest.consistent_at;
        assert!(off < Span::minutes(1) && off > Span::minutes(-1), "{skew}: {off}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_excluded_is_left_out_and_said_and_a_name_that_matches_nothing_is_an_error() {
    let (client, db) = database("excluded").await;
    for name in ["kept", "left.out"] {
        db.collection::<Document>(name).insert_one(doc! { "_id": name }).await.unwrap();
    }
    db.run_command(doc! { "create": "heat", "timeseries": { "timeField": "at" } }).await.unwrap();
    let with = |names: &[&str]| {
        let exclude = names.iter().map(|name| format!("{}.{name}", db.name()).parse().unwrap()).collect();
        BackupRequest { wanted: Wanted { exclude, ..request(&db).wanted }, ..request(&db) }
    };
    let source = Source::new(client);
    let store = Arc::new(MemoryStore::new());
    let excluding = with(&["left.out", "heat"]);
    let manifest = backup::run(&source, store.clone(), &SystemClock, &Silent, &excluding).await.unwrap();
    assert_eq!(manifest.collections.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["kept"]);
    assert_eq!(manifest.exclude, excluding.wanted.exclude);
    let keys = store.list("snapshots/").await.unwrap();
    assert!(!keys.iter().any(|object| object.key.contains("left") || object.key.contains("heat")), "{keys:?}");

    let misspelt = with(&["left_out"]);
    let fault = backup::run(&source, Arc::new(MemoryStore::new()), &SystemClock, &Silent, &misspelt).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Missing, "{fault:?}");
    assert!(fault.what.contains("left_out"), "{fault:?}");
    let mut elsewhere = with(&[]);
    elsewhere.wanted.exclude = vec!["another-database".parse().unwrap()];
    let fault =
        backup::run(&source, Arc::new(MemoryStore::new()), &SystemClock, &Silent, &elsewhere).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Missing, "{fault:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_carried_fails_the_run_by_name_unless_it_is_excluded() {
    let (client, db) = database("buckets").await;
    db.collection::<Document>("kept").insert_one(doc! { "_id": 1 }).await.unwrap();
    db.run_command(doc! { "create": "heat", "timeseries": { "timeField": "at" } }).await.unwrap();
    // Buckets without their series: the view of it alone is taken away.
    let gone =
        doc! { "op": "d", "ns": format!("{}.system.views", db.name()), "o": { "_id": format!("{}.heat", db.name()) } };
    client.database("admin").run_command(doc! { "applyOps": [gone] }).await.unwrap();
    let source = Source::new(client);
    let fault = back_up(&source, Arc::new(MemoryStore::new()), &db).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unsupported, "{fault:?}");
    let name = format!("{}.system.buckets.heat", db.name());
    assert!(fault.what.contains(&name), "{fault:?}");
    let help = fault.help.unwrap();
    assert!(help.contains(&format!("--exclude '{name}'")), "{help}");
    let exclude = vec![name.parse().unwrap()];
    let request = BackupRequest { wanted: Wanted { exclude, ..request(&db).wanted }, ..request(&db) };
    let store = Arc::new(MemoryStore::new());
    let manifest = backup::run(&source, store, &SystemClock, &Silent, &request).await.unwrap();
    assert_eq!(manifest.collections.len(), 1);
}
