//! What a policy promises at worst, against the closed forms and against the sweep of its own declared history.

use plimsoll::base::{Instant, Span, Window};
use plimsoll::policy::{self, Policy, SourceText};
use plimsoll::timeline::bound::{bound, promises};
use plimsoll::timeline::exposure::sweep;
use plimsoll::timeline::{Exposure, Failure, Loss, downtime, history};
use proptest::prelude::*;

fn at(text: &str) -> Instant {
    text.parse().expect("an instant")
}

fn span(text: &str) -> Span {
    text.parse().expect("a span")
}

fn read(text: &str) -> Policy {
    let said = |problems: Vec<policy::Problem>| -> String {
        problems.iter().map(|p| p.render(&SourceText::new("test", text))).collect()
    };
    policy::parse(SourceText::new("test", text)).unwrap_or_else(|problems| panic!("{}", said(problems)))
}

/// One database with `protections` in a place of their own, and a scenario that destroys the live one, and one that
/// corrupts it.
fn plan(protections: &str, noticed_after: &str) -> Policy {
    // Versions are a bucket's, a log is a database's; the timeline treats both assets alike.
    let kind = if protections.contains("\"versioning\"") { "s3" } else { "mongodb" };
    read(&format!(
        r#"
plimsoll = 1
name = "test"
timezone = "UTC"
domain = {{ live = {{ kind = "cluster" }}, vault = {{ kind = "bucket" }}, runner = {{ kind = "host" }} }}
[credential.key]
can_delete = ["vault"]
[asset.db]
kind = "{kind}"
lives_in = ["live"]
{protections}
[scenario.loss]
destroys = ["live"]
per_year = 1
noticed_after = "{noticed_after}"
[scenario.corruption]
corrupts = ["db"]
per_year = 1
noticed_after = "{noticed_after}"
[scenario.theft]
corrupts = ["db"]
compromises = ["key"]
per_year = 1
noticed_after = "{noticed_after}"
writes_continue = true
"#
    ))
}

fn snapshots(schedule: &str, takes: &str, retention: &str) -> String {
    format!(
        "[protection.snapshots]\nkind = \"snapshot\"\nassets = [\"db\"]\nschedule = \"{schedule}\"\ntakes = \"{takes}\"\n\
         stored_in = [\"vault\"]\nruns_in = [\"runner\"]\nretention = \"{retention}\"\nconsistency = \"snapshot\"\n"
    )
}

fn failure(policy: &Policy, scenario: &str, restore_takes: &str) -> Failure {
    let scenario = policy.scenario(scenario).expect("declared");
    let noticed = scenario.noticed_after.declared_longest().expect("declared");
    Failure::of(policy, scenario, &policy.assets[0], noticed, span(restore_takes))
}

fn exposure(policy: &Policy, failure: &Failure, window: Window) -> Exposure {
    sweep(&history::declared(policy, &policy.assets[0], window), failure, window)
}

fn week() -> Window {
    Window::new(at("2026-11-16T00:00:00Z"), at("2026-11-23T00:00:00Z"))
}

#[test]
fn a_regular_schedule_loses_half_a_period_on_average() {
    // Mean p + τ/2, worst p + τ.
    let policy = plan(&snapshots("0 3 * * *", "2h", "30d"), "5min");
    let exposure = exposure(&policy, &failure(&policy, "loss", "1h"), week());
    assert_eq!(exposure.mean, Some(span("14h")));
    assert_eq!(exposure.worst, Loss::Window(span("26h")));
    assert_eq!(exposure.quantile(0.5), Loss::Window(span("14h")));
    assert_eq!(exposure.quantile(1.0), exposure.worst);
    assert_eq!(exposure.in_breach(span("20h")), span("6h").saturating_mul(7));
}

