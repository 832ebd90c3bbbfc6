//! Each sample of another tool's inventory, and all that comes out of it.

use plimsoll::evidence::import::{Options, Tool};

use super::imported::{lines, options, read, refused, sample};

#[track_caller]
fn shows(tool: Tool, name: &str, options: &Options, expected: &[&str]) {
    assert_eq!(lines(&read(tool, &sample(name), options)), expected, "{name}");
}

fn zone(text: &str) -> Options {
    Options { timezone: Some(text.parse().expect("a zone")), ..options() }
}

fn select(text: &str) -> Options {
    Options { select: vec![text.parse().expect("a selection")], ..options() }
}

#[test]
fn pbm_shows_what_is_done_what_is_not_and_the_log_that_leads_nowhere() {
    let gap = "2025-12-08T02:47:01.000+0000 E [rs0/10.3.11.254:27017] [pitr] init: catchup: oplog has insufficient range, \
               some records since the last saved ts {1764561116 1} are missing. Run `pbm backup` to create a valid \
               starting point for the PITR";
    shows(
        Tool::Pbm,
        "pbm-2.9.1-status.json",
        &options(),
        &[
            "point 2025-12-01T03:29:15Z of 2025-12-01T03:29:18Z from 2025-12-01T03:29:18Z",
            "backup 2025-12-05T07:07:32Z 2025-12-05T07:07:32Z to 2026-12-01T00:00:00Z: failed: not finished: `copyReady`",
            "capture pitr-20251201T031601Z 2025-12-01T03:16:01Z to 2025-12-01T03:51:54Z: failed: the log from \
             2025-12-01T03:16:01Z to 2025-12-01T03:51:54Z has no base snapshot to start from",
            &format!("capture pitr 2025-12-08T02:47:01Z to 2025-12-08T02:47:01Z: failed: {gap}"),
            "? x:15:7: it is external: its files are where somebody copied them, which is not recorded",
            "? x:15:7: when it was complete is not recorded: `pbm describe-backup` tells; or give --takes",
        ],
    );
}

#[test]
fn a_pbm_backup_that_is_described_is_of_the_member_furthest_behind_and_complete_at_its_last_transition() {
    shows(
        Tool::Pbm,
        "pbm-2.9.1-describe-backup.json",
        &options(),
        &[
            "point 2025-12-09T04:03:09Z of 2025-12-09T04:03:03Z from 2025-12-09T04:10:09Z",
            "? x:1:1: it is external: its files are where somebody copied them, which is not recorded",
        ],
    );
}

#[test]
fn a_pbm_list_shows_ranges_with_a_base_and_no_increment_without_one() {
    shows(
        Tool::Pbm,
        "pbm-list.json",
        &Options {
            log_protection: Some("pitr".into()),
            lag: Some("10min".parse().expect("a span")),
            takes: Some("5min".parse().expect("a span")),
            ..options()
        },
        &[
            "log by pitr: 2026-07-31T02:05:06Z to 2026-08-01T02:05:05Z",
            "capture pitr-20260730T020500Z 2026-07-30T02:05:00Z to 2026-07-31T02:05:05Z: failed: the log from \
             2026-07-30T02:05:00Z to 2026-07-31T02:05:05Z has no base snapshot to start from",
            "? x:3:5: it builds on `2026-07-31T02:00:01Z`, which the inventory does not hold",
        ],
    );
}

#[test]
fn a_pbm_restore_is_a_drill_that_times_something_only_where_its_finish_is_told() {
    shows(
        Tool::Pbm,
        "pbm-describe-restore.json",
        &options(),
        &[
            "drill 2026-08-01T03:05:05.123456Z of 2026-08-01T02:00:01Z until 2026-08-01T03:25:44Z, in 20 min 39 s: passed, \
           compared nothing",
        ],
    );
    shows(
        Tool::Pbm,
        "pbm-list-restore.json",
        &options(),
        &[
            "drill 2026-08-01T03:05:05.123456Z of 2026-08-01T02:00:01Z until 2026-08-01T03:05:05Z, untimed: passed, compared \
           nothing",
        ],
    );
}

#[test]
fn atlas_snapshots_expire_and_nobody_says_when_they_were_complete() {
    let doubt = "when it was complete is not recorded: give --takes";
    shows(
        Tool::Atlas,
        "atlas-snapshots.json",
        &options(),
        &[
            "point {SNAPSHOT-ID} of 2018-08-01T20:02:07Z from 2018-08-01T20:02:07Z until 2018-08-04T20:03:11Z, snapshot",
            &format!("? x:9:5: {doubt}"),
        ],
    );
    shows(
        Tool::Atlas,
        "atlas-snapshot-sharded.json",
        &options(),
        &[
            "point ... of 2026-08-01T02:00:00Z from 2026-08-01T02:00:00Z until 2026-08-08T02:00:00Z",
            &format!("? x:1:1: {doubt}"),
        ],
    );
    let told = Options { takes: Some("10min".parse().expect("a span")), ..options() };
    shows(
        Tool::Atlas,
        "atlas-snapshot-sharded.json",
        &told,
        &["point ... of 2026-08-01T02:00:00Z from 2026-08-01T02:10:00Z until 2026-08-08T02:00:00Z"],
    );
}

