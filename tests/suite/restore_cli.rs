//! The verbs as people run them: back up, restore with its plan first, drill, uploads; with exit statuses.

use std::process::{Command, Output};
use std::time::Duration;

use bson::{Document, doc};
use bytes::Bytes;
use plimsoll::clock::SystemClock;
use plimsoll::mongo::client;
use plimsoll::port::{Clock, ObjectStore};
use plimsoll::store::s3::S3Store;

use super::servers::{bucket, mongo, private_mongo, s3, unique};

struct Shell {
    repository: tempfile::TempDir,
    mongod: std::path::PathBuf,
}

impl Shell {
    fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.args(arguments).env("PLIMSOLL_REPO", self.repository.path()).env("PLIMSOLL_MONGOD", &self.mongod);
        command.env_remove("PLIMSOLL_TARGET_URI").env_remove("PLIMSOLL_URI").envs(variables.iter().copied());
        command.output().expect("plimsoll runs")
    }
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_prints_its_plan_and_writes_only_with_apply() {
    let (from, to, db) = (mongo().await, private_mongo().await, unique("cli"));
    let client_from = client::connect(&from.uri).await.expect("connects");
    let things = client_from.database(&db).collection::<Document>("things");
    things.insert_many((0..100).map(|i| doc! { "_id": i })).await.expect("inserts");
    let shell = Shell { repository: tempfile::tempdir().expect("a folder"), mongod: super::servers::mongod() };
    let saved = shell.run(&["backup", "--asset", "shop", "--db", &db], &[("PLIMSOLL_URI", &from.uri)]);
    assert_eq!(saved.status.code(), Some(0), "{}", text(&saved));

    let held = async || {
        let client = client::connect(&to.uri).await.expect("connects");
        let things = client.database(&db).collection::<Document>("things");
        things.count_documents(doc! {}).await.expect("counts")
    };
    let target = [("PLIMSOLL_TARGET_URI", to.uri.as_str())];
    let planned = shell.run(&["restore", "--asset", "shop"], &target);
    assert_eq!(planned.status.code(), Some(0), "{}", text(&planned));
    assert!(text(&planned).contains("100 documents") && text(&planned).contains("--apply"), "{}", text(&planned));
    assert_eq!(held().await, 0, "a plan writes nothing");

    let applied = shell.run(&["restore", "--asset", "shop", "--apply"], &target);
    assert_eq!(applied.status.code(), Some(0), "{}", text(&applied));
    assert_eq!(held().await, 100);
    let again = shell.run(&["restore", "--asset", "shop", "--apply"], &target);
    assert_eq!(again.status.code(), Some(1), "{}", text(&again));
    assert!(text(&again).contains("--replace"), "{}", text(&again));
    let replaced = shell.run(&["restore", "--asset", "shop", "--apply", "--replace"], &target);
    assert_eq!(replaced.status.code(), Some(0), "{}", text(&replaced));

    let secret = shell.run(&["restore", "--asset", "shop", "--to-uri", "mongodb://anna:geheim@localhost/"], &[]);
    assert_eq!(secret.status.code(), Some(2));
    assert!(!text(&secret).contains("geheim"), "{}", text(&secret));
    let wrong = shell.run(&["restore", "--asset", "shop", "--at", "yesterday"], &target);
    assert_eq!(wrong.status.code(), Some(2), "{}", text(&wrong));

    let drill = shell.run(&["drill", "--asset", "shop"], &[]);
    assert_eq!(drill.status.code(), Some(0), "{}", text(&drill));
    assert!(text(&drill).contains("passed") && text(&drill).contains("provision"), "{}", text(&drill));
}

