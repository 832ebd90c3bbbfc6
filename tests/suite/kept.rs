//! Object lock, storage class and server-side encryption, as the plan asks for them: what the store says is believed,
//! not what it was asked.

use std::path::Path;
use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::types::ServerSideEncryption;
use bytes::Bytes;
use plimsoll::base::{FaultKind, Instant, Keeping, OpTime, Result, ServerEncryption, Span, StorageClass, Terms};
use plimsoll::clock::SystemClock;
use plimsoll::engine::backup::{self, BackupRequest};
use plimsoll::engine::chain::{self, End, Pending};
use plimsoll::engine::dump::Wanted;
use plimsoll::engine::event::Silent;
use plimsoll::engine::sync::{self, SyncRequest};
use plimsoll::mongo::Source;
use plimsoll::port::{Clock, ObjectStore};
use plimsoll::repository::key::SliceName;
use plimsoll::repository::{Manifest, catalog};
use plimsoll::store::directory::DirectoryStore;
use plimsoll::store::s3::S3Store;

use super::captured::connected;
use super::scripted::{Scripted, answer};
use super::servers;

const LOCK: Span = Span::hours(1);

fn locked() -> Keeping {
    Keeping { lock: Some(LOCK), ..Keeping::default() }
}

async fn bucket(name: &str, locks: bool) -> (Arc<dyn ObjectStore>, Client, String) {
    let server = servers::s3().await;
    let name = servers::unique(name);
    let store = S3Store::open(&name, "", &server.options()).await.expect("opens");
    match locks {
        true => store.create_locking_bucket().await.expect("the bucket is made"),
        false => store.create_bucket().await.expect("the bucket is made"),
    }
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(&server.endpoint)
        .region(Region::from_static("us-east-1"))
        .force_path_style(true)
        .credentials_provider(Credentials::new(&server.access_key, &server.secret_key, None, None, "test"));
    (Arc::new(store), Client::from_conf(config.build()), name)
}

/// Tries to delete every version of every object below `prefix`, as the owner of all keys; those that went.
async fn deleted(client: &Client, bucket: &str, prefix: &str) -> Vec<String> {
    let found = client.list_object_versions().bucket(bucket).prefix(prefix).send().await.expect("lists");
    assert!(!found.versions().is_empty(), "nothing is below `{prefix}`");
    let mut gone = Vec::new();
    for version in found.versions() {
        let (key, id) = (version.key().unwrap_or_default(), version.version_id().unwrap_or_default());
        let request = client.delete_object().bucket(bucket).key(key).version_id(id);
        if request.send().await.is_ok() {
            gone.push(key.to_string());
        }
    }
    gone
}

async fn back_up(store: &Arc<dyn ObjectStore>, asset: &str, keeping: Keeping) -> Result<Manifest> {
    let (client, db) = (connected().await, servers::unique("kept"));
    let rows = client.database(&db).collection("rows");
    rows.insert_many((0..500).map(|n| bson::doc! { "n": n })).await.expect("inserts");
    let wanted = Wanted { databases: vec![db], ..Wanted::default() };
    let request = BackupRequest { asset: asset.to_string(), wanted, keeping, ..BackupRequest::default() };
    backup::run(&Source::new(client), Arc::clone(store), &SystemClock, &Silent, &request).await
}

