//! What is to come: each hole named with the instants at which it opens and closes and the line that opens it, and held
//! against an oracle that walks through the days and asks of each what would still be there.

use plimsoll::audit::{self, Audit, Code, Finding};
use plimsoll::base::{Instant, OpTime, Span, Window};
use plimsoll::evidence::*;
use plimsoll::policy::{self, Consistency, Policy, SourceText};
use plimsoll::timeline::exposure::sweep;
use plimsoll::timeline::{Failure, Loss, forward, history};
use proptest::prelude::*;

fn at(text: &str) -> Instant {
    text.parse().expect("an instant")
}

fn span(text: &str) -> Span {
    text.parse().expect("a span")
}

/// A plan in the making, and what is there of it at `now`.
struct Story {
    now: Instant,
    asset: String,
    protections: String,
    rest: String,
    rpo: String,
    evidence: Option<Evidence>,
}

impl Story {
    fn given(rpo: &str) -> Self {
        let now = at("2026-11-25T12:00:00Z");
        let none = String::new;
        Story { now, asset: none(), protections: none(), rest: none(), rpo: rpo.into(), evidence: None }
    }

    fn asset(mut self, line: &str) -> Self {
        self.asset = format!("{line}\n");
        self
    }

    /// Snapshots into a vault that the failures leave standing, if nobody can delete them.
    fn snapshots(mut self, schedule: &str, lines: &str) -> Self {
        self.protections += &format!(
            "[protection.points]\nkind = \"snapshot\"\nassets = [\"db\"]\nschedule = \"{schedule}\"\nstored_in = [\"vault\"]\n\
             runs_in = [\"runner\"]\nconsistency = \"snapshot\"\n{lines}\n"
        );
        self
    }

    fn log(mut self, lag: &str, window: &str) -> Self {
        self.protections += &format!(
            "[protection.log]\nkind = \"log\"\nassets = [\"db\"]\nlag = \"{lag}\"\nwindow = \"{window}\"\n\
             stored_in = [\"vault\"]\nruns_in = [\"runner\"]\n"
        );
        self
    }

    fn with(mut self, text: &str) -> Self {
        self.rest += text;
        self
    }

    fn shown(&mut self) -> &mut Evidence {
        let now = self.now;
        self.evidence.get_or_insert_with(|| Evidence::none(now))
    }

    fn snapshot_at(mut self, taken: &str) -> Self {
        let point = point(at(taken), span("10min"));
        self.shown().points.push(point);
        self
    }

    fn log_until(mut self, first: &str, last: &str) -> Self {
        let op = |text: &str| OpTime::new((at(text).0 / 1000) as u32, 0);
        let piece = Coverage {
            encrypted: None,
            asset: "db".into(),
            protection: Some("log".into()),
            first: op(first),
            last: op(last),
            available_at: at(last),
            expires_at: None,
            locked_until: None,
            stored_in: vec![],
            bytes_stored: None,
            origin: origin(),
        };
        self.shown().coverage.push(piece);
        self
    }

    fn policy(&self) -> Policy {
        let Story { asset, protections, rest, rpo, .. } = self;
        let text = format!(
            r#"
plimsoll = 1
name = "test"
timezone = "UTC"
domain = {{ live = {{ kind = "cluster" }}, vault = {{ kind = "bucket" }}, runner = {{ kind = "host" }} }}
[objective]
rpo = "{rpo}"
[credential.key]
can_delete = ["vault"]
[asset.db]
kind = "mongodb"
lives_in = ["live"]
{asset}{protections}[scenario.loss]
destroys = ["live"]
per_year = 1
noticed_after = "5min"
[scenario.theft]
corrupts = ["db"]
compromises = ["key"]
per_year = 1
noticed_after = "1d"
{rest}"#
        );
        policy::parse(SourceText::new("test.toml", text)).unwrap_or_else(|problems| panic!("{problems:#?}"))
    }

    fn look(&self, ahead: &str) -> (Policy, Audit) {
        let policy = self.policy();
        let window = Window::new(self.now - Span::days(1), self.now);
        let audit = audit::run_ahead(&policy, self.evidence.as_ref(), self.now, window, Some(span(ahead)));
        (policy, audit)
    }

