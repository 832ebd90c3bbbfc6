//! Children that never outlive us: each runs under a guard, a process of this same program, that kills its child and
//! removes the child's folder once its standard input closes. The system closes it however we end, SIGKILL included.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use crate::base::{Fault, Result};

/// The hidden verb that a guard is started with.
pub const VERB: &str = "lab-guard";

/// How often a guard looks whether its child ended by itself.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What a guard tells of a child that ended by itself and without a fault.
const ENDED_WELL: &str = "ended well";

/// The program that can be run as a guard: Plimsoll itself.
#[derive(Debug, Clone)]
pub struct Guard {
    program: PathBuf,
}

/// What to run, and what to leave behind: nothing.
#[derive(Debug)]
pub struct Order<'a> {
    pub program: &'a Path,
    pub args: Vec<OsString>,
    /// Working directory.
    pub folder: &'a Path,
    /// Receives stdout and stderr of the child, and what the guard itself has to say.
    pub log: &'a Path,
    /// Folders and files that are removed after the child has ended.
    pub remove: Vec<PathBuf>,
    /// Variables that the child needs beyond the plain ones, by the beginning of their names.
    pub environment: &'a [&'a str],
}

/// A running child. Dropped, it is killed and reaped, and what it was to remove is gone when the drop returns.
#[derive(Debug)]
pub struct Guarded {
    guard: Child,
    /// The pipe whose end tells the guard to clean up.
    lifeline: Option<ChildStdin>,
    ended: Arc<Mutex<Option<String>>>,
    /// Process id of the child under the guard.
    pub pid: u32,
}

impl Guard {
    pub fn this_program() -> Result<Self> {
        let program = std::env::current_exe().map_err(|e| Fault::io("find", "this program's own file", e))?;
        Ok(Guard { program })
    }

    pub fn at(program: impl Into<PathBuf>) -> Self {
        Guard { program: program.into() }
    }

    pub fn start(&self, order: &Order) -> Result<Guarded> {
        let log = File::create(order.log).map_err(|e| Fault::io("write", order.log.display(), e))?;
        let mut command = Command::new(&self.program);
        command.arg(VERB);
        for path in &order.remove {
            command.arg("--remove").arg(path);
        }
        command.arg("--").arg(order.program).args(&order.args);
        // A secret that was in our environment is none of the child's business.
        command.env_clear().envs(std::env::vars_os().filter(|(name, _)| needed(name, order.environment)));
        command.current_dir(order.folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        own_group(&mut command);
        let mut guard = command.spawn().map_err(|e| Fault::io("run", self.program.display(), e))?;
        let lifeline = guard.stdin.take();
        let ended = Arc::new(Mutex::new(None));
        let pid = follow(&mut guard, &ended);
        Ok(Guarded { guard, lifeline, ended, pid })
    }
}

fn needed(name: &OsStr, also: &[&str]) -> bool {
    let Some(name) = name.to_str() else { return false };
    matches!(name, "PATH" | "HOME" | "LANG" | "TMPDIR" | "USER") || also.iter().any(|start| name.starts_with(start))
}

/// Ctrl-C at a terminal goes to the whole foreground group; the guard must live on to clean up.
fn own_group(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(not(unix))]
    let _ = command;
}

/// Reads what the guard tells: first `started PID`, later perhaps `ended …`. Returns the child's process id.
fn follow(guard: &mut Child, ended: &Arc<Mutex<Option<String>>>) -> u32 {
    let Some(stdout) = guard.stdout.take() else { return 0 };
    let mut lines = BufReader::new(stdout).lines();
    let first = lines.next().and_then(|line| line.ok()).unwrap_or_default();
    let pid = first.strip_prefix("started ").and_then(|pid| pid.parse().ok()).unwrap_or(0);
    let ended = Arc::clone(ended);
    std::thread::spawn(move || {
        let word = lines.next().and_then(|line| line.ok()).unwrap_or_else(|| "its guard ended".to_string());
        *ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(word);
    });
    pid
}

impl Guarded {
    /// How the child ended, if it did so by itself.
    pub fn ended(&self) -> Option<String> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Kills the child, and waits until it is gone and its folder removed.
    pub fn stop(mut self) -> Result<()> {
        self.hang_up()
    }

    /// Waits until the child ends by itself; the answer is whether it succeeded.
    pub fn wait(&self) -> bool {
        loop {
            match self.ended() {
                Some(word) => return word == ENDED_WELL,
                None => std::thread::sleep(LOOK_EVERY),
            }
        }
    }

    fn hang_up(&mut self) -> Result<()> {
        if self.lifeline.take().is_some() {
            self.guard.wait().map_err(|e| Fault::io("wait for", "the guard of a server", e))?;
        }
        Ok(())
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // Nobody is left to be told; the guard itself goes on cleaning up.
        let _ = self.hang_up();
    }
}

/// The guard's own life: start the child, wait for the lifeline to close, kill, reap, remove.
pub fn watch(command: &[OsString], remove: &[PathBuf], tell: &dyn Fn(&str)) -> Result<()> {
    let started = run(command, tell);
    // Removed only when the parent is done: until then it may read the log that stands there.
    for path in remove {
        remove_all(path);
    }
    started
}

fn run(command: &[OsString], tell: &dyn Fn(&str)) -> Result<()> {
    let (program, args) = command.split_first().ok_or_else(|| Fault::usage("nothing to guard"))?;
    let (parent_left, parent_leaves) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        drop(parent_left);
    });
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .spawn()
        .map_err(|e| Fault::io("run", Path::new(program).display(), e))?;
    tell(&format!("started {}", child.id()));
    let mut running = true;
    while let Err(mpsc::RecvTimeoutError::Timeout) = parent_leaves.recv_timeout(LOOK_EVERY) {
        if running && let Ok(Some(status)) = child.try_wait() {
            running = false;
            match status.success() {
                true => tell(ENDED_WELL),
                false => tell(&format!("ended with {status}")),
            }
        }
    }
    // Killing what has already ended is an error that means nothing.
    let _ = child.kill();
    let _ = child.wait();
    Ok(())
}

/// A server that was just killed may still be giving back files: tried again for a second.
fn remove_all(path: &Path) {
    for _ in 0..20 {
        let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
        match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => std::thread::sleep(LOOK_EVERY),
            _ => return,
        }
    }
}
