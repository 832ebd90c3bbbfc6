//! What schedulers run from: crontabs, systemd timers, GitHub Actions workflows, Kubernetes CronJobs.

use chrono_tz::Tz;
use plimsoll::base::{Instant, Span};
use plimsoll::schedule::Calendar;
use plimsoll::schedule::read::{self, Entry, Kind, Times, mentions};
use proptest::prelude::*;

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn entries(name: &str, text: &str) -> Vec<Entry> {
    read::read(name, text, 1).unwrap_or_else(|(at, said)| panic!("{at:?}: {said}")).entries
}

fn runs(entry: &Entry, from: &str, most: usize) -> Vec<Instant> {
    entry.runs(at(from), at("2030-01-01T00:00:00Z"), Tz::UTC, most).unwrap()
}

#[test]
fn a_crontab_has_a_zone_only_where_it_says_so() {
    let text = "SHELL=/bin/sh\n# nightly\n0 3 * * * /opt/backup.sh >> log\n\nCRON_TZ=Europe/Berlin\n  @daily root /opt/other\n";
    let entries = entries("crontab", text);
    assert_eq!((entries[0].at.line, entries[0].at.column, entries[0].at.len), (3, 1, 9));
    assert_eq!((entries[0].zone, entries[0].text.as_str()), (None, "0 3 * * *"));
    assert_eq!((entries[1].zone, entries[1].at.line, entries[1].at.column), (Some(Tz::Europe__Berlin), 6, 3));
    assert_eq!(runs(&entries[1], "2026-11-23T00:00:00Z", 1), [at("2026-11-23T23:00:00Z")]);
    assert!(entries[0].mentions("backup.sh") && !entries[1].mentions("backup.sh"));
}

#[test]
fn what_is_no_crontab_is_refused_at_its_line() {
    let (place, said) = read::read("crontab", "0 3 * * * ok\n0 25 * * * late\n", 1).unwrap_err();
    assert_eq!((place.file, place.line), (1, 2));
    assert!(said.contains("hour"), "{said}");
    let (place, _) = read::read("crontab", "\n>> /var/log/backup.log\n", 1).unwrap_err();
    assert_eq!(place.line, 2);
    let (place, said) = read::read("crontab", "CRON_TZ=Mars/Base\n", 1).unwrap_err();
    assert_eq!((place.line, said.as_str()), (1, "`Mars/Base` is not a time zone"));
}

