//! Drills beyond the restore: the policy's own checks, a point by lot, steps that somebody times by hand, and targets that
//! are refused.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;

use bson::{DateTime, doc};
use plimsoll::base::{FaultKind, Span};
use plimsoll::clock::SystemClock;
use plimsoll::engine::drill::{self, DrillRequest, Practised};
use plimsoll::engine::event::Silent;
use plimsoll::engine::expectation::Expectations;
use plimsoll::engine::plan::RestoreTo;
use plimsoll::engine::{points, step};
use plimsoll::evidence::{Drill, DrillOutcome, Origin};
use plimsoll::mongo::{Source, Target, client};
use plimsoll::policy::{self, SourceText};
use plimsoll::port::{Clock, ObjectStore};
use plimsoll::repository::{Key, PruneStep, catalog};
use plimsoll::store::directory::DirectoryStore;
use plimsoll::store::memory::MemoryStore;

use super::pruned::{self, Hand, at, uploads};
use super::restored::{ASSET, back_up};
use super::servers::private_mongo;

/// The expectations as a policy declares them.
fn expectations(rows: &str) -> Expectations {
    let text = format!(
        "plimsoll = 1\nname = \"shop\"\ndomain.here = {{ kind = \"host\" }}\n[asset.uploads]\nkind = \"s3\"\nlives_in = [\"here\"]\n\
         [asset.shop]\nkind = \"mongodb\"\nlives_in = [\"here\"]\nreferences = \"uploads\"\n{rows}"
    );
    let policy = policy::parse(SourceText::new("plan.toml", text)).expect("a policy");
    let asset = policy.asset("shop").expect("declared");
    let names: BTreeSet<&str> = asset.expect.iter().map(|expectation| expectation.name.as_str()).collect();
    let checks: BTreeSet<&str> = asset.checks.iter().map(|check| check.value.as_str()).collect();
    assert_eq!(names, checks, "a drill counts only if it ran them");
    Expectations { all: asset.expect.clone(), uploads: Some("uploads".to_string()) }
}

fn row(name: &str, kind: &str, more: &str) -> String {
    format!("[[asset.shop.expect]]\nname = \"{name}\"\nkind = \"{kind}\"\n{more}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policys_own_checks_say_what_is_too_few_too_old_or_missing() {
    let (from, to) = tokio::join!(private_mongo(), private_mongo());
    let client = client::connect(&from.uri).await.expect("connects");
    let now = DateTime::now();
    let old = DateTime::from_millis(now.timestamp_millis() - 3 * 86_400_000);
    let images = (0..50).map(|n| doc! { "_id": n, "file": { "keys": [format!("{n}.jpg")] }, "seen": now });
    let database = client.database("shop");
    database.collection("images").insert_many(images).await.expect("inserts");
    database.collection("orders").insert_one(doc! { "placed": { "at": old } }).await.expect("inserts");
    let store: Arc<dyn ObjectStore> = Arc::new(MemoryStore::new());
    let names: Vec<String> = (0..49).map(|n| format!("img/{n}.jpg")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), name.as_str())).collect();
    uploads(&store, &SystemClock, &files).await.expect("syncs");
    back_up(&Source::new(client), &store, &["shop"]).await;
    let rows = [
        row("enough", "count", "collection = \"shop.images\"\nat_least = 50"),
        row("too few", "count", "collection = \"shop.images\"\nat_least = 51"),
        row("fresh", "fresh", "collection = \"shop.images\"\nfield = \"seen\"\nwithin = \"1h\""),
        row("stale", "fresh", "collection = \"shop.orders\"\nfield = \"placed.at\"\nwithin = \"1d\""),
        row("no time", "fresh", "collection = \"shop.orders\"\nfield = \"nothing\"\nwithin = \"1d\""),
        row("dangling", "references", "collection = \"shop.images\"\nfield = \"file.keys\"\nprefix = \"img/\""),
        row("nothing named", "references", "collection = \"shop.images\"\nfield = \"file.kyes\""),
        row("absent", "count", "collection = \"shop.none\"\nat_least = 1"),
    ];
    let target = Target::new(client::connect(&to.uri).await.expect("connects"));
    let practise = async |expectations: Expectations| {
        let what = Practised::Point(RestoreTo::Newest);
        let request = DrillRequest { asset: ASSET.to_string(), what, before: Vec::new(), expectations };
        drill::run(Arc::clone(&store), &target, &SystemClock, &Silent, &request).await.expect("recorded")
    };
    let drill = practise(expectations(&rows.concat())).await;
    let check = |name: &str| drill.checks.iter().find(|check| check.name == name).expect("it was run");
    for (name, passed) in [
        ("enough", true),
        ("too few", false),
        ("fresh", true),
        ("stale", false),
        ("no time", false),
        ("dangling", false),
        ("nothing named", false),
        ("absent", false),
        ("content", true),
    ] {
        assert_eq!(check(name).passed, passed, "{:?}", check(name));
    }
    assert!(check("dangling").detail.contains("1 of 50 uploads") && check("dangling").detail.contains("`img/49.jpg`"));
    assert!(!drill.passed(), "what a policy expects and is not there fails the drill");
    // Without any uploads to look in, nothing is said to be there.
    let nowhere = Expectations { uploads: Some("others".to_string()), ..expectations(&rows[5]) };
    let drill = practise(nowhere).await;
    assert!(!drill.passed() && drill.why_failed().contains("cannot be checked"), "{:?}", drill.outcome);
}

