//! What changed.

use super::super::text::few;
use super::{Page, day, figure, moment, verdict};
use crate::base::Span;
use crate::base::markdown::prose;
use crate::report::text::count;
use crate::report::view::{Changes, Told, With};

impl Page {
    pub(super) fn changes(&mut self, changes: &Changes) {
        self.says(format!("## What changed since {}", day(changes.since)));
        self.says(prose(&changes.sentence));
        let at = moment(changes.since);
        let with = match changes.compared_with {
            With::SameEvidence => format!("the same evidence as it stood at {at}, under the policy of today"),
            With::Evidence => format!("the evidence that was read at {at}, under the policy of today"),
            With::Report => format!("the report of {at}"),
        };
        let file = changes.sha256.as_ref().map(|sha256| format!(" (SHA-256 `{sha256}`)")).unwrap_or_default();
        let unseen = match changes.unseen.as_slice() {
            [] => String::new(),
            assets => format!(
                " Of {} it is not said what got better: copies of then may have been deleted since. Last week's \
                 `report.json`, given with `--since`, tells it.",
                prose(&assets.join(", "))
            ),
        };
        self.says(format!("Compared with {with}{file}.{unseen}"));
        if changes.nothing_known {
            return;
        }
        let told = |word: &str, one: &Told| format!("**{word}** {} (`{}`)", prose(&few(&one.message).0), one.code);
        let new = changes.new.iter().map(|one| told(&format!("New, {}:", verdict(one.verdict)), one));
        let turned = changes.verdicts.iter();
        let turned =
            turned.map(|one| format!("**{}**, was {}: {}", verdict(one.now), verdict(one.then), prose(&one.about)));
        let closed = changes.closed.iter().map(|one| told("Closed:", one));
        self.items(new.chain(turned).chain(closed));
        if !changes.figures.is_empty() {
            let head =
                [("asset", false), ("failure", false), ("figure", false), ("then", true), ("now", true), ("by", true)];
            let rows = changes.figures.iter().map(|moved| {
                let by = moved.by.map(|by| format!("{}{by}", if by > Span::ZERO { "+" } else { "" }));
                let worse = moved.worse.map(|worse| if worse { ", worse" } else { ", better" });
                [
                    moved.asset.clone(),
                    moved.title.clone(),
                    moved.what.to_string(),
                    figure(&moved.then),
                    figure(&moved.now),
                    format!("{}{}", by.unwrap_or("–".to_string()), worse.unwrap_or_default()),
                ]
            });
            self.table(head, rows);
        }
        let drills = changes.drills.iter().map(|drill| {
            let outcome = if drill.passed { "passed" } else { "failed" };
            format!("Restore drill of {} at {}: {outcome}", prose(&drill.asset), moment(drill.started_at))
        });
        let missed = changes.missed.iter().map(|missed| {
            let first = missed.runs.first().map(|run| format!(", first that of {}", moment(*run))).unwrap_or_default();
            let runs = count(missed.runs.len(), "planned run", "planned runs");
            format!("{runs} of {} for {} left nothing{first}", prose(&missed.protection), prose(&missed.asset))
        });
        let failed = (changes.failed_runs > 0)
            .then(|| format!("{} and said so", count(changes.failed_runs, "run failed", "runs failed")));
        self.items(drills.chain(missed).chain(failed));
    }
}
