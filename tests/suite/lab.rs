//! The lab itself: servers start, answer, and leave nothing behind, however their parent ends.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bson::doc;
use plimsoll::base::FaultKind;
use plimsoll::lab::server::{ServerKind, locate};

use crate::servers;

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(20), "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn alive(pid: u32) -> bool {
    // A zombie has ended; only its parent has not asked yet.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test]
async fn a_mongod_of_the_lab_has_transactions_and_is_gone_with_its_folder_after_stop() {
    let server = servers::private_mongo().await;
    let client = mongodb::Client::with_uri_str(&server.uri).await.unwrap();
    let mut session = client.start_session().await.unwrap();
    session.start_transaction().await.unwrap();
    let things = client.database("a").collection::<bson::Document>("things");
    things.insert_one(doc! { "_id": 1 }).session(&mut session).await.unwrap();
    session.commit_transaction().await.unwrap();
    assert_eq!(things.count_documents(doc! {}).await.unwrap(), 1);
    let (pid, folder) = (server.child.pid, server.folder.clone());
    assert!(alive(pid) && folder.is_dir());
    server.stop().await.unwrap();
    assert!(!alive(pid), "mongod outlived its stop");
    assert!(!folder.exists(), "{} was left", folder.display());
}

#[tokio::test]
async fn an_s3_server_of_the_lab_takes_buckets_and_leaves_neither_process_nor_socket() {
    let server = servers::private_s3().await;
    server.create_bucket("uploads").await.unwrap();
    let again = server.create_bucket("uploads").await;
    assert!(again.is_err(), "a bucket was made twice");
    let (pid, folder) = (server.child.pid, server.folder.clone());
    let port = server.endpoint.rsplit(':').next().unwrap().to_string();
    drop(server);
    assert!(!alive(pid) && !folder.exists());
    let sockets = std::fs::read_dir("/tmp").unwrap().flatten();
    let left: Vec<_> =
        sockets.filter(|f| f.file_name().to_string_lossy().ends_with(&format!("-{port}.sock"))).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_guard_kills_its_child_and_removes_its_folder_when_its_parent_is_killed() {
    let folder = tempfile::tempdir().unwrap().keep();
    std::fs::write(folder.join("data"), "x").unwrap();
    let shell = folder.join("guard.out");
    // A parent of its own, so that it can be killed without any chance to clean up; `sleep` keeps the pipe open.
    let script = format!(
        "sleep 600 | '{}' lab-guard --remove '{}' -- sleep 601 > '{}'",
        env!("CARGO_BIN_EXE_plimsoll"),
        folder.display(),
        shell.display()
    );
    let mut parent = Command::new("sh").arg("-c").arg(script).stdin(Stdio::null()).spawn().unwrap();
    let started =
        || std::fs::read_to_string(&shell).ok()?.lines().next()?.strip_prefix("started ")?.parse::<u32>().ok();
    until("the guard tells its child's process id", || started().is_some());
    let child = started().unwrap();
    assert!(alive(child));
    kill_children_named(parent.id(), "sleep");
    until("the child is gone", || !alive(child));
    until("the folder is gone", || !folder.exists());
    parent.wait().unwrap();
}

/// Kills `parent`'s own children of that name with SIGKILL.
fn kill_children_named(parent: u32, name: &str) {
    let listed = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap();
    for pid in listed.split_whitespace() {
        if std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim() == name) {
            assert!(Command::new("kill").args(["-KILL", pid]).status().unwrap().success());
        }
    }
}

#[test]
fn a_program_that_does_not_run_is_named_with_what_to_do() {
    let nothing =
        locate(ServerKind::Mongod, Some(Path::new("/nowhere/mongod")), &servers::guard(), &|_| ()).unwrap_err();
    assert_eq!(nothing.kind, FaultKind::Missing);
    let broken = locate(ServerKind::Weed, Some(Path::new("/bin/false")), &servers::guard(), &|_| ()).unwrap_err();
    assert_eq!(broken.kind, FaultKind::Unsupported);
    assert!(broken.to_string().contains("does not run here"), "{broken}");
    assert!(broken.help.unwrap().contains("PLIMSOLL_WEED"));
}
