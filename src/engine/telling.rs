//! Tells a place what changed, once, however many hosts look.
//!
//! The number of a notice is taken first, by a write that the store lets only one of all do; then it is sent, and what
//! came of it is written. A host that is killed between the two leaves a notice without an end: whoever has watched it in
//! vain for longer than a send may take goes on as if it was not sent. No clock but one's own decides that. So a trouble may
//! be told twice, and never not at all.

use std::time::Duration;

use tokio::time::Instant as Moment;

use super::Listener;
use super::record::{self, RunOf, chain};
use crate::base::{Fault, FaultKind, Instant, Result};
use crate::notice::{Change, Look, Notice, Told, change};
use crate::policy::Notify;
use crate::port::{Clock, ObjectStore, Written};
use crate::repository::Key;
use crate::repository::manifest::FORMAT;
use crate::repository::notice::{NoticeName, Telling, TellingEnd};
use crate::repository::prune::Record;

/// Longer than any send takes.
const LONGEST_SEND: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What came of telling one place.
#[derive(Debug)]
pub enum Outcome {
    /// It knows already.
    Nothing,
    Told(Notice),
    Failed(Notice, Fault),
}

/// What a place knows, and the number of the newest notice to it.
#[derive(Debug, Default)]
pub struct State {
    pub told: Told,
    newest: u64,
    in_flight: bool,
}

/// Reads what `place` was told: the newest notice to it that arrived.
pub async fn state(store: &dyn ObjectStore, place: &str) -> Result<State> {
    let listed = store.list(&NoticeName::prefix(place)?).await?;
    let mut numbers: Vec<u64> = listed
        .iter()
        .filter_map(|object| match object.key.parse() {
            Ok(Key::Notice(name, false)) => Some(name.number),
            _ => None,
        })
        .collect();
    numbers.sort_unstable();
    let mut state = State { newest: numbers.last().copied().unwrap_or_default(), ..State::default() };
    for number in numbers.into_iter().rev() {
        let name = NoticeName::new(place, number)?;
        let (key, end) = (name.key().to_string(), name.end().to_string());
        let telling = Telling::decode(&store.get(&key).await?, &key)?;
        let ended = match store.get(&end).await {
            Ok(body) => Some(TellingEnd::decode(&body, &end)?),
            Err(fault) if fault.kind == FaultKind::Missing => None,
            Err(fault) => return Err(fault),
        };
        match ended {
            Some(TellingEnd { failed: None, .. }) => {
                state.told = telling.told;
                break;
            }
            None if number == state.newest => state.in_flight = true,
            _ => {}
        }
    }
    Ok(state)
}

/// Works out what is new to `place`, and sends it. What is sent, and that it could not be, is evidence.
pub async fn tell(
    doors: (&dyn ObjectStore, &dyn Clock, &dyn Listener),
    (policy, place): (&str, &Notify),
    look: &Look,
    send: impl AsyncFn(&Notice) -> Result<()>,
) -> Result<Outcome> {
    let (store, clock, _) = doors;
    let mut watched: Option<(u64, Moment)> = None;
    loop {
        let state = state(store, &place.name).await?;
        let now = clock.now();
        let change = change(place, &state.told, look, now);
        if change.is_nothing(&state.told) {
            return Ok(Outcome::Nothing);
        }
        // What is on its way may be something else: it is waited for, and what is new then is told.
        let (number, since) = *watched.insert(
            watched.filter(|(number, _)| *number == state.newest).unwrap_or_else(|| (state.newest, Moment::now())),
        );
        if !state.in_flight || since.elapsed() >= LONGEST_SEND {
            let id = record::new_id(now);
            let name = NoticeName::new(&place.name, number.saturating_add(1))?;
            if claim(store, &name, &id, &change, now).await? {
                return deliver(doors, (policy, place), (&name, &id), &change, now, send).await;
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn deliver(
    (store, clock, listener): (&dyn ObjectStore, &dyn Clock, &dyn Listener),
    (policy, place): (&str, &Notify),
    (name, id): (&NoticeName, &str),
    change: &Change,
    at: Instant,
    send: impl AsyncFn(&Notice) -> Result<()>,
) -> Result<Outcome> {
    let notice = Notice::of(policy, change, at);
    let sent = if change.is_silent() { Ok(()) } else { send(&notice).await };
    let failed = sent.as_ref().err().map(chain);
    let end = TellingEnd { format: FORMAT, id: id.to_string(), at: clock.now(), failed };
    store.put_new(&name.end().to_string(), end.encode()?).await?;
    if change.is_silent() {
        return Ok(Outcome::Nothing);
    }
    sent_to(place, id, at, sent.as_ref().err(), (store, clock, listener)).await;
    Ok(match sent {
        Ok(()) => Outcome::Told(notice),
        Err(fault) => Outcome::Failed(notice, fault),
    })
}

/// Takes the number, if no other host has taken it.
async fn claim(store: &dyn ObjectStore, name: &NoticeName, id: &str, change: &Change, at: Instant) -> Result<bool> {
    let telling = Telling { format: FORMAT, id: id.to_string(), at, told: change.told.clone() };
    let key = name.key().to_string();
    if store.put_new(&key, telling.encode()?).await? == Written::New {
        return Ok(true);
    }
    // Written by an earlier try whose answer was lost.
    Ok(Telling::decode(&store.get(&key).await?, &key)?.id == id)
}

/// Records that something was sent to `place`, or was not.
pub async fn sent_to(
    place: &Notify,
    id: &str,
    started_at: Instant,
    failure: Option<&Fault>,
    (store, clock, listener): (&dyn ObjectStore, &dyn Clock, &dyn Listener),
) {
    let run = RunOf { id, verb: "notify", asset: &place.name, protection: None, started_at };
    record::run_ended(run, failure, store, clock, listener).await;
}
