//! The commands that bring an asset back from a repository of Plimsoll.

use crate::base::text::harmless;
use crate::policy::{Asset, AssetKind, Mechanism, Policy, Scenario, Scheduler};

pub struct Commands {
    pub lead: String,
    pub lines: Vec<String>,
}

/// None where nothing that survives could be a repository of Plimsoll. `survives` names the protections that do.
pub fn of(policy: &Policy, scenario: &Scenario, asset: &Asset, survives: &[String]) -> Option<Commands> {
    let left: Vec<_> = survives.iter().filter_map(|name| policy.protection(name)).collect();
    let managed = |scheduler: Option<Scheduler>| scheduler == Some(Scheduler::Managed);
    let own = left.iter().any(|p| !managed(p.scheduler.as_ref().map(|s| s.value)));
    if asset.kind == AssetKind::Other || !own {
        return None;
    }
    let any_instant = left.iter().any(|p| matches!(p.mechanism, Mechanism::Log { .. } | Mechanism::Versioning));
    let wrong = scenario.corrupts(asset);
    let (state, which) = match (any_instant, wrong) {
        (true, true) => {
            (" --at 'INSTANT'", "`INSTANT` is the last second before the failure, such as 2026-11-20T14:03:07Z.")
        }
        (true, false) => {
            (" --at 'INSTANT'", "`INSTANT` is the newest that the copies reach; `plimsoll inventory` lists them.")
        }
        (false, true) => {
            (" --point ID", "`ID` is the newest point before the failure; `plimsoll inventory` lists them.")
        }
        (false, false) => ("", "The newest point is restored."),
    };
    let name = quoted(&asset.name);
    let command = match asset.kind {
        AssetKind::S3 => format!("plimsoll restore --asset {name} --uploads{state} --to s3://NEW-BUCKET"),
        _ => {
            let beside = beside(policy, scenario, asset).map_or(String::new(), |uploads| {
                format!(" --with-uploads {} --to s3://NEW-BUCKET", quoted(&uploads.name))
            });
            format!("plimsoll restore --asset {name}{state}{beside} --to-uri mongodb://NEW-HOST:27017")
        }
    };
    let lead = format!(
        "To restore {} from a repository of Plimsoll (`PLIMSOLL_REPO` names it): the first command prints its plan, the \
         second does it. {which}",
        super::words::code(&asset.name)
    );
    Some(Commands { lead, lines: vec![command.clone(), format!("{command} --apply")] })
}

/// The uploads that a database refers to, where both are struck: they come back to one instant.
fn beside<'a>(policy: &'a Policy, scenario: &Scenario, asset: &Asset) -> Option<&'a Asset> {
    let named = asset.references.as_ref()?;
    let uploads = policy.asset(&named.value).filter(|other| other.kind == AssetKind::S3)?;
    super::words::struck(policy, scenario).iter().any(|struck| struck.name == uploads.name).then_some(uploads)
}

/// A name as a shell takes it for one word.
fn quoted(name: &str) -> String {
    let name = harmless(name);
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.chars().all(plain) && !name.is_empty() && !name.starts_with('-') {
        return name.into_owned();
    }
    format!("'{}'", name.replace('\'', "'\\''"))
}
