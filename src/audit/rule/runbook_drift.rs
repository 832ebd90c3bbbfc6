//! The committed recovery plan against the one that the policy makes.

use crate::audit::{Code, Context, Finding, Report, Subject};
use crate::base::Place;
use crate::policy::RunbookCopy;
use crate::runbook::{Plan, drift};

/// Stretches that are told one by one; a copy that differs in more is another plan.
const MOST: usize = 12;
/// Characters of a line that are shown.
const SHOWN: usize = 100;

const REMEDY: &str =
    "write what is right into the policy, and make the copy anew with `plimsoll report runbook POLICY --out FILE`";

pub fn check(context: &Context, report: &mut Report) {
    let Some(copy) = &context.policy.beside.runbook else { return };
    let path = &copy.path;
    let find = |message: String, at: Option<Place>, also: Option<Place>| {
        Finding::breached(Code::RunbookDrift, message).at(at).also(also).remedy(REMEDY)
    };
    let file = match &copy.file {
        Ok(file) => *file,
        Err(why) => {
            let message = format!("the recovery plan `{path}` cannot be read: {why}");
            return report.find(find(message, copy.at, None));
        }
    };
    let text = &context.policy.source.of(Place { file, ..Place::default() }).text;
    let drifts = drift::between(&Plan::of(context.policy), text);
    let place = |line: usize| Place::on(file, line, 1, text.lines().nth(line - 1).map_or(1, |l| l.chars().count()));
    match drifts.as_slice() {
        [] => {
            let why = format!("`{path}` is the plan that the policy makes");
            report.pass(Code::RunbookDrift, Subject::default(), why);
        }
        few if few.len() <= MOST => {
            for drift in few {
                let at = drift.at.or(copy.at);
                report.find(find(told(copy, drift), at.or(Some(place(drift.line))), at.map(|_| place(drift.line))));
            }
        }
        many => {
            let message =
                format!("the recovery plan `{path}` differs from the policy's in {} places: it is another", many.len());
            report.find(find(message, copy.at.or(Some(place(1))), copy.at.map(|_| place(1))));
        }
    }
}

fn told(copy: &RunbookCopy, drift: &drift::Drift) -> String {
    let path = &copy.path;
    let more = match drift.lines {
        0 | 1 => String::new(),
        lines => format!(" ({lines} lines)"),
    };
    match (&drift.plan, &drift.copy) {
        (Some(plan), Some(copy)) => {
            format!("`{path}` says \"{}\", and the policy makes \"{}\" of it{more}", shown(copy), shown(plan))
        }
        (Some(plan), None) => format!("`{path}` lacks \"{}\", which the policy makes{more}", shown(plan)),
        (None, Some(copy)) => format!("`{path}` says \"{}\", which is not in the policy{more}", shown(copy)),
        (None, None) => format!("`{path}` differs from what the policy makes"),
    }
}

/// The line in short, without marks that would set a part of it as code.
fn shown(line: &str) -> String {
    let line: String = line.trim().chars().filter(|c| *c != '`').collect();
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or(&line)),
        None => line,
    }
}
