//! Real inventories of restic and borg, made on the spot, imported and audited. Where a tool is missing, the run names
//! the stories that it left out.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use plimsoll::base::{Instant, Span};
use plimsoll::clock::SystemClock;
use plimsoll::evidence::{Evidence, RunOutcome};
use plimsoll::port::Clock;
use serde_json::Value;

/// The tool in a home of its own; none where it is not installed, which is said past the harness that hides output.
fn tool(name: &str, story: &str, home: &Path) -> Option<impl Fn(&[&str]) -> Vec<u8>> {
    if Command::new(name).arg("--version").output().is_err() && Command::new(name).arg("version").output().is_err() {
        let line = format!("LEFT OUT: {story}: `{name}` is not installed\n");
        std::io::stderr().write_all(line.as_bytes()).expect("the terminal takes it");
        return None;
    }
    let (name, home) = (name.to_string(), home.to_path_buf());
    Some(move |args: &[&str]| {
        let mut command = Command::new(&name);
        command.args(args).current_dir(&home).env("HOME", &home).env("TZ", "America/New_York");
        command.env("RESTIC_PASSWORD", "x").env("BORG_PASSPHRASE", "x").env_remove("XDG_CACHE_HOME");
        let Output { status, stdout, stderr } = command.output().expect("the tool starts");
        assert!(status.success(), "{name} {args:?}: {}", String::from_utf8_lossy(&stderr));
        stdout
    })
}

fn plimsoll(args: &[&str], stdin: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.args(args).env_remove("PLIMSOLL_REPO").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    child.stdin.take().expect("piped").write_all(stdin).unwrap_or_default();
    child.wait_with_output().expect("it ends")
}

fn import(from: &str, printed: &[u8], more: &[&str]) -> Evidence {
    let mapped = ["inventory", "--format", "json", "--from", from, "-", "--asset", "files", "--protection", "nightly"];
    let output = plimsoll(&[&mapped, more].concat(), printed);
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("evidence")
}

/// The verdict on losing at most 25 hours in the last day, and what was lost at worst, in hours.
fn audited(home: &Path, evidence: &Evidence) -> (String, Option<u64>) {
    let policy = r#"
plimsoll = 1
name = "files"
domain = { live = { kind = "host" }, vault = { kind = "bucket" }, runner = { kind = "host" } }
[objective]
rpo = "25h"
[asset.files]
kind = "s3"
lives_in = ["live"]
[protection.nightly]
kind = "snapshot"
assets = ["files"]
schedule = "0 2 * * *"
takes = "10min"
stored_in = ["vault"]
runs_in = ["runner"]
retention = "30d"
[scenario.loss]
title = "Host lost"
destroys = ["live"]
per_year = 1
noticed_after = "5min"
"#;
    let [policy_file, evidence_file] =
        ["policy.toml", "evidence.json"].map(|name| home.join(name).display().to_string());
    std::fs::write(&policy_file, policy).expect("written");
    std::fs::write(&evidence_file, serde_json::to_vec(evidence).expect("JSON")).expect("written");
    let args = ["audit", &policy_file, "--evidence", &evidence_file, "--window", "1d", "--format", "json"];
    let output = plimsoll(&args, b"");
    let audit: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let cell = &audit["policies"][0]["cells"][0];
    let lost = cell["observed_loss"]["value"]["ms"].as_u64().map(|ms| ms / 3_600_000);
    (cell["rpo_verdict"].as_str().expect("a verdict").to_string(), lost)
}

/// Yesterday and the day before, and an hour ago; to the second, as the tools keep them.
fn nights() -> [Instant; 3] {
    let now = Instant(SystemClock.now().0 / 1000 * 1000);
    [49, 25, 1].map(|hours| now - Span::hours(hours))
}

