//! Steps of a runbook that no tool times: somebody says when they begin and when they are done, and the drill that they
//! belong to counts them among its phases. So a recovery time covers noticing, provisioning, switching over and DNS.

use serde::{Deserialize, Serialize};

use super::prune::Record;
use crate::base::{Instant, Span};
use crate::evidence::{Drill, Phase};

/// A step belongs to the drill of its asset that is nearest to it, if it is no further away.
pub const NEAR: Span = Span::days(1);

/// `drills/steps/<id>/start.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepStart {
    pub format: u32,
    pub id: String,
    pub asset: String,
    /// As the runbook calls it.
    pub name: String,
    pub at: Instant,
}

/// `drills/steps/<id>/done.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepDone {
    pub format: u32,
    pub id: String,
    pub at: Instant,
}

impl Record for StepStart {}
impl Record for StepDone {}

/// A step that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Timed {
    pub asset: String,
    pub name: String,
    pub from: Instant,
    pub until: Instant,
}

impl Timed {
    /// None where it ends before it begins: one of two clocks was wrong, and it says nothing.
    pub fn of(start: StepStart, done: &StepDone) -> Option<Timed> {
        let StepStart { id, asset, name, at: from, .. } = start;
        (id == done.id && from <= done.at).then_some(Timed { asset, name, from, until: done.at })
    }

    fn distance(&self, drill: &Drill) -> Span {
        let before = drill.started_at - self.until;
        let after = self.from - drill.ended_at;
        before.max(after).max(Span::ZERO)
    }
}

/// Adds each step to the phases of the drill that it belongs to; the other steps tell nothing.
pub fn join(mut steps: Vec<Timed>, drills: &mut [Drill]) {
    steps.sort_by(|a, b| (a.from, &a.name).cmp(&(b.from, &b.name)));
    for step in steps {
        let of_asset = drills.iter_mut().filter(|drill| drill.asset == step.asset && step.distance(drill) <= NEAR);
        let nearest = of_asset.min_by_key(|drill| (step.distance(drill), drill.started_at));
        if let Some(drill) = nearest {
            drill.phases.push(Phase::new(step.name, step.until - step.from, 0));
        }
    }
}
