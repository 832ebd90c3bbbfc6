//! What changed between what was told last and what is open now. Pure: the same two give the same, on every host.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::open::{Look, Trouble};
use crate::base::Instant;
use crate::policy::{Notify, Occasion};

/// Troubles that a place was told and that are not over, by their keys.
pub type Told = BTreeMap<String, ToldOf>;

/// One trouble as it was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToldOf {
    pub occasion: Occasion,
    pub title: String,
    /// When it was first told, and when last.
    pub since: Instant,
    pub told_at: Instant,
    /// What it is about.
    pub about: String,
    /// What nothing showed of the same thing when it was told: only what was not known then can say that nothing is known
    /// now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unproven: Vec<String>,
}

/// What is to be told, and what will have been told then.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Troubles that nobody was told of.
    pub new: Vec<Trouble>,
    /// Troubles that last, with the instant since which they do.
    pub again: Vec<(Trouble, Instant)>,
    /// Troubles that are over, by their keys.
    pub over: Vec<(String, ToldOf)>,
    pub told: Told,
}

/// What `place` is to be told at `at`, where it was told `told` and a look showed `look`.
pub fn change(place: &Notify, told: &Told, look: &Look, at: Instant) -> Change {
    let mut change = Change { new: vec![], again: vec![], over: vec![], told: told.clone() };
    for trouble in look.open.iter().filter(|trouble| place.on.contains(&trouble.occasion)) {
        let before = told.get(&trouble.key);
        let worse = |of: &ToldOf| of.occasion == Occasion::Unproven && trouble.occasion == Occasion::Breach;
        match before {
            Some(of) if !worse(of) => {
                if place.remind_every.is_some_and(|every| at - of.told_at >= every) {
                    change.again.push((trouble.clone(), of.since));
                    change.told.insert(trouble.key.clone(), ToldOf { told_at: at, ..of.clone() });
                }
            }
            // Two findings may be known by one key.
            _ if change.new.iter().any(|new| new.key == trouble.key) => {}
            _ => {
                change.told.insert(trouble.key.clone(), told_of(trouble, look, at));
                change.new.push(trouble.clone());
            }
        }
    }
    for (key, of) in told.iter().filter(|(key, of)| is_over(key, of, look)) {
        change.told.remove(key);
        if place.on.contains(&Occasion::Recovery) {
            change.over.push((key.clone(), of.clone()));
        }
    }
    change
}

fn told_of(trouble: &Trouble, look: &Look, at: Instant) -> ToldOf {
    ToldOf {
        occasion: trouble.occasion,
        title: trouble.title.clone(),
        since: at,
        told_at: at,
        about: trouble.about.clone(),
        unproven: unproven(&trouble.about, look).map(str::to_string).collect(),
    }
}

/// What nothing shows of what a trouble is about.
fn unproven<'a>(about: &'a str, look: &'a Look) -> impl Iterator<Item = &'a str> {
    let of = move |trouble: &&Trouble| trouble.occasion == Occasion::Unproven && trouble.about == about;
    look.open.iter().filter(of).map(|trouble| trouble.key.as_str())
}

/// A failure is over once the same was done well after it was told: a run that left no record may have failed after the
/// last that did well. A breach is over once an audit does not find it any more; but if it now
/// finds that nothing shows what was shown before, then evidence is gone and not the breach.
fn is_over(key: &str, of: &ToldOf, look: &Look) -> bool {
    if look.open.iter().any(|trouble| trouble.key == key) {
        return false;
    }
    match of.occasion {
        Occasion::Failure => look.well.get(key).is_some_and(|at| *at > of.since),
        _ => look.audited && !unknown_now(of, look),
    }
}

fn unknown_now(of: &ToldOf, look: &Look) -> bool {
    unproven(&of.about, look).any(|key| !of.unproven.iter().any(|known| known == key))
}

impl Change {
    /// Nothing is to be told, and nothing to be remembered.
    pub fn is_nothing(&self, told: &Told) -> bool {
        self.is_silent() && self.told == *told
    }

    /// Nothing is to be told.
    pub fn is_silent(&self) -> bool {
        self.new.is_empty() && self.again.is_empty() && self.over.is_empty()
    }
}
