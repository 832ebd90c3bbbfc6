//! What stood in a repository before: read through `git`, from its own files, with no network.

use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::base::{Fault, FaultKind, Result};

/// A commit of a repository.
#[derive(Debug)]
pub struct Commit {
    root: PathBuf,
    id: String,
}

impl Commit {
    /// The newest common ancestor of what is checked out around `near` and `reference`.
    pub fn merge_base(reference: &str, near: &Path) -> Result<Commit> {
        let root = text(run(near, ["rev-parse", "--show-toplevel"]).map_err(|fault| {
            fault.within(format!("`{}` is in no git repository", near.display())).help(WITHOUT_GIT)
        })?)?;
        let root = PathBuf::from(root.trim_end_matches('\n'));
        let commit = format!("{reference}^{{commit}}");
        let named = run(&root, ["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]).map_err(|fault| {
            let what = format!("git knows no commit `{reference}`");
            Fault::usage(what)
                .because(fault)
                .help("fetch it first (a shallow clone holds few commits), or name another")
        })?;
        let named = text(named)?;
        let base = run(&root, ["merge-base", "HEAD", named.trim()]).map_err(|fault| {
            let what = format!("what is checked out has no commit in common with `{reference}`");
            Fault::usage(what)
                .because(fault)
                .help("fetch the whole history: in GitHub Actions, checkout with fetch-depth: 0")
        })?;
        Ok(Commit { root, id: text(base)?.trim().to_string() })
    }

    /// The commit's id, as short as people write it.
    pub fn short(&self) -> &str {
        self.id.get(..12).unwrap_or(&self.id)
    }

    /// The path from the root of the repository, whether or not the file is still there.
    pub fn inside(&self, file: &Path) -> Result<PathBuf> {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let io = |path: &Path| path.canonicalize().map_err(|e| Fault::io("find", path.display(), e));
        let (folder, root) = (io(folder)?, io(&self.root)?);
        let name = file.file_name().unwrap_or_default();
        let outside = || Fault::usage(format!("`{}` is not in the repository `{}`", file.display(), root.display()));
        folder.strip_prefix(&root).map(|inside| inside.join(name)).map_err(|_| outside().help(WITHOUT_GIT))
    }

    /// Whether the commit has such a file.
    pub fn has(&self, inside: &Path) -> bool {
        run(&self.root, [OsStr::new("cat-file"), OsStr::new("-e"), &self.name(inside)]).is_ok()
    }

    /// The file as the commit has it, up to `most` bytes; none if it has no such file.
    pub fn read(&self, inside: &Path, most: u64) -> Result<Option<Vec<u8>>> {
        if !self.has(inside) {
            return Ok(None);
        }
        let name = self.name(inside);
        let mut child = command(&self.root)
            .args([OsStr::new("cat-file"), OsStr::new("blob"), &name])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(no_git)?;
        let mut bytes = Vec::new();
        let read = child.stdout.take().map(|out| out.take(most).read_to_end(&mut bytes)).transpose();
        // Past `most` it would wait for a reader for ever; its own end says nothing more than the bytes do.
        let _ = child.kill();
        let _ = child.wait();
        read.map_err(|e| Fault::io("read", name.display(), e))?;
        Ok(Some(bytes))
    }

    fn name(&self, inside: &Path) -> std::ffi::OsString {
        let mut name = std::ffi::OsString::from(format!("{}:", self.id));
        name.push(inside.as_os_str());
        name
    }

    /// What the file was called in the commit, if git takes it for a file that was there under another name.
    pub fn former_name(&self, inside: &Path) -> Result<Option<PathBuf>> {
        let fields = self.differences(["--find-renames", "--diff-filter=R"], &[])?;
        let mut renamed = fields.chunks(3);
        Ok(renamed.find_map(|change| match change {
            [_, from, to] if Path::new(to) == inside => Some(PathBuf::from(from)),
            _ => None,
        }))
    }

    /// Files of a folder that the commit has and the work tree does not, renamed ones apart.
    pub fn removed_from(&self, folder: &Path) -> Result<Vec<PathBuf>> {
        let fields = self.differences(["--find-renames", "--diff-filter=D"], &["*.toml"])?;
        let removed = fields.chunks(2).filter_map(|change| change.get(1)).map(PathBuf::from);
        Ok(removed.filter(|path| path.parent() == Some(folder)).collect())
    }

    fn differences(&self, how: [&str; 2], paths: &[&str]) -> Result<Vec<String>> {
        let fixed = ["diff", "--name-status", "-z", "--no-ext-diff", "--no-textconv", "--ignore-submodules"];
        let what = [self.id.as_str(), "--"];
        let words = fixed.iter().chain(&how).chain(&what).chain(paths);
        Ok(text(run(&self.root, words)?)?.split_terminator('\0').map(String::from).collect())
    }
}

const WITHOUT_GIT: &str = "compare with a file instead: --base-file FILE";

/// No prompt, no hook, no lock, and nothing fetched: a missing object is an error.
fn command(at: &Path) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(at).args(["--no-pager", "-c", "core.fsmonitor=false"]);
    command.envs([
        ("GIT_NO_LAZY_FETCH", "1"),
        ("GIT_OPTIONAL_LOCKS", "0"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_LITERAL_PATHSPECS", "0"),
        ("LC_ALL", "C"),
    ]);
    command
}

fn run<S: AsRef<OsStr>>(at: &Path, words: impl IntoIterator<Item = S>) -> Result<Vec<u8>> {
    let output = command(at).args(words).stdin(Stdio::null()).output().map_err(no_git)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_string();
    let what = if said.is_empty() { format!("git ended with {}", output.status) } else { said };
    Err(Fault::new(FaultKind::Missing, what))
}

fn no_git(error: std::io::Error) -> Fault {
    Fault::missing("cannot run git").because(error).help(WITHOUT_GIT)
}

fn text(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|e| Fault::missing("git names a path that is not UTF-8").because(e))
}