    /// The hole in one scenario: what it says, and the line that it points at.
    fn hole(&self, scenario: &str, ahead: &str) -> Option<(Finding, String)> {
        let (policy, audit) = self.look(ahead);
        let of = |f: &Finding| f.code == Code::HoleAhead && f.subject.scenario.as_deref() == Some(scenario);
        let finding = audit.findings.into_iter().find(of)?;
        let line = finding.at.map(|at| policy.source.line(at).to_string()).unwrap_or_default();
        Some((finding, line))
    }
}

fn origin() -> Origin {
    Origin { tool: "test".into(), place: "test".into(), sha256: None }
}

fn point(taken: Instant, takes: Span) -> RecoveryPoint {
    RecoveryPoint {
        recipients: Vec::new(),
        id: taken.compact(),
        asset: "db".into(),
        protection: Some("points".into()),
        consistent_at: taken,
        cluster_time: None,
        available_at: taken + takes,
        expires_at: None,
        locked_until: None,
        stored_in: vec![],
        consistency: Some(Consistency::Snapshot),
        without: vec![],
        encrypted: None,
        health: Health::Unverified,
        bytes_stored: None,
        bytes_restored: None,
        documents: None,
        origin: origin(),
    }
}

#[track_caller]
fn opens(found: Option<(Finding, String)>, from: &str, until: &str, line: &str) -> Finding {
    let (finding, shown) = found.expect("a hole is found");
    assert!(finding.evidence[0].ends_with(&format!("from {from} to {until}")), "{:?}", finding.evidence);
    assert!(shown.starts_with(line), "it points at `{shown}`: {}", finding.message);
    finding
}

#[test]
fn a_pause_in_the_schedule_is_found_with_its_dates_before_it_comes() {
    let paused = Story::given("26h").snapshots("0 3 * 1-11 *", "takes = \"10min\"\nretention = \"60d\"");
    let found = opens(paused.hole("loss", "365d"), "2026-12-01T05:00:00Z", "2027-01-01T03:10:00Z", "schedule");
    assert!(found.message.contains("nothing newer than the last of `points`"), "{}", found.message);
    assert!(paused.hole("loss", "5d").is_none(), "nothing is said of what lies beyond the time looked at");
    let kept = Story::given("26h").snapshots("0 3 * * *", "takes = \"10min\"\nretention = \"60d\"");
    assert!(kept.hole("loss", "365d").is_none());
}

#[test]
fn a_retention_that_ends_before_the_next_run_opens_a_hole_each_week() {
    let weekly = Story::given("8d").snapshots("0 3 * * 0", "takes = \"10min\"\nretention = \"5d\"");
    // Sunday's point is gone on Friday at 03:00, and must outlive the 5 min until somebody knows.
    let found = opens(weekly.hole("loss", "28d"), "2026-11-27T02:55:00Z", "2026-11-29T03:10:00Z", "retention");
    assert!(
        found.message.contains("everything can be lost") && found.message.contains("3 times more"),
        "{}",
        found.message
    );
}

#[test]
fn a_lock_shorter_than_the_gap_leaves_a_thief_something_to_delete() {
    let lines = "takes = \"10min\"\nretention = \"60d\"\nlock = \"6d\"";
    let weekly = Story::given("10d").snapshots("0 3 * * 0", lines);
    // Locked until Saturday 03:00; a theft that is noticed a day later must strike before Friday 03:00.
    opens(weekly.hole("theft", "28d"), "2026-11-27T03:00:00Z", "2026-11-29T03:00:00Z", "lock");
    assert!(weekly.hole("loss", "28d").is_none(), "nobody deletes anything when the cluster is lost");
}

#[test]
fn the_night_of_25_hours_is_a_hole_of_one_hour() {
    let lines = "takes = \"0s\"\nretention = \"60d\"\ntimezone = \"Europe/Berlin\"";
    let nightly = Story::given("24h").snapshots("0 3 * * *", lines);
    // 03:00 on the 30th is 01:00 UTC; the clocks go back on the 31st, where 03:00 is 02:00 UTC.
    let found = opens(nightly.hole("loss", "365d"), "2027-10-31T01:00:00Z", "2027-10-31T02:00:00Z", "schedule");
    assert_eq!(found.evidence.len(), 1, "{:?}", found.evidence);
    let tokyo = Story::given("24h").snapshots("0 3 * * *", &lines.replace("Europe/Berlin", "Asia/Tokyo"));
    assert!(tokyo.hole("loss", "365d").is_none(), "no clock changes there");
}

