//! Schedules: what a cron expression means, and where the clock changes.

use chrono::{Datelike, TimeZone, Timelike};
use chrono_tz::Tz;
use plimsoll::base::{Instant, Span, Window};
use plimsoll::schedule::Schedule;
use proptest::prelude::*;

fn schedule(text: &str, zone: Tz) -> Schedule {
    Schedule::parse(text, zone).unwrap()
}

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn window(from: &str, until: &str) -> Window {
    Window::new(at(from), at(until))
}

#[test]
fn a_nightly_run_comes_once_a_day() {
    let nightly = schedule("0 3 * * *", Tz::UTC);
    let runs = nightly.runs_in(window("2026-11-20T03:00:00Z", "2026-11-22T03:00:00Z"));
    assert_eq!(runs, [at("2026-11-20T03:00:00Z"), at("2026-11-21T03:00:00Z")], "half-open: first in, last out");
    assert_eq!(nightly.next_after(at("2026-11-20T03:00:00Z")), Some(at("2026-11-21T03:00:00Z")));
    assert_eq!(nightly.worst_gap(at("2026-11-23T00:00:00Z")), Some(Span::hours(24)));
}

#[test]
fn the_longest_night_in_berlin_is_25_hours_and_the_lost_half_hour_runs_right_after() {
    let nightly = schedule("30 2 * * *", Tz::Europe__Berlin);
    assert_eq!(nightly.worst_gap(at("2026-11-23T00:00:00Z")), Some(Span::hours(25)));
    let spring = nightly.runs_in(window("2027-03-27T00:00:00Z", "2027-03-30T00:00:00Z"));
    let expected = ["2027-03-27T01:30:00Z", "2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"].map(at);
    assert_eq!(spring, expected);
    let autumn = nightly.runs_in(window("2027-10-31T00:00:00Z", "2027-11-01T02:00:00Z"));
    assert_eq!(autumn, ["2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"].map(at), "once in the doubled hour");
}

#[test]
fn weekdays_alone_leave_72_hours() {
    let weekdays = schedule("0 3 * * MON-FRI", Tz::UTC);
    assert_eq!(weekdays.worst_gap(at("2026-11-23T00:00:00Z")), Some(Span::hours(72)));
}

#[test]
fn rare_schedules_have_their_true_gap() {
    let from = at("2026-11-23T00:00:00Z");
    assert_eq!(schedule("0 0 1 1 *", Tz::UTC).worst_gap(from), Some(Span::days(365)));
    assert_eq!(schedule("0 0 29 2 *", Tz::UTC).worst_gap(from), Some(Span::days(4 * 365 + 1)));
    assert_eq!(schedule("0 0 29 2 *", Tz::UTC).worst_gap(at("2095-06-01T00:00:00Z")), Some(Span::days(8 * 365 + 1)));
}

#[test]
fn silly_expressions_are_refused_with_what_is_allowed() {
    let said = |text: &str| Schedule::parse(text, Tz::UTC).unwrap_err();
    assert_eq!(said("0 0 31 2 *"), "`0 0 31 2 *` never runs: no month has such a day");
    assert_eq!(
        said("0 3 * *"),
        "`0 3 * *` has 4 fields, a cron expression has 5; write `minute hour day month weekday`, such as `0 3 * * *` for 03:00 each day"
    );
    assert_eq!(
        said("0 3 L * *"),
        "`L` in the day of month of `0 3 L * *`; a day of month is 1 to 31, `*`, a range `a-b`, a step `*/n`, or several of them with commas"
    );
    assert_eq!(
        said("0 3 * JAN-FOO *"),
        "`JAN-FOO` in the month of `0 3 * JAN-FOO *`; a month is 1 to 12 or JAN to DEC, `*`, a range `a-b`, a step `*/n`, or several of them with commas"
    );
    for text in ["60 3 * * *", "0 24 * * *", "0 0 0 * *", "0 0 * 13 *", "*/0 * * * *", "5-1 * * * *", "", "@daily"] {
        assert!(!said(text).is_empty(), "{text}");
    }
}

