//! Bytes that are stored: of the points on record until now, and from now on as the plan goes on and the data grows.

use std::collections::BTreeMap;

use super::volume;
use super::{Grade, PriceBook};
use crate::base::{Instant, Span, Window};
use crate::evidence::{Evidence, RecoveryPoint};
use crate::policy::{Asset, Mechanism, Policy, Protection, Tiers};
use crate::retention::{Point, Rules, Standing, decide};
use crate::schedule::Schedule;

/// What one protection keeps of one asset.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    pub protection: String,
    pub asset: String,
    /// Bytes at each of the instants asked for.
    pub past: Vec<f64>,
    /// Bytes on each day from now on, now first; or why that cannot be said.
    pub ahead: Result<Vec<f64>, String>,
    /// A fraction a year, and whether the policy declares it; none where neither it nor the records show one.
    pub growth: Option<(f64, bool)>,
    /// Points on record whose size is not.
    pub unsized_points: usize,
}

/// What it costs to keep, a month.
#[derive(Debug, Clone, PartialEq)]
pub struct Monthly {
    pub now: f64,
    pub then: f64,
    pub grade: Grade,
}

/// Days that are foreseen.
pub const DAYS: usize = 365;
const DAY: f64 = 86_400_000.0;
/// The runs of these days stand for those of every day to come.
const SAMPLE: i64 = 28;

/// One series for each protection and asset that has points on record with a size, the largest first.
pub fn series(policy: &Policy, evidence: &Evidence, as_of: Instant, at: &[Instant]) -> Vec<Kept> {
    let mut points: BTreeMap<(&str, &str), Vec<&RecoveryPoint>> = BTreeMap::new();
    for point in evidence.points.iter().filter(|point| point.available_at <= as_of) {
        points.entry((point.protection.as_deref().unwrap_or_default(), &point.asset)).or_default().push(point);
    }
    let mut growths: BTreeMap<&str, Option<(f64, bool)>> = BTreeMap::new();
    let mut all = Vec::new();
    for ((name, asset), mut points) in points {
        points.sort_by_key(|point| (point.available_at, point.consistent_at));
        let growth = *growths.entry(asset).or_insert_with(|| growth(policy, evidence, asset));
        let protection = policy.protection(name);
        let mut stays = stays(protection, &points);
        let shared = protection.zip(policy.asset(asset)).filter(|(of, asset)| volume::shares(policy, of, asset));
        if shared.is_some() {
            // What one point brought, the others hold as well: as long as nothing says that it went, it is there.
            stays.iter_mut().for_each(|stay| stay.until = Instant::MAX);
        }
        if stays.iter().all(|stay| stay.bytes <= 0.0) {
            continue;
        }
        all.push(Kept {
            protection: name.to_string(),
            asset: asset.to_string(),
            past: stored(&stays, at),
            ahead: match shared {
                Some((of, owner)) => shared_ahead(policy, (of, owner), evidence, &points, growth, as_of),
                None => ahead(policy, protection, &stays, growth.map_or(0.0, |(growth, _)| growth), as_of),
            },
            growth,
            unsized_points: points.iter().filter(|point| point.bytes_stored.is_none()).count(),
        });
    }
    let now = |kept: &Kept| kept.past.last().copied().unwrap_or_default();
    all.sort_by(|a, b| now(b).total_cmp(&now(a)));
    all
}

/// What keeping costs now and in a year, a month, over whatever has a price; None where nothing has.
pub fn monthly(policy: &Policy, book: &PriceBook, kept: &[Kept]) -> Option<Monthly> {
    let mut classes: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for one in kept {
        let (Ok(ahead), Some(protection)) = (&one.ahead, policy.protection(&one.protection)) else { continue };
        let class = protection.storage_class.as_ref().map_or(&book.default_class, |class| &class.value);
        let sum = classes.entry(class).or_default();
        sum.0 += ahead.first().copied().unwrap_or_default();
        sum.1 += ahead.last().copied().unwrap_or_default();
    }
    let mut monthly: Option<Monthly> = None;
    for (class, (now, then)) in classes {
        let Ok(price) = book.item(class, "gb-month") else { continue };
        let sum = monthly.get_or_insert(Monthly { now: 0.0, then: 0.0, grade: price.grade });
        sum.now += price.cost(book.gb(now));
        sum.then += price.cost(book.gb(then));
        sum.grade = sum.grade.max(price.grade);
    }
    monthly
}

