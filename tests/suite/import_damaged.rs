//! Damaged inventories: whatever happens to one, no importer panics, and nothing that was lost is made up.

use plimsoll::evidence::import::{Options, Pattern, Tool};
use plimsoll::evidence::{Evidence, Health, RecoveryPoint};
use proptest::prelude::*;
use serde_json::Value;

use super::imported::{lines, options, sample, try_read};

fn told() -> Options {
    Options {
        timezone: Some("UTC".parse().expect("a zone")),
        pattern: Some("%Y-%m-%d_%H-%M.tar.gz".parse::<Pattern>().expect("a pattern")),
        select: vec![],
        ..options()
    }
}

/// A sample of each tool that makes at least one good point, and the fields without which it makes none.
fn samples() -> Vec<(Tool, String, &'static [&'static str])> {
    let pbm = sample("pbm-2.9.1-describe-backup.json").replace("\"external\"", "\"logical\"");
    // One of its volumes is missing in the sample.
    let velero = sample("velero-backup.json").replace("Completed\": 1", "Completed\": 2");
    let velero: Value = serde_json::from_str(&velero).expect("JSON");
    let velero = &velero["items"][0];
    let stanza = sample("pgbackrest-info.json");
    let stanza: Vec<Value> = serde_json::from_str(&stanza).expect("JSON");
    let mut stanza = stanza.into_iter().find(|stanza| stanza["name"] == "stanza3").expect("it is there");
    stanza["repo"].as_array_mut().expect("a list").remove(0);
    vec![
        (Tool::Pbm, pbm, &["status", "type", "pbm_version", "last_write_ts", "last_transition_ts"]),
        (Tool::Atlas, sample("atlas-snapshots.json"), &["id", "status", "createdAt", "type", "snapshotType"]),
        (Tool::Restic, sample("restic-0.17plus-snapshots.json"), &["id", "time", "backup_end"]),
        (Tool::Rustic, sample("rustic-snapshots.json"), &["id", "time", "backup_end"]),
        (Tool::Kopia, sample("kopia-snapshot-list.json"), &["startTime", "endTime"]),
        (Tool::Borg, sample("borg-1.2.4-info-archive.json"), &["start", "end", "name", "mode"]),
        (
            Tool::Pgbackrest,
            serde_json::to_string(&vec![stanza]).expect("JSON"),
            &["label", "format", "start", "stop", "min", "max"],
        ),
        (Tool::Velero, velero.to_string(), &["phase", "startTimestamp", "completionTimestamp", "apiVersion"]),
        (
            Tool::AwsBackup,
            sample("aws-backup-recovery-points.json"),
            &["RecoveryPointArn", "Status", "CreationDate", "CompletionDate"],
        ),
    ]
}

/// The places of all fields of these names.
fn places(value: &Value, names: &[&str], path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                let path = format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
                if names.contains(&name.as_str()) && !inner.is_object() && !inner.is_array() {
                    found.push(path.clone());
                }
                places(inner, names, &path, found);
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, inner)| places(inner, names, &format!("{path}/{index}"), found));
        }
        _ => {}
    }
}

fn remove(root: &mut Value, path: &str) {
    let (parent, name) = path.rsplit_once('/').expect("below the root");
    root.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object").remove(name);
}

fn whole_points(evidence: &Evidence) -> usize {
    evidence.points.iter().filter(|point| point.without.is_empty() && point.health == Health::Unverified).count()
}

fn junk() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        "[a-z]{1,9}x".prop_map(Value::String),
        "[0-9]{1,3}-[0-9:]{1,9}".prop_map(Value::String),
        (0i64..1_000_000).prop_map(Value::from),
        Just(Value::from(1e300)),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Array(vec![])),
        Just(serde_json::json!({})),
    ]
}

#[test]
fn each_sample_makes_a_good_point_to_begin_with() {
    for (tool, text, _) in samples() {
        let evidence = try_read(tool, &text, &told()).expect("it is read").evidence;
        assert!(whole_points(&evidence) > 0, "{tool:?}: {:?}", lines(&evidence));
        assert!(evidence.points.iter().all(|point| !matches!(point.health, Health::Verified { .. })));
    }
}

