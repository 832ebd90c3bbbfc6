//! The space of plans: every combination of the ranges, as the policy declares them or by default.

use std::fmt;

use serde::Serialize;

use super::PriceBook;
use crate::base::Span;
use crate::policy::{Mechanism, Policy, Ranges, Setting, Tiers};

/// Hours between snapshots by default: each divides a day, so that the schedule repeats daily.
const HOURS: [i64; 8] = [1, 2, 3, 4, 6, 8, 12, 24];
/// How far behind a log is by default.
const LAGS: [Span; 2] = [Span::minutes(1), Span::minutes(15)];
/// Classes that can be read at once, cheaper to keep and dearer to read than the usual one.
const CLASSES: [&str; 2] = ["s3-standard-ia", "s3-glacier-instant"];
/// A place for copies that no policy has to declare: an account of its own, which is added where it is missing.
pub const OFFSITE: &str = "off-site";
/// Plans, at most: each is a policy that is priced and held against every scenario.
const MOST: usize = 20_000;

/// Where points are copied to, beside where they are made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Copies {
    Declared,
    Off,
    /// To these domains.
    In(Vec<String>),
}

/// One way to rewrite a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// Between two snapshots, of everything that is snapshot.
    pub snapshot_every: Setting<Span>,
    /// A log beside each snapshot of a database, in the same place, for as long as the snapshots are kept; or none.
    pub log_lag: Setting<Span>,
    pub retention: Setting<Span>,
    /// What stays of the older points.
    pub keep: Setting<Tiers>,
    pub storage_class: Setting<String>,
    pub copy_to: Copies,
    pub lock: Setting<Span>,
    pub drill_every: Setting<Span>,
}

impl Choice {
    /// The plan as it stands.
    pub fn declared() -> Choice {
        Choice {
            snapshot_every: Setting::Declared,
            log_lag: Setting::Declared,
            retention: Setting::Declared,
            keep: Setting::Declared,
            storage_class: Setting::Declared,
            copy_to: Copies::Declared,
            lock: Setting::Declared,
            drill_every: Setting::Declared,
        }
    }

    /// What differs from the plan as it stands, short and readable: `snapshots every 6 h`, `copies in off-site`.
    pub fn changes(&self) -> Vec<String> {
        let mut all = vec![];
        fn add<T: fmt::Display>(all: &mut Vec<String>, setting: &Setting<T>, off: &str, kept: &str, is: &str) {
            match setting {
                Setting::Declared => {}
                Setting::Off => all.push(off.to_string()),
                Setting::Kept => all.push(kept.to_string()),
                Setting::Is(value) => all.push(format!("{is} {value}")),
            }
        }
        add(&mut all, &self.snapshot_every, "", "", "snapshots every");
        add(&mut all, &self.log_lag, "no log", "", "log within");
        add(&mut all, &self.retention, "", "", "kept for");
        add(&mut all, &self.keep, "nothing kept longer", "", "of the older ones");
        add(&mut all, &self.storage_class, "", "", "in");
        match &self.copy_to {
            Copies::Declared => {}
            Copies::Off => all.push("no copies".to_string()),
            Copies::In(places) => all.push(format!("copies in {}", places.join(" and "))),
        }
        add(&mut all, &self.lock, "no lock", "locked while kept", "locked for");
        add(&mut all, &self.drill_every, "", "", "a drill every");
        all
    }

    pub fn label(&self) -> String {
        let changes = self.changes();
        if changes.is_empty() { "as declared today".to_string() } else { changes.join(", ") }
    }
}

/// The values that each part of a plan is tried with.
#[derive(Debug, Clone)]
pub struct Space {
    every: Vec<Setting<Span>>,
    lag: Vec<Setting<Span>>,
    retention: Vec<Setting<Span>>,
    keep: Vec<Setting<Tiers>>,
    class: Vec<Setting<String>>,
    copies: Vec<Copies>,
    lock: Vec<Setting<Span>>,
    drills: Vec<Setting<Span>>,
}

impl Space {
    /// The ranges of `policy`, and those by default where it has none.
    pub fn of(policy: &Policy, book: &PriceBook, unsaid: &mut Vec<String>) -> Space {
        let ranges = policy.tradeoff.clone().unwrap_or_default();
        if ranges.drill_every.iter().flatten().any(|every| every.value().is_some()) {
            let line = "what more drills save cannot be said, since no rate is declared at which backups go bad unseen: they \
                        are in the cost alone";
            unsaid.push(line.into());
        }
        let mut space = Space::by_default(policy, book);
        let declared = Space::declared(&ranges, unsaid, book);
        space.put(&declared);
        if space.size() > MOST {
            let size = space.size();
            space = Space::declared(&ranges, &mut vec![], book);
            space.put_missing();
            unsaid.push(format!(
                "with the ranges by default there would be {size} plans, {MOST} are weighed at most: what has no range in \
                 the policy is left as it is declared"
            ));
        }
        space.put_missing();
        space
    }

    fn by_default(policy: &Policy, book: &PriceBook) -> Space {
        let with_declared = |values: &mut dyn Iterator<Item = Span>| -> Vec<Setting<Span>> {
            std::iter::once(Setting::Declared).chain(values.map(Setting::Is)).collect()
        };
        let classes = CLASSES.into_iter().filter(|class| book.item(class, "gb-month").is_ok());
        let asked = policy.objective.retention.as_ref().map(|asked| asked.value);
        let other = |p: &crate::policy::Protection| {
            let makes = matches!(p.mechanism, Mechanism::Snapshot { .. } | Mechanism::Copy { .. });
            makes && p.retention.as_ref().map(|kept| kept.value) != asked
        };
        let mut lag = with_declared(&mut LAGS.into_iter());
        lag.insert(1, Setting::Off);
        Space {
            every: with_declared(&mut HOURS.into_iter().map(Span::hours)),
            lag,
            retention: with_declared(&mut asked.into_iter().filter(|_| policy.protections.iter().any(other))),
            keep: vec![],
            class: std::iter::once(Setting::Declared)
                .chain(classes.map(|class| Setting::Is(class.to_string())))
                .collect(),
            copies: vec![Copies::Declared, Copies::Off, Copies::In(vec![OFFSITE.to_string()])],
            lock: vec![Setting::Declared, Setting::Kept],
            drills: vec![],
        }
    }