#[test]
fn a_schedule_of_leap_days_is_one_hole_of_years() {
    let rare = Story::given("24h").snapshots("0 3 29 2 *", "takes = \"10min\"\nretention = \"9y\"");
    opens(rare.hole("loss", "500d"), "2026-11-25T12:00:00Z", "2028-02-29T03:10:00Z", "schedule");
}

#[test]
fn a_growing_asset_outgrows_its_objective_on_a_date() {
    let lines = "takes = \"10h\"\nretention = \"60d\"";
    let growing = Story::given("36h").asset("growth_per_year = 0.4").snapshots("0 3 * * *", lines);
    // 24 h to the next run and 10 h × 1.4^y until it is there: more than 36 h from 0.5419 years on, 198 days.
    let (found, _) = growing.hole("loss", "365d").expect("a hole is found");
    assert!(found.evidence[0].contains("from 2027-06-1"), "{:?}", found.evidence);
    assert!(Story::given("36h").snapshots("0 3 * * *", lines).hole("loss", "365d").is_none());
}

#[test]
fn what_is_there_counts_beside_what_is_to_come_and_what_should_be_there_does_not() {
    let lines = "takes = \"10min\"\nretention = \"60d\"";
    let daily = || Story::given("30h").snapshots("0 3 * * *", lines);
    assert!(daily().snapshot_at("2026-11-25T03:00:00Z").hole("loss", "30d").is_none());
    // By the schedule there were runs on the 24th and the 25th: nothing shows them.
    let missed = daily().snapshot_at("2026-11-23T03:00:00Z");
    opens(missed.hole("loss", "30d"), "2026-11-25T12:00:00Z", "2026-11-26T03:10:00Z", "schedule");
    assert!(daily().hole("loss", "30d").is_none(), "without evidence the plan is taken at its word");
}

#[test]
fn a_log_goes_on_only_where_it_had_kept_up() {
    let log = || {
        Story::given("1h")
            .snapshots("0 3 * * *", "takes = \"10min\"\nretention = \"60d\"")
            .log("5min", "7d")
            .snapshot_at("2026-11-25T03:00:00Z")
    };
    let kept_up = log().log_until("2026-11-25T02:00:00Z", "2026-11-25T11:58:00Z");
    assert!(kept_up.hole("loss", "30d").is_none());
    let stopped = log().log_until("2026-11-25T02:00:00Z", "2026-11-25T09:00:00Z");
    // It leads on again from the first point that is taken while it runs.
    opens(stopped.hole("loss", "30d"), "2026-11-25T12:00:00Z", "2026-11-26T03:10:00Z", "");
}

#[test]
fn a_waiver_that_ends_in_the_time_looked_at_is_told_beforehand() {
    let waiver = "[[waiver]]\ncode = \"hole-ahead\"\nowner = \"Ops\"\nreason = \"seasonal\"\nuntil = \"2027-03-01\"\n";
    let paused = Story::given("26h").snapshots("0 3 * 1-11 *", "takes = \"10min\"\nretention = \"60d\"").with(waiver);
    let ends = |ahead| paused.look(ahead).1.findings.into_iter().find(|f| f.code == Code::WaiverEnds);
    let told = ends("365d").expect("it is told");
    assert!(told.message.contains("until 2027-03-01T23:59:59.999Z"), "{}", told.message);
    assert!(ends("30d").is_none());
}

#[test]
fn a_year_of_hourly_runs_is_looked_at_in_no_time() {
    let hourly = Story::given("2h").snapshots("0 * * * *", "takes = \"10min\"\nretention = \"60d\"");
    let (policy, began) = (hourly.policy(), std::time::Instant::now());
    let year = Window::new(hourly.now, hourly.now + Span::days(365));
    let history = forward::coming(&policy, &policy.assets[0], None, year);
    let exposure = sweep(&history, &failure(&policy, "loss", "1h"), year);
    assert!(forward::holes(&exposure, span("2h")).is_empty() && history.points.len() > 8_760);
    // Without optimisation and beside other tests; a release build takes a few milliseconds.
    assert!(began.elapsed().as_secs_f64() < 2.0, "{:?}", began.elapsed());
}

