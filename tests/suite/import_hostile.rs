//! Inventories that were made to harm: a clear error within bounds of time and memory, and nothing that steers a terminal.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use plimsoll::evidence::import::BYTES_MAX;

/// Of the program as tests build it, without optimisation, beside other tests; as released it needs a tenth.
const TIME_MAX: Duration = Duration::from_secs(20);
const MEMORY_MAX: u64 = 100 << 20;

struct Answer {
    status: Option<i32>,
    said: String,
}

/// Feeds the bytes to `inventory --from TOOL -`.
fn import(tool: &str, bytes: &[u8]) -> Answer {
    let began = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.args(["inventory", "--from", tool, "-", "--asset", "db", "--protection", "p", "--timezone", "UTC"]);
    command.args(["--pattern", "*%Y-%m-%d*"]).env_remove("PLIMSOLL_REPO");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("piped");
    let status = format!("/proc/{}/status", child.id());
    let peak = std::thread::scope(|scope| {
        // A program that has seen enough closes the pipe.
        scope.spawn(move || stdin.write_all(bytes).unwrap_or_default());
        let watch = scope.spawn(|| {
            let mut peak = 0;
            while let Some(now) = std::fs::read_to_string(&status).ok().and_then(|text| high_water(&text)) {
                peak = now.max(peak);
                std::thread::sleep(Duration::from_millis(2));
            }
            peak
        });
        let output = child.wait_with_output().expect("it ends");
        (output, watch.join().expect("watched"))
    });
    let (output, peak) = peak;
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let took = began.elapsed();
    assert!(took < TIME_MAX, "{tool}: {took:?}: {said:.300}");
    assert!(peak < MEMORY_MAX, "{tool}: {} MiB: {said:.300}", peak >> 20);
    assert!(said.chars().all(|c| c == '\n' || !c.is_control()), "{said:?}");
    Answer { status: output.status.code(), said }
}

/// Peak of resident memory, in bytes; none once the process is gone.
fn high_water(status: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib << 10)
}

#[track_caller]
fn refused(tool: &str, bytes: &[u8], says: &str) {
    let answer = import(tool, bytes);
    assert_eq!(answer.status, Some(2), "{tool}: {:.300}", answer.said);
    assert!(answer.said.contains(says), "{tool}: `{says}` is not in: {:.500}", answer.said);
}

const JSON: [&str; 10] =
    ["pbm", "atlas", "restic", "rustic", "kopia", "borg", "pgbackrest", "velero", "aws-backup", "jsonl"];

#[test]
fn nesting_as_deep_as_a_file_can_make_it_is_refused_by_every_importer() {
    let deep = "[".repeat(1 << 20);
    let objects = "{\"a\":".repeat(1 << 18);
    for tool in JSON.into_iter().chain(["s3-pattern"]) {
        refused(tool, deep.as_bytes(), "nested more than 100 deep");
        refused(tool, objects.as_bytes(), "nested more than 100 deep");
    }
    refused("restic", "[".repeat(BYTES_MAX).as_bytes(), "nested more than 100 deep");
}

#[test]
fn numbers_that_no_machine_holds_and_words_that_are_no_json_are_told_with_their_place() {
    let huge = format!("[{{\"id\": \"a\", \"time\": 1{}}}]", "0".repeat(400));
    for text in [huge.as_str(), "[{\"id\": \"a\", \"time\": 1e400}]"] {
        let answer = import("restic", text.as_bytes());
        assert!(answer.said.contains("stdin:1:") && answer.said.contains("number out of range"), "{}", answer.said);
        assert!(answer.said.contains("Recovery points: none"), "{}", answer.said);
    }
    refused("restic", b"[{\"id\": \"a\", \"time\": NaN}]", "`stdin:1:22`: expected value");
    refused("kopia", b"[{\"id\": \"a\"},", "`stdin:1:");
    refused("borg", b"{\"archives\": [], \"archives\": []}", "`archives` is there twice");
}

#[test]
fn control_characters_nuls_and_other_encodings_are_refused_with_their_place() {
    refused("csv", b"kind,id\npoint,\x1b[2J\n", "`stdin:2:7`: a control character");
    refused("restic", b"[\"a\0b\"]", "`stdin:1:4`: a control character");
    refused("restic", b"\xff\xfe[\0]\0", "is UTF-16");
    refused("restic", b"[\"\xc3\x28\"]", "is not text in UTF-8: byte 2 is not");
    refused("restic", b"", "is empty");
    refused("restic", b"\xef\xbb\xbf \n", "is empty");
    let named =
        import("restic", "[{\"id\": \"\\u001b]0;x\\u0007\\u202e\", \"time\": \"2026-01-01T00:00:00Z\"}]".as_bytes());
    assert!(named.said.contains("holds characters that steer what is shown"), "{}", named.said);
}

#[test]
fn files_past_the_limit_are_refused_before_they_are_understood() {
    for tool in ["restic", "csv", "s3-pattern"] {
        refused(tool, &vec![b' '; BYTES_MAX + 1], "has more than 32 MiB");
    }
}

#[test]
fn files_as_large_as_may_be_and_full_of_nonsense_are_given_up_early() {
    let list = format!("[{}0]", "0,".repeat(BYTES_MAX / 2 - 2));
    refused("restic", list.as_bytes(), "more than 1000 records cannot be read");
    let empty = format!("[{}{{}}]", "{},".repeat(BYTES_MAX / 3 - 2));
    refused("kopia", empty.as_bytes(), "more than 1000 records cannot be read");
    refused("pbm", "{} ".repeat(BYTES_MAX / 3).as_bytes(), "documents follow each other");
    refused("csv", format!("kind,id\n{}", "x,y\n".repeat(BYTES_MAX / 4 - 2)).as_bytes(), "more than 1000 records");
    refused("s3-pattern", "no listing\n".repeat(BYTES_MAX / 11).as_bytes(), "more than 1000 records");
    let open = format!("kind,id\npoint,\"{}", "x".repeat(BYTES_MAX - 20));
    refused("csv", open.as_bytes(), "the file ends within a line");
    refused("csv", format!("{open}\n").as_bytes(), "`stdin:2:1`: a row of more than 64 KiB");
    let long = format!("[{{\"id\": \"{}\", \"time\": \"2026-01-01T00:00:00Z\"}}]", "x".repeat(BYTES_MAX - 60));
    assert!(import("restic", long.as_bytes()).said.contains("longer than 1024 bytes"));
}

#[test]
fn more_points_than_one_asset_has_are_asked_for_in_parts() {
    let point = |n: usize| format!("{{\"id\":\"{n}\",\"time\":\"2026-01-01T00:00:00Z\"}}");
    let many: Vec<String> = (0..100_001).map(point).collect();
    refused("restic", format!("[{}]", many.join(",")).as_bytes(), "more than 100000 pieces");
}