#[test]
fn an_expectation_that_cannot_be_run_is_refused_at_its_line() {
    let said = |rows: &str| {
        let text = format!(
            "plimsoll = 1\nname = \"x\"\ndomain.here = {{ kind = \"host\" }}\n[asset.a]\nkind = \"mongodb\"\nlives_in = [\"here\"]\n{rows}"
        );
        match policy::parse(SourceText::new("plan.toml", text)) {
            Ok(_) => "no problem".to_string(),
            Err(problems) => format!("{problems:?}"),
        }
    };
    let row = |more: &str| said(&format!("[[asset.a.expect]]\nname = \"n\"\n{more}\n"));
    assert_eq!(row("kind = \"count\"\ncollection = \"d.c\"\nat_least = 1"), "no problem");
    assert!(row("kind = \"count\"\ncollection = \"d\"\nat_least = 1").contains("names no collection"));
    assert!(row("kind = \"count\"\ncollection = \"d.c\"\nat_least = 0").contains("cannot be 0"));
    assert!(row("kind = \"count\"\ncollection = \"d.c\"").contains("needs `at_least`"));
    assert!(
        row("kind = \"count\"\ncollection = \"d.c\"\nat_least = 1\nfield = \"f\"").contains("does not fit the kind")
    );
    assert!(row("kind = \"references\"\ncollection = \"d.c\"\nfield = \"f\"").contains("refers to no uploads"));
    let twice = "[[asset.a.expect]]\nname = \"n\"\nkind = \"count\"\ncollection = \"d.c\"\nat_least = 1\n".repeat(2);
    assert!(said(&twice).contains("is called `n` already"));
}

fn a_drill(id: &str, asset: &str, from: &str, until: &str) -> Drill {
    Drill {
        key: None,
        id: id.into(),
        asset: asset.into(),
        protection: None,
        point: "p".into(),
        target: None,
        started_at: at(from),
        ended_at: at(until),
        phases: vec![],
        checks: vec![],
        outcome: DrillOutcome::Passed,
        bytes_restored: 1,
        documents: 1,
        origin: Origin { tool: "plimsoll".into(), place: format!("drills/{id}.json"), sha256: None },
    }
}

