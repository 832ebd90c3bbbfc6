//! Policies that are right: the committed ones, and what their fields turn into.

use plimsoll::base::Span;
use plimsoll::policy::{self, Consistency, Mechanism, Policy, SourceText};

fn committed(name: &str) -> Policy {
    let path = format!("{}/policies/{name}", env!("CARGO_MANIFEST_DIR"));
    let source = SourceText::new(format!("policies/{name}"), std::fs::read_to_string(path).unwrap());
    policy::parse(source.clone()).unwrap_or_else(|problems| {
        panic!("{}", problems.iter().map(|problem| problem.render(&source)).collect::<String>())
    })
}

#[test]
fn pixelcraft_is_read_as_its_plan_says() {
    let policy = committed("pixelcraft.toml");
    assert_eq!(policy.objective.rpo.as_ref().map(|rpo| rpo.value), Some(Span::hours(1)));
    assert_eq!(policy.scenarios.len(), 4);
    let dump = policy.protection("nightly-dump").unwrap();
    assert_eq!(dump.consistency.as_ref().map(|c| c.value), Some(Consistency::None));
    let Mechanism::Snapshot { schedule, takes, .. } = &dump.mechanism else { panic!("a dump is a snapshot") };
    assert_eq!((schedule.text.as_str(), takes.value), ("0 3 * * *", Span::minutes(40)));
    let log = policy.protection("atlas-log").unwrap();
    assert_eq!(log.retention.as_ref().map(|r| r.value), Some(Span::days(7)), "a log is kept for its window");
    let versions = policy.protection("uploads-versioning").unwrap();
    assert_eq!(versions.stored_in[0].value, "uploads-bucket", "versions stand where their asset lives");
    let lost = policy.domain_closure(["atlas-project", "railway-project"]);
    assert!(lost.contains("atlas-cluster") && !lost.contains("backups-bucket"));
    let steps = &policy.scenario("database-corruption").unwrap().runbook;
    let waits: Vec<&[usize]> = steps.iter().map(|step| step.after.as_slice()).collect();
    assert_eq!(waits, [&[][..], &[], &[0, 1], &[2], &[3]]);
}

#[test]
fn what_other_tools_back_up_may_have_a_log_of_its_own() {
    let path = format!("{}/policies/incidents/gitlab-2017.toml", env!("CARGO_MANIFEST_DIR"));
    let wal = "\n[protection.wal]\nkind = \"log\"\nassets = [\"database\"]\nlag = \"1min\"\nwindow = \"7d\"\n\
               stored_in = [\"s3-backups\"]\nruns_in = [\"db1\"]\n";
    let text = std::fs::read_to_string(path).expect("it is there") + wal;
    let read = |text: &str| policy::parse(SourceText::new("plan.toml", text)).map(|policy| policy.assets[0].kind);
    assert_eq!(read(&text).expect("a policy"), policy::AssetKind::Other);
    let bucket = text.replace("kind = \"other\"", "kind = \"s3\"");
    assert!(read(&bucket).is_err(), "a bucket has no log to roll forward");
}
