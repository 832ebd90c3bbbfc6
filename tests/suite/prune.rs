//! Pruning: what no rule keeps goes, in two phases, with the reason for each; and nothing that anybody needs.

use std::sync::Arc;

use bytes::Bytes;
use plimsoll::base::{FaultKind, Instant, Span};
use plimsoll::engine::event::Silent;
use plimsoll::engine::prune::{self, PruneRequest};
use plimsoll::evidence::{Drill, DrillOutcome, Origin, RunOutcome};
use plimsoll::port::{Clock, ObjectStore};
use plimsoll::repository::verification::{OfPoint, Verification};
use plimsoll::repository::{Key, catalog};
use plimsoll::store::memory::MemoryStore;

use super::desk::Desk;
use super::pruned::{self, Dated, Hand, at, log, plan, point, point_with, points, policy, prune, uploads, whole};

const DAY: Span = Span::days(1);

/// A store with points of these days of November at 03:00, and the clock at noon of the last.
async fn nights(days: std::ops::RangeInclusive<u32>) -> (Arc<dyn ObjectStore>, Arc<Hand>) {
    let clock = Hand::at(&format!("2026-11-{:02}T12:00:00Z", days.end()));
    let store = Dated::over(Arc::new(MemoryStore::new()), Arc::clone(&clock));
    for day in days {
        point(store.as_ref(), &format!("n{day:02}"), at(&format!("2026-11-{day:02}T03:00:00Z"))).await;
    }
    (store, clock)
}

/// Says of a point that all of it was read, and was right or was not.
async fn verified(store: &dyn ObjectStore, id: &str, when: Instant, why_bad: Option<&str>) {
    let bad = why_bad.map(|why| plimsoll::repository::verification::Bad { key: "k".into(), why: why.into() });
    let bad = bad.into_iter().collect();
    let of = OfPoint { asset: "shop".into(), point: id.into(), objects: 1, read: 1, bad };
    let name = format!("v-{id}-{}", when.compact());
    let verification = Verification {
        unopened: 0,
        format: 1,
        id: name.clone(),
        started_at: when,
        ended_at: when,
        part: None,
        points: vec![of],
        chains: vec![],
        bytes: 1,
    };
    let key = Key::verification(&name).expect("a key").to_string();
    store.put(&key, verification.encode().expect("encodes")).await.expect("puts");
}

async fn everything(store: &dyn ObjectStore) -> Vec<(String, Bytes)> {
    super::sync::contents(store).await
}

#[tokio::test]
async fn a_plan_names_each_point_and_slice_with_its_reason_and_changes_nothing() {
    let (store, clock) = nights(10..=20).await;
    log(store.as_ref(), at("2026-11-10T00:00:00Z"), at("2026-11-20T12:00:00Z")).await;
    let before = everything(store.as_ref()).await;
    let plan = plan(store.as_ref(), clock.as_ref(), &policy("keep = { weekly = 2 }")).await.expect("a plan");
    let told: Vec<(&str, bool, &str)> = plan.points.iter().map(|p| (p.id.as_str(), p.kept, p.why.as_str())).collect();
    assert_eq!(told[0], ("n10", false, "10 d older than the newest good one, and no rule keeps it"));
    assert_eq!(told[5], ("n15", true, "the newest of the week 2026-W46"));
    assert_eq!(told[8], ("n18", true, "within 5 d, the base of the log's window"));
    assert_eq!(told[10], ("n20", true, "within 5 d, the newest of the week 2026-W47, the newest"));
    let kept: Vec<&str> = told.iter().filter(|(_, kept, _)| *kept).map(|(id, ..)| *id).collect();
    assert_eq!(kept, ["n15", "n16", "n17", "n18", "n19", "n20"]);
    assert!(plan.slices.iter().all(|slice| !slice.why.is_empty()));
    // Two days of window, and what rolls its base forward to there.
    let oldest = plan.slices.iter().find(|slice| slice.kept).expect("a slice stays");
    assert_eq!(oldest.first.instant(), at("2026-11-18T00:00:00Z"));
    assert_eq!(plan.objects.len(), plan.points_to_go().count() + plan.slices_to_go().count());
    assert_eq!(everything(store.as_ref()).await, before);
}

