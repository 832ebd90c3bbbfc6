//! A team begins with what it has: what was known does not fail, what is new does, what is gone is told, and no verdict
//! gets better by it.

use plimsoll::audit::{Audit, Code, Finding, Subject, Verdict};
use plimsoll::base::{Instant, Window};
use plimsoll::gate::{Baseline, Claims};
use proptest::prelude::*;

use crate::desk::Desk;

const PLAN: &str = include_str!("../../policies/pixelcraft.toml");
const AS_OF: &str = "--as-of 2026-11-23T10:00:00Z";

/// PixelCraft with all that is known of it written down.
fn adopted() -> Desk {
    let desk = Desk::new();
    desk.write("plimsoll.toml", PLAN);
    let said = desk.run(&format!("check --write-baseline known.json {AS_OF}"));
    assert_eq!(said.status, 0, "what is written down fails no more: {}", said.err);
    assert!(said.err.starts_with("wrote known.json: "), "{}", said.err);
    desk
}

fn standing<'a>(document: &'a serde_json::Value, code: &str) -> Vec<&'a str> {
    let findings = document["policies"][0]["findings"].as_array().unwrap();
    findings.iter().filter(|f| f["code"] == code).map(|f| f["standing"].as_str().unwrap()).collect()
}

#[test]
fn known_findings_do_not_fail_and_are_findings_still() {
    let desk = adopted();
    let said = desk.run(&format!("check --baseline known.json {AS_OF}"));
    assert_eq!(said.status, 0, "{}", said.out);
    assert!(said.out.contains("known[not-immutable]: no copy is immutable"), "{}", said.out);
    let document = desk.json(&format!("check --baseline known.json --format json {AS_OF}"));
    assert_eq!((&document["verdict"], &document["outcome"]), (&"breached".into(), &"met".into()));
    assert_eq!(desk.run(&format!("check --baseline known.json --fail-on unproven {AS_OF}")).status, 0);
}

#[test]
fn neither_lines_nor_figures_make_a_known_finding_new() {
    let desk = adopted();
    let moved = "# one line\n# and another\n".to_string() + &PLAN.replace("0 3 * * *", "0 3,15 * * *");
    desk.write("plimsoll.toml", &moved);
    let said = desk.run(&format!("check --baseline known.json {AS_OF}"));
    assert_eq!(said.status, 0, "{}", said.out);
    assert!(said.out.contains("12 h 40 min of `uploads` can be lost"), "the figure did change: {}", said.out);
}

#[test]
fn a_new_finding_fails_and_one_more_in_a_known_group_is_new() {
    let desk = adopted();
    let third = "\n[asset.archive]\nkind = \"s3\"\nsize = \"1 GB\"\nlives_in = [\"uploads-bucket\"]\n\
        [protection.nightly-archive]\nkind = \"snapshot\"\nassets = [\"archive\"]\nschedule = \"0 * * * *\"\n\
        takes = \"10min\"\nstored_in = [\"backups-bucket\"]\nretention = \"30d\"\n";
    desk.write("plimsoll.toml", &(PLAN.to_string() + third));
    let said = desk.run(&format!("check --baseline known.json {AS_OF}"));
    assert_eq!(said.status, 3, "{}", said.out);
    let document = desk.json(&format!("check --baseline known.json --format json {AS_OF}"));
    assert_eq!(standing(&document, "not-immutable"), ["fails"], "it now says `archive` too, and nobody knew that");
    assert_eq!(standing(&document, "cross-asset-skew"), ["known"]);
}

#[test]
fn what_is_gone_is_told_and_the_rest_of_its_group_stays_known() {
    let desk = adopted();
    let begins = PLAN.find("[protection.nightly-uploads]").unwrap();
    let (before, after) = PLAN.split_at(begins);
    let encrypted = before.to_string() + &after.replacen("encrypted = false", "encrypted = true", 1);
    desk.write("plimsoll.toml", &encrypted);
    let document = desk.json(&format!("check --baseline known.json --format json {AS_OF}"));
    assert_eq!(standing(&document, "not-encrypted"), ["known"], "the database's copy still is not");
    let gone = document["gone"].as_array().unwrap();
    assert_eq!((gone.len(), &gone[0]["code"]), (1, &"not-encrypted".into()), "{gone:?}");
    let said = desk.run(&format!("check --baseline known.json {AS_OF}"));
    assert!(said.status == 0 && said.out.contains("known and found no more: not-encrypted uploads"), "{}", said.out);
}

