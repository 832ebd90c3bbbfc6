//! SARIF 2.1.0, for code scanning: each finding a result at its line, each code a rule with its explanation.
//!
//! The level follows from the severity; the verdict is a property, since SARIF has no word for "not shown". What the
//! policy waives is suppressed in the source, what the baseline knows outside of it.

use serde_json::{Value, json};

use super::words;
use crate::audit::{Code, Finding, Severity};
use crate::base::{Fault, Result};
use crate::gate::{Judged, Judgement, Refused, Standing};
use crate::policy::{Place, SourceText};
use crate::report::text::{harmless, sentence};

pub fn of(judgement: &Judgement) -> Result<String> {
    let mut results = Vec::new();
    for judged in &judgement.policies {
        for (index, (finding, standing, fingerprint)) in judged.findings().enumerate() {
            results.push(result(judged, index, finding, standing, &fingerprint));
        }
    }
    let notifications: Vec<Value> = judgement.refused.iter().flat_map(notifications).collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "Plimsoll",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": Code::ALL.iter().map(|code| rule(*code)).collect::<Vec<_>>(),
            } },
            "automationDetails": { "id": format!("plimsoll/{}/", words::verb(judgement.verb)) },
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": judgement.refused.is_empty(),
                "toolConfigurationNotifications": notifications,
            }],
            "results": results,
        }],
    });
    let text = serde_json::to_string_pretty(&log).map_err(|e| Fault::bug("cannot write SARIF").because(e))?;
    Ok(text + "\n")
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "error",
        Severity::Major => "warning",
        Severity::Minor | Severity::Note => "note",
    }
}

fn rule(code: Code) -> Value {
    let what = sentence(code.description());
    json!({
        "id": code.name(),
        "shortDescription": { "text": what },
        "fullDescription": { "text": format!("{what}.") },
        "help": { "text": code.explanation(), "markdown": code.explanation() },
        "defaultConfiguration": { "level": level(code.severity()) },
        "properties": { "tags": code.controls(), "severity": words::severity(code.severity()) },
    })
}

fn result(judged: &Judged, index: usize, finding: &Finding, standing: Standing, fingerprint: &str) -> Value {
    let mut result = json!({
        "ruleId": finding.code.name(),
        "ruleIndex": Code::ALL.iter().position(|code| *code == finding.code),
        "level": level(finding.severity),
        "message": { "text": plain(&words::sentences(finding)) },
        "locations": [{
            "physicalLocation": place(&judged.file, finding.at, Some(&judged.source)),
            "logicalLocations": logical(finding),
        }],
        "relatedLocations": finding.also.iter().map(|at| also(judged, *at)).collect::<Vec<_>>(),
        "partialFingerprints": { "plimsoll/v1": fingerprint },
        "properties": {
            "verdict": words::verdict(finding.verdict),
            "standing": words::standing(standing),
            "policy": harmless(&judged.audit.policy),
            "evidence": finding.evidence.iter().map(|seen| harmless(seen)).collect::<Vec<_>>(),
            "controls": finding.controls,
        },
    });
    let suppressed = match (standing, &finding.waived) {
        (_, Some(by)) => Some(json!([{ "kind": "inSource", "justification": plain(&format!("waived by {by}")) }])),
        (Standing::Known, None) => {
            Some(json!([{ "kind": "external", "justification": "known: it stands in the baseline" }]))
        }
        _ => None,
    };
    if let (Some(object), Some(suppressed)) = (result.as_object_mut(), suppressed) {
        object.insert("suppressions".into(), suppressed);
    }
    if let (Some(object), Some(change)) = (result.as_object_mut(), &judged.change) {
        let state = if change.is_new(index) { "new" } else { "unchanged" };
        object.insert("baselineState".into(), json!(state));
    }
    result
}

fn also(judged: &Judged, at: Place) -> Value {
    json!({ "physicalLocation": place(&judged.file, Some(at), Some(&judged.source)) })
}

fn logical(finding: &Finding) -> Vec<Value> {
    let subject = &finding.subject;
    let named = [("asset", &subject.asset), ("scenario", &subject.scenario), ("protection", &subject.protection)];
    let named = named.into_iter().filter_map(|(kind, name)| name.as_ref().map(|name| (kind, harmless(name))));
    named
        .map(|(kind, name)| json!({ "name": name, "fullyQualifiedName": format!("{kind}.{name}"), "kind": kind }))
        .collect()
}

fn place(file: &str, at: Option<Place>, source: Option<&SourceText>) -> Value {
    let at = at.unwrap_or(Place { line: 1, column: 1, len: 1, ..Place::default() });
    let mut region = json!({
        "startLine": at.line.max(1),
        "startColumn": at.column.max(1),
        "endColumn": at.column.max(1).saturating_add(at.len),
    });
    if let (Some(region), Some(source)) = (region.as_object_mut(), source) {
        region.insert("snippet".into(), json!({ "text": harmless(source.line(at)) }));
    }
    let file = source.map_or(file, |source| &source.of(at).name);
    json!({ "artifactLocation": { "uri": uri(file) }, "region": region })
}

fn notifications(refused: &Refused) -> Vec<Value> {
    let notification = |at: Option<Place>, says: &str| {
        json!({
            "level": "error",
            "message": { "text": plain(says) },
            "locations": [{ "physicalLocation": place(&refused.file, at, refused.source.as_ref()) }],
        })
    };
    match refused.problems.as_slice() {
        [] => vec![notification(None, &refused.message)],
        problems => problems.iter().map(|problem| notification(Some(problem.at), &problem.message)).collect(),
    }
}

/// A path as a URI reference: relative to the root of the repository, or of a file where it is absolute.
fn uri(file: &str) -> String {
    let file = file.replace('\\', "/");
    let file = file.trim_start_matches("./");
    let mut uri = String::from(if file.starts_with('/') { "file://" } else { "" });
    for byte in file.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(byte as char),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

/// A message without links: in SARIF's plain text `[text](target)` is one.
fn plain(text: &str) -> String {
    harmless(text).replace('[', "\\[").replace(']', "\\]")
}
