//! Fills a MongoDB with the data that the comparisons with peers run on: seeded, so that every run has the same bytes.
//!
//! `cargo bench --bench bulk -- fill URI DATABASE MEGABYTES`: five collections of documents of 280 to 1,330 bytes, one of
//! which holds half of all bytes, and 15 secondary indexes. It compresses as such data does, to about a third.

use std::io::Write;

use bson::oid::ObjectId;
use bson::{Bson, DateTime, Document, doc};
use futures_util::{StreamExt, TryStreamExt, stream};
use mongodb::{Client, Collection, Database};
use plimsoll::base::rng::Stream;

/// Name, share of all bytes in percent, words of text in a document, and the keys of its indexes.
const COLLECTIONS: [(&str, u64, u64, [&str; 3]); 5] = [
    ("events", 50, 34, ["user", "at", "kind"]),
    ("images", 20, 70, ["user", "key", "at"]),
    ("users", 10, 110, ["email", "name", "at"]),
    ("edits", 12, 12, ["image", "user", "at"]),
    ("notes", 8, 130, ["user", "title", "at"]),
];
const BATCH: usize = 1_000;
const BATCHES_AT_ONCE: usize = 4;
const SEED: u64 = 20_261_125;
const KINDS: [&str; 8] = ["view", "upload", "crop", "rotate", "share", "delete", "login", "logout"];

const USAGE: &str =
    "usage: bulk initiate URI | fill URI DATABASE MEGABYTES | drop URI DATABASE | same URI URI DATABASE";

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["initiate", uri] => initiate(uri).await,
        ["fill", uri, database, megabytes] => {
            fill_all(&open(uri, database).await, megabytes.parse().expect("a number of megabytes")).await;
        }
        ["drop", uri, database] => open(uri, database).await.drop().await.expect("dropped"),
        ["same", one, other, database] => same(&open(one, database).await, &open(other, database).await).await,
        // `cargo bench` and `cargo test` call every bench without a word.
        [] => {}
        _ => panic!("{USAGE}"),
    }
}

async fn open(uri: &str, database: &str) -> Database {
    Client::with_uri_str(uri).await.expect("an address").database(database)
}

