//! The sweep against an oracle that knows nothing of events: it walks every instant of a small world and tries every
//! state that could be restored, clause by clause of the design.

use std::collections::BTreeSet;
use std::sync::Arc;

use plimsoll::base::{Instant, OpTime, Span, Window};
use plimsoll::timeline::exposure::sweep;
use plimsoll::timeline::recoverable::{loss_at, restorable_at};
use plimsoll::timeline::{Basis, Candidate, Covered, Failure, Flush, History, Loss, States, Together};
use proptest::prelude::*;

const WORLD: i64 = 40;

/// Whether the state of instant `x` can be restored after a failure at `t`.
fn can_restore(history: &History, failure: &Failure, x: i64, t: i64) -> bool {
    history.points.iter().any(|p| p.consistent_at.0 == x && point_lives(p, failure, t))
        || history.coverage.iter().any(|c| log_leads_to(history, c, failure, x, t))
}

fn stands(failure: &Failure, domains: &[String]) -> bool {
    !domains.is_empty() && domains.iter().all(|d| !failure.destroyed.contains(d))
}

fn deletable(failure: &Failure, domains: &[String]) -> bool {
    domains.iter().any(|d| failure.deletable.contains(d))
}

/// The last instant at which the machinery may still make things available.
fn deadline(failure: &Failure, runs_in: &[String], t: i64) -> i64 {
    let works = stands(failure, runs_in) && !deletable(failure, runs_in);
    if works { t + failure.noticed_after.0 } else { t }
}

fn point_lives(p: &Candidate, failure: &Failure, t: i64) -> bool {
    let noticed = t + failure.noticed_after.0;
    let over = noticed + failure.restore_takes.0;
    let deadline = deadline(failure, &p.runs_in, t);
    let there_by = if failure.corrupts && p.torn { t } else { deadline };
    stands(failure, &p.stored_in)
        && (!deletable(failure, &p.stored_in) || p.locked_until.is_some_and(|until| until.0 > noticed))
        && p.consistent_at.0 <= t
        && p.available_at.0 <= there_by
        && p.expires_at.is_none_or(|at| at.0 > over)
        && p.superseded_at.is_none_or(|at| at.0 > deadline)
        && !(p.mirror && failure.corrupts)
        && !p.known_bad
}

fn log_leads_to(history: &History, c: &Covered, failure: &Failure, x: i64, t: i64) -> bool {
    let noticed = t + failure.noticed_after.0;
    let over = noticed + failure.restore_takes.0;
    let there_by = deadline(failure, &c.runs_in, t);
    let arrived = match c.flushes.iter().position(|f| f.last.0 >= x) {
        None => c.flushes.is_empty() && x + c.lag.0 <= there_by,
        Some(piece) => c.flushes.iter().take(piece + 1).all(|f| f.available_at.0 <= there_by),
    };
    let alive_from = |b: i64| {
        let pieces = c.flushes.iter().filter(|f| f.last.0 >= b);
        c.window.is_none_or(|window| b + window.0 > over)
            && c.expires_at.is_none_or(|at| at.0 > over)
            && pieces.take(1).all(|f| f.expires_at.is_none_or(|at| at.0 > over))
            && (!deletable(failure, &c.stored_in) || c.lock.is_some_and(|lock| b + lock.0 > noticed))
    };
    let in_reach = c.first.0 <= x && x <= c.last.0.min(t) && arrived && stands(failure, &c.stored_in);
    if c.own_base {
        return in_reach && alive_from(x) && !deletable(failure, &c.stored_in);
    }
    let starts = |p: &Candidate| {
        let begins = match (c.first_op, p.cluster_time) {
            (Some(first), Some(base)) => first <= base,
            _ => c.first.0 <= p.consistent_at.0,
        };
        let b = p.consistent_at.0;
        begins && b <= x && b <= c.last.0 && !p.torn && !p.mirror && point_lives(p, failure, t) && alive_from(b)
    };
    in_reach && history.points.iter().any(starts)
}

fn naive_loss(history: &History, failure: &Failure, t: i64) -> Loss {
    let newest = (-WORLD..=t).rev().find(|x| can_restore(history, failure, *x, t));
    let last_lost = if failure.writes_continue { t + failure.noticed_after.0 } else { t };
    newest.map_or(Loss::Total, |x| Loss::Window(Span(last_lost - x)))
}

