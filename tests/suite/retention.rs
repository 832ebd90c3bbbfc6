//! Retention: which points stay, held against an oracle that looks at each pair, and the laws that it must keep whatever
//! the calendar does.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use plimsoll::base::{Instant, OpTime, Span};
use plimsoll::policy::Tiers;
use plimsoll::retention::log::{self, Base, LogRules, Piece};
use plimsoll::retention::{Bucket, Decision, Every, Point, Reason, Rules, Standing, decide, reach};
use proptest::prelude::*;

const ZONES: [Tz; 6] = [
    Tz::UTC,
    Tz::Europe__Berlin,
    Tz::Asia__Kolkata,
    Tz::Australia__Lord_Howe,
    Tz::America__St_Johns,
    Tz::Pacific__Apia,
];

fn at(text: &str) -> Instant {
    text.parse().expect("an instant")
}

fn zones() -> impl Strategy<Value = Tz> {
    (0..ZONES.len()).prop_map(|place| ZONES[place])
}

/// Around changes of clocks, turns of years and every ordinary hour.
fn instants() -> impl Strategy<Value = Instant> {
    let edges = ["2026-01-01T00:00:00Z", "2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z", "2027-01-03T23:00:00Z"];
    let near = (0..edges.len(), -7_200_000_i64..7_200_000).prop_map(move |(edge, ms)| Instant(at(edges[edge]).0 + ms));
    let any = (at("2024-12-01T00:00:00Z").0..at("2028-03-01T00:00:00Z").0).prop_map(Instant);
    prop_oneof![near, any, any_instant()]
}

fn any_instant() -> impl Strategy<Value = Instant> {
    any::<i64>().prop_map(Instant)
}

proptest! {
    #[test]
    fn equal_in_a_finer_stretch_of_the_calendar_is_equal_in_the_coarser(
        a in instants(), apart in -90_000_000_i64..90_000_000, zone in zones()
    ) {
        let b = Instant(a.0.saturating_add(apart));
        let same = |every| Bucket::of(a, every, zone) == Bucket::of(b, every, zone);
        for (finer, coarser) in
            [(Every::Hour, Every::Day), (Every::Day, Every::Week), (Every::Day, Every::Month), (Every::Month, Every::Year)]
        {
            prop_assert!(!same(finer) || same(coarser), "{a} and {b}: {finer:?} but not {coarser:?}");
        }
    }

    #[test]
    fn a_later_instant_is_in_no_earlier_day_week_month_or_year(a in instants(), b in instants(), zone in zones()) {
        let (a, b) = (a.min(b), a.max(b));
        // Where a zone skips or repeats a day, its calendar still goes forward.
        for every in [Every::Week, Every::Month, Every::Year] {
            prop_assert!(Bucket::of(a, every, zone) <= Bucket::of(b, every, zone), "{a} {b} {every:?} {zone}");
        }
    }
}

#[test]
fn a_week_at_the_turn_of_the_year_is_one_week_and_of_its_own_year() {
    let week = |text: &str| Bucket::of(at(text), Every::Week, Tz::UTC);
    // Monday 2026-12-28 to Sunday 2027-01-03.
    assert_eq!(week("2026-12-28T00:00:00Z"), week("2027-01-03T23:59:59Z"));
    assert_eq!(week("2027-01-01T00:00:00Z").to_string(), "the week 2026-W53");
    assert_ne!(week("2027-01-03T23:59:59Z"), week("2027-01-04T00:00:00Z"));
    // In both years there is a first week, and they are not the same.
    assert_ne!(week("2026-01-05T00:00:00Z"), week("2027-01-05T00:00:00Z"));
}

#[test]
fn the_hour_that_clocks_show_twice_is_two_hours() {
    let hour = |text: &str| Bucket::of(at(text), Every::Hour, Tz::Europe__Berlin);
    assert_ne!(hour("2026-10-25T00:30:00Z"), hour("2026-10-25T01:30:00Z"));
    assert_eq!(hour("2026-10-25T00:00:00Z"), hour("2026-10-25T00:59:59Z"));
    let half = |text: &str| Bucket::of(at(text), Every::Hour, Tz::Asia__Kolkata);
    assert_ne!(half("2026-10-25T00:15:00Z"), half("2026-10-25T00:45:00Z"), "an hour there begins at half past");
}