#[test]
fn an_atlas_restore_job_without_a_start_is_a_drill_that_times_nothing() {
    shows(
        Tool::Atlas,
        "atlas-restore-job.json",
        &options(),
        &["drill ... of ... until 2026-08-01T03:20:00Z, untimed: passed, compared nothing"],
    );
    let drill = read(Tool::Atlas, &sample("atlas-restore-job.json"), &options()).drills.remove(0);
    assert_eq!((drill.phase("total"), drill.phase_at("total", None)), (None, None));
}

#[test]
fn an_atlas_compliance_policy_covers_its_window_and_proves_nothing() {
    shows(
        Tool::Atlas,
        "atlas-compliance-policy.json",
        &options(),
        &[
            "log by nobody: 2026-11-24T00:00:00Z to 2026-12-01T00:00:00Z",
            "? x:1:1: the compliance policy promises that any second can be restored, and lists nothing that shows it: drill it",
            "? x:1:1: when the pieces of the log were stored is not recorded: give --lag",
        ],
    );
}

#[test]
fn restic_before_0_17_does_not_say_when_a_snapshot_was_complete_and_later_does() {
    let ids = ["7e706f0f", "f7c88851", "50feaa43", "fdb233e9", "f0c4beab"];
    let old = lines(&read(Tool::Restic, &sample("restic-0.14-snapshots.json"), &options()));
    for (day, (line, id)) in old.iter().zip(ids).enumerate() {
        let instant = format!("2026-01-0{}T02:00:00Z", day + 1);
        assert!(
            line.starts_with(&format!("point {id}")) && line.ends_with(&format!("{instant} from {instant}, encrypted"))
        );
    }
    let doubt = "? x:2:5: when it was complete is not recorded: restic 0.17 and later do; or give --takes (and of 4 more the same)";
    assert_eq!(old[5..], [doubt]);
    shows(
        Tool::Restic,
        "restic-0.17plus-snapshots.json",
        &options(),
        &["point 64hex of 2026-01-01T01:00:00.100Z from 2026-01-01T01:04:11.900Z, encrypted"],
    );
}

#[test]
fn what_restic_forget_would_remove_counts_no_longer_than_the_inventory() {
    let told = Options { takes: Some("1h".parse().expect("a span")), ..options() };
    let evidence = read(Tool::Restic, &sample("restic-0.14-forget-dry-run.json"), &told);
    let expires: Vec<_> = evidence.points.iter().map(|point| point.expires_at).collect();
    let gone = Some(super::imported::printed_at());
    assert_eq!(expires, [None, None, gone, gone, gone]);
    assert!(evidence.unreadable.is_empty(), "{evidence:?}");
}

#[test]
fn rustic_groups_lend_their_snapshots_what_these_leave_out() {
    let end = "point 64hex of 2026-01-01T01:00:00Z from 2026-01-01T01:04:11Z, encrypted";
    shows(Tool::Rustic, "rustic-snapshots.json", &options(), &[end]);
    let told = Options { takes: Some("5min".parse().expect("a span")), ..select("path=/srv/dump") };
    let kept = "point 64hex of 2026-01-01T01:00:00Z from 2026-01-01T01:05:00Z, encrypted";
    shows(Tool::Rustic, "rustic-forget.json", &told, &[kept]);
}

#[test]
fn a_kopia_snapshot_is_a_point_from_its_end_on() {
    let line = "point test123 of 2025-08-14T00:00:00Z from 2025-08-14T00:01:00Z, encrypted";
    shows(Tool::Kopia, "kopia-snapshot-list.json", &options(), &[line]);
}