fn growth(policy: &Policy, evidence: &Evidence, asset: &str) -> Option<(f64, bool)> {
    let declared = policy.asset(asset).map(|asset| asset.growth_per_year).filter(|growth| *growth != 0.0);
    let recorded = || volume::recorded_growth(asset, Some(evidence)).map(|(growth, _)| (growth, false));
    declared.map(|growth| (growth, true)).or_else(recorded)
}

/// Days between two looks at what tiers keep.
const LOOKS: usize = 7;

/// A point's bytes, from when they are stored to when they are not; for ever where nothing ends it.
struct Stay {
    of: Instant,
    from: Instant,
    until: Instant,
    bytes: f64,
}

/// Whether only the newest state of it is kept.
fn overwritten(protection: Option<&Protection>) -> bool {
    protection.is_some_and(|p| matches!(p.mechanism, Mechanism::Mirror { .. }))
}

/// `points` in the order in which they became available.
fn stays(protection: Option<&Protection>, points: &[&RecoveryPoint]) -> Vec<Stay> {
    let retention = protection.and_then(|p| p.retention.as_ref()).map(|kept| kept.value);
    let next = points.iter().skip(1).map(|point| Some(point.available_at)).chain([None]);
    let stay = |(point, next): (&&RecoveryPoint, Option<Instant>)| {
        let replaced = next.filter(|_| overwritten(protection));
        let expires = point.expires_at.or(retention.map(|kept| point.consistent_at + kept));
        // What is on record beyond its retention is there: tiers keep it.
        let expires = expires.filter(|_| protection.is_none_or(|p| p.keep.is_none()));
        let until = replaced.or(expires.filter(|_| !overwritten(protection))).unwrap_or(Instant::MAX);
        Stay {
            of: point.consistent_at,
            from: point.available_at,
            until,
            bytes: point.bytes_stored.unwrap_or_default() as f64,
        }
    };
    points.iter().zip(next).map(stay).collect()
}

/// Bytes at each of the instants, which rise.
fn stored(stays: &[Stay], at: &[Instant]) -> Vec<f64> {
    let mut change = vec![0.0; at.len() + 1];
    let mut add = |from: Instant, bytes: f64| {
        if let Some(change) = change.get_mut(at.partition_point(|at| *at < from)) {
            *change += bytes;
        }
    };
    for stay in stays.iter().filter(|stay| stay.from < stay.until) {
        add(stay.from, stay.bytes);
        add(stay.until, -stay.bytes);
    }
    let mut sum = 0.0;
    let upto = |change: f64| {
        sum += change;
        f64::max(sum, 0.0)
    };
    change.into_iter().take(at.len()).map(upto).collect()
}

/// What is there goes as it expires; each day adds its runs, each as large as the newest is now, grown since.
fn ahead(
    policy: &Policy,
    protection: Option<&Protection>,
    stays: &[Stay],
    growth: f64,
    as_of: Instant,
) -> Result<Vec<f64>, String> {
    let protection = protection.ok_or("the policy declares no protection of that name")?;
    let newest = stays.iter().rev().find(|stay| stay.bytes > 0.0).map_or(0.0, |stay| stay.bytes);
    let grown = |day: usize| newest * (1.0 + growth.max(-0.99)).powf(day as f64 / DAYS as f64);
    let root = volume::root(policy, protection)?;
    let (Mechanism::Snapshot { schedule, .. } | Mechanism::Mirror { schedule, .. }) = &root.mechanism else {
        return Err(format!("a {} has no schedule of points", root.mechanism.word()));
    };
    if overwritten(Some(protection)) {
        return Ok((0..=DAYS).map(grown).collect());
    }
    let kept = protection.retention.as_ref().ok_or("it declares no retention, so what it keeps has no bound")?.value;
    if let Some(rules) = Rules::of(policy, protection).filter(|rules| rules.tiers != Tiers::default()) {
        return Ok(by_tiers(&rules, schedule, stays, &grown, as_of));
    }
    let sample = Window::new(as_of, as_of + Span::days(SAMPLE));
    let a_day = schedule.runs_in(sample).len() as f64 / SAMPLE as f64;
    let days = (kept.0 as f64 / DAY).round().max(1.0) as usize;
    // Sums of what the days up to each have added.
    let mut added = vec![0.0; DAYS + 1];
    for day in 1..=DAYS {
        let before = added.get(day - 1).copied().unwrap_or_default();
        if let Some(sum) = added.get_mut(day) {
            *sum = before + a_day * grown(day);
        }
    }
    let of = |day: usize| added.get(day).copied().unwrap_or_default();
    let each: Vec<Instant> = (0..=DAYS as i64).map(|day| as_of + Span::days(day)).collect();
    let old = stored(stays, &each).into_iter().enumerate();
    Ok(old.map(|(day, old)| old + of(day) - of(day.saturating_sub(days))).collect())
}

