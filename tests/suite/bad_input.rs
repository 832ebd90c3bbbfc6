//! What a user gets wrong, or the world breaks: the message, the exit status, and that nothing is lost or given away.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use super::servers;

const SECRET: &str = "hunter2-geheim";

struct Answer {
    status: Option<i32>,
    stderr: String,
    took: Duration,
}

fn run(command: &mut Command) -> Answer {
    let began = Instant::now();
    let Output { status, stdout, stderr } = command.output().expect("the program starts");
    let stderr = String::from_utf8(stderr).expect("messages are UTF-8");
    let stdout = String::from_utf8(stdout).expect("results are UTF-8");
    assert!(!stderr.contains(SECRET) && !stdout.contains(SECRET), "a secret was shown:\n{stderr}\n{stdout}");
    Answer { status: status.code(), stderr, took: began.elapsed() }
}

fn plimsoll(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.args(args).env_remove("PLIMSOLL_URI").env_remove("PLIMSOLL_REPO").env_remove("AWS_ENDPOINT_URL_S3");
    command
}

fn check(policy: &str) -> Answer {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("plan.toml"), policy).expect("written");
    run(plimsoll(&["check", "plan.toml"]).current_dir(folder.path()))
}

/// The lines must come in this order; what stands between them may change.
#[track_caller]
fn says(answer: &Answer, status: i32, lines: &[&str]) {
    let mut rest = answer.stderr.as_str();
    for line in lines {
        let at = rest.find(line).unwrap_or_else(|| panic!("`{line}` is missing in:\n{}", answer.stderr));
        rest = &rest[at + line.len()..];
    }
    assert_eq!(answer.status, Some(status), "{}", answer.stderr);
}

#[test]
fn an_unknown_field_and_a_wrong_unit_are_both_shown_at_their_lines() {
    let answer =
        check("plimsoll = 1\nname = \"x\"\ncurrency = \"USD\"\n\n[objective]\nrpoo = \"1h\"\nrto = \"2 moons\"\n");
    says(&answer, 2, &["rpoo", "plan.toml:6:1", "rpoo = \"1h\"", "^^^^", "rpo"]);
    says(&answer, 2, &["unknown unit `moons`", "plan.toml:7:7", "min, h, d"]);
}

#[test]
fn a_policy_that_is_not_there_is_named() {
    says(&run(&mut plimsoll(&["check", "no-such.toml"])), 2, &["no-such.toml"]);
}

#[test]
fn a_database_that_does_not_answer_is_named_within_seconds() {
    let folder = tempfile::tempdir().expect("a folder");
    let repo = folder.path().display().to_string();
    let answer =
        run(&mut plimsoll(&["backup", "--uri", "mongodb://127.0.0.1:1/", "--repo", &repo, "--asset", "database"]));
    says(&answer, 1, &["127.0.0.1:1", "help:"]);
    assert!(answer.took < Duration::from_secs(15), "it took {:?}", answer.took);
}

#[test]
fn a_password_on_the_command_line_is_refused_and_not_repeated() {
    let uri = format!("mongodb://anna:{SECRET}@127.0.0.1:1/");
    let answer = run(&mut plimsoll(&["backup", "--uri", &uri, "--repo", "x", "--asset", "database"]));
    says(&answer, 2, &["password", "PLIMSOLL_URI"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_without_the_password() {
    let mongo = servers::mongo().await;
    let folder = tempfile::tempdir().expect("a folder");
    let uri = format!("mongodb://anna:{SECRET}@127.0.0.1:{}/?directConnection=true", mongo.port);
    let repo = folder.path().display().to_string();
    let answer = run(plimsoll(&["backup", "--repo", &repo, "--asset", "database"]).env("PLIMSOLL_URI", uri));
    says(&answer, 1, &["help:"]);
    assert!(answer.stderr.to_lowercase().contains("password"), "{}", answer.stderr);
    assert_eq!(files_in(folder.path()), 0, "nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_bucket_and_wrong_keys_are_told_apart() {
    let s3 = servers::s3().await;
    let mongo = servers::mongo().await;
    let mut missing =
        plimsoll(&["backup", "--uri", &mongo.uri, "--repo", "s3://no-such-bucket/x", "--asset", "database"]);
    let missing = with_keys(&mut missing, &s3.endpoint, &s3.access_key, &s3.secret_key);
    says(&run(missing), 1, &["no-such-bucket", "help:"]);

    let bucket = servers::bucket("bad-keys").await;
    let repo = format!("s3://{bucket}/x");
    let mut denied = plimsoll(&["backup", "--uri", &mongo.uri, "--repo", &repo, "--asset", "database"]);
    let denied = run(with_keys(&mut denied, &s3.endpoint, &s3.access_key, SECRET));
    says(&denied, 1, &[&bucket, "help:"]);
    assert!(denied.stderr.contains("denied") || denied.stderr.contains("credentials"), "{}", denied.stderr);
}

fn with_keys<'a>(command: &'a mut Command, endpoint: &str, access: &str, secret: &str) -> &'a mut Command {
    command
        .env("AWS_ENDPOINT_URL_S3", endpoint)
        .env("AWS_ACCESS_KEY_ID", access)
        .env("AWS_SECRET_ACCESS_KEY", secret)
        .env("AWS_REGION", "us-east-1")
        .env_remove("AWS_PROFILE")
}

/// On a real file system of 256 kB, mounted for this program alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_fails_the_backup_and_leaves_no_snapshot() {
    let mongo = servers::mongo().await;
    let db = servers::unique("full-disk");
    let client = mongodb::Client::with_uri_str(&mongo.uri).await.expect("connects");
    let mut random = plimsoll::base::rng::Stream::new(1, 1);
    let documents: Vec<_> = (0..400)
        .map(|i| {
            let bytes: Vec<u8> = (0..512).flat_map(|_| random.next_u64().to_le_bytes()).collect();
            bson::doc! { "_id": i, "noise": bson::Binary { subtype: bson::spec::BinarySubtype::Generic, bytes } }
        })
        .collect();
    client.database(&db).collection("images").insert_many(documents).await.expect("inserted");
    let folder = tempfile::tempdir().expect("a folder");
    let script = r#"mount -t tmpfs -o size=256k tmpfs "$DISK" && "$PLIMSOLL" backup --uri "$TO" --repo "$DISK" --asset database --db "$DB"
        status=$?; find "$DISK" -name manifest.json; exit $status"#;
    let mut shell = Command::new("unshare");
    shell.args(["--mount", "--map-root-user", "sh", "-c", script]).env("DISK", folder.path()).env("DB", &db);
    shell.env("PLIMSOLL", env!("CARGO_BIN_EXE_plimsoll")).env("TO", &mongo.uri);
    let output = shell.output().expect("unshare is part of every Linux");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("No space left") && stderr.contains("free space"), "{stderr}");
    assert!(output.stdout.is_empty(), "a manifest was left: {}", String::from_utf8_lossy(&output.stdout));
}

fn files_in(folder: &Path) -> usize {
    std::fs::read_dir(folder).expect("readable").count()
}
