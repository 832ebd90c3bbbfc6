//! The words and sentences that several forms share.

use crate::audit::{Audit, Finding, Measure, Severity, Subject, Verdict};
use crate::base::Span;
use crate::gate::change::{Delta, Direction, Origin};
use crate::gate::{Change, Judged, Judgement, Standing, Verb};
use crate::report::text::{count, sentence};
use crate::timeline::Loss;

pub fn verb(verb: Verb) -> &'static str {
    match verb {
        Verb::Check => "check",
        Verb::Audit => "audit",
    }
}

pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Met => "met",
        Verdict::Unproven => "unproven",
        Verdict::Breached => "breached",
    }
}

/// The verdict on an objective, if one was asked for.
pub fn verdict_on<T>(asked: &Option<T>, given: Verdict) -> &'static str {
    if asked.is_some() { verdict(given) } else { "not asked" }
}

pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Minor => "minor",
        Severity::Major => "major",
        Severity::Critical => "critical",
    }
}

pub fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Fails => "fails",
        Standing::Told => "told",
        Standing::Known => "known",
        Standing::Waived => "waived",
    }
}

pub fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Worse => "worse",
        Direction::Better => "better",
        Direction::Other => "changed",
    }
}

pub fn loss(measure: &Measure<Loss>) -> String {
    match measure {
        Measure::Known(Loss::Window(span)) => span.to_string(),
        Measure::Known(Loss::Total) => "everything".to_string(),
        Measure::Unknown(_) => "unknown".to_string(),
    }
}

pub fn span(measure: &Measure<Span>) -> String {
    match measure {
        Measure::Known(span) => span.to_string(),
        Measure::Unknown(_) => "unknown".to_string(),
    }
}

/// `database, infrastructure-failure`: what a finding is about.
pub fn about(subject: &Subject) -> String {
    let named = [&subject.asset, &subject.protection, &subject.scenario];
    named.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// What is wrong and what to do, as sentences.
pub fn sentences(finding: &Finding) -> String {
    let stop = |text: &str| if text.ends_with(['.', '!', '?']) { text.to_string() } else { format!("{text}.") };
    match finding.remedy.as_str() {
        "" => stop(&sentence(&finding.message)),
        remedy => format!("{} {}", stop(&sentence(&finding.message)), stop(&sentence(remedy))),
    }
}

/// `3 breached, 4 unproven, 1 known, 1 waived`, or none of them.
pub fn counts(judged: &Judged) -> String {
    let open = |verdict| judged.count(Standing::Fails, verdict) + judged.count(Standing::Told, verdict);
    let set_aside = |standing| judged.standings.iter().filter(|s| **s == standing).count();
    let parts = [
        (open(Verdict::Breached), "breached"),
        (open(Verdict::Unproven), "unproven"),
        (set_aside(Standing::Known), "known"),
        (set_aside(Standing::Waived), "waived"),
    ];
    let said: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    if said.is_empty() { "no finding".to_string() } else { said.join(", ") }
}

/// What the verdict means under this verb.
pub fn meaning(verb: Verb, audit: &Audit) -> &'static str {
    match (verb, audit.verdict) {
        (Verb::Check, Verdict::Breached) => "the plan breaks its objectives by its own figures",
        (Verb::Check, _) => "the plan keeps its objectives by its own figures; only evidence can prove them",
        (Verb::Audit, Verdict::Met) => "Met: every objective was kept, and the evidence shows it",
        (Verb::Audit, Verdict::Breached) => "Breached: an objective is broken",
        (Verb::Audit, Verdict::Unproven) => "Unproven: nothing is broken, and not everything is shown",
    }
}

/// `worse than main: 2 worse, 1 better, 1 new finding`.
pub fn change(judged: &Judged, change: &Change) -> String {
    match change.origin {
        Origin::Added => return format!("new, not in {}", change.with),
        Origin::Invalid => return format!("not compared: it was no valid policy in {}", change.with),
        _ => {}
    }
    if change.is_empty() {
        return format!("unchanged since {}", change.with);
    }
    let head = match judged.got_worse() {
        true => "worse than",
        false if change.count(Direction::Better) > 0 || !change.gone.is_empty() => "better than",
        false => "changed since",
    };
    let mut parts: Vec<String> = [Direction::Worse, Direction::Better, Direction::Other]
        .into_iter()
        .filter(|d| change.count(*d) > 0)
        .map(|d| format!("{} {}", change.count(d), direction(d)))
        .collect();
    if !change.new.is_empty() {
        parts.push(count(change.new.len(), "new finding", "new findings"));
    }
    if !change.gone.is_empty() {
        parts.push(count(change.gone.len(), "finding gone", "findings gone"));
    }
    if let Origin::Renamed { from } = &change.origin {
        parts.push(format!("renamed from {from}"));
    }
    format!("{head} {}: {}", change.with, parts.join(", "))
}

/// `RPO of `database`: 1 h → 24 h (+23 h)`.
pub fn delta(delta: &Delta) -> String {
    let by = delta.by.as_ref().map_or(String::new(), |by| format!(" ({by})"));
    format!("{}: {} → {}{by}", delta.what, delta.before, delta.after)
}

/// One line for the whole run: how many policies, and the worst of them.
pub fn overall(judgement: &Judgement) -> String {
    let policies = &judgement.policies;
    let breached = policies.iter().filter(|judged| judged.audit.verdict == Verdict::Breached).count();
    let mut parts = vec![count(policies.len(), "policy", "policies")];
    parts.push(match breached {
        0 => "none breaks its objectives".to_string(),
        1 => "1 breaks its objectives".to_string(),
        n => format!("{n} break their objectives"),
    });
    if !judgement.refused.is_empty() {
        parts.push(format!("{} refused", judgement.refused.len()));
    }
    if judgement.compared() {
        let worse = policies.iter().filter(|j| j.got_worse()).count() + judgement.removed.len();
        parts.push(if worse == 0 { "none got worse".to_string() } else { format!("{worse} got worse") });
    }
    parts.join(", ")
}
