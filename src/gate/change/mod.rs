//! A policy held against the one before it: which objective, bound, cost and expected loss changed, by how much, and
//! whether it got worse. Each line says its own direction.
//!
//! To promise less is worse, as is to promise nothing where something was promised: the removal of an objective, of an
//! asset or of a scenario makes findings vanish, and no plan better.

mod bounds;
mod declared;
mod money;
mod objectives;
mod value;

pub use value::Value;

use serde::Serialize;

use super::baseline::{Baseline, Claims, Known, counts};
use crate::audit::{Audit, Verdict};
use crate::cost::PriceBook;
use crate::policy::Policy;

/// Which way a figure went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    Worse,
    Better,
    /// Changed, and neither better nor worse by itself.
    Other,
}

/// What kind of figure changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Figure {
    /// What is asked.
    Objective,
    /// What the plan allows at worst, by its own figures.
    Bound,
    ExpectedLoss,
    /// What the plan costs a year. It is told and never fails a run: better protection may cost more.
    Cost,
    /// What is declared at all.
    Declared,
    /// What the figures rest on and nobody has shown.
    Assumption,
}

/// One figure before and after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Delta {
    pub figure: Figure,
    /// `RPO of `database``, or `loss of `uploads`: S3 data loss`.
    pub what: String,
    pub before: Value,
    pub after: Value,
    /// By how much, where that can be said: `+23 h`, `−USD 1,200 (−9 %)`.
    pub by: Option<String>,
    pub direction: Direction,
}

/// Where the policy stood before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Origin {
    /// The same file.
    Same,
    Renamed {
        from: String,
    },
    /// There was none: everything is new, and nothing got worse.
    Added,
    /// What stood there was no valid policy.
    Invalid,
}

#[derive(Debug, Clone, Serialize)]
pub struct Change {
    /// What it was compared with: a commit and the reference that led to it, or a file.
    pub with: String,
    pub origin: Origin,
    pub verdict_before: Option<Verdict>,
    /// Worse first.
    pub deltas: Vec<Delta>,
    /// Findings that were not there, by their index in the audit.
    pub new: Vec<usize>,
    /// What was found before and is found no more.
    pub gone: Vec<Known>,
    /// What cannot be compared, and why.
    pub unsaid: Vec<String>,
}

/// One side of a comparison.
pub struct Side<'a> {
    pub policy: &'a Policy,
    pub audit: &'a Audit,
    /// None: it could not be read, and nothing is said of cost.
    pub book: Option<&'a PriceBook>,
}

/// There is nothing to compare with.
pub fn nothing_before(with: String, origin: Origin) -> Change {
    let (deltas, new, gone, unsaid) = (vec![], vec![], vec![], vec![]);
    Change { with, origin, verdict_before: None, deltas, new, gone, unsaid }
}

pub fn compare(with: String, origin: Origin, before: &Side, after: &Side) -> Change {
    let mut unsaid = Vec::new();
    let mut deltas = declared::deltas(before.policy, after.policy);
    deltas.extend(objectives::deltas(before.policy, after));
    deltas.extend(bounds::deltas(before, after));
    deltas.extend(money::deltas(before, after, after.audit.as_of, &mut unsaid));
    deltas.sort_by_key(|delta| (delta.direction, delta.figure));
    let (new, gone) = findings(before.audit, after.audit);
    Change { with, origin, verdict_before: Some(before.audit.verdict), deltas, new, gone, unsaid }
}

impl Change {
    /// What got worse, cost apart: a figure of the plan, or a finding that breaches and was not there before.
    pub fn worse(&self, audit: &Audit) -> bool {
        let finding = |index: &usize| audit.findings.get(*index).is_some_and(|f| f.verdict == Verdict::Breached);
        self.deltas.iter().any(Delta::fails) || self.new.iter().any(finding)
    }

    /// Whether the finding of this index was not there before.
    pub fn is_new(&self, index: usize) -> bool {
        matches!(self.origin, Origin::Added | Origin::Invalid) || self.new.contains(&index)
    }

    pub fn is_empty(&self) -> bool {
        self.origin == Origin::Same && self.deltas.is_empty() && self.new.is_empty() && self.gone.is_empty()
    }

    pub fn count(&self, direction: Direction) -> usize {
        self.deltas.iter().filter(|delta| delta.direction == direction).count()
    }
}

impl Delta {
    /// Whether it fails a run that may not get worse.
    pub fn fails(&self) -> bool {
        self.direction == Direction::Worse && self.figure != Figure::Cost
    }
}

/// The open findings that were not there before, and what is there no more. A policy that changed its name is the same.
fn findings(before: &Audit, after: &Audit) -> (Vec<usize>, Vec<Known>) {
    let name = after.policy.as_str();
    let mut claims = Claims::on(&Baseline::of([&Audit { policy: name.to_string(), ..before.clone() }]));
    let open = after.findings.iter().enumerate().filter(|(_, f)| counts(f));
    let new = open.filter(|(_, finding)| !claims.claim(name, finding)).map(|(index, _)| index).collect();
    (new, claims.gone(&[name]))
}
