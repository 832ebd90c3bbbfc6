//! The runs that a policy plans, as jobs for a scheduler.

use crate::base::Span;
use crate::policy::{Asset, AssetKind, Mechanism, Policy, Protection, Scheduler};
use crate::schedule::Schedule;
use crate::schedule::emit::{Argument, For, Job, When};

/// The jobs, and the protections that none is made for with the reason.
pub fn of(policy: &Policy, target: For) -> (Vec<Job>, Vec<(String, String)>) {
    let (mut jobs, mut left_out) = (Vec::new(), Vec::new());
    for protection in &policy.protections {
        match when(protection, target) {
            Ok(when) => {
                let of_asset = protection.assets.iter().filter_map(|name| policy.asset(&name.value));
                let assets: Vec<&Asset> = of_asset.filter(|asset| asset.kind != AssetKind::Other).collect();
                if assets.is_empty() {
                    left_out.push((protection.name.clone(), "another tool backs its assets up".to_string()));
                }
                let single = assets.len() == 1;
                jobs.extend(assets.into_iter().map(|asset| job(protection, asset, when.clone(), single)));
            }
            Err(why) => left_out.push((protection.name.clone(), why.to_string())),
        }
    }
    (jobs, left_out)
}

pub fn schedule(protection: &Protection) -> Option<&Schedule> {
    match &protection.mechanism {
        Mechanism::Snapshot { schedule, .. } | Mechanism::Mirror { schedule, .. } => Some(&schedule.value),
        _ => None,
    }
}

fn when(protection: &Protection, target: For) -> Result<When, &'static str> {
    if protection.scheduler.as_ref().is_some_and(|scheduler| scheduler.value == Scheduler::Managed) {
        return Err("the provider of the service runs it");
    }
    match &protection.mechanism {
        Mechanism::Snapshot { schedule, takes, .. } | Mechanism::Mirror { schedule, takes, .. } => {
            Ok(When::At { schedule: schedule.value.clone(), takes: takes.value.max(Span::minutes(1)) })
        }
        Mechanism::Log { .. } if target == For::Github => {
            Err("a log is captured all the time, which a workflow cannot")
        }
        Mechanism::Log { .. } => Ok(When::Always),
        Mechanism::Versioning => Err("the bucket keeps versions itself"),
        Mechanism::Copy { .. } => Err("Plimsoll does not copy to another place"),
        Mechanism::Replica { .. } => Err("a replica is a server, not a run"),
    }
}

fn job(protection: &Protection, asset: &Asset, when: When, single: bool) -> Job {
    let word = |word: &str| Argument::Word(word.to_string());
    let verb = if matches!(when, When::Always) { "capture" } else { "backup" };
    let mut arguments =
        vec![word(verb), word("--asset"), word(&asset.name), word("--protection"), word(&protection.name)];
    if asset.kind == AssetKind::S3 {
        arguments.extend([word("--bucket"), Argument::Variable("PLIMSOLL_BUCKET".to_string())]);
    }
    let name = if single { protection.name.clone() } else { format!("{}-{}", protection.name, asset.name) };
    let about = format!("{} of {}", protection.name, asset.name);
    Job { name, about, when, arguments }
}
