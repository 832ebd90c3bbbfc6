//! House rules as tests: who may use whom, how long files and functions are, and what no file contains.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each room and the rooms that it may use. A room that is not here may not exist.
const MAY_USE: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("seal", &["base"]),
    ("schedule", &["base"]),
    ("script", &["base"]),
    ("policy", &["base", "seal", "schedule", "script"]),
    ("evidence", &["base", "seal", "policy"]),
    ("timeline", &["base", "schedule", "policy", "evidence"]),
    ("runbook", &["base", "policy", "timeline"]),
    ("retention", &["base", "policy"]),
    ("audit", &["base", "seal", "schedule", "script", "policy", "evidence", "timeline", "runbook", "retention"]),
    ("sim", &["base", "schedule", "policy", "evidence", "timeline"]),
    ("cost", &["base", "schedule", "policy", "evidence", "timeline", "retention", "audit", "sim"]),
    ("gate", &["base", "policy", "timeline", "audit", "sim", "cost"]),
    ("notice", &["base", "policy", "evidence", "audit", "gate"]),
    ("port", &["base", "seal"]),
    ("repository", &["base", "seal", "policy", "evidence", "notice", "port"]),
    ("engine", &["base", "seal", "policy", "evidence", "timeline", "retention", "notice", "port", "repository"]),
    ("clock", &["base", "port"]),
    ("mongo", &["base", "port", "engine"]),
    ("store", &["base", "seal", "port"]),
    ("notify", &["base", "port"]),
    ("lab", &["base", "port", "engine", "mongo", "store"]),
    ("report", &["base", "schedule", "policy", "evidence", "timeline", "runbook", "audit", "sim", "cost", "gate"]),
    (
        "cli",
        &[
            "base",
            "seal",
            "schedule",
            "script",
            "policy",
            "evidence",
            "timeline",
            "runbook",
            "retention",
            "audit",
            "sim",
            "cost",
            "gate",
            "notice",
            "port",
            "repository",
            "engine",
            "clock",
            "mongo",
            "store",
            "notify",
            "lab",
            "report",
        ],
    ),
    ("main", &["cli"]),
    ("lib", &[]),
];

/// Rooms that are pure: crates that do IO have no business there.
const PURE: &[&str] = &[
    "base",
    "schedule",
    "script",
    "policy",
    "evidence",
    "timeline",
    "runbook",
    "retention",
    "audit",
    "sim",
    "cost",
    "gate",
    "notice",
];
const IMPURE: &[&str] =
    &["tokio", "mongodb::", "aws_sdk_s3", "std::fs", "std::net", "std::process", "std::env", "async "];

const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;
const MEDIAN_FILE_LINES_MAX: usize = 200;

fn files_below(root: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(root)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder is there").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no sources below {root}");
    found
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).expect("a source is UTF-8")
}

fn shown(path: &Path) -> String {
    path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(path).display().to_string()
}

fn room_of(path: &Path) -> String {
    let inside = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).expect("below src");
    let first = inside.components().next().expect("a name").as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_string()
}

/// Lines without comments, so that a doc link is no import.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(i, line)| (i + 1, line)).filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Names that follow `crate::` in a line, those in one level of braces included.
fn rooms_used(line: &str) -> Vec<String> {
    let name = |s: &str| s.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut used = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        if line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &line[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => used.extend(group.split(',').map(|part| name(part.trim())).filter(|n| !n.is_empty())),
            None => used.push(name(rest)),
        }
    }
    used
}