/// A point, as the strategies make it.
#[derive(Debug, Clone)]
struct Made {
    id: String,
    at: Instant,
    standing: Standing,
    promised: Option<Span>,
}

fn seen(made: &[Made]) -> Vec<Point<'_>> {
    made.iter()
        .map(|made| Point {
            id: &made.id,
            at: made.at,
            standing: made.standing,
            expires_at: made.promised.map(|span| made.at + span),
            locked_until: None,
        })
        .collect()
}

fn history() -> impl Strategy<Value = Vec<Made>> {
    let standing = prop_oneof![Just(Standing::Verified), Just(Standing::Unverified), Just(Standing::Bad)];
    let promised = prop::option::weighted(0.1, (1_i64..90).prop_map(Span::days));
    let one = (0_i64..90 * 24 * 60, standing, promised);
    prop::collection::vec(one, 0..40).prop_map(|all| {
        let made = |(place, (minutes, standing, promised)): (usize, (i64, Standing, Option<Span>))| Made {
            id: format!("p{place:02}"),
            at: at("2026-09-20T00:00:00Z") + Span::minutes(minutes),
            standing,
            promised,
        };
        all.into_iter().enumerate().map(made).collect()
    })
}

fn tiers() -> impl Strategy<Value = Tiers> {
    (0..6_u32, 0..30_u32, 0..20_u32, 0..8_u32, 0..5_u32, 0..3_u32).prop_map(
        |(last, hourly, daily, weekly, monthly, yearly)| Tiers { last, hourly, daily, weekly, monthly, yearly },
    )
}

fn rules() -> impl Strategy<Value = Rules> {
    let within = (0_i64..40 * 24).prop_map(Span::hours);
    (within, tiers(), zones()).prop_map(|(within, tiers, zone)| Rules { within, tiers, zone })
}

fn kept(points: &[Point], rules: &Rules, now: Instant) -> BTreeSet<String> {
    let decisions = decide(points, Some(rules), now);
    let kept = points.iter().zip(&decisions).filter(|(_, decision)| decision.is_kept());
    kept.map(|(point, _)| point.id.to_string()).collect()
}

/// What anybody would say who looks at each point, and for each of the others asks whether it is newer.
fn naive(points: &[Point], rules: &Rules, now: Instant) -> BTreeSet<String> {
    let good = |p: &&Point| p.standing != Standing::Bad && p.at <= now;
    let newer = |a: &Point, b: &Point| (a.at, a.id) > (b.at, b.id);
    let stays = |point: &Point| {
        let ahead = point.at > now;
        let newest = points.iter().filter(good).map(|p| p.at).max();
        let fresh = |limit: Instant| newest.is_none_or(|newest| limit > newest);
        let by_time = fresh(point.at + rules.within) || point.expires_at.is_some_and(fresh);
        let newer_good: Vec<&Point> = points.iter().filter(good).filter(|other| newer(other, point)).collect();
        let is_good = good(&point);
        let by_count = is_good && newer_good.len() < rules.tiers.last as usize;
        let t = rules.tiers;
        let many = [t.hourly, t.daily, t.weekly, t.monthly, t.yearly];
        let by_tier = Every::ALL.into_iter().zip(many).any(|(every, many)| {
            let own = Bucket::of(point.at, every, rules.zone);
            let others: BTreeSet<Bucket> =
                newer_good.iter().map(|other| Bucket::of(other.at, every, rules.zone)).collect();
            is_good && !others.contains(&own) && others.len() < many as usize
        });
        let newest_verified = is_good
            && point.standing == Standing::Verified
            && !newer_good.iter().any(|other| other.standing == Standing::Verified);
        ahead || by_time || by_count || by_tier || newest_verified || (is_good && newer_good.is_empty())
    };
    points.iter().filter(|point| stays(point)).map(|point| point.id.to_string()).collect()
}

fn now() -> impl Strategy<Value = Instant> {
    (60_i64..200).prop_map(|days| at("2026-09-20T00:00:00Z") + Span::days(days))
}

