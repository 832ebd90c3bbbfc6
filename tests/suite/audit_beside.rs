//! What really runs against what is planned: schedules and scripts beside a policy.

use plimsoll::audit::{self, Audit, Code, Finding, Verdict};
use plimsoll::base::{Instant, Span, Window};
use plimsoll::policy::beside::Sort;
use plimsoll::policy::{self, Policy, SourceText};

const PLAN: &str = r#"plimsoll = 1
name = "shop"
[domain.here]
kind = "host"
[domain.vault]
kind = "bucket"
[asset.db]
kind = "mongodb"
lives_in = ["here"]
[protection.nightly]
kind = "snapshot"
assets = ["db"]
schedule = "0 3 * * *"
takes = "10min"
stored_in = ["vault"]
retention = "30d"
"#;

fn plan(more: &str, beside: &[(Sort, &str, &str)]) -> Policy {
    let text = format!("{PLAN}{more}");
    let mut policy = policy::parse(SourceText::new("plan.toml", text)).unwrap_or_else(|p| panic!("{p:#?}"));
    for (sort, name, text) in beside {
        let Policy { source, beside, .. } = &mut policy;
        beside.add(*sort, SourceText::new(*name, *text), source).unwrap_or_else(|p| panic!("{p:#?}"));
    }
    policy
}

fn audit(policy: &Policy) -> Audit {
    let now: Instant = "2026-11-23T10:00:00Z".parse().unwrap();
    audit::run(policy, None, now, Window::new(now - Span::days(7), now))
}

fn found(policy: &Policy, code: Code) -> Vec<Finding> {
    audit(policy).findings.into_iter().filter(|f| f.code == code).collect()
}

/// The one finding of drift that the schedule causes, if any.
fn drift(more: &str, name: &str, text: &str) -> Option<Finding> {
    let found = found(&plan(more, &[(Sort::Schedule, name, text)]), Code::ScheduleDrift);
    assert!(found.len() <= 1, "{found:#?}");
    found.into_iter().next()
}

const CRON: &str = "job = \"backup.sh\"\nscheduler = \"cron\"\n";

#[test]
fn the_same_times_in_any_scheduler_are_no_drift() {
    let job = "kind: CronJob\nspec:\n  schedule: '0 3 * * *'\n  timeZone: UTC\n  jobTemplate: {spec: {template: {spec: {containers: [{args: [backup.sh]}]}}}}\n";
    for (scheduler, name, text) in [
        ("cron", "crontab", "CRON_TZ=UTC\n0 3 * * * /opt/backup.sh\n"),
        (
            "cron",
            "crontab",
            "CRON_TZ=Europe/Lisbon\n0 3 * * * /opt/other.sh\nCRON_TZ=UTC\n00 03 * * 0-7 /opt/backup.sh\n",
        ),
        ("systemd", "backup.sh.timer", "[Timer]\nOnCalendar=*-*-* 03:00:00 UTC\n"),
        (
            "github-actions",
            "b.yml",
            "on: {schedule: [{cron: 0 3 * * *}]}\njobs: {b: {steps: [{run: bash backup.sh}]}}\n",
        ),
        ("kubernetes", "b.yml", job),
    ] {
        let more = format!("job = \"backup.sh\"\nscheduler = \"{scheduler}\"\n");
        assert_eq!(drift(&more, name, text), None, "{scheduler}");
        let audit = audit(&plan(&more, &[(Sort::Schedule, name, text)]));
        assert!(audit.passes.iter().any(|p| p.code == Code::ScheduleDrift), "why nothing is wrong is recorded");
    }
}

#[test]
fn other_times_are_drift_and_both_lines_are_shown() {
    let finding = drift(CRON, "ops/crontab", "CRON_TZ=UTC\n0 3 * * 1-5 /opt/backup.sh\n").unwrap();
    assert_eq!(finding.verdict, Verdict::Breached);
    assert!(finding.message.contains("planned for 2026-11-28T03:00:00Z is not among them"), "{}", finding.message);
    let policy = plan(CRON, &[(Sort::Schedule, "ops/crontab", "")]);
    assert_eq!(policy.source.line(finding.at.unwrap()), "schedule = \"0 3 * * *\"");
    assert_eq!((policy.source.of(finding.also[0]).name.as_str(), finding.also[0].line), ("ops/crontab", 2));
    let more = drift(CRON, "crontab", "CRON_TZ=UTC\n0 3,15 * * * backup.sh\n").unwrap();
    assert!(more.message.contains("they run at 2026-11-23T15:00:00Z, which is not planned"), "{}", more.message);
}

#[test]
fn a_zone_that_nobody_states_is_asked_for_and_not_guessed() {
    let same = drift(CRON, "crontab", "0 3 * * * backup.sh\n").unwrap();
    assert_eq!(same.verdict, Verdict::Unproven);
    assert!(same.message.contains("only if its host's clock is in UTC"), "{}", same.message);
    // Four o'clock may be three o'clock elsewhere; every second day is so nowhere.
    assert_eq!(drift(CRON, "crontab", "0 4 * * * backup.sh\n").unwrap().verdict, Verdict::Unproven);
    assert_eq!(drift(CRON, "crontab", "0 3 */2 * * backup.sh\n").unwrap().verdict, Verdict::Breached);
    let mut told = plan(CRON, &[(Sort::Schedule, "crontab", "0 4 * * * backup.sh\n")]);
    told.beside.host_zone = Some(chrono_tz::Europe::Berlin);
    assert_eq!(found(&told, Code::ScheduleDrift)[0].verdict, Verdict::Breached, "in winter, and in summer it is not");
    told.beside.host_zone = Some(chrono_tz::UTC);
    assert_eq!(found(&told, Code::ScheduleDrift)[0].verdict, Verdict::Breached);
}

