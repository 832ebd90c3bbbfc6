//! Act 6: what the store tells, read back from it, held against PixelCraft's plan.

use super::backup::Stored;
use super::stage::Stage;
use crate::audit::{self, Audit, Verdict};
use crate::base::quantity::grouped;
use crate::base::{Fault, Result, Span, Window};
use crate::evidence::Evidence;
use crate::policy::{self, Policy, SourceText};
use crate::repository::catalog;

/// The plan, compiled in: the demo works from any folder.
const PLAN: &str = include_str!("../../../policies/pixelcraft.toml");

pub struct Judged {
    pub policy: Policy,
    pub evidence: Evidence,
    pub audit: Audit,
}

pub fn policy() -> Result<Policy> {
    let source = SourceText::new("policies/pixelcraft.toml", PLAN);
    policy::parse(source.clone()).map_err(|problems| {
        let all: String = problems.iter().map(|problem| problem.render(&source)).collect();
        Fault::bug(format!("the plan that is built in does not read:\n{all}"))
    })
}

pub async fn run(stage: &Stage<'_>, stored: &Stored, policy: Policy) -> Result<Judged> {
    stage.act("Audit");
    let evidence = catalog::read(stored.repository.as_ref(), stage.clock.now()).await?;
    stage.say(&format!(
        "read back from the store: {} recovery points, {} pieces of log, {} runs, {}",
        evidence.points.len(),
        evidence.coverage.len(),
        evidence.runs.len(),
        if evidence.drills.len() == 1 { "1 drill".to_string() } else { format!("{} drills", evidence.drills.len()) }
    ));
    // Before the first snapshot there was nothing to look at.
    let from = stored.snapshots.first().map_or(stage.began_at, |first| first.finished_at);
    let as_of = evidence.read_at;
    let mut audit = audit::run(&policy, Some(&evidence), as_of, Window::new(from, as_of));
    // The run is too short to show a plan of nights and hours: what the plan declares is shown over a week.
    let week = audit::run(&policy, None, as_of, Window::new(as_of - Span::days(7), as_of));
    for (cell, of_week) in audit.cells.iter_mut().zip(week.cells) {
        cell.declared_exposure = of_week.declared_exposure;
    }
    let found = |verdict| audit.findings.iter().filter(|f| f.verdict == verdict).count() as u64;
    stage.say(&format!(
        "held against the plan as it is declared: {} broken promises, {} that nothing proves, {} kept",
        grouped(found(Verdict::Breached)),
        grouped(found(Verdict::Unproven)),
        grouped(audit.passes.len() as u64)
    ));
    Ok(Judged { policy, evidence, audit })
}