/// Makes a server that has just been started a replica set of one.
async fn initiate(uri: &str) {
    let admin = open(uri, "admin").await;
    let host = uri.trim_start_matches("mongodb://").split('/').next().expect("a host");
    let members = vec![doc! { "_id": 0, "host": host }];
    let initiated = admin.run_command(doc! { "replSetInitiate": { "_id": "rs0", "members": members } }).await;
    initiated.expect("a new server");
    let is_ready = |hello: Document| hello.get_bool("isWritablePrimary").unwrap_or_default();
    while !admin.run_command(doc! { "hello": 1 }).await.is_ok_and(is_ready) {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

/// Both hold the same documents and the same indexes.
async fn same(one: &Database, other: &Database) {
    let (one, other) = (contents(one).await, contents(other).await);
    assert!(one == other, "not the same: {one:?} and {other:?}");
}

async fn contents(database: &Database) -> Vec<Bson> {
    let hash = database.run_command(doc! { "dbHash": 1 }).await.expect("a hash");
    let hashes = hash.get_document("collections").expect("collections");
    assert!(COLLECTIONS.iter().all(|(name, ..)| hashes.contains_key(name)), "a collection is missing: {hashes}");
    let mut contents = vec![Bson::from(hashes.clone())];
    for (name, ..) in COLLECTIONS {
        let list = database.run_command(doc! { "listIndexes": name }).await.expect("indexes");
        let list = list.get_document("cursor").and_then(|cursor| cursor.get_array("firstBatch")).expect("indexes");
        let mut indexes: Vec<String> = list.iter().map(Bson::to_string).collect();
        indexes.sort();
        contents.push(Bson::from(indexes));
    }
    contents
}

async fn fill_all(database: &Database, megabytes: u64) {
    database.drop().await.expect("the old data goes");
    for (number, (name, share, words, indexes)) in (0_u64..).zip(COLLECTIONS) {
        let (documents, bytes) = fill(database, number, name, megabytes * 10_000 * share, words).await;
        index(database, name, &indexes).await;
        let line = format!("{name}: {documents} documents, {} MB\n", bytes / 1_000_000);
        std::io::stderr().write_all(line.as_bytes()).expect("a word to whoever waits");
    }
}

async fn fill(database: &Database, number: u64, name: &str, bytes_wanted: u64, words: u64) -> (u64, u64) {
    let vocabulary = vocabulary();
    let collection: Collection<Document> = database.collection(name);
    let (mut documents, mut bytes) = (0_u64, 0_u64);
    let batches = std::iter::from_fn(|| {
        let mut batch = Vec::with_capacity(BATCH);
        while batch.len() < BATCH && bytes < bytes_wanted {
            let document = document(&mut Stream::new(SEED + number, documents), documents, words, &vocabulary);
            bytes += document.to_vec().expect("BSON").len() as u64;
            documents += 1;
            batch.push(document);
        }
        (!batch.is_empty()).then_some(batch)
    });
    let inserts = stream::iter(batches).map(|batch| {
        let collection = collection.clone();
        async move { collection.insert_many(batch).ordered(false).await.map(drop) }
    });
    inserts.buffer_unordered(BATCHES_AT_ONCE).try_collect::<()>().await.expect("inserts");
    (documents, bytes)
}

fn document(random: &mut Stream, number: u64, words: u64, vocabulary: &[String]) -> Document {
    let at = 1_750_000_000_000 + i64::try_from(number * 977 + random.below(900)).expect("a time");
    let mut id = [0; 12];
    id[..4].copy_from_slice(&u32::try_from(at / 1000).expect("a time").to_be_bytes());
    id[4..].copy_from_slice(&random.next_u64().to_be_bytes());
    let user = random.below(50_000);
    let mut some = |count: u64| -> Vec<&str> { (0..count).map(|_| word(random, vocabulary)).collect() };
    let (name, city, title, tags) = (some(2).join(" "), some(1).join(""), some(2).join(" "), some(4));
    let text = text(random, words * 3 / 4 + number % (words / 2), vocabulary);
    doc! {
        "_id": ObjectId::from_bytes(id),
        "user": i64::try_from(user).expect("a user"),
        "image": format!("img-{:08x}", random.below(1 << 30)),
        "key": format!("uploads/{:02x}/{:016x}.jpg", random.below(256), random.next_u64()),
        "kind": KINDS[usize::try_from(random.below(8)).expect("a place")],
        "at": DateTime::from_millis(at),
        "email": format!("{}.{}@{city}.example", user, name.replace(' ', ".")),
        "name": name, "title": title, "tags": tags,
        "size": { "width": i32::try_from(random.below(6_000)).expect("a width"), "height": 4_000, "scale": random.uniform() },
        "price": random.uniform() * 100.0,
        "trace": format!("{:016x}{:016x}", random.next_u64(), random.next_u64()),
        "text": text,
    }
}

/// Turns of phrase that everybody uses, between words of one's own.
fn text(random: &mut Stream, words: u64, vocabulary: &[String]) -> String {
    let mut text = Vec::new();
    while (text.len() as u64) < words {
        let most = 2_u64 << random.below(11);
        let mut phrase = Stream::new(SEED, 1_000_000 + random.below(most));
        match random.below(3) {
            0 => text.extend([word(random, vocabulary), word(random, vocabulary)]),
            _ => text.extend((0..4).map(|_| word(&mut phrase, vocabulary))),
        }
    }
    text.join(" ")
}

/// Low numbers are drawn far more often than high ones, as in a language.
fn word<'a>(random: &mut Stream, vocabulary: &'a [String]) -> &'a str {
    let most = 2_u64 << random.below(13);
    &vocabulary[usize::try_from(random.below(most)).expect("a place")]
}

/// 8,192 words.
fn vocabulary() -> Vec<String> {
    const SYLLABLES: [&str; 16] =
        ["ba", "ro", "min", "ta", "sel", "qui", "ver", "lo", "pra", "den", "ik", "su", "wol", "fe", "gan", "ch"];
    let word = |number: u64| {
        let mut random = Stream::new(SEED, number);
        let syllables = 1 + random.below(4);
        (0..syllables).map(|_| SYLLABLES[usize::try_from(random.below(16)).expect("a place")]).collect()
    };
    (0..8_192).map(word).collect()
}

async fn index(database: &Database, name: &str, keys: &[&str; 3]) {
    let specs: Vec<Document> =
        keys.iter().map(|key| doc! { "key": { *key: 1 }, "name": format!("by_{key}") }).collect();
    database.run_command(doc! { "createIndexes": name, "indexes": specs }).await.expect("indexes");
}