#[tokio::test]
async fn what_no_rule_keeps_is_gone_from_sight_at_once_and_from_the_store_after_the_grace() {
    let (store, clock) = nights(10..=20).await;
    log(store.as_ref(), at("2026-11-10T00:00:00Z"), at("2026-11-20T12:00:00Z")).await;
    let policy = policy("");
    let first = prune(store.as_ref(), clock.as_ref(), &policy).await.expect("prunes");
    assert!(first.points == 6 && first.slices > 20 && first.swept.removed == 0, "{first:?}");
    assert_eq!(points(store.as_ref(), "shop").await, ["n16", "n17", "n18", "n19", "n20"]);
    let data = async || {
        let all = store.list("").await.expect("lists");
        all.iter().filter(|o| o.key.ends_with("prelude.json") || o.key.ends_with(".gz")).map(|o| o.bytes).sum::<u64>()
    };
    let before = data().await;
    // A minute before the grace is over, nothing more goes.
    clock.turn(DAY - Span::minutes(1));
    assert_eq!(prune(store.as_ref(), clock.as_ref(), &policy).await.expect("prunes").swept.removed, 0);
    assert_eq!(data().await, before);
    clock.turn(Span::minutes(2));
    let last = prune(store.as_ref(), clock.as_ref(), &policy).await.expect("prunes");
    assert_eq!((last.swept.removed, last.swept.bytes), (first.marked, first.marked_bytes));
    assert_eq!(data().await, before - first.marked_bytes, "what is said to be freed is what is gone");
    whole(store.as_ref()).await;
    // Each pruning is evidence.
    let evidence = catalog::read(store.as_ref(), clock.now()).await.expect("reads");
    assert!(evidence.unreadable.is_empty(), "{:?}", evidence.unreadable);
    let runs: Vec<_> = evidence.runs.iter().filter(|run| run.verb == "prune").collect();
    assert!(runs.len() == 3 && runs.iter().all(|run| run.asset == "shop" && run.outcome == RunOutcome::Done));
}

#[tokio::test]
async fn after_nights_that_fail_or_rot_every_good_point_that_was_kept_is_still_kept() {
    let (store, clock) = nights(10..=20).await;
    let policy = policy("keep = { last = 2 }");
    verified(store.as_ref(), "n12", clock.now(), None).await;
    prune(store.as_ref(), clock.as_ref(), &policy).await.expect("prunes");
    let good = points(store.as_ref(), "shop").await;
    assert_eq!(good, ["n12", "n16", "n17", "n18", "n19", "n20"], "the newest verified one stays though it is old");
    // Ten nights that leave something rotten, then a hundred that leave nothing.
    for night in 1..=10 {
        clock.turn(DAY);
        let id = format!("rotten{night:02}");
        point(store.as_ref(), &id, clock.now() - Span::hours(1)).await;
        verified(store.as_ref(), &id, clock.now(), Some("rotted")).await;
        prune(store.as_ref(), clock.as_ref(), &policy).await.expect("prunes");
    }
    for _ in 0..10 {
        clock.turn(Span::days(10));
        prune(store.as_ref(), clock.as_ref(), &policy).await.expect("prunes");
    }
    let left = points(store.as_ref(), "shop").await;
    assert!(good.iter().all(|id| left.contains(id)), "{left:?}");
}

#[tokio::test]
async fn nights_that_nobody_verified_do_not_push_the_newest_verified_point_out() {
    let (store, clock) = nights(1..=20).await;
    let drill = Drill {
        key: None,
        id: "d1".into(),
        asset: "shop".into(),
        protection: None,
        point: "n03".into(),
        target: None,
        started_at: at("2026-11-03T12:00:00Z"),
        ended_at: at("2026-11-03T12:30:00Z"),
        phases: vec![],
        checks: vec![],
        outcome: DrillOutcome::Passed,
        bytes_restored: 1,
        documents: 1,
        origin: Origin { tool: "plimsoll".into(), place: "drills/d1.json".into(), sha256: None },
    };
    store.put("drills/d1.json", serde_json::to_vec(&drill).expect("JSON").into()).await.expect("puts");
    prune(store.as_ref(), clock.as_ref(), &policy("")).await.expect("prunes");
    assert!(points(store.as_ref(), "shop").await.contains(&"n03".to_string()));
}

#[tokio::test]
async fn the_base_that_the_logs_window_needs_stays_with_the_log_from_there_on() {
    let (store, clock) = nights(10..=10).await;
    // The nights after the tenth failed, while the capture went on.
    log(store.as_ref(), at("2026-11-10T00:00:00Z"), at("2026-11-30T12:00:00Z")).await;
    point(store.as_ref(), "late", at("2026-11-30T03:00:00Z")).await;
    clock.set(at("2026-11-30T13:00:00Z"));
    let plan = plan(store.as_ref(), clock.as_ref(), &policy("")).await.expect("a plan");
    let base = plan.points.iter().find(|point| point.id == "n10").expect("planned");
    assert!(base.kept && base.why == "the base of the log's window", "{base:?}");
    assert!(plan.slices.iter().filter(|s| s.last.instant() > at("2026-11-10T03:00:00Z")).all(|slice| slice.kept));
}

