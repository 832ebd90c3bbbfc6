//! Two public incidents as policies and evidence, and what the audit says the day before.

use plimsoll::audit::{self, Audit, Code, Measure, Verdict};
use plimsoll::base::{Instant, Span, Window};
use plimsoll::evidence::{Evidence, RecoveryPoint};
use plimsoll::policy::{self, Policy, SourceText};
use plimsoll::timeline::Loss;

const GITLAB: &str = include_str!("../../policies/incidents/gitlab-2017.toml");
const OVH: &str = include_str!("../../policies/incidents/ovh-2021.toml");

fn at(text: &str) -> Instant {
    text.parse().expect("an instant")
}

fn parse(text: &str) -> Policy {
    let refused = |problems: Vec<policy::Problem>| panic!("{problems:#?}");
    policy::parse(SourceText::new("plan.toml", text)).unwrap_or_else(refused)
}

fn gitlab() -> Evidence {
    serde_json::from_str(include_str!("../../policies/incidents/gitlab-2017.json")).expect("evidence")
}

fn ovh() -> Evidence {
    serde_json::from_str(include_str!("../../policies/incidents/ovh-2021.json")).expect("evidence")
}

/// Over the week before `now`.
fn audit(policy: &str, evidence: &Evidence, now: Instant) -> Audit {
    audit::run(&parse(policy), Some(evidence), now, Window::new(now - Span::days(7), now))
}

/// The one finding of that code has these words, and points at a line with those.
#[track_caller]
fn says(audit: &Audit, policy: &str, code: Code, words: &str, line: &str) {
    let found: Vec<_> = audit.findings.iter().filter(|finding| finding.code == code).collect();
    let [finding] = found[..] else { panic!("{code}: {found:#?}") };
    assert!(finding.message.contains(words), "{code}: {}", finding.message);
    let at = finding.at.expect("it points at the plan");
    let shown = policy.lines().nth(at.line as usize - 1).expect("a line");
    assert!(shown.contains(line), "{code} points at {shown}");
}

fn day_before_gitlab() -> Instant {
    at("2017-01-30T23:30:00Z")
}

#[test]
fn the_day_before_gitlab_lost_its_primary_nothing_was_drilled_the_dump_was_absent_and_the_way_back_too_slow() {
    let audit = audit(GITLAB, &gitlab(), day_before_gitlab());
    assert_eq!(audit.verdict, Verdict::Breached);
    says(&audit, GITLAB, Code::DrillMissing, "none is recorded", "drill_every");
    says(&audit, GITLAB, Code::ProtectionUnproven, "`pg-dump` of `database`", "[protection.pg-dump]");
    says(&audit, GITLAB, Code::RtoDeclared, "18 h 31 min by the plan's own figures", "[scenario.primary-wiped]");
    says(&audit, GITLAB, Code::UnverifiedPoints, "none of 7 points", "[protection.lvm-snapshots]");
    says(&audit, GITLAB, Code::ChannelUnproven, "no test alert is known to have arrived", "[[contact]]");
    assert!(
        !audit.findings.iter().any(|f| f.message.contains("standby")),
        "it neither helps nor is asked for evidence"
    );
}

#[test]
fn no_rto_below_eighteen_hours_could_be_met_by_copying_back_from_staging() {
    for (rto, breached) in [("1h", true), ("4h", true), ("12h", true), ("18h", true), ("19h", false)] {
        let policy = GITLAB.replace("rto = \"4h\"", &format!("rto = \"{rto}\""));
        let audit = audit(&policy, &gitlab(), day_before_gitlab());
        assert_eq!(audit.findings.iter().any(|f| f.code == Code::RtoDeclared), breached, "{rto}");
        assert_ne!(audit.cells[0].rto_verdict, Verdict::Met, "no drill shows it");
    }
}

