//! How far back tiers reach, and how many points they add: bounds, for those who hold a plan against an objective or
//! price it. A stretch of the calendar counts only if it holds a point, so sparse runs reach further than their tiers say.

use crate::base::Span;
use crate::policy::Tiers;

/// The tiers by their stretches, each at its shortest and at its longest: clocks change, and months differ.
fn stretches(tiers: &Tiers) -> [(u32, Span, Span); 5] {
    let Tiers { hourly, daily, weekly, monthly, yearly, .. } = *tiers;
    let changed = Span::hours(1);
    [
        (hourly, Span::hours(1), Span::hours(1)),
        (daily, Span::days(1), Span::days(1) + changed),
        (weekly, Span::days(7), Span::days(7) + changed),
        (monthly, Span::days(28), Span::days(31) + changed),
        (yearly, Span::days(365), Span::days(366) + changed),
    ]
}

/// How old the oldest point is that they keep, at least. The stretch that goes on, and the one of the oldest point, which
/// is its newest, count for nothing.
pub fn at_least(tiers: &Tiers) -> Span {
    let spans = stretches(tiers).map(|(many, least, _)| least.saturating_mul(i64::from(many.saturating_sub(2))));
    spans.into_iter().max().unwrap_or_default()
}

/// How old a point becomes that they keep, at most, where two runs are at most `gap` apart and none fails.
pub fn at_most(tiers: &Tiers, gap: Span) -> Span {
    let of_calendar = stretches(tiers)
        .map(|(many, _, most)| if many == 0 { Span::ZERO } else { most.max(gap).saturating_mul(i64::from(many) + 1) });
    let of_last = gap.saturating_mul(i64::from(tiers.last));
    of_calendar.into_iter().chain([of_last]).max().unwrap_or_default()
}

/// How many points they keep beyond the retention, at most, where it holds `runs` of them.
pub fn beyond(tiers: &Tiers, retention: Span, runs: f64) -> f64 {
    let further = |many: u32, held: f64| (f64::from(many) - held.min(runs).floor()).max(0.0);
    let held = |stretch: Span| retention.as_hours() / stretch.as_hours();
    let of_calendar: f64 = stretches(tiers).into_iter().map(|(many, _, most)| further(many, held(most))).sum();
    of_calendar + further(tiers.last, runs)
}
