//! A busy hour in a minute, made from a seed: rounds of changes to collections, each followed by a burst of writers, and
//! random instants in the midst of each burst with what was there by the server's own snapshot reads.

use std::io::Write;

use bson::{DateTime, Document, doc};
use mongodb::{Client, ClientSession, Database};
use plimsoll::base::OpTime;
use plimsoll::base::rng::Stream;
use plimsoll::mongo::Source;
use plimsoll::port::MongoSource;

use super::restored::{State, state};

pub const DATABASES: [&str; 3] = ["shop", "gone", "later"];
/// Kinds of changes; an hour goes through all of them, in an order of its own.
pub const CHANGES: u64 = 14;
const WRITERS: u64 = 3;

/// Told when the story fails, so that it can be told again: `PLIMSOLL_SEED`.
pub struct Seed(pub u64);

impl Seed {
    pub fn new() -> Seed {
        let given = std::env::var("PLIMSOLL_SEED").ok().and_then(|seed| seed.parse().ok());
        Seed(given.unwrap_or_else(|| u64::from(std::process::id())))
    }
}

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = writeln!(std::io::stderr(), "the seed was PLIMSOLL_SEED={}", self.0);
        }
    }
}

pub struct Hour {
    client: Client,
    source: Source,
    chance: Stream,
    /// Where in the kinds of changes it begins.
    changes: u64,
    rounds: u64,
    pub instants: Vec<(OpTime, State)>,
}

async fn run(db: &Database, command: Document) {
    let what = command.to_string();
    db.run_command(command).await.unwrap_or_else(|error| panic!("{what}: {error}"));
}

fn users(ids: std::ops::Range<i64>) -> Vec<Document> {
    ids.map(|i| doc! { "_id": i, "email": format!("user {i}"), "n": i, "tags": ["a", "b"] }).collect()
}

impl Hour {
    /// The first day's collections, on a server that deletes what expired every second.
    pub async fn begin(client: &Client, seed: u64) -> Hour {
        // A transaction past 16 MB, and its entries in the log, must fit into the lab's small cache.
        let cache = doc! { "setParameter": 1, "wiredTigerEngineRuntimeConfig": "cache_size=1G" };
        run(&client.database("admin"), cache).await;
        let (shop, later) = (client.database("shop"), client.database("later"));
        shop.collection("users").insert_many(users(0..900)).await.expect("users");
        let email = doc! { "key": { "email": 1 }, "name": "email", "unique": true };
        run(&shop, doc! { "createIndexes": "users", "indexes": [email, { "key": { "tags": 1 }, "name": "tags" }] })
            .await;
        run(&shop, doc! { "create": "sessions" }).await;
        let ttl = doc! { "key": { "until": 1 }, "name": "ttl", "expireAfterSeconds": 0 };
        run(&shop, doc! { "createIndexes": "sessions", "indexes": [ttl] }).await;
        run(&shop, doc! { "create": "orders", "clusteredIndex": { "key": { "_id": 1 }, "unique": true } }).await;
        let accounts = (0..20_i64).map(|i| doc! { "_id": i, "money": 100_i64 });
        shop.collection::<Document>("accounts").insert_many(accounts).await.expect("accounts");
        client.database("gone").collection("things").insert_many(users(0..10)).await.expect("things");
        run(&later, doc! { "create": "series", "timeseries": { "timeField": "t", "metaField": "m" } }).await;
        run(&later, doc! { "create": "view", "viewOn": "new", "pipeline": [] }).await;
        let mut chance = Stream::new(seed, 0);
        let (source, changes) = (Source::new(client.clone()), chance.below(CHANGES));
        Hour { client: client.clone(), source, chance, changes, rounds: 0, instants: Vec::new() }
    }

    /// Changes to collections, then a burst, and so many instants of it.
    pub async fn round(&mut self, changes: u64, instants: usize) {
        for _ in 0..changes {
            // Five and fourteen have no divisor in common.
            self.change((self.changes * 5) % CHANGES).await;
            self.changes += 1;
        }
        let begun = self.source.cluster_time().await.expect("cluster time");
        let writers = (0..WRITERS).map(|writer| {
            let chance = self.chance.fork(self.rounds * WRITERS + writer);
            tokio::spawn(burst(self.client.clone(), chance, self.rounds, writer))
        });
        for writer in futures_util::future::join_all(writers).await {
            writer.expect("a writer");
        }
        let ended = self.source.cluster_time().await.expect("cluster time");
        for _ in 0..instants {
            let secs = begun.secs + self.chance.below(u64::from(ended.secs - begun.secs) + 1) as u32;
            let at = OpTime::new(secs, self.chance.below(1_200) as u32).clamp(begun, ended);
            self.instants.push((at, state(&self.source, &DATABASES, Some(at)).await));
        }
        self.rounds += 1;
    }

