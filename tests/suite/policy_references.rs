//! Policies whose parts do not fit together: names, circles, runbooks, schedules.

use insta::assert_snapshot;

use crate::policy_problems::said_of;

#[test]
fn names_that_mean_nothing() {
    assert_snapshot!(said_of(r#"[domain.d]
kind = "host"
inside = ["hre"]
[credential.c]
can_delete = ["elsewhere"]
[protection.p]
kind = "copy"
of = "q"
delay = "1h"
stored_in = ["here"]
[[waiver]]
code = "x"
owner = "me"
reason = "so"
until = 2027-01-31
asset = "b"
scenario = "s"
"#), @r#"
    error: no domain is called `hre`
      --> plan.toml:10:11
       |
    10 | inside = ["hre"]
       |           ^^^^^
       = help: did you mean `here`? declared: d, here
    error: no domain is called `elsewhere`
      --> plan.toml:12:15
       |
    12 | can_delete = ["elsewhere"]
       |               ^^^^^^^^^^^
       = help: declared: d, here
    error: no protection is called `q`
      --> plan.toml:15:6
       |
    15 | of = "q"
       |      ^^^
       = help: declared: p
    error: no asset is called `b`
      --> plan.toml:23:9
       |
    23 | asset = "b"
       |         ^^^
       = help: declared: a
    error: no scenario is called `s`
      --> plan.toml:24:12
       |
    24 | scenario = "s"
       |            ^^^
       = help: declare it as [scenario.NAME]
    "#);
}

#[test]
fn a_name_is_listed_once() {
    assert_snapshot!(said_of(r#"[credential.c]
can_delete = ["here", "here"]
"#), @r#"
    error: `here` is listed twice
     --> plan.toml:9:23
      |
    9 | can_delete = ["here", "here"]
      |                       ^^^^^^
      = help: name each once
    "#);
}

#[test]
fn domains_in_a_circle() {
    assert_snapshot!(said_of(r#"[domain.x]
kind = "host"
inside = ["y"]
[domain.y]
kind = "host"
inside = ["x"]
"#), @r#"
    error: `y` is inside itself: x → y → x
      --> plan.toml:13:11
       |
    13 | inside = ["x"]
       |           ^^^
       = help: take one of them out
    "#);
}

#[test]
fn copies_in_a_circle() {
    assert_snapshot!(said_of(r#"[protection.c]
kind = "copy"
of = "d"
delay = "1h"
stored_in = ["here"]
[protection.d]
kind = "copy"
of = "c"
delay = "1h"
stored_in = ["here"]
"#), @r#"
    error: `d` is a copy of itself: c → d → c
      --> plan.toml:15:6
       |
    15 | of = "c"
       |      ^^^
       = help: take one of them out
    "#);
}

#[test]
fn a_mechanism_protects_what_it_can() {
    assert_snapshot!(said_of(r#"[protection.v]
kind = "versioning"
assets = ["a"]
retention = "30d"
[protection.r]
kind = "replica"
assets = ["a"]
lag = "1s"
stored_in = ["here"]
[protection.c]
kind = "copy"
of = "r"
delay = "1h"
stored_in = ["here"]
"#), @r#"
    error: the kind `versioning` cannot protect `a`
      --> plan.toml:10:11
       |
    10 | assets = ["a"]
       |           ^^^
       = help: it protects assets of the kind s3
    error: `r` is a replica, which has no points to copy
      --> plan.toml:19:6
       |
    19 | of = "r"
       |      ^^^
       = help: a copy is `of` a snapshot, a log or another copy
    "#);
}

#[test]
fn cron_errors() {
    assert_snapshot!(said_of(r#"[protection.p]
kind = "mirror"
assets = ["a"]
schedule = "0 3 31 2 *"
takes = "5min"
stored_in = ["here"]
[protection.q]
kind = "mirror"
assets = ["a"]
schedule = "99 3 * * *"
takes = "5min"
stored_in = ["here"]
"#), @r#"
    error: `0 3 31 2 *` never runs: no month has such a day
      --> plan.toml:11:12
       |
    11 | schedule = "0 3 31 2 *"
       |            ^^^^^^^^^^^^
    error: `99` in the minute of `99 3 * * *`
      --> plan.toml:17:12
       |
    17 | schedule = "99 3 * * *"
       |            ^^^^^^^^^^^^
       = help: a minute is 0 to 59, `*`, a range `a-b`, a step `*/n`, or several of them with commas
    "#);
}

#[test]
fn a_scenario_that_harms_nothing() {
    assert_snapshot!(said_of(r#"[scenario.s]
per_year = 10_000
noticed_after = { measured = "load" }
"#), @r#"
    error: the scenario `s` harms nothing
     --> plan.toml:8:11
      |
    8 | [scenario.s]
      |           ^
      = help: say what it `destroys`, `corrupts` or `compromises`
    error: `per_year` cannot be 10000
     --> plan.toml:9:12
      |
    9 | per_year = 10_000
      |            ^^^^^^
      = help: it takes a number of incidents in a year, at least 0 and at most 8760
    error: `noticed_after` cannot be measured by a drill
      --> plan.toml:10:17
       |
    10 | noticed_after = { measured = "load" }
       |                 ^^^^^^^^^^^^^^^^^^^^^
       = help: it takes a duration such as "10min", { low = .., mode = .., high = .. } or { p50 = .., p95 = .. }
    "#);
}

#[test]
fn steps_wait_for_earlier_steps() {
    assert_snapshot!(said_of(r#"[scenario.s]
corrupts = ["a"]
per_year = 1
noticed_after = "5min"
[[scenario.s.runbook]]
step = "restore"
takes = "1h"
after = ["verify"]
[[scenario.s.runbook]]
step = "verify"
takes = "1h"
after = ["verify", "restor"]
[[scenario.s.runbook]]
step = "verify"
takes = "1h"
after = ["restore", "restore"]
"#), @r#"
    error: a step cannot wait for `verify`, which does not come before it
      --> plan.toml:15:10
       |
    15 | after = ["verify"]
       |          ^^^^^^^^
       = help: the first step waits for none
    error: a step cannot wait for `verify`, which does not come before it
      --> plan.toml:19:10
       |
    19 | after = ["verify", "restor"]
       |          ^^^^^^^^
       = help: earlier steps: restore
    error: no step is called `restor`
      --> plan.toml:19:20
       |
    19 | after = ["verify", "restor"]
       |                    ^^^^^^^^
       = help: did you mean `restore`? earlier steps: restore
    error: a step is called `verify` already
      --> plan.toml:21:8
       |
    21 | step = "verify"
       |        ^^^^^^^^
       = help: give each step of a runbook a name of its own
    error: `restore` is listed twice
      --> plan.toml:23:21
       |
    23 | after = ["restore", "restore"]
       |                     ^^^^^^^^^
       = help: name each once
    "#);
}

#[test]
fn times_with_three_points_rise() {
    assert_snapshot!(said_of(r#"[scenario.s]
corrupts = ["a"]
per_year = 1
noticed_after = { low = "5min", mode = "1min", high = "1h" }
[[scenario.s.runbook]]
step = "restore"
takes = { measured = "load" }
"#), @r#"
    error: `mode` is 1 min, less than the 5 min before it
      --> plan.toml:11:40
       |
    11 | noticed_after = { low = "5min", mode = "1min", high = "1h" }
       |                                        ^^^^^^
       = help: `low`, `mode` and `high` must rise
    error: a measured step needs `asset`
      --> plan.toml:14:9
       |
    14 | takes = { measured = "load" }
       |         ^^^^^^^^^^^^^^^^^^^^^
       = help: say which `asset` it restores: each asset has drills of its own
    "#);
}

#[test]
fn a_waiver_ends_at_an_instant_or_a_day() {
    assert_snapshot!(said_of(r#"[[waiver]]
code = "x"
owner = "o"
reason = "r"
until = 2027-01-01T00:00:00
"#), @r#"
    error: `until` cannot be `2027-01-01T00:00:00`
      --> plan.toml:12:9
       |
    12 | until = 2027-01-01T00:00:00
       |         ^^^^^^^^^^^^^^^^^^^
       = help: it takes a date, such as 2027-03-31, or an instant with its zone, such as 2027-03-31T12:00:00Z
    "#);
}
