//! The week as Markdown, for a pull request or a terminal: the same view, in the same order as the page.

mod changes;
mod simulation;

use super::View;
use super::text::{count, few, sentence};
use super::view::{DrillRow, Figure, FindingRow, MoneyView, PromiseRow, shown};
use crate::audit::Verdict;
use crate::base::markdown::{prose, row, rule};
use crate::base::quantity::grouped;
use crate::base::{Instant, Span};

/// Rows and items of a kind that are shown; `report.json` holds all.
const MOST: usize = 40;
/// Lines of evidence under one finding.
const EVIDENCE_MOST: usize = 3;

pub fn of(view: &View) -> String {
    let mut page = Page::default();
    page.says(format!("# {}", prose(&view.headline)));
    let (from, until) = (day(view.window.from), day(view.window.until));
    page.says(format!(
        "**{}** · {} · {from} to {until}",
        sentence(super::format::words::verdict(view.verdict)),
        prose(&view.policy.name)
    ));
    page.items(view.lead.iter().map(|line| prose(line)));
    page.promises(&view.promises);
    if let Some(changes) = &view.changes {
        page.changes(changes);
    }
    page.findings(view);
    page.waivers(view);
    page.drills(&view.drills);
    if let Some(simulation) = &view.simulation {
        page.simulation(simulation);
    }
    if let Some(money) = &view.money {
        page.money(money);
    }
    page.unknowns(view);
    page.passes(view);
    page.evidence(view);
    page.text
}

