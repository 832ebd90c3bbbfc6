//! Schedulers that promise no bound on how late a run may start.

use crate::audit::recovery::quoted;
use crate::audit::{Code, Context, Finding, Report, Subject};
use crate::policy::{Protection, Scheduler};

pub fn check(context: &Context, report: &mut Report) {
    let unbounded = |p: &&Protection| p.scheduler.as_ref().is_some_and(|s| !s.value.bounds_the_interval());
    let all: Vec<&Protection> = context.policy.protections.iter().filter(unbounded).collect();
    for protection in context.policy.protections.iter().filter(|p| p.scheduler.is_some() && !unbounded(p)) {
        let subject = Subject::protection(&protection.name);
        report.pass(Code::SchedulerUnbounded, subject, "its scheduler promises its time");
    }
    for (kind, why) in [
        (
            Scheduler::GithubActions,
            "a hosted workflow may start late or not at all, and stops after 60 days without activity in a public repository",
        ),
        (Scheduler::Manual, "a person starts it"),
    ] {
        let own: Vec<&&Protection> =
            all.iter().filter(|p| p.scheduler.as_ref().is_some_and(|s| s.value == kind)).collect();
        let Some(first) = own.first() else { continue };
        let names: Vec<&str> = own.iter().map(|p| p.name.as_str()).collect();
        let message = format!("nothing bounds the interval between runs of {}: {why}", quoted(&names));
        let subject = if own.len() == 1 { Subject::protection(&first.name) } else { Subject::default() };
        let at = first.scheduler.as_ref().map_or(first.at, |s| s.at);
        let finding = Finding::breached(Code::SchedulerUnbounded, message).about(subject).at(at);
        report.find(finding.remedy(
            "run it from a scheduler that promises its time (cron, a systemd timer, a CronJob), and alert on the age of the \
             newest point",
        ));
    }
}
