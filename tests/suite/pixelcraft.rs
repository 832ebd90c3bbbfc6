//! PixelCraft's ledger against the server itself: they agree at every cluster time, and each kind of damage shows.

use std::sync::Arc;
use std::time::Duration;

use bson::{Document, Timestamp, doc};
use futures_util::TryStreamExt;
use plimsoll::base::OpTime;
use plimsoll::clock::SystemClock;
use plimsoll::lab::pixelcraft::{self, COLLECTIONS, Difference, Ledger, PixelCraft, Size, Writer};
use plimsoll::store::memory::MemoryStore;

use crate::servers;

const SMALL: Size = Size { users: 40, images: 60, edits: 100, activity: 50 };

async fn craft(seed: u64) -> PixelCraft {
    let client = plimsoll::mongo::client::connect(&servers::mongo().await.uri).await.unwrap();
    PixelCraft {
        database: client.database(&servers::unique("pixelcraft")),
        uploads: Arc::new(MemoryStore::new()),
        clock: Arc::new(SystemClock),
        seed,
    }
}

/// Compares the database, read at one cluster time, with the ledger.
async fn compare(craft: &PixelCraft, ledger: &Ledger, at: OpTime) -> Difference {
    let mut comparison = ledger.compare_at(at);
    for name in COLLECTIONS {
        let instant = Timestamp { time: at.secs, increment: at.inc };
        let snapshot = doc! { "level": "snapshot", "atClusterTime": instant };
        let find = craft.database.run_cursor_command(doc! { "find": name, "readConcern": snapshot });
        let found: Vec<Document> = find.await.unwrap().try_collect().await.unwrap();
        for document in found {
            comparison.see(name, &document.to_vec().unwrap()).unwrap();
        }
    }
    comparison.finish()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_equals_the_database_at_every_cluster_time_while_four_writers_go_on() {
    let craft = craft(7).await;
    let ledger = pixelcraft::share(pixelcraft::fill(&craft, &SMALL).await.unwrap());
    let filled = ledger.lock().unwrap().last_until(OpTime::new(u32::MAX, 0)).unwrap().0;
    let writer = Writer::start(&craft, &SMALL, &ledger, 400).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let written = writer.stop().await.unwrap();
    assert_eq!(written.refused, 0);
    assert!(written.operations > 200 && written.transactions > 20 && written.uploads > 5, "{written:?}");

    let ledger = std::mem::take(&mut *ledger.lock().unwrap());
    let last = ledger.last_until(OpTime::new(u32::MAX, 0)).unwrap().0;
    let mut instants: Vec<OpTime> =
        (filled.secs..=last.secs).flat_map(|s| [1, 40, u32::MAX].map(|i| OpTime::new(s, i))).collect();
    instants.retain(|at| filled <= *at && *at <= last);
    instants.extend([filled, last]);
    for at in instants {
        let difference = compare(&craft, &ledger, at).await;
        assert!(difference.is_none(), "at {at}: {difference:?}");
        assert_eq!(difference.equal, ledger.documents_at(at));
    }
    assert!(ledger.writes_between(filled, last) >= written.operations);
    assert_eq!(ledger.writes_between(last, OpTime::new(u32::MAX, 0)), 0);
    assert_eq!(craft.uploads.list("").await.unwrap().len(), ledger.uploads.len());
    assert_eq!(pixelcraft::missing(&craft.database).await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_a_changed_and_an_extra_document_are_each_told_apart() {
    let craft = craft(8).await;
    let ledger = pixelcraft::fill(&craft, &SMALL).await.unwrap();
    let at = ledger.last_until(OpTime::new(u32::MAX, 0)).unwrap().0;
    assert!(compare(&craft, &ledger, at).await.is_none());
    let images = craft.database.collection::<Document>("images");
    images.delete_one(doc! { "_id": "img-0000003" }).await.unwrap();
    images.update_one(doc! { "_id": "img-0000004" }, doc! { "$inc": { "likes": 1 } }).await.unwrap();
    craft.database.collection("users").insert_one(doc! { "_id": 1, "email": "x", "plan": "free" }).await.unwrap();
    images.drop_index("tags").await.unwrap();
    let difference = compare_now(&craft, &ledger, at).await;
    assert_eq!((difference.lost, difference.changed, difference.extra), (1, 1, 1), "{difference:?}");
    assert!(difference.examples.iter().any(|e| e.contains("lost: images \"img-0000003\"")), "{difference:?}");
    assert_eq!(pixelcraft::missing(&craft.database).await.unwrap(), ["images.tags"]);
}

/// The database as it is now, held against the ledger as of `at`.
async fn compare_now(craft: &PixelCraft, ledger: &Ledger, at: OpTime) -> Difference {
    let mut comparison = ledger.compare_at(at);
    for name in COLLECTIONS {
        let rows = craft.database.collection(name);
        let found: Vec<Document> = rows.find(doc! {}).await.unwrap().try_collect().await.unwrap();
        found.iter().for_each(|document| comparison.see(name, &document.to_vec().unwrap()).unwrap());
    }
    comparison.finish()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_makes_the_same_first_day() {
    let (one, two) = (craft(9).await, craft(9).await);
    pixelcraft::fill(&one, &SMALL).await.unwrap();
    pixelcraft::fill(&two, &SMALL).await.unwrap();
    for object in one.uploads.list("").await.unwrap() {
        assert_eq!(one.uploads.get(&object.key).await.unwrap(), two.uploads.get(&object.key).await.unwrap());
    }
    let users = [&one, &two].map(|craft| craft.database.collection::<Document>("users"));
    let ids = users[0].distinct("_id", doc! {}).await.unwrap();
    assert_eq!(ids, users[1].distinct("_id", doc! {}).await.unwrap());
    assert_eq!(ids.len(), 40);
}
