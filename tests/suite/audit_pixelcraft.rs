//! What an honest auditor finds in PixelCraft's plan of today: each finding once, each pointing at the line that it is
//! about.

use plimsoll::audit::{self, Audit, Code, Finding, Verdict};
use plimsoll::base::{Instant, Span, Window};
use plimsoll::evidence::Evidence;
use plimsoll::policy::{self, Policy, SourceText};
use plimsoll::timeline::Loss;

const PLAN: &str = include_str!("../../policies/pixelcraft.toml");

fn plan() -> Policy {
    policy::parse(SourceText::new("pixelcraft.toml", PLAN)).expect("the plan is a valid policy")
}

fn today() -> Instant {
    "2026-11-23T10:00:00Z".parse().expect("an instant")
}

fn audit(evidence: Option<&Evidence>) -> Audit {
    audit::run(&plan(), evidence, today(), Window::new(today() - Span::days(7), today()))
}

/// The one finding of `code` about `asset` in `scenario`, and the text of the line that it points at.
fn only<'a>(audit: &'a Audit, code: Code, says: &str) -> (&'a Finding, String) {
    let found: Vec<&Finding> = audit.findings.iter().filter(|f| f.code == code && f.message.contains(says)).collect();
    assert_eq!(found.len(), 1, "{code} saying `{says}`: {found:#?}");
    let at = found[0].at.expect("a finding about the plan points at it");
    (found[0], SourceText::new("pixelcraft.toml", PLAN).line(at).to_string())
}

fn expect(audit: &Audit, code: Code, says: &str, line: &str) {
    let (finding, shown) = only(audit, code, says);
    assert!(shown.contains(line), "{code} points at `{shown}`, not at `{line}`: {}", finding.message);
    assert!(!finding.remedy.is_empty() && !finding.controls.is_empty(), "{code} says what to do, and what it bears on");
}

#[test]
fn the_declared_plan_has_the_findings_that_a_plan_alone_can_show() {
    let audit = audit(None);
    let worst = "up to 24 h 40 min of";
    // 1 and 2: what is left after either disaster is the nightly copy.
    expect(&audit, Code::LossWindowDeclared, &format!("infrastructure failure: {worst} `database`"), "0 3 * * *");
    expect(&audit, Code::LossWindowDeclared, &format!("S3 data loss: {worst} `uploads`"), "0 3 * * *");
    // 3: past the point-in-time window there are nightly steps, past the retention there is nothing.
    expect(&audit, Code::LateNoticing, "24 h 40 min can be lost, and after 28 d", "window = \"7d\"");
    // 4: one account, one key, no lock.
    expect(&audit, Code::CopiesOneDomain, "`aws-account`", "backups-bucket");
    expect(&audit, Code::CopiesOneCredential, "`aws-key` alone can delete `uploads`", "can_delete");
    expect(&audit, Code::NotImmutable, "`database`; `uploads`", "immutable");
    // 6, 7, 11, 12, and 9 as far as the plan admits it.
    expect(&audit, Code::ConsistencyWeak, "`nightly-dump`", "consistency = \"none\"");
    expect(&audit, Code::CrossAssetSkew, "`nightly-dump`, `nightly-uploads`", "references");
    expect(&audit, Code::SchedulerUnbounded, "60 days", "github-actions");
    expect(&audit, Code::NotEncrypted, "`nightly-dump`", "encrypted = false");
    expect(&audit, Code::UnverifiedPoints, "never read back", "verified = false");
    assert_eq!(audit.verdict, Verdict::Breached);
}

#[test]
fn without_a_drill_nothing_shows_how_long_recovery_takes() {
    // 5: the restore test is on no schedule, and leaves out most steps of every runbook.
    let audit = audit(Some(&Evidence::none(today())));
    expect(&audit, Code::RtoUnproven, "Restore the database from the S3 backup", "rto");
    let (finding, _) = only(&audit, Code::RtoUnproven, "");
    assert!(finding.message.contains("assumed, never timed"), "{}", finding.message);
    expect(&audit, Code::DrillMissing, "`database`", "drill_every");
    expect(&audit, Code::ProtectionUnproven, "`atlas-log`", "atlas-snapshots");
    expect(&audit, Code::LossWindowUnproven, "no evidence of any copy of `uploads`", "rpo");
    assert!(audit.cells.iter().all(|cell| cell.rpo_verdict != Verdict::Met && cell.rto_verdict != Verdict::Met));
}

#[test]
fn each_finding_is_told_once() {
    let audit = audit(Some(&Evidence::none(today())));
    for (index, finding) in audit.findings.iter().enumerate() {
        let again = audit.findings.iter().skip(index + 1).find(|f| {
            f.code == finding.code && f.subject == finding.subject && f.at == finding.at && f.verdict == finding.verdict
        });
        assert_eq!(again, None, "told twice");
    }
}

#[test]
fn each_scenario_is_a_cell_for_each_asset_that_it_strikes() {
    let audit = audit(None);
    let cells: Vec<(&str, &str)> = audit.cells.iter().map(|c| (c.asset.as_str(), c.scenario.as_str())).collect();
    let expected =
        [("database", "database-corruption"), ("uploads", "uploads-loss"), ("database", "infrastructure-failure")];
    assert_eq!(cells, expected, "a server that fails takes no data with it");
    let worst = |cell: &audit::Cell| cell.declared_exposure.as_ref().map(|e| e.worst);
    let window = |text: &str| Some(Loss::Window(text.parse().expect("a span")));
    let swept: Vec<Option<Loss>> = audit.cells.iter().map(worst).collect();
    // A log that runs on while nobody has noticed has caught up; after a disaster only the nightly copy is left.
    assert_eq!(swept, [window("0s"), window("24h40min"), window("24h40min")]);
}
