//! The runs that a policy plans, as jobs for a scheduler.

use crate::base::Span;
use crate::policy::{Asset, AssetKind, Mechanism, Policy, Protection, Scheduler, Secret, Work};
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
    jobs.extend(operations(policy));
    let variables = variables(policy);
    for job in &mut jobs {
        job.variables.clone_from(&variables);
    }
    (jobs, left_out)
}

/// A run that takes longer than the limit of this hangs: nobody says how long these take.
const OPERATION_TAKES: Span = Span::hours(6);

/// What the policy plans beside its protections.
fn operations(policy: &Policy) -> Vec<Job> {
    let mut jobs = Vec::new();
    for (work, schedule) in policy.operations.scheduled() {
        let of = match work {
            Work::Drill => drilled(policy).map(|asset| Some(asset.name.as_str())).collect(),
            _ => vec![None],
        };
        let single = of.len() == 1;
        for asset in of {
            jobs.push(Job {
                name: match asset {
                    Some(asset) if !single => format!("{}-{asset}", work.word()),
                    _ => work.word().to_string(),
                },
                about: format!("{} of {}", work.word(), asset.unwrap_or("the repository")),
                when: When::At { schedule: schedule.value.clone(), takes: OPERATION_TAKES },
                arguments: arguments(policy, work, asset).into_iter().map(Argument::Word).collect(),
                variables: vec![],
            });
        }
    }
    jobs
}

/// The databases: what else there is is restored by hand.
pub fn drilled(policy: &Policy) -> impl Iterator<Item = &Asset> {
    policy.assets.iter().filter(|asset| asset.kind == AssetKind::MongoDb)
}

/// What Plimsoll is called with to do an operation of the policy, which stands in the environment.
pub fn arguments(policy: &Policy, work: Work, asset: Option<&str>) -> Vec<String> {
    let mut words = vec![work.word()];
    match (work, &policy.operations.verify_sample) {
        (Work::Verify, Some(sample)) => words.extend(["--sample", sample]),
        (Work::Prune, _) => words.push("--apply"),
        _ => {}
    }
    words.extend(asset.iter().flat_map(|asset| ["--asset", *asset]));
    words.into_iter().map(str::to_string).collect()
}

/// The variables that hold the secrets of the places that are told.
fn variables(policy: &Policy) -> Vec<String> {
    let secrets = policy.notify.iter().flat_map(|place| [Some(&place.address), place.key.as_ref()]).flatten();
    let mut names: Vec<String> = secrets
        .filter_map(|secret| match secret {
            Secret::Variable(name) => Some(name.clone()),
            Secret::File { .. } => None,
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names
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
    Job { name, about, when, arguments, variables: vec![] }
}
