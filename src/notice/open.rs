//! The troubles that are open: runs that failed and were not done well since, and what the audit found.

use std::collections::BTreeMap;

use crate::audit::{Audit, Finding, Severity, Verdict};
use crate::base::Instant;
use crate::evidence::{Evidence, Ran};
use crate::gate::fingerprint;
use crate::policy::Occasion;

/// Something that somebody should know of.
#[derive(Debug, Clone, PartialEq)]
pub struct Trouble {
    /// What it is known again by, whatever its figures.
    pub key: String,
    pub occasion: Occasion,
    /// The asset, scenario and protection that it is about.
    pub about: String,
    pub title: String,
    pub detail: String,
    /// What to do.
    pub remedy: String,
}

/// What a look at the evidence showed.
#[derive(Debug, Clone, Default)]
pub struct Look {
    pub open: Vec<Trouble>,
    /// What was done well last, by the keys of its failures, and when.
    pub well: BTreeMap<String, Instant>,
    /// The whole of the evidence was held against the policy: a breach that is not open is over.
    pub audited: bool,
}

/// One verb on one asset for one protection; the last word on it is what its newest run did.
pub fn key_of(verb: &str, asset: &str, protection: Option<&str>) -> String {
    format!("failure {verb} {asset} {}", protection.unwrap_or("-"))
}

/// All that the evidence and its audit show.
pub fn look(evidence: &Evidence, ran: &[Ran], audit: &Audit) -> Look {
    let mut look = runs(evidence, ran);
    look.audited = true;
    look.open.extend(audit.findings.iter().filter(|finding| counts(finding)).map(|f| trouble(&audit.policy, f)));
    look
}

/// What the newest run of everything did.
pub fn runs<'a>(evidence: &Evidence, ran: impl IntoIterator<Item = &'a Ran>) -> Look {
    let mut look = Look::default();
    let mut newest: BTreeMap<String, &Ran> = BTreeMap::new();
    for run in ran {
        let key = key_of(&run.verb, &run.asset, run.protection.as_deref());
        let last = newest.entry(key).or_insert(run);
        if (last.ended_at(), &last.id) < (run.ended_at(), &run.id) {
            *last = run;
        }
    }
    for (key, run) in newest {
        match (&run.failed, captured_since(evidence, run)) {
            (None, _) => drop(look.well.insert(key, run.ended_at())),
            (Some(_), Some(at)) => drop(look.well.insert(key, at)),
            (Some(why), None) => look.open.push(failure(key, &run.verb, &run.asset, why)),
        }
    }
    look
}

/// What one run that ended at `at` shows, of itself alone.
pub fn run((verb, asset, protection): (&str, &str, Option<&str>), failed: Option<&str>, at: Instant) -> Look {
    let key = key_of(verb, asset, protection);
    match failed {
        Some(why) => Look { open: vec![failure(key, verb, asset, why)], ..Look::default() },
        None => Look { well: BTreeMap::from([(key, at)]), ..Look::default() },
    }
}

impl Look {
    /// With what is known better: of the same keys, `newer` counts.
    pub fn with(mut self, newer: Look) -> Look {
        self.open.retain(|old| !newer.well.contains_key(&old.key) && newer.open.iter().all(|new| new.key != old.key));
        self.well.retain(|key, _| newer.open.iter().all(|new| new.key != *key));
        self.open.extend(newer.open);
        self.well.extend(newer.well);
        self.audited |= newer.audited;
        self
    }
}

/// A capture that broke goes on by itself: that it captures again is told by what it stored, not by its end.
fn captured_since(evidence: &Evidence, run: &Ran) -> Option<Instant> {
    let of_asset = evidence.coverage.iter().filter(|c| run.verb == "capture" && c.asset == run.asset);
    of_asset.map(|c| c.available_at).max().filter(|at| *at > run.ended_at())
}

/// What a run is of where it is of no asset alone.
pub const WHOLE: &str = "the repository";

fn failure(key: String, verb: &str, asset: &str, why: &str) -> Trouble {
    let title = match verb {
        "notify" if asset != WHOLE => format!("a notice to {asset} could not be sent"),
        verb => format!("{verb} of {asset} failed"),
    };
    let remedy = "`plimsoll runs` shows what ran; run it again by hand".to_string();
    Trouble { key, occasion: Occasion::Failure, about: asset.to_string(), title, detail: why.to_string(), remedy }
}

fn counts(finding: &Finding) -> bool {
    finding.waived.is_none() && finding.severity > Severity::Note && finding.verdict != Verdict::Met
}

fn trouble(policy: &str, finding: &Finding) -> Trouble {
    let subject = &finding.subject;
    let about = [&subject.asset, &subject.scenario, &subject.protection];
    let about: Vec<&str> = about.into_iter().flatten().map(String::as_str).collect();
    let occasion = if finding.verdict == Verdict::Breached { Occasion::Breach } else { Occasion::Unproven };
    let of = if about.is_empty() { String::new() } else { format!(" ({})", about.join(", ")) };
    Trouble {
        key: format!("finding {}", fingerprint::fingerprint(policy, finding)),
        occasion,
        about: about.join(" "),
        title: format!("{}{of}", finding.code.name()),
        detail: finding.message.clone(),
        remedy: finding.remedy.clone(),
    }
}