#[test]
fn an_entry_that_is_gone_elsewhere_or_switched_off_is_drift() {
    let gone = drift(CRON, "crontab", "0 3 * * * something-else\n").unwrap();
    assert!(gone.message.contains("no entry of the given schedules mentions `backup.sh`"), "{}", gone.message);
    assert_eq!(gone.verdict, Verdict::Breached);
    assert_eq!(drift("scheduler = \"cron\"\n", "crontab", "0 3 * * * x\n").unwrap().verdict, Verdict::Unproven);
    let elsewhere = drift(CRON, "backup.sh.timer", "[Timer]\nOnCalendar=03:00 UTC\n").unwrap();
    assert!(elsewhere.message.contains("planned to be run by a crontab, and what runs it is a systemd timer"));
    let kubernetes = "job = \"nightly\"\nscheduler = \"kubernetes\"\n";
    let job = "kind: CronJob\nmetadata: {name: nightly}\nspec: {schedule: 0 3 * * *, timeZone: UTC, suspend: true}\n";
    assert!(drift(kubernetes, "job.yaml", job).unwrap().message.contains("suspended"));
    assert_eq!(drift("scheduler = \"managed\"\n", "crontab", "0 3 * * * x\n"), None, "nothing to compare with");
}

#[test]
fn a_timer_that_may_begin_late_is_held_against_what_is_allowed() {
    let timer = "[Timer]\nOnCalendar=03:00 UTC\nRandomizedDelaySec=30min\n";
    let more = "job = \"n\"\nscheduler = \"systemd\"\n";
    let finding = drift(more, "n.timer", timer).unwrap();
    assert!(finding.message.contains("up to 30 min late by its own timer"), "{}", finding.message);
    assert_eq!(drift(&format!("{more}late_by = \"30min\"\n"), "n.timer", timer), None);
}

#[test]
fn a_backup_that_no_protection_names_is_told_once_at_its_line() {
    let text = "CRON_TZ=UTC\n0 3 * * * nightly\n0 4 * * * restic backup /srv\n0 5 * * * rotate-logs\n";
    let found = found(&plan("", &[(Sort::Schedule, "crontab", text)]), Code::JobUndeclared);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].at.map(|at| (at.file, at.line)), Some((1, 3)));
}

#[test]
fn a_workflow_bounds_nothing_whatever_the_policy_forgets_to_say() {
    let text = "on: {schedule: [{cron: 0 3 * * *}]}\njobs: {b: {steps: [{run: nightly}]}}\n";
    let found = found(&plan("", &[(Sort::Schedule, "b.yml", text)]), Code::SchedulerUnbounded);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].at.map(|at| (at.file, at.line)), Some((1, 1)));
}

#[test]
fn a_listing_is_no_verification_and_a_hash_or_a_read_is_one() {
    let listed = "aws s3 cp a s3://vault/a\naws s3 ls s3://vault/a\n";
    let scripts = |text: &'static str| {
        let policy = plan("verified = true\njob = \"b.sh\"\n", &[(Sort::Script, "b.sh", text)]);
        found(&policy, Code::ExistenceAsVerification)
    };
    let found = scripts(listed);
    assert_eq!(found.len(), 1);
    assert!(found[0].message.contains("the policy says that `nightly` is verified"), "{}", found[0].message);
    assert_eq!(found[0].at.map(|at| (at.file, at.line)), Some((1, 2)));
    assert_eq!(
        scripts("aws s3 cp a s3://vault/a\naws s3 ls s3://vault/a\naws s3 cp s3://vault/a - | cmp - a\n"),
        vec![]
    );
    assert_eq!(scripts("aws s3 cp a s3://vault/a\naws s3 ls s3://vault/a\nsha256sum -c a.sha\n"), vec![]);
    assert_eq!(scripts("aws s3 cp a s3://vault/a\naws s3 ls s3://vault/\n"), vec![], "a list of all checks no name");
}

#[test]
fn names_that_may_meet_are_not_held_against_anybody() {
    let differ = |read: &str| {
        let restore = format!("aws s3 cp \"s3://vault/{read}\" /tmp/x\n");
        let write = (Sort::Script, "w.sh", "aws s3 cp a s3://vault/$(date +%F_%H).gz\n");
        found(&plan("", &[write, (Sort::Script, "r.sh", &restore)]), Code::ScriptNamesDiffer).len()
    };
    assert_eq!(differ("$(date +%F).gz"), 1);
    assert_eq!(differ("$(date +%F_%H).gz"), 0);
    assert_eq!(differ("2026-11-23_03.gz"), 0);
    assert_eq!(differ("$1"), 0);
    assert_eq!(differ("latest.gz"), 1);
}