    /// Waits until the server has deleted all that expired, and marks the instant: those deletions are in the log.
    pub async fn settle(&mut self) {
        let sessions = self.client.database("shop").collection::<Document>("sessions");
        for _ in 0..200 {
            if sessions.count_documents(doc! {}).await.expect("counts") == 0 {
                let at = self.source.cluster_time().await.expect("cluster time");
                self.instants.push((at, state(&self.source, &DATABASES, Some(at)).await));
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        panic!("what expired is still there");
    }

    async fn change(&mut self, kind: u64) {
        let (shop, gone) = (self.client.database("shop"), self.client.database("gone"));
        let number = self.changes;
        match kind {
            0 => {
                run(&shop, doc! { "create": format!("extra {number}"), "collation": { "locale": "fr" } }).await;
                shop.collection(&format!("extra {number}")).insert_many(users(0..30)).await.expect("fills");
            }
            1 => self.swap().await,
            2 => {
                let validator = doc! { "n": { "$gte": -(number as i64) } };
                run(&shop, doc! { "collMod": "users", "validator": validator, "validationLevel": "moderate" }).await;
            }
            3 => {
                let index = doc! { "name": "ttl", "expireAfterSeconds": (number % 3) as i64 };
                run(&shop, doc! { "collMod": "sessions", "index": index }).await;
            }
            4 => {
                let key = doc! { format!("n{number}"): 1, "n": -1 };
                let spec = doc! { "key": key, "name": format!("n {number}"), "sparse": true };
                run(&shop, doc! { "createIndexes": "users", "indexes": [spec] }).await;
            }
            5 => {
                gone.drop().await.expect("drops a database");
                gone.collection("things").insert_many(users(0..5)).await.expect("makes it again");
            }
            6 | 7 => self.views_and_series(kind == 6).await,
            8 => {
                shop.collection("bounded").insert_many(users(0..40)).await.expect("fills");
                run(&shop, doc! { "convertToCapped": "bounded", "size": 100_000 }).await;
                run(&shop, doc! { "drop": "bounded" }).await;
            }
            9 => self.make_in_a_transaction().await,
            10 => self.large_transaction().await,
            11 => {
                let index = doc! { "name": "tags", "hidden": number.is_multiple_of(2) };
                run(&shop, doc! { "collMod": "users", "index": index }).await;
            }
            12 => {
                run(&shop, doc! { "dropIndexes": "users", "index": "email" }).await;
                let spec = doc! { "key": { "email": 1 }, "name": "email", "unique": true };
                run(&shop, doc! { "createIndexes": "users", "indexes": [spec] }).await;
            }
            _ => {
                // Its 20 newest documents alone are kept.
                let name = format!("recent {number}");
                run(&shop, doc! { "create": &name, "capped": true, "size": 100_000, "max": 20 }).await;
                shop.collection(&name).insert_many(users(0..30)).await.expect("capped");
            }
        }
    }

    async fn swap(&self) {
        let shop = self.client.database("shop");
        run(&shop, doc! { "create": "next", "validator": { "n": { "$gte": 0 } } }).await;
        shop.collection("next").insert_many(users(0..50)).await.expect("fills");
        run(&shop, doc! { "createIndexes": "next", "indexes": [{ "key": { "n": 1 }, "name": "n" }] }).await;
        let rename = doc! { "renameCollection": "shop.next", "to": "shop.current", "dropTarget": true };
        run(&self.client.database("admin"), rename).await;
        let away = doc! { "renameCollection": "shop.current", "to": format!("shop.old % {}", self.changes) };
        if self.changes.is_multiple_of(2) {
            run(&self.client.database("admin"), away).await;
        }
    }

    async fn views_and_series(&self, views: bool) {
        let later = self.client.database("later");
        if views {
            let pipeline = vec![doc! { "$match": { "n": self.changes as i64 } }];
            run(&later, doc! { "collMod": "view", "viewOn": "things", "pipeline": pipeline.clone() }).await;
            let name = format!("view {}", self.changes);
            run(&later, doc! { "create": name, "viewOn": "view", "pipeline": pipeline }).await;
        } else {
            run(&later, doc! { "drop": "series" }).await;
            let expires = 100_000_000 + self.changes as i64;
            let series = doc! { "timeField": "t", "metaField": "m", "granularity": "minutes" };
            run(&later, doc! { "create": "series", "timeseries": series, "expireAfterSeconds": expires }).await;
        }
    }

    async fn session(&self) -> ClientSession {
        let mut session = self.client.start_session().await.expect("a session");
        session.start_transaction().await.expect("begins");
        session
    }

    async fn make_in_a_transaction(&self) {
        let (mut session, shop) = (self.session().await, self.client.database("shop"));
        let made = shop.collection::<Document>(&format!("made {}", self.changes));
        made.insert_many(users(0..5)).session(&mut session).await.expect("creates");
        shop.collection::<Document>("accounts")
            .delete_one(doc! { "_id": -1 })
            .session(&mut session)
            .await
            .expect("none");
        session.commit_transaction().await.expect("commits");
    }

    /// Past 16 MB: the log spreads it over several entries. A server with a small cache may refuse it for a while.
    async fn large_transaction(&self) {
        let large = self.client.database("shop").collection::<Document>("orders");
        for attempt in 0.. {
            let mut session = self.session().await;
            let big = (0..3).map(|i| doc! { "_id": format!("big {i}"), "x": "x".repeat(5_800_000) });
            let inserted = large.insert_many(big).session(&mut session).await;
            let committed = match inserted {
                Ok(_) => session.commit_transaction().await,
                Err(error) => Err(error),
            };
            match committed {
                Ok(()) => break,
                Err(error) => assert!(attempt < 20, "the large transaction: {error}"),
            }
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        }
        large.delete_many(doc! { "_id": { "$in": ["big 0", "big 1"] } }).await.expect("deletes");
        large.delete_one(doc! { "_id": "big 2" }).await.expect("deletes");
    }
}

/// One writer, on documents of its own but for the accounts, which all share.
async fn burst(client: Client, mut chance: Stream, round: u64, writer: u64) {
    let (shop, later) = (client.database("shop"), client.database("later"));
    let things = shop.collection::<Document>("users");
    let mut session = client.start_session().await.expect("a session");
    let first = (writer * 300) as i64;
    for step in 0..60_i64 {
        let id = first + chance.below(300) as i64;
        let new = 1_000 + (round * 1_000 + writer * 300) as i64 + step;
        match chance.below(10) {
            0 | 1 => {
                drop(things.insert_one(doc! { "_id": new, "email": format!("user {new}"), "n": new }).await.expect("i"))
            }
            2 => drop(
                things.update_one(doc! { "_id": id }, doc! { "$inc": { "n": 1 }, "$push": { "tags": step } }).await,
            ),
            3 => drop(
                things.update_many(doc! { "_id": { "$gte": id, "$lt": id + 5 } }, doc! { "$set": { "r": step } }).await,
            ),
            4 => {
                // A unique key that goes from one document to another.
                things.delete_one(doc! { "_id": id }).await.expect("frees the key");
                let other = doc! { "_id": format!("{round} {writer} {step}"), "email": format!("user {id}"), "n": id };
                things.insert_one(other.clone()).await.expect("takes the key");
                things.delete_one(doc! { "_id": other.get("_id") }).await.expect("frees it again");
                let back = doc! { "_id": id, "email": format!("user {id}"), "n": id, "back": true };
                things.insert_one(back).await.expect("takes it back");
            }
            5 => {
                let until = DateTime::from_millis(DateTime::now().timestamp_millis() + chance.below(3_000) as i64);
                let batch = (0..5).map(|_| doc! { "until": until, "of": id });
                shop.collection::<Document>("sessions").insert_many(batch).await.expect("sessions");
            }
            6 | 7 => transfer(&shop, &mut session, &mut chance).await,
            8 => {
                let at = DateTime::from_millis(1_000_000 * chance.below(50) as i64);
                let measured = doc! { "t": at, "m": chance.below(3) as i64, "v": step };
                later.collection::<Document>("series").insert_one(measured).await.expect("measures");
            }
            _ => {
                let which = doc! { "_id": format!("{writer} {}", chance.below(20)) };
                let order = doc! { "lines": [{ "sku": id, "of": { "round": round as i64 } }], "step": step };
                shop.collection::<Document>("orders").replace_one(which, order).upsert(true).await.expect("orders");
            }
        }
    }
}

/// Money from one account to another; a conflict with another writer undoes it, as it should.
async fn transfer(shop: &Database, session: &mut ClientSession, chance: &mut Stream) {
    let accounts = shop.collection::<Document>("accounts");
    let (from, to, money) = (chance.below(20) as i64, chance.below(20) as i64, chance.below(10) as i64);
    session.start_transaction().await.expect("begins");
    let pay = doc! { "$inc": { "money": -money } };
    let paid = accounts.update_one(doc! { "_id": from }, pay).session(&mut *session).await;
    let got = doc! { "$inc": { "money": money } };
    let received = match paid {
        Ok(_) => accounts.update_one(doc! { "_id": to }, got).session(&mut *session).await,
        Err(error) => Err(error),
    };
    match received {
        Ok(_) => session.commit_transaction().await.expect("commits"),
        Err(_) => session.abort_transaction().await.unwrap_or_default(),
    }
}
