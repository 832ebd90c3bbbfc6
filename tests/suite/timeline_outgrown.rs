//! When restores outgrow the time they have: held against a clock that goes forward day by day, and runbooks that are
//! walked minute by minute.

use plimsoll::base::{Instant, Span};
use plimsoll::policy::{self, SourceText};
use plimsoll::timeline::outgrown::{Outlook, Timed, room};
use proptest::prelude::*;

fn now() -> Instant {
    "2026-11-22T06:00:00Z".parse().expect("an instant")
}

fn outlook(size: f64, growth: f64, minutes: i64, drills: &[(i64, u64)]) -> Outlook {
    let timed =
        |(secs, bytes): &(i64, u64)| Timed { at: now() - Span::days(3), took: Span::secs(*secs), bytes: *bytes };
    let room = Span::minutes(minutes);
    Outlook { as_of: now(), size, growth, room, drills: drills.iter().map(timed).collect() }
}

proptest! {
    #[test]
    fn the_day_on_which_restores_outgrow_their_time_is_the_one_that_a_clock_finds(
        gigabytes in 1.0..500.0_f64,
        growth in 0.05..2.0_f64,
        minutes in 1..600_i64,
        secs in 60..7_200_i64,
        part in 0.1..1.0_f64,
    ) {
        let bytes = gigabytes * 1e9 * part;
        let outlook = outlook(gigabytes * 1e9, growth, minutes, &[(secs, bytes as u64), (secs, bytes as u64)]);
        let pace = outlook.pace().expect("two drills").middle;
        let found = outlook.outgrown_at(pace);
        let mut size = gigabytes * 1e9;
        let a_day = (1.0 + growth).powf(1.0 / 365.0);
        let mut walked = None;
        for day in 0..=365 * 30 {
            if size / bytes * secs as f64 > minutes as f64 * 60.0 {
                walked = Some(day);
                break;
            }
            size *= a_day;
        }
        match walked {
            Some(day) => {
                let found = (found.expect("it is outgrown") - now()).0 as f64 / Span::days(1).0 as f64;
                prop_assert!(found <= f64::from(day) + 0.01 && found >= f64::from(day) - 1.01, "{found} against {day}");
            }
            None => prop_assert!(found.is_none_or(|at| at - now() > Span::days(365 * 30 - 1)), "{found:?}"),
        }
    }

    #[test]
    fn the_band_holds_the_middle_and_a_slower_drill_is_outgrown_sooner(
        drills in prop::collection::vec((60..7_200_i64, 1_000_000..50_000_000_000_u64), 2..12),
        growth in 0.05..2.0_f64,
    ) {
        let outlook = outlook(8e9, growth, 120, &drills);
        let pace = outlook.pace().expect("two drills");
        prop_assert!(pace.fastest <= pace.middle && pace.middle <= pace.slowest);
        let far = |pace| outlook.outgrown_at(pace).unwrap_or(Instant::MAX);
        prop_assert!(far(pace.slowest) <= far(pace.middle) && far(pace.middle) <= far(pace.fastest));
    }
}

#[test]
fn nothing_is_said_of_one_drill_and_nothing_ever_outgrown_without_growth() {
    assert_eq!(outlook(8e9, 0.4, 60, &[(600, 8_000_000_000)]).pace(), None);
    assert_eq!(outlook(8e9, 0.4, 60, &[]).pace(), None);
    for growth in [0.0, -0.5, -3.0] {
        let still = outlook(8e9, growth, 60, &[(600, 8_000_000_000), (700, 8_000_000_000)]);
        let pace = still.pace().expect("two drills");
        assert_eq!(still.outgrown_at(pace.slowest), None, "{growth}");
    }
    let late = outlook(8e9, 0.0, 10, &[(600, 8_000_000_000), (700, 8_000_000_000)]);
    assert_eq!(late.outgrown_at(late.pace().expect("two").slowest), Some(now()), "already, whatever the growth");
}

/// Noticing, then steps of which some wait for others and one restores, as one line of a policy each.
fn runbook(steps: &[(i64, Option<usize>)], restore: usize, noticed: i64) -> policy::Policy {
    let mut text = format!(
        "plimsoll = 1\nname = \"p\"\n[objective]\nrpo = \"1h\"\nrto = \"2h\"\n[domain.d]\nkind = \"host\"\n[asset.a]\n\
         kind = \"mongodb\"\nlives_in = [\"d\"]\n[scenario.s]\ndestroys = [\"d\"]\nper_year = 1\nnoticed_after = \"{noticed}min\"\n"
    );
    for (n, (minutes, after)) in steps.iter().enumerate() {
        let takes = match n == restore {
            true => "{ measured = \"total\", declared = \"1min\" }\nasset = \"a\"".to_string(),
            false => format!("\"{minutes}min\""),
        };
        let after = after.map_or(String::new(), |step| format!("\"step {step}\""));
        text += &format!("[[scenario.s.runbook]]\nstep = \"step {n}\"\ntakes = {takes}\nafter = [{after}]\n");
    }
    policy::parse(SourceText::new("p.toml", text)).unwrap_or_else(|problems| panic!("{problems:?}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_time_that_a_runbook_leaves_is_the_last_minute_at_which_service_is_back_in_time(
        steps in prop::collection::vec((1..40_i64, any::<u8>()), 1..6),
        restore in any::<u8>(),
        noticed in 0..30_i64,
        rto in 10..240_i64,
    ) {
        let after = |n: usize, pick: u8| if n == 0 { None } else { Some(pick as usize % (n + 1)).filter(|step| *step < n) };
        let steps: Vec<(i64, Option<usize>)> = steps.iter().enumerate().map(|(n, (m, pick))| (*m, after(n, *pick))).collect();
        let restore = restore as usize % steps.len();
        let policy = runbook(&steps, restore, noticed);
        let (found, whole) = room(&policy.scenarios[0], ("a", "total"), Span::minutes(rto));
        prop_assert!(whole);
        let back = |minutes: i64| {
            let mut ends: Vec<i64> = Vec::new();
            for (n, (own, after)) in steps.iter().enumerate() {
                let begins = after.map_or(0, |step| ends[step]);
                ends.push(begins + if n == restore { minutes } else { *own });
            }
            noticed + ends.iter().max().expect("steps")
        };
        let walked = (0..=rto).take_while(|minutes| back(*minutes) <= rto).last().unwrap_or(0);
        prop_assert_eq!(found, Span::minutes(walked));
    }
}
