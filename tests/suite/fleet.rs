//! The audit of a fleet, asset by asset: what it says is what an audit of everything in one piece says, on any number of
//! threads, and nothing is lost that stands on a shelf.

#[path = "../../benches/fleet/made.rs"]
pub mod made;

use std::convert::Infallible;

use made::Fleet;
use plimsoll::audit::{self, Audit, Code, Verdict};
use plimsoll::base::{Instant, Span, Window};
use plimsoll::evidence::{Evidence, Unreadable};
use plimsoll::policy::{self, Asset, Policy, SourceText};

fn fleet(assets: usize, hours: i64) -> Fleet {
    Fleet { assets, hours, as_of: "2026-11-25T00:00:00Z".parse().expect("an instant") }
}

fn policy(fleet: &Fleet) -> Policy {
    let source = SourceText::new("fleet.toml", fleet.policy());
    policy::parse(source).unwrap_or_else(|problems| panic!("{:#?}", &problems[..problems.len().min(5)]))
}

fn when(fleet: &Fleet, as_of: Instant) -> (Instant, Window) {
    (as_of, Window::new(as_of - Span::hours(fleet.hours / 2), as_of))
}

fn json(audit: &Audit) -> String {
    serde_json::to_string(audit).expect("JSON")
}

#[test]
fn a_fleet_comes_out_the_same_in_one_piece_and_by_asset_on_any_number_of_threads() {
    let fleet = fleet(23, 24 * 20);
    let policy = policy(&fleet);
    let mut whole = fleet.common();
    for evidence in fleet.names().map(|name| fleet.of(&name)) {
        whole.points.extend(evidence.points);
        whole.coverage.extend(evidence.coverage);
    }
    // Of an earlier instant too, when less was known.
    for as_of in [fleet.as_of, fleet.as_of - Span::days(3)] {
        let (as_of, window) = when(&fleet, as_of);
        let in_one = audit::run(&policy, Some(&whole), as_of, window);
        let found = in_one.findings.len();
        assert!(found > 10 && in_one.passes.len() > found, "there is something to compare: {found} findings");
        for threads in [1, 2, 7] {
            let shelf = |asset: &Asset| Ok::<_, Infallible>(fleet.of(&asset.name));
            let Ok(by_asset) = audit::run_by_asset(&policy, &fleet.common(), shelf, (as_of, window), threads);
            assert!(json(&by_asset) == json(&in_one), "on {threads} threads, as of {as_of}");
        }
    }
}

#[test]
fn what_cannot_be_read_of_one_asset_keeps_the_whole_from_being_met() {
    let fleet = fleet(5, 48);
    let policy = policy(&fleet);
    let mark = |asset: &Asset| {
        let mut evidence = fleet.of(&asset.name);
        if asset.name == "a0003" {
            evidence.unreadable.push(Unreadable { place: "a0003/x".into(), why: "damaged".into() });
            evidence.read_at = fleet.as_of - Span::days(1);
        }
        Ok::<Evidence, Infallible>(evidence)
    };
    let Ok(audit) = audit::run_by_asset(&policy, &fleet.common(), mark, when(&fleet, fleet.as_of), 2);
    let found = |code: Code| audit.findings.iter().any(|f| f.code == code);
    assert!(found(Code::EvidenceUnreadable) && found(Code::EvidenceStale));
    assert!(audit.cells.iter().all(|cell| cell.rpo_verdict != Verdict::Met));
}

#[test]
fn a_shelf_that_cannot_be_reached_ends_the_audit_and_is_named() {
    let fleet = fleet(5, 48);
    let broken = |asset: &Asset| match asset.name.as_str() {
        "a0003" => Err("a0003 cannot be read"),
        name => Ok(fleet.of(name)),
    };
    let audit = audit::run_by_asset(&policy(&fleet), &fleet.common(), broken, when(&fleet, fleet.as_of), 3);
    assert_eq!(audit.err(), Some("a0003 cannot be read"));
}

#[test]
fn a_policy_of_a_thousand_assets_is_read_in_seconds() {
    let began = std::time::Instant::now();
    let policy = policy(&fleet(1_000, 1));
    assert_eq!((policy.assets.len(), policy.protections.len()), (1_000, 1_200));
    // Not optimised, and beside other tests; a release build takes a tenth of a second.
    assert!(began.elapsed().as_secs_f64() < 20.0, "{:?}", began.elapsed());
}
