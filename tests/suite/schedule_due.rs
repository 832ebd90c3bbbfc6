//! Whether a job is due, held against a naive clock that ticks minute by minute.

use chrono_tz::Tz;
use plimsoll::base::{Instant, Span};
use plimsoll::schedule::Schedule;
use plimsoll::schedule::due::{Done, Job, Next, pause};
use proptest::prelude::*;

fn start() -> Instant {
    "2026-11-26T00:00:00Z".parse().unwrap()
}

fn minute(n: i64) -> Instant {
    start() + Span::minutes(n)
}

fn schedules() -> impl Strategy<Value = Schedule> {
    let text = prop_oneof![
        Just("* * * * *"),
        Just("*/15 * * * *"),
        Just("5,35 * * * *"),
        Just("0 * * * *"),
        Just("30 3 * * *"),
        Just("0 */6 * * *")
    ];
    let zone = prop_oneof![Just(Tz::UTC), Just(Tz::Asia__Kolkata)];
    (text, zone).prop_map(|(text, zone)| Schedule::parse(text, zone).unwrap())
}

/// Whether the clock of the schedule strikes at this minute.
fn strikes(schedule: &Schedule, at: Instant) -> bool {
    schedule.next_after(at - Span::millis(1)) == Some(at)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_service_that_comes_and_goes_runs_once_for_all_that_it_missed(
        schedule in schedules(),
        jitter in 0..40_i64,
        up in prop::collection::vec((any::<bool>(), 1..400_i64), 1..8),
    ) {
        let job = Job { name: ("policy", "job"), schedule: &schedule, jitter: Span::minutes(jitter) };
        let mut done = Done { well: Some(start()), ..Done::default() };
        // The naive view: planned minutes whose delay is over and for which nothing ran yet.
        let mut owed: Vec<Instant> = vec![];
        let mut now = 0;
        for (is_up, minutes) in up {
            for _ in 0..minutes {
                now += 1;
                if strikes(&schedule, minute(now)) {
                    owed.push(minute(now));
                }
                if !is_up {
                    continue;
                }
                let ripe = owed.iter().filter(|planned| **planned + job.delay(**planned) <= minute(now)).count();
                match job.next(done, minute(now)) {
                    Next::Now { missed } => {
                        prop_assert!(ripe > 0, "nothing is owed at {}", minute(now));
                        prop_assert_eq!(missed + 1, owed.len());
                        done = Done { well: Some(minute(now)), tried: Some(minute(now)), failures: 0 };
                        owed.clear();
                    }
                    Next::At(at) => {
                        prop_assert_eq!(ripe, 0, "owed since {:?} at {}", owed, minute(now));
                        prop_assert!(at > minute(now));
                    }
                    Next::Never => prop_assert!(false, "the calendar goes on"),
                }
            }
        }
    }

    #[test]
    fn a_delay_is_within_what_is_allowed_and_the_same_every_time(schedule in schedules(), jitter in 0..300_i64, after in 0..100_000_i64) {
        let job = |name| Job { name: ("policy", name), schedule: &schedule, jitter: Span::minutes(jitter) };
        let planned = schedule.next_after(minute(after)).unwrap();
        let delay = job("a").delay(planned);
        prop_assert_eq!(delay, job("a").delay(planned));
        let gap = schedule.next_after(planned).unwrap() - planned;
        prop_assert!(delay >= Span::ZERO && delay <= Span::minutes(jitter) && delay < gap);
    }
}

fn nightly() -> Schedule {
    Schedule::parse("0 3 * * *", Tz::UTC).unwrap()
}

#[test]
fn what_was_never_done_is_due_at_once_and_what_was_done_waits_for_its_time() {
    let schedule = nightly();
    let job = Job { name: ("p", "j"), schedule: &schedule, jitter: Span::ZERO };
    assert_eq!(job.next(Done::default(), start()), Next::Now { missed: 0 });
    let done = Done { well: Some(start()), tried: Some(start()), failures: 0 };
    assert_eq!(job.next(done, start()), Next::At(start() + Span::hours(3)));
    // A year away: one run for all of it.
    let later = start() + Span::days(365) + Span::hours(4);
    assert_eq!(job.next(done, later), Next::Now { missed: 365 });
}

#[test]
fn a_run_that_failed_is_tried_again_after_pauses_that_double_up_to_an_hour() {
    let schedule = nightly();
    let job = Job { name: ("p", "j"), schedule: &schedule, jitter: Span::ZERO };
    let due = start() + Span::hours(3);
    let failed = |failures| Done { well: Some(start()), tried: Some(due), failures };
    assert_eq!(job.next(failed(1), due), Next::At(due + Span::minutes(1)));
    assert_eq!(job.next(failed(3), due), Next::At(due + Span::minutes(4)));
    assert_eq!(job.next(failed(3), due + Span::minutes(4)), Next::Now { missed: 0 });
    for failures in [8, 60, u32::MAX] {
        assert_eq!(pause(failures), Span::hours(1));
    }
    // What was never done and fails does not run at every look either.
    let never = Done { well: None, tried: Some(due), failures: 2 };
    assert_eq!(job.next(never, due), Next::At(due + Span::minutes(2)));
}

#[test]
fn jobs_of_one_time_begin_at_different_ones() {
    let schedule = nightly();
    let name = |n: usize| format!("job{n}");
    let names: Vec<String> = (0..50).map(name).collect();
    let delay = |name: &String| {
        Job { name: ("p", name), schedule: &schedule, jitter: Span::minutes(10) }.delay(start() + Span::hours(3))
    };
    let mut delays: Vec<Span> = names.iter().map(delay).collect();
    delays.sort_unstable();
    delays.dedup();
    assert!(delays.len() > 45, "{delays:?}");
}