fn some_domains() -> impl Strategy<Value = Arc<[String]>> {
    prop::sample::select(vec![vec![], vec!["a"], vec!["b"], vec!["c"], vec!["a", "b"], vec!["b", "c"]])
        .prop_map(|names| names.into_iter().map(str::to_string).collect())
}

fn some_instant() -> impl Strategy<Value = Instant> {
    (0..WORLD).prop_map(Instant)
}

prop_compose! {
    fn some_point()(
        consistent_at in some_instant(), takes in 0..8_i64, id in 0..1000_u32, inc in prop::option::of(0..3_u32),
        expires_at in prop::option::of(some_instant()), locked_until in prop::option::of(some_instant()),
        superseded_at in prop::option::weighted(0.2, some_instant()),
        stored_in in some_domains(), runs_in in some_domains(),
        known_bad in prop::bool::weighted(0.1), torn in prop::bool::weighted(0.2), mirror in prop::bool::weighted(0.1),
    ) -> Candidate {
        Candidate {
            id: id.to_string().into(), protection: None, consistent_at, available_at: consistent_at + Span(takes),
            cluster_time: inc.map(|inc| OpTime::new(consistent_at.0 as u32, inc)),
            expires_at, locked_until, stored_in, runs_in, known_bad, torn, mirror, superseded_at,
        }
    }
}

prop_compose! {
    fn some_coverage()(
        first in some_instant(), lengths in prop::collection::vec((0..6_i64, 0..5_i64, 0..4_i64), 1..6),
        in_pieces in any::<bool>(), pieces_expire in any::<bool>(), inc in prop::option::of(0..3_u32),
        lag in 0..6_i64, expires_at in prop::option::weighted(0.3, some_instant()),
        window in prop::option::of(0..30_i64), lock in prop::option::of(0..30_i64), own_base in prop::bool::weighted(0.2),
        stored_in in some_domains(), runs_in in some_domains(),
    ) -> Covered {
        let (mut last, mut available_at, mut expires) = (first, first, Instant(first.0 + 5));
        let pieces: Vec<Flush> = lengths.iter().map(|(length, late, more)| {
            last = last + Span(*length);
            available_at = available_at.max(last + Span(*late));
            expires = expires + Span(*length + *more);
            Flush { last, available_at, expires_at: (pieces_expire && !own_base).then_some(expires) }
        }).collect();
        Covered {
            protection: None, first, last, lag: Span(lag), expires_at,
            first_op: inc.map(|inc| OpTime::new(first.0 as u32, inc)),
            flushes: if in_pieces { pieces.into() } else { Arc::from([]) },
            window: window.map(Span), lock: lock.map(Span), own_base, stored_in, runs_in,
        }
    }
}

prop_compose! {
    fn some_failure()(
        destroyed in prop::sample::subsequence(vec!["a", "b", "c"], 0..2),
        deletable in prop::sample::subsequence(vec!["a", "b", "c"], 0..2),
        corrupts in any::<bool>(), writes_continue in any::<bool>(), noticed in 0..10_i64, takes in 0..6_i64,
    ) -> Failure {
        let set = |names: Vec<&str>| names.into_iter().map(str::to_string).collect::<BTreeSet<String>>();
        Failure {
            destroyed: set(destroyed), deletable: set(deletable), corrupts, writes_continue,
            noticed_after: Span(noticed), restore_takes: Span(takes),
        }
    }
}

