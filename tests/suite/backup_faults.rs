//! Backups whose server dies, steps down or is cut off while it is read, as people run them: what can go on goes on, and
//! what cannot says so with status 1 and leaves the last good snapshot as it was.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bson::{Document, doc};
use futures_util::TryStreamExt;
use mongodb::Client;
use plimsoll::base::Result;
use plimsoll::clock::SystemClock;
use plimsoll::engine::backup::{self, BackupRequest};
use plimsoll::engine::dump::Wanted;
use plimsoll::lab::server::MongoServer;
use plimsoll::mongo::{Source, client};
use plimsoll::policy::Consistency;
use plimsoll::port::{MongoSource, ObjectStore};
use plimsoll::repository::Manifest;
use plimsoll::store::memory::MemoryStore;
use tokio::net::{TcpListener, TcpStream};

use super::servers::{self, private_mongo};
use super::stage::{Heard, Meddled, Moment};

const DB: &str = "shop";
const DOCUMENTS: i64 = 4_000;

async fn connected(server: &MongoServer) -> Client {
    client::connect(&server.uri).await.expect("connects")
}

/// Documents that do not compress, so that a backup takes a while.
async fn fill(client: &Client, collections: usize) {
    for n in 0..collections {
        let things = client.database(DB).collection::<Document>(&format!("c{n}"));
        for part in 0..4 {
            let noise = |i: i64| doc! { "_id": part * 1_000 + i, "noise": noise(n as u64 * 7_777 + i as u64) };
            things.insert_many((0..DOCUMENTS / 4).map(noise)).await.expect("inserts");
        }
    }
}

fn noise(seed: u64) -> bson::Binary {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    bson::Binary { subtype: bson::spec::BinarySubtype::Generic, bytes: (0..4_000).map(next).collect() }
}

async fn back_up(source: &dyn MongoSource, store: &Arc<MemoryStore>, heard: &Heard) -> Result<Manifest> {
    let wanted = Wanted { databases: vec![DB.to_string()], ..Wanted::default() };
    let request = BackupRequest { asset: "shop".to_string(), wanted, ..BackupRequest::default() };
    backup::run(source, store.clone(), &SystemClock, heard, &request).await
}

