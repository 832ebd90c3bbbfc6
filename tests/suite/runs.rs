//! The history of every verb, as it stands in the store.

use std::sync::Arc;

use plimsoll::base::Span;
use plimsoll::clock::SystemClock;
use plimsoll::engine::event::Silent;
use plimsoll::engine::prune::{self, PruneRequest};
use plimsoll::engine::verify::{self, VerifyRequest};
use plimsoll::evidence::{Drill, DrillOutcome, Origin, Run, RunOutcome};
use plimsoll::port::{Clock, ObjectStore};
use plimsoll::store::directory::DirectoryStore;

use super::desk::Desk;
use super::pruned::point;

/// A repository in which something of each verb was done today, and a backup has failed twice before.
fn history(desk: &Desk) {
    let now = SystemClock.now();
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let store: Arc<dyn ObjectStore> = Arc::new(DirectoryStore::new(desk.path("repo")));
        plimsoll::repository::open(Arc::clone(&store), &SystemClock).await.expect("opens");
        point(store.as_ref(), "p", now - Span::days(9)).await;
        verify::run(Arc::clone(&store), &SystemClock, &Silent, &VerifyRequest::default()).await.expect("reads");
        let plan = prune::make(store.as_ref(), now, &PruneRequest::default()).await.expect("a plan");
        prune::apply(store.as_ref(), &SystemClock, &Silent, &plan).await.expect("nothing to do");
        let origin = |place: &str| Origin { tool: "plimsoll".into(), place: place.into(), sha256: None };
        for (id, days, why) in [("r1", 3, None), ("r2", 2, Some("no space")), ("r3", 1, Some("no \"server\""))] {
            let started_at = now - Span::days(days);
            let outcome = why.map_or(RunOutcome::Done, |why: &str| RunOutcome::Failed { why: why.into() });
            let (verb, asset, place) = ("backup".to_string(), "shop".to_string(), format!("runs/{id}.json"));
            let (ended_at, origin) = (started_at + Span::secs(90), origin(&place));
            let run = Run { id: id.into(), verb, asset, protection: None, started_at, ended_at, outcome, origin };
            store.put(&place, serde_json::to_vec(&run).expect("JSON").into()).await.expect("puts");
        }
        let drill = Drill {
            key: None,
            id: "d".into(),
            asset: "shop".into(),
            protection: None,
            point: "p".into(),
            target: None,
            started_at: now - Span::minutes(5),
            ended_at: now,
            phases: vec![],
            checks: vec![],
            outcome: DrillOutcome::Failed { why: "content: other".into() },
            bytes_restored: 1,
            documents: 1,
            origin: origin("drills/d.json"),
        };
        store.put("drills/d.json", serde_json::to_vec(&drill).expect("JSON").into()).await.expect("puts");
    });
}

#[test]
fn every_verb_that_leaves_evidence_is_in_the_history() {
    let desk = Desk::new();
    history(&desk);
    let runs = desk.json("runs --repo repo --format json");
    let mut verbs: Vec<&str> = runs.as_array().expect("a list").iter().filter_map(|run| run["verb"].as_str()).collect();
    verbs.sort_unstable();
    assert_eq!(verbs, ["backup", "backup", "backup", "drill", "prune", "verify"]);
    let shown = desk.run("runs --repo repo --newest 5");
    assert!(shown.status == 0 && shown.out.contains("FAILED: no space"), "{}{}", shown.out, shown.err);
    assert!(shown.out.lines().count() < desk.run("runs --repo repo").out.lines().count(), "the oldest is left out");
    assert_eq!(desk.json("runs --repo repo --asset none --format json").as_array().map(Vec::len), Some(0));
}

#[test]
fn the_calendar_shows_on_which_days_runs_were_done_failed_or_absent() {
    let desk = Desk::new();
    history(&desk);
    let shown = desk.run("runs --repo repo --calendar 5");
    let days = |verb: &str| {
        let line = shown.out.lines().find(|line| line.trim_start().starts_with(verb)).expect("a line");
        line.split_whitespace().last().expect("signs").to_string()
    };
    assert_eq!(days("backup"), "·+!!·", "{}", shown.out);
    assert!(days("drill").ends_with('!') || days("drill").ends_with("!·"), "{}", shown.out);
    assert!(days("verify").ends_with('+') || days("verify").ends_with("+·"), "{}", shown.out);
}

#[test]
fn metrics_say_when_a_run_last_did_well_and_how_many_failed_since() {
    let desk = Desk::new();
    history(&desk);
    let shown = desk.run("runs --repo repo --metrics").out;
    let value = |name: &str, verb: &str| {
        let begins = format!("{name}{{verb=\"{verb}\",asset=\"shop\"}} ");
        let line = shown.lines().find(|line| line.starts_with(&begins)).unwrap_or_else(|| panic!("{begins}: {shown}"));
        line[begins.len()..].parse::<f64>().expect("a number")
    };
    assert_eq!(value("plimsoll_run_failures_in_a_row", "backup"), 2.0);
    assert_eq!(value("plimsoll_run_last_failed", "backup"), 1.0);
    assert_eq!(value("plimsoll_run_last_failed", "verify"), 0.0);
    assert_eq!(value("plimsoll_run_last_duration_seconds", "backup"), 90.0);
    let ago = SystemClock.now().0 as f64 / 1000.0 - value("plimsoll_run_last_success_seconds", "backup");
    assert!((ago - 3.0 * 86_400.0).abs() < 600.0, "{ago}");
    assert!(!shown.contains("plimsoll_run_last_success_seconds{verb=\"drill\""), "no drill did well: {shown}");
}

#[test]
fn a_record_that_cannot_be_read_is_told_beside_the_history() {
    let desk = Desk::new();
    history(&desk);
    assert_eq!(desk.run("runs --repo repo").err, "");
    desk.write("repo/runs/r4.json", "{");
    for shown in ["runs --repo repo", "runs --repo repo --metrics"] {
        let said = desk.run(shown);
        assert!(said.err.contains("records that cannot be read: 1"), "{}", said.err);
    }
}