#[test]
fn borg_times_are_those_of_the_zone_that_is_named() {
    let asked = refused(Tool::Borg, &sample("borg-1.2.4-list.json"), &options());
    assert_eq!(
        asked,
        "cannot read the inventory `x:3:9`: its `start` names no zone; say with --timezone which clock wrote it, such as \
         --timezone Europe/Berlin or UTC"
    );
    let id = "e6988493424d20d679efd28f7e238b07ff263a2e2e9c077bef6803ed7e25e4de";
    let berlin = format!("point {id} of 2026-11-22T12:40:18Z from 2026-11-22T12:40:18Z, plain");
    shows(Tool::Borg, "borg-1.2.4-info-archive.json", &zone("Europe/Berlin"), &[&berlin]);
    let new_york = format!("point {id} of 2026-11-22T18:40:18Z from 2026-11-22T18:40:18Z, plain");
    shows(Tool::Borg, "borg-1.2.4-info-archive.json", &zone("America/New_York"), &[&new_york]);
    let offset = format!("point {id} of 2026-11-22T08:10:18Z from 2026-11-22T08:10:18Z, plain");
    shows(Tool::Borg, "borg-1.2.4-info-archive.json", &zone("+05:30"), &[&offset]);
    let listed = lines(&read(Tool::Borg, &sample("borg-1.2.4-list.json"), &zone("UTC")));
    assert_eq!(
        listed[2],
        "? x:3:9: when it was complete is not recorded: `borg info` tells; or give --takes (and of 1 more the same)"
    );
}

#[test]
fn pgbackrest_shows_bad_backups_those_without_their_log_and_repositories_that_do_not_answer() {
    let several = refused(Tool::Pgbackrest, &sample("pgbackrest-info.json"), &options());
    assert!(several.contains("stanza=stanza1 repo=1; stanza=stanza1 repo=2; stanza=stanza3 repo=2"), "{several}");
    shows(
        Tool::Pgbackrest,
        "pgbackrest-info.json",
        &select("stanza=stanza1"),
        &[
            "point 20181119-152138F of 2018-11-19T15:21:39Z from 2018-11-19T15:21:39Z, oplog, plain",
            "point 20181119-152138F_20181119-152152D of 2018-11-19T15:21:55Z from 2018-11-19T15:21:55Z, oplog, plain",
            "point 20201116-155000F of 2020-11-16T15:50:02Z from 2020-11-16T15:50:02Z, oplog, plain",
            "point 20201116-200000F of 2020-11-16T20:00:05Z from 2020-11-16T20:00:05Z, oplog, encrypted, bad: pages failed \
             their checksums",
            "point 20201116-155000F_20201119-152100I of 2020-11-19T15:21:03Z from 2020-11-19T15:21:03Z, oplog, plain",
            "? x:95:4: it does not say which files of the log make it one state (`archive`)",
        ],
    );
    shows(
        Tool::Pgbackrest,
        "pgbackrest-info.json",
        &select("stanza=stanza3"),
        &[
            "point 20201110-100000F of 2020-11-10T10:00:02Z from 2020-11-10T10:00:02Z, oplog, encrypted",
            "? x:348:2: repository 1 of the stanza says: missing stanza path (code 1)",
        ],
    );
}

#[test]
fn names_of_wal_files_make_no_coverage_and_whoever_asks_for_it_is_told() {
    let asks = Options { log_protection: Some("wal".into()), ..select("stanza=stanza1") };
    let evidence = read(Tool::Pgbackrest, &sample("pgbackrest-info.json"), &asks);
    assert!(evidence.coverage.is_empty());
    let why = evidence.unreadable.iter().map(|u| &u.why).find(|why| why.contains("no instants"));
    assert!(why.is_some(), "{:?}", evidence.unreadable);
}

#[test]
fn a_completed_velero_backup_without_one_of_its_volumes_is_partial() {
    let line = "point nightly-20190429155843 of 2019-04-29T15:58:43Z from 2019-04-29T15:58:56Z until \
                2019-05-29T15:58:43Z, without 1 of 2 volume snapshots";
    shows(Tool::Velero, "velero-backup.json", &options(), &[line]);
}

#[test]
fn aws_backup_times_are_read_as_text_and_as_seconds() {
    let arn = "arn:aws:backup:us-east-1:111122223333:recovery-point:EXAMPLE";
    let expires = "2026-09-05T05:00:00Z";
    shows(
        Tool::AwsBackup,
        "aws-backup-recovery-points.json",
        &options(),
        &[
            &format!("point {arn} of 2026-08-01T05:00:00.123Z from 2026-08-01T05:21:40.361Z until {expires}"),
            &format!("point {arn} of 2020-09-21T20:55:24.770Z from 2020-09-21T20:55:44.488Z until {expires}"),
        ],
    );
    let evidence = read(Tool::AwsBackup, &sample("aws-backup-restore-jobs.json"), &options());
    assert_eq!(lines(&evidence), ["drill ... of ... until 2020-09-21T21:55:24.770Z, in 1 h: passed, compared nothing"]);
    let checks: Vec<_> = evidence.drills[0].checks.iter().map(|c| (c.name.as_str(), c.passed, c.leaves_open)).collect();
    assert_eq!(checks, [("restored", true, true), ("validation", true, false)]);
    assert_eq!(evidence.drills[0].bytes_restored, 123_456);
}
