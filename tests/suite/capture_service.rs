//! `plimsoll capture` as a service: the real program, ended, paused and killed as a system does it.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bson::{Document, doc};
use mongodb::Client;
use plimsoll::base::OpTime;
use plimsoll::base::rng::Stream;
use plimsoll::clock::SystemClock;
use plimsoll::engine::event::Silent;
use plimsoll::engine::plan::{self, RestoreRequest, RestoreTo};
use plimsoll::engine::restore::{self, RestoreOptions};
use plimsoll::mongo::{Source, Target, client};
use plimsoll::port::{MongoSource, MongoTarget, ObjectStore};
use plimsoll::store::directory::DirectoryStore;

use crate::captured::{ASSET, assert_gap_free, chain, connected, write};
use crate::restored::{State, back_up, state};
use crate::servers::{self, private_mongo};

fn verb(repository: &Path, uri: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.args(["capture", "--asset", ASSET]).args(arguments);
    command.env("PLIMSOLL_REPO", repository).env("PLIMSOLL_URI", uri).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

async fn service(repository: &Path, arguments: &[&str]) -> Child {
    let uri = &servers::mongo().await.uri;
    verb(repository, uri, &[&["--flush-every", "1s", "--lease", "1s"], arguments].concat()).spawn().unwrap()
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

async fn ended(child: Child) -> (Option<i32>, String) {
    let waited = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
    let Output { status, stdout, stderr } =
        tokio::time::timeout(Duration::from_secs(40), waited).await.expect("it ends").unwrap();
    (status.code(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
}

/// Waits until the store holds a slice that is newer than `than`.
async fn covered(store: &dyn ObjectStore, than: OpTime) {
    for _ in 0..400 {
        if chain(store).await.last().is_some_and(|(_, header)| header.last > than) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nothing is captured after {than}");
}

async fn status(repository: &Path) -> serde_json::Value {
    let uri = &servers::mongo().await.uri;
    let output = verb(repository, uri, &["--status", "--format", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_flushes_all_that_was_acknowledged_and_the_lag_is_readable_at_any_moment() {
    let (client, db) = (connected().await, servers::unique("service"));
    let folder = tempfile::tempdir().unwrap();
    let store = DirectoryStore::new(folder.path());
    let running = service(folder.path(), &[]).await;
    let source = Source::new(client.clone());
    // Other stories write to this server all the time, so that a chain begins soon.
    write(&client, &db, 1).await;
    let begun = source.cluster_time().await.unwrap();
    write(&client, &db, 10).await;
    covered(&store, begun).await;
    let said = status(folder.path()).await;
    assert_eq!(said["holder"]["pid"], running.id(), "{said}");
    assert!(said["lag"].as_i64().unwrap() < 20_000 && said["server_at"].is_string(), "{said}");

    write(&client, &db, 500).await;
    let last = source.cluster_time().await.unwrap();
    signal(&running, "TERM");
    let (code, text) = ended(running).await;
    assert_eq!(code, Some(0), "{text}");
    let slices = assert_gap_free(&client, &store).await;
    assert!(slices.last().unwrap().last >= last, "what was acknowledged before the signal is not stored");
    let said = status(folder.path()).await;
    assert!(said["holder"].is_null(), "nobody captures any more: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_that_the_system_paused_beyond_its_term_exits_with_1_and_names_who_took_over() {
    let (client, db) = (connected().await, servers::unique("stopped"));
    let folder = tempfile::tempdir().unwrap();
    let store = DirectoryStore::new(folder.path());
    let source = Source::new(client.clone());
    let mut mark = source.cluster_time().await.unwrap();
    let sleeper = service(folder.path(), &[]).await;
    for _ in 0..2 {
        write(&client, &db, 20).await;
        covered(&store, mark).await;
        mark = source.cluster_time().await.unwrap();
    }
    signal(&sleeper, "STOP");
    let heir = service(folder.path(), &[]).await;
    write(&client, &db, 20).await;
    covered(&store, mark).await;
    signal(&sleeper, "CONT");
    write(&client, &db, 20).await;
    let (code, text) = ended(sleeper).await;
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains(&format!("captured by process {}", heir.id())), "{text}");

    // A third, while the heir works, is told the same.
    let (code, text) = ended(service(folder.path(), &[]).await).await;
    assert!(code == Some(1) && text.contains(&format!("process {}", heir.id())), "{text}");
    signal(&heir, "INT");
    let (code, text) = ended(heir).await;
    assert_eq!(code, Some(0), "{text}");
    assert_gap_free(&client, &store).await;
}

/// Writes until it is aborted: documents that come, change and go, some of them together.
async fn busy(client: Client, db: String) {
    let things = client.database(&db).collection::<Document>("things");
    let mut session = client.start_session().await.unwrap();
    for i in 0_i64.. {
        things.insert_one(doc! { "_id": i, "n": i, "noise": "n".repeat(300) }).await.unwrap();
        things.update_one(doc! { "_id": i / 2 }, doc! { "$inc": { "n": 1 } }).await.unwrap();
        if i % 10 == 0 {
            session.start_transaction().await.unwrap();
            things.delete_one(doc! { "_id": i / 3 }).session(&mut session).await.unwrap();
            things.insert_one(doc! { "_id": -1 - i, "of": i / 3 }).session(&mut session).await.unwrap();
            session.commit_transaction().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_twenty_times_while_a_writer_runs_it_captures_without_gap_and_every_mark_comes_back() {
    let (client, db) = (connected().await, servers::unique("hunted"));
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn ObjectStore> = Arc::new(DirectoryStore::new(folder.path()));
    let (source, seed) = (Source::new(client.clone()), u64::from(std::process::id()));
    let mut chance = Stream::new(seed, 0);
    let mut running = service(folder.path(), &[]).await;
    let writer = tokio::spawn(busy(client.clone(), db.clone()));
    covered(store.as_ref(), OpTime::new(0, 0)).await;
    back_up(&source, &store, &[&db]).await;
    let mut marks: Vec<(OpTime, State)> = Vec::new();
    for kill in 0..20 {
        tokio::time::sleep(Duration::from_millis(chance.below(1_800))).await;
        signal(&running, "KILL");
        assert_eq!(ended(running).await.0, None, "it had ended before kill {kill}; seed {seed}");
        running = service(folder.path(), &[]).await;
        if kill % 4 == 0 {
            let at = source.cluster_time().await.unwrap();
            marks.push((at, state(&source, &[&db], Some(at)).await));
        }
    }
    // The last one finds the lease of a capture that nobody will hear of again.
    let at = source.cluster_time().await.unwrap();
    covered(store.as_ref(), at).await;
    writer.abort();
    signal(&running, "TERM");
    let (code, text) = ended(running).await;
    assert_eq!(code, Some(0), "{text}");
    let slices = assert_gap_free(&client, store.as_ref()).await;
    assert_eq!(slices.iter().filter(|header| header.previous.is_none()).count(), 1);

    let server = private_mongo().await;
    let to = client::connect(&server.uri).await.unwrap();
    let target = Target::new(to.clone());
    for (at, expected) in marks {
        let request = RestoreRequest { asset: ASSET.to_string(), target: RestoreTo::At(at) };
        let plan = plan::make(store.as_ref(), &request).await.unwrap();
        let options = RestoreOptions::default();
        restore::run(&plan, Arc::clone(&store), &target, &SystemClock, &Silent, &options).await.unwrap();
        assert_eq!(state(&Source::new(to.clone()), &[&db], None).await, expected, "seed {seed}, at {at}");
        target.drop_database(&db).await.unwrap();
    }
}
