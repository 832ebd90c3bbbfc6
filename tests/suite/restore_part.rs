//! Restores of some collections, and to other names, also at any instant of a log: exactly those, and nothing beside.

use std::sync::Arc;

use bson::{Document, doc};
use plimsoll::base::{FaultKind, OpTime, Result};
use plimsoll::clock::SystemClock;
use plimsoll::engine::event::Silent;
use plimsoll::engine::plan::{self, RestoreRequest, RestoreTo};
use plimsoll::engine::record::chain;
use plimsoll::engine::restore::{self, RestoreOptions, Restored};
use plimsoll::engine::selection::Selection;
use plimsoll::mongo::{Source, Target, client};
use plimsoll::port::{MongoTarget, ObjectStore};

use super::restore::{DATABASES, busy_history};
use super::restored::{ASSET, State, state};
use super::servers::private_mongo;

fn selection(only: &[&str], renames: &[&str]) -> Result<Selection> {
    let only = only.iter().map(|name| name.parse()).collect::<Result<Vec<_>>>()?;
    let renames = renames.iter().map(|rename| rename.parse()).collect::<Result<Vec<_>>>()?;
    Selection::new(only, renames)
}

async fn restore(
    store: &Arc<dyn ObjectStore>,
    target: &Target,
    at: OpTime,
    selection: Selection,
    replace: bool,
) -> Result<Restored> {
    let request = RestoreRequest { asset: ASSET.to_string(), target: RestoreTo::At(at) };
    let plan = plan::make_of(store.as_ref(), &request, selection).await?;
    let options = RestoreOptions { replace, ..RestoreOptions::default() };
    restore::run(&plan, Arc::clone(store), target, &SystemClock, &Silent, &options).await
}

/// The part of a state that `name` gives another name.
fn renamed(state: &State, name: impl Fn(&str) -> Option<String>) -> State {
    state.iter().filter_map(|(key, value)| Some((name(key)?, value.clone()))).collect()
}

