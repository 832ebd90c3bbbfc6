//! How long a restore will take: what the newest drill of the asset took, scaled by bytes. Never a guess: where no drill
//! says anything about this size, that is what the plan says.

use super::loader;
use super::plan::RestorePlan;
use super::replay;
use crate::base::{Bytes, Fault, Result, Span};
use crate::evidence::Drill;
use crate::port::ObjectStore;
use crate::repository::Key;
use crate::repository::key::DRILLS;

/// The newest drills that are looked through for one that passed.
const LOOKS: usize = 32;

/// Time that a drill speaks for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Expected {
    Known {
        took: Span,
        drill: String,
        /// Bytes that the drill restored.
        by: u64,
    },
    Unknown {
        why: String,
    },
}

impl Expected {
    pub fn unknown(why: impl Into<String>) -> Self {
        Expected::Unknown { why: why.into() }
    }

    /// In words, for the plan.
    pub fn describe(&self) -> String {
        match self {
            Expected::Known { took, drill, by } => format!("about {took}, as drill {drill} took for {}", Bytes(*by)),
            Expected::Unknown { why } => format!("unknown: {why}"),
        }
    }
}

/// From the drills that are recorded in the repository.
pub async fn by_drills(store: &dyn ObjectStore, plan: &RestorePlan) -> Expected {
    match newest(store, &plan.base.asset).await {
        Ok(Some(drill)) => reckon(&drill, plan),
        Ok(None) => Expected::unknown("no drill yet"),
        Err(fault) => Expected::unknown(format!("the drills cannot be read: {}", super::record::chain(&fault))),
    }
}

/// The newest drill of the asset that passed.
async fn newest(store: &dyn ObjectStore, asset: &str) -> Result<Option<Drill>> {
    let listed = store.list(DRILLS).await?;
    // An id begins with the time.
    let keys = listed.into_iter().rev().map(|object| object.key).filter(|key| matches!(key.parse(), Ok(Key::Drill(_))));
    for key in keys.take(LOOKS) {
        let read = serde_json::from_slice::<Drill>(&store.get(&key).await?);
        let drill = read.map_err(|error| Fault::corrupt(format!("cannot read `{key}`")).because(error))?;
        if drill.asset == asset && drill.passed() {
            return Ok(Some(drill));
        }
    }
    Ok(None)
}

/// Checks, documents and indexes by the bytes of the documents; the log by its own.
pub fn reckon(drill: &Drill, plan: &RestorePlan) -> Expected {
    let at = |phase: &str| drill.phase_at(phase, Some(plan.bytes_raw())).map(|(took, _)| took);
    let Some(load) = at(loader::PHASE) else {
        let (by, size) = (Bytes(drill.bytes_restored), Bytes(plan.bytes_raw()));
        return Expected::unknown(format!("drill {} restored {by}, too little to say anything of {size}", drill.id));
    };
    let log: u64 = plan.slices.iter().map(|slice| slice.header.bytes).sum();
    let replay = match (log, drill.phases.iter().find(|phase| phase.name == replay::PHASE && phase.bytes > 0)) {
        (0, _) => Span::ZERO,
        (log, Some(phase)) => {
            let longer = i128::from(phase.took.0) * i128::from(log) / i128::from(phase.bytes);
            Span(i64::try_from(longer).unwrap_or(i64::MAX))
        }
        (_, None) => return Expected::unknown(format!("drill {} replayed no log", drill.id)),
    };
    let others = ["plan", "check", "index"].into_iter().filter_map(at);
    let took = others.chain([load, replay]).sum();
    Expected::Known { took, drill: drill.id.clone(), by: drill.bytes_restored }
}
