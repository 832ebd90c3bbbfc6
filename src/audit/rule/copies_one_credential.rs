//! One credential that can delete the live data and every copy that no lock protects.

use crate::audit::{Code, Context, Finding, Report, Subject};
use crate::policy::{Placed, Protection};

pub fn check(context: &Context, report: &mut Report) {
    for asset in &context.policy.assets {
        let copies: Vec<&Protection> = context.copies_of(asset).collect();
        let objective = context.objective(asset);
        let asked = objective.copies.is_some() || objective.immutable.as_ref().is_some_and(|asked| asked.value);
        if !asked || copies.is_empty() || asset.lives_in.is_empty() {
            continue;
        }
        let subject = Subject::asset(&asset.name);
        let almighty = context.policy.credentials.iter().find(|credential| {
            let reach = context.policy.domain_closure(credential.can_delete.iter().map(|d| d.value.as_str()));
            let within = |names: &[Placed<String>]| names.iter().any(|d| reach.contains(d.value.as_str()));
            within(&asset.lives_in) && copies.iter().all(|p| p.lock.is_none() && within(&p.stored_in))
        });
        let Some(credential) = almighty else {
            let why = "no declared credential can delete the live data and every copy";
            report.pass(Code::CopiesOneCredential, subject, why);
            continue;
        };
        let message = format!("`{}` alone can delete `{}` and all its copies", credential.name, asset.name);
        let at = credential.can_delete.first().map_or(credential.at, |d| d.at);
        let finding = Finding::breached(Code::CopiesOneCredential, message).about(subject).at(at);
        report.find(finding.remedy("let backups be written with a key that cannot delete, or lock one copy"));
    }
}