#[tokio::test]
async fn a_step_that_somebody_timed_is_a_phase_of_the_nearest_drill_of_its_asset() {
    let store = MemoryStore::new();
    let clock = Hand::at("2026-11-20T09:00:00Z");
    let drills = [
        a_drill("d1", "shop", "2026-11-20T10:00:00Z", "2026-11-20T10:30:00Z"),
        a_drill("d2", "shop", "2026-11-27T10:00:00Z", "2026-11-27T10:30:00Z"),
        a_drill("d3", "other", "2026-11-20T09:00:00Z", "2026-11-20T09:30:00Z"),
    ];
    for drill in &drills {
        let body = serde_json::to_vec(drill).expect("JSON");
        store.put(&format!("drills/{}.json", drill.id), body.into()).await.expect("puts");
    }
    let time = async |name: &str, from: &str, until: &str| {
        clock.set(at(from));
        step::start(&store, clock.as_ref(), "shop", name).await.expect("begins");
        clock.set(at(until));
        step::done(&store, clock.as_ref(), "shop", name).await.expect("ends")
    };
    time("notice", "2026-11-20T09:30:00Z", "2026-11-20T09:50:00Z").await;
    time("switch DNS", "2026-11-20T10:35:00Z", "2026-11-20T10:50:00Z").await;
    time("switch DNS", "2026-11-27T10:35:00Z", "2026-11-27T11:35:00Z").await;
    time("too far", "2026-11-23T10:35:00Z", "2026-11-23T11:35:00Z").await;
    step::start(&store, clock.as_ref(), "shop", "never done").await.expect("begins");
    let evidence = catalog::read(&store, at("2026-12-01T00:00:00Z")).await.expect("reads");
    assert!(evidence.unreadable.is_empty(), "{:?}", evidence.unreadable);
    let phases = |id: &str| {
        let drill = evidence.drills.iter().find(|drill| drill.id == id).expect("there");
        drill.phases.iter().map(|phase| (phase.name.clone(), phase.took)).collect::<Vec<_>>()
    };
    let named = |name: &str, minutes: i64| (name.to_string(), Span::minutes(minutes));
    assert_eq!(phases("d1"), [named("notice", 20), named("switch DNS", 15)]);
    assert_eq!(phases("d2"), [named("switch DNS", 60)]);
    assert_eq!(phases("d3"), []);
    // A step is ended once, and only if it began.
    let begun_twice = step::start(&store, clock.as_ref(), "shop", "never done").await.expect_err("it has begun");
    assert_eq!(begun_twice.kind, FaultKind::Conflict);
    let unknown = step::done(&store, clock.as_ref(), "shop", "switch DNS").await.expect_err("it is over");
    assert_eq!(unknown.kind, FaultKind::Missing);
    clock.turn(Span::ZERO - Span::days(30));
    let backwards = step::done(&store, clock.as_ref(), "shop", "never done").await.expect_err("a wrong clock");
    assert_eq!(backwards.kind, FaultKind::Conflict);
}