#[test]
fn no_window_is_too_wide_to_answer() {
    let yearly = schedule("0 0 1 1 *", Tz::America__New_York);
    let runs = yearly.runs_in(Window::new(Instant::MIN, Instant::MAX));
    assert!(runs.len() >= 230 && runs.windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(yearly.next_after(Instant::MAX), None);
    assert!(yearly.next_after(Instant::MIN).is_some());
}

/// One field as a set of numbers, and as text.
fn field(low: u32, high: u32) -> impl Strategy<Value = (String, Vec<u32>)> {
    let all: Vec<u32> = (low..=high).collect();
    let every = Just(("*".to_string(), all.clone()));
    let step = (2u32..9).prop_map(move |n| (format!("*/{n}"), (low..=high).step_by(n as usize).collect::<Vec<_>>()));
    let list = proptest::sample::subsequence(all, 1..4)
        .prop_map(|list| (list.iter().map(u32::to_string).collect::<Vec<_>>().join(","), list));
    let range = (low..=high, 0u32..20).prop_map(move |(first, more)| {
        let last = (first + more).min(high);
        (format!("{first}-{last}"), (first..=last).collect())
    });
    prop_oneof![3 => every, 1 => step, 3 => list, 1 => range]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The oracle asks of every minute of the true time line what the wall clock shows then. It knows nothing of the
    /// one rule that a wall clock cannot tell: a single fixed time that is left out or comes twice.
    #[test]
    fn runs_equal_a_walk_over_every_minute(
        minute in field(0, 59), hour in field(0, 23), day in field(1, 31), month in field(1, 12), weekday in field(0, 6),
        zone in proptest::sample::select(vec![
            Tz::UTC, Tz::Europe__Berlin, Tz::America__New_York, Tz::Australia__Lord_Howe, Tz::Asia__Kathmandu,
        ]),
        start in 0i64..365 * 24 * 60,
    ) {
        let text = format!("{} {} {} {} {}", minute.0, hour.0, day.0, month.0, weekday.0);
        let fixed = [&minute, &hour].iter().all(|f| f.0.bytes().all(|b| b.is_ascii_digit()));
        let parsed = Schedule::parse(&text, zone);
        prop_assume!(parsed.is_ok(), "a day that no month has");
        let schedule = parsed.unwrap();
        let from = at("2026-11-23T00:00:00Z") + Span::minutes(start);
        let until = from + Span::days(9);
        let expected: Vec<Instant> = (0..9 * 24 * 60)
            .map(|m| from + Span::minutes(m))
            .filter(|t| {
                let wall = zone.timestamp_millis_opt(t.0).unwrap();
                let on_day = match (day.0.as_str(), weekday.0.as_str()) {
                    (d, w) if d != "*" && w != "*" => {
                        day.1.contains(&wall.day()) || weekday.1.contains(&wall.weekday().num_days_from_sunday())
                    }
                    _ => day.1.contains(&wall.day()) && weekday.1.contains(&wall.weekday().num_days_from_sunday()),
                };
                minute.1.contains(&wall.minute()) && hour.1.contains(&wall.hour()) && month.1.contains(&wall.month()) && on_day
            })
            .collect();
        let changes = zone.timestamp_millis_opt(from.0).unwrap().naive_local() - zone.timestamp_millis_opt(until.0).unwrap().naive_local()
            != chrono::TimeDelta::days(-9);
        let runs = schedule.runs_in(Window::new(from, until));
        if !(fixed && changes) {
            prop_assert_eq!(&runs, &expected, "{} in {}", text, zone);
        }
        prop_assert_eq!(schedule.next_after(from - Span::millis(1)).filter(|next| *next < until), runs.first().copied());
    }

    /// The library that reads the expression expands it too, by another way: the two must agree, clock changes included.
    #[test]
    fn a_fixed_time_agrees_with_the_library_where_clocks_change(
        minute in 0u32..60, hour in 0u32..24,
        zone in proptest::sample::select(vec![Tz::Europe__Berlin, Tz::America__New_York, Tz::Asia__Beirut]),
        year in 2020i32..2035,
    ) {
        let text = format!("{minute} {hour} * * *");
        let cron: croner::Cron = text.parse().unwrap();
        let from = zone.with_ymd_and_hms(year, 1, 1, 12, 0, 0).unwrap();
        let until = Instant(from.timestamp_millis()) + Span::days(365);
        let expected: Vec<Instant> =
            cron.iter_after(from).map(|run| Instant(run.timestamp_millis())).take_while(|run| *run < until).collect();
        let mut runs = schedule(&text, zone).runs_in(Window::new(Instant(from.timestamp_millis()), until));
        runs.retain(|run| run.0 > from.timestamp_millis());
        prop_assert_eq!(runs, expected);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,40}", cronlike in "[0-9*/,\\-A-Z ]{0,24}") {
        let _ = Schedule::parse(&text, Tz::UTC);
        if let Ok(schedule) = Schedule::parse(&cronlike, Tz::Europe__Berlin) {
            prop_assert!(schedule.worst_gap(Instant(0)).is_some());
        }
    }
}