#[tokio::test]
async fn points_of_which_nothing_is_declared_stay_and_those_that_were_promised_a_time_have_it() {
    let (store, clock) = nights(19..=20).await;
    let old = at("2026-01-01T03:00:00Z");
    let until = |until| move |m: &mut plimsoll::repository::Manifest| m.expires_at = Some(until);
    point_with(store.as_ref(), "promised", old, until(at("2027-01-01T00:00:00Z"))).await;
    point_with(store.as_ref(), "over", old, until(at("2026-02-01T00:00:00Z"))).await;
    point_with(store.as_ref(), "locked", old, |m| m.locked_until = Some(at("2027-01-01T00:00:00Z"))).await;
    point_with(store.as_ref(), "stranger", old, |m| m.protection = Some("nobody".into())).await;
    point_with(store.as_ref(), "other-scope", old, |m| m.databases = vec!["one".into()]).await;
    let plan = plan(store.as_ref(), clock.as_ref(), &policy("")).await.expect("a plan");
    let why = |id: &str| plan.points.iter().find(|p| p.id == id).map(|p| (p.kept, p.why.clone())).expect("planned");
    assert_eq!(why("promised"), (true, "promised until 2027-01-01T00:00:00Z".to_string()));
    assert!(!why("over").0);
    assert_eq!(why("locked"), (true, "locked until 2027-01-01T00:00:00Z".to_string()));
    assert!(why("stranger").1.contains("nothing declares how long it is kept"));
    assert!(
        why("other-scope").0,
        "points of all databases are no replacement for those of one: {:?}",
        why("other-scope")
    );
}

#[tokio::test]
async fn a_blob_goes_only_with_the_last_point_that_lists_it() {
    let clock = Hand::at("2026-11-10T12:00:00Z");
    let store = Dated::over(Arc::new(MemoryStore::new()), Arc::clone(&clock));
    let policy = policy("");
    uploads(&store, clock.as_ref(), &[("a", "shared"), ("b", "old")]).await.expect("syncs");
    for _ in 0..10 {
        clock.turn(DAY);
        uploads(&store, clock.as_ref(), &[("a", "shared"), ("c", "new")]).await.expect("syncs");
        prune(store.as_ref(), clock.as_ref(), &policy).await.expect("prunes");
        whole(store.as_ref()).await;
    }
    let blobs: Vec<String> = store.list("blobs/").await.expect("lists").into_iter().map(|object| object.key).collect();
    let blob = |text: &str| Key::blob(&pruned::sha256(text.as_bytes())).expect("a key").to_string();
    assert!(
        blobs.contains(&blob("shared")) && blobs.contains(&blob("new")) && !blobs.contains(&blob("old")),
        "{blobs:?}"
    );
}

#[tokio::test]
async fn a_plan_of_another_day_is_as_things_were_or_as_they_will_be_if_all_goes_as_planned() {
    let (store, clock) = nights(10..=20).await;
    let of = async |text: &str| {
        let policy = policy("");
        let request = PruneRequest { policy: Some(&policy), as_of: Some(at(text)), ..PruneRequest::default() };
        let plan = prune::make(store.as_ref(), clock.now(), &request).await.expect("a plan");
        let kept: Vec<String> = plan.points.iter().filter(|point| point.kept).map(|point| point.id.clone()).collect();
        (plan.points.len(), kept, plan.assumed_runs)
    };
    let (all, kept, assumed) = of("2026-11-16T12:00:00Z").await;
    assert_eq!((all, kept.len(), assumed), (7, 5, 0), "later points were not there");
    let (all, kept, assumed) = of("2026-11-23T12:00:00Z").await;
    assert_eq!((all, kept, assumed), (11, vec!["n19".to_string(), "n20".to_string()], 3));
    assert_eq!(of("2027-03-01T12:00:00Z").await.1.len(), 0, "all of them make room in time");
}

