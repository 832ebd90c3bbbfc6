//! What is asked, before and after: of each asset, and of each asset in a scenario where that differs.

use super::value::Value;
use super::{Delta, Direction, Figure, Side};
use crate::policy::{Consistency, Objective, Policy};

/// One value of an objective: how it reads, and how much it demands. Nothing asked demands least.
struct Asked {
    name: &'static str,
    value: Value,
    demand: Option<i64>,
}

/// One value that changed, and all that it changed for.
struct Changed {
    name: &'static str,
    before: Value,
    after: Value,
    direction: Direction,
    of: Vec<String>,
}

pub fn deltas(old: &Policy, after: &Side) -> Vec<Delta> {
    let mut changed: Vec<Changed> = Vec::new();
    let new = after.policy;
    for asset in &new.assets {
        let Some(was) = old.asset(&asset.name) else { continue };
        let (before, now) = (old.objective_for(was, None), new.objective_for(asset, None));
        note(&mut changed, &before, &now, format!("`{}`", asset.name));
    }
    for cell in &after.audit.cells {
        let (asset, scenario) = (&cell.asset, &cell.scenario);
        let (Some(was), Some(before)) = (old.asset(asset), old.scenario(scenario)) else { continue };
        let (Some(is), Some(now)) = (new.asset(asset), new.scenario(scenario)) else { continue };
        let mut own = Vec::new();
        let (before, now) = (old.objective_for(was, Some(before)), new.objective_for(is, Some(now)));
        note(&mut own, &before, &now, format!("`{asset}`: {}", cell.title));
        // What changed for the asset as a whole is said once.
        let alike = |one: &Changed, other: &Changed| {
            one.name == other.name && one.before == other.before && one.after == other.after
        };
        let said = |one: &Changed| changed.iter().any(|c| alike(c, one) && c.of.contains(&format!("`{asset}`")));
        own.retain(|one| !said(one));
        for one in own {
            match changed.iter_mut().find(|other| alike(other, &one)) {
                Some(other) => other.of.extend(one.of),
                None => changed.push(one),
            }
        }
    }
    changed.into_iter().map(delta).collect()
}

fn delta(changed: Changed) -> Delta {
    let Changed { name, before, after, direction, of } = changed;
    let (what, by) = (format!("{name} of {}", of.join(", ")), Value::by(&before, &after));
    Delta { figure: Figure::Objective, what, before, after, by, direction }
}

fn note(changed: &mut Vec<Changed>, before: &Objective, after: &Objective, of: String) {
    for (before, after) in asked(before).into_iter().zip(asked(after)) {
        let direction = match after.demand.cmp(&before.demand) {
            std::cmp::Ordering::Less => Direction::Worse,
            std::cmp::Ordering::Greater => Direction::Better,
            std::cmp::Ordering::Equal => continue,
        };
        let same = |c: &&mut Changed| c.name == after.name && c.before == before.value && c.after == after.value;
        match changed.iter_mut().find(same) {
            Some(one) => one.of.push(of.clone()),
            None => changed.push(Changed {
                name: after.name,
                before: before.value,
                after: after.value,
                direction,
                of: vec![of.clone()],
            }),
        }
    }
}

/// Every value of an objective, always in this order.
fn asked(objective: &Objective) -> [Asked; 8] {
    let span = |name, placed: &Option<crate::policy::Placed<crate::base::Span>>, shorter_is_stricter: bool| {
        let span = placed.as_ref().map(|placed| placed.value);
        Asked {
            name,
            value: span.map_or(Value::Nothing, Value::Span),
            demand: span.map(|s| if shorter_is_stricter { s.0.saturating_neg() } else { s.0 }),
        }
    };
    let flag = |name, placed: &Option<crate::policy::Placed<bool>>| {
        let flag = placed.as_ref().map(|placed| placed.value);
        // Not to ask for it and to say that it is not asked for are the same.
        Asked { name, value: flag.map_or(Value::Nothing, Value::Flag), demand: flag.filter(|asked| *asked).map(|_| 1) }
    };
    let copies = objective.copies.as_ref().map(|copies| copies.value);
    let consistency = objective.consistency.as_ref().map(|consistency| consistency.value);
    [
        span("RPO", &objective.rpo, true),
        span("RTO", &objective.rto, true),
        span("retention", &objective.retention, false),
        span("time between drills", &objective.drill_every, true),
        Asked { name: "copies", value: copies.map_or(Value::Nothing, Value::Count), demand: copies.map(i64::from) },
        flag("immutability", &objective.immutable),
        flag("encryption", &objective.encrypted),
        Asked {
            name: "consistency",
            value: consistency.map_or(Value::Nothing, |c| Value::Word(word(c).to_string())),
            demand: consistency.map(|c| c as i64),
        },
    ]
}

fn word(consistency: Consistency) -> &'static str {
    match consistency {
        Consistency::None => "none",
        Consistency::Oplog => "oplog",
        Consistency::Snapshot => "snapshot",
    }
}