proptest! {
    #[test]
    fn what_is_kept_is_what_looking_at_every_pair_would_keep(made in history(), rules in rules(), now in now()) {
        let points = seen(&made);
        prop_assert_eq!(kept(&points, &rules, now), naive(&points, &rules, now));
    }

    #[test]
    fn to_prune_what_was_pruned_takes_nothing_more(made in history(), rules in rules(), now in now()) {
        let points = seen(&made);
        let first = kept(&points, &rules, now);
        let left: Vec<Point> = points.iter().filter(|point| first.contains(point.id)).copied().collect();
        prop_assert_eq!(kept(&left, &rules, now), first);
    }

    #[test]
    fn more_retention_never_keeps_less(made in history(), rules in rules(), more in tiers(), longer in 0_i64..900, now in now()) {
        let points = seen(&made);
        let Tiers { last, hourly, daily, weekly, monthly, yearly } = rules.tiers;
        let wider = Rules {
            within: rules.within + Span::hours(longer),
            tiers: Tiers {
                last: last + more.last,
                hourly: hourly + more.hourly,
                daily: daily + more.daily,
                weekly: weekly + more.weekly,
                monthly: monthly + more.monthly,
                yearly: yearly + more.yearly,
            },
            zone: rules.zone,
        };
        let (less, more) = (kept(&points, &rules, now), kept(&points, &wider, now));
        prop_assert!(less.is_subset(&more), "{:?} went", less.difference(&more).collect::<Vec<_>>());
        let unruled = decide(&points, None, now);
        let promised = |point: &Point| point.expires_at.is_some();
        prop_assert!(points.iter().zip(&unruled).all(|(p, decision)| decision.is_kept() || promised(p)));
    }

    /// However many nights fail, and whether they leave nothing or something that is known to be bad.
    #[test]
    fn after_failed_nights_nothing_good_is_gone(
        made in history(), rules in rules(), nights in 1_i64..400, leaves_bad in any::<bool>()
    ) {
        let last_good = at("2026-12-19T00:00:00Z");
        let points = seen(&made);
        let before = kept(&points, &rules, last_good);
        let failed: Vec<Made> = (1..=nights)
            .map(|night| Made {
                id: format!("q{night:03}"), at: last_good + Span::days(night), standing: Standing::Bad, promised: None,
            })
            .collect();
        let all: Vec<Point> = match leaves_bad {
            true => points.iter().copied().chain(seen(&failed)).collect(),
            false => points.clone(),
        };
        let after = kept(&all, &rules, last_good + Span::days(nights + 1));
        prop_assert!(before.is_subset(&after), "{:?} went", before.difference(&after).collect::<Vec<_>>());
    }

    /// A clock that is wrong by weeks, either way, never makes more go than the right one.
    #[test]
    fn a_clock_that_runs_ahead_lets_nothing_go_that_the_right_one_keeps(
        made in history(), rules in rules(), now in now(), ahead in 0_i64..42 * 24 * 60
    ) {
        let points: Vec<Made> = made.into_iter().filter(|made| made.at <= now).collect();
        let points = seen(&points);
        let wrong = kept(&points, &rules, now + Span::minutes(ahead));
        prop_assert!(kept(&points, &rules, now).is_subset(&wrong));
    }

    #[test]
    fn the_newest_verified_point_stays_whatever_the_rules(made in history(), rules in rules(), now in now()) {
        let points = seen(&made);
        let verified = points.iter().filter(|p| p.standing == Standing::Verified && p.at <= now);
        if let Some(newest) = verified.max_by_key(|p| (p.at, p.id)) {
            let none = Rules { within: Span::ZERO, tiers: Tiers::default(), zone: rules.zone };
            prop_assert!(kept(&points, &none, now).contains(newest.id));
        }
    }
}

