//! `plimsoll report weekly`, as a shell runs it.

use std::path::Path;
use std::process::{Command, Output};

/// The plan of today with a space of plans that is quickly searched; one story takes the whole space.
fn small(folder: &Path) -> std::path::PathBuf {
    let ranges =
        ["retention", "storage_class", "lock", "copy_to", "log_lag"].map(|name| format!("{name} = [\"declared\"]\n"));
    let text = include_str!("../../policies/pixelcraft.toml").to_string() + "\n[tradeoff]\n" + &ranges.concat();
    let path = folder.join("plan.toml");
    std::fs::write(&path, text).expect("writes");
    path
}

fn weekly(out: &Path, more: &[&str]) -> Output {
    let desk = tempfile::tempdir().expect("a folder");
    weekly_of(&small(desk.path()), out, more)
}

fn weekly_of(policy: &Path, out: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("PLIMSOLL_REPO")
        .args(["report", "weekly"])
        .arg(policy)
        .args(["--as-of", "2026-11-22T06:00:00Z", "--years", "500"])
        .arg("--out")
        .arg(out)
        .args(more)
        .output()
        .expect("the binary starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[test]
fn the_week_of_the_sample_is_written_whole_and_summed_up_on_stdout() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("new/report");
    let run = weekly_of(Path::new("policies/pixelcraft.toml"), &out, &["--evidence", "reports/sample/evidence.json"]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let stdout = text(&run.stdout);
    assert!(stdout.starts_with("PixelCraft breaks "), "{stdout}");
    assert!(stdout.contains("loss-window-declared") && stdout.contains("uploads-loss"), "{stdout}");
    assert!(stdout.contains("Restores of database outgrow the 2 h RTO in about 14 months (Aug 2027 to "), "{stdout}");
    let listed: Vec<&str> = stdout.lines().filter(|line| line.starts_with(out.to_str().expect("text"))).collect();
    assert_eq!(listed.len(), 35, "{stdout}");
    assert!(listed.iter().all(|path| Path::new(path).is_file()));
    let page = std::fs::read_to_string(out.join("weekly.html")).expect("a page");
    assert!(page.contains("<code>uploads</code>"), "names between backticks are set as code");
    let view: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(out.join("report.json")).expect("json")).expect("json");
    assert_eq!(view["schema"], "plimsoll.report.weekly/2");
    assert_eq!(view["verdict"], "breached");
    assert_eq!(view["evidence"]["drills"], 3);
}

#[test]
fn the_list_of_files_is_json_when_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = weekly(folder.path(), &["--evidence", "reports/sample/evidence.json", "--format", "json", "--quiet"]);
    let paths: Vec<String> = serde_json::from_slice(&run.stdout).expect("a list");
    assert_eq!(paths.len(), 35);
    assert!(run.stderr.is_empty(), "{}", text(&run.stderr));
}

#[test]
fn without_evidence_the_report_is_of_the_plan_alone_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = weekly(folder.path(), &[]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    assert!(text(&run.stderr).contains("no evidence was named"));
    let page = std::fs::read_to_string(folder.path().join("weekly.html")).expect("a page");
    assert!(page.contains("No evidence was given") && page.contains("No restore drill is on record"));
}

#[test]
fn a_folder_that_cannot_be_made_is_named_with_what_to_do() {
    let run = weekly(Path::new("/proc/no-such/report"), &["--evidence", "reports/sample/evidence.json"]);
    assert_eq!(run.status.code(), Some(1));
    let stderr = text(&run.stderr);
    assert!(stderr.contains("cannot create the folder `/proc/no-such/report/charts`"), "{stderr}");
    assert!(stderr.contains("help:"), "{stderr}");
}

fn verify(policy: &Path, file: &Path, evidence: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("PLIMSOLL_REPO")
        .args([Path::new("report"), Path::new("weekly"), policy, Path::new("--evidence"), evidence])
        .args([Path::new("--verify"), file])
        .args(more)
        .output()
        .expect("the binary starts")
}

