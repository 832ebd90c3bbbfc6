//! What is told and when: once as it opens, once as it is over, and never because evidence is gone.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll::base::{Instant, Span};
use plimsoll::notice::{Look, Told, Trouble, change};
use plimsoll::policy::{Channel, Notify, Occasion, Place, Secret};
use proptest::prelude::*;

pub fn place(on: &[Occasion]) -> Notify {
    Notify {
        name: "chat".into(),
        at: Place::default(),
        channel: Channel::Slack,
        address: Secret::Variable("CHAT_URL".into()),
        key: None,
        on: on.to_vec(),
        remind_every: None,
        after: vec![],
        allow_private: false,
    }
}

pub const USUAL: [Occasion; 3] = [Occasion::Failure, Occasion::Breach, Occasion::Recovery];

pub fn trouble(key: &str, occasion: Occasion) -> Trouble {
    Trouble {
        key: key.into(),
        occasion,
        about: key.into(),
        title: format!("{key} is wrong"),
        detail: "a reason".into(),
        remedy: "do something".into(),
    }
}

/// All of the evidence at the hour: what is not open was done well just now.
fn look(open: &BTreeSet<usize>, hour: i64) -> Look {
    let occasion = |key: usize| if key.is_multiple_of(2) { Occasion::Failure } else { Occasion::Breach };
    let well = (0..KEYS).filter(|key| key % 2 == 0 && !open.contains(key)).map(|key| (key.to_string(), at(hour)));
    Look {
        open: open.iter().map(|key| trouble(&key.to_string(), occasion(*key))).collect(),
        well: well.collect(),
        audited: true,
    }
}

fn at(hour: i64) -> Instant {
    Instant(1_800_000_000_000) + Span::hours(hour)
}

const KEYS: usize = 4;

proptest! {
    #[test]
    fn each_trouble_is_told_once_as_it_opens_and_once_as_it_is_over_whatever_sends_fail(
        nights in prop::collection::vec((prop::collection::btree_set(0..KEYS, 0..KEYS), any::<bool>()), 1..30)
    ) {
        let place = place(&USUAL);
        let mut told = Told::new();
        let mut said: BTreeMap<usize, Vec<bool>> = BTreeMap::new();
        for (hour, (open, arrives)) in nights.iter().enumerate() {
            let change = change(&place, &told, &look(open, hour as i64), at(hour as i64));
            if *arrives {
                for trouble in &change.new {
                    said.entry(trouble.key.parse().unwrap()).or_default().push(true);
                }
                for (key, _) in &change.over {
                    said.entry(key.parse().unwrap()).or_default().push(false);
                }
                told = change.told;
            }
        }
        // The naive view of one key: how it stood on the nights on which something arrived, repetitions left out.
        for key in 0..KEYS {
            let mut stood: Vec<bool> = nights.iter().filter(|night| night.1).map(|night| night.0.contains(&key)).collect();
            stood.dedup();
            if stood.first() == Some(&false) {
                stood.remove(0);
            }
            prop_assert_eq!(said.get(&key).cloned().unwrap_or_default(), stood, "key {}", key);
        }
    }

    #[test]
    fn less_evidence_never_ends_a_trouble(open in prop::collection::btree_set(0..KEYS, 1..KEYS)) {
        let place = place(&USUAL);
        let told = change(&place, &Told::new(), &look(&open, 0), at(0)).told;
        // No runs on record, no audit.
        let nothing = change(&place, &told, &Look::default(), at(1));
        prop_assert!(nothing.is_nothing(&told), "{:?}", nothing);
    }
}

#[test]
fn a_breach_that_nothing_shows_any_more_is_not_over() {
    let place = place(&USUAL);
    let of = |key: &str, occasion| Trouble { about: "shop".into(), ..trouble(key, occasion) };
    let audited = |open: Vec<Trouble>| Look { open, audited: true, ..Look::default() };
    let breach = of("window breached", Occasion::Breach);
    let known = of("never off site", Occasion::Unproven);
    let told = change(&place, &Told::new(), &audited(vec![breach, known.clone()]), at(0)).told;
    assert_eq!(told.len(), 1, "{told:?}");
    // The evidence is gone: now it is unproven what the window is.
    let gone = change(&place, &told, &audited(vec![known.clone(), of("window unproven", Occasion::Unproven)]), at(1));
    assert!(gone.is_nothing(&told), "{gone:?}");
    // What was not known before either says nothing of it.
    let better = change(&place, &told, &audited(vec![known]), at(2));
    assert_eq!(better.over.len(), 1);
    assert!(better.told.is_empty());
}

#[test]
fn a_breach_that_becomes_unproven_under_its_own_name_stays_told_and_unproven_that_becomes_a_breach_is_told() {
    let all = [Occasion::Failure, Occasion::Breach, Occasion::Unproven, Occasion::Recovery];
    let place = place(&all);
    let audited = |occasion| Look { open: vec![trouble("k", occasion)], audited: true, ..Look::default() };
    let told = change(&place, &Told::new(), &audited(Occasion::Unproven), at(0)).told;
    let worse = change(&place, &told, &audited(Occasion::Breach), at(1));
    assert_eq!(worse.new.len(), 1);
    let back = change(&place, &worse.told, &audited(Occasion::Unproven), at(2));
    assert!(back.is_nothing(&worse.told), "{back:?}");
}

#[test]
fn a_run_that_did_well_before_the_failure_was_told_does_not_end_it() {
    let place = place(&USUAL);
    let failing = Look { open: vec![trouble("f", Occasion::Failure)], ..Look::default() };
    let told = change(&place, &Told::new(), &failing, at(2)).told;
    let well = |hour| Look { well: BTreeMap::from([("f".to_string(), at(hour))]), ..Look::default() };
    assert!(change(&place, &told, &well(1), at(3)).is_nothing(&told));
    assert_eq!(change(&place, &told, &well(3), at(4)).over.len(), 1);
}

#[test]
fn a_reminder_comes_as_often_as_asked_and_no_more() {
    let place = Notify { remind_every: Some(Span::days(1)), ..place(&USUAL) };
    let mut told = Told::new();
    let mut hours = vec![];
    for hour in 0..=72 {
        let change = change(&place, &told, &look(&BTreeSet::from([1]), hour), at(hour));
        if let [(_, since)] = change.again.as_slice() {
            assert_eq!(*since, at(0));
            hours.push(hour);
        }
        told = change.told;
    }
    assert_eq!(hours, [24, 48, 72]);
}

#[test]
fn who_is_not_told_of_recoveries_is_told_of_the_next_failure_all_the_same() {
    let place = place(&[Occasion::Failure]);
    let told = change(&place, &Told::new(), &look(&BTreeSet::from([0]), 0), at(0)).told;
    let over = change(&place, &told, &look(&BTreeSet::new(), 1), at(1));
    assert!(over.is_silent() && !over.is_nothing(&told));
    assert_eq!(change(&place, &over.told, &look(&BTreeSet::from([0]), 2), at(2)).new.len(), 1);
}
