//! The schedules of the policy against the files that schedulers run from.

use crate::audit::beside::{entries_of, entries_of_operation, kind_of, known_by, runs_plimsoll};
use crate::audit::{Code, Context, Finding, Report, Subject, Verdict};
use crate::base::{Instant, Place, Span};
use crate::policy::{Mechanism, Placed, Protection, Scheduled};
use crate::schedule::Schedule;
use crate::schedule::read::Entry;

/// Runs are compared over a year, and no more of them than this: a minutely schedule repeats itself long before.
const COMPARED: Span = Span::days(366);
const MOST_RUNS: usize = 20_000;
/// No clock on earth is further from another.
const ZONES_APART: Span = Span::hours(26);

pub fn check(context: &Context, report: &mut Report) {
    if context.policy.beside.schedules.is_empty() {
        return;
    }
    for planned in planned(context) {
        let subject = planned.protection.map_or_else(Subject::default, |p| Subject::protection(&p.name));
        match judge(context, &planned) {
            Judged::Nothing => {}
            Judged::Same(why) => report.pass(Code::ScheduleDrift, subject, why),
            Judged::Drift(verdict, at, also, message) => {
                let finding = Finding::new(Code::ScheduleDrift, verdict, message).at(at).also(also).about(subject);
                report
                    .find(finding.remedy(
                        "let both say the same: correct the entry, or the policy and with it what it promises",
                    ));
            }
        }
    }
}

/// Something that the policy plans to be run at times, and the entries that run it.
struct Planned<'a> {
    name: &'a str,
    schedule: &'a Placed<Schedule>,
    /// None: an operation of the policy.
    protection: Option<&'a Protection>,
    entries: Vec<(&'a Scheduled, &'a Entry)>,
}

fn planned<'a>(context: &'a Context) -> Vec<Planned<'a>> {
    let of_protection = |protection: &'a Protection| match &protection.mechanism {
        Mechanism::Snapshot { schedule, .. } | Mechanism::Mirror { schedule, .. } => Some(Planned {
            name: &protection.name,
            schedule,
            protection: Some(protection),
            entries: entries_of(context.policy, protection),
        }),
        _ => None,
    };
    let protections = context.policy.protections.iter().filter_map(of_protection);
    let operations = context.policy.operations.scheduled().map(|(work, schedule)| Planned {
        name: work.word(),
        schedule,
        protection: None,
        entries: entries_of_operation(context.policy, work),
    });
    protections.chain(operations).collect()
}

enum Judged {
    Nothing,
    Same(String),
    Drift(Verdict, Place, Vec<Place>, String),
}

fn judge(context: &Context, planned: &Planned) -> Judged {
    let Planned { name, schedule, protection, entries: all } = planned;
    let scheduler = protection.and_then(|protection| protection.scheduler.as_ref());
    let kind = scheduler.and_then(|s| kind_of(s.value));
    let of_kind: Vec<_> =
        all.iter().filter(|(file, _)| kind.is_none_or(|kind| file.file.kind == kind)).copied().collect();
    let given = context.policy.beside.schedules.iter().any(|s| kind.is_some_and(|kind| s.file.kind == kind));
    match (of_kind.as_slice(), all.first(), scheduler) {
        ([], Some((file, entry)), Some(scheduler)) if kind.is_some() => {
            let message = format!(
                "`{name}` is planned to be run by a {}, and what runs it is a {} (`{}`)",
                kind.map(|k| k.word()).unwrap_or_default(),
                file.file.kind.word(),
                file.path
            );
            Judged::Drift(Verdict::Breached, scheduler.at, vec![entry.at], message)
        }
        ([], None, _) if protection.is_none() && runs_plimsoll(context.policy) => {
            let message = format!("`{name}` is planned, and no entry of the given schedules runs `plimsoll {name}`");
            Judged::Drift(Verdict::Unproven, schedule.at, vec![], message)
        }
        ([], None, _) if given => {
            let by = protection.map_or(*name, known_by);
            let message = format!("`{name}` is planned, and no entry of the given schedules mentions `{by}`");
            let job = protection.and_then(|protection| protection.job.as_ref());
            let at = job.map_or(schedule.at, |job| job.at);
            // Without a word of what runs it, it may just be called otherwise.
            let verdict = if job.is_some() { Verdict::Breached } else { Verdict::Unproven };
            Judged::Drift(verdict, at, vec![], message)
        }
        ([], ..) => Judged::Nothing,
        (entries, ..) => compare(context, planned, entries),
    }
}