    /// What the policy itself declares; a range that it has none of is empty.
    fn declared(ranges: &Ranges, unsaid: &mut Vec<String>, book: &PriceBook) -> Space {
        let mut class = ranges.storage_class.clone().unwrap_or_default();
        class.retain(|setting| match setting.value() {
            Some(name) => match readable(book, name) {
                Ok(()) => true,
                Err(why) => {
                    unsaid.push(format!("plans in the class `{name}` are left out: {why}"));
                    false
                }
            },
            None => true,
        });
        if ranges.storage_class.is_some() && class.is_empty() {
            class.push(Setting::Declared);
        }
        Space {
            every: ranges.snapshot_every.clone().unwrap_or_default(),
            lag: ranges.log_lag.clone().unwrap_or_default(),
            retention: ranges.retention.clone().unwrap_or_default(),
            keep: ranges.keep.clone().unwrap_or_default(),
            class,
            copies: ranges.copy_to.as_deref().map(sets).unwrap_or_default(),
            lock: ranges.lock.clone().unwrap_or_default(),
            drills: ranges.drill_every.clone().unwrap_or_default(),
        }
    }

    fn put(&mut self, declared: &Space) {
        fn put<T: Clone>(values: &mut Vec<T>, declared: &[T]) {
            if !declared.is_empty() {
                *values = declared.to_vec();
            }
        }
        put(&mut self.every, &declared.every);
        put(&mut self.lag, &declared.lag);
        put(&mut self.retention, &declared.retention);
        put(&mut self.keep, &declared.keep);
        put(&mut self.class, &declared.class);
        put(&mut self.copies, &declared.copies);
        put(&mut self.lock, &declared.lock);
        put(&mut self.drills, &declared.drills);
    }

    /// Where nothing is named, the plan stays as it is.
    fn put_missing(&mut self) {
        fn put<T>(values: &mut Vec<Setting<T>>) {
            if values.is_empty() {
                values.push(Setting::Declared);
            }
        }
        [&mut self.every, &mut self.lag, &mut self.retention, &mut self.lock, &mut self.drills]
            .into_iter()
            .for_each(put);
        put(&mut self.keep);
        put(&mut self.class);
        if self.copies.is_empty() {
            self.copies.push(Copies::Declared);
        }
    }

    pub fn size(&self) -> usize {
        [
            self.every.len(),
            self.lag.len(),
            self.retention.len(),
            self.keep.len().max(1),
            self.class.len(),
            self.copies.len(),
            self.lock.len(),
            self.drills.len().max(1),
        ]
        .into_iter()
        .fold(1, usize::saturating_mul)
    }

    /// Every combination, in a fixed order.
    pub fn choices(&self) -> Vec<Choice> {
        let mut all = vec![Choice::declared()];
        all = spread(all, &self.every, |choice, every| choice.snapshot_every = every);
        all = spread(all, &self.lag, |choice, lag| choice.log_lag = lag);
        all = spread(all, &self.retention, |choice, retention| choice.retention = retention);
        all = spread(all, &self.keep, |choice, keep| choice.keep = keep);
        all = spread(all, &self.class, |choice, class| choice.storage_class = class);
        all = spread(all, &self.copies, |choice, copies| choice.copy_to = copies);
        all = spread(all, &self.lock, |choice, lock| choice.lock = lock);
        spread(all, &self.drills, |choice, drills| choice.drill_every = drills)
    }
}

/// Each choice with each of the values.
fn spread<T: Clone>(choices: Vec<Choice>, values: &[T], set: impl Fn(&mut Choice, T)) -> Vec<Choice> {
    let with = |choice: &Choice, value: &T| {
        let mut choice = choice.clone();
        set(&mut choice, value.clone());
        choice
    };
    choices.iter().flat_map(|choice| values.iter().map(|value| with(choice, value)).collect::<Vec<_>>()).collect()
}

/// Every set of the domains that are named, and the words beside them.
fn sets(places: &[Setting<String>]) -> Vec<Copies> {
    let mut all: Vec<Copies> = places
        .iter()
        .filter_map(|place| match place {
            Setting::Declared => Some(Copies::Declared),
            Setting::Off => Some(Copies::Off),
            Setting::Kept | Setting::Is(_) => None,
        })
        .collect();
    let named: Vec<&String> = places.iter().filter_map(Setting::value).collect();
    let chosen = |bits: u32| named.iter().enumerate().filter(move |(n, _)| bits >> n & 1 == 1).map(|(_, name)| *name);
    all.extend((1..1_u32 << named.len().min(16)).map(|bits| Copies::In(chosen(bits).cloned().collect())));
    all
}

/// Whether points in this class can be restored from at once: no step of a runbook waits for the class.
fn readable(book: &PriceBook, class: &str) -> Result<(), String> {
    match &book.item(class, "gb-month")?.readable_after {
        None => Ok(()),
        Some(wait) => Err(format!("it can be read only after {wait}, and no step of a runbook waits for that")),
    }
}
