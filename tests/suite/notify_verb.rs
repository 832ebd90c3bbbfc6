//! `plimsoll notify` and the verbs that tell of their own end, against a real server: once, as evidence, without secrets.

use std::process::{Command, Output};

use plimsoll::base::{Instant, Span};
use plimsoll::clock::SystemClock;
use plimsoll::evidence::{Origin, Run, RunOutcome};
use plimsoll::port::{Clock, ObjectStore};
use plimsoll::store::directory::DirectoryStore;
use serde_json::Value;

use super::desk::Desk;
use super::webhook::{Answer, Webhook};

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
stored_in = ["here"]
[notify.desk]
kind = "json"
url_env = "DESK_URL"
secret_file = "desk-key"
allow_private = true
[notify.watch]
kind = "ping"
url_env = "WATCH_URL"
after = ["notify", "verify"]
allow_private = true
"#;

struct Story {
    desk: Desk,
    server: Webhook,
}

impl Story {
    fn new() -> Self {
        let desk = Desk::new();
        desk.write("plan.toml", POLICY).write("desk-key", "geheim-key\n");
        let store: std::sync::Arc<dyn ObjectStore> = std::sync::Arc::new(DirectoryStore::new(desk.path("repo")));
        wait(plimsoll::repository::open(store, &SystemClock)).expect("opens");
        Story { desk, server: Webhook::new() }
    }

    /// A run on record.
    fn ran(&self, id: &str, at: Instant, failed: Option<&str>) -> &Self {
        let outcome = failed.map_or(RunOutcome::Done, |why| RunOutcome::Failed { why: why.into() });
        let origin = Origin { tool: "plimsoll".into(), place: format!("runs/{id}.json"), sha256: None };
        let run = Run {
            id: id.into(),
            verb: "backup".into(),
            asset: "db".into(),
            protection: Some("nightly".into()),
            started_at: at - Span::secs(1),
            ended_at: at,
            outcome,
            origin,
        };
        self.desk.write(&format!("repo/runs/{id}.json"), &serde_json::to_string(&run).expect("JSON"));
        self
    }

    fn run(&self, words: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.env("DESK_URL", self.server.url("/geheim-desk")).env("WATCH_URL", self.server.url("/geheim-watch"));
        command.env_remove("PLIMSOLL_POLICY").env("PLIMSOLL_REPO", self.desk.path("repo"));
        command.env_remove("PLIMSOLL_URI").current_dir(self.desk.path(""));
        let output = command.args(words.split_whitespace()).output().expect("runs");
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!text.contains("geheim"), "a secret is shown: {text}");
        output
    }

    /// The events that the desk was sent since it was asked last.
    fn events(&self) -> Vec<(String, String)> {
        let got = self.server.take();
        let bodies = got.iter().filter(|got| got.line.contains("desk")).map(|got| got.body.as_str());
        let notices = bodies.map(|body| serde_json::from_str::<Value>(body).expect("JSON"));
        let text = |value: &Value| value.as_str().expect("a text").to_string();
        let events = notices.flat_map(|notice| notice["events"].as_array().expect("events").clone());
        events.map(|event| (text(&event["event"]), text(&event["title"]))).collect()
    }

    /// Everything that the repository holds, as text.
    fn evidence(&self) -> String {
        let mut text = String::new();
        let mut folders = vec![self.desk.path("repo")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("reads").flatten() {
                match entry.path().is_dir() {
                    true => folders.push(entry.path()),
                    false => text += &std::fs::read_to_string(entry.path()).expect("text"),
                }
            }
        }
        text
    }
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(work)
}

fn failures(events: &[(String, String)]) -> Vec<(&str, &str)> {
    let of_runs = events.iter().filter(|(_, title)| title.contains("backup of"));
    of_runs.map(|(event, title)| (event.as_str(), title.as_str())).collect()
}

