//! Times in other tools' inventories: two zones, nights when clocks change, leap seconds, zeroes, and what is impossible.

use plimsoll::evidence::import::{Options, Pattern, Tool};

use super::imported::{lines, options, read, refused};

fn borg(starts: &[&str]) -> String {
    let archive = |(n, start): (usize, &&str)| {
        format!(r#"{{"id": "a{n}", "name": "db-{n}", "start": "{start}", "end": "{start}"}}"#)
    };
    let archives: Vec<String> = starts.iter().enumerate().map(archive).collect();
    format!(r#"{{"archives": [{}], "encryption": {{"mode": "repokey"}}}}"#, archives.join(","))
}

fn zone(text: &str) -> Options {
    Options { timezone: Some(text.parse().expect("a zone")), ..options() }
}

fn restic(time: &str) -> String {
    format!(
        r#"[{{"id": "a", "time": {time}, "hostname": "h", "paths": ["/p"],
            "summary": {{"backup_start": {time}, "backup_end": {time}}}}}]"#
    )
}

#[test]
fn two_zones_in_one_file_are_each_taken_at_their_word() {
    let both = format!("{}{}", restic("\"2026-03-01T02:00:00+01:00\""), restic("\"2026-03-01T02:00:00Z\""));
    let points = read(Tool::Restic, &both, &options()).points;
    let instants: Vec<String> = points.iter().map(|p| p.consistent_at.to_string()).collect();
    assert_eq!(instants, ["2026-03-01T01:00:00Z", "2026-03-01T02:00:00Z"]);
    // One that names its zone is not moved by the zone of the others.
    let mixed = read(
        Tool::Borg,
        &borg(&["2026-03-01T02:00:00.000000", "2026-03-01T02:00:00.000000+00:00"]),
        &zone("Europe/Berlin"),
    );
    let instants: Vec<String> = mixed.points.iter().map(|p| p.consistent_at.to_string()).collect();
    assert_eq!(instants, ["2026-03-01T01:00:00Z", "2026-03-01T02:00:00Z"]);
}

#[test]
fn an_hour_that_comes_twice_counts_as_the_earlier_for_the_state_and_the_later_for_being_there() {
    let said = lines(&read(Tool::Borg, &borg(&["2026-10-25T02:30:00.000000"]), &zone("Europe/Berlin")));
    assert_eq!(said, ["point a0 of 2026-10-25T00:30:00Z from 2026-10-25T01:30:00Z, encrypted"]);
}

#[test]
fn an_hour_that_no_clock_showed_is_no_time() {
    let said = lines(&read(
        Tool::Borg,
        &borg(&["2026-03-29T02:30:00.000000", "2026-03-29T03:30:00.000000"]),
        &zone("Europe/Berlin"),
    ));
    assert_eq!(said[0], "point a1 of 2026-03-29T01:30:00Z from 2026-03-29T01:30:00Z, encrypted");
    assert!(
        said[1].starts_with("? x:1:15: its `start` is 2026-03-29 02:30:00, which no clock of that zone showed"),
        "{said:?}"
    );
    assert_eq!(said.len(), 2);
}

#[test]
fn a_leap_second_is_the_first_of_the_next_minute() {
    let points = read(Tool::Restic, &restic("\"2016-12-31T23:59:60Z\""), &options()).points;
    assert_eq!(points[0].consistent_at.to_string(), "2017-01-01T00:00:00Z");
    let said = lines(&read(Tool::Borg, &borg(&["2016-12-31T23:59:60.000000"]), &zone("UTC")));
    assert_eq!(said, ["point a0 of 2017-01-01T00:00:00Z from 2017-01-01T00:00:00Z, encrypted"]);
}

#[test]
fn times_that_were_never_set_or_cannot_be_are_missing() {
    for (time, why) in [
        ("null", "it has no `time`"),
        ("\"\"", "it has no `time`"),
        ("\"0001-01-01T00:00:00Z\"", "it has no `time`"),
        ("0", "it has no `time`"),
        ("-1", "its `time` is no time between 2000 and 2200"),
        ("1e300", "its `time` is no time between 2000 and 2200"),
        ("\"1970-01-01T00:00:00Z\"", "its `time` is no time between 2000 and 2200"),
        ("\"2026-02-30T00:00:00Z\"", "its `time` is not a time: `2026-02-30T00:00:00Z`"),
        ("\"yesterday\"", "its `time` is not a time: `yesterday`"),
        ("[2026]", "invalid type: sequence, expected a time, as text or as seconds since 1970"),
    ] {
        let evidence = read(Tool::Restic, &restic(time), &options());
        assert!(evidence.points.is_empty(), "{time}");
        assert_eq!(evidence.unreadable.iter().map(|u| u.why.as_str()).collect::<Vec<_>>(), [why], "{time}");
    }
}

#[test]
fn what_ended_after_the_inventory_was_printed_shows_a_wrong_clock_and_no_point() {
    let evidence = read(Tool::Restic, &restic("\"2026-12-01T00:06:00Z\""), &options());
    assert!(evidence.points.is_empty());
    assert!(evidence.unreadable[0].why.contains("a clock or a time zone is wrong"), "{:?}", evidence.unreadable);
    assert_eq!(
        read(Tool::Restic, &restic("\"2026-12-01T00:04:00Z\""), &options()).points.len(),
        1,
        "clocks differ a little"
    );
}

