//! `plimsoll run`: the real program on real servers, stopped and started again as a system does it.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant as Moment};

use bson::doc;
use plimsoll::base::{Instant, Span};
use plimsoll::mongo::client;
use serde_json::Value;

use super::desk::Desk;
use super::servers::{self, private_mongo};
use super::webhook::Webhook;

const POLICY: &str = r#"plimsoll = 1
name = "shop"
[domain.here]
kind = "host"
[asset.db]
kind = "mongodb"
lives_in = ["here"]
[protection.nightly]
kind = "snapshot"
assets = ["db"]
schedule = "0 3 * * *"
takes = "10min"
retention = "30d"
stored_in = ["here"]
[protection.tail]
kind = "log"
assets = ["db"]
lag = "10s"
window = "7d"
stored_in = ["here"]
[protection.elsewhere]
kind = "snapshot"
assets = ["db"]
schedule = "0 3 * * *"
takes = "10min"
stored_in = ["here"]
scheduler = "kubernetes"
[operations]
verify = "0 4 * * *"
prune = "0 5 * * *"
drill = "0 6 * * *"
notify = "0 7 * * *"
[notify.desk]
kind = "json"
url_env = "DESK_URL"
allow_private = true
[notify.watch]
kind = "ping"
url_env = "WATCH_URL"
after = ["run"]
allow_private = true
"#;

struct Story {
    desk: Desk,
    webhook: Webhook,
    uri: String,
}

