//! A real mongod and a real S3 server on loopback, each found or installed once, each gone when we are.

mod locate;
mod mongo;
mod s3;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use locate::{ServerKind, locate};
pub use mongo::{MongoOptions, MongoServer};
pub use s3::S3Server;

use super::guard::Guarded;
use crate::base::{Fault, FaultKind, Result};

/// Longest wait for a server to answer, on a machine that is busy with other work.
const READY_WITHIN: Duration = Duration::from_secs(60);
const ASK_EVERY: Duration = Duration::from_millis(50);
/// A port that was free may be taken by somebody else before the server binds it.
const ATTEMPTS: u32 = 5;

/// Where a server keeps its data.
#[derive(Debug, Clone, Default)]
pub enum Keep {
    /// In a folder of its own that is removed with the server.
    #[default]
    Nothing,
    /// In this folder, which stays.
    In(PathBuf),
}

/// A server's folder and what the guard has to remove of it.
struct Home {
    folder: PathBuf,
    remove: Vec<PathBuf>,
}

impl Home {
    fn make(name: &str, keep: &Keep) -> Result<Home> {
        match keep {
            Keep::Nothing => {
                let made = tempfile::Builder::new().prefix(&format!("plimsoll-{name}-")).tempdir();
                let folder = made.map_err(|e| Fault::io("make a folder in", std::env::temp_dir().display(), e))?.keep();
                Ok(Home { remove: vec![folder.clone()], folder })
            }
            Keep::In(folder) => {
                std::fs::create_dir_all(folder).map_err(|e| Fault::io("make", folder.display(), e))?;
                let folder = folder.canonicalize().map_err(|e| Fault::io("open", folder.display(), e))?;
                Ok(Home { folder, remove: vec![] })
            }
        }
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }
}

/// So many ports that nobody listens on; all held at once, so that they differ.
fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let cannot = |e| Fault::io("bind a port on", "127.0.0.1", e);
    let mut ports = [0; N];
    let mut held = Vec::with_capacity(N);
    for port in &mut ports {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(cannot)?;
        *port = listener.local_addr().map_err(cannot)?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// Off the runtime's threads: it waits for a process to end and a folder to be removed.
async fn stop(child: Guarded) -> Result<()> {
    let stopped = tokio::task::spawn_blocking(move || child.stop()).await;
    stopped.map_err(|e| Fault::bug("cannot wait for a server to stop").because(e))?
}

/// Asks `ready` until it says yes; the server's end or too long a wait are faults with the end of its log.
async fn until_ready(
    name: &str,
    child: &Guarded,
    log: &Path,
    mut ready: impl AsyncFnMut() -> Result<bool>,
) -> Result<()> {
    let began = Instant::now();
    loop {
        let answer = ready().await;
        if let Ok(true) = answer {
            return Ok(());
        }
        if let Some(word) = child.ended() {
            return Err(not_started(&format!("{name} {word} before it answered"), log, None));
        }
        if began.elapsed() > READY_WITHIN {
            let what = format!("{name} did not answer within {} s", READY_WITHIN.as_secs());
            return Err(not_started(&what, log, answer.err()));
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

fn not_started(what: &str, log: &Path, because: Option<Fault>) -> Fault {
    let fault = Fault::new(FaultKind::Unreachable, what).help(format!("the end of its log:\n{}", tail(log)));
    match because {
        Some(because) => fault.because(because),
        None => fault,
    }
}

/// The last lines of a log.
fn tail(log: &Path) -> String {
    let text = std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.get(lines.len().saturating_sub(8)..).unwrap_or_default();
    last.iter().map(|line| format!("    {}\n", line.chars().take(300).collect::<String>())).collect()
}

/// Whether another try with other ports can help.
fn port_was_taken(log: &Path) -> bool {
    let text = std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    ["ddress already in use", "Port allocation failed"].iter().any(|word| text.contains(word))
}