#[test]
fn a_room_uses_only_what_the_plan_of_the_house_allows() {
    let table: BTreeMap<&str, BTreeSet<&str>> =
        MAY_USE.iter().map(|(room, uses)| (*room, uses.iter().copied().collect())).collect();
    let mut broken = Vec::new();
    for path in files_below("src") {
        let room = room_of(&path);
        let Some(allowed) = table.get(room.as_str()) else {
            broken.push(format!("{}: the room `{room}` is not in the plan", shown(&path)));
            continue;
        };
        for (number, line) in code_lines(&text(&path)) {
            for used in rooms_used(line) {
                if used != room && !allowed.contains(used.as_str()) {
                    broken.push(format!("{}:{number}: `{room}` must not use `{used}`", shown(&path)));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_table_of_rooms_has_no_cycle() {
    // Each room may use only rooms that stand before it in the table: then no chain of uses leads back.
    let mut before = BTreeSet::new();
    for (room, uses) in MAY_USE {
        let upwards: Vec<_> = uses.iter().filter(|used| !before.contains(*used)).collect();
        assert!(upwards.is_empty(), "`{room}` uses {upwards:?}, which stand above it");
        before.insert(*room);
    }
}

#[test]
fn the_pure_rooms_do_no_io() {
    let mut broken = Vec::new();
    for path in files_below("src").iter().filter(|p| PURE.contains(&room_of(p).as_str())) {
        for (number, line) in code_lines(&text(path)) {
            for word in IMPURE.iter().filter(|word| line.contains(**word)) {
                broken.push(format!("{}:{number}: `{word}` in a pure room", shown(path)));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn files_say_what_they_are_and_stay_short() {
    let mut broken = Vec::new();
    let mut lengths = Vec::new();
    for path in files_below("src") {
        let text = text(&path);
        let lines = text.lines().count();
        lengths.push(lines);
        if !text.starts_with("//!") {
            broken.push(format!("{}: no `//!` line says what it is for", shown(&path)));
        }
        if lines > FILE_LINES_MAX {
            broken.push(format!("{}: {lines} lines, {FILE_LINES_MAX} are allowed", shown(&path)));
        }
    }
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(median <= MEDIAN_FILE_LINES_MAX, "the median file has {median} lines");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn functions_stay_short() {
    let mut broken = Vec::new();
    for path in files_below("src").into_iter().chain(files_below("tests")) {
        let text = text(&path);
        let mut open: Option<(usize, usize, String)> = None;
        for (number, line) in text.lines().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let head = line.trim_start();
            let starts = ["fn ", "pub fn ", "async fn ", "pub async fn ", "pub(crate) fn ", "pub(super) fn "];
            if open.is_none() && starts.iter().any(|s| head.starts_with(s)) && !line.ends_with(';') {
                open = Some((number, indent, head.chars().take(60).collect()));
            }
            if let Some((start, at, name)) = &open
                && head == "}"
                && indent == *at
            {
                let length = number - start + 1;
                if length > FUNCTION_LINES_MAX {
                    broken.push(format!("{}:{}: {length} lines: {name}", shown(&path), start + 1));
                }
                open = None;
            }
        }
    }
    assert!(broken.is_empty(), "longer than {FUNCTION_LINES_MAX} lines:\n{}", broken.join("\n"));
}

#[test]
fn no_file_holds_what_the_house_bans() {
    // Written in halves so that this file does not find itself.
    let banned = [
        (concat!("to", "do!("), "unfinished"),
        (concat!("unimple", "mented!("), "unfinished"),
        (concat!("TO", "DO"), "unfinished"),
        (concat!("FIX", "ME"), "unfinished"),
        (concat!("db", "g!("), "left over"),
        (concat!("allow(dead", "_code)"), "dead code"),
        (concat!("allow(clip", "py"), "a silenced warning"),
        (concat!(".unw", "rap()"), "a panic waiting for its input"),
        (concat!(".exp", "ect("), "a panic waiting for its input"),
        (concat!("pan", "ic!("), "a panic waiting for its input"),
    ];
    let mut broken = Vec::new();
    for path in files_below("src") {
        for (number, line) in code_lines(&text(&path)) {
            for (word, why) in banned.iter().filter(|(word, _)| line.contains(word)) {
                broken.push(format!("{}:{number}: `{word}`: {why}", shown(&path)));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_finding_code_has_its_explanation() {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/audit/rule");
    let mut broken = Vec::new();
    for path in fs::read_dir(&rules).expect("rules are there").flatten().map(|e| e.path()) {
        let is_rule = path.extension().is_some_and(|e| e == "rs") && !path.ends_with("mod.rs");
        let has_rule = |text: &str| text.contains("pub fn check(");
        if is_rule && has_rule(&text(&path)) && !path.with_extension("md").is_file() {
            broken.push(format!("{}: no explanation beside it", shown(&path)));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