#[tokio::test]
async fn a_point_by_lot_is_the_same_all_day_and_in_time_each_of_them() {
    let store = MemoryStore::new();
    for day in 10..=14 {
        pruned::point(&store, &format!("n{day}"), at(&format!("2026-11-{day}T03:00:00Z"))).await;
    }
    let lot = async |day: i64, hour: i64| {
        let when = at("2026-11-20T00:00:00Z") + Span::days(day) + Span::hours(hour);
        points::by_lot(&store, "shop", when, None).await.expect("one of them")
    };
    let mut drawn = BTreeSet::new();
    for day in 0..60 {
        let morning = lot(day, 1).await;
        assert_eq!(lot(day, 23).await, morning);
        drawn.insert(morning);
    }
    assert_eq!(drawn.len(), 5);
    let seeded = points::by_lot(&store, "shop", at("2026-11-20T00:00:00Z"), Some(7)).await.expect("one of them");
    assert_eq!(points::by_lot(&store, "shop", at("2030-01-01T00:00:00Z"), Some(7)).await.expect("the same"), seeded);
    assert_eq!(
        points::by_lot(&store, "none", at("2026-11-20T00:00:00Z"), None).await.expect_err("none").kind,
        FaultKind::Missing
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_looks_like_production_is_refused_before_anything_is_written_there() {
    let (from, used) = tokio::join!(private_mongo(), private_mongo());
    let source = client::connect(&from.uri).await.expect("connects");
    source.database("shop").collection("rows").insert_one(doc! { "n": 1 }).await.expect("inserts");
    let folder = tempfile::tempdir().expect("a folder");
    let store: Arc<dyn ObjectStore> = Arc::new(DirectoryStore::new(folder.path()));
    plimsoll::repository::open(Arc::clone(&store), &SystemClock).await.expect("opens");
    back_up(&Source::new(source.clone()), &store, &["shop"]).await;
    let other = client::connect(&used.uri).await.expect("connects");
    other.database("payroll").collection("rows").insert_one(doc! { "n": 1 }).await.expect("inserts");
    let drill = |into: &str, more: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
            .args(["drill", "--asset", ASSET, "--repo", &folder.path().display().to_string()])
            .args(more)
            .env("PLIMSOLL_URI", &from.uri)
            .env("PLIMSOLL_TARGET_URI", into)
            .output()
            .expect("runs");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    };
    let (status, said) = drill(&from.uri, &[]);
    assert!(status == Some(2) && said.contains("is the server that backups read"), "{said}");
    let (status, said) = drill(&used.uri, &[]);
    assert!(status == Some(1) && said.contains("looks like one that somebody uses"), "{said}");
    let evidence = catalog::read(store.as_ref(), SystemClock.now()).await.expect("reads");
    assert_eq!(evidence.drills.len(), 0, "a refusal is no drill");
    let (status, said) = drill(&used.uri, &["--beside-others", "--random"]);
    assert!(status == Some(0) && said.contains("passed"), "{said}");
    assert!(!other.list_database_names().await.expect("lists").contains(&"shop".to_string()));
}

#[test]
fn a_step_is_timed_from_the_shell_and_shows_in_the_inventory() {
    let desk = super::desk::Desk::new();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let now = SystemClock.now();
    runtime.block_on(async {
        let store: Arc<dyn ObjectStore> = Arc::new(DirectoryStore::new(desk.path("repo")));
        plimsoll::repository::open(Arc::clone(&store), &SystemClock).await.expect("opens");
        let drill = a_drill("d", "shop", &now.to_string(), &now.to_string());
        store.put("drills/d.json", serde_json::to_vec(&drill).expect("JSON").into()).await.expect("puts");
    });
    let run = |what: &str| desk.run_words(&["drill", "step", what, "switch DNS", "--asset", "shop", "--repo", "repo"]);
    assert_eq!(run("done").status, 1, "it has not begun");
    assert_eq!(run("start").status, 0, "{}", run("start").err);
    let done = run("done");
    assert!(done.status == 0 && done.out.starts_with("switch DNS: took "), "{}{}", done.out, done.err);
    let evidence = desk.json("inventory --repo repo --format json");
    assert_eq!(evidence["drills"][0]["phases"][0]["name"], "switch DNS");
    let missing = desk.run("drill --repo repo");
    assert!(missing.status == 2 && missing.err.contains("--asset"), "{}", missing.err);
}

#[test]
fn the_keys_of_steps_and_prunings_read_back() {
    let keys = [
        Key::step("20261120T000000Z-ab", false),
        Key::step("20261120T000000Z-ab", true),
        Key::prune("20261120T000000Z-ab", PruneStep::Mark),
        Key::prune("20261120T000000Z-ab", PruneStep::Fate),
        Key::prune("20261120T000000Z-ab", PruneStep::End),
    ];
    for key in keys {
        let key = key.expect("a key");
        assert_eq!(key.to_string().parse::<Key>().expect("reads"), key);
    }
    for text in ["drills/steps/x/other.json", "drills/steps/x", "prunes/x/other.json", "prunes/x.json"] {
        assert!(text.parse::<Key>().is_err(), "{text}");
    }
}
