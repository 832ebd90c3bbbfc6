//! What the files beside a policy show: which entries of schedulers run a protection, and which scripts.

use crate::base::Place;
use crate::policy::{Policy, Protection, Scheduled, Scheduler, Work};
use crate::schedule::read::{Entry, Kind, mentions};
use crate::script::{Act, Action, Script};

/// The entries that run `protection`: those that mention its job, or itself where it names none.
pub fn entries_of<'a>(policy: &'a Policy, protection: &'a Protection) -> Vec<(&'a Scheduled, &'a Entry)> {
    let name = known_by(protection);
    let entries = policy.beside.schedules.iter().flat_map(|s| s.file.entries.iter().map(move |entry| (s, entry)));
    entries.filter(|(_, entry)| entry.mentions(name)).collect()
}

/// The entries that run an operation of the policy: by the program's own name, or the unit's that is written for it.
pub fn entries_of_operation(policy: &Policy, work: Work) -> Vec<(&Scheduled, &Entry)> {
    let (command, unit) = (format!("plimsoll {}", work.word()), format!("plimsoll-{}", work.word()));
    let named = |says: &String| *says == unit || says.starts_with(&format!("{unit}-"));
    let runs = |entry: &Entry| entry.says.iter().any(|says| mentions(says, &command) || named(says));
    let entries = policy.beside.schedules.iter().flat_map(|s| s.file.entries.iter().map(move |entry| (s, entry)));
    entries.filter(|(_, entry)| runs(entry)).collect()
}

/// Whether any entry runs Plimsoll: who schedules some of its verbs is expected to schedule all that are planned.
pub fn runs_plimsoll(policy: &Policy) -> bool {
    let entries = policy.beside.schedules.iter().flat_map(|s| &s.file.entries);
    entries.flat_map(|entry| &entry.says).any(|says| says.starts_with("plimsoll-") || mentions(says, "plimsoll"))
}

/// What the entries and scripts that run it are looked for by.
pub fn known_by(protection: &Protection) -> &str {
    protection.job.as_ref().map_or(protection.name.as_str(), |job| job.value.as_str())
}

/// The protections that a script runs, as far as they name it.
pub fn run_by<'a>(policy: &'a Policy, script: &'a Script) -> impl Iterator<Item = &'a Protection> {
    policy.protections.iter().filter(|p| p.job.as_ref().is_some_and(|job| mentions(&job.value, script.name())))
}

/// The kind of file that a scheduler runs from; None for those that have none.
pub fn kind_of(scheduler: Scheduler) -> Option<Kind> {
    match scheduler {
        Scheduler::Cron => Some(Kind::Crontab),
        Scheduler::Systemd => Some(Kind::Systemd),
        Scheduler::Kubernetes => Some(Kind::Kubernetes),
        Scheduler::GithubActions => Some(Kind::GithubActions),
        Scheduler::Managed | Scheduler::Manual | Scheduler::Plimsoll => None,
    }
}

/// Where a script lists what it has written, and where it wrote it, if nothing in it reads or compares it.
pub fn only_listed(script: &Script) -> Option<(&Action, &Action)> {
    let of = |act| script.facts.actions.iter().filter(move |action| action.act == act);
    if script.facts.compares {
        return None;
    }
    let unread = |written: &&Action| !of(Act::Read).any(|read| read.name.store() == written.name.store());
    let written = of(Act::Write).filter(unread).find_map(|written| {
        let lists = |listed: &&Action| listed.name == written.name && listed.at > written.at;
        of(Act::List).find(lists).map(|listed| (listed, written))
    });
    written.filter(|(_, written)| written.name.store().is_some())
}

/// Where a script takes a listing for a verification of what `protection` makes.
pub fn unread_by_script(policy: &Policy, protection: &Protection) -> Option<Place> {
    let scripts = policy.beside.scripts.iter();
    let own = |script: &&Script| run_by(policy, script).any(|p| p.name == protection.name);
    scripts.filter(own).find_map(|script| only_listed(script).map(|(listed, _)| listed.at))
}