#[test]
fn a_failure_is_told_once_and_its_end_once_by_whichever_host_looks() {
    let story = Story::new();
    let now = SystemClock.now();
    story.ran("r1", now - Span::hours(2), Some("no space"));
    assert_eq!(story.run("notify plan.toml").status.code(), Some(0));
    assert_eq!(failures(&story.events()), [("failure", "backup of db failed")]);
    for _ in 0..2 {
        assert_eq!(story.run("notify plan.toml").status.code(), Some(0));
        assert_eq!(story.events(), []);
    }
    story.ran("r2", SystemClock.now() + Span::secs(1), None);
    story.run("notify plan.toml");
    assert_eq!(failures(&story.events()), [("recovery", "backup of db failed")]);
    story.run("notify plan.toml");
    assert_eq!(story.events(), []);
    assert!(!story.evidence().contains("geheim"));
}

#[test]
fn a_dry_run_shows_what_would_be_sent_and_sends_and_writes_nothing() {
    let story = Story::new();
    story.ran("r1", SystemClock.now(), Some("no space"));
    let before = story.evidence();
    let shown = story.run("notify plan.toml --dry-run");
    let text = String::from_utf8(shown.stdout).expect("text");
    assert!(text.contains("desk: would be told") && text.contains("FAILED backup of db failed: no space"), "{text}");
    assert!(story.server.got().is_empty());
    assert_eq!(story.evidence(), before);
}

#[test]
fn a_notice_that_does_not_arrive_is_evidence_and_is_told_by_the_next() {
    let story = Story::new();
    story.ran("r1", SystemClock.now(), Some("no space"));
    story.server.answer(Answer::Status(500));
    assert_eq!(story.run("notify plan.toml").status.code(), Some(1));
    story.server.take();
    let runs = String::from_utf8(story.run("runs --format json").stdout).expect("text");
    let runs: Vec<Value> = serde_json::from_str(&runs).expect("JSON");
    let unsent = runs.iter().find(|run| run["verb"] == "notify").expect("it is on record");
    assert!(unsent["asset"] == "desk" && unsent["failed"].as_str().expect("why").contains("500"), "{unsent}");
    story.server.answer(Answer::Status(200));
    assert_eq!(story.run("notify plan.toml").status.code(), Some(0));
    assert_eq!(failures(&story.events()), [("failure", "backup of db failed")]);
    assert!(!story.evidence().contains("geheim"));
}

#[test]
fn a_verb_tells_of_its_own_failure_and_its_exit_status_is_its_own() {
    let story = Story::new();
    // Nothing to verify is a failure; the desk being down does not change how it ends.
    for (answer, told) in [(Answer::Status(500), 1), (Answer::Status(200), 1), (Answer::Status(200), 0)] {
        story.server.answer(answer);
        assert_eq!(story.run("verify --policy plan.toml").status.code(), Some(1));
        let events = story.events();
        assert_eq!(events.len(), told, "{events:?}");
        assert!(events.iter().all(|(event, title)| event == "failure" && title == "verify of the repository failed"));
    }
    // A backup that got nowhere, since no database is named, left no record: it is told all the same.
    assert_eq!(story.run("backup --asset db --policy plan.toml").status.code(), Some(2));
    assert_eq!(story.events(), [("failure".to_string(), "backup of db failed".to_string())]);
    // The look of the night does not take the run before it for its end.
    story.ran("r1", SystemClock.now() - Span::hours(5), None);
    story.run("notify plan.toml");
    assert_eq!(failures(&story.events()), []);
}

#[test]
fn a_place_that_the_repository_cannot_be_read_for_is_told_all_the_same() {
    let story = Story::new();
    let output = story.run("verify --policy plan.toml --repo nowhere");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(story.events(), [("failure".to_string(), "verify of the repository failed".to_string())]);
}

#[test]
fn a_dead_mans_switch_is_pinged_after_what_went_well_and_after_nothing_else() {
    let story = Story::new();
    let pings = || story.server.take().into_iter().filter(|got| got.line == "GET /geheim-watch HTTP/1.1").count();
    story.run("verify --policy plan.toml");
    assert_eq!(pings(), 0, "it failed");
    story.run("notify plan.toml --dry-run");
    assert_eq!(pings(), 0, "nothing was done");
    story.run("notify plan.toml");
    assert_eq!(pings(), 1);
}

