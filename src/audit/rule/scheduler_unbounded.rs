//! Schedulers that promise no bound on how late a run may start.

use crate::audit::beside::entries_of;
use crate::audit::recovery::quoted;
use crate::audit::{Code, Context, Finding, Report, Subject};
use crate::base::Place;
use crate::policy::{Protection, Scheduler};
use crate::schedule::read::Kind;

pub fn check(context: &Context, report: &mut Report) {
    let mut all: Vec<(&Protection, Scheduler)> = vec![];
    for protection in &context.policy.protections {
        let Some(scheduler) = known(context, protection) else { continue };
        if scheduler.bounds_the_interval() {
            let subject = Subject::protection(&protection.name);
            report.pass(Code::SchedulerUnbounded, subject, "its scheduler promises its time");
        } else {
            all.push((protection, scheduler));
        }
    }
    for (kind, why) in [
        (
            Scheduler::GithubActions,
            "a hosted workflow may start late or not at all, and stops after 60 days without activity in a public repository",
        ),
        (Scheduler::Manual, "a person starts it"),
    ] {
        let own: Vec<&Protection> = all.iter().filter(|(_, k)| *k == kind).map(|(p, _)| *p).collect();
        let Some(first) = own.first() else { continue };
        let names: Vec<&str> = own.iter().map(|p| p.name.as_str()).collect();
        let message = format!("nothing bounds the interval between runs of {}: {why}", quoted(&names));
        let subject = if own.len() == 1 { Subject::protection(&first.name) } else { Subject::default() };
        let mut lines: Vec<Place> = own.iter().flat_map(|p| workflows(context, p)).collect();
        lines.sort_unstable();
        lines.dedup();
        let at = first.scheduler.as_ref().map(|s| s.at).or_else(|| lines.first().copied()).unwrap_or(first.at);
        lines.retain(|line| *line != at);
        let finding = Finding::breached(Code::SchedulerUnbounded, message).about(subject).at(at).also(lines);
        report.find(finding.remedy(
            "run it from a scheduler that promises its time (cron, a systemd timer, a CronJob), and alert on the age of the \
             newest point",
        ));
    }
}

/// What the policy says starts it, or else the schedules beside it.
fn known(context: &Context, protection: &Protection) -> Option<Scheduler> {
    let declared = protection.scheduler.as_ref().map(|s| s.value);
    let entries = entries_of(context.policy, protection);
    let hosted = !entries.is_empty() && entries.iter().all(|(file, _)| file.file.kind == Kind::GithubActions);
    declared.or(hosted.then_some(Scheduler::GithubActions))
}

/// The lines of workflows that start it.
fn workflows(context: &Context, protection: &Protection) -> Vec<Place> {
    let entries = entries_of(context.policy, protection).into_iter();
    entries.filter(|(file, _)| file.file.kind == Kind::GithubActions).map(|(_, entry)| entry.at).collect()
}
