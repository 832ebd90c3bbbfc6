//! What is another than it was: findings that came and went, verdicts and figures that moved, drills and runs since.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::super::text::count;
use super::earlier::{Earlier, Told, With};
use super::promises::{Figure, PromiseRow};
use super::{DrillRow, FindingRow, Inputs, clean};
use crate::audit::{self, Verdict};
use crate::base::{Instant, Span, Window};
use crate::evidence::RunOutcome;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Changes {
    pub since: Instant,
    pub compared_with: With,
    /// SHA-256 of the file that it is compared with.
    pub sha256: Option<String>,
    /// Nothing was on record then.
    pub nothing_known: bool,
    /// Assets of which it cannot be told what got better: copies of then may have been deleted since.
    pub unseen: Vec<String>,
    pub verdict_then: Verdict,
    /// All of it in a sentence.
    pub sentence: String,
    pub new: Vec<Told>,
    pub closed: Vec<Told>,
    pub verdicts: Vec<Turn>,
    pub figures: Vec<Moved>,
    /// Drills since, oldest first.
    pub drills: Vec<DrillRow>,
    pub missed: Vec<Missed>,
    pub failed_runs: usize,
}

/// A finding or a promise whose verdict is another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Turn {
    pub about: String,
    pub then: Verdict,
    pub now: Verdict,
}

/// A figure that moved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Moved {
    pub asset: String,
    pub title: String,
    /// `observed loss`, `drilled recovery`, `declared loss`, `declared recovery`.
    pub what: &'static str,
    pub then: Figure,
    pub now: Figure,
    /// By how much, where both are known.
    #[serde(rename = "by_ms")]
    pub by: Option<Span>,
    /// None where nothing can be said of it: something that was known is not, or the other way round.
    pub worse: Option<bool>,
}

/// Runs that should have been, and left nothing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Missed {
    pub asset: String,
    pub protection: String,
    pub runs: Vec<Instant>,
}

pub fn of(
    inputs: &Inputs<'_>,
    findings: &[FindingRow],
    promises: &[PromiseRow],
    drills: &[DrillRow],
) -> Option<Changes> {
    let earlier = inputs.earlier?;
    let as_of = inputs.audit.as_of;
    let seen = Seen { inputs, earlier };
    let (new, closed, mut verdicts) = seen.findings(findings);
    let (turned, figures) = seen.promises(promises);
    verdicts.extend(turned);
    let window = Window::new(earlier.as_of.min(as_of), as_of);
    let missed = inputs.evidence.map(|evidence| audit::missed(inputs.policy, evidence, window)).unwrap_or_default();
    let missed: Vec<Missed> = missed
        .into_iter()
        .map(|missed| Missed { asset: clean(&missed.asset), protection: clean(&missed.protection), runs: missed.due })
        .collect();
    let failed = inputs.evidence.iter().flat_map(|e| &e.runs).filter(|run| {
        matches!(run.outcome, RunOutcome::Failed { .. }) && run.ended_at > window.from && run.ended_at <= as_of
    });
    let mut changes = Changes {
        since: earlier.as_of,
        compared_with: earlier.with,
        sha256: earlier.sha256.clone(),
        nothing_known: earlier.nothing_known,
        unseen: earlier.unseen.clone(),
        verdict_then: earlier.verdict,
        sentence: String::new(),
        new,
        closed,
        verdicts,
        figures,
        drills: drills.iter().filter(|drill| !earlier.drills.contains(&drill.id)).cloned().collect(),
        missed,
        failed_runs: failed.count(),
    };
    changes.sentence = changes.told(inputs.audit.verdict);
    Some(changes)
}

struct Seen<'a> {
    inputs: &'a Inputs<'a>,
    earlier: &'a Earlier,
}

