//! The verb `inventory`, from the outside.

use std::process::{Command, Output};
use std::sync::Arc;

use plimsoll::evidence::Evidence;
use plimsoll::store::directory::DirectoryStore;

use super::repository_catalog::Story;
use super::repository_open::Noon;

fn inventory(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.env_remove("PLIMSOLL_REPO").arg("inventory").args(args).output().expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

async fn repository() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().display().to_string();
    let store = Arc::new(DirectoryStore::new(folder.path()));
    plimsoll::repository::open(store.clone(), &Noon).await.expect("a repository");
    let story = Story::on(store);
    story.snapshot("one", 0).await;
    story.slice(0, 10, "a", None).await;
    story.slice(10, 20, "b", Some("a")).await;
    story.drill("d", "one", 30, true).await;
    story.put("runs/damaged.json", "{").await;
    (folder, path)
}

#[tokio::test]
async fn it_shows_points_coverage_drills_and_what_cannot_be_read() {
    let (_folder, repo) = repository().await;
    let output = inventory(&["--repo", &repo]);
    assert!(output.status.success(), "{output:?}");
    let shown = text(&output.stdout);
    let line = |words: &[&str]| shown.lines().any(|line| words.iter().all(|word| line.contains(word)));
    assert!(line(&["shop", "one", "2026-11-23T02:00:00Z", "snapshot", "verified"]), "{shown}");
    assert!(line(&["shop", "2026-11-23T02:00:00Z", "2026-11-23T02:20:00Z", "20 min"]), "{shown}");
    assert!(line(&["shop", "d", "one", "passed"]), "{shown}");
    assert!(line(&["runs/damaged.json", "cannot read"]), "{shown}");
    assert!(text(&output.stderr).contains("cannot be read"), "{output:?}");
}

#[tokio::test]
async fn its_json_is_the_evidence_that_the_other_verbs_read() {
    let (folder, repo) = repository().await;
    let output = inventory(&["--repo", &repo, "--format", "json", "--quiet"]);
    assert_eq!(text(&output.stderr), "");
    let evidence: Evidence = serde_json::from_slice(&output.stdout).expect("evidence");
    assert_eq!((evidence.points.len(), evidence.drills.len(), evidence.unreadable.len()), (1, 1, 1));
    let file = folder.path().join("evidence.json");
    std::fs::write(&file, &output.stdout).expect("written");
    let file = file.display().to_string();
    let again = inventory(&["--evidence", &file, "--format", "json"]);
    assert_eq!(text(&again.stdout), text(&output.stdout));
    let before = inventory(&["--evidence", &file, "--as-of", "2026-11-23T02:00:01Z"]);
    assert!(text(&before.stdout).contains("Recovery points: none"), "{}", text(&before.stdout));
}

#[tokio::test]
async fn a_place_without_repository_is_told_and_left_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mistyped = folder.path().join("mistyped");
    let output = inventory(&["--repo", &mistyped.display().to_string()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("there is no repository in"), "{output:?}");
    assert!(!mistyped.exists());
    for wrong in [&["--repo", "ftp://x/y"][..], &["--repo", "s3:///x"], &[], &["--as-of", "yesterday"]] {
        assert_eq!(inventory(wrong).status.code(), Some(2), "{wrong:?}");
    }
}