#[tokio::test]
async fn a_grace_that_is_shorter_than_what_may_run_is_refused() {
    let (store, clock) = nights(10..=20).await;
    let with = async |grace: Span| {
        let request = PruneRequest { grace: Some(grace), ..PruneRequest::default() };
        prune::make(store.as_ref(), clock.now(), &request).await.map(|plan| plan.grace)
    };
    assert_eq!(with(Span::hours(2)).await.expect_err("too short").kind, FaultKind::Usage);
    assert_eq!(with(DAY).await.expect("long enough"), DAY);
    let run = plimsoll::evidence::Run {
        id: "slow".into(),
        verb: "backup".into(),
        asset: "shop".into(),
        protection: None,
        started_at: at("2026-11-18T00:00:00Z"),
        ended_at: at("2026-11-19T06:00:00Z"),
        outcome: RunOutcome::Failed { why: "x".into() },
        origin: Origin { tool: "plimsoll".into(), place: "runs/slow.json".into(), sha256: None },
    };
    store.put("runs/slow.json", serde_json::to_vec(&run).expect("JSON").into()).await.expect("puts");
    let fault = with(DAY).await.expect_err("a run took thirty hours");
    assert!(fault.to_string().contains("`slow` took 30 h"), "{fault}");
    let plan = prune::make(store.as_ref(), clock.now(), &PruneRequest::default()).await.expect("a plan");
    assert_eq!(plan.grace, prune::GRACE);
}

#[test]
fn the_verb_shows_its_plan_with_its_price_and_changes_nothing_without_apply() {
    let desk = Desk::new();
    desk.write("plan.toml", &pruned::POLICY.replace("KEEP", ""));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let now = plimsoll::clock::SystemClock.now();
    runtime.block_on(async {
        let store: Arc<dyn ObjectStore> = Arc::new(plimsoll::store::directory::DirectoryStore::new(desk.path("repo")));
        plimsoll::repository::open(Arc::clone(&store), &plimsoll::clock::SystemClock).await.expect("opens");
        for day in 0..10 {
            point(store.as_ref(), &format!("d{day}"), now - Span::days(day) - Span::hours(1)).await;
        }
    });
    let shown = desk.run("prune --repo repo --policy plan.toml");
    assert_eq!(shown.status, 0, "{}", shown.err);
    assert!(shown.out.contains("5 points and 0 slices go") && shown.out.contains("REMOVE"), "{}", shown.out);
    assert!(
        shown.out.contains("a month by the prices of") && shown.out.contains("Nothing was changed"),
        "{}",
        shown.out
    );
    let visible = || desk.json("inventory --repo repo --format json")["points"].as_array().map(Vec::len);
    assert_eq!(visible(), Some(10));
    let said = desk.run("prune --repo repo --policy plan.toml --as-of 2020-01-01 --apply");
    assert_eq!(said.status, 2, "another day's plan cannot be carried out");
    let done = desk.json("prune --repo repo --policy plan.toml --apply --format json");
    assert_eq!(done["done"]["points"], 5, "{done}");
    assert_eq!(visible(), Some(5));
    assert_eq!(desk.run("prune --repo repo --asset nobody").status, 1);
    // What is not declared stays, whoever asks.
    let kept = desk.json("prune --repo repo --format json");
    assert!(kept["plan"]["points"].as_array().is_some_and(|points| points.iter().all(|p| p["kept"] == true)), "{kept}");
}

#[tokio::test]
async fn what_is_removed_by_hand_or_unreadable_never_makes_more_go() {
    let (store, clock) = nights(10..=20).await;
    let policy = policy("");
    uploads(&store, clock.as_ref(), &[("a", "x")]).await.expect("syncs");
    let before = plan(store.as_ref(), clock.as_ref(), &policy).await.expect("a plan");
    assert!(before.points_to_go().count() > 0);
    // A manifest that cannot be read: what it lists, and how good it is, nobody knows.
    let key = "snapshots/shop/n18/manifest.json";
    let whole = store.get(key).await.expect("reads");
    store.put(key, whole.slice(..whole.len() / 2)).await.expect("puts");
    let after = plan(store.as_ref(), clock.as_ref(), &policy).await.expect("a plan");
    assert_eq!(after.points_to_go().count(), 0, "{:?}", after.points);
    store.put(key, whole).await.expect("puts");
    store.put("verifications/broken.json", Bytes::from_static(b"{")).await.expect("puts");
    let after = plan(store.as_ref(), clock.as_ref(), &policy).await.expect("a plan");
    assert_eq!(after.points_to_go().count(), 0, "it may have said which point is good");
    prune::apply(store.as_ref(), clock.as_ref(), &Silent, &after).await.expect("nothing to do");
}
