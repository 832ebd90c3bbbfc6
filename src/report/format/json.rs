//! JSON, for tools: everything that is known of the run. `schema` describes it.

use serde::Serialize;
use serde_json::{Value, json};

use crate::audit::{Audit, Finding, Pass, Verdict};
use crate::base::{Fault, Instant, Result, Window};
use crate::gate::change::{Delta, Origin};
use crate::gate::{Change, FailOn, Judged, Judgement, Known, Refused, Removed, Standing, Verb};
use crate::policy::Place;

/// The version of this form: a field may come, none goes or changes its meaning under the same number.
const FORM: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    form: u32,
    tool: String,
    verb: Verb,
    as_of: Instant,
    /// Worst of all policies; none where no policy could be read.
    verdict: Option<Verdict>,
    fail_on: FailOn,
    /// What the run ends with, refused files apart.
    outcome: Verdict,
    policies: Vec<Policy<'a>>,
    refused: Vec<Value>,
    removed: &'a [Removed],
    gone: &'a [Known],
}

#[derive(Serialize)]
struct Policy<'a> {
    file: &'a str,
    policy: &'a str,
    files: &'a [String],
    window: Window,
    verdict: Verdict,
    cells: &'a [crate::audit::Cell],
    findings: Vec<Found<'a>>,
    passes: &'a [Pass],
    change: Option<Changed<'a>>,
}

#[derive(Serialize)]
struct Found<'a> {
    fingerprint: String,
    standing: Standing,
    #[serde(flatten)]
    finding: &'a Finding,
}

#[derive(Serialize)]
struct Changed<'a> {
    with: &'a str,
    origin: &'a Origin,
    worse: bool,
    verdict_before: Option<Verdict>,
    deltas: &'a [Delta],
    /// Fingerprints.
    new: Vec<String>,
    gone: &'a [Known],
    unsaid: &'a [String],
}

pub fn of(judgement: &Judgement) -> Result<Value> {
    let document = Document {
        form: FORM,
        tool: concat!("plimsoll ", env!("CARGO_PKG_VERSION")).to_string(),
        verb: judgement.verb,
        as_of: judgement.as_of,
        verdict: judgement.verdict(),
        fail_on: judgement.fail_on,
        outcome: judgement.outcome(),
        policies: judgement.policies.iter().map(policy).collect(),
        refused: judgement.refused.iter().map(refused).collect(),
        removed: &judgement.removed,
        gone: &judgement.gone,
    };
    serde_json::to_value(document).map_err(|e| Fault::bug("cannot write JSON").because(e))
}

pub fn text(judgement: &Judgement) -> Result<String> {
    let text = serde_json::to_string_pretty(&of(judgement)?);
    Ok(text.map_err(|e| Fault::bug("cannot write JSON").because(e))? + "\n")
}

fn policy(judged: &Judged) -> Policy<'_> {
    let Audit { policy, files, window, verdict, cells, passes, .. } = &judged.audit;
    let found = |(finding, standing, fingerprint)| Found { fingerprint, standing, finding };
    Policy {
        file: &judged.file,
        policy,
        files,
        window: *window,
        verdict: *verdict,
        cells,
        findings: judged.findings().map(found).collect(),
        passes,
        change: judged.change.as_ref().map(|change| changed(judged, change)),
    }
}

fn changed<'a>(judged: &'a Judged, change: &'a Change) -> Changed<'a> {
    let fingerprints: Vec<String> = judged.findings().map(|(.., fingerprint)| fingerprint).collect();
    Changed {
        with: &change.with,
        origin: &change.origin,
        worse: change.worse(&judged.audit),
        verdict_before: change.verdict_before,
        deltas: &change.deltas,
        new: change.new.iter().filter_map(|index| fingerprints.get(*index).cloned()).collect(),
        gone: &change.gone,
        unsaid: &change.unsaid,
    }
}

fn refused(refused: &Refused) -> Value {
    let problem =
        |(at, message, help): (&Place, &str, &Option<String>)| json!({ "at": at, "message": message, "help": help });
    let problems: Vec<Value> = refused.problems.iter().map(|p| problem((&p.at, &p.message, &p.help))).collect();
    json!({ "file": refused.file, "message": refused.message, "help": refused.help, "problems": problems })
}