#[test]
fn each_point_says_why_it_stays_or_goes() {
    let days = ["2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23"];
    let made: Vec<Made> = days
        .iter()
        .map(|day| Made {
            id: day.to_string(),
            at: at(&format!("{day}T03:00:00Z")),
            standing: if *day == "2026-11-22" { Standing::Verified } else { Standing::Unverified },
            promised: None,
        })
        .collect();
    let rules = Rules { within: Span::hours(24), tiers: Tiers { weekly: 2, ..Tiers::default() }, zone: Tz::UTC };
    let why: Vec<String> =
        decide(&seen(&made), Some(&rules), at("2026-11-23T12:00:00Z")).iter().map(Decision::why).collect();
    assert_eq!(
        why,
        [
            "3 d older than the newest good one, and no rule keeps it",
            "48 h older than the newest good one, and no rule keeps it",
            "the newest of the week 2026-W47, the newest that is verified",
            "within 24 h, the newest of the week 2026-W48, the newest",
        ]
    );
}

#[test]
fn a_point_stays_as_long_as_it_was_promised_or_locked() {
    let old = at("2026-01-01T00:00:00Z");
    let point =
        |id, at, expires_at, locked_until| Point { id, at, standing: Standing::Verified, expires_at, locked_until };
    let now = at("2026-11-23T12:00:00Z");
    let points = [
        point("promised", old, Some(now + Span::days(1)), None),
        point("locked", old, None, Some(now + Span::days(1))),
        point("neither", old, Some(now - Span::days(1)), Some(now - Span::days(1))),
        point("new", now, None, None),
    ];
    let rules = Rules { within: Span::days(1), tiers: Tiers::default(), zone: Tz::UTC };
    let decisions = decide(&points, Some(&rules), now);
    assert_eq!(decisions[0].keeps, [Reason::Promised(now + Span::days(1))]);
    assert_eq!(decisions[1].keeps, [Reason::Locked(now + Span::days(1))]);
    assert!(!decisions[2].is_kept() && decisions[3].is_kept());
}

fn op(minutes: i64) -> OpTime {
    OpTime::new(u32::try_from(1_700_000_000 + minutes * 60).expect("in range"), 1)
}

/// Pieces of random lengths with gaps here and there, and bases anywhere.
fn log_history() -> impl Strategy<Value = (Vec<Piece>, Vec<Base>)> {
    let piece = (1_i64..600, prop::bool::weighted(0.1));
    let pieces = prop::collection::vec(piece, 1..40).prop_map(|lengths| {
        let mut minute = 0;
        let mut pieces = Vec::new();
        for (length, gap) in lengths {
            minute += if gap { 60 } else { 0 };
            pieces.push(Piece { first: op(minute), last: op(minute + length), sound: true, locked_until: None });
            minute += length;
        }
        pieces
    });
    let base = (0_i64..12_000, 0..2_usize).prop_map(|(minute, scope)| Base { at: op(minute), scope });
    (pieces, prop::collection::vec(base, 0..12))
}

/// The instants, minute by minute, that some base of this scope can be rolled to.
fn reached(pieces: &[Piece], bases: &[Base], scope: usize) -> BTreeSet<u32> {
    let mut all = BTreeSet::new();
    for base in bases.iter().filter(|base| base.scope == scope) {
        let mut end = base.at;
        loop {
            let further = pieces.iter().filter(|piece| piece.first <= end && piece.last > end);
            match further.map(|piece| piece.last).max() {
                Some(last) => end = last,
                None => break,
            }
        }
        all.extend((base.at.secs..=end.secs).step_by(60));
    }
    all
}

