//! S3 servers of other making: one that keeps the contract serves a whole story, one that does not is refused. That the
//! first keeps the contract is shown by the suite of the stores.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use bytes::Bytes;
use plimsoll::base::FaultKind;
use plimsoll::clock::SystemClock;
use plimsoll::engine::event::Silent;
use plimsoll::engine::plan::{self, RestoreRequest, RestoreTo};
use plimsoll::engine::restore::{self, RestoreOptions};
use plimsoll::mongo::{Source, Target, client};
use plimsoll::port::ObjectStore;
use plimsoll::repository;
use plimsoll::store::s3::S3Store;

use super::captured::{connected, write};
use super::other_s3::{self, OtherS3};
use super::proxied::{Deed, Proxied};
use super::repository_open::Noon;
use super::restore::fill;
use super::restored::{ASSET, back_up, state};
use super::servers::{self, private_mongo};
use super::store_s3::flipped;
use super::sync::{Counted, contents, restore as restore_uploads, take};

/// A repository on the server.
async fn repository(server: &OtherS3) -> Arc<dyn ObjectStore> {
    let store: Arc<dyn ObjectStore> = Arc::new(server.store(&server.bucket("repository").await, "of ours").await);
    repository::open(Arc::clone(&store), &Noon).await.expect("it decides races itself");
    store
}

async fn newest(store: &dyn ObjectStore) -> plan::RestorePlan {
    let request = RestoreRequest { asset: ASSET.to_string(), target: RestoreTo::Newest };
    plan::make(store, &request).await.expect("all of it is there")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_and_its_uploads_come_back_equal_out_of_a_second_s3_server() {
    let story = "a_database_and_its_uploads_come_back_equal_out_of_a_second_s3_server";
    let Some(server) = other_s3::moto(story).await else { return };
    let store = repository(server).await;
    let (client, db) = (connected().await, servers::unique("second"));
    fill(&client, &db).await;
    let source = Source::new(client);
    // A bucket on the first: the second names its answer to "does this bucket keep versions?" wrongly, so that no client
    // which reads answers strictly can have it for a source.
    let bucket = servers::bucket("uploads").await;
    let bucket = S3Store::open(&bucket, "", &servers::s3().await.options()).await.expect("opens");
    bucket.keep_versions().await.expect("keeps versions");
    for (key, body) in [("img/1 ä.jpg", "first"), ("img/1 ä.jpg", "second"), ("img/2.jpg", "other"), ("empty", "")] {
        bucket.put(key, Bytes::from_static(body.as_bytes())).await.expect("puts");
    }
    let large = Bytes::from((0..9_000_000_u32).map(|i| (i % 251) as u8).collect::<Vec<u8>>());
    bucket.put("large.bin", large).await.expect("puts");
    let bucket = Counted::new(Arc::new(bucket));

    back_up(&source, &store, &[&db]).await;
    let (manifest, _) = take(&bucket, &store).await;
    assert_eq!((manifest.uploads, manifest.versions), (4, Some(1)));
    assert_eq!(take(&bucket, &store).await.1, 0, "nothing changed, so nothing is read again");

    let (plan, mongod) = (newest(store.as_ref()).await, private_mongo().await);
    let to = client::connect(&mongod.uri).await.expect("connects");
    let target = Target::new(to.clone());
    let restored = restore::run(&plan, store.clone(), &target, &SystemClock, &Silent, &RestoreOptions::default()).await;
    restored.expect("restores");
    assert_eq!(state(&Source::new(to), &[&db], None).await, state(&source, &[&db], None).await);
    let back = server.store(&server.bucket("back").await, "").await;
    restore_uploads(&store, &back, &RestoreTo::Newest, false).await.expect("restores");
    assert!(contents(&back).await == contents(&bucket).await);
}

/// Such a server cannot refuse what the network turned, and its answers do not show it. What was stored is then not what
/// the manifest says: the first to read it, a drill or a restore, refuses it. So a drill, not a backup, proves a point.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_that_checks_nothing_took_in_changed_is_refused_by_the_first_to_read_it() {
    let story = "what_a_server_that_checks_nothing_took_in_changed_is_refused_by_the_first_to_read_it";
    let Some(server) = other_s3::moto(story).await else { return };
    let store = repository(server).await;
    let through = Proxied::start(&server.options, |request| match request.target.contains("things.bson") {
        true => flipped(request),
        false => Deed::Pass,
    })
    .await;
    let address = store.address();
    let through = plimsoll::store::open(&address, &through.options).await.expect("opens");
    let (client, db) = (connected().await, servers::unique("unchecked"));
    write(&client, &db, 50).await;
    back_up(&Source::new(client), &through, &[&db]).await;

    let (plan, mongod) = (newest(store.as_ref()).await, private_mongo().await);
    let target = Target::new(client::connect(&mongod.uri).await.expect("connects"));
    let restored = restore::run(&plan, store.clone(), &target, &SystemClock, &Silent, &RestoreOptions::default()).await;
    let fault = restored.expect_err("a bit is turned");
    assert_eq!(fault.kind, FaultKind::Corrupt, "{fault:?}");
    assert!(format!("{fault:?}").contains("things"), "{fault:?}");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_ignores_conditions_is_refused_by_every_verb_that_writes_and_nothing_is_left_there() {
    let story = "a_gateway_that_ignores_conditions_is_refused_by_every_verb_that_writes_and_nothing_is_left_there";
    let Some(server) = other_s3::rclone(story).await else { return };
    let bucket = server.folder.join("served/bucket");
    std::fs::create_dir(&bucket).expect("a bucket is a folder");
    let uploads = tempfile::tempdir().expect("a folder");
    std::fs::write(uploads.path().join("a"), "one").expect("writes");
    let uploads = uploads.path().to_str().expect("a path in UTF-8");
    let verbs = [
        vec!["backup", "--asset", "shop", "--db", "shop"],
        vec!["backup", "--asset", "uploads", "--bucket", uploads],
        vec!["capture", "--asset", "shop"],
    ];
    for verb in verbs {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.args(&verb).env("PLIMSOLL_REPO", "s3://bucket/prefix").env("PLIMSOLL_URI", &servers::mongo().await.uri);
        command.env("AWS_ENDPOINT_URL_S3", server.options.endpoint.as_deref().expect("an endpoint"));
        command.env("AWS_ACCESS_KEY_ID", "anybody").env("AWS_SECRET_ACCESS_KEY", "x").env("AWS_REGION", "us-east-1");
        let output = command.output().expect("plimsoll runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{verb:?}: {said}");
        assert!(said.contains("overwrote an object although it was told not to"), "{verb:?}: {said}");
        assert!(said.contains("If-None-Match"), "{verb:?}: {said}");
        assert_eq!(files(&bucket), Vec::<PathBuf>::new(), "{verb:?}");
    }
}
