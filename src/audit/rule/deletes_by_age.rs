//! Scripts that delete copies for their age, whatever else is left.

use crate::audit::beside::run_by;
use crate::audit::{Code, Context, Finding, Report, Subject};
use crate::script::Act;

pub fn check(context: &Context, report: &mut Report) {
    for script in &context.policy.beside.scripts {
        let names: Vec<&str> = run_by(context.policy, script).map(|p| p.name.as_str()).collect();
        let subject = match names.as_slice() {
            [only] => Subject::protection(only),
            _ => Subject::default(),
        };
        let Some(deletes) = script.facts.actions.iter().find(|a| a.act == Act::Delete && a.by_age) else { continue };
        // A count or another test may keep the last good ones: that cannot be told from here.
        if script.facts.decides {
            let why = format!("`{}` deletes by age, and not by age alone", script.path);
            report.pass(Code::DeletesByAge, subject, why);
            continue;
        }
        let message = format!(
            "`{}` deletes what is older than a date and asks for nothing else: as long as runs leave nothing good, each day \
             takes one good copy more, until none is left",
            script.name()
        );
        let finding = Finding::breached(Code::DeletesByAge, message).about(subject).at(deletes.at);
        report.find(
            finding.remedy("keep the newest copies that were read back, however old they are, and delete beside them"),
        );
    }
}