fn compare(context: &Context, planned: &Planned, entries: &[(&Scheduled, &Entry)]) -> Judged {
    let Planned { name, schedule, protection, .. } = planned;
    let also: Vec<Place> = entries.iter().map(|(_, entry)| entry.at).collect();
    let drift = |verdict, also, message| Judged::Drift(verdict, schedule.at, also, message);
    let live: Vec<&Entry> = entries.iter().map(|(_, entry)| *entry).filter(|entry| entry.suspended.is_none()).collect();
    if live.is_empty() {
        let off = entries.iter().filter_map(|(_, entry)| entry.suspended).collect();
        return drift(Verdict::Breached, off, format!("`{name}` is planned, and the entry that runs it is suspended"));
    }
    let host = context.policy.beside.host_zone;
    let (from, until) = (context.as_of, context.as_of + COMPARED);
    let times: Vec<Instant> = schedule.value.runs_from(from).take_while(|run| *run < until).take(MOST_RUNS).collect();
    let mut real: Vec<Instant> = vec![];
    for entry in &live {
        match entry.runs(from, until, host.unwrap_or(schedule.value.zone), MOST_RUNS) {
            Ok(runs) => real.extend(runs),
            Err(why) => return drift(Verdict::Unproven, also, format!("`{name}`: when it runs cannot be told: {why}")),
        }
    }
    real.sort_unstable();
    real.dedup();
    real.truncate(MOST_RUNS);
    let unsaid = host.is_none() && live.iter().any(|entry| entry.zone.is_none());
    if let Some(message) = differs(name, schedule, &times, &real, &live) {
        return match unsaid && zones_explain(&times, &real) {
            true => drift(Verdict::Unproven, also, format!("{message}; {ASK_ZONE}")),
            false => drift(Verdict::Breached, also, message),
        };
    }
    if unsaid {
        let message =
            format!("`{name}` runs as planned only if its host's clock is in {}; {ASK_ZONE}", schedule.value.zone);
        return drift(Verdict::Unproven, also, message);
    }
    let late_by = protection.and_then(|protection| protection.late_by.as_ref());
    let allowed = late_by.map_or(Span::ZERO, |late| late.value);
    if let Some((delay, at)) = live.iter().filter_map(|entry| entry.delay).find(|(delay, _)| *delay > allowed) {
        let message =
            format!("`{name}` may begin up to {delay} late by its own timer, {allowed} is planned (`late_by`)");
        return drift(Verdict::Breached, vec![at], message);
    }
    let files: Vec<&str> = entries.iter().map(|(file, _)| file.path.as_str()).collect();
    Judged::Same(format!("`{}` runs it at the planned times of the next year", files.join("`, `")))
}

const ASK_ZONE: &str = "the file does not say its zone: write it there (`CRON_TZ=UTC`, `timeZone: Etc/UTC`, `… UTC`), or \
                        tell it with --host-zone";

/// The first run that is in one and not in the other.
fn differs(
    name: &str,
    schedule: &Placed<Schedule>,
    planned: &[Instant],
    real: &[Instant],
    entries: &[&Entry],
) -> Option<String> {
    let at = planned.iter().zip(real).position(|(a, b)| a != b);
    let at = at.or((planned.len() != real.len()).then_some(planned.len().min(real.len())))?;
    let says = entries.iter().map(|entry| format!("`{}`", entry.text)).collect::<Vec<_>>().join(" and ");
    let first = match (planned.get(at), real.get(at)) {
        (Some(planned), Some(real)) if planned < real => format!("the run planned for {planned} is not among them"),
        (_, Some(real)) => format!("they run at {real}, which is not planned"),
        (Some(planned), None) => format!("the run planned for {planned} is not among them"),
        (None, None) => return None,
    };
    Some(format!("`{name}` is planned at `{}`, and what runs it says {says}: {first}", schedule.value.text))
}

/// Whether the two could be the same times on clocks of different zones.
fn zones_explain(planned: &[Instant], real: &[Instant]) -> bool {
    let near = |(a, b): (&Instant, &Instant)| Span((*a - *b).0.abs()) <= ZONES_APART;
    planned.len().abs_diff(real.len()) <= 1 && planned.iter().zip(real).all(near)
}