/// The plan without its standby: nothing that is promised or shown gets worse, since a standby is no backup.
#[test]
fn the_standby_adds_nothing_to_what_could_be_restored() {
    let (before, rest) = GITLAB.split_once("[protection.standby]").expect("it is there");
    let (_, after) = rest.split_once("# ──").expect("what follows");
    let without = format!("{before}# ──{after}");
    let [with, without] = [GITLAB, &without].map(|policy| audit(policy, &gitlab(), day_before_gitlab()));
    let losses = |audit: &Audit| format!("{:?} {:?}", audit.cells[0].declared_loss, audit.cells[0].observed_loss);
    assert_eq!(losses(&with), losses(&without));
    // As the only protection it is a finding of its own.
    let mut alone = String::new();
    let mut skipped = false;
    for line in GITLAB.lines() {
        skipped = match line {
            "[protection.pg-dump]" | "[protection.lvm-snapshots]" => true,
            line if line.starts_with('[') => false,
            _ => skipped,
        };
        alone += if skipped { "" } else { line };
        alone += "\n";
    }
    let alone = audit(&alone, &Evidence::none(day_before_gitlab()), day_before_gitlab());
    assert!(alone.findings.iter().any(|f| f.code == Code::ReplicaAsBackup), "{:#?}", alone.findings);
}

#[test]
fn at_the_failure_six_hours_were_lost_with_the_lucky_snapshot_and_twenty_two_and_a_half_without() {
    let failure = at("2017-01-31T23:30:00Z");
    let snapshot = |id: &str, instant: &str| RecoveryPoint {
        recipients: Vec::new(),
        id: id.to_string(),
        consistent_at: at(instant),
        available_at: at(instant) + Span::minutes(10),
        ..gitlab().points.remove(0)
    };
    let mut evidence = Evidence { read_at: failure, ..gitlab() };
    evidence.points.push(snapshot("that night's", "2017-01-31T01:00:00Z"));
    let lost = |evidence: &Evidence| {
        let audit =
            audit::run(&parse(GITLAB), Some(evidence), failure, Window::new(failure - Span::minutes(1), failure));
        match audit.cells[0].observed_loss {
            Measure::Known(Loss::Window(span)) => span.as_hours(),
            ref other => panic!("{other:?}"),
        }
    };
    assert_eq!(lost(&evidence), 22.5);
    evidence.points.push(snapshot("by hand", "2017-01-31T17:20:00Z"));
    assert!((lost(&evidence) - 6.17).abs() < 0.01, "{}", lost(&evidence));
}

#[test]
fn the_day_before_the_fire_in_strasbourg_the_isolation_that_the_contract_claims_is_unproven() {
    let now = at("2021-03-09T12:00:00Z");
    let claimed = audit(OVH, &ovh(), now);
    assert_eq!((claimed.verdict, claimed.cells[0].rpo_verdict), (Verdict::Unproven, Verdict::Unproven));
    says(&claimed, OVH, Code::LossWindowUnproven, "no evidence of a copy of `site` that survives", "rpo = \"25h\"");
    says(&claimed, OVH, Code::DrillMissing, "none is recorded", "drill_every");
    says(&claimed, OVH, Code::IsolationUnproven, "that `backup` of `site` is elsewhere", "stored_in = [\"isolated\"]");
    // Without the places that the inventory names, the claim would have been believed.
    let mut silent = ovh();
    silent.points.iter_mut().for_each(|point| point.stored_in.clear());
    assert_eq!(audit(OVH, &silent, now).cells[0].rpo_verdict, Verdict::Met);
}

#[test]
fn declared_as_it_really_was_the_copies_share_the_building_with_the_server() {
    let truth = OVH.replace("stored_in = [\"isolated\"]", "stored_in = [\"sbg2-storage\"]");
    let audit = audit(&truth, &ovh(), at("2021-03-09T12:00:00Z"));
    assert_eq!(audit.verdict, Verdict::Breached);
    says(&audit, &truth, Code::CopiesOneDomain, "are lost together with `sbg2`", "stored_in = [\"sbg2-storage\"]");
    says(&audit, &truth, Code::NoUsablePoint, "nothing that the plan keeps of `site`", "[scenario.fire]");
}
