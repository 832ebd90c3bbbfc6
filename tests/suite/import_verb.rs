//! `inventory --from`, from the outside: how it maps to the policy, and what the audit makes of it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use plimsoll::evidence::Evidence;

use super::imported::sample;
use super::servers;

fn plimsoll(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.args(args).env_remove("PLIMSOLL_REPO").env_remove("PLIMSOLL_POLICY");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn run(args: &[&str]) -> Output {
    plimsoll(args).output().expect("the program starts")
}

const MAPPED: [&str; 4] = ["--asset", "database", "--protection", "nightly"];

fn import(args: &[&str]) -> Output {
    run(&[&["inventory", "--format", "json", "--from"], args, &MAPPED].concat())
}

fn evidence(output: &Output) -> Evidence {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("evidence")
}

fn inventory(name: &str) -> String {
    format!("{}/tests/inventories/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A plan of daily snapshots of one database, kept for a month.
fn policy(folder: &Path) -> String {
    let text = r#"
plimsoll = 1
name = "shop"
domain = { live = { kind = "cluster" }, vault = { kind = "bucket" }, runner = { kind = "host" } }
[objective]
rpo = "25h"
[asset.database]
kind = "mongodb"
lives_in = ["live"]
[protection.nightly]
kind = "snapshot"
assets = ["database"]
schedule = "0 2 * * *"
takes = "30min"
stored_in = ["vault"]
runs_in = ["runner"]
retention = "30d"
[scenario.loss]
title = "Cluster lost"
destroys = ["live"]
per_year = 1
noticed_after = "5min"
"#;
    let path = folder.join("shop.toml");
    std::fs::write(&path, text).expect("written");
    path.display().to_string()
}

#[test]
fn what_comes_out_is_what_the_audit_takes() {
    let folder = tempfile::tempdir().expect("a folder");
    let policy = policy(folder.path());
    let file = folder.path().join("restic.json");
    let audit = |args: &[&str]| {
        let imported = import(
            &[&["restic", &inventory("restic-0.14-snapshots.json"), "--listed-at", "2026-01-05T12:00:00Z"], args]
                .concat(),
        );
        std::fs::write(&file, &imported.stdout).expect("written");
        let file = file.display().to_string();
        let as_of = ["--as-of", "2026-01-05T12:00:00Z", "--window", "2d"];
        let output = run(&[&["audit", &policy, "--evidence", &file, "--format", "json"], &as_of[..]].concat());
        let audit: serde_json::Value = serde_json::from_slice(&output.stdout).expect("an audit");
        audit["policies"][0]["cells"][0].clone()
    };
    // A snapshot is of the instant at which its run began, and there half an hour later.
    let told = audit(&["--takes", "30min"]);
    assert_eq!(told["rpo_verdict"], "met", "{told:#}");
    assert_eq!(told["observed_loss"]["value"]["ms"], serde_json::json!((24 * 60 + 30) * 60_000), "{told:#}");
    // Without it, the best that can be is still no proof.
    let untold = audit(&[]);
    assert_eq!(untold["rpo_verdict"], "unproven", "{untold:#}");
    // Longer than the objective leaves room for.
    assert_eq!(audit(&["--takes", "2h"])["rpo_verdict"], "breached");
}

#[test]
fn several_files_of_evidence_and_the_repository_are_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, output: &Output| {
        let path = folder.path().join(name);
        std::fs::write(&path, &output.stdout).expect("written");
        path.display().to_string()
    };
    let kopia =
        write("a", &import(&["kopia", &inventory("kopia-snapshot-list.json"), "--listed-at", "2026-01-05T12:00:00Z"]));
    let drill =
        write("b", &import(&["pbm", &inventory("pbm-describe-restore.json"), "--listed-at", "2026-09-05T12:00:00Z"]));
    let both = evidence(&run(&[
        "inventory",
        "--format",
        "json",
        "--evidence",
        &kopia,
        "--evidence",
        &drill,
        "--evidence",
        &kopia,
    ]));
    assert_eq!((both.points.len(), both.drills.len()), (1, 1));
    assert_eq!(both.read_at.to_string(), "2026-01-05T12:00:00Z");
    // An import beside a file.
    let more = import(&["borg", &inventory("borg-1.2.4-info-archive.json"), "--timezone", "UTC", "--evidence", &kopia]);
    assert_eq!(evidence(&more).points.len(), 2);
    // And a repository beside a file.
    let repo = folder.path().join("repo");
    std::fs::create_dir(&repo).expect("made");
    let id = r#"{"format": 1, "id": "x", "created_at": "2026-01-01T00:00:00Z"}"#;
    std::fs::write(repo.join("plimsoll.json"), id).expect("written");
    let with = run(&["inventory", "--evidence", &kopia, "--repo", &repo.display().to_string()]);
    let without =
        run(&["inventory", "--evidence", &kopia, "--repo", &folder.path().join("none").display().to_string()]);
    assert_eq!(without.status.code(), Some(1), "a repository that is named must be there");
    assert!(text(&with.stdout).contains("test123"), "{with:?}");
}

#[test]
fn an_inventory_speaks_for_the_time_at_which_it_was_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("kopia.json");
    std::fs::write(&path, sample("kopia-snapshot-list.json")).expect("written");
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_760_000_000);
    std::fs::File::options().write(true).open(&path).expect("opens").set_modified(old).expect("set");
    let path = path.display().to_string();
    assert_eq!(evidence(&import(&["kopia", &path])).read_at.0, 1_760_000_000_000);
    let listed = ["kopia", &path, "--listed-at", "2026-02-01T00:00:00Z"];
    assert_eq!(evidence(&import(&listed)).read_at.to_string(), "2026-02-01T00:00:00Z");
    let early = evidence(&import(&[&listed[..], &["--as-of", "2025-08-14T00:00:30Z"]].concat()));
    assert!(early.points.is_empty(), "it was not there yet");
}

