//! A text file for node_exporter: gauges, so that an alert can be put on a verdict, a finding or an age.
//!
//! No timestamps, which a textfile must not carry: `plimsoll_as_of_seconds` says how old the figures are.

use std::fmt::Write as _;

use super::words;
use crate::audit::{Cell, Measure, Verdict};
use crate::base::Span;
use crate::gate::{Judged, Judgement};
use crate::report::text::harmless;
use crate::timeline::Loss;

const VERDICTS: [Verdict; 3] = [Verdict::Met, Verdict::Unproven, Verdict::Breached];

/// One gauge: its samples as labels and value.
struct Gauge {
    name: &'static str,
    help: &'static str,
    samples: Vec<(Vec<(&'static str, String)>, f64)>,
}

impl Gauge {
    fn new(name: &'static str, help: &'static str) -> Self {
        Gauge { name, help, samples: Vec::new() }
    }
}

pub fn of(judgement: &Judgement) -> String {
    let mut gauges = vec![as_of(judgement), refused(judgement), verdicts(judgement), findings(judgement)];
    gauges.extend(cells(judgement));
    let verb = words::verb(judgement.verb);
    let mut out = String::new();
    for gauge in gauges.iter().filter(|gauge| !gauge.samples.is_empty()) {
        let _ = writeln!(out, "# HELP {} {}\n# TYPE {} gauge", gauge.name, gauge.help, gauge.name);
        let mut lines: Vec<String> =
            gauge.samples.iter().map(|(labels, value)| sample(gauge.name, verb, labels, *value)).collect();
        // One series is one line: two policies of one name and file would be two.
        lines.sort_unstable();
        lines.dedup_by(|a, b| series(a) == series(b));
        out.extend(lines);
    }
    out
}

fn sample(name: &str, verb: &str, labels: &[(&str, String)], value: f64) -> String {
    let mut text = format!("{name}{{verb=\"{verb}\"");
    for (label, value) in labels {
        let _ = write!(text, ",{label}=\"{}\"", escaped(value));
    }
    let value = if value.is_infinite() { "+Inf".to_string() } else { value.to_string() };
    format!("{text}}} {value}\n")
}

/// A line without its value.
fn series(line: &str) -> &str {
    line.rsplit_once(' ').map_or(line, |(series, _)| series)
}

/// A label's value, in the three escapes that the format has.
fn escaped(text: &str) -> String {
    harmless(text).replace('\\', "\\\\").replace('"', "\\\"")
}

fn policy(judged: &Judged) -> Vec<(&'static str, String)> {
    vec![("policy", judged.audit.policy.clone()), ("file", judged.file.clone())]
}

fn as_of(judgement: &Judgement) -> Gauge {
    let mut gauge = Gauge::new("plimsoll_as_of_seconds", "Instant that was judged, in seconds since 1970.");
    for judged in &judgement.policies {
        gauge.samples.push((policy(judged), (judged.audit.as_of.0 as f64 / 1_000.0).floor()));
    }
    gauge
}

fn refused(judgement: &Judgement) -> Gauge {
    let mut gauge = Gauge::new("plimsoll_refused", "Policy files that could not be read.");
    gauge.samples.push((vec![], judgement.refused.len() as f64));
    gauge
}

fn verdicts(judgement: &Judgement) -> Gauge {
    let mut gauge = Gauge::new("plimsoll_verdict", "1 for the verdict on the policy, 0 for the others.");
    for judged in &judgement.policies {
        for verdict in VERDICTS {
            let mut labels = policy(judged);
            labels.push(("verdict", words::verdict(verdict).to_string()));
            gauge.samples.push((labels, f64::from(u8::from(judged.audit.verdict == verdict))));
        }
    }
    gauge
}

fn findings(judgement: &Judgement) -> Gauge {
    let mut gauge = Gauge::new("plimsoll_finding", "1 for each finding; standing says whether it fails the run.");
    for judged in &judgement.policies {
        for (finding, standing, fingerprint) in judged.findings() {
            let subject = &finding.subject;
            let named = |name: &Option<String>| name.clone().unwrap_or_default();
            let mut labels = policy(judged);
            labels.extend([
                ("code", finding.code.name().to_string()),
                ("verdict", words::verdict(finding.verdict).to_string()),
                ("severity", words::severity(finding.severity).to_string()),
                ("standing", words::standing(standing).to_string()),
                ("asset", named(&subject.asset)),
                ("scenario", named(&subject.scenario)),
                ("protection", named(&subject.protection)),
                ("fingerprint", fingerprint),
            ]);
            gauge.samples.push((labels, 1.0));
        }
    }
    gauge
}

/// Asked, declared and observed, for each asset in each scenario. What is not known has no sample.
fn cells(judgement: &Judgement) -> Vec<Gauge> {
    let mut objective = Gauge::new("plimsoll_objective_seconds", "Loss window or downtime that is allowed.");
    let mut loss =
        Gauge::new("plimsoll_loss_window_seconds", "Longest loss window; +Inf where everything can be lost.");
    let mut downtime = Gauge::new("plimsoll_downtime_seconds", "Longest downtime, as declared and as drilled.");
    let mut verdict = Gauge::new("plimsoll_objective_verdict", "1 for the verdict on an objective, 0 for the others.");
    for judged in &judgement.policies {
        for cell in &judged.audit.cells {
            let with = |label: &'static str, value: &str| {
                let mut labels = place(judged, cell);
                labels.push((label, value.to_string()));
                labels
            };
            for (name, asked, given) in [("rpo", cell.rpo, cell.rpo_verdict), ("rto", cell.rto, cell.rto_verdict)] {
                let Some(asked) = asked else { continue };
                objective.samples.push((with("objective", name), asked.as_secs()));
                for word in VERDICTS {
                    let mut labels = with("objective", name);
                    labels.push(("verdict", words::verdict(word).to_string()));
                    verdict.samples.push((labels, f64::from(u8::from(given == word))));
                }
            }
            for (basis, measure) in [("declared", &cell.declared_loss), ("observed", &cell.observed_loss)] {
                loss.samples.extend(seconds(measure).map(|value| (with("basis", basis), value)));
            }
            for (basis, measure) in [("declared", &cell.declared_downtime), ("drilled", &cell.drilled_downtime)] {
                let known = match measure {
                    Measure::Known(span) => Some(Span::as_secs(*span)),
                    Measure::Unknown(_) => None,
                };
                downtime.samples.extend(known.map(|value| (with("basis", basis), value)));
            }
        }
    }
    vec![objective, verdict, loss, downtime]
}

fn place(judged: &Judged, cell: &Cell) -> Vec<(&'static str, String)> {
    let mut labels = policy(judged);
    labels.extend([("asset", cell.asset.clone()), ("scenario", cell.scenario.clone())]);
    labels
}

fn seconds(measure: &Measure<Loss>) -> Option<f64> {
    match measure {
        Measure::Known(Loss::Window(span)) => Some(span.as_secs()),
        // An alert on "more than" must not fall silent when all is lost.
        Measure::Known(Loss::Total) => Some(f64::INFINITY),
        Measure::Unknown(_) => None,
    }
}
