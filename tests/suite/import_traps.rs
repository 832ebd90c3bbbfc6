//! What other tools' inventories hide: each trap with a record made for it.

use plimsoll::base::Instant;
use plimsoll::evidence::import::{self, Options, Source, Tool};

use super::imported::{lines, options, printed_at, read, refused, sample};

fn takes() -> Options {
    Options { takes: Some("10min".parse().expect("a span")), ..options() }
}

fn select(all: &[&str]) -> Options {
    Options { select: all.iter().map(|one| one.parse().expect("a selection")).collect(), ..takes() }
}

#[track_caller]
fn shows(tool: Tool, text: &str, expected: &[&str]) {
    assert_eq!(lines(&read(tool, text, &takes())), expected);
}

/// The sample with some words changed; each must be there.
#[track_caller]
fn changed(name: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(sample(name), |text, (from, to)| {
        assert!(text.contains(from), "{name} does not hold {from}");
        text.replace(from, to)
    })
}

fn pbm(backup: &str) -> String {
    format!(r#"{{"snapshots": [{{"name": "2026-08-01T02:00:01Z", "pbmVersion": "2.5.0", {backup}}}]}}"#)
}

#[test]
fn an_unknown_status_of_any_tool_makes_no_point_and_says_why() {
    let cases = [
        (Tool::Atlas, changed("atlas-snapshots.json", &[("\"completed\"", "\"probably\"")]), "status", "probably"),
        (Tool::AwsBackup, changed("aws-backup-recovery-points.json", &[("COMPLETED", "FINE")]), "Status", "FINE"),
        (Tool::Velero, changed("velero-backup.json", &[("\"Completed\"", "\"Done\"")]), "status.phase", "Done"),
        (Tool::Pbm, pbm(r#""status": "ok", "restoreTo": 1785549905, "type": "logical""#), "status", "ok"),
    ];
    for (tool, text, field, word) in cases {
        let evidence = read(tool, &text, &takes());
        assert!(evidence.points.is_empty() && evidence.runs.is_empty(), "{tool:?}: {:?}", lines(&evidence));
        let why = &evidence.unreadable.first().expect("said").why;
        assert_eq!(why, &format!("its `{field}` is `{word}`, which is not known here"));
    }
}

#[test]
fn an_unknown_version_makes_no_point_and_says_why() {
    let cases = [
        (Tool::Restic, changed("restic-0.17plus-snapshots.json", &[("restic 0.18.0", "restic 1.2.0")]), "restic 1.2.0"),
        (Tool::Pbm, changed("pbm-2.9.1-status.json", &[("\"2.9.1\"", "\"3.0.0\"")]), "3.0.0"),
        (
            Tool::Velero,
            changed(
                "velero-backup.json",
                &[("\"velero.io/v1\",\n      \"kind\"", "\"velero.io/v2\",\n      \"kind\"")],
            ),
            "velero.io/v2",
        ),
        (Tool::Velero, changed("velero-backup.json", &[("\"1.1.0\"", "\"2.0.0\"")]), "2.0.0"),
    ];
    for (tool, text, version) in cases {
        let evidence = read(tool, &text, &takes());
        assert!(evidence.points.is_empty(), "{tool:?}: {:?}", lines(&evidence));
        assert!(evidence.unreadable.iter().any(|u| u.why.contains(version)), "{:?}", evidence.unreadable);
    }
    let other = changed("pgbackrest-info.json", &[("\"format\": 5", "\"format\": 6")]);
    let evidence = read(Tool::Pgbackrest, &other, &select(&["stanza=stanza1"]));
    assert!(evidence.points.is_empty() && evidence.unreadable.iter().all(|u| u.why.contains("backrest.format")));
}

#[test]
fn what_failed_is_a_failed_run_with_the_tools_own_words_and_no_password() {
    let error = "cannot reach mongodb://anna:hunter2@db1:27017/?x=1: refused";
    let text = pbm(&format!(r#""status": "error", "error": "{error}", "type": "logical""#));
    shows(
        Tool::Pbm,
        &text,
        &["backup 2026-08-01T02:00:01Z 2026-08-01T02:00:01Z to 2026-12-01T00:00:00Z: failed: `error`: cannot reach \
           mongodb://…@db1:27017/?x=1: refused"],
    );
    let velero =
        changed("velero-backup.json", &[("\"Completed\"", "\"PartiallyFailed\""), ("\"errors\": 0", "\"errors\": 3")]);
    shows(
        Tool::Velero,
        &velero,
        &[
            "backup nightly-20190429155843 2019-04-29T15:58:43Z to 2019-04-29T15:58:56Z: failed: `PartiallyFailed`, 3 errors",
        ],
    );
    let kopia = changed("kopia-snapshot-list.json", &[("\"description\": \"\"", "\"incomplete\": \"canceled\"")]);
    shows(
        Tool::Kopia,
        &kopia,
        &["backup test123 2025-08-14T00:00:00Z to 2025-08-14T00:01:00Z: failed: incomplete: canceled"],
    );
    let checkpoint = r#"{"archives": [{"id": "ab", "name": "db-1.checkpoint", "start": "2026-01-01T02:00:00.000000Z"}],
        "encryption": {"mode": "repokey"}}"#;
    let run = "backup ab 2026-01-01T02:00:00Z to 2026-12-01T00:00:00Z: failed: a checkpoint: the run did not finish";
    shows(Tool::Borg, checkpoint, &[run]);
    let aws = lines(&read(
        Tool::AwsBackup,
        &changed("aws-backup-recovery-points.json", &[("COMPLETED", "PARTIAL")]),
        &takes(),
    ));
    assert!(aws.iter().all(|line| line.starts_with("backup ") && line.ends_with("failed: `PARTIAL`")), "{aws:?}");
}

#[test]
fn files_that_kopia_could_not_read_are_missing_from_the_point_even_where_it_ignores_them() {
    let kopia = changed("kopia-snapshot-list.json", &[("\"ignoredErrorCount\": 0", "\"ignoredErrorCount\": 2")]);
    shows(
        Tool::Kopia,
        &kopia,
        &[
            "point test123 of 2025-08-14T00:00:00Z from 2025-08-14T00:01:00Z, encrypted, without 2 files or folders that \
           could not be read",
        ],
    );
}

#[test]
fn a_listing_that_goes_on_elsewhere_is_not_the_whole() {
    let pages = changed("atlas-snapshots.json", &[("\"totalCount\": 1", "\"totalCount\": 3")]);
    let said = lines(&read(Tool::Atlas, &pages, &takes()));
    assert_eq!(said[1], "? x:1:1: 3 are said to be there, 1 are listed: read every page");
    // All pages of it, each in a file of its own.
    let three: Vec<Source> =
        (0..3).map(|n| Source::new(format!("{n}"), pages.clone().into_bytes(), printed_at()).expect("text")).collect();
    let whole = import::read(Tool::Atlas, &three, &takes()).expect("evidence").evidence;
    assert!(whole.unreadable.is_empty() && whole.points.len() == 3);
    let aws = r#"{"RecoveryPoints": [], "NextToken": "abc"}"#;
    assert!(lines(&read(Tool::AwsBackup, aws, &takes()))[0].contains("goes on (`NextToken`)"));
    let velero = r#"{"kind": "BackupList", "metadata": {"continue": "abc"}, "items": []}"#;
    assert!(lines(&read(Tool::Velero, velero, &takes()))[0].contains("goes on"));
}

#[test]
fn a_pbm_increment_counts_only_with_all_that_it_builds_on() {
    let chain = |base: &str| {
        format!(
            r#"{{"snapshots": [
            {{"name": "2026-08-02T02:00:00Z", "pbmVersion": "2.5.0", "status": "done", "restoreTo": 1785636005,
              "type": "incremental", "src": "2026-08-01T02:00:00Z"}},
            {{"name": "2026-08-01T02:00:00Z", "pbmVersion": "2.5.0", "status": "{base}", "restoreTo": 1785549605,
              "type": "incremental", "src": ""}}]}}"#
        )
    };
    let whole = read(Tool::Pbm, &chain("done"), &takes());
    assert_eq!((whole.points.len(), whole.unreadable.len()), (2, 0));
    let broken = lines(&read(Tool::Pbm, &chain("error"), &takes()));
    assert_eq!(broken.len(), 2, "{broken:?}");
    assert!(
        broken.iter().any(|line| line == "? x:2:13: it builds on `2026-08-01T02:00:00Z`, which is not done"),
        "{broken:?}"
    );
    let circle = chain("done").replace("\"src\": \"\"", "\"src\": \"2026-08-02T02:00:00Z\"");
    assert!(lines(&read(Tool::Pbm, &circle, &takes())).iter().all(|line| line.ends_with("it builds on itself")));
}

#[test]
fn a_pbm_backup_counts_only_if_each_replica_set_is_done_and_it_is_of_all_namespaces() {
    let logical = |changes: &[(&str, &str)]| {
        let all: Vec<(&str, &str)> = [("\"external\"", "\"logical\"")].iter().chain(changes).copied().collect();
        lines(&read(Tool::Pbm, &changed("pbm-2.9.1-describe-backup.json", &all), &options()))
    };
    let good = ["point 2025-12-09T04:03:09Z of 2025-12-09T04:03:03Z from 2025-12-09T04:10:09Z, oplog"];
    assert_eq!(logical(&[]), good);
    let half = logical(&[(
        "\"name\": \"rs1\",\n      \"status\": \"done\"",
        "\"name\": \"rs1\",\n      \"status\": \"error\"",
    )]);
    assert!(half[0].ends_with("failed: its replica set `rs1` is `error`"), "{half:?}");
    let some = logical(&[("\"size\": 0", "\"nss\": [\"shop.*\"], \"size\": 0")]);
    assert_eq!(some, [format!("{}, without all but shop.*", good[0])]);
    let asked = Options { select: vec!["nss=shop.*".parse().expect("a selection")], ..options() };
    let text = changed(
        "pbm-2.9.1-describe-backup.json",
        &[("\"external\"", "\"logical\""), ("\"size\": 0", "\"nss\": [\"shop.*\"], \"size\": 0")],
    );
    assert_eq!(lines(&read(Tool::Pbm, &text, &asked)), good);
}

#[test]
fn a_gap_of_one_replica_set_is_a_gap_of_the_log() {
    let range = |first: i64, last: i64| format!(r#"{{"range": {{"start": {first}, "end": {last}}}}}"#);
    let day = 1_785_000_000;
    let text = format!(
        r#"{{"snapshots": [], "pitr": {{"on": true, "ranges": [{}], "rsRanges": {{"rs0": [{}], "rs1": [{}, {}]}}}}}}"#,
        range(day, day + 9000),
        range(day, day + 9000),
        range(day, day + 3000),
        range(day + 6000, day + 9000),
    );
    let told = Options { lag: Some("10min".parse().expect("a span")), ..takes() };
    let evidence = read(Tool::Pbm, &text, &told);
    let seconds = |at: Instant| at.0 / 1000 - day;
    let logs: Vec<_> =
        evidence.merged_coverage().iter().map(|c| (seconds(c.first.instant()), seconds(c.last.instant()))).collect();
    assert_eq!(logs, [(0, 3000), (6000, 9000)]);
    assert!(
        evidence.coverage.iter().all(|piece| (piece.last.secs - piece.first.secs) <= 600),
        "no piece hides its lag"
    );
}

#[test]
fn an_atlas_restore_that_failed_fails_its_drill_and_one_that_was_cancelled_says_nothing_of_the_point() {
    let failed = lines(&read(
        Tool::Atlas,
        &changed("atlas-restore-job.json", &[("\"failed\": false", "\"failed\": true")]),
        &takes(),
    ));
    assert_eq!(failed, ["drill ... of ... until 2026-08-01T03:20:00Z, untimed: failed: failed"]);
    let cancelled = changed("atlas-restore-job.json", &[("\"cancelled\": false", "\"cancelled\": true")]);
    shows(Tool::Atlas, &cancelled, &["restore ... 2026-08-01T03:20:00Z to 2026-08-01T03:20:00Z: failed: cancelled"]);
    let link = changed("atlas-restore-job.json", &[("\"pointInTime\"", "\"download\"")]);
    shows(Tool::Atlas, &link, &["download ... 2026-08-01T03:20:00Z to 2026-08-01T03:20:00Z: done"]);
}

#[test]
fn a_fallback_snapshot_of_atlas_is_of_no_one_instant_and_a_shard_that_is_missing_makes_no_point() {
    let fallback =
        lines(&read(Tool::Atlas, &changed("atlas-snapshots.json", &[("\"scheduled\"", "\"fallback\"")]), &takes()));
    assert!(fallback[0].ends_with(", torn"), "{fallback:?}");
    let shard = changed(
        "atlas-snapshot-sharded.json",
        &[("\"snapshotIds\": [\n    \"...\"", "\"snapshotIds\": [\n    \"...\", \"b\"")],
    );
    shows(Tool::Atlas, &shard, &["? x:1:1: its cluster has 1 members, and 2 snapshots of them are there"]);
}

#[test]
fn the_compliance_policy_of_atlas_covers_nothing_from_before_it_was_last_changed_nor_while_it_is_not_in_force() {
    let told = Options { lag: Some("1min".parse().expect("a span")), ..takes() };
    let read =
        |changes: &[(&str, &str)]| lines(&read(Tool::Atlas, &changed("atlas-compliance-policy.json", changes), &told));
    let lately = read(&[("2026-01-01T00:00:00Z", "2026-11-30T06:00:00Z")]);
    assert_eq!(lately[0], "log by nobody: 2026-11-30T06:00:00Z to 2026-11-30T23:59:00Z");
    let off = read(&[("\"pitEnabled\": true", "\"pitEnabled\": false")]);
    assert!(off.len() == 1 && off[0].ends_with("failed: `pitEnabled` is false: no log is kept"), "{off:?}");
    let soon = read(&[("\"ACTIVE\"", "\"ENABLING\"")]);
    assert!(soon.len() == 1 && soon[0].starts_with("? x:1:1: the compliance policy is not in force"), "{soon:?}");
}

#[test]
fn a_backup_of_pgbackrest_counts_only_with_its_log_and_with_all_that_it_builds_on() {
    let one = select(&["stanza=stanza1", "repo=1"]);
    let bad = changed(
        "pgbackrest-info.json",
        &[("\"label\": \"20181119-152138F\",", "\"error\": true, \"label\": \"20181119-152138F\",")],
    );
    let said = lines(&read(Tool::Pgbackrest, &bad, &one));
    assert!(
        said.iter().any(|line| line.contains("152152D") && line.contains("bad: it builds on 20181119-152138F")),
        "{said:?}"
    );
    let absent = changed("pgbackrest-info.json", &[("\"label\": \"20181119-152138F\",", "\"label\": \"other\",")]);
    let said = lines(&read(Tool::Pgbackrest, &absent, &one));
    assert!(
        said.iter().any(|line| line.ends_with("it builds on `20181119-152138F`, which the inventory does not hold")),
        "{said:?}"
    );
    let short = changed(
        "pgbackrest-info.json",
        &[("\"max\": \"000000010000000000000005\"", "\"max\": \"000000010000000000000004\"")],
    );
    let said = lines(&read(Tool::Pgbackrest, &short, &one));
    assert!(
        said.iter().any(|line| line.ends_with("the archive does not reach over the log that makes it one state")),
        "{said:?}"
    );
}

#[test]
fn a_restore_of_aws_backup_whose_validation_failed_is_a_failed_drill() {
    let text = changed(
        "aws-backup-restore-jobs.json",
        &[("\"ValidationStatus\": \"SUCCESSFUL\"", "\"ValidationStatus\": \"FAILED\"")],
    );
    let drill = read(Tool::AwsBackup, &text, &takes()).drills.remove(0);
    assert_eq!((drill.passed(), drill.why_failed().as_str()), (false, "validation: `FAILED`"));
    let aborted = changed("aws-backup-restore-jobs.json", &[("\"COMPLETED\"", "\"ABORTED\"")]);
    let evidence = read(Tool::AwsBackup, &aborted, &takes());
    assert!(evidence.drills.is_empty() && evidence.runs.len() == 1);
}

#[test]
fn a_continuous_recovery_point_of_aws_backup_is_not_taken_for_a_snapshot() {
    let text = changed("aws-backup-recovery-points.json", &[("\"COMPLETED\"", "\"AVAILABLE\"")]);
    let evidence = read(Tool::AwsBackup, &text, &takes());
    assert!(evidence.points.is_empty() && evidence.unreadable.len() == 2);
}

#[test]
fn what_is_being_deleted_was_done_and_is_no_point_any_more() {
    let aws = changed("aws-backup-recovery-points.json", &[("COMPLETED", "DELETING")]);
    let velero = changed("velero-backup.json", &[("\"Completed\"", "\"Deleting\"")]);
    for (tool, text, runs) in [(Tool::AwsBackup, aws, 2), (Tool::Velero, velero, 1)] {
        let said = lines(&read(tool, &text, &takes()));
        assert!(said.len() == runs && said.iter().all(|line| line.ends_with(": done")), "{said:?}");
    }
}

#[test]
fn what_was_listed_was_there_however_long_a_run_may_take() {
    let lately = changed("restic-0.14-snapshots.json", &[("2026-01-05T02:00:00Z", "2026-11-30T23:59:00Z")]);
    let newest = read(Tool::Restic, &lately, &takes()).points.remove(4);
    assert_eq!(newest.available_at, printed_at());
}

#[test]
fn rustic_names_the_instant_from_which_a_snapshot_may_go() {
    let text = changed(
        "rustic-snapshots.json",
        &[("\"delete\": \"Never\"", "\"delete\": {\"After\": \"2026-02-01T00:00:00+01:00\"}")],
    );
    let points = read(Tool::Rustic, &text, &takes()).points;
    assert_eq!(points[0].expires_at.map(|at| at.to_string()).as_deref(), Some("2026-01-31T23:00:00Z"));
    assert_eq!(points[0].locked_until, None, "who holds the key deletes it all the same");
}

#[test]
fn several_sources_in_one_inventory_are_asked_about_and_can_be_told_apart() {
    let other = sample("restic-0.17plus-snapshots.json").replace("db1", "db2").replace("/srv/dump", "/srv/files");
    let both = format!("{}{}", sample("restic-0.17plus-snapshots.json"), other);
    let asked = refused(Tool::Restic, &both, &takes());
    assert!(
        asked.contains("host=db1 path=/srv/dump; host=db2 path=/srv/files") && asked.contains("--select"),
        "{asked}"
    );
    for (wanted, count) in [("host=db2", 1), ("path=/srv/*", 2), ("tag=mongo", 2), ("tag=weekly", 0), ("host=*", 2)] {
        assert_eq!(read(Tool::Restic, &both, &select(&[wanted])).points.len(), count, "{wanted}");
    }
    assert_eq!(read(Tool::Restic, &both, &select(&["tag=nightly", "host=db1"])).points.len(), 1);
    let mistyped = refused(Tool::Restic, &both, &select(&["hosts=db1"]));
    assert_eq!(mistyped, "no record has the label `hosts`; the labels that are there: host, path, tag");
}

#[test]
fn a_record_that_is_not_asked_for_may_be_damaged() {
    let other = changed(
        "aws-backup-recovery-points.json",
        &[("COMPLETED", "WRONG"), ("arn:aws:s3:::assets", "arn:aws:s3:::other")],
    );
    let both = format!("{}{other}", sample("aws-backup-recovery-points.json"));
    let evidence = read(Tool::AwsBackup, &both, &select(&["resource=arn:aws:s3:::assets"]));
    assert_eq!((evidence.points.len(), evidence.unreadable.len()), (2, 0));
    assert_eq!(read(Tool::AwsBackup, &both, &select(&["type=S3"])).unreadable.len(), 2);
}

#[test]
fn a_file_of_another_tool_is_refused_with_the_command_that_is_meant() {
    for (tool, name, says) in [
        (Tool::Restic, "velero-backup.json", "restic snapshots --json"),
        (Tool::Borg, "restic-0.14-snapshots.json", "borg info --json"),
        (Tool::Velero, "kopia-snapshot-list.json", "velero backup get -o json"),
        (Tool::Pgbackrest, "velero-backup.json", "pgbackrest info"),
        (Tool::AwsBackup, "borg-1.2.4-list.json", "aws backup list-recovery-points-by-backup-vault"),
        (Tool::Pbm, "velero-backup.json", "pbm status"),
        (Tool::Atlas, "velero-backup.json", "a restore job or a backup compliance policy"),
    ] {
        let said = refused(tool, &sample(name), &takes());
        assert!(said.contains("`x:1:1`") && said.contains(says), "{said}");
    }
    // What is a list in both is told record by record, and shows nothing.
    let evidence = read(Tool::Kopia, &sample("restic-0.14-snapshots.json"), &takes());
    assert_eq!((evidence.points.len(), evidence.unreadable.len()), (0, 5));
}
