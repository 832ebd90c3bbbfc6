//! Protections that help in no declared failure.

use crate::audit::{Code, Context, Finding, Report, Subject};
use crate::policy::Mechanism;

pub fn check(context: &Context, report: &mut Report) {
    for protection in &context.policy.protections {
        let subject = Subject::protection(&protection.name);
        let of_it = |case: &&crate::audit::Case| protection.assets.iter().any(|a| a.value == case.asset.name);
        let mut struck = context.cases.iter().filter(of_it).peekable();
        // A replica serves; whether it counts as a backup is another rule's. Without any failure nothing can help.
        let judged = !matches!(protection.mechanism, Mechanism::Replica { .. }) && struck.peek().is_some();
        let helps = struck.find(|case| case.promises.iter().any(|p| p.protection == protection.name));
        let message = match (protection.assets.is_empty(), helps) {
            (true, _) => format!("`{}` protects no asset", protection.name),
            (false, None) if judged => {
                format!("`{}` survives and undoes none of the failures that strike what it protects", protection.name)
            }
            (false, helps) => {
                if let Some(case) = helps {
                    report.pass(Code::ProtectionUnused, subject, format!("it helps against {}", case.scenario.title));
                }
                continue;
            }
        };
        let finding = Finding::breached(Code::ProtectionUnused, message).about(subject).at(protection.at);
        report.find(finding.remedy("move it to where it helps, declare the failure that it is for, or take it out"));
    }
}