fn listing(pattern: &str, timezone: Option<&str>) -> Options {
    Options {
        pattern: Some(pattern.parse::<Pattern>().expect("a pattern")),
        timezone: timezone.map(|zone| zone.parse().expect("a zone")),
        ..options()
    }
}

const SCRIPTS: &str = "%Y-%m-%d_%H-%M.tar.gz";

#[test]
fn a_listing_of_scripts_is_read_by_its_pattern_and_what_holds_nothing_failed() {
    let text = "                           PRE old/\n\
                2026-02-18 03:41:10  123456789 2026-02-18_03-00.tar.gz\n\
                2026-02-19 03:00:02          0 2026-02-19_03-00.tar.gz\n\
                2026-02-19 12:00:00        812 README.txt\n\
                2026-02-20 03:44:00  123456790 sub/2026-02-30_03-00.tar.gz\n\
                \nTotal Objects: 4\n   Total Size: 246914391\n";
    let said = lines(&read(Tool::S3Pattern, text, &listing(SCRIPTS, Some("UTC"))));
    assert_eq!(
        said,
        [
            "point 2026-02-18_03-00.tar.gz of 2026-02-18T03:00:00Z from 2026-02-18T03:41:10Z",
            "backup 2026-02-19_03-00.tar.gz 2026-02-19T03:00:00Z to 2026-02-19T03:00:02Z: failed: it holds no bytes",
            "? x:5:1: the name `sub/2026-02-30_03-00.tar.gz` has a date that no calendar has",
        ]
    );
    assert!(refused(Tool::S3Pattern, text, &listing(SCRIPTS, None)).contains("--timezone"));
    assert!(refused(Tool::S3Pattern, text, &options()).contains("--pattern"));
}

#[test]
fn a_listing_in_json_has_its_own_zone_and_the_names_another() {
    let text = r#"{"Contents": [{"Key": "a/2026-02-18_03-00.tar.gz", "LastModified": "2026-02-18T02:41:10+00:00", "Size": 9,
        "StorageClass": "STANDARD"}], "RequestCharged": null}"#;
    let said = lines(&read(Tool::S3Pattern, text, &listing(SCRIPTS, Some("Europe/Berlin"))));
    assert_eq!(said, ["point a/2026-02-18_03-00.tar.gz of 2026-02-18T02:00:00Z from 2026-02-18T02:41:10Z"]);
    let wrong = lines(&read(Tool::S3Pattern, text, &listing(SCRIPTS, Some("America/New_York"))));
    assert!(wrong[0].contains("before the time in its name") && wrong[0].contains("--timezone"), "{wrong:?}");
    assert!(
        lines(&read(Tool::S3Pattern, r#"{"RequestCharged": null}"#, &listing(SCRIPTS, None))).is_empty(),
        "an empty bucket"
    );
    let cut = text.replace("\"RequestCharged\": null", "\"NextToken\": \"x\"");
    assert!(lines(&read(Tool::S3Pattern, &cut, &listing(SCRIPTS, Some("Europe/Berlin"))))[1].contains("goes on"));
}

#[test]
fn a_pattern_that_fits_no_name_is_no_empty_bucket() {
    let text = "2026-02-18 03:41:10  123456789 2026-02-18_03-00.tar.gz\n";
    // The restore test of the scripts looks for the date alone.
    let said = lines(&read(Tool::S3Pattern, text, &listing("%Y-%m-%d.tar.gz", Some("UTC"))));
    assert_eq!(
        said,
        ["? x: none of its 1 names is as the pattern `%Y-%m-%d.tar.gz` says; the first is `2026-02-18_03-00.tar.gz`"]
    );
}

#[test]
fn patterns_say_on_which_day_and_follow_names_to_their_end() {
    for wrong in ["", "backup.tar.gz", "%Y-%m.tar", "%Y-%m-%d-%d", "%H-%M", "%Y-%m-%d_%M", "%q", "%", "%Y%m%d%"] {
        assert!(wrong.parse::<Pattern>().is_err(), "{wrong}");
    }
    let text = "2026-02-18 03:41:10  5 backups/db/dump-%-20260218.a.gz\n";
    for (pattern, points) in [
        ("dump-%%-%Y%m%d.*.gz", 1),
        ("backups/*/dump-%%-%Y%m%d*", 1),
        ("dump-%%-%Y%m%d", 0),
        ("*%Y%m%d.a.gz", 1),
        ("db/dump*%F*", 0),
    ] {
        let evidence = read(Tool::S3Pattern, text, &listing(pattern, Some("UTC")));
        assert_eq!(evidence.points.len(), points, "{pattern}");
        // Without a time of day it is of the day's first instant: nothing says that it is any later.
        assert!(evidence.points.iter().all(|p| p.consistent_at.to_string() == "2026-02-18T00:00:00Z"));
    }
    let seconds = "2026-02-18 03:41:10  5 db-1771383600\n";
    let evidence = read(Tool::S3Pattern, seconds, &listing("db-%s", Some("UTC")));
    assert_eq!(evidence.points[0].consistent_at.to_string(), "2026-02-18T03:00:00Z");
}