#[test]
fn what_a_waiver_accepts_is_not_written_down() {
    let desk = Desk::new();
    let waiver = "\n[[waiver]]\ncode = \"not-encrypted\"\nowner = \"Security\"\nreason = \"the bucket encrypts\"\n\
        until = \"2027-06-30\"\n";
    desk.write("plimsoll.toml", &(PLAN.to_string() + waiver));
    desk.run(&format!("check --write-baseline known.json {AS_OF}"));
    assert!(!desk.read("known.json").contains("not-encrypted"));
    desk.write("plimsoll.toml", PLAN);
    assert_eq!(desk.run(&format!("check --baseline known.json {AS_OF}")).status, 3, "it fails without its waiver");
}

#[test]
fn a_baseline_that_cannot_be_one_is_refused_with_what_to_do() {
    let desk = adopted();
    desk.write("broken.json", "{\"plimsoll_baseline\": 9, \"known\": []}").write("twin.toml", PLAN);
    for (words, says) in [
        ("check --baseline broken.json", "its version is 9"),
        ("check --baseline plimsoll.toml", "`plimsoll.toml` is no baseline"),
        ("check plimsoll.toml twin.toml --baseline known.json", "two policies are called `PixelCraft`"),
        ("check --baseline known.json --write-baseline known.json", "cannot be used with"),
    ] {
        let said = desk.run(words);
        assert!(said.status == 2 && said.err.contains(says), "{words}: {}", said.err);
    }
    let said = desk.run("check --baseline none.json");
    assert!(said.status == 1 && said.err.contains("write one with --write-baseline none.json"), "{}", said.err);
}

fn audit(findings: Vec<Finding>) -> Audit {
    let at = Instant(0);
    Audit {
        policy: "p".into(),
        files: vec![],
        as_of: at,
        window: Window::new(at, at),
        cells: vec![],
        findings,
        passes: vec![],
        verdict: Verdict::Breached,
    }
}

fn finding((code, asset, breached): (usize, u8, bool)) -> Finding {
    let code = [Code::CopiesFew, Code::RetentionShort][code];
    let message = format!("`x` is {asset}");
    let finding = if breached { Finding::breached(code, message) } else { Finding::unproven(code, message) };
    finding.about(Subject::asset(&format!("a{asset}")))
}

fn some() -> impl Strategy<Value = Vec<(usize, u8, bool)>> {
    prop::collection::vec((0_usize..2, 0_u8..3, any::<bool>()), 0..12)
}

proptest! {
    /// The oracle counts, for each code and asset: a breach is excused by a breach, what is unproven by either.
    #[test]
    fn each_known_finding_excuses_one_and_no_more(then in some(), mut now in some()) {
        // Worst first, as an audit tells them.
        now.sort_by_key(|(.., breached)| !breached);
        let baseline = Baseline::of([&audit(then.iter().copied().map(finding).collect())]);
        let mut claims = Claims::on(&Baseline::parse(&serde_json::to_string(&baseline).unwrap()).unwrap());
        let known = now.iter().filter(|f| claims.claim("p", &finding(**f))).count();
        let count = |all: &[(usize, u8, bool)], of: (usize, u8), breached: bool| {
            all.iter().filter(|(code, asset, b)| (*code, *asset) == of && *b == breached).count()
        };
        let (mut excused, mut claimed) = (0, 0);
        for of in (0..2).flat_map(|code| (0..3).map(move |asset| (code, asset))) {
            let (breaches, unproven) = (count(&now, of, true), count(&now, of, false));
            let (known_breaches, known_unproven) = (count(&then, of, true), count(&then, of, false));
            let by_breach = breaches.min(known_breaches);
            let grown_worse = (breaches - by_breach).min(known_unproven);
            let others = unproven.min(known_unproven - grown_worse + known_breaches - by_breach);
            excused += by_breach + others;
            claimed += by_breach + grown_worse + others;
        }
        prop_assert_eq!(known, excused);
        prop_assert_eq!(claims.gone(&["p"]).len(), then.len() - claimed);
    }
}
