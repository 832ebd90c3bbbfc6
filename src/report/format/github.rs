//! Annotations of GitHub Actions: workflow commands, one a line. Nothing that a policy holds can end a line or begin
//! another command.

use std::fmt::Write as _;

use super::words;
use crate::audit::{Severity, Verdict};
use crate::gate::change::Delta;
use crate::gate::{FailOn, Judged, Judgement, Standing};
use crate::policy::Place;
use crate::report::text::{harmless, shortened};

/// Characters of a message that a page still shows well.
const LONGEST: usize = 2_000;

pub fn of(judgement: &Judgement) -> String {
    let mut out = String::new();
    for refused in &judgement.refused {
        for problem in &refused.problems {
            let help = problem.help.as_ref().map_or(String::new(), |help| format!(" ({help})"));
            let says = format!("{}{help}", problem.message);
            let file = refused.source.as_ref().map_or(&refused.file, |source| &source.of(problem.at).name);
            annotate(&mut out, "error", file, Some(problem.at), "invalid policy", &says);
        }
        if refused.problems.is_empty() {
            annotate(&mut out, "error", &refused.file, None, "policy not read", &refused.message);
        }
    }
    for judged in &judgement.policies {
        findings(&mut out, judged);
        changes(&mut out, judgement, judged);
    }
    for removed in &judgement.removed {
        let level = if judgement.fail_on == FailOn::Worse { "error" } else { "warning" };
        let says = format!("{} is removed since {}; it promises nothing any more", removed.policy, removed.with);
        annotate(&mut out, level, &removed.file, None, "policy removed", &says);
    }
    let _ = writeln!(out, "::notice title=Plimsoll::{}", data(&words::overall(judgement)));
    out
}

/// What fails the run is an error, what does not is a warning or a notice.
fn findings(out: &mut String, judged: &Judged) {
    for (finding, standing, _) in judged.findings() {
        let level = match standing {
            Standing::Fails => "error",
            Standing::Told if finding.verdict == Verdict::Breached => "warning",
            Standing::Told if finding.severity >= Severity::Major => "warning",
            Standing::Told | Standing::Known => "notice",
            // Accepted: it stands in the other forms.
            Standing::Waived => continue,
        };
        let known = if standing == Standing::Known { "known, " } else { "" };
        let title = format!("{} ({known}{})", finding.code, words::verdict(finding.verdict));
        let file = finding.at.map_or(&judged.file, |at| &judged.source.of(at).name);
        annotate(out, level, file, finding.at, &title, &words::sentences(finding));
    }
}

fn changes(out: &mut String, judgement: &Judgement, judged: &Judged) {
    let Some(change) = &judged.change else { return };
    for delta in change.deltas.iter().filter(|delta| delta.fails()) {
        let level = if judgement.fail_on == FailOn::Worse { "error" } else { "warning" };
        let title = format!("worse than {}", change.with);
        annotate(out, level, &judged.file, None, &title, &words::delta(delta));
    }
    let told: Vec<&Delta> = change.deltas.iter().filter(|delta| !delta.fails()).collect();
    if !told.is_empty() {
        let says: Vec<String> = told.into_iter().map(words::delta).collect();
        annotate(out, "notice", &judged.file, None, &words::change(judged, change), &says.join("; "));
    }
}

fn annotate(out: &mut String, level: &str, file: &str, at: Option<Place>, title: &str, says: &str) {
    let place = at.map_or(String::new(), |at| {
        format!(",line={},col={},endColumn={}", at.line, at.column, at.column.saturating_add(at.len))
    });
    let (file, title) = (property(file), property(title));
    let says = data(&shortened(says, LONGEST));
    let _ = writeln!(out, "::{level} file={file}{place},title={title}::{says}");
}

/// The text of a command, in the escapes that the runner knows.
fn data(text: &str) -> String {
    harmless(text).replace('%', "%25")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
