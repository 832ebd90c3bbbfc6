//! JUnit XML, for CI servers: a suite for each policy, a case for each finding and for each rule that was held.
//!
//! What fails the run fails here, and nothing else: the rest is skipped with its message, so that a server's colour and
//! the exit status agree.

use std::fmt::Write as _;

use super::words;
use crate::audit::Finding;
use crate::gate::{FailOn, Judged, Judgement, Standing};
use crate::report::text::{harmless, steers};

/// One case: its name, and what stands within it.
struct Case {
    name: String,
    outcome: Outcome,
    says: String,
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed(&'static str),
    Error,
    Skipped,
}

pub fn of(judgement: &Judgement) -> String {
    let mut suites: Vec<(String, Vec<Case>)> = Vec::new();
    for judged in &judgement.policies {
        suites.push((format!("{} ({})", judged.audit.policy, judged.file), cases(judgement, judged)));
    }
    for refused in &judgement.refused {
        let problems =
            refused.source.as_ref().map(|source| refused.problems.iter().map(|p| p.render(source)).collect());
        let text: String = problems.unwrap_or_default();
        let says = refused.message.clone();
        let case = Case { name: "the policy can be read".into(), outcome: Outcome::Error, says, text };
        suites.push((refused.file.clone(), vec![case]));
    }
    for removed in &judgement.removed {
        let outcome = if judgement.fail_on == FailOn::Worse { Outcome::Failed("worse") } else { Outcome::Skipped };
        let says = format!("removed since {}; it promises nothing any more", removed.with);
        let case = Case { name: "the policy is still there".into(), outcome, says, text: String::new() };
        suites.push((format!("{} ({})", removed.policy, removed.file), vec![case]));
    }
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let all = || suites.iter().flat_map(|(_, cases)| cases);
    let _ = writeln!(out, "<testsuites name=\"plimsoll {}\"{}>", words::verb(judgement.verb), numbers(all()));
    for (name, cases) in &suites {
        let at = judgement.as_of.to_utc().format("%Y-%m-%dT%H:%M:%S");
        let name = escaped(name);
        let _ = writeln!(out, "  <testsuite name=\"{name}\"{} timestamp=\"{at}\">", numbers(cases.iter()));
        for case in cases {
            write(&mut out, &name, case);
        }
        out.push_str("  </testsuite>\n");
    }
    out + "</testsuites>\n"
}

fn numbers<'a>(cases: impl Iterator<Item = &'a Case>) -> String {
    let (mut tests, mut failures, mut errors, mut skipped) = (0, 0, 0, 0);
    for case in cases {
        tests += 1;
        match case.outcome {
            Outcome::Passed => {}
            Outcome::Failed(_) => failures += 1,
            Outcome::Error => errors += 1,
            Outcome::Skipped => skipped += 1,
        }
    }
    format!(" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\" time=\"0\"")
}

fn cases(judgement: &Judgement, judged: &Judged) -> Vec<Case> {
    let name = |code: &str, about: String| if about.is_empty() { code.to_string() } else { format!("{code}: {about}") };
    let mut cases: Vec<Case> = judged
        .findings()
        .map(|(finding, standing, fingerprint)| Case {
            name: name(finding.code.name(), words::about(&finding.subject)),
            outcome: match standing {
                Standing::Fails => Outcome::Failed(words::verdict(finding.verdict)),
                _ => Outcome::Skipped,
            },
            says: match (standing, &finding.waived) {
                (_, Some(by)) => format!("waived by {by}: {}", finding.message),
                (Standing::Known, _) => format!("known: {}", finding.message),
                _ => finding.message.clone(),
            },
            text: text(judged, finding, &fingerprint),
        })
        .collect();
    cases.extend(judged.audit.passes.iter().map(|pass| Case {
        name: name(pass.code.name(), words::about(&pass.subject)),
        outcome: Outcome::Passed,
        says: pass.why.clone(),
        text: String::new(),
    }));
    let deltas = judged.change.iter().flat_map(|change| change.deltas.iter().map(move |delta| (change, delta)));
    cases.extend(deltas.filter(|(_, delta)| delta.fails()).map(|(change, delta)| Case {
        name: format!("no worse than {}: {}", change.with, delta.what),
        outcome: if judgement.fail_on == FailOn::Worse { Outcome::Failed("worse") } else { Outcome::Skipped },
        says: words::delta(delta),
        text: String::new(),
    }));
    cases
}

fn text(judged: &Judged, finding: &Finding, fingerprint: &str) -> String {
    let mut text = String::new();
    for at in finding.at.iter().chain(&finding.also).copied() {
        let _ = writeln!(text, "{}:{}:{}", judged.source.of(at).name, at.line, at.column);
        let _ = writeln!(text, "{}", judged.source.line(at).trim());
    }
    finding.evidence.iter().for_each(|evidence| text.push_str(&format!("seen: {}\n", harmless(evidence))));
    let _ = writeln!(text, "help: {}", finding.remedy);
    let _ = writeln!(text, "bears on: {}", finding.controls.join(", "));
    let _ = writeln!(text, "fingerprint: {fingerprint}");
    text
}

fn write(out: &mut String, suite: &str, case: &Case) {
    let head = format!("    <testcase classname=\"{suite}\" name=\"{}\" time=\"0\"", escaped(&case.name));
    let says = escaped(&case.says);
    let text = in_lines(&case.text);
    let _ = match case.outcome {
        Outcome::Passed => writeln!(out, "{head}><system-out>{says}</system-out></testcase>"),
        Outcome::Skipped => writeln!(out, "{head}><skipped message=\"{says}\"/></testcase>"),
        Outcome::Failed(kind) => {
            writeln!(out, "{head}><failure type=\"{kind}\" message=\"{says}\">{text}</failure></testcase>")
        }
        Outcome::Error => writeln!(out, "{head}><error type=\"refused\" message=\"{says}\">{text}</error></testcase>"),
    };
}

/// On one line, in the five references that XML has; a character that XML has no place for becomes U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in harmless(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// The same with its lines kept.
fn in_lines(text: &str) -> String {
    let line = |line: &str| escaped(&line.chars().map(|c| if steers(c) { ' ' } else { c }).collect::<String>());
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}
