//! The runs that a schedule asks for, each with what shows that it took place.

use super::{Context, Stock};
use crate::base::{Instant, Span, Window};
use crate::evidence::RunOutcome;
use crate::policy::{Mechanism, Protection};

/// One planned run, until the next one is due.
#[derive(Debug, Clone, Copy)]
pub struct Slot {
    pub at: Instant,
    pub next: Instant,
    /// From when its point was there, if it left one.
    pub made: Option<Instant>,
}

/// Runs of one protection of one asset that left nothing, by when they were due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    pub asset: String,
    pub protection: String,
    pub due: Vec<Instant>,
}

/// The planned runs of one protection of one asset that evidence can speak for.
pub struct Slots {
    pub all: Vec<Slot>,
    /// Of those, how many come before the first that left anything.
    pub before_first: usize,
}

/// None where there is no schedule, no evidence of the protection, or no run that was due.
pub fn slots(context: &Context, stock: &Stock, protection: &Protection) -> Option<Slots> {
    let until = stock.read_at.min(context.as_of);
    let kept = protection.retention.as_ref().map_or(context.window.length(), |kept| kept.value);
    let from = context.window.from.max(until - kept);
    let (known, made) = shown(context, stock, protection, from)?;
    let mut all = due(protection, Window::new(from, until), &made)?;
    // Where nothing is kept but the newest state, only the newest run can leave a trace.
    if protection.retention.is_none() || matches!(protection.mechanism, Mechanism::Mirror { .. }) {
        all = all.split_off(all.len().saturating_sub(1));
    }
    let before_first = all.iter().take_while(|slot| slot.next <= known).count();
    Some(Slots { all, before_first }).filter(|slots| !slots.all.is_empty())
}

/// The runs planned within the window that were due by its end, each with what it left. `made` holds instants that points
/// are of, and from when each was there, in order. None of what has no schedule.
pub fn due(protection: &Protection, window: Window, made: &[(Instant, Instant)]) -> Option<Vec<Slot>> {
    let (Mechanism::Snapshot { schedule, takes, .. } | Mechanism::Mirror { schedule, takes, .. }) =
        &protection.mechanism
    else {
        return None;
    };
    let planned: Vec<Instant> = schedule.runs_from(window.from).take_while(|run| *run < window.until).collect();
    let late_by = protection.late_by.as_ref().map(|late| late.value);
    let after = planned.last().and_then(|last| schedule.next_after(*last));
    let nexts = planned.iter().skip(1).copied().chain(after);
    let in_time = |at: Instant, next: Instant| late_by.map_or(next, |late| at + late) + takes.value <= window.until;
    let slot = |(at, next): (Instant, Instant)| {
        let of_it = made.iter().skip(made.partition_point(|(of, _)| *of < at)).take_while(|(of, _)| *of < next);
        Slot { at, next, made: of_it.map(|(_, available)| *available).min() }
    };
    Some(planned.iter().copied().zip(nexts).filter(|(at, next)| in_time(*at, *next)).map(slot).collect())
}

/// The first instant that a point of it is of, and of each since `from` that and from when it was there, in order; runs
/// that ended well count too.
fn shown(
    context: &Context,
    stock: &Stock,
    protection: &Protection,
    from: Instant,
) -> Option<(Instant, Vec<(Instant, Instant)>)> {
    let own = |a: &str, p: &Option<String>| a == stock.asset.name && p.as_deref() == Some(protection.name.as_str());
    let points = stock.points_by(&protection.name).map(|p| (p.consistent_at, p.available_at));
    let runs = context.evidence.iter().flat_map(|e| e.runs);
    let runs = runs.filter(|r| own(&r.asset, &r.protection) && r.outcome == RunOutcome::Done);
    let (mut first, mut made) = (None, Vec::new());
    for (of, available) in points.chain(runs.map(|r| (r.started_at, r.ended_at))) {
        first = Some(first.map_or(of, |first: Instant| first.min(of)));
        if of >= from {
            made.push((of, available));
        }
    }
    made.sort_unstable();
    Some((first?, made))
}

impl Slots {
    /// Planned runs in a row that left nothing, longest first; those before the first known one are left out.
    pub fn missed(&self) -> Vec<&[Slot]> {
        let judged = self.all.get(self.before_first..).unwrap_or_default();
        let mut rows: Vec<&[Slot]> = judged.split(|slot| slot.made.is_some()).filter(|row| !row.is_empty()).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.len()));
        rows
    }

    /// The runs whose point came later than `allowed` after they were due, and by how much.
    pub fn late(&self, allowed: Span) -> Vec<(Slot, Span)> {
        let late = |slot: &Slot| slot.made.map(|made| (*slot, made - slot.at - allowed));
        self.all.iter().filter_map(late).filter(|(_, late)| *late > Span::ZERO).collect()
    }

    pub fn made(&self) -> usize {
        self.all.iter().filter(|slot| slot.made.is_some()).count()
    }

    pub fn window(&self) -> Window {
        let ends = self.all.first().zip(self.all.last());
        ends.map_or(Window::new(Instant(0), Instant(0)), |(first, last)| Window::new(first.at, last.next))
    }
}