#[test]
fn weekdays_only_lose_the_weekend() {
    // Σx²/(2Σx) over gaps of 24, 24, 24, 24 and 72 hours: neither 12 h nor 16.8 h.
    let policy = plan(&snapshots("0 3 * * 1-5", "1min", "30d"), "5min");
    let exposure = exposure(&policy, &failure(&policy, "loss", "1h"), week());
    let mean = exposure.mean.expect("no instant loses everything") - span("1min");
    assert!((mean.as_hours() - 22.285_714).abs() < 1e-5, "{}", mean.as_hours());
    assert_eq!(exposure.worst, Loss::Window(span("72h1min")));
}

#[test]
fn a_night_of_changing_clocks_is_part_of_the_bound() {
    let mut text = snapshots("0 3 * * *", "10min", "30d");
    text.push_str("timezone = \"Europe/Berlin\"\n");
    let policy = plan(&text, "5min");
    let failure = failure(&policy, "loss", "1h");
    assert_eq!(bound(&policy, &policy.assets[0], &failure, week().from), Loss::Window(span("25h10min")));
}

#[test]
fn a_log_promises_its_lag_until_its_window_no_longer_reaches_a_base() {
    let log = "[protection.log]\nkind = \"log\"\nassets = [\"db\"]\nlag = \"1min\"\nwindow = \"7d\"\n\
               stored_in = [\"vault\"]\nruns_in = [\"runner\"]\n";
    let plan = |noticed: &str| plan(&(snapshots("0 */6 * * *", "10min", "30d") + log), noticed);
    let policy = plan("10s");
    let promised = promises(&policy, &policy.assets[0], &failure(&policy, "corruption", "2h"), week().from);
    let log = promised.iter().find(|p| p.protection == "log").expect("promised");
    assert_eq!(log.loss, span("50s"), "what arrives while nobody has noticed still counts");
    assert_eq!(log.noticed_within, span("7d") - span("2h") - span("6h9min50s"));
    let late = plan("8d");
    let failure = failure(&late, "corruption", "2h");
    assert_eq!(bound(&late, &late.assets[0], &failure, week().from), Loss::Window(span("6h")));
}

#[test]
fn failed_runs_that_the_policy_allows_lengthen_the_bound() {
    let policy = plan(&(snapshots("0 3 * * *", "1h", "30d") + "allowed_failures = 2\n"), "5min");
    let failure = failure(&policy, "loss", "1h");
    assert_eq!(bound(&policy, &policy.assets[0], &failure, week().from), Loss::Window(span("73h")));
}

#[test]
fn a_mirror_carries_a_corruption_on_and_a_replica_is_no_backup() {
    let mirror = "[protection.mirror]\nkind = \"mirror\"\nassets = [\"db\"]\nschedule = \"0 * * * *\"\ntakes = \"5min\"\n\
                  stored_in = [\"vault\"]\nruns_in = [\"runner\"]\n\
                  [protection.replica]\nkind = \"replica\"\nassets = [\"db\"]\nlag = \"1s\"\nstored_in = [\"vault\"]\n";
    let policy = plan(mirror, "5min");
    let worst = |scenario: &str| {
        let failure = failure(&policy, scenario, "1h");
        let bound = bound(&policy, &policy.assets[0], &failure, week().from);
        assert_eq!(exposure(&policy, &failure, week()).worst, bound);
        bound
    };
    assert_eq!(worst("corruption"), Loss::Total);
    assert_eq!(worst("loss"), Loss::Window(span("65min")));
}

#[test]
fn a_stolen_key_deletes_what_no_lock_protects() {
    let worst = |lock: &str| {
        let policy = plan(&(snapshots("0 3 * * *", "1h", "30d") + lock), "2h");
        let failure = failure(&policy, "theft", "1h");
        (bound(&policy, &policy.assets[0], &failure, week().from), exposure(&policy, &failure, week()).worst)
    };
    assert_eq!(worst(""), (Loss::Total, Loss::Total));
    let kept = Loss::Window(span("26h"));
    assert_eq!(worst("lock = \"7d\"\n"), (kept, kept), "24 h to the point, and 2 h of writes until it is noticed");
    assert_eq!(worst("lock = \"25h\"\n").0, Loss::Total, "a lock that ends before the next point is there");
}

