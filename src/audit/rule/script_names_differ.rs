//! Names that one script reads and none writes.

use crate::audit::{Code, Context, Finding, Report, Subject};
use crate::script::{Act, Action};

pub fn check(context: &Context, report: &mut Report) {
    let scripts = &context.policy.beside.scripts;
    let of = |act| {
        scripts.iter().flat_map(move |s| s.facts.actions.iter().filter(move |a| a.act == act).map(move |a| (s, a)))
    };
    for (script, read) in of(Act::Read) {
        let Some(store) = read.name.store() else { continue };
        let written: Vec<(_, &Action)> = of(Act::Write).filter(|(_, a)| a.name.store() == Some(store)).collect();
        if written.is_empty() {
            continue;
        }
        // One name that may be equal, or cannot be told, is enough to say nothing.
        if written.iter().any(|(_, a)| a.name.may_equal(&read.name) != Some(false)) {
            if written.iter().any(|(_, a)| a.name.may_equal(&read.name) == Some(true)) {
                let why = format!("`{}` reads `{}`, a name that is written", script.path, read.name.shown());
                report.pass(Code::ScriptNamesDiffer, Subject::default(), why);
            }
            continue;
        }
        let by_default = if read.name.by_default { " unless it is told another name" } else { "" };
        let names: Vec<String> =
            written.iter().map(|(s, a)| format!("`{}` (`{}`)", a.name.shown(), s.name())).collect();
        let message = format!(
            "`{}` looks for `{}`{by_default}, and what is written is {}: it can never find one",
            script.name(),
            read.name.shown(),
            names.join(", ")
        );
        let finding = Finding::breached(Code::ScriptNamesDiffer, message).at(read.at);
        let finding = finding.also(written.iter().map(|(_, a)| a.at));
        report
            .find(finding.remedy("let both make the name from one pattern, or look for the newest name that is there"));
    }
}
