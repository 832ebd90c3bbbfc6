//! A rule of the store that removes points before their retention ends.

use crate::audit::{Code, Context, Finding, Report, Subject};

pub fn check(context: &Context, report: &mut Report) {
    for protection in &context.policy.protections {
        let Some(ends) = &protection.lifecycle else { continue };
        let subject = Subject::protection(&protection.name);
        let Some(asked) = &protection.cut_short else {
            let why = format!("the store removes points after {}, no sooner than the plan does", ends.value);
            report.pass(Code::LifecycleShort, subject, why);
            continue;
        };
        let message = format!(
            "`{}` is to be kept for {}, and the store removes it after {}: only that is judged as kept",
            protection.name, asked.value, ends.value
        );
        let finding = Finding::breached(Code::LifecycleShort, message).about(subject).at(ends.at).also([asked.at]);
        report.find(finding.remedy("let the store's rule end after the retention, as a net for what pruning forgets"));
    }
}
