//! Files that mean harm: a clear error in little time and little memory, of the program as it is run.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A second in a release build; the code of this one is some ten times slower.
const LIMIT: Duration = Duration::from_secs(if cfg!(debug_assertions) { 12 } else { 1 });
const MIB_MAX: u64 = 100;

struct Answer {
    status: Option<i32>,
    stderr: String,
    took: Duration,
    peak_mib: u64,
}

/// Runs the program and looks at its memory every few milliseconds.
fn run(folder: &Path, args: &[&str]) -> Answer {
    let began = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.args(args).current_dir(folder).env_remove("PLIMSOLL_REPO").env_remove("PLIMSOLL_POLICY");
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut pipe = child.stderr.take().expect("a pipe");
    let said = std::thread::spawn(move || std::io::read_to_string(&mut pipe).expect("messages are UTF-8"));
    let status = format!("/proc/{}/status", child.id());
    let mut peak_mib = 0;
    let ended = loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let peak =
            text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse::<u64>().ok());
        peak_mib = peak_mib.max(peak.unwrap_or_default() / 1024);
        if let Some(ended) = child.try_wait().expect("a child") {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(3));
    };
    Answer { status: ended.code(), stderr: said.join().expect("said"), took: began.elapsed(), peak_mib }
}

#[track_caller]
fn refused(answer: &Answer, says: &str) {
    assert_eq!(answer.status, Some(2), "{}", answer.stderr);
    assert!(answer.stderr.contains(says), "`{says}` is missing in:\n{}", answer.stderr);
    assert!(answer.stderr.len() < 40_000, "{} bytes were said", answer.stderr.len());
    within(answer);
}

#[track_caller]
fn within(answer: &Answer) {
    assert!(answer.took < LIMIT, "it took {:?}", answer.took);
    assert!(answer.peak_mib < MIB_MAX, "it took {} MiB", answer.peak_mib);
}

fn check(policy: &str) -> Answer {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("plan.toml"), policy).expect("written");
    run(folder.path(), &["check", "plan.toml"])
}

fn audit(write: impl FnOnce(&mut dyn Write)) -> Answer {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("plan.toml"), PLAN).expect("written");
    let mut file = std::io::BufWriter::new(std::fs::File::create(folder.path().join("e.json")).expect("a file"));
    write(&mut file);
    file.flush().expect("written");
    run(folder.path(), &["audit", "plan.toml", "--evidence", "e.json"])
}

const PLAN: &str = "plimsoll = 1\nname = \"x\"\n[domain.live]\nkind = \"host\"\n[asset.db]\nkind = \"mongodb\"\nlives_in = [\"live\"]\n";

#[test]
fn a_million_rules_are_refused_by_their_size() {
    let rules: String = (0..1_000_000).map(|n| format!("[domain.d{n}]\nkind = \"host\"\n")).collect();
    refused(&check(&(PLAN.to_string() + &rules)), "786432 are allowed");
}

#[test]
fn numbers_and_spans_that_are_none_are_shown_at_their_lines() {
    for (line, says) in [
        ("[objective]\nrpo = \"P99999999Y\"\n", "P99999999Y"),
        ("[objective]\nrpo = \"-1h\"\n", "negative"),
        ("[objective]\nrpo = \"99999999999999999999y\"\n", "century"),
        ("[losses]\ndowntime_per_hour = nan\ndata_per_hour = 1\n", "plan.toml:9:21"),
        ("[losses]\ndowntime_per_hour = 1e400\ndata_per_hour = 1\n", "plan.toml:9:21"),
        ("[asset.b]\nkind = \"s3\"\ngrowth_per_year = -inf\n", "plan.toml:10:19"),
    ] {
        refused(&check(&(PLAN.to_string() + line)), says);
    }
    let digits = format!("[objective]\ncopies = 1{}\n", "0".repeat(400));
    refused(&check(&(PLAN.to_string() + &digits)), "plan.toml:9:");
}

#[test]
fn nesting_of_ten_thousand_is_refused() {
    refused(&check(&format!("{PLAN}x = {}1{}", "[".repeat(10_000), "]".repeat(10_000))), "plan.toml");
    let deep = audit(|file| {
        write!(file, "{{\"read_at\": {}1{}}}", "[".repeat(10_000), "]".repeat(10_000)).expect("written");
    });
    refused(&deep, "cannot read evidence from `e.json`");
    let strange = audit(|file| {
        let nested = "{\"a\":".repeat(10_000) + "1" + &"}".repeat(10_000);
        write!(file, "{{\"read_at\": \"2026-11-25T00:00:00Z\", \"points\": [{nested}]}}").expect("written");
    });
    refused(&strange, "cannot read evidence from `e.json`");
}

#[test]
fn a_text_of_a_hundred_megabytes_is_refused_before_it_is_held() {
    let long = audit(|file| {
        write!(file, "{{\"read_at\": \"").expect("written");
        for _ in 0..100 {
            file.write_all(&[b'x'; 1 << 20]).expect("written");
        }
        write!(file, "\"}}").expect("written");
    });
    refused(&long, "a text in line 1 is longer than 1024 KiB");
}

#[test]
fn instants_of_leap_seconds_and_without_a_zone_are_handled_or_asked_for() {
    let audit = |read_at: &str| audit(|file| write!(file, "{{\"read_at\": \"{read_at}\"}}").expect("written"));
    let leap = audit("2016-12-31T23:59:60Z");
    assert_eq!(
        leap.status,
        Some(3),
        "it is read, as the instant that follows, and nothing protects the asset: {}",
        leap.stderr
    );
    refused(&audit("2016-12-31T23:59:61Z"), "zone included");
    refused(&audit("2016-12-31T23:59:59"), "zone included");
    refused(&audit("2016-02-30T00:00:00Z"), "zone included");
}