#[test]
fn the_critical_path_waits_for_the_slower_branch() {
    let policy = read(
        r#"
plimsoll = 1
name = "test"
[domain.live]
kind = "cluster"
[asset.db]
kind = "mongodb"
lives_in = ["live"]
[scenario.loss]
destroys = ["live"]
per_year = 1
noticed_after = "5min"
runbook = [
  { step = "provision", takes = "20min" },
  { step = "find", takes = { low = "1min", mode = "5min", high = "1h" }, after = [] },
  { step = "restore", takes = { measured = "total" }, asset = "db", after = ["provision", "find"] },
]
"#,
    );
    let scenario = &policy.scenarios[0];
    assert_eq!(downtime::declared(scenario), None, "nothing says how long the restore takes");
    let path = downtime::critical_path(&scenario.runbook, |step| step.takes.declared_longest().or(Some(span("30min"))));
    assert_eq!(path, Some(span("90min")));
    assert_eq!(downtime::from_failure(scenario, span("5min"), span("90min")), span("95min"));
}

fn protections() -> impl Strategy<Value = String> {
    let schedule =
        prop::sample::select(vec!["0 */6 * * *", "0 3 * * *", "30 1 * * 1-5", "15,45 * * * *", "0 0 1,15 * *"]);
    let minutes = |range| prop::option::of(range).prop_map(|m: Option<u32>| m);
    (schedule, 1..600_u32, minutes(60..60_000_u32), minutes(60..20_000_u32), 0..3_u32, any::<[bool; 6]>(), 1..300_u32, 60..20_000_u32)
        .prop_map(|(schedule, takes, retention, lock, failures, yes, lag, window)| {
            let keep = |word: &str, minutes: Option<u32>| minutes.map_or(String::new(), |m| format!("{word} = \"{m}min\"\n"));
            let runs = if yes[0] { "runs_in = [\"runner\"]\n" } else { "" };
            let place = format!("stored_in = [\"vault\"]\n{runs}{}", keep("lock", lock));
            let consistency = if yes[1] { "snapshot" } else { "none" };
            let mut text = format!(
                "[protection.points]\nkind = \"snapshot\"\nassets = [\"db\"]\nschedule = \"{schedule}\"\ntakes = \"{takes}min\"\n\
                 allowed_failures = {failures}\nconsistency = \"{consistency}\"\n{place}{}", keep("retention", retention)
            );
            if yes[2] && !yes[5] {
                text += &format!(
                    "[protection.log]\nkind = \"log\"\nassets = [\"db\"]\nlag = \"{lag}min\"\nwindow = \"{window}min\"\n{place}"
                );
            }
            if yes[3] {
                text += &format!(
                    "[protection.copy]\nkind = \"copy\"\nof = \"points\"\ndelay = \"{lag}min\"\nstored_in = [\"runner\"]\n{runs}{}",
                    keep("retention", retention)
                );
            }
            if yes[4] {
                text += &format!(
                    "[protection.mirror]\nkind = \"mirror\"\nassets = [\"db\"]\nschedule = \"20 * * * *\"\ntakes = \"{takes}min\"\n{place}"
                );
            }
            if yes[5] {
                text += &format!("[protection.versions]\nkind = \"versioning\"\nassets = [\"db\"]\nretention = \"{window}min\"\n");
            }
            text
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_sweep_never_exceeds_the_bound(
        protections in protections(), noticed in 0..15_000_u32, takes in 0..2_000_i64,
        scenario in prop::sample::select(vec!["loss", "corruption", "theft"]),
    ) {
        let policy = plan(&protections, &format!("{}min", noticed.max(1)));
        let failure = failure(&policy, scenario, &format!("{takes}min"));
        let exposure = exposure(&policy, &failure, week());
        let bound = bound(&policy, &policy.assets[0], &failure, week().from - Span::days(40));
        prop_assert!(exposure.worst <= bound, "{:?} at {} exceeds {:?}\n{}", exposure.worst, exposure.worst_at, bound, protections);
    }
}
