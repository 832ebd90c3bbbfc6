//! The space of plans: today's policy, rewritten in three respects and left alone in all others.

use crate::base::{Instant, Span};
use crate::policy::{
    AssetKind, Consistency, Domain, DomainKind, Mechanism, Place, Placed, Policy, Protection, Scheduler,
};
use crate::schedule::Schedule;

/// One way to rewrite a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variant {
    /// Between two snapshots, of everything that is snapshot.
    pub every: Span,
    /// A log beside each snapshot of a database, in the same place, for as long as the snapshots are kept; or none.
    pub log: bool,
    /// A copy of each snapshot, and of the log beside it, in an account of its own, locked as long as it is kept; or none.
    pub offsite: bool,
}

/// Hours between snapshots that divide a day, so that the schedule repeats daily.
const HOURS: [i64; 8] = [1, 2, 3, 4, 6, 8, 12, 24];
const LOG_LAG: Span = Span::minutes(1);
const COPY_DELAY: Span = Span::minutes(15);
const OFFSITE: &str = "off-site";

impl Variant {
    /// The whole space, in a fixed order.
    pub fn all() -> impl Iterator<Item = Variant> {
        HOURS.into_iter().flat_map(|hours| {
            [(false, false), (true, false), (false, true), (true, true)].map(|(log, offsite)| Variant {
                every: Span::hours(hours),
                log,
                offsite,
            })
        })
    }

    pub fn label(&self) -> String {
        let mut label = format!("snapshots every {}", self.every);
        if self.log {
            label.push_str(", log");
        }
        if self.offsite {
            label.push_str(", off-site copy");
        }
        label
    }

    /// `policy` with this variant's plan. None if a snapshot would take longer than the time between two.
    pub fn of(&self, policy: &Policy) -> Option<Policy> {
        let mut plan = policy.clone();
        for protection in &mut plan.protections {
            self.pace(protection, policy)?;
        }
        without(&mut plan, |mechanism| matches!(mechanism, Mechanism::Log { .. }) && !self.log);
        without(&mut plan, |mechanism| matches!(mechanism, Mechanism::Copy { .. }) && !self.offsite);
        if self.log {
            add_logs(&mut plan);
        }
        if self.offsite {
            add_copies(&mut plan);
        }
        Some(plan)
    }

    fn pace(&self, protection: &mut Protection, policy: &Policy) -> Option<()> {
        let (Mechanism::Snapshot { schedule, takes, .. } | Mechanism::Mirror { schedule, takes, .. }) =
            &mut protection.mechanism
        else {
            return Some(());
        };
        let hours = self.every.0 / Span::hours(1).0;
        let cron = if hours == 24 { "0 3 * * *".to_string() } else { format!("0 */{hours} * * *") };
        schedule.value = Schedule::parse(&cron, policy.timezone).ok()?;
        (takes.value <= self.every).then_some(())
    }
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
fn add_logs(plan: &mut Policy) {
    let mut logs = Vec::new();
    for index in 0..plan.protections.len() {
        let Some(snapshot) = plan.protections.get(index).filter(|p| makes_points(p)) else { continue };
        let of_database = |a: &Placed<String>| plan.asset(&a.value).is_some_and(|a| a.kind == AssetKind::MongoDb);
        let databases: Vec<_> = snapshot.assets.iter().filter(|a| of_database(a)).cloned().collect();
        if databases.is_empty() || has_log_beside(plan, snapshot) {
            continue;
        }
        let window = snapshot.retention.as_ref().map_or(Span::days(7), |r| r.value);
        let mut log = snapshot.clone();
        log.name = format!("{}-log", snapshot.name);
        log.mechanism = Mechanism::Log { lag: written(LOG_LAG), window: written(window) };
        (log.assets, log.stored_fraction, log.scheduler) = (databases, None, Some(written(Scheduler::Plimsoll)));
        logs.push(log);
        if let Some(snapshot) = plan.protections.get_mut(index) {
            snapshot.consistency = Some(written(Consistency::Snapshot));
        }
    }
    plan.protections.extend(logs);
}

fn has_log_beside(plan: &Policy, snapshot: &Protection) -> bool {
    let domains = |p: &Protection| p.stored_in.iter().map(|d| d.value.clone()).collect::<Vec<_>>();
    let beside = |p: &&Protection| {
        matches!(p.mechanism, Mechanism::Log { .. })
            && domains(p) == domains(snapshot)
            && snapshot.assets.iter().all(|a| p.assets.iter().any(|b| a.value == b.value))
    };
    plan.protections.iter().any(|p| beside(&p))
}

/// Copies of what the team makes itself; of what a managed service makes, only where there is nothing else.
fn add_copies(plan: &mut Policy) {
    let managed = |p: &Protection| p.scheduler.as_ref().is_some_and(|s| s.value == Scheduler::Managed);
    let copied = |p: &Protection| {
        let is_of = |c: &&Protection| matches!(&c.mechanism, Mechanism::Copy { of, .. } if of.value == p.name);
        plan.protections.iter().any(|c| is_of(&c))
    };
    let own = |p: &Protection, asset: &str| !managed(p) && p.assets.iter().any(|a| a.value == asset);
    let only_managed = |p: &Protection| {
        p.assets.iter().any(|a| !plan.protections.iter().any(|other| makes_points(other) && own(other, &a.value)))
    };
    let copies: Vec<Protection> = plan
        .protections
        .iter()
        .filter(|p| makes_points(p) || matches!(p.mechanism, Mechanism::Log { .. }))
        .filter(|p| (!managed(p) || only_managed(p)) && !copied(p))
        .map(offsite_copy)
        .collect();
    if copies.is_empty() {
        return;
    }
    plan.protections.extend(copies);
    if !plan.domains.iter().any(|d| d.name == OFFSITE) {
        let (name, at) = (OFFSITE.to_string(), Place::default());
        plan.domains.push(Domain { name, at, kind: DomainKind::Account, inside: vec![], medium: None, checked: None });
    }
}

fn offsite_copy(source: &Protection) -> Protection {
    let mut copy = source.clone();
    let kept = match &source.mechanism {
        Mechanism::Log { window, .. } => Some(window.clone()),
        _ => source.retention.clone(),
    };
    copy.name = format!("{}-{OFFSITE}", source.name);
    copy.mechanism = Mechanism::Copy { of: written(source.name.clone()), delay: written(COPY_DELAY) };
    copy.stored_in = vec![written(OFFSITE.to_string())];
    copy.lock = kept.clone();
    copy.retention = kept;
    copy
}

fn makes_points(protection: &Protection) -> bool {
    matches!(protection.mechanism, Mechanism::Snapshot { .. })
}

/// A value that stands in no file.
fn written<T>(value: T) -> Placed<T> {
    Placed::new(value, Place::default())
}
