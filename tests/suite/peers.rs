//! Stock mongodump and mongorestore, for stories that hold Plimsoll against the real thing. They are built once by
//! `.ci/peers`; where that cannot be, the run names each story that it left out.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::OnceLock;

#[derive(Debug, Clone)]
pub struct Peers {
    folder: PathBuf,
}

/// The tools; none where they cannot be built, which is said on the terminal, past the harness that hides output.
pub fn peers(story: &str) -> Option<Peers> {
    static FOUND: OnceLock<Result<Peers, String>> = OnceLock::new();
    match FOUND.get_or_init(find) {
        Ok(peers) => Some(peers.clone()),
        Err(why) => {
            let line = format!("LEFT OUT: {story}: no stock mongodump and mongorestore: {why}\n");
            std::io::stderr().write_all(line.as_bytes()).expect("the terminal takes it");
            None
        }
    }
}

fn find() -> Result<Peers, String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/.ci/peers");
    let built = Command::new(script).output().map_err(|error| format!("{script}: {error}"))?;
    if !built.status.success() {
        return Err(String::from_utf8_lossy(&built.stderr).trim().replace('\n', "; "));
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let folder = cache.or_else(home).ok_or("neither XDG_CACHE_HOME nor HOME is set")?;
    Ok(Peers { folder: folder.join("plimsoll/peers") })
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
