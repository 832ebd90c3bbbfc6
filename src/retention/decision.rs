//! Keep or expire, with the reasons.
//!
//! The clock of retention is the newest good point, never the wall: while backups fail, it stands still, and nothing that
//! was good grows too old. Every rule keeps; none takes away. A point that is known to be bad fills no place, so it never
//! pushes a good one out.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt;

use chrono_tz::Tz;

use super::bucket::{Bucket, Every};
use crate::base::{Instant, Span};
use crate::policy::{Policy, Protection, Tiers};

/// How long points are kept: all of them for a time, and some of the older ones by the calendar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    pub within: Span,
    pub tiers: Tiers,
    /// Of the calendar.
    pub zone: Tz,
}

impl Rules {
    /// What the policy declares; none if it says nothing.
    pub fn of(policy: &Policy, protection: &Protection) -> Option<Rules> {
        let within = protection.retention.as_ref()?.value;
        let tiers = protection.keep.as_ref().map(|keep| keep.value).unwrap_or_default();
        Some(Rules { within, tiers, zone: policy.timezone })
    }
}

/// What is known of a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point<'a> {
    pub id: &'a str,
    /// The instant whose state it is.
    pub at: Instant,
    pub standing: Standing,
    /// What was promised when it was made.
    pub expires_at: Option<Instant>,
    /// Until then the store lets nobody delete it.
    pub locked_until: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Verified,
    Unverified,
    Bad,
}

/// Why a point, or a piece of a log, stays.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// Nothing says how long it is kept.
    Undeclared,
    /// Younger than the retention.
    Within(Span),
    /// Among the newest so many.
    Last(u32),
    /// The newest of a stretch of the calendar.
    NewestOf(Bucket),
    /// Promised when it was made.
    Promised(Instant),
    Locked(Instant),
    /// The newest that was read back, or restored, and was right.
    NewestVerified,
    /// The newest that is not known to be bad.
    Newest,
    /// Dated after now: somebody's clock is wrong, and it is not for a deletion to say whose.
    Ahead,
    /// Any instant of the log's window is reached from here.
    LogBase,
    /// Rolls a base of the log's window forward.
    LogOf(Instant),
    /// Something speaks against what is known, so nothing of it is removed.
    Doubt(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Undeclared => f.write_str("nothing declares how long it is kept"),
            Reason::Within(span) => write!(f, "within {span}"),
            Reason::Last(count) => write!(f, "among the newest {count}"),
            Reason::NewestOf(bucket) => write!(f, "the newest of {bucket}"),
            Reason::Promised(until) => write!(f, "promised until {until}"),
            Reason::Locked(until) => write!(f, "locked until {until}"),
            Reason::NewestVerified => f.write_str("the newest that is verified"),
            Reason::Newest => f.write_str("the newest"),
            Reason::Ahead => f.write_str("dated after now"),
            Reason::LogBase => f.write_str("the base of the log's window"),
            Reason::LogOf(base) => write!(f, "rolls the base of {base} forward"),
            Reason::Doubt(why) => write!(f, "kept for safety: {why}"),
        }
    }
}

/// What becomes of one point. It goes if nothing keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    pub keeps: Vec<Reason>,
    /// How much older it is than the newest good point.
    pub age: Span,
}

impl Decision {
    pub fn is_kept(&self) -> bool {
        !self.keeps.is_empty()
    }

    /// In words.
    pub fn why(&self) -> String {
        match self.keeps.as_slice() {
            [] => format!("{} older than the newest good one, and no rule keeps it", self.age),
            keeps => keeps.iter().map(Reason::to_string).collect::<Vec<_>>().join(", "),
        }
    }
}

/// Decides about the points of one protection, all of the same scope. In the order of `points`.
pub fn decide(points: &[Point], rules: Option<&Rules>, now: Instant) -> Vec<Decision> {
    let mut newest_first: Vec<usize> = (0..points.len()).collect();
    newest_first.sort_by_key(|place| Reverse((points[*place].at, points[*place].id)));
    let is_good = |place: &&usize| points[**place].at <= now && points[**place].standing != Standing::Bad;
    let good: Vec<usize> = newest_first.iter().filter(is_good).copied().collect();
    // Without any good point nothing may be judged too old.
    let clock = good.first().map_or(Instant::MIN, |newest| points[*newest].at);
    let mut decisions: Vec<Decision> =
        points.iter().map(|point| Decision { keeps: own(point, rules, clock, now), age: clock - point.at }).collect();
    if let Some(rules) = rules {
        for (place, reason) in tiers(points, &good, rules) {
            decisions[place].keeps.push(reason);
        }
    }
    let verified = good.iter().find(|place| points[**place].standing == Standing::Verified);
    for (place, reason) in [(verified, Reason::NewestVerified), (good.first(), Reason::Newest)] {
        if let Some(place) = place {
            decisions[*place].keeps.push(reason);
        }
    }
    decisions
}

/// What keeps a point whatever others there are.
fn own(point: &Point, rules: Option<&Rules>, clock: Instant, now: Instant) -> Vec<Reason> {
    let within = rules.filter(|rules| point.at + rules.within > clock).map(|rules| Reason::Within(rules.within));
    let undeclared = (rules.is_none() && point.expires_at.is_none()).then_some(Reason::Undeclared);
    let promised = point.expires_at.filter(|until| *until > clock).map(Reason::Promised);
    let locked = point.locked_until.filter(|until| *until > now).map(Reason::Locked);
    let ahead = (point.at > now).then_some(Reason::Ahead);
    [undeclared, within, promised, locked, ahead].into_iter().flatten().collect()
}

/// `good` is in order, the newest first.
fn tiers(points: &[Point], good: &[usize], rules: &Rules) -> Vec<(usize, Reason)> {
    let Tiers { last, hourly, daily, weekly, monthly, yearly } = rules.tiers;
    let mut kept: Vec<(usize, Reason)> =
        good.iter().take(last as usize).map(|place| (*place, Reason::Last(last))).collect();
    for (every, many) in Every::ALL.into_iter().zip([hourly, daily, weekly, monthly, yearly]) {
        let mut filled = BTreeSet::new();
        for place in good {
            if filled.len() == many as usize {
                break;
            }
            let bucket = Bucket::of(points[*place].at, every, rules.zone);
            if filled.insert(bucket) {
                kept.push((*place, Reason::NewestOf(bucket)));
            }
        }
    }
    kept
}
