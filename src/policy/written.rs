//! A protection as a policy file writes it: field by field, in the order of the format. What is compared, shown and
//! written of a plan is this one form.

use std::fmt;

use super::document::values::Word;
use super::document::words::Kind;
use super::{Mechanism, Placed, Policy, Protection};
use crate::base::Span;

/// The value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Written {
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    List(Vec<String>),
    /// Counts by name, as an inline table.
    Counts(Vec<(&'static str, u32)>),
}

/// A field and its value.
pub type Field = (&'static str, Written);

/// A duration that reads back as itself: `1h40min`.
pub fn span(span: Span) -> String {
    let mut left = span.0.max(0);
    let mut text = String::new();
    for (unit, ms) in [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000), ("ms", 1)] {
        let count = left / ms;
        left %= ms;
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    }
    if text.is_empty() { "0s".to_string() } else { text }
}

/// The fields that declare this protection in `policy`; a name of `assets` that follows from what it copies is none.
pub fn fields(policy: &Policy, protection: &Protection) -> Vec<Field> {
    let mut all = Fields(vec![]);
    let p = protection;
    all.text("kind", Some(kind(&p.mechanism)));
    let copies = matches!(p.mechanism, Mechanism::Copy { .. });
    all.list("assets", if copies { &[] } else { &p.assets });
    mechanism(&mut all, policy, &p.mechanism);
    all.span("late_by", &p.late_by);
    all.text("job", p.job.as_ref().map(|job| job.value.clone()));
    let versions = matches!(p.mechanism, Mechanism::Versioning);
    all.list("stored_in", if versions { &[] } else { &p.stored_in });
    all.list("runs_in", &p.runs_in);
    // Of a log that names no retention its window is one.
    let window = match &p.mechanism {
        Mechanism::Log { window, .. } => Some(window.value),
        _ => None,
    };
    let asked = p.cut_short.as_ref().or(p.retention.as_ref());
    all.push("retention", asked.filter(|kept| Some(kept.value) != window).map(|kept| Written::Text(span(kept.value))));
    all.push("keep", p.keep.as_ref().map(|keep| Written::Counts(keep.value.named().collect())));
    all.span("lifecycle", &p.lifecycle);
    all.span("lock", &p.lock);
    all.text("consistency", p.consistency.as_ref().and_then(|c| word(c.value)));
    all.bool("encrypted", &p.encrypted);
    let recipients: Vec<String> = p.recipients.iter().map(|recipient| recipient.value.to_string()).collect();
    all.push("recipients", (!recipients.is_empty()).then_some(Written::List(recipients)));
    all.bool("verified", &p.verified);
    all.text("scheduler", p.scheduler.as_ref().and_then(|s| word(s.value)));
    all.text("restore_rate", p.restore_rate.as_ref().map(|rate| format!("{} B/s", rate.value.0)));
    all.text("storage_class", p.storage_class.as_ref().map(|class| class.value.clone()));
    all.text("server_side_encryption", p.server_side_encryption.as_ref().map(|how| how.value.to_string()));
    all.text("compress", p.compress.as_ref().map(|how| how.value.to_string()));
    all.push("stored_fraction", p.stored_fraction.as_ref().map(|part| Written::Float(part.value)));
    all.0
}

fn mechanism(all: &mut Fields, policy: &Policy, mechanism: &Mechanism) {
    match mechanism {
        Mechanism::Snapshot { schedule, takes, allowed_failures }
        | Mechanism::Mirror { schedule, takes, allowed_failures } => {
            all.text("schedule", Some(schedule.value.text.clone()));
            let own = (schedule.value.zone != policy.timezone).then(|| schedule.value.zone.name().to_string());
            all.text("timezone", own);
            all.text("takes", Some(span(takes.value)));
            all.push("allowed_failures", (*allowed_failures > 0).then(|| Written::Integer((*allowed_failures).into())));
        }
        Mechanism::Log { lag, window } => {
            all.text("lag", Some(span(lag.value)));
            all.text("window", Some(span(window.value)));
        }
        Mechanism::Copy { of, delay } => {
            all.text("of", Some(of.value.clone()));
            all.text("delay", Some(span(delay.value)));
        }
        Mechanism::Replica { lag } => all.text("lag", Some(span(lag.value))),
        Mechanism::Versioning => {}
    }
}

fn kind(mechanism: &Mechanism) -> String {
    let kind = match mechanism {
        Mechanism::Snapshot { .. } => Kind::Snapshot,
        Mechanism::Log { .. } => Kind::Log,
        Mechanism::Mirror { .. } => Kind::Mirror,
        Mechanism::Versioning => Kind::Versioning,
        Mechanism::Copy { .. } => Kind::Copy,
        Mechanism::Replica { .. } => Kind::Replica,
    };
    word(kind).unwrap_or_default()
}

/// The word that the format has for a value.
pub fn word<T: Word + PartialEq>(value: T) -> Option<String> {
    T::WORDS.iter().find(|(_, known, _)| *known == value).map(|(word, ..)| (*word).to_string())
}

struct Fields(Vec<Field>);

impl Fields {
    fn push(&mut self, name: &'static str, value: Option<Written>) {
        self.0.extend(value.map(|value| (name, value)));
    }

    fn text(&mut self, name: &'static str, text: Option<String>) {
        self.push(name, text.map(Written::Text));
    }

    fn span(&mut self, name: &'static str, value: &Option<Placed<Span>>) {
        self.text(name, value.as_ref().map(|value| span(value.value)));
    }

    fn bool(&mut self, name: &'static str, value: &Option<Placed<bool>>) {
        self.push(name, value.as_ref().map(|value| Written::Bool(value.value)));
    }

    fn list(&mut self, name: &'static str, names: &[Placed<String>]) {
        let names: Vec<String> = names.iter().map(|name| name.value.clone()).collect();
        self.push(name, (!names.is_empty()).then_some(Written::List(names)));
    }
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Written::Text(text) => write!(f, "{text:?}"),
            Written::Integer(number) => write!(f, "{number}"),
            Written::Float(number) => write!(f, "{number}"),
            Written::Bool(truth) => write!(f, "{truth}"),
            Written::List(names) => write!(f, "{names:?}"),
            Written::Counts(counts) => write!(f, "{counts:?}"),
        }
    }
}

/// Everything that two plans can differ in, one line each: equal lines, equal plans. `without` leaves fields out.
pub fn lines(policy: &Policy, without: &[&str]) -> Vec<String> {
    let mut lines = vec![];
    for protection in &policy.protections {
        let fields = fields(policy, protection).into_iter().filter(|(name, _)| !without.contains(name));
        let fields: Vec<String> = fields.map(|(name, value)| format!("{name} = {value}")).collect();
        lines.push(format!("protection {}: {}", protection.name, fields.join(", ")));
    }
    lines.extend(policy.domains.iter().map(|d| format!("domain {}: {:?}", d.name, names(&d.inside))));
    lines.extend(policy.credentials.iter().map(|c| format!("credential {}: {:?}", c.name, names(&c.can_delete))));
    lines.sort();
    lines
}

/// How often drills are asked for: the policy's own, then each asset's.
pub fn drills(policy: &Policy) -> Vec<Option<Span>> {
    let own = std::iter::once(&policy.objective).chain(policy.assets.iter().map(|asset| &asset.objective));
    own.map(|objective| objective.drill_every.as_ref().map(|every| every.value)).collect()
}

fn names(list: &[Placed<String>]) -> Vec<&str> {
    list.iter().map(|name| name.value.as_str()).collect()
}