/// A service that runs; killed with the story.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Story {
    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.env("PLIMSOLL_REPO", self.desk.path("repo")).env("PLIMSOLL_URI", &self.uri);
        command.env("PLIMSOLL_MONGOD", servers::mongod()).env_remove("PLIMSOLL_POLICY");
        command.env("DESK_URL", self.webhook.url("/desk")).env("WATCH_URL", self.webhook.url("/watch"));
        command.current_dir(self.desk.path(""));
        command
    }

    fn start(&self) -> Running {
        let log = |name: &str| std::fs::File::options().create(true).append(true).open(self.desk.path(name)).unwrap();
        let mut command = self.command();
        command.args(["run", "plan.toml", "--health", "health.json", "--stop-within", "40s"]);
        Running(command.stdout(Stdio::null()).stderr(log("log")).spawn().unwrap())
    }

    fn health(&self) -> Value {
        let text = std::fs::read_to_string(self.desk.path("health.json")).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    fn job(&self, name: &str) -> Value {
        let health = self.health();
        health["jobs"].as_array().into_iter().flatten().find(|job| job["name"] == name).cloned().unwrap_or_default()
    }

    /// Waits until the health says so.
    fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) {
        let since = Moment::now();
        while !holds(&self.health()) {
            let said = || format!("{}\n{:#}", self.desk.read("log"), self.health());
            assert!(since.elapsed() < Duration::from_secs(150), "never {what}: {}", said());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn count(&self, folder: &str) -> usize {
        std::fs::read_dir(self.desk.path("repo").join(folder)).map_or(0, |files| files.flatten().count())
    }

    fn snapshots(&self) -> usize {
        self.count("snapshots/db")
    }

    /// As if all of it had been done so much earlier.
    fn age(&self, folders: &[&str], by: Span) {
        for folder in folders {
            for file in std::fs::read_dir(self.desk.path("repo").join(folder)).unwrap().flatten() {
                let mut record: Value = serde_json::from_slice(&std::fs::read(file.path()).unwrap()).unwrap();
                for field in ["started_at", "ended_at"] {
                    let at: Instant = record[field].as_str().unwrap().parse().unwrap();
                    record[field] = (at - by).to_string().into();
                }
                std::fs::write(file.path(), record.to_string()).unwrap();
            }
        }
    }
}

/// Whether each of the planned jobs was done within the last minutes, and the capture runs.
fn all_done(health: &Value) -> bool {
    let jobs = health["jobs"].as_array().cloned().unwrap_or_default();
    let fresh = |job: &Value| {
        let well: Option<Instant> = job["last_well"].as_str().map(|at| at.parse().unwrap());
        let now: Instant = health["at"].as_str().unwrap().parse().unwrap();
        well.is_some_and(|at| now - at < Span::hours(12)) && job["running_since"].is_null()
    };
    let done = |job: &Value| if job["name"] == "tail" { job["running_since"].is_string() } else { fresh(job) };
    jobs.len() == 6 && jobs.iter().all(done)
}

/// Stops it as a system does; gives its status.
fn stop(mut running: Running) -> Option<i32> {
    let sent = Command::new("kill").args(["-TERM", &running.0.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let since = Moment::now();
    loop {
        if let Some(status) = running.0.try_wait().unwrap() {
            return status.code();
        }
        assert!(since.elapsed() < Duration::from_secs(60), "it does not end");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The most memory that it has had, in MB.
fn peak_mb(running: &Running) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", running.0.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// The processes below it.
fn below(pid: u32) -> Vec<u32> {
    let children = |task: std::path::PathBuf| std::fs::read_to_string(task.join("children")).unwrap_or_default();
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let own: Vec<u32> = tasks
        .flat_map(|task| children(task.path()).split_whitespace().map(|p| p.parse().unwrap()).collect::<Vec<_>>())
        .collect();
    own.iter().flat_map(|child| below(*child)).chain(own.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_does_all_that_the_policy_plans_and_catches_up_after_it_was_down() {
    let mongo = private_mongo().await;
    let documents = client::connect(&mongo.uri).await.unwrap().database("shop").collection::<bson::Document>("orders");
    documents.insert_many((0..2000).map(|n| doc! { "_id": n, "text": "x".repeat(500) })).await.unwrap();
    // An application that never stops: what it writes is captured.
    let writer = tokio::spawn(async move {
        for n in 10_000.. {
            documents.insert_one(doc! { "_id": n }).await.unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let story = Story { desk: Desk::new(), webhook: Webhook::new(), uri: mongo.uri.clone() };
    story.desk.write("plan.toml", POLICY);
    tokio::task::spawn_blocking(move || whole_story(&story)).await.unwrap();
    writer.abort();
    mongo.stop().await.unwrap();
}

fn whole_story(story: &Story) {
    // Nothing was ever done: all of it is, in order, and the log is captured beside it.
    let running = story.start();
    story.until("all done", all_done);
    let done = || [story.snapshots(), story.count("verifications"), story.count("drills")];
    assert_eq!(done(), [1, 1, 1]);
    let peak = peak_mb(&running);
    assert!(peak < 300, "{peak} MB");
    let _ =
        std::io::Write::write_all(&mut std::io::stderr(), format!("the service had at most {peak} MB\n").as_bytes());
    assert!(story.desk.read("log").contains("`elsewhere` is left out"));
    let probe = || story.command().args(["run", "--health", "health.json", "--probe"]).output().unwrap().status.code();
    assert_eq!(probe(), Some(0));
    let second = story.command().args(["run", "plan.toml"]).output().unwrap();
    assert_eq!(second.status.code(), Some(1), "two services of one repository");
    let lines: Vec<String> = story.webhook.got().into_iter().map(|got| got.line).collect();
    assert!(lines.iter().any(|line| line.starts_with("GET /watch")), "the switch was pinged: {lines:?}");

    assert_eq!(stop(running), Some(0), "{}", story.desk.read("log"));
    assert_eq!(story.health()["state"], "stopped");
    assert_eq!(probe(), Some(1));
    let status = story.command().args(["capture", "--status", "--asset", "db", "--format", "json"]).output().unwrap();
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert!(status["holder"].is_null() && status["covered_until"].is_string(), "it gave the log back: {status}");

    // Started again, it does nothing twice.
    let running = story.start();
    let due: Vec<String> = {
        story.until("running", |health| health["state"] == "running" && health["pid"] == running.0.id());
        std::thread::sleep(Duration::from_secs(6));
        ["nightly", "verify", "prune", "drill"].iter().map(|name| story.job(name)["due"].to_string()).collect()
    };
    assert_eq!(done(), [1, 1, 1], "{due:?}");
    assert_eq!(stop(running), Some(0));

    // Down for three days: one run of each for all that were missed.
    story.age(&["runs", "verifications", "drills"], Span::days(3));
    let running = story.start();
    story.until("all done again", |health| health["pid"] == running.0.id() && all_done(health));
    assert_eq!(done(), [2, 2, 2]);
    assert!(
        story.desk.read("log").contains("begins `nightly`, for 2 that were missed too"),
        "{}",
        story.desk.read("log")
    );
    assert_eq!(stop(running), Some(0));
    stopped_in_a_drill(story);
}

/// What a drill has started goes with it.
fn stopped_in_a_drill(story: &Story) {
    story.age(&["drills"], Span::days(1));
    let running = story.start();
    let mut started = vec![];
    let since = Moment::now();
    while started.is_empty() {
        assert!(since.elapsed() < Duration::from_secs(60), "no drill begins: {}", story.desk.read("log"));
        started = below(running.0.id()).into_iter().filter(|pid| is_mongod(*pid)).collect();
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(stop(running), Some(0));
    let since = Moment::now();
    while started.iter().any(|pid| is_mongod(*pid)) {
        assert!(since.elapsed() < Duration::from_secs(20), "a server is left behind: {started:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn is_mongod(pid: u32) -> bool {
    std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("comm"))
        .is_ok_and(|name| name.trim() == "mongod")
}