#[test]
fn a_test_arrives_and_is_not_remembered() {
    let story = Story::new();
    assert_eq!(story.run("notify plan.toml --test").status.code(), Some(0));
    let got = story.server.take();
    assert_eq!(got.len(), 2, "the switch is tried too: {got:?}");
    assert!(got[0].body.contains("\"test\"") && got[0].header("x-plimsoll-signature").is_some(), "{got:?}");
    assert!(!story.desk.path("repo/notices").exists());
}

#[test]
fn of_many_hosts_that_look_at_once_one_tells() {
    let story = Story::new();
    story.ran("r1", SystemClock.now(), Some("no space"));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| story.run("notify plan.toml"));
        }
    });
    assert_eq!(failures(&story.events()), [("failure", "backup of db failed")]);
}

#[test]
fn a_variable_that_is_not_set_is_named_and_the_other_places_are_told() {
    let story = Story::new();
    story
        .desk
        .write("plan.toml", &format!("{POLICY}[notify.chat]\nkind = \"slack\"\nurl_env = \"PLIMSOLL_NOT_SET\"\n"));
    story.ran("r1", SystemClock.now(), Some("no space"));
    let output = story.run("notify plan.toml");
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.contains("chat: failed: the variable `PLIMSOLL_NOT_SET` of the environment"), "{text}");
    assert_eq!(failures(&story.events()).len(), 1);
}

/// Killed with the story.
struct Child(std::process::Child);

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_server_is_trusted_by_its_certificate_and_not_without() {
    let story = Story::new();
    let openssl = || Command::new("openssl");
    if openssl().arg("version").output().is_err() {
        let _ = std::io::Write::write_all(&mut std::io::stderr(), b"skipped: there is no openssl here\n");
        return;
    }
    let made = openssl()
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-out", "cert.pem"])
        .current_dir(story.desk.path(""))
        .output()
        .expect("runs");
    assert!(made.status.success(), "{made:?}");
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port();
    let mut server = openssl();
    server.args(["s_server", "-www", "-quiet", "-cert", "cert.pem", "-key", "key.pem", "-accept", &port.to_string()]);
    server.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let _server = Child(server.current_dir(story.desk.path("")).spawn().expect("starts"));
    let began = std::time::Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(began.elapsed().as_secs() < 20, "openssl does not listen");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let ping = |trusted: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.env("DESK_URL", story.server.url("/desk")).env("WATCH_URL", format!("https://localhost:{port}/geheim"));
        command.env("SSL_CERT_FILE", story.desk.path(trusted)).env("PLIMSOLL_REPO", story.desk.path("repo"));
        let output = command.args(["notify", "plan.toml"]).current_dir(story.desk.path("")).output().expect("runs");
        String::from_utf8(output.stderr).expect("text")
    };
    let said = ping("cert.pem");
    assert!(!said.contains("was not pinged"), "{said}");
    let mut other = openssl();
    other.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
    other.args(["-subj", "/CN=other", "-keyout", "key2.pem", "-out", "other.pem"]);
    assert!(other.current_dir(story.desk.path("")).output().expect("runs").status.success());
    let said = ping("other.pem");
    assert!(said.contains("was not pinged: cannot trust https://localhost") && !said.contains("geheim"), "{said}");
}

#[test]
fn what_a_host_that_was_killed_had_begun_to_tell_is_told_by_the_next() {
    let story = Story::new();
    story.ran("r1", SystemClock.now(), Some("no space"));
    story.run("notify plan.toml");
    assert_eq!(failures(&story.events()).len(), 1);
    // As if it had been killed before it could write what came of it.
    std::fs::remove_file(story.desk.path("repo/notices/desk/00000000000000000001.end.json")).expect("it was written");
    assert_eq!(story.run("notify plan.toml").status.code(), Some(0));
    assert_eq!(failures(&story.events()), [("failure", "backup of db failed")]);
    story.run("notify plan.toml");
    assert_eq!(story.events(), []);
}
