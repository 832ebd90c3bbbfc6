//! What evidence shows of encryption: that what is declared encrypted is, and that its key is still there.

use plimsoll::audit::{self, Audit, Code, Verdict};
use plimsoll::base::{Instant, OpTime, Span, Window};
use plimsoll::evidence::*;
use plimsoll::policy::{self, Consistency, Policy, SourceText};
use plimsoll::seal::Recipient;

use super::seal::new_identity;

fn now() -> Instant {
    "2026-11-23T12:00:00Z".parse().expect("an instant")
}

fn policy(encrypted: &str) -> Policy {
    let text = format!(
        r#"
plimsoll = 1
name = "shop"
domain = {{ live = {{ kind = "cluster" }}, vault = {{ kind = "bucket" }}, runner = {{ kind = "host" }} }}
[objective]
encrypted = true
drill_every = "30d"
[asset.db]
kind = "mongodb"
lives_in = ["live"]
[protection.hourly]
kind = "snapshot"
assets = ["db"]
schedule = "0 * * * *"
takes = "10min"
stored_in = ["vault"]
runs_in = ["runner"]
retention = "30d"
{encrypted}
"#
    );
    policy::parse(SourceText::new("shop.toml", text)).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn origin() -> Origin {
    Origin { tool: "plimsoll".into(), place: "here".into(), sha256: None }
}

fn point(hours: i64, recipients: &[&Recipient]) -> RecoveryPoint {
    let taken = now() - Span::hours(hours);
    RecoveryPoint {
        id: taken.compact(),
        asset: "db".into(),
        protection: Some("hourly".into()),
        consistent_at: taken,
        cluster_time: Some(OpTime::new((taken.0 / 1000) as u32, 1)),
        available_at: taken + Span::minutes(10),
        expires_at: None,
        locked_until: None,
        stored_in: vec![],
        consistency: Some(Consistency::Snapshot),
        without: vec![],
        encrypted: Some(!recipients.is_empty()),
        recipients: recipients.iter().map(|recipient| (*recipient).clone()).collect(),
        health: Health::Unverified,
        bytes_stored: None,
        bytes_restored: None,
        documents: None,
        origin: origin(),
    }
}

fn drill(days: i64, key: Option<KeyProof>) -> Drill {
    let ended_at = now() - Span::days(days);
    let outcome = match &key {
        Some(KeyProof::Refused { why }) => DrillOutcome::Failed { why: why.clone() },
        _ => DrillOutcome::Passed,
    };
    Drill {
        id: format!("d{days}"),
        asset: "db".into(),
        protection: Some("hourly".into()),
        point: "p".into(),
        target: None,
        started_at: ended_at - Span::minutes(30),
        ended_at,
        phases: vec![],
        checks: vec![],
        outcome,
        key,
        bytes_restored: 1,
        documents: 1,
        origin: origin(),
    }
}

fn opened(recipient: &Recipient) -> Option<KeyProof> {
    Some(KeyProof::Opened { recipients: vec![recipient.clone()] })
}

fn refused() -> Option<KeyProof> {
    Some(KeyProof::Refused { why: "the identity given does not open it".into() })
}

fn audited(policy: &Policy, points: Vec<RecoveryPoint>, drills: Vec<Drill>) -> Audit {
    let evidence = Evidence { points, drills, ..Evidence::none(now()) };
    audit::run(policy, Some(&evidence), now(), Window::new(now() - Span::days(7), now()))
}

fn verdict(audit: &Audit, code: Code) -> Verdict {
    let found = audit.findings.iter().find(|finding| finding.code == code).map(|finding| finding.verdict);
    let passed = audit.passes.iter().any(|pass| pass.code == code);
    found.unwrap_or_else(|| if passed { Verdict::Met } else { panic!("nothing was said of {code}") })
}

#[test]
fn a_key_is_proven_only_by_a_drill_that_opened_what_is_made_now_and_lately() {
    let ((_, one), (_, two)) = (new_identity(), new_identity());
    let (one, two) = (one.recipient(), two.recipient());
    let policy = policy("encrypted = true");
    let points = || vec![point(3, &[two]), point(1, &[one])];
    let key = |drills| verdict(&audited(&policy, points(), drills), Code::KeyUnproven);
    assert_eq!(key(vec![]), Verdict::Unproven, "no drill");
    assert_eq!(key(vec![drill(5, opened(one))]), Verdict::Met);
    assert_eq!(key(vec![drill(31, opened(one))]), Verdict::Unproven, "too long ago");
    assert_eq!(key(vec![drill(5, opened(two))]), Verdict::Unproven, "a key that opens only what was made before");
    assert_eq!(key(vec![drill(5, None)]), Verdict::Unproven, "it restored something that was not encrypted");
    assert_eq!(key(vec![drill(5, refused())]), Verdict::Breached);
    assert_eq!(key(vec![drill(9, opened(one)), drill(5, refused())]), Verdict::Breached, "it opened, and no more");
    assert_eq!(key(vec![drill(9, refused()), drill(5, opened(two))]), Verdict::Unproven, "found, for what was before");
    assert_eq!(key(vec![drill(9, refused()), drill(5, opened(one))]), Verdict::Met, "the right key was found again");
}

#[test]
fn another_tool_that_restored_what_it_encrypts_has_shown_its_key() {
    let policy = policy("encrypted = true");
    let made_by = |drill: Drill| Drill { origin: Origin { tool: "restic".into(), ..origin() }, ..drill };
    let by_another = |point: RecoveryPoint| RecoveryPoint { encrypted: Some(true), ..point };
    let key = |drills| verdict(&audited(&policy, vec![by_another(point(1, &[]))], drills), Code::KeyUnproven);
    assert_eq!(key(vec![made_by(drill(5, None))]), Verdict::Met);
    assert_eq!(key(vec![]), Verdict::Unproven);
}

#[test]
fn what_is_declared_encrypted_and_stored_open_is_found_whatever_else_is_there() {
    let (_, one) = new_identity();
    let one = one.recipient();
    let policy = policy("encrypted = true");
    let sealed = audited(&policy, vec![point(1, &[one])], vec![]);
    assert_eq!(verdict(&sealed, Code::NotEncrypted), Verdict::Met);
    let open = audited(&policy, vec![point(2, &[]), point(1, &[one])], vec![]);
    assert_eq!(verdict(&open, Code::NotEncrypted), Verdict::Breached);
    let says = open.findings.iter().find(|finding| finding.code == Code::NotEncrypted).expect("found");
    assert!(says.message.contains("what is stored is not"), "{}", says.message);
}

#[test]
fn recipients_in_a_policy_are_each_checked_at_their_line_and_kept_for_what_is_encrypted() {
    let ((secret, one), (_, two)) = (new_identity(), new_identity());
    let (one, two) = (one.recipient().to_string(), two.recipient().to_string());
    let said = |text: &str| super::policy_problems::said_of(text);
    let wrong = said(&format!("[encryption]\nrecipients = [\n  \"{one}\",\n  \"age1nonsense\",\n]\n"));
    assert!(wrong.contains("plan.toml:11:3") && wrong.contains("no age recipient"), "{wrong}");
    let swapped = said(&format!("[encryption]\nrecipients = [\"{secret}\"]\n"));
    assert!(swapped.contains("this is an identity, which is secret"), "{swapped}");
    assert!(!swapped.contains(&secret[16..40]) && swapped.contains("***"), "{swapped}");
    let plain = policy(&format!("[encryption]\nrecipients = [\"{one}\"]\n"));
    assert!(plain.protections[0].recipients.is_empty(), "what is not encrypted has none");
    let all = policy(&format!("encrypted = true\n[encryption]\nrecipients = [\"{one}\"]\n"));
    let of = |policy: &Policy| policy.protections[0].recipients.iter().map(|r| r.value.to_string()).collect::<Vec<_>>();
    assert_eq!(of(&all), std::slice::from_ref(&one));
    let own = policy(&format!("recipients = [\"{two}\"]\n[encryption]\nrecipients = [\"{one}\"]\n"));
    assert_eq!(of(&own), std::slice::from_ref(&two));
    assert!(own.protections[0].encrypted.as_ref().is_some_and(|encrypted| encrypted.value));
    let both = said(&format!(
        "[protection.p]\nkind = \"log\"\nassets = [\"a\"]\nlag = \"1min\"\nwindow = \"1d\"\nstored_in = [\"here\"]\n\
         encrypted = false\nrecipients = [\"{one}\"]\n"
    ));
    assert!(both.contains("it names recipients and is not encrypted"), "{both}");
}
