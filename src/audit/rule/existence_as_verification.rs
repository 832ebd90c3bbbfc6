//! Scripts that list what they have written, and take that for a verification.

use crate::audit::beside::{only_listed, run_by};
use crate::audit::{Code, Context, Finding, Report, Subject};
use crate::policy::Protection;
use crate::script::Act;

pub fn check(context: &Context, report: &mut Report) {
    for script in &context.policy.beside.scripts {
        let runs: Vec<&Protection> = run_by(context.policy, script).collect();
        let subject = match runs.as_slice() {
            [only] => Subject::protection(&only.name),
            _ => Subject::default(),
        };
        let Some((listed, written)) = only_listed(script) else {
            let reads = script.facts.actions.iter().any(|a| a.act == Act::Read) || script.facts.compares;
            if reads && script.facts.actions.iter().any(|a| a.act == Act::Write) {
                let why = format!("`{}` reads or compares what it writes", script.path);
                report.pass(Code::ExistenceAsVerification, subject, why);
            }
            continue;
        };
        let claims = runs.iter().find(|p| p.verified.as_ref().is_some_and(|verified| verified.value));
        let claimed = claims.map(|p| format!("; the policy says that `{}` is verified", p.name)).unwrap_or_default();
        let message = format!(
            "`{}` lists `{}` after it wrote it, and nothing in it reads it back: a listing shows that a name exists{claimed}",
            script.name(),
            written.name.shown()
        );
        let declared = runs.iter().filter_map(|p| p.verified.as_ref()).map(|verified| verified.at);
        let finding = Finding::breached(Code::ExistenceAsVerification, message).about(subject).at(listed.at);
        let finding = finding.also([written.at]).also(declared);
        report.find(finding.remedy("read what was written back and compare its hash with that of what was sent"));
    }
}
