//! A folder to work in, with the verbs as a shell runs them there, and a repository where a story needs one.

use std::path::PathBuf;
use std::process::{Command, Output};

pub struct Desk {
    folder: tempfile::TempDir,
}

/// What a verb printed, and its exit status.
pub struct Said {
    pub out: String,
    pub err: String,
    pub status: i32,
}

impl Desk {
    pub fn new() -> Self {
        Desk { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> &Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs Plimsoll; the words are parted by blanks.
    pub fn run(&self, words: &str) -> Said {
        self.run_words(&words.split_whitespace().collect::<Vec<_>>())
    }

    pub fn run_words(&self, words: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.env_remove("PLIMSOLL_POLICY").env_remove("PLIMSOLL_REPO");
        said(command.current_dir(self.folder.path()).args(words).output().unwrap())
    }

    pub fn json(&self, words: &str) -> serde_json::Value {
        let said = self.run(words);
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}{}", said.out, said.err))
    }

    /// Runs git as nobody in particular.
    pub fn git(&self, words: &[&str]) -> Said {
        let mut git = Command::new("git");
        git.envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")]);
        git.args(["-c", "user.name=Plimsoll", "-c", "user.email=plimsoll@example.com"]);
        let said = said(git.current_dir(self.folder.path()).args(words).output().unwrap());
        assert_eq!(said.status, 0, "git {words:?}: {}", said.err);
        said
    }

    /// All that is there as the first commit of `main`, and a branch for what comes.
    pub fn committed(&self) -> &Self {
        self.git(&["init", "--quiet", "--initial-branch=main"]);
        self.commit();
        self.git(&["checkout", "--quiet", "-b", "work"]);
        self
    }

    pub fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message=as it stands"]);
    }
}

fn said(output: Output) -> Said {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { out: text(output.stdout), err: text(output.stderr), status: output.status.code().unwrap() }
}
