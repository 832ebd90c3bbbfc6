//! `plimsoll notify`: holds the evidence against the policy, and tells what changed since the places were last told.

use serde::Serialize;

use super::Exit;
use super::connect::RepositoryArgs;
use super::output::{self, Format, Global};
use super::policy_file::PolicyArg;
use super::telling::{self, About};
use crate::audit;
use crate::base::{Fault, Result, Span, Window};
use crate::clock::SystemClock;
use crate::engine::record;
use crate::engine::telling::{Outcome, state};
use crate::notice::{Look, Notice, change, open};
use crate::policy::{Channel, Notify, Policy, Work};
use crate::port::{Clock, ObjectStore};
use crate::repository::history;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    policy: PolicyArg,
    #[command(flatten)]
    repository: RepositoryArgs,
    /// Tell this place of the policy alone
    #[arg(long, value_name = "NAME")]
    to: Option<String>,
    /// Print what would be sent, and send and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Send a test in place of what changed, to see that it arrives; nothing is remembered of it
    #[arg(long)]
    test: bool,
}

/// What came of one place.
#[derive(Serialize)]
struct Said {
    place: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notice: Option<Notice>,
    /// As it is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

impl Args {
    pub fn run(&self, global: &Global) -> Result<Exit> {
        let policy = self.policy.load()?;
        if policy.notify.is_empty() {
            return Err(Fault::usage(format!("`{}` names no place to tell", policy.source.name))
                .help("declare one as [notify.NAME]; `plimsoll init` writes an example"));
        }
        let places: Vec<&Notify> =
            policy.notify.iter().filter(|place| self.to.as_ref().is_none_or(|to| *to == place.name)).collect();
        if places.is_empty() {
            let known: Vec<&str> = policy.notify.iter().map(|place| place.name.as_str()).collect();
            return Err(Fault::usage("the policy names no such place to tell")
                .help(format!("its places are: {}", known.join(", "))));
        }
        let said = output::runtime()?.block_on(async {
            let store = self.repository.open_existing().await?;
            self.tell(global, &policy, &places, store.as_ref()).await
        })?;
        match global.format {
            Format::Json => output::print_json(&said)?,
            Format::Human => output::print(&said.iter().map(shown).collect::<String>())?,
        }
        Ok(if said.iter().any(|said| said.outcome == FAILED) { Exit::Failed } else { Exit::Done })
    }

    /// For a run of this verb, that its own end is told: it pings what waits for it.
    pub fn about(&self) -> Option<About<'_>> {
        (!self.dry_run && !self.test).then(|| About {
            work: Work::Notify,
            asset: None,
            protection: None,
            policy: Some(&self.policy.policy),
            repository: self.repository.clone(),
        })
    }

    async fn tell(
        &self,
        global: &Global,
        policy: &Policy,
        places: &[&Notify],
        store: &dyn ObjectStore,
    ) -> Result<Vec<Said>> {
        let look = if self.test { Look::default() } else { look(policy, store).await? };
        let mut said = Vec::new();
        // A ping says nothing that could be new: it follows what this verb did.
        let told = |place: &&&Notify| place.channel != Channel::Ping || (self.test && !self.dry_run);
        for place in places.iter().filter(told) {
            let name = place.name.clone();
            let now = SystemClock.now();
            said.push(match (self.dry_run, self.test) {
                (false, false) => match telling::tell(store, global, policy, place, &look).await? {
                    Outcome::Nothing => Said::new(name, NOTHING),
                    Outcome::Told(notice) => Said { notice: Some(notice), ..Said::new(name, TOLD) },
                    Outcome::Failed(notice, fault) => {
                        Said { notice: Some(notice), why: Some(record::chain(&fault)), ..Said::new(name, FAILED) }
                    }
                },
                (true, test) => {
                    let state = state(store, &place.name).await?;
                    let change = change(place, &state.told, &look, now);
                    match (test, change.is_silent()) {
                        (false, true) => Said::new(name, NOTHING),
                        (false, false) => would(name, place, Notice::of(&policy.name, &change, now))?,
                        (true, _) => would(name, place, Notice::test(&policy.name, now))?,
                    }
                }
                (false, true) if place.channel == Channel::Ping => tested(name, None, telling::ping(place).await),
                (false, true) => {
                    let notice = Notice::test(&policy.name, now);
                    let sent = telling::send(place, &notice).await;
                    tested(name, Some(notice), sent)
                }
            });
        }
        Ok(said)
    }
}

const NOTHING: &str = "nothing new";
const TOLD: &str = "told";
const FAILED: &str = "failed";
const WOULD: &str = "would be told";

impl Said {
    fn new(place: String, outcome: &'static str) -> Self {
        Said { place, outcome, why: None, notice: None, body: None }
    }
}

fn tested(name: String, notice: Option<Notice>, sent: Result<()>) -> Said {
    match sent {
        Ok(()) => Said { notice, ..Said::new(name, TOLD) },
        Err(fault) => Said { why: Some(record::chain(&fault)), ..Said::new(name, FAILED) },
    }
}

fn would(name: String, place: &Notify, notice: Notice) -> Result<Said> {
    let body = Some(notice.body(place.channel)?);
    Ok(Said { notice: Some(notice), body, ..Said::new(name, WOULD) })
}

/// All that the repository shows, held against the policy.
pub async fn look(policy: &Policy, store: &dyn ObjectStore) -> Result<Look> {
    let now = SystemClock.now();
    let (evidence, ran) = history::read(store, now).await?;
    let audit = audit::run(policy, Some(&evidence), now, Window::new(now - Span::days(7), now));
    Ok(open::look(&evidence, &ran, &audit))
}

fn shown(said: &Said) -> String {
    let why = said.why.as_ref().map_or(String::new(), |why| format!(": {why}"));
    let mut text = format!("{}: {}{why}\n", said.place, said.outcome);
    for event in said.notice.iter().flat_map(|notice| &notice.events) {
        text += &format!("  {}\n", event.told());
    }
    if let Some(body) = &said.body {
        text += &format!("  {body}\n");
    }
    text
}