fn documents(manifest: &Manifest) -> u64 {
    manifest.collections.iter().map(|c| c.documents).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_steps_down_while_it_is_read_and_is_elected_again_is_backed_up_whole() {
    let server = private_mongo().await;
    let client = connected(&server).await;
    fill(&client, 3).await;
    let source = Meddled::new(Source::new(client.clone()), Moment::Read, move || {
        let client = client.clone();
        async move {
            let down = doc! { "replSetStepDown": 3, "force": true };
            client.database("admin").run_command(down).await.expect("steps down");
        }
    });
    let store = Arc::new(MemoryStore::new());
    let manifest = back_up(&source, &store, &Heard::default()).await.expect("a backup");
    assert_eq!((documents(&manifest), manifest.consistency), (3 * DOCUMENTS as u64, Consistency::Snapshot));
    assert_eq!(store.list("snapshots/").await.expect("lists").len(), manifest.objects.len() + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_whose_cursors_are_killed_is_begun_again_and_leaves_nothing_of_the_first_try() {
    let server = private_mongo().await;
    let client = connected(&server).await;
    fill(&client, 3).await;
    let killer = client.clone();
    let source = Meddled::new(Source::new(client), Moment::Read, move || kill_cursors(killer.clone()));
    let (store, heard) = (Arc::new(MemoryStore::new()), Heard::default());
    let manifest = back_up(&source, &store, &heard).await.expect("a backup");
    assert!(heard.warnings().iter().any(|w| w.contains("beginning again")), "{:?}", heard.warnings());
    assert_eq!(documents(&manifest), 3 * DOCUMENTS as u64);
    assert_eq!(store.list("snapshots/").await.expect("lists").len(), manifest.objects.len() + 1);
}

async fn kill_cursors(client: Client) {
    let idle = vec![
        doc! { "$currentOp": { "idleCursors": true, "allUsers": true } },
        doc! { "$match": { "type": "idleCursor", "ns": { "$regex": format!("^{DB}\\.") } } },
    ];
    // One that is being read from at this very moment is not idle, and is the next.
    let mut found: Vec<Document> = Vec::new();
    for _ in 0..100 {
        let cursors = client.database("admin").aggregate(idle.clone()).await.expect("looks");
        found = cursors.try_collect().await.expect("cursors");
        if !found.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!found.is_empty(), "no cursor is open");
    for cursor in found {
        let ns = cursor.get_str("ns").expect("a namespace").split_once('.').expect("a dot").1.to_string();
        let id = cursor.get_document("cursor").expect("a cursor").get_i64("cursorId").expect("an id");
        client.database(DB).run_command(doc! { "killCursors": ns, "cursors": [id] }).await.expect("kills");
    }
}

/// Passes connections on to a server, until it is told to cut them all.
struct Wire {
    port: u16,
    is_cut: Arc<AtomicBool>,
}

impl Wire {
    async fn to(server: u16) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let (port, is_cut) = (listener.local_addr().expect("an address").port(), Arc::new(AtomicBool::new(false)));
        let cut = is_cut.clone();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let cut = cut.clone();
                tokio::spawn(async move {
                    let Ok(mut far) = TcpStream::connect(("127.0.0.1", server)).await else { return };
                    let until_cut = async {
                        while !cut.load(Ordering::SeqCst) {
                            tokio::time::sleep(Duration::from_millis(5)).await;
                        }
                    };
                    tokio::select! {
                        () = until_cut => {}
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                    }
                });
            }
        });
        Wire { port, is_cut }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_is_cut_and_comes_back_delays_the_backup_and_one_that_stays_cut_fails_it() {
    let server = private_mongo().await;
    fill(&connected(&server).await, 2).await;
    for comes_back in [true, false] {
        let wire = Wire::to(server.port).await;
        let uri = format!("mongodb://127.0.0.1:{}/?directConnection=true", wire.port);
        let client = client::connect(&uri).await.expect("connects");
        let (store, heard) = (Arc::new(MemoryStore::new()), Arc::new(Heard::default()));
        let (is_cut, hears) = (wire.is_cut.clone(), heard.clone());
        let source = Meddled::new(Source::new(client), Moment::Read, move || {
            let (is_cut, hears) = (is_cut.clone(), hears.clone());
            async move {
                is_cut.store(true, Ordering::SeqCst);
                // It comes back once it was missed, however slow the machine is.
                tokio::spawn(async move {
                    while hears.warnings().is_empty() {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    is_cut.store(!comes_back, Ordering::SeqCst);
                });
            }
        });
        let result = back_up(&source, &store, &heard).await;
        assert!(heard.warnings().iter().any(|w| w.contains("beginning again")), "{:?}", heard.warnings());
        match result {
            Ok(manifest) => assert!(comes_back && documents(&manifest) == 2 * DOCUMENTS as u64),
            Err(fault) => {
                assert!(!comes_back && fault.retry_can_help(), "{fault:?}");
                assert_eq!(store.list("snapshots/").await.expect("lists"), []);
            }
        }
    }
}

struct Shell {
    repository: tempfile::TempDir,
    uri: String,
}

impl Shell {
    fn new(server: &MongoServer) -> Shell {
        Shell { repository: tempfile::tempdir().expect("a folder"), uri: server.uri.clone() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.args(arguments).env("PLIMSOLL_REPO", self.repository.path()).env("PLIMSOLL_URI", &self.uri);
        command.env_remove("PLIMSOLL_TARGET_URI").stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("plimsoll runs")
    }

    fn begin_backup(&self) -> Child {
        let mut command = self.command(&["backup", "--asset", "shop", "--db", DB]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("plimsoll runs")
    }

    fn snapshots(&self) -> Vec<PathBuf> {
        below(&self.repository.path().join("snapshots"))
    }

    fn manifests(&self) -> Vec<PathBuf> {
        self.snapshots().into_iter().filter(|path| path.ends_with("manifest.json")).collect()
    }
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> =
        paths.flat_map(|path| if path.is_dir() { below(&path) } else { vec![path] }).collect();
    found.sort();
    found
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn kill(pid: u32) {
    let killed = Command::new("kill").args(["-9", &pid.to_string()]).status().expect("kill runs");
    assert!(killed.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_while_it_is_read_fails_the_run_with_1_and_leaves_the_last_good_snapshot() {
    let server = private_mongo().await;
    fill(&connected(&server).await, 6).await;
    let shell = Shell::new(&server);
    let good = shell.run(&["backup", "--asset", "shop", "--db", DB]);
    assert_eq!(good.status.code(), Some(0), "{}", text(&good));
    let before = shell.snapshots();
    let running = shell.begin_backup();
    while shell.snapshots().len() <= before.len() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    kill(server.child.pid);
    let output = tokio::task::spawn_blocking(move || running.wait_with_output()).await.unwrap().expect("it ends");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("no server answered"), "{}", text(&output));
    assert!(text(&output).contains("run the backup again when the server answers"), "{}", text(&output));
    assert_eq!(shell.snapshots(), before, "something of the failed run is left");
    let inventory = shell.run(&["inventory"]);
    assert!(text(&inventory).contains("Runs that failed"), "{}", text(&inventory));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_killed_at_any_moment_leaves_no_point_that_is_not_whole_and_the_next_run_succeeds() {
    let server = private_mongo().await;
    let client = connected(&server).await;
    fill(&client, 4).await;
    let shell = Shell::new(&server);
    let good = shell.run(&["backup", "--asset", "shop", "--db", DB]);
    assert_eq!(good.status.code(), Some(0), "{}", text(&good));
    let mut killed = 0;
    for round in 0..12_u64 {
        let mut running = shell.begin_backup();
        tokio::time::sleep(Duration::from_millis(40 + round * round * 6)).await;
        if running.try_wait().expect("it runs").is_none() {
            kill(running.id());
            killed += 1;
        }
        running.wait().expect("it ends");
        let inventory = shell.run(&["inventory", "--format", "json"]);
        let evidence: plimsoll::evidence::Evidence = serde_json::from_slice(&inventory.stdout).expect("evidence");
        assert_eq!(evidence.points.len(), shell.manifests().len(), "round {round}");
        assert!(evidence.unreadable.is_empty(), "{:?}", evidence.unreadable);
        let healthy = |p: &plimsoll::evidence::RecoveryPoint| p.documents == Some(4 * DOCUMENTS as u64);
        assert!(evidence.points.iter().all(healthy), "round {round}: {:?}", evidence.points);
    }
    assert!(killed >= 4, "only {killed} runs were still going when they were to be killed");
    let before = shell.manifests().len();
    let next = shell.run(&["backup", "--asset", "shop", "--db", DB]);
    assert_eq!(next.status.code(), Some(0), "{}", text(&next));
    assert_eq!(shell.manifests().len(), before + 1);
    let mut drill = shell.command(&["drill", "--asset", "shop"]);
    let drill = drill.env("PLIMSOLL_MONGOD", servers::mongod()).output().expect("plimsoll runs");
    assert_eq!(drill.status.code(), Some(0), "{}", text(&drill));
}