fn failure(policy: &Policy, scenario: &str, restore_takes: &str) -> Failure {
    let scenario = policy.scenario(scenario).expect("declared");
    let noticed = scenario.noticed_after.declared_longest().expect("declared");
    Failure::of(policy, scenario, &policy.assets[0], noticed, span(restore_takes))
}

/// Start, there from, kept until, locked until.
type Kept = (Instant, Instant, Instant, Instant);

/// What a failure at `t` loses, asked of each point in turn.
fn naive(points: &[Kept], failure: &Failure, theft: bool, t: Instant) -> Loss {
    let noticed = t + failure.noticed_after;
    let there_by = if theft { noticed } else { t };
    let usable = |(taken, available, kept, locked): &&Kept| {
        *taken <= t
            && *available <= there_by
            && *kept > noticed + failure.restore_takes
            && (!theft || *locked > noticed)
    };
    let newest = points.iter().filter(usable).map(|point| point.0).max();
    newest.map_or(Loss::Total, |newest| Loss::Window(t - newest))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn the_future_agrees_with_walking_through_it(
        schedule in prop::sample::select(vec!["0 */6 * * *", "0 3 * * *", "30 1 * * 1-5", "0 0 1,15 * *", "0 3 * 1-11 *"]),
        takes in 0..900_i64, retention in 60..60_000_i64, lock in prop::option::of(60..30_000_i64),
        hours_ago in prop::collection::btree_set(1..2_000_i64, 0..12), rpo in 60..6_000_i64, theft in any::<bool>(),
    ) {
        let minutes = Span::minutes;
        let lock_line = lock.map_or(String::new(), |lock| format!("\nlock = \"{lock}min\""));
        let lines = format!("takes = \"{takes}min\"\nretention = \"{retention}min\"{lock_line}");
        let mut story = Story::given(&format!("{rpo}min")).snapshots(schedule, &lines);
        let now = story.now;
        for hours in &hours_ago {
            let mut shown = point(now - Span::hours(*hours), minutes(7));
            shown.locked_until = lock.map(|lock| shown.consistent_at + minutes(lock));
            story.shown().points.push(shown);
        }
        story.shown();
        let policy = story.policy();
        let failure = failure(&policy, if theft { "theft" } else { "loss" }, "2h");
        let window = Window::new(now, now + Span::days(40));
        let shown = history::observed(&policy, story.evidence.as_ref().expect("shown"), &policy.assets[0]);
        let exposure = sweep(&forward::coming(&policy, &policy.assets[0], Some(&shown), window), &failure, window);

        let policy::Mechanism::Snapshot { schedule, .. } = &policy.protections[0].mechanism else { unreachable!() };
        let ends = |taken: Instant, span: Option<i64>| span.map_or(Instant::MIN, |span| taken + minutes(span));
        let mut points: Vec<Kept> = Vec::new();
        for hours in hours_ago {
            let taken = now - Span::hours(hours);
            points.push((taken, taken + minutes(7), ends(taken, Some(retention)).max(now), ends(taken, lock)));
        }
        for taken in schedule.value.runs_in(Window::new(now - minutes(takes), window.until)) {
            if taken + minutes(takes) > now {
                points.push((taken, taken + minutes(takes), ends(taken, Some(retention)), ends(taken, lock)));
            }
        }
        let holes = forward::holes(&exposure, minutes(rpo));
        let mut t = now;
        while t < window.until {
            let expected = naive(&points, &failure, theft, t);
            prop_assert_eq!(exposure.loss_at(t), Some(expected), "a failure at {}", t);
            let inside = holes.iter().any(|hole| hole.at.contains(t) && hole.at.from < t);
            let breached = expected > Loss::Window(minutes(rpo));
            prop_assert!(inside == breached || holes.iter().any(|hole| hole.at.from == t), "the hole at {}", t);
            t = t + minutes(60);
        }
        let long: Span = holes.iter().map(|hole| hole.at.length()).sum();
        prop_assert_eq!(long, exposure.in_breach(minutes(rpo)));
    }
}
