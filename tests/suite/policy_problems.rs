//! Policies that are wrong: what is said, and where it points.

use insta::assert_snapshot;
use plimsoll::policy::{self, SourceText};

const SOUND: &str = r#"plimsoll = 1
name = "sound"
[domain.here]
kind = "host"
[asset.a]
kind = "mongodb"
lives_in = ["here"]
"#;

/// All that is said about a file.
fn said(text: &str) -> String {
    let source = SourceText::new("plan.toml", text);
    match policy::parse(source.clone()) {
        Ok(_) => "no problem".into(),
        Err(problems) => problems.iter().map(|problem| problem.render(&source)).collect(),
    }
}

/// All that is said when this is added to a policy that is sound: its first line is the file's eighth.
pub fn said_of(more: &str) -> String {
    said(&format!("{SOUND}{more}"))
}

#[test]
fn the_sound_policy_is_sound() {
    assert_eq!(said(SOUND), "no problem");
}

#[test]
fn an_empty_file_lacks_everything() {
    assert_snapshot!(said(r#""#), @r#"
    error: the policy needs `plimsoll`
     --> plan.toml:1:1
      |
    1 |
      | ^
      = help: Version of this format: 1.
    error: the policy needs `name`
     --> plan.toml:1:1
      |
    1 |
      | ^
      = help: Whose plan this is; the title of every report.
    error: the policy needs `asset`
     --> plan.toml:1:1
      |
    1 |
      | ^
      = help: What is protected: databases and buckets of uploads.
    "#);
}

#[test]
fn syntax_points_at_the_place() {
    assert_snapshot!(said(r#"plimsoll = 1
name = "half
asset = [
"#), @r#"
    error: this is not TOML: invalid basic string, expected `"`
     --> plan.toml:2:13
      |
    2 | name = "half
      |             ^
      = help: see https://toml.io for the format
    error: this is not TOML: unclosed array, expected `]`
     --> plan.toml:3:10
      |
    3 | asset = [
      |          ^
      = help: see https://toml.io for the format
    "#);
}

#[test]
fn a_field_that_stands_twice() {
    assert_snapshot!(said(r#"plimsoll = 1
name = "a"
name = "b"
"#), @r#"
    error: `name` stands twice
     --> plan.toml:3:1
      |
    3 | name = "b"
      | ^^^^
      = help: name each field and table once
    "#);
}

#[test]
fn a_version_from_the_future() {
    assert_snapshot!(said(r#"plimsoll = 2
name = "a"
[asset]
"#), @r#"
    error: format version 2 is not known
     --> plan.toml:1:12
      |
    1 | plimsoll = 2
      |            ^
      = help: write `plimsoll = 1`, or use a newer Plimsoll
    error: `asset` is empty
     --> plan.toml:3:2
      |
    3 | [asset]
      |  ^^^^^
      = help: declare at least one, as [asset.NAME]
    "#);
}

#[test]
fn an_unknown_field_and_what_is_allowed() {
    assert_snapshot!(said_of(r#"[objective]
rpoo = "1h"
"#), @r#"
    error: unknown field `rpoo` in an objective
     --> plan.toml:9:1
      |
    9 | rpoo = "1h"
      | ^^^^
      = help: did you mean `rpo`? allowed: rpo, rto, retention, drill_every, copies, immutable, encrypted, consistency, media, offsite, keep_at_most, points_created, restores_shown, drill_share, alert_test_every
    "#);
}

#[test]
fn an_unknown_field_of_a_kind_lists_what_fits_the_kind() {
    assert_snapshot!(said_of(r#"[protection.p]
kind = "replica"
assets = ["a"]
lag = "1s"
stored_in = ["here"]
run_in = ["here"]
"#), @r#"
    error: unknown field `run_in` in a protection
      --> plan.toml:13:1
       |
    13 | run_in = ["here"]
       | ^^^^^^
       = help: did you mean `runs_in`? allowed: kind, assets, lag, stored_in, runs_in
    "#);
}

#[test]
fn wrong_types() {
    assert_snapshot!(said_of(r#"[objective]
rpo = 60
copies = "two"
immutable = "yes"
[[contact]]
name = []
reach = 2026-01-01
"#), @r#"
    error: `rpo` is an integer
     --> plan.toml:9:7
      |
    9 | rpo = 60
      |       ^^
      = help: it takes a duration in quotes, such as "90s", "15min", "6h", "1h30min" or "30d"
    error: `copies` is a string
      --> plan.toml:10:10
       |
    10 | copies = "two"
       |          ^^^^^
       = help: it takes a whole number, at least 0 and at most 1000
    error: `immutable` is a string
      --> plan.toml:11:13
       |
    11 | immutable = "yes"
       |             ^^^^^
       = help: it takes true or false
    error: `name` is an array
      --> plan.toml:13:8
       |
    13 | name = []
       |        ^^
       = help: it takes text in quotes
    error: `reach` is a datetime
      --> plan.toml:14:9
       |
    14 | reach = 2026-01-01
       |         ^^^^^^^^^^
       = help: it takes text in quotes
    "#);
}

#[test]
fn bad_units_and_absurd_durations() {
    assert_snapshot!(said_of(r#"[objective]
rpo = "1m"
rto = "-5h"
retention = "200y"
drill_every = "0d"
"#), @r#"
    error: `m` in `1m` could be minutes or months
     --> plan.toml:9:7
      |
    9 | rpo = "1m"
      |       ^^^^
      = help: write `min` for minutes
    error: `-5h` is negative
      --> plan.toml:10:7
       |
    10 | rto = "-5h"
       |       ^^^^^
       = help: a duration is at least zero
    error: `200y` is longer than a century
      --> plan.toml:11:13
       |
    11 | retention = "200y"
       |             ^^^^^^
       = help: write a number and a unit (ms, s, min, h, d, w, y), such as 90s, 15min, 6h, 1h30min or 30d
    error: `drill_every` cannot be zero
      --> plan.toml:12:15
       |
    12 | drill_every = "0d"
       |               ^^^^
       = help: it takes a duration in quotes, such as "90s", "15min", "6h", "1h30min" or "30d"
    "#);
}

#[test]
fn sizes_need_a_unit() {
    assert_snapshot!(said_of(r#"[asset.b]
kind = "s3"
size = "64"
lives_in = ["here"]
"#), @r#"
    error: `64` has no unit
      --> plan.toml:10:8
       |
    10 | size = "64"
       |        ^^^^
       = help: write a number and a unit (B, kB, MB, GB, TB, PB or KiB, MiB, GiB, TiB, PiB), such as 64 GB
    "#);
}

#[test]
fn numbers_that_are_none() {
    assert_snapshot!(said_of(r#"[losses]
downtime_per_hour = nan
data_per_hour = inf
total_loss = -4.5
"#), @r#"
    error: `downtime_per_hour` cannot be nan
     --> plan.toml:9:21
      |
    9 | downtime_per_hour = nan
      |                     ^^^
      = help: it takes an amount, at least 0 and at most 1e15
    error: `data_per_hour` cannot be inf
      --> plan.toml:10:17
       |
    10 | data_per_hour = inf
       |                 ^^^
       = help: it takes an amount, at least 0 and at most 1e15
    error: `total_loss` cannot be -4.5
      --> plan.toml:11:14
       |
    11 | total_loss = -4.5
       |              ^^^^
       = help: it takes an amount, at least 0 and at most 1e15
    "#);
}

#[test]
fn whole_numbers_have_bounds() {
    assert_snapshot!(said_of(r#"[objective]
copies = -1
"#), @r#"
    error: `copies` cannot be -1
     --> plan.toml:9:10
      |
    9 | copies = -1
      |          ^^
      = help: it takes a whole number, at least 0 and at most 1000
    "#);
}

#[test]
fn empty_lists_say_nothing() {
    assert_snapshot!(said_of(r#"[credential.c]
can_delete = []
"#), @r#"
    error: `can_delete` is an empty list
     --> plan.toml:9:14
      |
    9 | can_delete = []
      |              ^^
      = help: it takes at least one, each a name in quotes; leave the field out if there is none
    "#);
}

#[test]
fn a_field_that_does_not_fit_its_kind() {
    assert_snapshot!(said_of(r#"[protection.p]
kind = "snapshot"
assets = ["a"]
schedule = "0 3 * * *"
window = "7d"
stored_in = ["here"]
"#), @r#"
    error: a protection of kind `snapshot` needs `takes`
     --> plan.toml:8:13
      |
    8 | [protection.p]
      |             ^
      = help: Time from the start of a run until its point can be restored from.
    error: `window` does not fit the kind `snapshot`
      --> plan.toml:12:1
       |
    12 | window = "7d"
       | ^^^^^^
       = help: it fits: log
    "#);
}

#[test]
fn an_unknown_kind_leaves_its_fields_alone() {
    assert_snapshot!(said_of(r#"[protection.p]
kind = "snapshots"
window = "7d"
"#), @r#"
    error: `kind` cannot be `snapshots`
     --> plan.toml:9:8
      |
    9 | kind = "snapshots"
      |        ^^^^^^^^^^^
      = help: did you mean `snapshot`? allowed: snapshot, log, mirror, versioning, copy, replica
    "#);
}

#[test]
fn time_zones_and_currencies() {
    assert_snapshot!(said(r#"plimsoll = 1
name = "a"
currency = "EURO"
timezone = "Europe/Berln"
[domain.here]
kind = "host"
[asset.a]
kind = "s3"
lives_in = ["here"]
"#), @r#"
    error: `EURO` is not a currency
     --> plan.toml:3:12
      |
    3 | currency = "EURO"
      |            ^^^^^^
      = help: it takes a code of ISO 4217 in capital letters, such as USD, EUR or GBP
    error: `Europe/Berln` is not a time zone
     --> plan.toml:4:12
      |
    4 | timezone = "Europe/Berln"
      |            ^^^^^^^^^^^^^^
      = help: did you mean `Europe/Berlin`?
    "#);
}

#[test]
fn names_have_a_grammar() {
    assert_snapshot!(said_of(r#"[domain."../x"]
kind = "host"
"#), @r#"
    error: `../x` cannot be a name
     --> plan.toml:8:9
      |
    8 | [domain."../x"]
      |         ^^^^^^
      = help: a name is made of letters a-z, A-Z, digits, `-` and `_`, begins with a letter or a digit, and has at most 64 of them
    "#);
}

#[test]
fn a_table_where_rows_are_meant() {
    assert_snapshot!(said_of(r#"[contact]
name = "me"
reach = "here"
"#), @r#"
    error: `contact` is a table
     --> plan.toml:8:2
      |
    8 | [contact]
      |  ^^^^^^^
      = help: it takes tables, each under a header in double brackets, such as [[contact]]
    "#);
}

#[test]
fn what_is_kept_of_older_points_needs_a_retention_and_a_number() {
    let protection = |more: &str| {
        said_of(&format!(
            "[protection.p]\nkind = \"snapshot\"\nassets = [\"a\"]\nschedule = \"0 3 * * *\"\ntakes = \"1h\"\nstored_in = [\"here\"]\n{more}\n"
        ))
    };
    assert_eq!(protection("retention = \"7d\"\nkeep = { daily = 30, monthly = 12 }"), "no problem");
    assert_snapshot!(protection("keep = { daily = 30 }"), @r#"
    error: `keep` needs a `retention` beside it
      --> plan.toml:14:8
       |
    14 | keep = { daily = 30 }
       |        ^^^^^^^^^^^^^^
       = help: every point stays for the retention; `keep` says what stays of the older ones
    "#);
    assert_snapshot!(protection("retention = \"7d\"\nkeep = { daily = 0 }"), @r#"
    error: `keep` keeps nothing
      --> plan.toml:15:8
       |
    15 | keep = { daily = 0 }
       |        ^^^^^^^^^^^^^
       = help: it takes last, hourly, daily, weekly, monthly or yearly, one of them above 0
    "#);
    assert_snapshot!(protection("retention = \"7d\"\nkeep = { dayly = 7 }"), @r#"
    error: `keep` keeps nothing
      --> plan.toml:15:8
       |
    15 | keep = { dayly = 7 }
       |        ^^^^^^^^^^^^^
       = help: it takes last, hourly, daily, weekly, monthly or yearly, one of them above 0
    error: unknown field `dayly` in a table of what is kept
      --> plan.toml:15:10
       |
    15 | keep = { dayly = 7 }
       |          ^^^^^
       = help: did you mean `daily`? allowed: last, hourly, daily, weekly, monthly, yearly
    "#);
    assert!(protection("retention = \"30\"").contains("is not a duration"), "a unit that is left out is no unit");
    assert!(protection("retention = \"30 days\"").contains("unknown unit `days`"));
}