impl Seen<'_> {
    /// Whether copies of then may be gone that this is about: then it may look better now without being so.
    fn unseen(&self, told: &Told) -> bool {
        let unseen = |asset: &String| self.earlier.unseen.contains(asset);
        let of_protection = |name: &String| {
            let found = self.inputs.policy.protections.iter().find(|p| clean(&p.name) == *name);
            found.is_some_and(|p| p.assets.iter().any(|asset| unseen(&clean(&asset.value))))
        };
        match (&told.asset, &told.protection) {
            (Some(asset), _) => unseen(asset),
            (None, Some(protection)) => of_protection(protection),
            (None, None) => !self.earlier.unseen.is_empty(),
        }
    }

    fn findings(&self, now: &[FindingRow]) -> (Vec<Told>, Vec<Told>, Vec<Turn>) {
        let earlier = &self.earlier.findings;
        let then: BTreeMap<&String, &Told> =
            earlier.iter().flat_map(|told| told.keys.iter().map(move |key| (key, told))).collect();
        let (mut new, mut turned) = (Vec::new(), Vec::new());
        for row in now {
            // One that tells something more than before is new.
            let before: Option<Vec<&&Told>> = row.keys.iter().map(|key| then.get(key)).collect();
            let Some(before) = before else {
                new.push(Told::from(row));
                continue;
            };
            let Some(worst) = before.into_iter().max_by_key(|told| told.verdict) else { continue };
            if worst.verdict == row.verdict || (row.verdict < worst.verdict && self.unseen(worst)) {
                continue;
            }
            let about = [&row.asset, &row.scenario, &row.protection];
            let about = about.into_iter().flatten().cloned().collect::<Vec<_>>().join(", ");
            let about = if about.is_empty() { row.code.clone() } else { format!("{}: {about}", row.code) };
            turned.push(Turn { about, then: worst.verdict, now: row.verdict });
        }
        let still: BTreeSet<&String> = now.iter().flat_map(|row| &row.keys).collect();
        let gone = |told: &&Told| !told.keys.iter().any(|key| still.contains(key)) && !self.unseen(told);
        (new, earlier.iter().filter(gone).cloned().collect(), turned)
    }

    fn promises(&self, now: &[PromiseRow]) -> (Vec<Turn>, Vec<Moved>) {
        let (mut turned, mut moved) = (Vec::new(), Vec::new());
        for row in now {
            let same = |then: &&PromiseRow| then.asset == row.asset && then.scenario == row.scenario;
            let Some(then) = self.earlier.promises.iter().find(same) else { continue };
            let unseen = self.earlier.unseen.contains(&row.asset);
            let verdicts =
                [("loss", then.rpo_verdict, row.rpo_verdict), ("recovery", then.rto_verdict, row.rto_verdict)];
            for (what, then, now) in verdicts.into_iter().filter(|(_, then, now)| then != now) {
                if what == "loss" && unseen && now < then {
                    continue;
                }
                turned.push(Turn { about: format!("{what} of {} in {}", row.asset, row.title), then, now });
            }
            let figures = [
                ("observed loss", &then.observed_loss, &row.observed_loss),
                ("drilled recovery", &then.drilled_downtime, &row.drilled_downtime),
                ("declared loss", &then.declared_loss, &row.declared_loss),
                ("declared recovery", &then.declared_downtime, &row.declared_downtime),
            ];
            for (what, then, now) in figures {
                let Some((by, worse)) = difference(then, now) else { continue };
                if what == "observed loss" && unseen && worse != Some(true) {
                    continue;
                }
                let (asset, title) = (row.asset.clone(), row.title.clone());
                moved.push(Moved { asset, title, what, then: then.clone(), now: now.clone(), by, worse });
            }
        }
        moved.sort_by_key(|moved| std::cmp::Reverse(moved.worse));
        (turned, moved)
    }
}

/// By how much one figure differs from the other, and whether that is worse; none where they say the same.
fn difference(then: &Figure, now: &Figure) -> Option<(Option<Span>, Option<bool>)> {
    match (then, now) {
        (Figure::Span { ms: then, .. }, Figure::Span { ms: now, .. }) => {
            (then != now).then(|| (Some(*now - *then), Some(now > then)))
        }
        (Figure::Total, Figure::Total) | (Figure::Unknown { .. }, Figure::Unknown { .. }) => None,
        (_, Figure::Total) => Some((None, Some(true))),
        (Figure::Total, Figure::Span { .. }) => Some((None, Some(false))),
        (_, Figure::Unknown { .. }) | (Figure::Unknown { .. }, _) => Some((None, None)),
    }
}

impl Changes {
    pub fn is_nothing(&self) -> bool {
        let Changes { new, closed, verdicts, figures, drills, missed, failed_runs, .. } = self;
        new.is_empty()
            && closed.is_empty()
            && verdicts.is_empty()
            && figures.is_empty()
            && drills.is_empty()
            && missed.is_empty()
            && *failed_runs == 0
    }

    fn told(&self, now: Verdict) -> String {
        let day = self.since.to_utc().format("%-d %B");
        if self.nothing_known {
            return format!("On {day} nothing was on record yet: there is nothing to compare with.");
        }
        let missed: usize = self.missed.iter().map(|missed| missed.runs.len()).sum();
        let runs = count(missed, "planned run left nothing", "planned runs left nothing");
        let parts = [
            (self.new.len(), count(self.new.len(), "finding is new", "findings are new")),
            (self.closed.len(), count(self.closed.len(), "is closed", "are closed")),
            (self.figures.len(), count(self.figures.len(), "figure moved", "figures moved")),
            (self.drills.len(), count(self.drills.len(), "restore drill was done", "restore drills were done")),
            (missed, runs),
        ];
        let parts: Vec<String> = parts.into_iter().filter(|(n, _)| *n > 0).map(|(_, said)| said).collect();
        let word = super::super::terminal::mark(now).to_lowercase();
        let verdict = match self.verdict_then == now {
            true => format!("the verdict is {word} as before"),
            false => format!(
                "the verdict was {} and is {word}",
                super::super::terminal::mark(self.verdict_then).to_lowercase()
            ),
        };
        match parts.is_empty() {
            true => format!("Since {day} nothing changed; {verdict}."),
            false => format!("Since {day}: {}; {verdict}.", parts.join(", ")),
        }
    }
}
