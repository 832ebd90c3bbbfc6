//! Encryption as people meet it: recipients by flag and file, identities by file and descriptor, secrets in no output.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use bson::{Document, doc};
use plimsoll::mongo::client;

use super::seal::new_identity;
use super::sealed::{files, holds};
use super::servers::{mongo, private_mongo, unique};

pub struct Shell {
    pub folder: tempfile::TempDir,
}

impl Shell {
    pub fn new() -> Self {
        Shell { folder: tempfile::tempdir().expect("a folder") }
    }

    pub fn repository(&self) -> PathBuf {
        self.folder.path().join("repository")
    }

    /// A file of this text, readable as `mode` says.
    pub fn file(&self, name: &str, text: &str, mode: u32) -> String {
        use std::os::unix::fs::PermissionsExt;
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("writes");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("sets");
        path.display().to_string()
    }

    pub fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        self.fed(arguments, variables, "")
    }

    pub fn fed(&self, arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.args(arguments).env("PLIMSOLL_REPO", self.repository()).env_remove("PLIMSOLL_POLICY");
        command.env("PLIMSOLL_MONGOD", super::servers::mongod());
        command.env_remove("PLIMSOLL_TARGET_URI").env_remove("PLIMSOLL_URI").envs(variables.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("plimsoll runs");
        // A run that reads no input closes it, which is no fault of the story.
        let _ = child.stdin.take().expect("an input").write_all(input.as_bytes());
        child.wait_with_output().expect("plimsoll ends")
    }
}

