//! The plain form, CSV and JSON: what each column says, and what no file may leave open.

use plimsoll::evidence::import::{Options, Tool};
use plimsoll::policy::Consistency;

use super::imported::{lines, options, read, refused};

const HEADER: &str = "kind,id,asset,protection,consistent_at,available_at,expires_at,locked_until,consistency,encrypted,\
                      verified_at,bad_at,why,without,stored_in,bytes_stored,bytes_restored,documents";

#[test]
fn a_row_of_csv_says_all_that_a_point_can_say() {
    let row = "point,p1,files,weekly,2026-01-01T00:00:00Z,2026-01-01T00:10:00Z,2026-02-01T00:00:00Z,2026-01-15T00:00:00Z,\
               snapshot,true,2026-01-02T00:00:00Z,,,a; b,vault;tape,5,10,2";
    let evidence = read(Tool::Csv, &format!("{HEADER}\n{row}\n"), &options());
    let point = &evidence.points[0];
    assert_eq!((point.asset.as_str(), point.protection.as_deref()), ("files", Some("weekly")));
    assert_eq!(point.locked_until.map(|at| at.to_string()).as_deref(), Some("2026-01-15T00:00:00Z"));
    assert_eq!(point.stored_in, ["vault", "tape"]);
    assert_eq!((point.bytes_stored, point.bytes_restored, point.documents), (Some(5), Some(10), Some(2)));
    assert_eq!(point.consistency, Some(Consistency::Snapshot));
    assert_eq!(
        lines(&evidence),
        [
            "point p1 of 2026-01-01T00:00:00Z from 2026-01-01T00:10:00Z until 2026-02-01T00:00:00Z, snapshot, encrypted, \
          verified 2026-01-02T00:00:00Z, without a; b"
        ]
    );
    assert!(point.origin.place.ends_with(":2:1") && point.origin.sha256.is_some(), "{:?}", point.origin);
}

#[test]
fn runs_drills_and_coverage_are_rows_too_in_both_forms() {
    let csv = "kind,id,point,first,last,available_at,started_at,ended_at,outcome,why,compared\n\
               run,r1,,,,,2026-01-01T00:00:00Z,2026-01-01T00:01:00Z,failed,\"no space, it said\",\n\
               run,r2,,,,,2026-01-01T01:00:00Z,2026-01-01T01:01:00Z,done,,\n\
               drill,d1,p1,,,,2026-01-02T00:00:00Z,2026-01-02T01:00:00Z,passed,,true\n\
               drill,d2,p1,,,,2026-01-03T00:00:00Z,2026-01-03T01:00:00Z,passed,,\n\
               coverage,,,2026-01-01T00:00:00Z,2026-01-02T00:00:00Z,2026-01-02T00:01:00Z,,,,,\n";
    let jsonl = r#"
        {"kind": "run", "id": "r1", "started_at": "2026-01-01T00:00:00Z", "ended_at": "2026-01-01T00:01:00Z", "outcome": "failed", "why": "no space, it said"}
        {"kind": "run", "id": "r2", "started_at": "2026-01-01T01:00:00Z", "ended_at": "2026-01-01T01:01:00Z", "outcome": "done", "why": null}
        {"kind": "drill", "id": "d1", "point": "p1", "started_at": "2026-01-02T00:00:00Z", "ended_at": "2026-01-02T01:00:00Z", "outcome": "passed", "compared": true}
        {"kind": "drill", "id": "d2", "point": "p1", "started_at": "2026-01-03T00:00:00Z", "ended_at": "2026-01-03T01:00:00Z", "outcome": "passed"}
        {"kind": "coverage", "first": "2026-01-01T00:00:00Z", "last": "2026-01-02T00:00:00Z", "available_at": "2026-01-02T00:01:00Z"}"#;
    let expected = [
        "log by nightly: 2026-01-01T00:00:00Z to 2026-01-02T00:00:00Z",
        "drill d1 of p1 until 2026-01-02T01:00:00Z, in 1 h: passed",
        "drill d2 of p1 until 2026-01-03T01:00:00Z, in 1 h: passed, compared nothing",
        "backup r1 2026-01-01T00:00:00Z to 2026-01-01T00:01:00Z: failed: no space, it said",
        "backup r2 2026-01-01T01:00:00Z to 2026-01-01T01:01:00Z: done",
    ];
    assert_eq!(lines(&read(Tool::Csv, csv, &options())), expected);
    assert_eq!(lines(&read(Tool::Jsonl, jsonl, &options())), expected);
}