/// Blocks with an empty line between them.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn says(&mut self, block: impl AsRef<str>) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(block.as_ref());
        self.text.push('\n');
    }

    fn items(&mut self, items: impl IntoIterator<Item = String>) {
        let all: Vec<String> = items.into_iter().map(|item| format!("- {item}")).collect();
        let more = all.len().saturating_sub(MOST);
        let mut shown = all.into_iter().take(MOST).collect::<Vec<_>>();
        shown.extend((more > 0).then(|| format!("- and {more} more in `report.json`")));
        if !shown.is_empty() {
            self.says(shown.join("\n"));
        }
    }

    /// A table, of which `true` sets a column on the right.
    fn table<const N: usize>(&mut self, head: [(&str, bool); N], rows: impl IntoIterator<Item = [String; N]>) {
        let rows: Vec<[String; N]> = rows.into_iter().collect();
        let more = rows.len().saturating_sub(MOST);
        let mut lines = vec![row(head.map(|(title, _)| title)), rule(&head.map(|(_, right)| right))];
        lines.extend(rows.into_iter().take(MOST).map(row));
        self.says(lines.join("\n"));
        if more > 0 {
            self.says(format!("And {more} more in `report.json`."));
        }
    }

    fn promises(&mut self, promises: &[PromiseRow]) {
        self.says("## Promised, declared, observed, drilled");
        if promises.is_empty() {
            return self.says("The policy declares no scenario, so nothing was held against an objective.");
        }
        let asked = |span: Option<Span>| span.map_or("none".to_string(), |span| span.to_string());
        let head = [
            ("asset", false),
            ("failure", false),
            ("RPO", true),
            ("declared", true),
            ("observed", true),
            ("loss", false),
            ("RTO", true),
            ("declared", true),
            ("drilled", true),
            ("recovery", false),
        ];
        let one = |row: &PromiseRow| {
            [
                row.asset.clone(),
                if row.title.is_empty() { row.scenario.clone() } else { row.title.clone() },
                asked(row.rpo),
                figure(&row.declared_loss),
                figure(&row.observed_loss),
                verdict(row.rpo_verdict),
                asked(row.rto),
                figure(&row.declared_downtime),
                figure(&row.drilled_downtime),
                verdict(row.rto_verdict),
            ]
        };
        self.table(head, shown(promises, MOST).into_iter().map(one));
        if promises.len() > MOST {
            self.says(format!("Shown are {MOST} of {}, the worst first.", promises.len()));
        }
    }

    fn findings(&mut self, view: &View) {
        self.says("## Findings");
        if view.findings.is_empty() {
            return self.says("None.");
        }
        let contacts = view.policy.contacts.iter().map(|(who, reach)| format!("{} ({})", prose(who), prose(reach)));
        let contacts = contacts.collect::<Vec<_>>().join(", ");
        let contacts = if contacts.is_empty() { contacts } else { format!(" To call: {contacts}.") };
        self.says(format!("Worst first.{contacts}"));
        let all: Vec<String> = view.findings.iter().enumerate().map(|(n, finding)| told(n + 1, finding)).collect();
        self.says(all.join("\n"));
    }

    fn waivers(&mut self, view: &View) {
        if view.waivers.is_empty() {
            return;
        }
        self.says("## Accepted until a date");
        let (ending, later): (Vec<_>, Vec<_>) = view.waivers.iter().partition(|waiver| waiver.state != "holds");
        let one = |waiver: &&super::view::WaiverRow| {
            let when = match waiver.state {
                "ended" => format!("**ended** {} ago", waiver.away),
                _ => format!("ends in {}", waiver.away),
            };
            format!("`{}` {when}: {}, {}", waiver.code, prose(&waiver.owner), prose(&waiver.reason))
        };
        self.items(ending.iter().map(one));
        if !later.is_empty() {
            self.says(format!("{} later than in 30 days.", count(later.len(), "waiver ends", "waivers end")));
        }
    }

    fn drills(&mut self, drills: &[DrillRow]) {
        self.says("## Restore drills");
        if drills.is_empty() {
            return self
                .says("No restore drill is on record: how long a recovery takes, and whether it works, is unproven.");
        }
        let head = [
            ("drill", false),
            ("asset", false),
            ("started (UTC)", false),
            ("restored", true),
            ("took", true),
            ("checks", true),
            ("outcome", false),
        ];
        let one = |drill: &DrillRow| {
            let why = drill.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            [
                drill.id.clone(),
                drill.asset.clone(),
                moment(drill.started_at),
                drill.bytes.to_string(),
                if drill.took > Span::ZERO { drill.took.to_string() } else { "not recorded".to_string() },
                format!("{} of {}", drill.checks_passed, drill.checks),
                if drill.passed { "passed".to_string() } else { format!("failed{why}") },
            ]
        };
        self.table(head, drills.iter().rev().map(one));
    }

    fn money(&mut self, money: &MoneyView) {
        self.says("## Cost against loss");
        self.items(money.recommendation.iter().map(|line| prose(line)));
        if !money.plans.is_empty() {
            let head = [
                ("plan", false),
                ("cost a year", true),
                ("expected loss a year", true),
                ("sum", true),
                ("worst loss", true),
                ("objectives", false),
                ("complexity", true),
            ];
            let rows = money.plans.iter().map(|plan| {
                let least = if plan.at_least { "at least " } else { "" };
                let roles = if plan.roles.is_empty() { String::new() } else { format!(" ({})", plan.roles.join(", ")) };
                [
                    format!("{}{roles}", plan.label),
                    plan.annual_cost.clone(),
                    format!("{least}{}", plan.expected_annual_loss),
                    format!("{least}{}", plan.sum),
                    figure(&plan.worst_loss),
                    if plan.misses.is_empty() { "met".into() } else { format!("missed: {}", plan.misses.join(", ")) },
                    plan.complexity.to_string(),
                ]
            });
            self.table(head, rows);
        }
        if let Some(total) = &money.bill_total {
            self.says(format!("Today's plan costs {} a year; `report.json` has the bill line by line.", prose(total)));
        }
    }

    fn unknowns(&mut self, view: &View) {
        self.says("## What we don't know");
        match view.unknowns.is_empty() {
            true => self.says("Nothing was left unsaid."),
            false => self.items(view.unknowns.iter().map(|one| format!("{}. {}", prose(&one.why), prose(&one.what)))),
        }
        self.says("What the figures rest on that nobody measured here:");
        let source = |source: &Option<String>| source.as_ref().map_or("no source given".to_string(), |s| prose(s));
        let one = |one: &super::view::Assumption| {
            format!("{}: {} ({})", prose(&one.what), prose(&one.value), source(&one.source))
        };
        self.items(view.assumptions.iter().map(one));
    }

    fn passes(&mut self, view: &View) {
        self.says("## What holds, and why");
        match view.passes.is_empty() {
            true => self.says("No rule was found to hold with evidence."),
            false => self.items(view.passes.iter().map(|pass| format!("{} (`{}`)", prose(&pass.why), pass.code))),
        }
    }

    fn evidence(&mut self, view: &View) {
        self.says("## Evidence");
        let policy = format!("Policy: {}, SHA-256 `{}`", prose(&view.policy.file), view.policy.sha256);
        let evidence = match &view.evidence {
            Some(read) => {
                let sha256 = read.sha256.as_ref().map(|sha256| format!(", SHA-256 `{sha256}`")).unwrap_or_default();
                format!(
                    "Evidence read at {}{sha256}: {} recovery points, {} pieces of log, {} drills, {} runs of which {} \
                     failed, {} that could not be read",
                    moment(read.read_at),
                    grouped(read.points as u64),
                    grouped(read.log_pieces as u64),
                    grouped(read.drills as u64),
                    grouped(read.runs as u64),
                    grouped(read.failed_runs as u64),
                    grouped(read.unreadable as u64)
                )
            }
            None => "Evidence: none was given".to_string(),
        };
        let made = format!(
            "Judged as of {}; made by {} from these alone, and `report weekly --verify` makes it again. Times are UTC.",
            view.as_of, view.made_by
        );
        self.items([policy, evidence, made]);
    }
}

