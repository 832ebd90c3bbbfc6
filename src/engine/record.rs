//! Evidence of every run, failures included: what is not written down did not happen.

use bytes::Bytes;

use super::{Event, Listener};
use crate::base::{Fault, Instant, Result};
use crate::evidence::{Origin, Run, RunOutcome};
use crate::port::{Clock, ObjectStore};
use crate::repository::Key;

/// Tool name in all evidence that Plimsoll itself makes.
pub const TOOL: &str = "plimsoll";

/// Sorts by time; two runs of one second, on one machine or two, never share it.
pub fn new_id(now: Instant) -> String {
    let [.., random_0, random_1, random_2, random_3, _, _, count] = bson::oid::ObjectId::new().bytes();
    format!("{}-{}", now.compact(), super::content::hex(&[random_0, random_1, random_2, random_3, count]))
}

/// What is told of a run when it ends.
#[derive(Debug, Clone, Copy)]
pub struct RunOf<'a> {
    pub id: &'a str,
    pub verb: &'a str,
    pub asset: &'a str,
    pub protection: Option<&'a str>,
    pub started_at: Instant,
}

/// Writes `runs/<id>.json`. That it cannot be written is told as a warning: it neither undoes a run nor hides its fault.
pub async fn run_ended(
    run: RunOf<'_>,
    failure: Option<&Fault>,
    store: &dyn ObjectStore,
    clock: &dyn Clock,
    listener: &dyn Listener,
) {
    let outcome = failure.map_or(RunOutcome::Done, |fault| RunOutcome::Failed { why: chain(fault) });
    if let Err(fault) = write(run, outcome, store, clock).await {
        listener.on(Event::Warning(format!("this run is not recorded as evidence: {}", chain(&fault))));
    }
}

async fn write(run: RunOf<'_>, outcome: RunOutcome, store: &dyn ObjectStore, clock: &dyn Clock) -> Result<()> {
    let key = Key::run(run.id)?.to_string();
    let run = Run {
        id: run.id.to_string(),
        verb: run.verb.to_string(),
        asset: run.asset.to_string(),
        protection: run.protection.map(String::from),
        started_at: run.started_at,
        ended_at: clock.now(),
        outcome,
        origin: Origin { tool: TOOL.to_string(), place: key.clone(), sha256: None },
    };
    let body = serde_json::to_vec_pretty(&run).map_err(|error| Fault::bug("cannot write JSON").because(error))?;
    store.put(&key, Bytes::from(body)).await
}

/// A fault and what is underneath, on one line.
pub fn chain(fault: &Fault) -> String {
    let mut text = fault.to_string();
    let mut source = std::error::Error::source(fault);
    while let Some(error) = source {
        let cause = error.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
        source = error.source();
    }
    text
}