pub fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn shows_nowhere(secret: &str, outputs: &[&Output], folder: &Path) {
    for output in outputs {
        assert!(!text(output).contains(&secret[16..40]), "{}", text(output));
    }
    for (name, bytes) in files(folder) {
        assert!(!holds(&bytes, &secret[16..40]), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_point_is_sealed_by_flag_and_opened_with_a_file_or_a_descriptor_and_the_secret_shows_nowhere() {
    let (from, to, db) = (mongo().await, private_mongo().await, unique("sealed"));
    let client_from = client::connect(&from.uri).await.expect("connects");
    let things = client_from.database(&db).collection::<Document>("things");
    things.insert_many((0..100).map(|i| doc! { "_id": i })).await.expect("inserts");
    let (shell, (secret, identity), (other, _)) = (Shell::new(), new_identity(), new_identity());
    let recipients = shell.file("team.txt", &format!("# the team\n{}\n", identity.recipient()), 0o644);
    let backup = ["backup", "--asset", "shop", "--db", &db, "--recipients-file", &recipients];
    let saved = shell.run(&backup, &[("PLIMSOLL_URI", &from.uri)]);
    assert_eq!(saved.status.code(), Some(0), "{}", text(&saved));
    assert!(text(&saved).contains(&format!("encrypted for {}", identity.recipient())), "{}", text(&saved));

    let target = [("PLIMSOLL_TARGET_URI", to.uri.as_str())];
    let (right, wrong) = (shell.file("key.txt", &secret, 0o600), shell.file("other.txt", &other, 0o600));
    let none = shell.run(&["restore", "--asset", "shop", "--apply"], &target);
    assert_eq!(none.status.code(), Some(1), "{}", text(&none));
    assert!(text(&none).contains("--identity") && text(&none).contains("nothing was touched"), "{}", text(&none));
    let refused = shell.run(&["restore", "--asset", "shop", "--apply", "--identity", &wrong], &target);
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    let open = shell.file("open.txt", &secret, 0o644);
    let readable = shell.run(&["restore", "--asset", "shop", "--apply", "--identity", &open], &target);
    assert_eq!(readable.status.code(), Some(2), "{}", text(&readable));
    assert!(text(&readable).contains("chmod 600"), "{}", text(&readable));
    let by_file = shell.run(&["restore", "--asset", "shop", "--apply", "--identity", &right], &target);
    assert_eq!(by_file.status.code(), Some(0), "{}", text(&by_file));
    let arguments = ["restore", "--asset", "shop", "--apply", "--replace", "--identity-fd", "0"];
    let by_descriptor = shell.fed(&arguments, &target, &format!("{secret}\n"));
    assert_eq!(by_descriptor.status.code(), Some(0), "{}", text(&by_descriptor));
    let spoilt = shell.fed(&arguments, &target, &secret[..40]);
    assert_eq!(spoilt.status.code(), Some(2), "{}", text(&spoilt));
    let drill = shell.run(&["drill", "--asset", "shop", "--identity", &right], &[]);
    assert_eq!(drill.status.code(), Some(0), "{}", text(&drill));
    let verified = shell.run(&["verify"], &[]);
    assert_eq!(verified.status.code(), Some(0), "{}", text(&verified));
    assert!(text(&verified).contains("objects are encrypted"), "{}", text(&verified));
    let given = shell.run(&["backup", "--asset", "shop", "--recipient", &secret], &[("PLIMSOLL_URI", &from.uri)]);
    assert_eq!(given.status.code(), Some(2), "{}", text(&given));
    let outputs = [&saved, &none, &refused, &readable, &by_file, &by_descriptor, &spoilt, &drill, &verified, &given];
    shows_nowhere(&secret, &outputs, &shell.repository());

    let dump = shell.folder.path().join("dump").display().to_string();
    let downloaded =
        shell.run(&["restore", "--asset", "shop", "--download", &dump, "--apply", "--identity", &right], &[]);
    assert_eq!(downloaded.status.code(), Some(0), "{}", text(&downloaded));
    let data = files(Path::new(&dump)).into_iter().find(|(name, _)| name.ends_with("things.bson.gz"));
    let mut raw = Vec::new();
    let packed = data.expect("a plain dump").1;
    std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(packed.as_slice()), &mut raw).expect("gzip");
    assert_eq!(plimsoll::engine::content::Tally::of(&raw).expect("BSON").documents, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_says_for_whom_and_a_run_that_cannot_seal_what_is_to_be_encrypted_stores_nothing() {
    let (from, db, shell) = (mongo().await, unique("policy"), Shell::new());
    let client_from = client::connect(&from.uri).await.expect("connects");
    client_from.database(&db).collection::<Document>("things").insert_one(doc! { "_id": 1 }).await.expect("inserts");
    let (secret, identity) = new_identity();
    let plan = |more: &str| {
        format!(
            "plimsoll = 1\nname = \"shop\"\n[domain.here]\nkind = \"host\"\n[domain.there]\nkind = \"bucket\"\n\
             [asset.shop]\nkind = \"mongodb\"\nlives_in = [\"here\"]\n[protection.nightly]\nkind = \"snapshot\"\n\
             assets = [\"shop\"]\nschedule = \"0 3 * * *\"\ntakes = \"1min\"\nstored_in = [\"there\"]\n\
             encrypted = true\n{more}"
        )
    };
    let uri = [("PLIMSOLL_URI", from.uri.as_str())];
    let nobody = shell.file("nobody.toml", &plan(""), 0o644);
    let refused = shell.run(&["backup", "--asset", "shop", "--db", &db, "--policy", &nobody], &uri);
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
    assert!(text(&refused).contains("nobody.toml:16:") && text(&refused).contains("for whom"), "{}", text(&refused));
    assert!(!shell.repository().exists() || files(&shell.repository()).is_empty(), "nothing was stored");

    let team = format!("[encryption]\nrecipients = [\"{}\"]\n", identity.recipient());
    let team = shell.file("team.toml", &plan(&team), 0o644);
    let saved = shell.run(&["backup", "--asset", "shop", "--db", &db, "--policy", &team], &uri);
    assert_eq!(saved.status.code(), Some(0), "{}", text(&saved));
    let audit = |code: &str| {
        let audited = shell.run(&["audit", &team, "--format", "json", "--no-cache"], &[]);
        let found: serde_json::Value = serde_json::from_slice(&audited.stdout).expect("JSON");
        let findings = found["policies"][0]["findings"].as_array().expect("findings").clone();
        findings.into_iter().find(|finding| finding["code"] == code).map(|finding| finding["verdict"].clone())
    };
    assert_eq!(audit("key-unproven"), Some("unproven".into()));
    let (right, wrong) = (shell.file("key.txt", &secret, 0o600), shell.file("other.txt", &new_identity().0, 0o600));
    let failed = shell.run(&["drill", "--asset", "shop", "--identity", &wrong], &[]);
    assert_eq!(failed.status.code(), Some(1), "{}", text(&failed));
    assert_eq!(audit("key-unproven"), Some("breached".into()));
    let passed = shell.run(&["drill", "--asset", "shop", "--identity", &right], &[]);
    assert_eq!(passed.status.code(), Some(0), "{}", text(&passed));
    assert!(
        text(&passed).contains(&format!("opened by the identity of {}", identity.recipient())),
        "{}",
        text(&passed)
    );
    assert_eq!((audit("key-unproven"), audit("not-encrypted")), (None, None));

    let (_, next) = new_identity();
    let rekey = ["rekey", "--recipient", next.recipient().as_str(), "--identity", &right];
    let planned = shell.run(&rekey, &[]);
    assert!(
        text(&planned).contains("Nothing was written") && !text(&planned).contains("1 slice"),
        "{}",
        text(&planned)
    );
    let done = shell.run(&[&rekey[..], &["--apply"]].concat(), &[]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done));
    assert!(text(&done).contains("1 point and 0 slices"), "{}", text(&done));
    assert_eq!(audit("key-unproven"), Some("unproven".into()), "the drill opened what was there before");
}