/// A finding with what shows it and what to do, as an item of a numbered list.
fn told(number: usize, finding: &FindingRow) -> String {
    let lead = format!("{number}. ");
    let indent = " ".repeat(lead.len());
    let severity = super::terminal::severity(finding.severity);
    let mut lines = vec![format!(
        "{lead}**{}, {severity}**: {} (`{}`)",
        verdict(finding.verdict),
        prose(&few(&finding.message).0),
        finding.code
    )];
    let mut item = |text: String| lines.push(format!("{indent}- {text}"));
    let about = [&finding.asset, &finding.scenario, &finding.protection];
    let about: Vec<&str> = about.into_iter().flatten().map(String::as_str).collect();
    let at = finding.at.as_ref().map(|at| format!("promised in {}:{}", at.file, at.line));
    let place = about.into_iter().map(str::to_string).chain(at).collect::<Vec<_>>().join(", ");
    if !place.is_empty() {
        item(format!("About: {}", prose(&place)));
    }
    let more = finding.evidence.len().saturating_sub(EVIDENCE_MOST);
    for line in finding.evidence.iter().take(EVIDENCE_MOST) {
        item(format!("Evidence: {}", prose(line)));
    }
    if more > 0 {
        item(format!("and {more} more"));
    }
    item(format!("What to do: {}", prose(&finding.remedy)));
    if !finding.controls.is_empty() {
        item(format!("Supports: {}", finding.controls.join(" · ")));
    }
    if let Some(waived) = &finding.waived {
        item(format!("Accepted: {}", prose(waived)));
    }
    lines.join("\n")
}

fn figure(figure: &Figure) -> String {
    match figure {
        Figure::Unknown { .. } => "not known".to_string(),
        known => known.short().to_string(),
    }
}

fn verdict(verdict: Verdict) -> String {
    sentence(super::format::words::verdict(verdict))
}

fn day(at: Instant) -> String {
    at.to_utc().format("%-d %B %Y").to_string()
}

fn moment(at: Instant) -> String {
    at.to_utc().format("%-d %b %Y %H:%M").to_string()
}