#[test]
fn stdin_is_read_and_what_is_left_out_is_said() {
    let args =
        [&["inventory", "--from", "restic", "-"], &MAPPED[..], &["--select", "tag=weekly", "--takes", "1h"]].concat();
    let mut child =
        plimsoll(&args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    child.stdin.take().expect("piped").write_all(sample("restic-0.14-snapshots.json").as_bytes()).expect("written");
    let output = child.wait_with_output().expect("ends");
    assert!(text(&output.stdout).contains("Recovery points: none"), "{output:?}");
    assert!(text(&output.stderr).contains("note: --select left 5 records out"), "{output:?}");
}

#[test]
fn what_the_inventory_cannot_say_is_asked_for() {
    let list = inventory("borg-1.2.4-list.json");
    for (args, says) in [
        (&["inventory", "--from", "borg", &list][..], "--asset is missing"),
        (&["inventory", "--from", "borg", &list, "--asset", "db"], "--protection is missing"),
        (&["inventory", "--from", "borg", &list, "--asset", "db", "--protection", "p"], "--timezone"),
        (
            &["inventory", "--from", "borg", &list, "--asset", "db", "--protection", "p", "--timezone", "Berlin"],
            "`Berlin` is no time zone",
        ),
        (&["inventory", "--from", "borg"], "SOURCE"),
        (&["inventory", &list], "--from"),
        (&["inventory", "--from", "tape", &list], "restic"),
        (&["inventory", "--from", "s3-pattern", &list, "--asset", "db", "--protection", "p"], "--pattern"),
        (&["inventory", "--from", "kopia", &list, "--select", "host"], "LABEL=VALUE"),
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?} {output:?}");
        assert!(text(&output.stderr).contains(says), "{args:?}: {}", text(&output.stderr));
    }
    let absent = run(&[&["inventory", "--from", "borg", "no-such-file"], &MAPPED[..]].concat());
    assert_eq!(absent.status.code(), Some(1));
    assert!(text(&absent.stderr).contains("no-such-file"));
}

#[test]
fn help_names_the_command_for_each_tool_and_each_column_of_the_plain_form() {
    let help = text(&run(&["inventory", "--help"]).stdout);
    for tool in plimsoll::evidence::import::Tool::ALL {
        assert!(help.contains(tool.name()), "{}", tool.name());
    }
    for (column, ..) in plimsoll::evidence::import::COLUMNS {
        assert!(help.contains(&format!("  {column} ")), "{column}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_of_dated_archives_is_listed_by_its_pattern_and_an_object_is_read_as_a_file() {
    let s3 = servers::s3().await;
    let bucket = servers::bucket("dated").await;
    let options = plimsoll::store::S3Options {
        endpoint: Some(s3.endpoint.clone()),
        region: Some("us-east-1".into()),
        credentials: Some((s3.access_key.clone(), s3.secret_key.clone())),
    };
    let store = plimsoll::store::open(&format!("s3://{bucket}/site"), &options).await.expect("a store");
    for (key, body) in [("2026-02-18_03-00.tar.gz", "archive"), ("2026-02-19_03-00.tar.gz", ""), ("notes.txt", "x")] {
        store.put(key, bytes::Bytes::from_static(body.as_bytes())).await.expect("put");
    }
    store.put("inventory.json", sample("kopia-snapshot-list.json").into()).await.expect("put");
    let from = |args: &[&str]| {
        let mut command = plimsoll(&[&["inventory", "--format", "json", "--from"], args, &MAPPED].concat());
        command.env("AWS_ENDPOINT_URL_S3", &s3.endpoint).env("AWS_REGION", "us-east-1").env_remove("AWS_PROFILE");
        command.env("AWS_ACCESS_KEY_ID", &s3.access_key).env("AWS_SECRET_ACCESS_KEY", &s3.secret_key);
        command.output().expect("the program starts")
    };
    let pattern = ["--pattern", "%Y-%m-%d_%H-%M.tar.gz", "--timezone", "UTC"];
    let url = format!("s3://{bucket}/site/");
    let listed = from(&[&["s3-pattern", &url], &pattern[..]].concat());
    let found = evidence(&listed);
    assert_eq!(found.points.iter().map(|p| p.id.as_str()).collect::<Vec<_>>(), ["2026-02-18_03-00.tar.gz"]);
    assert_eq!(found.points[0].consistent_at.to_string(), "2026-02-18T03:00:00Z");
    assert!(found.points[0].available_at <= found.read_at && found.points[0].bytes_stored == Some(7));
    assert_eq!(found.runs.len(), 1, "the one without bytes");
    assert!(text(&listed.stderr).contains("2 names do not follow the pattern"), "{listed:?}");
    let object = from(&["kopia", &format!("s3://{bucket}/site/inventory.json")]);
    assert_eq!(evidence(&object).points.len(), 1);
    let absent = from(&["kopia", &format!("s3://{bucket}/site/none.json")]);
    assert_eq!(absent.status.code(), Some(1), "{absent:?}");
}