fn assert_same(held: &State, expected: &State, what: &str) {
    assert_eq!(held.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{what}");
    for (name, held) in held {
        assert_eq!(held, &expected[name], "{what}: {name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_history_comes_back_under_other_names_and_in_part_beside_the_source_at_every_instant() {
    let server = private_mongo().await;
    let client = client::connect(&server.uri).await.expect("connects");
    let (store, instants) = busy_history(client.clone()).await;
    let (source, target) = (Source::new(client.clone()), Target::new(client.clone()));
    let untouched = state(&source, &DATABASES, None).await;
    let scratch = client.database("scratch");
    scratch.collection::<Document>("other").insert_one(doc! { "_id": 1 }).await.expect("somebody else's");
    for (nth, (at, expected)) in instants.iter().enumerate() {
        let all = selection(&[], &["shop=copy of shop", "gone=kept", "later=afterwards"]);
        assert_eq!(all.expect_err("a space").kind, FaultKind::Usage);
        let all = selection(&[], &["shop=copy", "gone=kept", "later=afterwards"]).expect("a selection");
        let restored = restore(&store, &target, *at, all, false).await;
        restored.unwrap_or_else(|fault| panic!("instant {nth}: {}", chain(&fault)));
        let others = ["copy", "kept", "afterwards"];
        let held = state(&source, &others, None).await;
        let expected_all = renamed(expected, |name| {
            let (db, collection) = name.split_once('.')?;
            let at = DATABASES.iter().position(|other| *other == db)?;
            Some(format!("{}.{collection}", others[at]))
        });
        assert_same(&held, &expected_all, &format!("instant {nth}, renamed"));
        for db in others {
            target.drop_database(db).await.expect("drops");
        }

        let some = selection(
            &["shop.users", "shop.measured", "shop.view"],
            &["shop.users=scratch.people", "shop.measured=scratch.series", "shop.view=scratch.view"],
        );
        let some = some.expect("a selection");
        if nth > 0 {
            let fault = restore(&store, &target, *at, some.clone(), false).await.expect_err("it is there already");
            assert_eq!(fault.kind, FaultKind::Conflict, "{}", chain(&fault));
        }
        let restored = restore(&store, &target, *at, some, true).await;
        restored.unwrap_or_else(|fault| panic!("instant {nth}, in part: {}", chain(&fault)));
        let mut held = state(&source, &["scratch"], None).await;
        assert_eq!(held.remove("scratch.other").expect("somebody else's is still there").0.documents, 1);
        let expected_some = renamed(expected, |name| match name {
            "shop.users" => Some("scratch.people".to_string()),
            "shop.measured" => Some("scratch.series".to_string()),
            "shop.view" => Some("scratch.view".to_string()),
            _ => None,
        });
        assert_same(&held, &expected_some, &format!("instant {nth}, in part"));
    }
    assert_eq!(state(&source, &DATABASES, None).await, untouched, "the source is as it was");

    let (last, _) = instants.last().expect("instants");
    let crossing = selection(&["shop.clustered"], &["shop=copy"]).expect("a selection");
    let fault = restore(&store, &target, *last, crossing, false).await.expect_err("a rename crosses the selection");
    assert_eq!(fault.kind, FaultKind::Unsupported);
    assert!(chain(&fault).contains("shop.staging") && chain(&fault).contains("shop.clustered"), "{}", chain(&fault));
    assert!(!target.databases().await.expect("databases").contains(&"copy".to_string()), "nothing was written");
    let clash = selection(&[], &["shop.users=shop.strict"]).expect("each by itself is a name");
    let fault = restore(&store, &target, *last, clash, false).await.expect_err("two in one");
    assert!(chain(&fault).contains("both"), "{}", chain(&fault));
    let absent = selection(&["shop.nothing"], &[]).expect("a name");
    let request = RestoreRequest { asset: ASSET.to_string(), target: RestoreTo::Newest };
    let fault = plan::make_of(store.as_ref(), &request, absent).await.expect_err("it is not there");
    assert_eq!(fault.kind, FaultKind::Missing);
}

#[tokio::test]
async fn what_is_not_restored_need_not_be_whole() {
    use super::restored::back_up;
    use plimsoll::store::memory::MemoryStore;
    let server = super::servers::mongo().await;
    let client = client::connect(&server.uri).await.expect("connects");
    let db = super::servers::unique("part");
    for name in ["good", "bad"] {
        client.database(&db).collection::<Document>(name).insert_one(doc! { "_id": name }).await.expect("inserts");
    }
    let store: Arc<dyn ObjectStore> = Arc::new(MemoryStore::new());
    let manifest = back_up(&Source::new(client.clone()), &store, &[&db]).await;
    let bad = manifest.collections.iter().find(|c| c.name == "bad").and_then(|c| c.data.clone()).expect("its data");
    store.delete(&bad).await.expect("deletes");
    let request = RestoreRequest { asset: ASSET.to_string(), target: RestoreTo::Newest };
    let fault = plan::make(store.as_ref(), &request).await.expect_err("not all is there");
    assert_eq!(fault.kind, FaultKind::Corrupt);
    let good = selection(&[&format!("{db}.good")], &[&format!("{db}.good={db}.again")]).expect("a selection");
    let plan = plan::make_of(store.as_ref(), &request, good).await.expect("the good one is whole");
    assert!(plan.describe().contains(&format!("{db}.good to {db}.again")), "{}", plan.describe());
    assert_eq!(plan.drops(), [format!("{db}.again")], "one collection, never its database");
    let target = Target::new(client.clone());
    restore::run(&plan, store, &target, &SystemClock, &Silent, &RestoreOptions::default()).await.expect("restores");
    let again = client.database(&db).collection::<Document>("again");
    assert_eq!(again.count_documents(doc! {}).await.expect("counts"), 1);
}

#[tokio::test]
async fn a_view_whose_collection_is_left_out_is_restored_with_a_warning() {
    use super::restored::back_up;
    use super::stage::Heard;
    use plimsoll::store::memory::MemoryStore;
    let client = client::connect(&super::servers::mongo().await.uri).await.expect("connects");
    let (db, other) = (super::servers::unique("views"), super::servers::unique("views"));
    client.database(&db).collection::<Document>("things").insert_one(doc! { "_id": 1 }).await.expect("inserts");
    let view = doc! { "create": "some", "viewOn": "things", "pipeline": [] };
    client.database(&db).run_command(view).await.expect("a view");
    let store: Arc<dyn ObjectStore> = Arc::new(MemoryStore::new());
    back_up(&Source::new(client.clone()), &store, &[&db]).await;
    let request = RestoreRequest { asset: ASSET.to_string(), target: RestoreTo::Newest };
    let rename = format!("{db}={other}");
    let (target, options) =
        (Target::new(client.clone()), RestoreOptions { replace: true, ..RestoreOptions::default() });
    for (only, warned) in [(vec![db.clone()], false), (vec![format!("{db}.some")], true)] {
        let only: Vec<&str> = only.iter().map(String::as_str).collect();
        let selection = selection(&only, &[&rename]).expect("a selection");
        let plan = plan::make_of(store.as_ref(), &request, selection).await.expect("a plan");
        let heard = Heard::default();
        restore::run(&plan, Arc::clone(&store), &target, &SystemClock, &heard, &options).await.expect("restores");
        let warnings = heard.warnings().join("\n");
        assert_eq!(warnings.contains(&format!("the view `{other}.some` looks at `things`")), warned, "{warnings}");
        target.drop_database(&other).await.expect("drops");
    }
}

#[test]
fn names_that_would_meet_in_one_are_refused() {
    for (only, renames) in [
        (&[][..], &["a=c", "b=c"][..]),
        (&[], &["a.x=c.x", "b.x=c.x"]),
        (&[], &["a=b", "a=c"]),
        (&[], &["a=b.c"]),
        (&[], &["a.x=b"]),
        (&[], &["a"]),
        (&[], &["a=b=c"]),
        (&["admin"], &[]),
        (&["."], &[]),
        (&["a."], &[]),
    ] {
        let fault = selection(only, renames).expect_err("refused");
        assert_eq!(fault.kind, FaultKind::Usage, "{only:?} {renames:?}");
    }
    let target = |only: &[&str], renames: &[&str], db: &str, name: &str| {
        let selection = selection(only, renames).expect("a selection");
        let target = selection.target(db, name).map(|t| t.map(|(db, name)| format!("{db}.{name}")));
        target.map_err(|fault| fault.to_string())
    };
    let to = |name: &str| Ok(Some(name.to_string()));
    assert_eq!(target(&[], &[], "a", "x"), to("a.x"));
    assert_eq!(target(&["a"], &[], "b", "x"), Ok(None));
    assert_eq!(target(&["a.x"], &[], "a", "y"), Ok(None));
    assert_eq!(target(&["a.x"], &["a=b"], "a", "system.buckets.x"), to("b.system.buckets.x"));
    assert_eq!(target(&[], &["a.x=b.y.z"], "a", "system.buckets.x"), to("b.system.buckets.y.z"));
    assert_eq!(target(&[], &["a=b", "b=a"], "a", "x"), to("b.x"), "they change places");
    assert_eq!(target(&[], &["a.x=a.y", "a.y=a.x"], "a", "y"), to("a.x"));
    assert!(target(&[], &["a=b"], "b", "x").is_err(), "b is there itself");
    assert!(target(&[], &["a.x=a.y"], "a", "y").is_err());
    assert_eq!(target(&["b"], &["a=b"], "b", "x"), to("b.x"), "a is not restored");
}