proptest! {
    /// A status, a time or a name that is lost or makes no sense: one good point less, or a reason that keeps the audit
    /// from being Met.
    #[test]
    fn a_lost_or_senseless_field_never_leaves_as_much_as_before(which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), other in proptest::option::of(junk())) {
        let all = samples();
        let (tool, text, names) = &all[which.index(all.len())];
        let before = try_read(*tool, text, &told()).expect("it is read").evidence;
        let mut document: Value = serde_json::from_str(text).expect("JSON");
        let mut found = vec![];
        places(&document, names, "", &mut found);
        let path = &found[at.index(found.len())];
        // Any word may be a name.
        let named = ["/id", "/label", "/name", "/RecoveryPointArn"].iter().any(|name| path.ends_with(name));
        let other = other.filter(|_| !named);
        match &other {
            Some(other) => *document.pointer_mut(path).expect("there") = other.clone(),
            None => remove(&mut document, path),
        }
        if let Ok(after) = try_read(*tool, &document.to_string(), &told()) {
            let after = after.evidence;
            let fewer = whole_points(&after) < whole_points(&before);
            prop_assert!(
                fewer || after.unreadable.len() > before.unreadable.len(),
                "{tool:?} {path} {other:?}: {:?}",
                lines(&after)
            );
            prop_assert!(whole_points(&after) <= whole_points(&before));
        }
    }

    #[test]
    fn a_file_cut_short_shows_nothing_that_was_not_in_the_whole(which in any::<prop::sample::Index>(), cut in 0.0..1.0f64) {
        let listing = "2026-02-18 03:41:10  5 2026-02-18_03-00.tar.gz\n2026-02-19 03:41:10  5 2026-02-19_03-00.tar.gz\n";
        let csv = "kind,id,consistent_at,available_at,without\npoint,a,2026-01-01T00:00:00Z,2026-01-01T00:01:00Z,x;y\n\
                   point,b,2026-01-02T00:00:00Z,2026-01-02T00:01:00Z,z\n";
        let mut all: Vec<(Tool, String)> = samples().into_iter().map(|(tool, text, _)| (tool, text)).collect();
        all.extend([(Tool::S3Pattern, listing.to_string()), (Tool::Csv, csv.to_string())]);
        let (tool, text) = &all[which.index(all.len())];
        let whole = lines(&try_read(*tool, text, &told()).expect("it is read").evidence);
        let mut end = ((text.trim_end().len() as f64) * cut) as usize;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        if let Ok(part) = try_read(*tool, &text[..end], &told()) {
            for line in lines(&part.evidence).iter().filter(|line| !line.starts_with('?')) {
                prop_assert!(whole.contains(line), "{tool:?} at {end}: {line}");
            }
        }
    }

    #[test]
    fn no_change_of_a_few_bytes_makes_an_importer_panic_or_a_point_verified(which in any::<prop::sample::Index>(), changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let all = samples();
        let (tool, text, _) = &all[which.index(all.len())];
        let mut bytes = text.clone().into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(imported) = try_read(*tool, &String::from_utf8_lossy(&bytes), &told()) {
            let verified = |point: &RecoveryPoint| matches!(point.health, Health::Verified { .. });
            prop_assert!(!imported.evidence.points.iter().any(verified));
        }
    }

    #[test]
    fn no_text_makes_an_importer_panic(which in any::<prop::sample::Index>(), text in "[\\[\\]{}\",:a-zA-Z0-9 \n\\-+.e%_*;]{0,200}") {
        let tool = Tool::ALL[which.index(Tool::ALL.len())];
        let _ = try_read(tool, &text, &told());
    }

    #[test]
    fn no_pattern_and_no_name_make_the_matcher_panic_or_hang(pattern in "[%YmdHMSjsF*a1./-]{0,40}", name in "[0-9a%./-]{0,60}") {
        if let Ok(pattern) = pattern.parse::<Pattern>() {
            let text = format!("2026-02-18 03:41:10  5 {name}\n");
            let _ = try_read(Tool::S3Pattern, &text, &Options { pattern: Some(pattern), ..told() });
        }
    }
}