#[test]
fn uploads_go_from_one_directory_into_the_repository_and_out_to_another() {
    let folder = tempfile::tempdir().expect("a folder");
    let shell = Shell { repository: tempfile::tempdir().expect("a folder"), mongod: "unused".into() };
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    std::fs::create_dir_all(from.join("img")).expect("makes");
    std::fs::write(from.join("img/1.jpg"), "one").expect("writes");
    let (from, to) = (from.to_string_lossy().into_owned(), to.to_string_lossy().into_owned());
    let saved = shell.run(&["backup", "--asset", "uploads", "--bucket", &from], &[]);
    assert_eq!(saved.status.code(), Some(0), "{}", text(&saved));
    let arguments = ["restore", "--asset", "uploads", "--uploads", "--to", &to];
    let planned = shell.run(&arguments, &[]);
    assert!(text(&planned).contains("1 object,") && !std::path::Path::new(&to).exists(), "{}", text(&planned));
    let applied = shell.run(&[&arguments[..], &["--apply"]].concat(), &[]);
    assert_eq!(applied.status.code(), Some(0), "{}", text(&applied));
    assert_eq!(std::fs::read(format!("{to}/img/1.jpg")).expect("reads"), b"one");

    // A later snapshot holds what a database at an earlier instant knows nothing of.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let between = SystemClock.now();
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    std::fs::write(format!("{from}/img/2.jpg"), "two").expect("writes");
    let saved = shell.run(&["backup", "--asset", "uploads", "--bucket", &from], &[]);
    assert_eq!(saved.status.code(), Some(0), "{}", text(&saved));
    let (then, at) = (format!("{to}-then"), between.to_string());
    let arguments = ["restore", "--asset", "uploads", "--uploads", "--at", &at, "--to", &then];
    let planned = shell.run(&arguments, &[]);
    assert!(text(&planned).contains("apart ") && text(&planned).contains("1 object,"), "{}", text(&planned));
    let applied = shell.run(&[&arguments[..], &["--apply"]].concat(), &[]);
    assert_eq!(applied.status.code(), Some(0), "{}", text(&applied));
    assert_eq!(std::fs::read_dir(format!("{then}/img")).expect("reads").count(), 1);
    let early = ["restore", "--asset", "uploads", "--uploads", "--at", "2020-01-01T00:00:00Z", "--to", &then];
    let refused = shell.run(&early, &[]);
    assert!(refused.status.code() == Some(1) && text(&refused).contains("at or before"), "{}", text(&refused));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dump_of_another_tool_is_planned_and_restored_under_other_names_without_a_repository() {
    use super::packed::{bson, dump_entries, entry, gzip, metadata, tar};
    let to = mongo().await;
    let db = unique("scripts");
    let folder = tempfile::tempdir().expect("a folder");
    let shell = Shell { repository: tempfile::tempdir().expect("a folder"), mongod: "unused".into() };
    let dump = folder.path().join("2026-02-19_03-00.tar.gz");
    let mut entries = dump_entries();
    entries.push(entry("backups/now/shop/orders.metadata.json", b'0', &metadata("orders")));
    entries.push(entry("backups/now/shop/orders.bson", b'0', &bson(&[doc! { "_id": 1 }])));
    std::fs::write(&dump, gzip(&tar(&entries))).expect("writes");
    let (dump, rename) = (dump.to_string_lossy().into_owned(), format!("shop={db}"));
    let arguments = ["restore", "--from", &dump, "--only", "shop.users", "--rename", &rename, "--to-uri", &to.uri];
    let held = async || {
        let client = client::connect(&to.uri).await.expect("connects");
        client.database(&db).list_collection_names().await.expect("lists")
    };
    let planned = shell.run(&arguments, &[]);
    assert_eq!(planned.status.code(), Some(0), "{}", text(&planned));
    let said = text(&planned);
    assert!(said.contains("a tar of a dump, packed by gzip") && said.contains("2 documents"), "{said}");
    assert!(said.contains(&format!("shop.users to {db}.users")) && said.contains("--apply"), "{said}");
    assert!(held().await.is_empty(), "a plan writes nothing");
    let applied = shell.run(&[&arguments[..], &["--apply"]].concat(), &[]);
    assert_eq!(applied.status.code(), Some(0), "{}", text(&applied));
    assert_eq!(held().await, ["users"]);
    let again = shell.run(&[&arguments[..], &["--apply"]].concat(), &[]);
    assert!(again.status.code() == Some(1) && text(&again).contains("--replace"), "{}", text(&again));

    let evil = folder.path().join("evil.tar");
    entries.push(entry("backups/now/shop/x.bson", b'2', b""));
    std::fs::write(&evil, tar(&entries)).expect("writes");
    for (arguments, status, says) in [
        (vec!["restore", "--from", &evil.to_string_lossy(), "--to-uri", &to.uri, "--apply"], 1, "symbolic link"),
        (vec!["restore", "--from", "/nowhere/at/all"], 1, "/nowhere/at/all"),
        (vec!["restore", "--from", &dump, "--only", "shop.nothing"], 1, "shop.nothing"),
        (vec!["restore", "--from", &dump, "--asset", "shop"], 2, "--asset"),
        (vec!["restore", "--from", &dump, "--rename", "shop"], 2, "renaming"),
        (vec!["restore"], 2, "--asset"),
    ] {
        let refused = shell.run(&arguments, &[]);
        assert_eq!(refused.status.code(), Some(status), "{arguments:?}: {}", text(&refused));
        assert!(text(&refused).contains(says), "{arguments:?}: {}", text(&refused));
    }
}

#[test]
fn the_uploads_in_a_tarball_of_the_original_scripts_come_out_whole_or_not_at_all() {
    use super::packed::{dump_entries, entry, gzip, tar};
    let folder = tempfile::tempdir().expect("a folder");
    let shell = Shell { repository: tempfile::tempdir().expect("a folder"), mongod: "unused".into() };
    let (dump, out) = (folder.path().join("dump.tar.gz"), folder.path().join("out"));
    let large: Vec<u8> = (0..3_000_000_u32).map(|i| i.to_le_bytes()[i as usize % 3]).collect();
    let mut entries = dump_entries();
    entries.push(entry("backups/now/uploads/img/large.jpg", b'0', &large));
    entries.push(entry("backups/now/uploads/empty.txt", b'0', b""));
    std::fs::write(&dump, gzip(&tar(&entries))).expect("writes");
    let (dump, to) = (dump.to_string_lossy().into_owned(), out.to_string_lossy().into_owned());
    let arguments = ["restore", "--from", &dump, "--uploads", "--to", &to];
    let planned = shell.run(&arguments, &[]);
    assert!(planned.status.success() && text(&planned).contains("2 files of uploads"), "{}", text(&planned));
    assert!(!out.exists(), "a plan writes nothing");
    let applied = shell.run(&[&arguments[..], &["--apply"]].concat(), &[]);
    assert!(applied.status.success() && text(&applied).contains("2 files"), "{}", text(&applied));
    assert!(std::fs::read(out.join("img/large.jpg")).expect("reads") == large);
    assert_eq!(std::fs::read(out.join("empty.txt")).expect("reads"), b"");
    let again = shell.run(&[&arguments[..], &["--apply"]].concat(), &[]);
    assert!(again.status.code() == Some(1) && text(&again).contains("--replace"), "{}", text(&again));

    let cut = std::fs::read(&dump).expect("reads");
    std::fs::write(&dump, &cut[..cut.len() - 100]).expect("writes");
    std::fs::remove_dir_all(&out).expect("removes");
    let refused = shell.run(&[&arguments[..], &["--apply"]].concat(), &[]);
    assert!(refused.status.code() == Some(1) && text(&refused).contains("cannot read"), "{}", text(&refused));
    assert!(!out.exists(), "nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_restore_says_what_the_target_holds_and_how_to_go_on() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;
    let to = private_mongo().await;
    let folder = tempfile::tempdir().expect("a folder");
    let dump = folder.path().join("dump.tar");
    std::fs::write(&dump, super::packed::tar(&super::packed::dump_entries())).expect("writes");
    let client = client::connect(&to.uri).await.expect("connects");
    let admin = client.database("admin");
    // Every write waits from here on: the restore hangs in the middle, however fast the machine is.
    admin.run_command(doc! { "fsync": 1, "lock": true }).await.expect("locks");
    let mut restore = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    restore.arg("restore").arg("--from").arg(&dump).args(["--to-uri", &to.uri, "--apply", "--replace"]);
    let mut running = restore.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("plimsoll runs");
    let mut lines = BufReader::new(running.stderr.take().expect("piped")).lines();
    let checked = lines.by_ref().map_while(Result::ok).any(|line| line.trim_start().starts_with("check"));
    assert!(checked, "it has begun to write");
    let killed = Command::new("kill").args(["-TERM", &running.id().to_string()]).status().expect("kill");
    assert!(killed.success());
    let said: Vec<String> = lines.map_while(Result::ok).collect();
    assert_eq!(running.wait().expect("ends").code(), Some(1), "{said:?}");
    let said = said.join("\n");
    assert!(said.contains("stopped before its end") && said.contains("`shop`") && said.contains("--replace"), "{said}");

    admin.run_command(doc! { "fsyncUnlock": 1 }).await.expect("unlocks");
    // What it had sent, if it came so far, is done only now, and must not meet the next run.
    for _ in 0..100 {
        if !client.database("shop").list_collection_names().await.expect("lists").is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let again = restore.output().expect("plimsoll runs");
    assert_eq!(again.status.code(), Some(0), "{}", text(&again));
    let users = client.database("shop").collection::<Document>("users");
    assert_eq!(users.count_documents(doc! {}).await.expect("counts"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_and_its_uploads_come_back_as_of_one_instant_or_neither_is_touched() {
    let (from, to, db, s3) = (mongo().await, private_mongo().await, unique("together"), s3().await);
    let name = bucket("together").await;
    let uploads = S3Store::open(&name, "", &s3.options()).await.expect("opens");
    uploads.keep_versions().await.expect("keeps versions");
    uploads.put("a.jpg", Bytes::from_static(b"as it was")).await.expect("puts");
    let images = client::connect(&from.uri).await.expect("connects").database(&db).collection::<Document>("images");
    images.insert_one(doc! { "object": "a.jpg" }).await.expect("inserts");
    let shell = Shell { repository: tempfile::tempdir().expect("a folder"), mongod: super::servers::mongod() };
    let variables = [
        ("PLIMSOLL_URI", from.uri.as_str()),
        ("PLIMSOLL_TARGET_URI", to.uri.as_str()),
        ("AWS_ENDPOINT_URL_S3", s3.endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", s3.access_key.as_str()),
        ("AWS_SECRET_ACCESS_KEY", s3.secret_key.as_str()),
    ];
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let saved = shell.run(&["backup", "--asset", "shop", "--db", &db], &variables);
    assert_eq!(saved.status.code(), Some(0), "{}", text(&saved));
    // What comes later is no part of that instant, though the copy of the uploads is taken after it.
    tokio::time::sleep(Duration::from_millis(2100)).await;
    uploads.put("a.jpg", Bytes::from_static(b"overwritten")).await.expect("puts");
    uploads.put("b.jpg", Bytes::from_static(b"later")).await.expect("puts");
    let saved = shell.run(&["backup", "--asset", "pictures", "--bucket", &format!("s3://{name}")], &variables[2..]);
    assert_eq!(saved.status.code(), Some(0), "{}", text(&saved));

    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("uploads").display().to_string();
    let both = ["restore", "--asset", "shop", "--with-uploads", "pictures", "--to", &out];
    let planned = shell.run(&both, &variables);
    assert_eq!(planned.status.code(), Some(0), "{}", text(&planned));
    assert!(text(&planned).contains("1 documents") && text(&planned).contains("1 object"), "{}", text(&planned));

    std::fs::create_dir(&out).expect("makes");
    std::fs::write(folder.path().join("uploads/taken"), "somebody's").expect("writes");
    let refused = shell.run(&[&both[..], &["--apply"]].concat(), &variables);
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    let held = client::connect(&to.uri).await.expect("connects").list_database_names().await.expect("lists");
    assert!(!held.contains(&db), "the database waits until the uploads can come too");

    std::fs::remove_file(folder.path().join("uploads/taken")).expect("removes");
    let applied = shell.run(&[&both[..], &["--apply"]].concat(), &variables);
    assert_eq!(applied.status.code(), Some(0), "{}", text(&applied));
    assert_eq!(std::fs::read(folder.path().join("uploads/a.jpg")).expect("is there"), b"as it was");
    assert!(!folder.path().join("uploads/b.jpg").exists());
    let restored = client::connect(&to.uri).await.expect("connects").database(&db).collection::<Document>("images");
    assert_eq!(restored.count_documents(doc! {}).await.expect("counts"), 1);
}
