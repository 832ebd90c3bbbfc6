//! What cannot be said, and what the rest rests on: shown as plainly as the findings.

use std::collections::BTreeMap;

use serde::Serialize;

use super::outlook::Told;
use super::{Inputs, clean};
use crate::audit::Measure;
use crate::cost::Grade;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unknown {
    pub what: String,
    pub why: String,
}

/// A figure that nobody measured here, with its source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assumption {
    pub what: String,
    pub value: String,
    /// None: the policy names no source.
    pub source: Option<String>,
}

/// Names of what a reason holds for that are listed; the JSON report's promises hold them all.
const NAMES_MOST: usize = 6;

/// Reasons, each with what it holds for: one reason often holds for many cells, and is said once.
#[derive(Default)]
struct Reasons(Vec<(String, Vec<Kind>)>);

/// What a reason holds for: a kind of figure, and the names in it.
type Kind = (&'static str, Vec<String>);

impl Reasons {
    fn add(&mut self, kind: &'static str, name: &str, why: &str) {
        let (why, name) = (super::super::text::sentence(clean(why).trim_end_matches('.')), clean(name));
        let place = self.0.iter().position(|(known, _)| *known == why).unwrap_or_else(|| {
            self.0.push((why, Vec::new()));
            self.0.len() - 1
        });
        let Some((_, kinds)) = self.0.get_mut(place) else { return };
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, names)) if names.contains(&name) => {}
            Some((_, names)) => names.push(name),
            None => kinds.push((kind, vec![name])),
        }
    }

    fn told(self) -> Vec<Unknown> {
        let kind = |(kind, names): Kind| {
            let more = names.len().saturating_sub(NAMES_MOST);
            let listed = names.into_iter().take(NAMES_MOST).filter(|n| !n.is_empty()).collect::<Vec<_>>().join(", ");
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            if listed.is_empty() { kind.to_string() } else { format!("{kind}: {listed}{more}") }
        };
        let one = |(why, kinds): (String, Vec<Kind>)| Unknown {
            what: kinds.into_iter().map(kind).collect::<Vec<_>>().join("; "),
            why,
        };
        self.0.into_iter().map(one).collect()
    }
}

pub fn unknowns(inputs: &Inputs<'_>, outlooks: &[Told]) -> Vec<Unknown> {
    let mut all = Reasons::default();
    if inputs.evidence.is_none() {
        let why = "no evidence was given: this report knows the plan as declared alone";
        all.add("Everything that was observed or drilled", "", why);
    }
    for cell in &inputs.audit.cells {
        let name = format!("{} in {}", cell.asset, cell.scenario);
        for (kind, measure) in [("Declared loss", &cell.declared_loss), ("Observed loss", &cell.observed_loss)] {
            if let Measure::Unknown(why) = measure {
                all.add(kind, &name, why);
            }
        }
        let declared = ("Declared time to recover", &cell.declared_downtime);
        for (kind, measure) in [declared, ("Drilled time to recover", &cell.drilled_downtime)] {
            if let Measure::Unknown(why) = measure {
                all.add(kind, &name, why);
            }
        }
    }
    for told in outlooks.iter().filter(|_| inputs.evidence.is_some()) {
        if let Err(why) = &told.outgrowing {
            all.add("When restores outgrow the time that they have", told.asset, why);
        }
    }
    for broken in inputs.evidence.iter().flat_map(|e| &e.unreadable) {
        all.add("Evidence that cannot be read", &broken.place, &broken.why);
    }
    let unsaid = [
        ("The simulation", inputs.simulation.map(|s| &s.unsaid)),
        ("The price of the plan", inputs.bill.map(|b| &b.unpriced)),
        ("Cost against loss", inputs.tradeoff.map(|t| &t.unsaid)),
    ];
    for (kind, reasons) in unsaid {
        let reasons: Vec<(&String, Option<(&str, String)>)> =
            reasons.into_iter().flatten().map(|why| (why, without_name(why))).collect();
        let mut alike: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, rest) in reasons.iter().filter_map(|(_, named)| named.as_ref()) {
            *alike.entry(rest).or_default() += 1;
        }
        for (why, named) in &reasons {
            match named {
                // The same of many: said once, with the names below.
                Some((name, rest)) if alike.get(rest.as_str()).is_some_and(|many| *many > 1) => {
                    all.add(kind, name, rest)
                }
                _ => all.add(kind, "", why),
            }
        }
    }
    all.told()
}

/// The only name in a reason, and the reason with a gap in its place.
fn without_name(why: &str) -> Option<(&str, String)> {
    let (before, rest) = why.split_once('`')?;
    let (name, after) = rest.split_once('`')?;
    (!after.contains('`')).then(|| (name, format!("{before}…{after}")))
}

pub fn assumptions(inputs: &Inputs<'_>) -> Vec<Assumption> {
    let policy = inputs.policy;
    let mut all: Vec<Assumption> = Vec::new();
    for scenario in &policy.scenarios {
        all.push(Assumption {
            what: clean(&format!("How often: {}", scenario.title)),
            value: format!("{} a year", scenario.often()),
            source: scenario.per_year_source.as_ref().map(|source| clean(source)),
        });
    }
    if let Some(losses) = &policy.losses {
        let amount = |value: f64| crate::base::quantity::money(value, &policy.currency);
        all.push(Assumption {
            what: "What an hour costs".into(),
            value: format!(
                "{} of downtime, {} of lost writes",
                amount(losses.downtime_per_hour.value),
                amount(losses.data_per_hour.value)
            ),
            source: losses.source.as_ref().map(|source| clean(source)),
        });
    }
    if let Some(book) = inputs.book {
        all.push(Assumption {
            what: "Prices".into(),
            value: clean(&format!("{}, {}", book.name, book.currency)),
            source: Some(clean(&format!("read on {}", book.read_on))),
        });
    }
    for line in inputs.bill.iter().flat_map(|bill| &bill.lines).filter(|line| line.grade == Grade::Unverified) {
        all.push(Assumption {
            what: clean(&format!("Unverified price: {} of {}", line.item, line.protection)),
            value: clean(&line.basis),
            source: None,
        });
    }
    all
}
