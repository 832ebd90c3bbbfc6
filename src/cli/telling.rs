//! Tells the places of a policy, from whatever verb: where their secrets stand, what is sent, and what comes of it.
//!
//! A verb that fails tells of it, and the next that goes well tells that it is over; neither changes how the verb ends.

use std::path::Path;

use super::Exit;
use super::connect::RepositoryArgs;
use super::output::{self, Global};
use super::policy_file;
use super::progress::Progress;
use crate::base::{Fault, FaultKind, Result};
use crate::clock::SystemClock;
use crate::engine::record;
use crate::engine::telling::{self, Outcome};
use crate::notice::{Look, Notice, Told, change, open};
use crate::notify::{self, Address, Message, SystemResolver, Terms};
use crate::policy::{Channel, Notify, Policy, Secret, Work};
use crate::port::{Clock, ObjectStore};
use crate::repository::history;

/// A secret is a line; more is another file.
const SECRET_BYTES: u64 = 16 << 10;

/// The verb that ran, and what for.
pub struct About<'a> {
    pub work: Work,
    pub asset: Option<&'a str>,
    /// The protection that it served, where the policy tells.
    pub protection: Option<String>,
    pub policy: Option<&'a Path>,
    pub repository: RepositoryArgs,
}

/// After a verb: tells how it ended, where the policy says so, and hands on how it ended.
pub fn after(global: &Global, about: Option<About<'_>>, result: Result<Exit>) -> Result<Exit> {
    let Some(about) = about else { return result };
    // A policy that cannot be read has failed the verb already.
    let Some(policy) = about.policy.and_then(|path| policy_file::load(path).ok()) else { return result };
    let stopped = result.as_ref().is_err_and(|fault| fault.kind == FaultKind::Interrupted);
    // That a notice did not arrive is on record, and told to the other places by the next look.
    let unsent = about.work == Work::Notify && matches!(result, Ok(Exit::Failed));
    if policy.notify.is_empty() || stopped || unsent {
        return result;
    }
    let failed = match &result {
        Ok(Exit::Failed) => Some("it found what must not be".to_string()),
        Ok(_) => None,
        Err(fault) => Some(record::chain(fault)),
    };
    match output::runtime() {
        Ok(runtime) => runtime.block_on(ended(global, &policy, &about, failed.as_deref())),
        Err(fault) => output::tell(global, &format!("warning: nobody is told: {}", record::chain(&fault))),
    }
    result
}

async fn ended(global: &Global, policy: &Policy, about: &About<'_>, failed: Option<&str>) {
    let store = about.repository.open_existing().await.ok();
    let asset = about.asset.unwrap_or(open::WHOLE);
    let own = open::run((about.work.word(), asset, about.protection.as_deref()), failed, SystemClock.now());
    let look = match (&store, about.work) {
        // What these did to each asset is on record, each with its own reason.
        (Some(store), Work::Verify | Work::Prune | Work::Drill) => on_record(store.as_ref(), about, failed, own).await,
        _ => own,
    };
    for place in policy.notify.iter().filter(|place| place.channel != Channel::Ping) {
        let said = match &store {
            Some(store) => tell(store.as_ref(), global, policy, place, &look).await,
            None => Err(Fault::unreachable("the repository cannot be read")),
        };
        match said {
            Ok(outcome) => report(global, place, &outcome),
            // Better told twice than not at all.
            Err(_) if failed.is_some() => report(global, place, &without_memory(policy, place, &look).await),
            Err(fault) => output::tell(global, &format!("warning: `{}` is told nothing: {fault}", place.name)),
        }
    }
    if failed.is_none() {
        ping_all(global, policy, about.work, store.as_deref(), Recording::All).await;
    }
}

async fn on_record(store: &dyn ObjectStore, about: &About<'_>, failed: Option<&str>, own: Look) -> Look {
    let Ok((evidence, ran)) = history::read(store, SystemClock.now()).await else { return own };
    let of_verb = ran.iter().filter(|run| run.verb == about.work.word());
    let of_asset = of_verb.filter(|run| about.asset.is_none_or(|asset| asset == run.asset));
    let recorded = open::runs(&evidence, of_asset);
    // What it found is told asset by asset; its own end says more only where it got nowhere.
    match failed.is_some() && !recorded.open.is_empty() {
        true => recorded,
        false => recorded.with(own),
    }
}

