//! The findings that were there when a team began: known ones do not fail a run, new ones do, and gone ones are told.
//!
//! A known finding is still a finding: every format shows it, and no verdict gets better by it.

use serde::{Deserialize, Serialize};

use super::fingerprint::keys;
use crate::audit::{Audit, Finding, Severity, Verdict};

/// The version of the file's form.
const VERSION: u32 = 1;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    pub plimsoll_baseline: u32,
    pub known: Vec<Known>,
}

/// One thing that is known to be wrong. The fingerprint decides; the rest tells people what it stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    pub policy: String,
    pub code: String,
    pub about: String,
    /// Known as unproven, a finding that breaches is new.
    pub verdict: Verdict,
    pub fingerprint: String,
}

impl Baseline {
    /// All open findings of these audits. What a waiver accepts is left out: it shall fail when the waiver ends.
    pub fn of<'a>(audits: impl IntoIterator<Item = &'a Audit>) -> Self {
        let mut known: Vec<Known> = audits.into_iter().flat_map(known_of).collect();
        known.sort();
        Baseline { plimsoll_baseline: VERSION, known }
    }

    /// Reads the file's text; the message says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let baseline: Baseline = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match baseline.plimsoll_baseline {
            VERSION => Ok(baseline),
            other => Err(format!("its version is {other}; this Plimsoll reads {VERSION}")),
        }
    }
}

fn known_of(audit: &Audit) -> Vec<Known> {
    let open = audit.findings.iter().filter(|f| counts(f));
    open.flat_map(|finding| {
        keys(&audit.policy, finding).into_iter().enumerate().map(|(index, fingerprint)| Known {
            policy: audit.policy.clone(),
            code: finding.code.name().to_string(),
            about: about(finding, index),
            verdict: finding.verdict,
            fingerprint,
        })
    })
    .collect()
}

/// Whether a finding judges and nobody accepts it.
pub fn counts(finding: &Finding) -> bool {
    finding.waived.is_none() && finding.severity > Severity::Note
}

fn about(finding: &Finding, part: usize) -> String {
    if let Some(part) = finding.parts.get(part) {
        return part.clone();
    }
    let subject = &finding.subject;
    let named: Vec<&str> =
        [&subject.asset, &subject.protection, &subject.scenario].into_iter().flatten().map(String::as_str).collect();
    named.join(" ")
}

/// The known findings that no finding has claimed yet. Each is claimed once, so that a second of the same kind is new.
#[derive(Debug, Clone)]
pub struct Claims {
    left: Vec<(Known, bool)>,
}

impl Claims {
    pub fn on(baseline: &Baseline) -> Self {
        Claims { left: baseline.known.iter().map(|known| (known.clone(), false)).collect() }
    }

    /// Whether all that the finding tells is known, at least as bad as it is now.
    pub fn claim(&mut self, policy: &str, finding: &Finding) -> bool {
        // All of them, also after one was not known: what is still there is not gone.
        let claimed: Vec<bool> = keys(policy, finding)
            .into_iter()
            .map(|key| {
                let free = self.left.iter_mut().filter(|(known, claimed)| !claimed && known.fingerprint == key);
                // The least that is bad enough; else what is there, though it was better then.
                let entry = free.min_by_key(|(known, _)| (known.verdict < finding.verdict, known.verdict));
                entry.is_some_and(|(known, claimed)| {
                    *claimed = true;
                    known.verdict >= finding.verdict
                })
            })
            .collect();
        claimed.into_iter().all(|known| known)
    }

    /// What is known of these policies and was found no more.
    pub fn gone(self, policies: &[&str]) -> Vec<Known> {
        let unclaimed = self.left.into_iter().filter(|(_, claimed)| !claimed).map(|(known, _)| known);
        unclaimed.filter(|known| policies.contains(&known.policy.as_str())).collect()
    }
}
