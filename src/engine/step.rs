//! Steps of a runbook that somebody times by hand: started, and done.

use super::record;
use crate::base::{Fault, FaultKind, Result};
use crate::port::{Clock, ObjectStore, Written};
use crate::repository::Key;
use crate::repository::key::{DRILLS, Name};
use crate::repository::manifest::FORMAT;
use crate::repository::prune::Record;
use crate::repository::step::{StepDone, StepStart, Timed};

/// Says that a step begins.
pub async fn start(store: &dyn ObjectStore, clock: &dyn Clock, asset: &str, name: &str) -> Result<StepStart> {
    asset.parse::<Name>()?;
    if name.trim().is_empty() || name.len() > 200 || name.chars().any(char::is_control) {
        return Err(Fault::usage("a step needs a name that a person can read")
            .help("name it as the policy's runbook does, so that its time counts there"));
    }
    if let Some(open) = open(store, asset, name).await? {
        return Err(Fault::new(FaultKind::Conflict, format!("`{name}` of `{asset}` began at {} already", open.at))
            .help("say that it is done, or start another one"));
    }
    let now = clock.now();
    let start = StepStart { format: FORMAT, id: record::new_id(now), asset: asset.into(), name: name.into(), at: now };
    write(store, &Key::step(&start.id, false)?, &start).await?;
    Ok(start)
}

/// Says that it is done.
pub async fn done(store: &dyn ObjectStore, clock: &dyn Clock, asset: &str, name: &str) -> Result<Timed> {
    let Some(open) = open(store, asset, name).await? else {
        return Err(Fault::missing(format!("no step `{name}` of `{asset}` has begun"))
            .help(format!("begin it with `plimsoll drill step start '{name}' --asset {asset}`")));
    };
    let done = StepDone { format: FORMAT, id: open.id.clone(), at: clock.now() };
    let key = Key::step(&open.id, true)?;
    let began = open.at;
    let timed = Timed::of(open, &done).ok_or_else(|| {
        Fault::new(FaultKind::Conflict, format!("`{name}` would end before it began, at {began}"))
            .help("one of two clocks is wrong; set it right")
    })?;
    write(store, &key, &done).await?;
    Ok(timed)
}

/// The newest of that name that nobody has ended.
async fn open(store: &dyn ObjectStore, asset: &str, name: &str) -> Result<Option<StepStart>> {
    let listed = store.list(&format!("{DRILLS}steps/")).await?;
    let parts: Vec<Key> = listed.iter().filter_map(|object| object.key.parse().ok()).collect();
    let mut newest: Option<StepStart> = None;
    for key in &parts {
        let Key::Step(id, false) = key else { continue };
        if parts.contains(&Key::Step(id.clone(), true)) {
            continue;
        }
        let key = key.to_string();
        let start = StepStart::decode(&store.get(&key).await?, &key)?;
        if start.asset == asset && start.name == name && newest.as_ref().is_none_or(|newest| newest.at < start.at) {
            newest = Some(start);
        }
    }
    Ok(newest)
}

async fn write(store: &dyn ObjectStore, key: &Key, record: &impl Record) -> Result<()> {
    match store.put_new(&key.to_string(), record.encode()?).await? {
        Written::New => Ok(()),
        Written::Existed => Err(Fault::new(FaultKind::Conflict, format!("`{key}` is there already"))),
    }
}
