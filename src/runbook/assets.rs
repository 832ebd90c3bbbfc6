//! What is protected and by what: where copies stand, how long they are kept, who can delete them.

use super::{Plan, words};
use crate::base::markdown;
use crate::policy::{Asset, AssetKind, Mechanism, Policy, Protection};

impl Plan {
    pub(super) fn assets(&mut self, policy: &Policy) {
        self.heading("## What is protected");
        for asset in &policy.assets {
            self.from(asset.at, format!("### {}", markdown::prose(&asset.name)));
            self.says("");
            self.asset(policy, asset);
            self.says("");
        }
        // The last line is no empty one.
        self.lines.pop();
    }

    fn asset(&mut self, policy: &Policy, asset: &Asset) {
        let kind = match asset.kind {
            AssetKind::MongoDb => "A MongoDB database",
            AssetKind::S3 => "A bucket of uploads",
            AssetKind::Other => "Backed up by other tools",
        };
        let size = asset.size.as_ref().map(|size| format!(", {}", size.value)).unwrap_or_default();
        let lives = words::codes(asset.lives_in.iter().map(|domain| domain.value.as_str()));
        self.from(asset.at, format!("- {kind}{size}; the live data stands in {lives}."));
        if let Some(other) = &asset.references {
            let other_name = words::code(&other.value);
            self.from(other.at, format!("- Its contents refer to {other_name}: bring both back to one instant."));
        }
        let checks = words::codes(asset.checks.iter().map(|check| check.value.as_str()));
        if let Some(first) = asset.checks.first() {
            self.from(first.at, format!("- A restore counts when these checks pass: {checks}."));
        }
        let protections: Vec<&Protection> = policy.protections_of(&asset.name).collect();
        self.says("");
        if protections.is_empty() {
            self.says("**Nothing protects it.**");
            return;
        }
        self.says(markdown::row(["copies", "made", "stand in", "kept", "locked", "encrypted", "who can delete them"]));
        self.says(markdown::rule(&[false; 7]));
        for protection in protections {
            self.from(protection.at, markdown::row(row(policy, protection)));
        }
    }
}

fn row(policy: &Policy, protection: &Protection) -> [String; 7] {
    let kept = match &protection.mechanism {
        Mechanism::Log { window, .. } => window.value.to_string(),
        Mechanism::Mirror { .. } | Mechanism::Replica { .. } => "the newest alone".to_string(),
        _ => protection.retention.as_ref().map_or("not said".to_string(), |kept| kept.value.to_string()),
    };
    let encrypted = match protection.encrypted.as_ref().map(|on| on.value) {
        Some(true) => "yes",
        Some(false) => "no",
        None => "not said",
    };
    [
        words::code(&protection.name),
        made(protection),
        stands_in(protection),
        kept,
        protection.lock.as_ref().map_or("no".to_string(), |lock| lock.value.to_string()),
        encrypted.to_string(),
        who_can_delete(policy, protection),
    ]
}

fn made(protection: &Protection) -> String {
    match &protection.mechanism {
        Mechanism::Snapshot { schedule, .. } => {
            format!("at {} {}", words::code(&schedule.value.text), schedule.value.zone)
        }
        Mechanism::Mirror { schedule, .. } => {
            format!("a mirror, at {} {}", words::code(&schedule.value.text), schedule.value.zone)
        }
        Mechanism::Log { lag, .. } => format!("a log, {} behind", lag.value),
        Mechanism::Versioning => "old versions beside the live data".to_string(),
        Mechanism::Copy { of, delay } => format!("copies of {}, {} later", words::code(&of.value), delay.value),
        Mechanism::Replica { lag } => format!("a running copy, {} behind: it follows every mistake", lag.value),
    }
}

/// Where the copies are.
pub fn stands_in(protection: &Protection) -> String {
    words::codes(protection.stored_in.iter().map(|domain| domain.value.as_str()))
}

fn who_can_delete(policy: &Policy, protection: &Protection) -> String {
    let places: Vec<&str> = protection.stored_in.iter().map(|domain| domain.value.as_str()).collect();
    let reaches = |credential: &&crate::policy::Credential| {
        let all = policy.domain_closure(credential.can_delete.iter().map(|domain| domain.value.as_str()));
        places.iter().any(|place| all.contains(place))
    };
    let names = words::codes(policy.credentials.iter().filter(reaches).map(|c| c.name.as_str()));
    if names.is_empty() { "no declared credential".to_string() } else { names }
}