#[test]
fn a_restic_repository_is_audited_by_what_restic_lists() {
    let home = tempfile::tempdir().expect("a folder");
    let Some(restic) = tool("restic", "restic, made and audited", home.path()) else { return };
    std::fs::create_dir(home.path().join("files")).expect("made");
    std::fs::write(home.path().join("files/a"), "a").expect("written");
    restic(&["init", "--repo", "r"]);
    let nights = nights();
    for night in nights {
        // It takes the wall clock of its own zone.
        let wall = night.to_utc().with_timezone(&chrono_tz::America::New_York).format("%Y-%m-%d %H:%M:%S").to_string();
        restic(&["backup", "--repo", "r", "--host", "h", "--tag", "nightly", "--time", &wall, "files"]);
    }
    let listed = restic(&["snapshots", "--repo", "r", "--json"]);
    let evidence = import("restic", &listed, &["--takes", "10min", "--select", "tag=nightly"]);
    let mut instants: Vec<Instant> =
        evidence.points.iter().map(|point| Instant(point.consistent_at.0 / 1000 * 1000)).collect();
    instants.sort();
    assert_eq!(instants, nights);
    assert!(evidence.points.iter().all(|point| point.encrypted == Some(true)), "{evidence:?}");
    assert_eq!(audited(home.path(), &evidence), ("met".to_string(), Some(24)));

    let forgotten = restic(&["forget", "--repo", "r", "--keep-last", "1", "--dry-run", "--json"]);
    let evidence = import("restic", &forgotten, &["--takes", "10min"]);
    assert_eq!(evidence.points.iter().filter(|point| point.expires_at.is_some()).count(), 2);

    let newest: Value =
        serde_json::from_slice(&restic(&["snapshots", "--repo", "r", "--latest", "1", "--json"])).expect("JSON");
    restic(&["forget", "--repo", "r", newest[0]["id"].as_str().expect("an id")]);
    let listed = restic(&["snapshots", "--repo", "r", "--json"]);
    let evidence = import("restic", &listed, &["--takes", "10min"]);
    assert_eq!(evidence.points.len(), 2);
    assert_eq!(audited(home.path(), &evidence), ("breached".to_string(), Some(25)), "by the seconds since");
}

#[test]
fn a_borg_repository_is_audited_by_what_borg_prints_in_its_own_zone() {
    let home = tempfile::tempdir().expect("a folder");
    let Some(borg) = tool("borg", "borg, made and audited", home.path()) else { return };
    std::fs::create_dir(home.path().join("files")).expect("made");
    std::fs::write(home.path().join("files/a"), "a").expect("written");
    borg(&["init", "--encryption", "repokey", "b"]);
    let nights = nights();
    for (n, night) in nights.iter().enumerate() {
        let utc = night.to_utc().format("%Y-%m-%dT%H:%M:%S").to_string();
        borg(&["create", "--timestamp", &utc, &format!("b::files-{n}"), "files"]);
    }
    let told = borg(&["info", "--json", "--glob-archives", "*", "b"]);
    let evidence = import("borg", &told, &["--timezone", "America/New_York"]);
    assert_eq!(evidence.points.iter().map(|point| point.consistent_at).collect::<Vec<_>>(), nights);
    assert!(evidence.unreadable.is_empty() && evidence.points.iter().all(|point| point.encrypted == Some(true)));
    assert_eq!(audited(home.path(), &evidence), ("met".to_string(), Some(24)));
    // The list alone does not say when an archive was complete: as good, and no proof.
    let listed = import("borg", &borg(&["list", "--json", "b"]), &["--timezone", "America/New_York"]);
    assert_eq!(audited(home.path(), &listed).0, "unproven");
    // In the wrong zone the newest would be of a time that has not come yet.
    let wrong = import("borg", &told, &["--timezone", "America/Los_Angeles"]);
    assert!(
        wrong.points.len() == 2 && wrong.unreadable[0].why.contains("a clock or a time zone is wrong"),
        "{wrong:?}"
    );
    assert!(wrong.runs.iter().all(|run| run.outcome == RunOutcome::Done));

    borg(&["delete", "b::files-2"]);
    let told = borg(&["info", "--json", "--glob-archives", "*", "b"]);
    let evidence = import("borg", &told, &["--timezone", "America/New_York"]);
    assert_eq!(audited(home.path(), &evidence), ("breached".to_string(), Some(25)), "by the seconds since");
}