async fn copy(store: &Arc<dyn ObjectStore>, uploads: &dyn ObjectStore, lock: Span) -> Manifest {
    let keeping = Keeping { lock: Some(lock), ..Keeping::default() };
    let request = SyncRequest { asset: "uploads".to_string(), protection: None, expires_after: None, keeping };
    sync::run(uploads, Arc::clone(store), &SystemClock, &Silent, &request).await.expect("copies")
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_can_delete_a_locked_point_and_the_evidence_says_until_when() {
    let (store, client, name) = bucket("locked", true).await;
    let before = SystemClock.now();
    let manifest = back_up(&store, "shop", locked()).await.expect("backs up");
    let until = manifest.locked_until.expect("a lock");
    assert!(until >= before + LOCK && until <= SystemClock.now() + LOCK);
    assert_eq!(deleted(&client, &name, "snapshots/").await, Vec::<String>::new());
    let evidence = catalog::read(store.as_ref(), SystemClock.now()).await.expect("reads");
    assert_eq!(evidence.points[0].locked_until, Some(until));

    // The same attempt does succeed against a point that asked for no lock: it is the lock that held.
    back_up(&store, "other", Keeping::default()).await.expect("backs up");
    assert!(!deleted(&client, &name, "snapshots/other/").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_cannot_lock_is_refused_before_anything_is_read_into_it() {
    let (store, _, _) = bucket("unlocked", false).await;
    let fault = back_up(&store, "shop", locked()).await.expect_err("no lock is to be had");
    assert_eq!(fault.kind, FaultKind::Unsupported);
    assert!(fault.to_string().contains("locks nothing") && fault.help.unwrap_or_default().contains("object lock"));
    let left: Vec<String> = store.list("").await.expect("lists").into_iter().map(|object| object.key).collect();
    assert!(left.iter().all(|key| key.starts_with("runs/")), "only the failed run is told: {left:?}");
    assert_eq!(left.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_promises_no_lock() {
    let folder = tempfile::tempdir().expect("a folder");
    let store: Arc<dyn ObjectStore> = Arc::new(DirectoryStore::new(folder.path()));
    let fault = back_up(&store, "shop", locked()).await.expect_err("a directory locks nothing");
    assert_eq!(fault.kind, FaultKind::Unsupported);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_copy_of_the_uploads_lengthens_the_locks_of_what_it_shares_with_an_earlier_one() {
    let (store, client, name) = bucket("shared", true).await;
    let (uploads, _, _) = bucket("uploads", false).await;
    for n in 0..20 {
        uploads.put(&format!("{n}.jpg"), vec![n; 1000].into()).await.expect("puts");
    }
    copy(&store, uploads.as_ref(), Span::secs(60)).await;
    uploads.put("new.jpg", Bytes::from_static(b"new")).await.expect("puts");
    let second = copy(&store, uploads.as_ref(), LOCK).await;
    let until = second.locked_until.expect("a lock");
    assert_eq!(second.objects.len(), 22, "the list and 21 blobs");
    for object in &second.objects {
        let found = client.head_object().bucket(&name).key(&object.key).send().await.expect("is there");
        let kept = found.object_lock_retain_until_date().and_then(|at| at.to_millis().ok()).map(Instant);
        assert!(kept >= Some(until), "{} is kept until {kept:?} only", object.key);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slices_and_what_makes_them_exist_are_locked_too() {
    let (store, client, name) = bucket("slices", true).await;
    let terms = locked().from(SystemClock.now());
    let kept = store.on_terms(&terms).await.expect("locks");
    let at = |secs| OpTime::new(secs, 1);
    let mut pending = Pending::default();
    let entry = bson::rawdoc! { "ts": bson::Timestamp { time: 20, increment: 1 } };
    pending.take(Bytes::copy_from_slice(entry.as_bytes()), at(10)).expect("takes");
    let end = End { last: at(10), previous: None };
    let clock = (&SystemClock as &dyn Clock, terms.locked_until);
    let header = chain::store_data(&end, &pending, "shop", None, kept.as_ref(), clock).await.expect("stores");
    // The store itself, as a successor of the capture has it: the header's own word decides.
    chain::hang(&header, store.as_ref()).await.expect("hangs");
    let slice = SliceName::new("shop", at(10), at(20)).expect("a name");
    for key in [slice.data().to_string(), slice.header().to_string()] {
        assert_eq!(deleted(&client, &name, &key).await, Vec::<String>::new());
    }
    let evidence = catalog::read(store.as_ref(), SystemClock.now()).await.expect("reads");
    assert_eq!(evidence.coverage[0].locked_until, terms.locked_until);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_large_enough_goes_into_the_class_and_what_is_small_stays_cheap() {
    let (store, client, name) = bucket("class", false).await;
    let terms = Terms { storage_class: Some(StorageClass::StandardIa), ..Terms::default() };
    let kept = store.on_terms(&terms).await.expect("opens");
    kept.put("small", vec![1; 1000].into()).await.expect("puts");
    kept.put("large", vec![1; 200_000].into()).await.expect("puts");
    let mut parts = kept.upload("parts").await.expect("begins");
    parts.write(vec![1; 9 << 20].into()).await.expect("writes");
    parts.finish().await.expect("joins");
    let mut classes = Vec::new();
    for key in ["small", "large", "parts"] {
        let found = client.head_object().bucket(&name).key(key).send().await.expect("is there");
        classes.push(found.storage_class().map(|class| class.as_str().to_string()));
    }
    let ia = Some("STANDARD_IA".to_string());
    assert!(classes[0] != ia, "{classes:?}");
    assert_eq!(classes[1..], [ia.clone(), ia]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_encrypts_says_so_for_every_object() {
    let (store, client, name) = bucket("encrypted", false).await;
    let keeping = Keeping { encryption: Some(ServerEncryption::Aes256), ..Keeping::default() };
    let manifest = back_up(&store, "shop", keeping).await.expect("backs up");
    for object in &manifest.objects {
        let found = client.head_object().bucket(&name).key(&object.key).send().await.expect("is there");
        assert_eq!(found.server_side_encryption(), Some(&ServerSideEncryption::Aes256), "{}", object.key);
    }
}

#[tokio::test]
async fn a_store_that_ignores_the_wish_for_encryption_is_found_out() {
    let server = Scripted::start(|_| answer(200, "").with("etag", "\"e\"")).await;
    let options = plimsoll::store::S3Options {
        endpoint: Some(server.endpoint.clone()),
        region: None,
        credentials: Some(("access".to_string(), "secret".to_string())),
    };
    let store = plimsoll::store::open("s3://bucket", &options).await.expect("opens");
    let terms = Terms { encryption: Some(ServerEncryption::Aes256), ..Terms::default() };
    let kept = store.on_terms(&terms).await.expect("opens");
    let fault = kept.put("k", Bytes::from_static(b"x")).await.expect_err("it was not encrypted");
    assert_eq!(fault.kind, FaultKind::Unsupported);
    assert!(fault.to_string().contains("did not encrypt"), "{fault}");
}

/// The program, with the template as its policy, `more` said of its snapshot, and a repository in a folder.
fn run(folder: &Path, verb: &[&str], more: &str) -> (Option<i32>, String) {
    let template = include_str!("../../policies/template.toml");
    let policy = template.replacen("kind = \"snapshot\"", &format!("kind = \"snapshot\"\n{more}"), 1);
    let file = folder.join("plimsoll.toml");
    std::fs::write(&file, policy).expect("writes");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(verb)
        .args(["--repo", &folder.join("repo").display().to_string(), "--uri", "mongodb://127.0.0.1:1/?replicaSet=rs0"])
        .env("PLIMSOLL_POLICY", &file)
        .output()
        .expect("runs");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_run_that_no_protection_of_the_policy_asks_for_is_refused_with_what_the_policy_has() {
    let folder = tempfile::tempdir().expect("a folder");
    let cases = [
        (vec!["backup", "--asset", "nobody"], "declares no asset `nobody`", "database"),
        (vec!["backup", "--asset", "database", "--protection", "oplog"], "no snapshot `oplog`", "nightly"),
        (vec!["capture", "--asset", "uploads"], "no log of `uploads`", "declare it"),
    ];
    for (verb, says, helps) in cases {
        let (status, told) = run(folder.path(), &verb, "");
        assert_eq!(status, Some(2), "{told}");
        assert!(told.contains(says) && told.contains(helps), "{told}");
    }
}

#[test]
fn a_storage_class_that_cannot_be_read_back_at_once_is_refused_at_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let cold = "storage_class = \"s3-glacier-deep-archive\"";
    let (status, told) = run(folder.path(), &["backup", "--asset", "database"], cold);
    assert_eq!(status, Some(2), "{told}");
    assert!(told.contains("storage_class = \"s3-glacier-deep-archive\"") && told.contains("GLACIER_IR"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_says_how_a_point_is_packed_and_kept_and_a_flag_says_otherwise() {
    let (client, db) = (connected().await, servers::unique("policy"));
    let uri = &servers::mongo().await.uri;
    client.database(&db).collection("rows").insert_one(bson::doc! { "n": 1 }).await.expect("inserts");
    let folder = tempfile::tempdir().expect("a folder");
    let policy = include_str!("../../policies/pixelcraft.toml").replace("stored_fraction = 0.3", "compress = \"zstd\"");
    let file = folder.path().join("plimsoll.toml");
    std::fs::write(&file, policy).expect("writes");
    let take = |more: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_plimsoll"))
            .args(["backup", "--asset", "database", "--protection", "nightly-dump", "--db", &db, "--format", "json"])
            .args(more)
            .env("PLIMSOLL_POLICY", &file)
            .env("PLIMSOLL_REPO", folder.path().join("repo"))
            .env("PLIMSOLL_URI", uri)
            .output()
            .expect("runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Manifest::decode(&output.stdout, "stdout").expect("a manifest")
    };
    let kept = |manifest: &Manifest| manifest.expires_at.map(|at| at - manifest.started_at);
    let packed = |manifest: &Manifest| manifest.collections[0].data.clone().unwrap_or_default();
    let by_policy = take(&[]);
    assert_eq!(kept(&by_policy), Some(Span::days(30)));
    assert!(packed(&by_policy).ends_with(".bson.zst"), "{}", packed(&by_policy));
    let by_flag = take(&["--keep", "2d", "--compress", "gzip"]);
    assert_eq!(kept(&by_flag), Some(Span::days(2)));
    assert!(packed(&by_flag).ends_with(".bson.gz"), "{}", packed(&by_flag));
}
