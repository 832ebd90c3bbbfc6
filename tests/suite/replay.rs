//! The log on top of a base: what is at the limit, what it leaves out, and what it refuses by name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bson::{Document, RawDocumentBuf, Timestamp, doc, rawdoc};
use mongodb::Client;
use plimsoll::base::{FaultKind, Result};
use plimsoll::clock::SystemClock;
use plimsoll::engine::head_count::HeadCount;
use plimsoll::engine::index_book::IndexBook;
use plimsoll::engine::plan::{self, RestoreRequest, RestoreTo};
use plimsoll::engine::record;
use plimsoll::engine::restore::{self, RestoreOptions, Restored};
use plimsoll::engine::translate::{Operation, Translator};
use plimsoll::mongo::{Source, Target, client};
use plimsoll::port::{MongoSource, ObjectStore};
use plimsoll::store::memory::MemoryStore;

use super::restored::{ASSET, State, back_up, begin_capture, state};
use super::servers::private_mongo;
use super::stage::Heard;

/// A base, the deed that the log holds, and the restore of the instant after it into another server; what was there
/// then, what is there now, and what was heard.
async fn replayed(deed: impl AsyncFnOnce(&Client)) -> (State, State, Restored, Heard) {
    let (from_server, to_server) = tokio::join!(private_mongo(), private_mongo());
    let from = client::connect(&from_server.uri).await.expect("connects");
    let (source, store): (_, Arc<dyn ObjectStore>) = (Source::new(from.clone()), Arc::new(MemoryStore::new()));
    from.database("shop").collection("things").insert_one(doc! { "_id": 0 }).await.expect("inserts");
    let capture = begin_capture(&source, &store);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    back_up(&source, &store, &[]).await;
    deed(&from).await;
    let at = source.cluster_time().await.expect("cluster time");
    let expected = state(&source, &["shop"], None).await;
    assert_eq!(capture.end().await.gaps, 0);

    let to = client::connect(&to_server.uri).await.expect("connects");
    let (target, heard) = (Target::new(to.clone()), Heard::default());
    let request = RestoreRequest { asset: ASSET.to_string(), target: RestoreTo::At(at) };
    let plan = plan::make(store.as_ref(), &request).await.expect("a plan");
    let restored = restore::run(&plan, store, &target, &SystemClock, &heard, &RestoreOptions::default()).await;
    let restored = restored.unwrap_or_else(|fault| panic!("{}", record::chain(&fault)));
    (expected, state(&Source::new(to), &["shop"], None).await, restored, heard)
}

/// A document of exactly so many bytes.
fn of_bytes(id: i32, bytes: usize) -> Document {
    let empty = doc! { "_id": id, "x": "" }.to_vec().expect("BSON").len();
    doc! { "_id": id, "x": "x".repeat(bytes - empty) }
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_at_the_limit_of_16_mb_are_captured_whole_and_replayed() {
    let (expected, held, restored, _) = replayed(async |client| {
        let things = client.database("shop").collection::<Document>("things");
        for id in 1..4 {
            things.insert_one(of_bytes(id, 16 << 20)).await.expect("16 MB to the byte");
        }
        things.update_one(doc! { "_id": 1 }, doc! { "$set": { "x": "less" } }).await.expect("shrinks");
        things.replace_one(doc! { "_id": 1 }, of_bytes(1, 16 << 20)).await.expect("grows back");
        things.delete_one(doc! { "_id": 2 }).await.expect("deletes");
    })
    .await;
    assert_eq!(held, expected);
    assert_eq!(restored.operations, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_to_users_and_roles_in_the_log_are_listed_as_left_out() {
    let (expected, held, restored, heard) = replayed(async |client| {
        let admin = client.database("admin");
        let user = doc! { "createUser": "anna", "pwd": "not a secret", "roles": ["read"] };
        admin.run_command(user).await.expect("a user");
        let role = doc! { "createRole": "clerk", "privileges": [], "roles": [] };
        admin.run_command(role).await.expect("a role");
        admin.run_command(doc! { "grantRolesToUser": "anna", "roles": ["clerk"] }).await.expect("granted");
        client.database("shop").collection("things").insert_one(doc! { "_id": 1 }).await.expect("inserts");
    })
    .await;
    assert_eq!(held, expected);
    let uncovered = [("admin.system.roles", 1), ("admin.system.users", 2)].map(|(ns, n)| (ns.to_string(), n));
    assert_eq!(restored.uncovered, BTreeMap::from(uncovered));
    let said = heard.warnings().join("\n");
    assert!(said.contains("`admin.system.users` are not replayed"), "{said}");
}

fn fed(entry: &RawDocumentBuf) -> Result<Vec<Operation>> {
    Translator::new(&[], IndexBook::default(), HeadCount::default(), BTreeSet::new()).feed(entry)
}

#[test]
fn what_cannot_be_replayed_is_refused_with_its_name_and_its_instant() {
    let ts = Timestamp { time: 1_000, increment: 7 };
    let entry = |op: &str, ns: &str, o: RawDocumentBuf| rawdoc! { "ts": ts, "op": op, "ns": ns, "o": o };
    let odd = [
        (entry("c", "shop.$cmd", rawdoc! { "splitTheSea": "things" }), "`splitTheSea` of `shop.things`"),
        (entry("c", "shop.$cmd", rawdoc! { "renameCollection": "shop.a", "to": "other.a" }), "`other.a`"),
        (entry("xi", "shop.things", rawdoc! { "_id": 1 }), "operation `xi` on `shop.things`"),
        (
            rawdoc! { "ts": ts, "op": "u", "ns": "shop.things", "o": { "$v": 1, "$set": { "a": 1 } }, "o2": { "_id": 1 } },
            "`shop.things` in the form of MongoDB 4.4",
        ),
    ];
    for (entry, named) in odd {
        let fault = fed(&entry).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Unsupported);
        assert!(fault.what.contains("1000:7"), "{fault}");
        assert!(record::chain(&fault).contains(named), "{}", record::chain(&fault));
    }
    // What a log is not formed like is refused too, and nothing panics.
    for entry in [rawdoc! {}, rawdoc! { "ts": ts, "op": "i" }, rawdoc! { "ts": ts, "op": "c", "ns": "shop", "o": {} }] {
        assert!(fed(&entry).is_err(), "{entry:?}");
    }
}
