//! An asset whose only protections are replicas and mirrors.

use crate::audit::recovery::quoted;
use crate::audit::{Code, Context, Finding, Report, Subject};
use crate::policy::Mechanism;

pub fn check(context: &Context, report: &mut Report) {
    for asset in &context.policy.assets {
        let follows = |m: &Mechanism| matches!(m, Mechanism::Replica { .. } | Mechanism::Mirror { .. });
        let all: Vec<_> = context.policy.protections_of(&asset.name).collect();
        let Some(first) = all.first() else { continue };
        let subject = Subject::asset(&asset.name);
        if let Some(other) = all.iter().find(|p| !follows(&p.mechanism)) {
            let why = format!("`{}` keeps earlier states", other.name);
            report.pass(Code::ReplicaAsBackup, subject, why);
            continue;
        }
        let names: Vec<&str> = all.iter().map(|p| p.name.as_str()).collect();
        let message = format!(
            "`{}` is protected by {} alone: a drop or a corruption is carried on into it",
            asset.name,
            quoted(&names)
        );
        let finding = Finding::breached(Code::ReplicaAsBackup, message).about(subject).at(first.at);
        report.find(finding.remedy("add snapshots, or versions with a retention"));
    }
}