/// What changed since the place was last told, with the store as the memory.
pub async fn tell(
    store: &dyn ObjectStore,
    global: &Global,
    policy: &Policy,
    place: &Notify,
    look: &Look,
) -> Result<Outcome> {
    let doors = (store, &SystemClock as &dyn Clock, &Progress::new(global) as _);
    telling::tell(doors, (&policy.name, place), look, async |notice: &Notice| send(place, notice).await).await
}

async fn without_memory(policy: &Policy, place: &Notify, look: &Look) -> Outcome {
    let now = SystemClock.now();
    let change = change(place, &Told::new(), look, now);
    if change.is_silent() {
        return Outcome::Nothing;
    }
    let notice = Notice::of(&policy.name, &change, now);
    match send(place, &notice).await {
        Ok(()) => Outcome::Told(notice),
        Err(fault) => Outcome::Failed(notice, fault),
    }
}

fn report(global: &Global, place: &Notify, outcome: &Outcome) {
    match outcome {
        Outcome::Nothing => {}
        Outcome::Told(_) => output::tell(global, &format!("told `{}`", place.name)),
        Outcome::Failed(_, fault) => {
            output::tell(global, &format!("warning: `{}` was not told: {}", place.name, record::chain(fault)));
        }
    }
}

/// Sends a notice to a place.
pub async fn send(place: &Notify, notice: &Notice) -> Result<()> {
    let address = Address::parse(&secret(place, &place.address)?)?;
    let key = place.key.as_ref().map(|key| secret(place, key)).transpose()?;
    let body = notice.body(place.channel)?;
    let message = Message::Post { body, key: key.as_ref().map(|key| key.as_bytes()), at: SystemClock.now() };
    notify::send(&address, message, Terms::usual(place.allow_private), &SystemResolver).await
}

/// Pings a dead man's switch.
pub async fn ping(place: &Notify) -> Result<()> {
    let address = Address::parse(&secret(place, &place.address)?)?;
    notify::send(&address, Message::Ping, Terms::usual(place.allow_private), &SystemResolver).await
}

/// Which pings are put on record: those of a heartbeat would be more than all else.
#[derive(Debug, Clone, Copy)]
pub enum Recording {
    All,
    Changes { failed_before: bool },
}

/// Pings what waits for a sign that `work` went well. What comes of it is evidence; that it is not is a warning.
/// Gives whether one could not be pinged.
pub async fn ping_all(
    global: &Global,
    policy: &Policy,
    work: Work,
    store: Option<&dyn ObjectStore>,
    recording: Recording,
) -> bool {
    let mut failed = false;
    let waits = |place: &&Notify| place.channel == Channel::Ping && place.after.contains(&work);
    for place in policy.notify.iter().filter(waits) {
        let at = SystemClock.now();
        let pinged = ping(place).await;
        if let Err(fault) = &pinged {
            output::tell(global, &format!("warning: `{}` was not pinged: {}", place.name, record::chain(fault)));
        }
        failed |= pinged.is_err();
        let changed = match recording {
            Recording::All => true,
            Recording::Changes { failed_before } => failed_before != pinged.is_err(),
        };
        if let (Some(store), true) = (store, changed) {
            let progress = Progress::new(global);
            let doors = (store, &SystemClock as &dyn Clock, &progress as _);
            telling::sent_to(place, &record::new_id(at), at, pinged.as_ref().err(), doors).await;
        }
    }
    failed
}

/// The secret that stands in a variable or a file. Faults name where it stands, never what.
fn secret(place: &Notify, at: &Secret) -> Result<String> {
    let text = match at {
        Secret::Variable(name) => std::env::var(name).map_err(|_| {
            Fault::usage(format!("the variable `{name}` of the environment, which `{}` needs, is not set", place.name))
                .help("set it where this runs; it is a secret, and stands in no policy")
        })?,
        Secret::File { from, path } => {
            let file = policy_file::plain(&Path::new(from).parent().unwrap_or(Path::new("")).join(path));
            let length = std::fs::metadata(&file).map(|found| found.len()).unwrap_or_default();
            if length > SECRET_BYTES {
                return Err(Fault::usage(format!("`{}` is too large to hold one secret", file.display())));
            }
            policy_file::read("secret", &file)?
        }
    };
    let text = text.trim();
    match text.is_empty() {
        false => Ok(text.to_string()),
        true => Err(Fault::usage(format!("what should hold a secret of `{}` is empty", place.name))),
    }
}