/// The same of points that share what they hold: the whole as it grows, and what took the place of other bytes for as long
/// as a point holds those.
fn shared_ahead(
    policy: &Policy,
    (protection, asset): (&Protection, &Asset),
    evidence: &Evidence,
    points: &[&RecoveryPoint],
    growth: Option<(f64, bool)>,
    as_of: Instant,
) -> Result<Vec<f64>, String> {
    let kept = protection.retention.as_ref().ok_or("it declares no retention, so what it keeps has no bound")?.value;
    let size = points.iter().rev().find_map(|point| point.bytes_restored);
    let size = size.ok_or("no point on record tells what it restores to")? as f64;
    let root = volume::root(policy, protection)?;
    let (a_day, _) = volume::replaced(root, asset, Some(evidence))
        .ok_or("its points are too few, or too near to each other, to show how much is replaced")?;
    let oldest = points.first().map_or(as_of, |point| point.consistent_at);
    let growth = growth.map_or(0.0, |(growth, _)| growth).max(-0.99);
    let on = |day: usize| {
        let held = Span::days(day as i64) + (as_of - oldest);
        let held = held.min(kept).as_hours() / 24.0;
        size * (1.0 + growth).powf(day as f64 / DAYS as f64) + a_day * held
    };
    Ok((0..=DAYS).map(on).collect())
}

/// The same where tiers keep some of the older points: each week they are asked about what they left the week before and
/// what came since, and between two weeks it is taken to rise or fall evenly.
fn by_tiers(
    rules: &Rules,
    schedule: &Schedule,
    stays: &[Stay],
    grown: &dyn Fn(usize) -> f64,
    as_of: Instant,
) -> Vec<f64> {
    let mut held: Vec<(Instant, f64)> = stays.iter().map(|stay| (stay.of, stay.bytes)).collect();
    let mut looked: Vec<f64> = Vec::new();
    for day in (0..DAYS + LOOKS).step_by(LOOKS) {
        let now = as_of + Span::days(day as i64);
        if day > 0 {
            let made = schedule.runs_in(Window::new(now - Span::days(LOOKS as i64), now));
            held.extend(made.into_iter().map(|at| (at, grown(((at - as_of).0 as f64 / DAY) as usize))));
        }
        let point =
            |at: Instant| Point { id: "", at, standing: Standing::Unverified, expires_at: None, locked_until: None };
        let points: Vec<Point> = held.iter().map(|(at, _)| point(*at)).collect();
        let mut kept = decide(&points, Some(rules), now).into_iter();
        held.retain(|_| kept.next().is_some_and(|decision| decision.is_kept()));
        looked.push(held.iter().map(|(_, bytes)| bytes).sum());
    }
    let at = |week: usize| looked.get(week).copied().unwrap_or_default();
    let between = |day: usize| {
        let (week, share) = (day / LOOKS, (day % LOOKS) as f64 / LOOKS as f64);
        at(week) * (1.0 - share) + at(week + 1) * share
    };
    (0..=DAYS).map(between).collect()
}
