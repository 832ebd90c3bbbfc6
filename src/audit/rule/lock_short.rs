//! Locks that end before the points that they protect do.

use crate::audit::{Code, Context, Finding, Report, Subject};

pub fn check(context: &Context, report: &mut Report) {
    for protection in &context.policy.protections {
        let (Some(lock), Some(kept)) = (&protection.lock, &protection.retention) else { continue };
        let asked = protection.assets.iter().filter_map(|name| context.policy.asset(&name.value));
        let mut asked = asked.filter_map(|asset| context.objective(asset).immutable);
        if !asked.any(|asked| asked.value) {
            continue;
        }
        let subject = Subject::protection(&protection.name);
        if lock.value >= kept.value {
            let why = format!("locked for {}, kept for {}", lock.value, kept.value);
            report.pass(Code::LockShort, subject, why);
            continue;
        }
        let message = format!(
            "`{}` is kept for {} and locked for {}: a stolen key can delete what is older than that",
            protection.name, kept.value, lock.value
        );
        let finding = Finding::breached(Code::LockShort, message).about(subject).at(lock.at).also([kept.at]);
        report.find(finding.remedy("lock points for as long as they are kept"));
    }
}