#[test]
fn a_time_of_no_clock_is_unclear_and_not_an_error() {
    let reboot = entries("crontab", "@reboot /opt/backup.sh\n");
    assert!(reboot[0].runs(at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"), Tz::UTC, 1).is_err());
    let timer = entries("x.timer", "[Timer]\nOnUnitActiveSec=1h\n");
    assert!(matches!(&timer[0].times, Times::Unclear(why) if why.contains("counts from an event")));
}

#[test]
fn a_timer_says_when_how_late_and_what_it_is_called() {
    let text = "[Unit]\nDescription=Nightly\n[Timer]\nOnCalendar=hourly\nOnCalendar=\nOnCalendar=Mon..Fri 03:30 Europe/Berlin\n\
                RandomizedDelaySec=15min\nAccuracySec=1h\n";
    let entries = entries("/etc/systemd/system/nightly.timer", text);
    assert_eq!(entries.len(), 1, "an empty value takes back what was set before");
    let entry = &entries[0];
    assert_eq!((entry.zone, entry.at.line, entry.at.column), (Some(Tz::Europe__Berlin), 6, 12));
    assert_eq!(entry.delay.map(|(delay, at)| (delay, at.line)), Some((Span::minutes(75), 7)));
    assert!(entry.mentions("nightly") && entry.mentions("nightly.timer") && entry.mentions("Nightly"));
    // Friday, then Monday.
    assert_eq!(runs(entry, "2026-11-27T00:00:00Z", 2), [at("2026-11-27T02:30:00Z"), at("2026-11-30T02:30:00Z")]);
}

#[test]
fn a_workflow_runs_in_utc_and_is_known_by_its_steps() {
    let text = "name: Nightly\non:\n  schedule:\n    - cron: '0 3 * * *'\n    - cron: \"30 4 1 * *\"\njobs:\n  backup:\n    steps:\n      \
                - run: |\n          bash scripts/backup.sh\n";
    let entries = entries("ops/backup.yml", text);
    assert_eq!(entries.len(), 2);
    assert_eq!((entries[0].zone, entries[0].at.line, entries[0].at.column), (Some(Tz::UTC), 4, 13));
    assert!(entries[1].mentions("backup.sh") && entries[1].mentions("Nightly") && entries[1].mentions("backup"));
    let other = read::read("x.yml", "on: push\n", 1).unwrap();
    assert_eq!((other.kind, other.entries.len()), (Kind::GithubActions, 0));
    assert!(read::read("x.yml", "a: 1\n", 1).is_err());
}

#[test]
fn cron_jobs_are_found_among_other_objects_and_lists() {
    let job = |name: &str, more: &str| {
        format!(
            "apiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: {name}}}\nspec:\n  schedule: '@hourly'\n{more}  jobTemplate:\n    \
             spec: {{template: {{spec: {{containers: [{{name: c, image: plimsoll, command: [plimsoll, backup], args: [database]}}]}}}}}}\n"
        )
    };
    let text = format!(
        "kind: ConfigMap\n---\n{}---\n{}",
        job("one", "  timeZone: Etc/UTC\n"),
        job("two", "  suspend: true\n")
    );
    let entries = entries("jobs.yaml", &text);
    assert_eq!(entries.len(), 2);
    assert_eq!((entries[0].zone, entries[0].suspended), (Some(Tz::Etc__UTC), None));
    assert!(entries[0].mentions("one") && entries[0].mentions("plimsoll backup database"));
    assert_eq!((entries[1].zone, entries[1].suspended.map(|at| at.line)), (None, Some(17)));
    let list = "kind: List\nitems:\n  - kind: CronJob\n    spec: {schedule: 0 3 * * *}\n";
    assert_eq!(read::read("l.yml", list, 1).unwrap().entries[0].text, "0 3 * * *");
}

#[test]
fn a_word_is_found_whole_or_not_at_all() {
    for (text, name, found) in [
        ("/opt/backup.sh >> log", "backup.sh", true),
        ("/opt/mybackup.sh", "backup.sh", false),
        ("/opt/backup.sh2", "backup.sh", false),
        ("nightly-dump-2", "nightly-dump", false),
        ("plimsoll backup database", "database", true),
        ("anything", "", false),
    ] {
        assert_eq!(mentions(text, name), found, "{text} {name}");
    }
}

#[test]
fn calendars_mean_what_systemd_says_they_mean() {
    let first = |text: &str, from: &str| {
        let calendar = Calendar::parse(text).unwrap();
        calendar.runs_from(at(from), calendar.zone.unwrap_or(Tz::UTC)).next().map(|run| run.to_string())
    };
    let from = "2026-11-23T12:00:00Z";
    for (text, expected) in [
        ("daily", "2026-11-24T00:00:00Z"),
        ("weekly", "2026-11-30T00:00:00Z"),
        ("quarterly", "2027-01-01T00:00:00Z"),
        ("*-*-* 03:00", "2026-11-24T03:00:00Z"),
        ("*:0/15", "2026-11-23T12:00:00Z"),
        ("Sat..Mon *-*-* 11:00:00", "2026-11-28T11:00:00Z"),
        ("*-02~01", "2027-02-28T00:00:00Z"),
        ("*-02-29 01:02:03", "2028-02-29T01:02:03Z"),
        ("12,18:30 America/New_York", "2026-11-23T17:30:00Z"),
        ("2026-12-24 18:00:00 UTC", "2026-12-24T18:00:00Z"),
        ("Thu,Fri 2026-*-1,5 11:12:13", "2026-12-04T11:12:13Z"),
    ] {
        if text.starts_with("Thu") {
            assert_eq!(first(text, from), None, "neither the first nor the fifth of December is such a day");
            continue;
        }
        assert_eq!(first(text, from).as_deref(), Some(expected), "{text}");
    }
    for text in ["", "25:00", "Foo *-*-* 00:00", "*-13-01", "*-*-* 00:00:00 and more", "0 3 * * *", "*-*-* 00:00:61"] {
        assert!(Calendar::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_calendar_runs_once_where_the_clock_is_set_back_and_after_what_it_leaves_out() {
    let nightly = Calendar::parse("*-*-* 02:30:00 Europe/Berlin").unwrap();
    let spring: Vec<Instant> = nightly.runs_from(at("2027-03-27T12:00:00Z"), Tz::Europe__Berlin).take(2).collect();
    assert_eq!(spring, [at("2027-03-28T01:00:00Z"), at("2027-03-29T00:30:00Z")]);
    let autumn: Vec<Instant> = nightly.runs_from(at("2027-10-30T12:00:00Z"), Tz::Europe__Berlin).take(2).collect();
    assert_eq!(autumn, [at("2027-10-31T00:30:00Z"), at("2027-11-01T01:30:00Z")]);
}

#[test]
fn yaml_that_nests_or_refers_to_itself_stays_small() {
    assert!(read::read("x.yml", &"[".repeat(100_000), 1).is_err());
    let bomb = "a: &a [x, x]\nb: &b [*a, *a]\non: {schedule: [*b]}\n";
    assert_eq!(read::read("x.yml", bomb, 1).unwrap().entries.len(), 0);
    assert!(read::read("crontab", &"0 3 * * * x\n".repeat(200_000), 1).is_err(), "larger than any schedule");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_text_makes_a_reader_panic(text in "[ -~\\n\\t*/&{}\\[\\]:é]{0,200}", name in "(crontab|x\\.timer|x\\.yml)") {
        let _ = read::read(&name, &text, 1);
        let _ = Calendar::parse(&text);
    }

    /// A cron expression and the calendar event of the same times are the same instants.
    #[test]
    fn cron_and_calendar_agree(minute in 0..60_u32, hour in 0..24_u32, day in 1..29_u32, weekly in any::<bool>()) {
        let (cron, calendar) = match weekly {
            true => (format!("{minute} {hour} * * 1-5"), format!("Mon..Fri *-*-* {hour}:{minute}")),
            false => (format!("{minute} {hour} {day} * *"), format!("*-*-{day} {hour}:{minute}:00")),
        };
        let from = at("2026-11-23T00:00:00Z");
        let schedule = plimsoll::schedule::Schedule::parse(&cron, Tz::Europe__Berlin).unwrap();
        let calendar = Calendar::parse(&calendar).unwrap();
        let own: Vec<Instant> = calendar.runs_from(from, Tz::Europe__Berlin).take(90).collect();
        prop_assert_eq!(schedule.runs_from(from).take(90).collect::<Vec<_>>(), own);
    }
}