proptest! {
    /// Walked minute by minute: within the window, all that could be restored before can be restored after.
    #[test]
    fn pruning_a_log_leaves_every_instant_of_its_window_within_reach(
        (pieces, bases) in log_history(), window in 1_i64..6_000, extra in 0_i64..3_000
    ) {
        let rules = LogRules { window: Span::minutes(window), kept: Span::minutes(extra) };
        let end = pieces.iter().map(|piece| piece.last).max().expect("a piece");
        let now = end.instant() + Span::minutes(5);
        let (decisions, needed) = log::decide(&pieces, &bases, Some(rules), now);
        let left: Vec<Piece> =
            pieces.iter().zip(&decisions).filter(|(_, decision)| decision.is_kept()).map(|(piece, _)| *piece).collect();
        // The worst that retention of points could do: it keeps none but those that the log needs.
        let bases_left: Vec<Base> = needed.iter().map(|place| bases[*place]).collect();
        let start = end.instant() - Span::minutes(window);
        for scope in 0..2 {
            let (before, after) = (reached(&pieces, &bases, scope), reached(&left, &bases_left, scope));
            let lost: Vec<u32> = before
                .difference(&after)
                .copied()
                .filter(|secs| OpTime::new(*secs, 0).instant() > start && *secs <= end.secs)
                .filter(|secs| pieces.iter().any(|piece| piece.first.secs < *secs && *secs <= piece.last.secs))
                .collect();
            prop_assert!(lost.is_empty(), "scope {scope}: {lost:?}");
        }
    }

    #[test]
    fn pruning_a_log_twice_takes_nothing_more((pieces, bases) in log_history(), window in 1_i64..6_000) {
        let rules = Some(LogRules { window: Span::minutes(window), kept: Span::ZERO });
        let now = pieces.iter().map(|piece| piece.last).max().expect("a piece").instant();
        let (decisions, needed) = log::decide(&pieces, &bases, rules, now);
        let left: Vec<Piece> =
            pieces.iter().zip(&decisions).filter(|(_, decision)| decision.is_kept()).map(|(piece, _)| *piece).collect();
        let bases: Vec<Base> = needed.iter().map(|place| bases[*place]).collect();
        let (again, _) = log::decide(&left, &bases, rules, now);
        prop_assert!(again.iter().all(Decision::is_kept));
    }

    #[test]
    fn a_capture_that_stands_still_lets_no_piece_grow_old((pieces, bases) in log_history(), window in 1_i64..6_000, days in 0_i64..400) {
        let rules = Some(LogRules { window: Span::minutes(window), kept: Span::ZERO });
        let now = pieces.iter().map(|piece| piece.last).max().expect("a piece").instant();
        let of = |now| log::decide(&pieces, &bases, rules, now).0.iter().map(Decision::is_kept).collect::<Vec<_>>();
        prop_assert_eq!(of(now), of(now + Span::days(days)));
    }

    /// The bounds that audits and prices rest on, against what is really kept of a year of nights.
    #[test]
    fn the_bounds_of_tiers_hold_for_nightly_points(tiers in tiers(), days in 1_i64..30) {
        let start = at("2024-01-01T03:00:00Z");
        let made: Vec<Made> = (0..900)
            .map(|night| Made {
                id: format!("{night:04}"), at: start + Span::days(night), standing: Standing::Unverified, promised: None,
            })
            .collect();
        let points = seen(&made);
        let rules = Rules { within: Span::days(days), tiers, zone: Tz::UTC };
        let newest = points[899].at;
        let kept = kept(&points, &rules, newest);
        let oldest = points.iter().find(|point| kept.contains(point.id)).expect("one stays").at;
        let age = newest - oldest;
        let limit = Span::days(899);
        prop_assert!(age >= reach::at_least(&tiers).min(limit) && age <= reach::at_most(&tiers, Span::days(1)).max(rules.within));
        prop_assert!(kept.len() as f64 <= days as f64 + reach::beyond(&tiers, rules.within, days as f64) + 1.0);
    }
}

#[test]
fn the_newest_slice_stays_so_that_the_next_is_hung_on_it() {
    let pieces = [0, 1_000, 2_000].map(|minute| Piece {
        first: op(minute),
        last: op(minute + 10),
        sound: true,
        locked_until: None,
    });
    let rules = LogRules { window: Span::minutes(1), kept: Span::ZERO };
    let (decisions, _) = log::decide(&pieces, &[], Some(rules), op(9_000).instant());
    assert_eq!(decisions.iter().map(Decision::is_kept).collect::<Vec<_>>(), [false, false, true]);
    assert!(decisions[2].keeps.contains(&Reason::Newest));
}

#[test]
fn a_log_of_which_nothing_is_declared_stays_whole_with_all_its_bases() {
    let pieces = [Piece { first: op(0), last: op(10), sound: true, locked_until: None }];
    let bases = [Base { at: op(1), scope: 0 }, Base { at: op(5), scope: 0 }];
    let (decisions, needed) = log::decide(&pieces, &bases, None, op(90_000).instant());
    assert!(decisions[0].is_kept() && needed.len() == 2);
}
