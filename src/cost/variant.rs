//! A choice made: the policy rewritten in some respects and left alone in all others.

use std::collections::BTreeMap;

use chrono_tz::Tz;

use super::space::{Choice, Copies};
use crate::base::{Instant, Span};
use crate::policy::ranges::daily;
use crate::policy::{
    AssetKind, Beside, Consistency, Credential, Domain, DomainKind, Mechanism, Place, Placed, Policy, Protection,
    Scheduler, Setting, Tiers,
};
use crate::schedule::Schedule;

/// Schedules that were read already, by how often and where.
#[derive(Debug, Default)]
pub struct Schedules(BTreeMap<(Span, &'static str), Schedule>);

impl Schedules {
    fn of(&mut self, every: Span, zone: Tz) -> Option<Schedule> {
        let key = (every, zone.name());
        if let Some(known) = self.0.get(&key) {
            return Some(known.clone());
        }
        let schedule = Schedule::parse(&daily(every)?, zone).ok()?;
        self.0.insert(key, schedule.clone());
        Some(schedule)
    }
}

const COPY_DELAY: Span = Span::minutes(15);
/// The longest name that the format allows.
const LONGEST_NAME: usize = 64;

impl Choice {
    /// `policy` with this plan. None if it cannot be: a snapshot would take longer than the time between two, or a lock
    /// would outlast what it locks.
    pub fn of(&self, policy: &Policy) -> Option<Policy> {
        self.of_with(policy, &mut Schedules::default())
    }

    /// The same, for one of many plans: equal schedules are expanded once for all of them.
    pub fn of_with(&self, policy: &Policy, schedules: &mut Schedules) -> Option<Policy> {
        // What schedulers and scripts say now is about the plan of now.
        let mut plan = Policy { beside: Beside::default(), ..policy.clone() };
        match &self.copy_to {
            Copies::Declared => {}
            Copies::Off => without(&mut plan, |mechanism| matches!(mechanism, Mechanism::Copy { .. })),
            Copies::In(_) => {}
        }
        if self.log_lag == Setting::Off {
            without(&mut plan, |mechanism| matches!(mechanism, Mechanism::Log { .. }));
        }
        if let Setting::Is(every) = self.snapshot_every {
            plan.protections.iter_mut().try_for_each(|protection| pace(protection, every, schedules))?;
        }
        if let Setting::Is(lag) = self.log_lag {
            plan.protections.iter_mut().filter(|p| own(p)).for_each(|protection| set_lag(protection, lag));
            add_logs(&mut plan, lag);
        }
        if let Copies::In(places) = &self.copy_to {
            places.iter().for_each(|place| add_copies(&mut plan, place));
        }
        if let Setting::Is(kept) = self.retention {
            keep(&mut plan, kept);
        }
        thin(&mut plan, &self.keep);
        if let Setting::Is(class) = &self.storage_class {
            let stores = |p: &&mut Protection| {
                own(p) && !matches!(p.mechanism, Mechanism::Replica { .. } | Mechanism::Versioning)
            };
            plan.protections.iter_mut().filter(stores).for_each(|p| p.storage_class = Some(written(class.clone())));
        }
        lock(&mut plan, &self.lock);
        if self.retention != Setting::Declared || self.lock != Setting::Declared {
            plan.protections.iter().all(kept_while_locked).then_some(())?;
        }
        if let Setting::Is(every) = self.drill_every {
            drill(&mut plan, every);
        }
        Some(plan)
    }
}

/// Whether the team makes it itself: what a managed service does is the service's to say.
fn own(protection: &Protection) -> bool {
    protection.scheduler.as_ref().is_none_or(|s| s.value != Scheduler::Managed)
}

fn pace(protection: &mut Protection, every: Span, schedules: &mut Schedules) -> Option<()> {
    let (Mechanism::Snapshot { schedule, takes, .. } | Mechanism::Mirror { schedule, takes, .. }) =
        &mut protection.mechanism
    else {
        return Some(());
    };
    schedule.value = schedules.of(every, schedule.value.zone)?;
    (takes.value <= every).then_some(())
}

fn set_lag(protection: &mut Protection, behind: Span) {
    if let Mechanism::Log { lag, .. } = &mut protection.mechanism {
        lag.value = behind;
    }
}

/// How long the points are kept, and for no longer than that the logs that need them to start from.
fn keep(plan: &mut Policy, kept: Span) {
    for protection in plan.protections.iter_mut().filter(|p| own(p)) {
        match &mut protection.mechanism {
            Mechanism::Snapshot { .. } => {}
            Mechanism::Copy { .. } if protection.retention.is_some() => {}
            Mechanism::Log { window, .. } if window.value > kept => window.value = kept,
            _ => continue,
        }
        protection.retention = Some(with(&protection.retention, kept));
        protection.cut_short = None;
        // The store's own rule would end it sooner than is wanted.
        if let Some(lifecycle) = protection.lifecycle.as_mut().filter(|lifecycle| lifecycle.value < kept) {
            lifecycle.value = kept;
        }
    }
}

/// What stays of the points beyond their retention, wherever a retention is declared.
fn thin(plan: &mut Policy, keep: &Setting<Tiers>) {
    let points = |p: &&mut Protection| {
        own(p) && p.retention.is_some() && matches!(p.mechanism, Mechanism::Snapshot { .. } | Mechanism::Copy { .. })
    };
    for protection in plan.protections.iter_mut().filter(points) {
        match keep {
            Setting::Declared | Setting::Kept => {}
            Setting::Off => protection.keep = None,
            Setting::Is(tiers) => protection.keep = Some(with(&protection.keep, *tiers)),
        }
    }
}

fn lock(plan: &mut Policy, lock: &Setting<Span>) {
    for protection in plan.protections.iter_mut().filter(|p| own(p)) {
        let Some(kept) = kept(protection) else { continue };
        let wanted = match lock {
            Setting::Declared => continue,
            Setting::Off => None,
            Setting::Kept => Some(kept),
            Setting::Is(span) => Some(*span),
        };
        protection.lock = wanted.map(|span| with(&protection.lock, span));
    }
}

/// How long a piece of it is kept; none where it has no pieces of its own, or nothing is promised.
fn kept(protection: &Protection) -> Option<Span> {
    match &protection.mechanism {
        Mechanism::Snapshot { .. } | Mechanism::Copy { .. } => protection.retention.as_ref().map(|kept| kept.value),
        Mechanism::Log { window, .. } => Some(window.value),
        Mechanism::Mirror { .. } | Mechanism::Versioning | Mechanism::Replica { .. } => None,
    }
}

/// What is locked cannot be deleted: to keep it for less than its lock cannot be done.
fn kept_while_locked(protection: &Protection) -> bool {
    let lock = protection.lock.as_ref().map(|lock| lock.value);
    !own(protection) || lock.zip(kept(protection)).is_none_or(|(lock, kept)| lock <= kept)
}

/// More often than is asked, wherever drills are asked for; where none are, from now on.
fn drill(plan: &mut Policy, every: Span) {
    let sooner = |asked: &mut Option<Placed<Span>>| {
        if let Some(asked) = asked.as_mut().filter(|asked| asked.value > every) {
            asked.value = every;
        }
    };
    match &mut plan.objective.drill_every {
        None => plan.objective.drill_every = Some(written(every)),
        asked => sooner(asked),
    }
    plan.assets.iter_mut().for_each(|asset| sooner(&mut asset.objective.drill_every));
}

/// The longest time between two snapshots of the policy as it stands.
pub fn pace_of(policy: &Policy, from: Instant) -> Option<Span> {
    let gap = |p: &Protection| match &p.mechanism {
        Mechanism::Snapshot { schedule, .. } => schedule.worst_gap(from),
        _ => None,
    };
    policy.protections.iter().filter_map(gap).max()
}

/// Takes out all protections of one mechanism, and what copies them.
fn without(plan: &mut Policy, unwanted: impl Fn(&Mechanism) -> bool) {
    plan.protections.retain(|p| !unwanted(&p.mechanism));
    loop {
        let names: Vec<String> = plan.protections.iter().map(|p| p.name.clone()).collect();
        let orphan = |p: &Protection| matches!(&p.mechanism, Mechanism::Copy { of, .. } if !names.contains(&of.value));
        if !plan.protections.iter().any(orphan) {
            return;
        }
        plan.protections.retain(|p| !orphan(p));
    }
}

/// A log can only be rolled forward from points of one instant, so the snapshots beside it become such.
fn add_logs(plan: &mut Policy, lag: Span) {
    for index in 0..plan.protections.len() {
        let Some(snapshot) = plan.protections.get(index).filter(|p| makes_points(p)) else { continue };
        let of_database = |a: &Placed<String>| plan.asset(&a.value).is_some_and(|a| a.kind == AssetKind::MongoDb);
        let databases: Vec<_> = snapshot.assets.iter().filter(|a| of_database(a)).cloned().collect();
        if databases.is_empty() || has_log_beside(plan, snapshot) {
            continue;
        }
        let window = snapshot.retention.as_ref().map_or(Span::days(7), |r| r.value);
        let mut log = snapshot.clone();
        log.name = free_name(plan, &format!("{}-log", snapshot.name));
        log.mechanism = Mechanism::Log { lag: written(lag), window: written(window) };
        (log.assets, log.stored_fraction, log.scheduler) = (databases, None, Some(written(Scheduler::Plimsoll)));
        // What only a run of a schedule has.
        (log.consistency, log.compress, log.late_by, log.job) = (None, None, None, None);
        (log.retention, log.cut_short, log.lifecycle, log.keep) = (Some(written(window)), None, None, None);
        log.lock = log.lock.filter(|lock| lock.value <= window);
        if let Some(snapshot) = plan.protections.get_mut(index) {
            let weak = snapshot.consistency.as_ref().is_none_or(|c| c.value == Consistency::None);
            if weak {
                snapshot.consistency = Some(with(&snapshot.consistency, Consistency::Snapshot));
            }
        }
        plan.protections.push(log);
    }
}

fn has_log_beside(plan: &Policy, snapshot: &Protection) -> bool {
    let domains = |p: &Protection| p.stored_in.iter().map(|d| d.value.clone()).collect::<Vec<_>>();
    let of_database = |a: &&Placed<String>| plan.asset(&a.value).is_some_and(|a| a.kind == AssetKind::MongoDb);
    let beside = |p: &&Protection| {
        matches!(p.mechanism, Mechanism::Log { .. })
            && domains(p) == domains(snapshot)
            && snapshot.assets.iter().filter(of_database).all(|a| p.assets.iter().any(|b| a.value == b.value))
    };
    plan.protections.iter().any(|p| beside(&p))
}

/// Copies of what the team makes itself; of what a managed service makes, only where there is nothing else.
fn add_copies(plan: &mut Policy, place: &str) {
    let there = |p: &Protection| p.stored_in.iter().any(|domain| domain.value == place);
    let copied = |p: &Protection| {
        let is_of = |c: &&Protection| matches!(&c.mechanism, Mechanism::Copy { of, .. } if of.value == p.name);
        there(p) || plan.protections.iter().any(|c| is_of(&c) && there(c))
    };
    let makes = |p: &Protection, asset: &str| own(p) && p.assets.iter().any(|a| a.value == asset);
    let only_managed = |p: &Protection| {
        p.assets.iter().any(|a| !plan.protections.iter().any(|other| makes_points(other) && makes(other, &a.value)))
    };
    let mut copies: Vec<Protection> = plan
        .protections
        .iter()
        .filter(|p| makes_points(p) || matches!(p.mechanism, Mechanism::Log { .. }))
        .filter(|p| (own(p) || only_managed(p)) && !copied(p))
        .map(|source| copy_of(source, place))
        .collect();
    if copies.is_empty() {
        return;
    }
    for copy in &mut copies {
        copy.name = free_name(plan, &copy.name);
        plan.protections.push(copy.clone());
    }
    if !plan.domains.iter().any(|d| d.name == place) {
        let (name, at) = (place.to_string(), Place::default());
        plan.domains.push(Domain { name, at, kind: DomainKind::Account, inside: vec![], medium: None, checked: None });
        // Somebody has to write there, and so can delete what no lock protects.
        let name = format!("{place}-writer");
        plan.credentials.push(Credential { name, at, can_delete: vec![written(place.to_string())] });
    }
}

fn copy_of(source: &Protection, place: &str) -> Protection {
    let mut copy = source.clone();
    let kept = match &source.mechanism {
        Mechanism::Log { window, .. } => Some(window.clone()),
        _ => source.retention.clone(),
    };
    copy.name = format!("{}-{place}", source.name);
    copy.mechanism = Mechanism::Copy { of: written(source.name.clone()), delay: written(COPY_DELAY) };
    copy.stored_in = vec![written(place.to_string())];
    (copy.retention, copy.cut_short, copy.lifecycle) = (kept, None, None);
    // A copy is made by the team, whoever makes the points, and in the place's own way.
    copy.scheduler = Some(written(Scheduler::Plimsoll));
    (copy.late_by, copy.job, copy.compress, copy.server_side_encryption) = (None, None, None, None);
    (copy.storage_class, copy.restore_rate) = (copy.storage_class.filter(|_| own(source)), None);
    copy
}

fn makes_points(protection: &Protection) -> bool {
    matches!(protection.mechanism, Mechanism::Snapshot { .. })
}

/// The name, or one like it that is not taken and not too long.
fn free_name(plan: &Policy, wanted: &str) -> String {
    let short: String = wanted.chars().take(LONGEST_NAME - 4).collect();
    let taken = |name: &str| plan.protections.iter().any(|p| p.name == name);
    let numbered = (2..1000).map(|n| format!("{short}-{n}"));
    let whole = Some(wanted.to_string()).filter(|name| name.len() <= LONGEST_NAME);
    whole.into_iter().chain(numbered).find(|name| !taken(name)).unwrap_or(short)
}

/// A value that stands in no file.
fn written<T>(value: T) -> Placed<T> {
    Placed::new(value, Place::default())
}

/// Another value in the place of the old one.
fn with<T, U>(old: &Option<Placed<U>>, value: T) -> Placed<T> {
    Placed::new(value, old.as_ref().map_or_else(Place::default, |old| old.at))
}