#[test]
fn a_column_that_is_not_known_is_refused_by_name_and_a_row_that_is_short_by_place() {
    let unknown = refused(Tool::Csv, "kind,id,size\npoint,a,1\n", &options());
    assert!(unknown.contains("`size` is no column") && unknown.contains("bytes_stored"), "{unknown}");
    assert!(refused(Tool::Csv, "kind,id,id\n", &options()).contains("`id` is there twice"));
    let short = refused(Tool::Csv, "kind,id,why\nrun,a\n", &options());
    assert!(short.contains("`x:2:1`: a row of 2 cells, where the header has 3"), "{short}");
    let cut = refused(Tool::Csv, "kind,id,without\npoint,a,x", &options());
    assert!(cut.contains("the file ends within a line"), "{cut}");
    let said = lines(&read(Tool::Jsonl, "{\"kind\": \"point\", \"size\": 1}\n[{\"kind\": 1.5}, 3]", &options()));
    assert_eq!(
        said,
        [
            "? x:1:27: `size` is no field that is known here",
            "? x:2:11: `kind` is neither a text, a whole number, true or false, nor a list of texts",
            "? x:2:17: an object is expected there",
        ]
    );
}

#[test]
fn what_a_row_leaves_open_or_contradicts_makes_nothing_of_it() {
    let ends = "\"started_at\": \"2026-01-01T00:00:00Z\", \"ended_at\": \"2026-01-01T00:01:00Z\"";
    let times = "\"consistent_at\": \"2026-01-01T00:00:00Z\", \"available_at\": \"2026-01-01T00:01:00Z\"";
    for (row, why) in [
        (format!(r#"{{"id": "a", {times}}}"#), "it has no `kind`"),
        (format!(r#"{{"kind": "snapshot", "id": "a", {times}}}"#), "its `kind` is `snapshot`, which is not known here"),
        (format!(r#"{{"kind": "point", {times}}}"#), "it has no `id`"),
        (
            r#"{"kind": "point", "id": "a", "consistent_at": "2026-01-01T00:00:00Z"}"#.to_string(),
            "it has no `available_at`",
        ),
        (
            format!(r#"{{"kind": "point", "id": "a", "outcome": "done", {times}}}"#),
            "a point has no `outcome`: that is said of run, drill",
        ),
        (
            format!(r#"{{"kind": "point", "id": "a", "encrypted": "yes", {times}}}"#),
            "its `encrypted` is neither true nor false: `yes`",
        ),
        (
            format!(r#"{{"kind": "point", "id": "a", "consistency": "good", {times}}}"#),
            "its `consistency` is `good`, which is not known here",
        ),
        (
            format!(r#"{{"kind": "point", "id": "a", "bytes_stored": "-1", {times}}}"#),
            "its `bytes_stored` is no whole number: `-1`",
        ),
        (
            format!(r#"{{"kind": "point", "id": "a", "verified_at": "2026-01-01T00:00:30Z", {times}}}"#),
            "it is verified before it is available",
        ),
        (
            format!(
                r#"{{"kind": "point", "id": "a", "verified_at": "2026-01-02T00:00:00Z", "bad_at": "2026-01-03T00:00:00Z", {times}}}"#
            ),
            "it is both verified and bad: say what is known last",
        ),
        (format!(r#"{{"kind": "run", "id": "a", {ends}}}"#), "it has no `outcome`"),
        (format!(r#"{{"kind": "drill", "id": "a", "outcome": "passed", {ends}}}"#), "it has no `point`"),
        (
            format!(r#"{{"kind": "drill", "id": "a", "point": "p", "outcome": "done", {ends}}}"#),
            "its `outcome` is `done`, which is not known here",
        ),
        (
            format!("{{\"kind\": \"run\", \"id\": \"\\u001b[2J\", \"outcome\": \"done\", {ends}}}"),
            "its `id` holds characters that steer what is shown: `\\u{1b}[2J`",
        ),
    ] {
        let said = lines(&read(Tool::Jsonl, &row, &options()));
        assert_eq!(said, [format!("? x:1:1: {why}")], "{row}");
    }
    let unnamed = Options { asset: None, ..options() };
    let said = lines(&read(Tool::Jsonl, &format!(r#"{{"kind": "point", "id": "a", {times}}}"#), &unnamed));
    assert_eq!(said, ["? x:1:1: it names no `asset`, and no --asset is given"]);
}