#[test]
fn a_report_is_verified_from_its_evidence_and_refused_after_one_changed_byte_of_either() {
    let folder = tempfile::tempdir().expect("a folder");
    let policy = small(folder.path());
    weekly_of(&policy, folder.path(), &["--evidence", "reports/sample/evidence.json"]);
    let verify = |file: &Path, evidence: &Path| verify(&policy, file, evidence, &[]);
    let evidence = folder.path().join("evidence.json");
    for (name, changed) in [("charts/sawtooth.csv", false), ("weekly.html", true)] {
        let path = &folder.path().join(name);
        let same = verify(path, &evidence);
        assert_eq!(same.status.code(), Some(0), "{}: {}", path.display(), text(&same.stderr));
        if !changed {
            continue;
        }
        // A digit of it.
        let whole = std::fs::read(path).expect("reads");
        let at = whole.iter().rposition(|byte| byte.is_ascii_digit()).expect("a digit");
        let mut changed = whole.clone();
        changed[at] = if changed[at] == b'9' { b'8' } else { changed[at] + 1 };
        std::fs::write(path, &changed).expect("writes");
        let other = verify(path, &evidence);
        assert_eq!(other.status.code(), Some(1), "{}", path.display());
        assert!(text(&other.stderr).contains("is not what its policy and evidence make"), "{}", text(&other.stderr));
        std::fs::write(path, whole).expect("writes");
    }

    let recorded = std::fs::read_to_string(&evidence).expect("reads");
    let tampered = folder.path().join("tampered.json");
    std::fs::write(&tampered, recorded.replacen("\"bytes_stored\": 3", "\"bytes_stored\": 4", 1)).expect("writes");
    assert_ne!(recorded, std::fs::read_to_string(&tampered).expect("reads"), "one byte is another");
    let refused = verify(&folder.path().join("weekly.html"), &tampered);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("it names other evidence"), "{}", text(&refused.stderr));
}

#[test]
fn what_is_no_report_is_not_verified() {
    let folder = tempfile::tempdir().expect("a folder");
    let page = folder.path().join("weekly.html");
    std::fs::write(&page, "<p>a page of another kind").expect("writes");
    let policy = Path::new("policies/pixelcraft.toml");
    let refused = verify(policy, &page, Path::new("reports/sample/evidence.json"), &[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("does not say what the report was made with"), "{}", text(&refused.stderr));
}

#[test]
fn a_report_that_tells_what_changed_since_a_file_is_verified_with_that_file_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let policy = small(folder.path());
    let evidence = "reports/sample/evidence.json";
    let before = folder.path().join("before");
    let made = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([
            "report",
            "weekly",
            "--quiet",
            "--evidence",
            evidence,
            "--years",
            "50",
            "--as-of",
            "2026-11-20T06:00:00Z",
        ])
        .args([Path::new("--out"), &before, &policy])
        .output()
        .expect("the binary starts");
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    let since = before.join("report.json").display().to_string();
    let now = folder.path().join("now");
    let run = weekly_of(&policy, &now, &["--evidence", evidence, "--since", &since]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let page = now.join("weekly.md");
    let told = std::fs::read_to_string(&page).expect("a page");
    assert!(told.contains("Compared with the report of 20 Nov 2026 06:00"), "{told}");
    let with = verify(&policy, &page, Path::new(evidence), &["--since", &since]);
    assert_eq!(with.status.code(), Some(0), "{}", text(&with.stderr));
    let without = verify(&policy, &page, Path::new(evidence), &[]);
    assert_eq!(without.status.code(), Some(1));
    assert!(text(&without.stderr).contains("--since needs the same file again"), "{}", text(&without.stderr));
    let later =
        weekly_of(&policy, &now, &["--evidence", evidence, "--since", &now.join("report.json").display().to_string()]);
    assert_eq!(later.status.code(), Some(2), "{}", text(&later.stderr));
    assert!(text(&later.stderr).contains("which is not before 2026-11-22T06:00:00Z"), "{}", text(&later.stderr));
}
