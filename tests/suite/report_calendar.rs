//! The calendar of runs: each day of a job as its records show it, and nothing is called missed that was only forgotten.

use plimsoll::base::{Instant, Span};
use plimsoll::evidence::{Drill, DrillOutcome, Evidence, Health, Origin, RecoveryPoint, Run, RunOutcome};
use plimsoll::policy::{self, Policy, SourceText};
use plimsoll::report::calendar::{self, Day, Days};

fn at(text: &str) -> Instant {
    text.parse().expect("an instant")
}

fn policy(retention: &str) -> Policy {
    let text = format!(
        "plimsoll = 1\nname = \"p\"\n[objective]\nrpo = \"1d\"\n[domain.d]\nkind = \"host\"\n[domain.b]\nkind = \"bucket\"\n\
         [asset.a]\nkind = \"mongodb\"\nlives_in = [\"d\"]\n[protection.nightly]\nkind = \"snapshot\"\nassets = [\"a\"]\n\
         schedule = \"0 3 * * *\"\ntakes = \"10min\"\nlate_by = \"30min\"\nstored_in = [\"b\"]\nretention = \"{retention}\"\n"
    );
    policy::parse(SourceText::new("p.toml", text)).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn origin() -> Origin {
    Origin { tool: "t".into(), place: "x".into(), sha256: None }
}

fn point(consistent_at: Instant, takes: Span) -> RecoveryPoint {
    RecoveryPoint {
        recipients: Vec::new(),
        id: consistent_at.to_string(),
        asset: "a".into(),
        protection: Some("nightly".into()),
        consistent_at,
        cluster_time: None,
        available_at: consistent_at + takes,
        expires_at: None,
        locked_until: None,
        stored_in: vec![],
        consistency: None,
        without: vec![],
        encrypted: None,
        health: Health::Unverified,
        bytes_stored: None,
        bytes_restored: None,
        documents: None,
        origin: origin(),
    }
}

fn run(verb: &str, started_at: Instant, why: Option<&str>) -> Run {
    Run {
        id: format!("{verb}-{started_at}"),
        verb: verb.into(),
        asset: "a".into(),
        protection: (verb == "backup").then(|| "nightly".into()),
        started_at,
        ended_at: started_at + Span::minutes(8),
        outcome: why.map_or(RunOutcome::Done, |why| RunOutcome::Failed { why: why.into() }),
        origin: origin(),
    }
}

/// Seven nights up to the 22nd: nothing is on record of the 16th; then done, late, missed, failed, done by its run alone.
fn week() -> Evidence {
    let mut evidence = Evidence::none(at("2026-11-22T06:00:00Z"));
    let night = |day: &str| at(&format!("2026-11-{day}T03:00:00Z"));
    evidence.points = vec![point(night("17"), Span::minutes(9)), point(night("18"), Span::minutes(41))];
    evidence.points.push(point(night("22"), Span::minutes(9)));
    evidence.runs = vec![run("backup", night("20"), Some("no space")), run("backup", night("21"), None)];
    evidence.runs.push(run("prune", night("19"), None));
    evidence
}

fn days(evidence: &Evidence, retention: &str, job: &str) -> Vec<Day> {
    let until = evidence.read_at;
    let lines = calendar::lines(&policy(retention), evidence, until, Days::up_to(until, 7));
    lines.into_iter().find(|line| line.job == job).unwrap_or_else(|| panic!("no line of {job}")).days
}

#[test]
fn each_day_shows_whether_its_run_was_done_late_missed_failed_or_is_not_on_record() {
    let expected = [Day::Unknown, Day::Done, Day::Late, Day::Missed, Day::Failed, Day::Done, Day::Done];
    assert_eq!(days(&week(), "30d", "nightly"), expected);
    let expected = [Day::None, Day::None, Day::None, Day::Done, Day::None, Day::None, Day::None];
    assert_eq!(days(&week(), "30d", "prune"), expected, "what no schedule asks for is not missed");
}

#[test]
fn what_was_not_kept_so_long_is_not_called_missed() {
    // Of the 19th nothing could be left after three days.
    let expected = [Day::Unknown, Day::Done, Day::Late, Day::Unknown, Day::Failed, Day::Done, Day::Done];
    assert_eq!(days(&week(), "2d", "nightly"), expected);
}

#[test]
fn a_run_that_is_not_due_yet_is_no_missed_one() {
    let mut evidence = week();
    evidence.points.pop();
    evidence.read_at = at("2026-11-22T03:20:00Z");
    assert_eq!(days(&evidence, "30d", "nightly").last(), Some(&Day::None), "there are 20 minutes left");
    evidence.read_at = at("2026-11-22T03:41:00Z");
    assert_eq!(days(&evidence, "30d", "nightly").last(), Some(&Day::Missed));
}

#[test]
fn without_any_record_every_night_is_unknown_and_none_missed() {
    let nothing = Evidence::none(at("2026-11-22T06:00:00Z"));
    assert_eq!(days(&nothing, "30d", "nightly"), [Day::Unknown; 7]);
}

#[test]
fn the_lines_in_trouble_come_first_and_a_failed_drill_is_trouble() {
    let mut evidence = week();
    let started_at = at("2026-11-20T09:00:00Z");
    evidence.drills = vec![Drill {
        key: None,
        id: "d".into(),
        asset: "a".into(),
        protection: None,
        point: "p".into(),
        target: None,
        started_at,
        ended_at: started_at + Span::minutes(9),
        phases: vec![],
        checks: vec![],
        outcome: DrillOutcome::Failed { why: "content: other".into() },
        bytes_restored: 1,
        documents: 1,
        origin: origin(),
    }];
    let until = evidence.read_at;
    let lines = calendar::lines(&policy("30d"), &evidence, until, Days::up_to(until, 7));
    let jobs: Vec<&str> = lines.iter().map(|line| line.job.as_str()).collect();
    assert_eq!(jobs, ["nightly", "drill", "prune"]);
    assert_eq!(lines[1].days[4], Day::Failed);
}
