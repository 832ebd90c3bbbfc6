//! No lock-in, encrypted too: the stock `age` opens what Plimsoll sealed, stock `mongorestore` reads it, and Plimsoll opens
//! what the stock `age` sealed.

use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use bson::{Document, doc};
use plimsoll::base::Compression;
use plimsoll::clock::SystemClock;
use plimsoll::engine::content::Tally;
use plimsoll::mongo::{Source, client};
use plimsoll::port::ObjectStore;
use plimsoll::seal::Head;
use plimsoll::store::directory::DirectoryStore;

use super::peers::{age_peer, peers};
use super::restored::{back_up_as, state};
use super::seal::{keys, new_identity};
use super::sealed::{files, keyed};
use super::servers::{private_mongo, unique};

/// Runs `age`, which must succeed.
fn age(program: &Path, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().expect("age runs");
    assert!(output.status.success(), "age {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_age_and_mongorestore_restore_a_sealed_point_without_plimsoll() {
    let story = "stock_age_and_mongorestore_restore_a_sealed_point_without_plimsoll";
    let (Some(program), Some(peers)) = (age_peer(story), peers(story)) else { return };
    let (from, to, db) = (private_mongo().await, private_mongo().await, unique("interop"));
    let client_from = client::connect(&from.uri).await.expect("connects");
    let things = client_from.database(&db).collection::<Document>("things");
    things.insert_many((0..5000).map(|i| doc! { "_id": i, "text": "t".repeat(200) })).await.expect("inserts");
    let (folder, (secret, identity)) = (tempfile::tempdir().expect("a folder"), new_identity());
    let store: Arc<dyn ObjectStore> = Arc::new(DirectoryStore::new(folder.path().join("repository")));
    let writing = keyed(&store, &[&identity], &[]);
    plimsoll::repository::open(Arc::clone(&writing), &SystemClock).await.expect("a repository");
    let source = Source::new(client_from.clone());
    let point = back_up_as(Compression::default(), &source, &writing, &[&db]).await;
    let key_file = folder.path().join("key.txt");
    std::fs::write(&key_file, &secret).expect("writes");

    let (dump, key_file) = (folder.path().join("dump"), key_file.display().to_string());
    let mut gunzipped = 0;
    for (name, _) in files(&folder.path().join("repository/snapshots")) {
        let Some((_, inside)) = name.split_once("/dump/") else { continue };
        let plain = dump.join(inside.strip_suffix(".age").expect("every file of the dump is sealed"));
        std::fs::create_dir_all(plain.parent().expect("a folder")).expect("makes");
        age(&program, &["-d", "-i", &key_file, "-o", &plain.display().to_string(), &name]);
        if plain.display().to_string().ends_with("things.bson.gz") {
            let unpacked = Command::new("gzip").arg("-dc").arg(&plain).output().expect("gzip runs");
            let tally = Tally::of(&unpacked.stdout).expect("BSON");
            assert_eq!((unpacked.status.success(), tally.documents), (true, 5000));
            gunzipped += 1;
        }
    }
    assert_eq!((gunzipped, point.collections.len()), (1, 1));
    peers.mongorestore(&to.uri, &["--gzip", &dump.display().to_string()]);
    let to = Source::new(client::connect(&to.uri).await.expect("connects"));
    assert_eq!(state(&to, &[&db], None).await, state(&source, &[&db], None).await);
}

#[test]
fn plimsoll_opens_what_stock_age_sealed_for_several() {
    let story = "plimsoll_opens_what_stock_age_sealed_for_several";
    let Some(program) = age_peer(story) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let ((_, one), (_, two)) = (new_identity(), new_identity());
    let (plain, sealed) = (folder.path().join("plain"), folder.path().join("sealed"));
    let body: Vec<u8> = (0..200_000_u32).map(|i| (i % 249) as u8).collect();
    std::fs::write(&plain, &body).expect("writes");
    let recipients = [one.recipient().as_str(), two.recipient().as_str()];
    let (plain, out) = (plain.display().to_string(), sealed.display().to_string());
    age(&program, &["-r", recipients[0], "-r", recipients[1], "-o", &out, &plain]);
    let sealed = std::fs::read(&sealed).expect("reads");
    let mut source = sealed.as_slice();
    let head = Head::read(&mut source).expect("a head");
    let mut opened = Vec::new();
    head.open(source, &keys(&[], &[&two]), "it").expect("opens").read_to_end(&mut opened).expect("reads");
    assert!(opened == body);
}