prop_compose! {
    fn some_history()(
        mut points in prop::collection::vec(some_point(), 0..9), coverage in prop::collection::vec(some_coverage(), 0..4),
    ) -> History {
        points.sort_by_key(|p| p.consistent_at);
        History { asset: "db".into(), basis: Basis::Observed, points, coverage }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn the_sweep_agrees_with_walking_every_instant(history in some_history(), failure in some_failure()) {
        let window = Window::new(Instant(0), Instant(WORLD + 10));
        let exposure = sweep(&history, &failure, window);
        let mut from = window.from;
        for segment in &exposure.segments {
            prop_assert_eq!(segment.at.from, from, "segments leave no gap");
            prop_assert!(!segment.at.is_empty());
            from = segment.at.until;
        }
        prop_assert_eq!(from, window.until);
        for t in 0..window.until.0 {
            let expected = naive_loss(&history, &failure, t);
            prop_assert_eq!(loss_at(&history, &failure, Instant(t)), expected, "one failure at {}", t);
            prop_assert_eq!(exposure.loss_at(Instant(t)), Some(expected), "swept, at {}", t);
            let best = restorable_at(&history, &failure, Instant(t)).first().map(|r| r.instant);
            let expected = best.map_or(Loss::Total, |x| failure.loses(Instant(t), x));
            prop_assert_eq!(loss_at(&history, &failure, Instant(t)), expected, "what a restore takes, at {}", t);
        }
    }

    #[test]
    fn the_figures_of_an_exposure_follow_from_its_segments(history in some_history(), failure in some_failure(), rpo in 0..20_i64) {
        let window = Window::new(Instant(0), Instant(WORLD));
        let exposure = sweep(&history, &failure, window);
        // Between two whole instants nothing happens, so the midpoint carries the mean of each millisecond exactly.
        let ends: Vec<Loss> = exposure.segments.iter().map(|s| s.end()).collect();
        prop_assert_eq!(exposure.worst, ends.iter().copied().max().unwrap_or(Loss::Window(Span::ZERO)));
        let halves: Option<Vec<i64>> = (0..WORLD).map(|t| {
            let segment = exposure.segments.iter().find(|s| s.at.contains(Instant(t)))?;
            match exposure.loss_at(Instant(t))? {
                Loss::Window(span) => Some(2 * span.0 + i64::from(segment.rises)),
                Loss::Total => None,
            }
        }).collect();
        let mean = halves.as_ref().map(|h| Span((h.iter().sum::<i64>() + WORLD).div_euclid(2 * WORLD)));
        prop_assert_eq!(exposure.mean, mean);
        let above = |limit: i64| (0..WORLD).filter(|t| match exposure.loss_at(Instant(*t)) {
            Some(Loss::Window(span)) => {
                let rises = exposure.segments.iter().any(|s| s.at.contains(Instant(*t)) && s.rises);
                span.0 > limit || (rises && span.0 == limit)
            }
            _ => true,
        }).count() as i64;
        prop_assert_eq!(exposure.in_breach(Span(rpo)), Span(above(rpo)));
        for tenths in 1..=10 {
            // On whole instants the distribution is linear: its quantile is the first limit that leaves few enough above.
            let few = WORLD - (WORLD * tenths + 9) / 10;
            let expected = (-WORLD..3 * WORLD).find(|v| above(*v) <= few).map_or(Loss::Total, |v| Loss::Window(Span(v)));
            prop_assert_eq!(exposure.quantile(tenths as f64 / 10.0), expected, "quantile {}/10", tenths);
        }
    }
}

/// Where nothing fails, and every place is known.
fn in_peace(mut history: History) -> (History, Failure) {
    let known: Arc<[String]> = Arc::from(["a".to_string()]);
    history.points.iter_mut().for_each(|p| (p.stored_in, p.runs_in) = (known.clone(), known.clone()));
    history.coverage.iter_mut().for_each(|c| (c.stored_in, c.runs_in) = (known.clone(), known.clone()));
    let failure = Failure {
        destroyed: BTreeSet::new(),
        deletable: BTreeSet::new(),
        corrupts: false,
        writes_continue: false,
        noticed_after: Span::ZERO,
        restore_takes: Span::ZERO,
    };
    (history, failure)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn two_assets_are_brought_together_where_each_can_be_brought(
        own in some_history(), referred in some_history(), t in 0..WORLD + 10,
    ) {
        let [(own, peace), (referred, _)] = [own, referred].map(in_peace);
        let sharp = |history: &History| {
            let mut sharp = history.clone();
            sharp.points.retain(|p| !p.torn);
            (-WORLD..=t).filter(|x| can_restore(&sharp, &peace, *x, t)).collect::<BTreeSet<i64>>()
        };
        let exact = sharp(&own).intersection(&sharp(&referred)).last().map(|x| Instant(*x));
        let newest = (-WORLD..=t).rev().find(|y| can_restore(&referred, &peace, *y, t));
        let before = newest.and_then(|y| {
            let torn = own.points.iter().filter(|p| p.torn && point_lives(p, &peace, t) && p.available_at.0 <= y);
            let all = sharp(&own).into_iter().filter(|x| *x <= y).chain(torn.map(|p| p.consistent_at.0));
            Some((Instant(all.max()?), Instant(y)))
        });
        let [own, referred] = [own, referred].map(|history| States::of(&history, Instant(t)));
        prop_assert_eq!(own.together_with(&referred), Together { exact, before });
    }
}
