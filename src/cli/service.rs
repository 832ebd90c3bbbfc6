//! `plimsoll run`: does all that the policy plans in one process, for those who have no scheduler.
//!
//! Captures run beside; all else one at a time, each by the very words that a scheduler would start it with. What is due
//! follows from the evidence, so a service that was down catches up. Nothing that it holds is needed by the next one.

mod health;
mod task;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use self::health::{Health, JobHealth, State};
use self::task::{Given, Task};
use super::Exit;
use super::connect::RepositoryArgs;
use super::output::{self, Format, Global};
use super::policy_file;
use super::signals;
use super::telling::{self, Recording};
use crate::base::{Fault, FaultKind, Instant, Result, Span};
use crate::clock::SystemClock;
use crate::engine::record;
use crate::policy::{Policy, Work};
use crate::port::{Clock, ObjectStore};
use crate::repository::{self, history};
use crate::schedule::due::{Done, Job, Next, pause};

/// How often the loop looks, and tells that it lives.
const LOOK_EVERY: Duration = Duration::from_secs(5);
const LONGEST_READ: Duration = Duration::from_secs(30);
const PING_EVERY: Span = Span::minutes(1);

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Policy file
    #[arg(env = "PLIMSOLL_POLICY", value_name = "POLICY", default_value = "plimsoll.toml")]
    policy: PathBuf,
    #[command(flatten)]
    repository: RepositoryArgs,
    /// File of age identities that the drills open what is encrypted with; may be given more than once
    #[arg(long, value_name = "FILE")]
    identity: Vec<PathBuf>,
    /// Write this file every few seconds: last sign of life, what runs, what failed, what is due
    #[arg(long, value_name = "FILE")]
    health: Option<PathBuf>,
    /// Run nothing: say whether the service that writes the file of --health is alive, as a probe
    #[arg(long, requires = "health")]
    probe: bool,
    /// Told to stop, wait so long for what runs; then it is cut short, which loses nothing that was finished
    #[arg(long, value_name = "SPAN", default_value = "60s")]
    stop_within: Span,
}

/// A run that has ended: which task, when it began, and why it failed.
struct Ended {
    task: usize,
    began: Instant,
    result: Result<(), Failed>,
}

struct Failed {
    why: String,
    /// It ran to its end, and what it found is what is wrong.
    did_its_work: bool,
}

impl Args {
    pub fn run(&self, global: &Global) -> Result<Exit> {
        if let (true, Some(path)) = (self.probe, &self.health) {
            let health = Health::read(path)?;
            health.must_be_alive(SystemClock.now())?;
            output::tell(global, &format!("the service of `{}` is alive", health.policy));
            return Ok(Exit::Done);
        }
        let policy = policy_file::load(&self.policy)?;
        let json = global.format == Format::Json;
        let (policy_file, repository, identities) = (self.policy.as_path(), &self.repository, &self.identity);
        let given = Given { policy: policy_file, repository, identities, quiet: global.quiet, json };
        let (tasks, left_out) = task::of(&policy, &given)?;
        for (name, why) in left_out {
            output::tell(global, &format!("`{name}` is left out: {why}"));
        }
        if tasks.is_empty() {
            return Err(Fault::usage("the policy plans nothing that Plimsoll could run")
                .help("declare a snapshot, a log or a mirror, or schedules under [operations]"));
        }
        let _alone = alone(&self.repository.repo)?;
        output::runtime()?.block_on(async {
            let stop = signals::asked_to_stop()?;
            let store = self.repository.open().await?;
            repository::open(Arc::clone(&store), &SystemClock).await?;
            let service = Service::new(global.clone(), policy, store, tasks, self.health.clone());
            service.run(stop, self.stop_within).await
        })?;
        Ok(Exit::Done)
    }
}

/// One service of a repository on a machine: the lock goes with the process.
fn alone(repo: &str) -> Result<std::fs::File> {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hash = DefaultHasher::new();
    repo.hash(&mut hash);
    let path = std::env::temp_dir().join(format!("plimsoll-run-{:016x}.lock", hash.finish()));
    let file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|e| Fault::io("open", path.display(), e))?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => {
            Err(Fault::new(FaultKind::Conflict, "another service runs for this repository on this machine")
                .help("one is enough; stop the other first"))
        }
        Err(error) => Err(Fault::io("lock", path.display(), error.into())),
    }
}

struct Service {
    global: Global,
    policy: Policy,
    store: Arc<dyn ObjectStore>,
    tasks: Vec<Task>,
    done: Vec<Done>,
    failed: BTreeMap<usize, String>,
    running: BTreeMap<usize, Instant>,
    health: Option<PathBuf>,
    pinged_at: Option<Instant>,
    ping_failed: bool,
}

impl Service {
    fn new(
        global: Global,
        policy: Policy,
        store: Arc<dyn ObjectStore>,
        tasks: Vec<Task>,
        health: Option<PathBuf>,
    ) -> Self {
        let done = vec![Done::default(); tasks.len()];
        let (failed, running) = Default::default();
        Service { global, policy, store, tasks, done, failed, running, health, pinged_at: None, ping_failed: false }
    }

    async fn run(mut self, stop: impl Future<Output = ()> + Send, stop_within: Span) -> Result<()> {
        let (tell, mut ended) = mpsc::unbounded_channel();
        let (raise, stopping) = watch::channel(false);
        for (number, task) in self.tasks.iter().enumerate().filter(|(_, task)| task.schedule.is_none()) {
            self.running.insert(number, SystemClock.now());
            start(number, task, &tell);
        }
        let mut stop = std::pin::pin!(stop);
        // What is due follows from this alone, so it is waited for.
        tokio::select! {
            read = self.read_history() => read?,
            () = &mut stop => return Ok(()),
        }
        loop {
            self.write_health(State::Running);
            self.ping().await;
            self.begin(&tell).await;
            tokio::select! {
                Some(run) = ended.recv() => self.note(run, &tell, &stopping),
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = &mut stop => break,
            }
        }
        // Every verb hears the same signal: a backup leaves nothing half-made, a capture flushes what it has.
        let _ = raise.send(true);
        output::tell(&self.global, "stopping");
        let until = tokio::time::Instant::now() + Duration::from_millis(stop_within.0.max(0).cast_unsigned());
        while !self.running.is_empty() {
            self.write_health(State::Stopping);
            tokio::select! {
                Some(run) = ended.recv() => self.note(run, &tell, &stopping),
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = tokio::time::sleep_until(until) => break,
            }
        }
        for number in self.running.keys().filter_map(|number| self.tasks.get(*number)) {
            output::tell(
                &self.global,
                &format!("`{}` is cut short: what it had not finished is not there", number.name),
            );
        }
        self.running.clear();
        self.write_health(State::Stopped);
        Ok(())
    }

    fn job<'a>(&'a self, task: &'a Task) -> Option<Job<'a>> {
        let name = (self.policy.name.as_str(), task.name.as_str());
        Some(Job { name, schedule: task.schedule.as_ref()?, jitter: self.policy.operations.jitter })
    }

    fn next(&self, number: usize, now: Instant) -> Option<Next> {
        let (task, done) = (self.tasks.get(number)?, self.done.get(number)?);
        Some(self.job(task)?.next(*done, now))
    }

    /// The first that is due; of several, the one that stands first in the policy's order.
    fn due(&self, now: Instant) -> Option<(usize, usize)> {
        (0..self.tasks.len()).find_map(|number| match self.next(number, now) {
            Some(Next::Now { missed }) => Some((number, missed)),
            _ => None,
        })
    }

    /// Begins what is due, if nothing else that is planned runs.
    async fn begin(&mut self, tell: &mpsc::UnboundedSender<Ended>) {
        let busy = |number: &usize| self.tasks.get(*number).is_some_and(|task| task.schedule.is_some());
        if self.running.keys().any(busy) || self.due(SystemClock.now()).is_none() {
            return;
        }
        // Another host, or a person, may have done it meanwhile. The loop must not wait long: its sign of life would grow
        // old; and what cannot be read now may be read by the run itself.
        match tokio::time::timeout(LONGEST_READ, self.read_history()).await {
            Ok(Ok(())) => {}
            Ok(Err(fault)) => output::tell(&self.global, &format!("warning: {}", record::chain(&fault))),
            Err(_) => output::tell(&self.global, "warning: the history could not be read in time"),
        }
        let now = SystemClock.now();
        let Some((number, missed)) = self.due(now) else { return };
        let Some(task) = self.tasks.get(number) else { return };
        let also = if missed > 0 { format!(", for {missed} that were missed too") } else { String::new() };
        output::tell(&self.global, &format!("{now} begins `{}`{also}", task.name));
        start(number, task, tell);
        self.running.insert(number, now);
    }

    /// What the evidence shows of each task.
    async fn read_history(&mut self) -> Result<()> {
        let (_, ran) = history::read(self.store.as_ref(), SystemClock.now()).await?;
        for (task, done) in self.tasks.iter().zip(&mut self.done) {
            *done = task::newer(*done, task.done(&ran));
        }
        Ok(())
    }

    /// What has ended is remembered; a capture begins anew, after a pause if it failed.
    fn note(&mut self, run: Ended, tell: &mpsc::UnboundedSender<Ended>, stopping: &watch::Receiver<bool>) {
        let now = SystemClock.now();
        self.running.remove(&run.task);
        let (Some(task), Some(done)) = (self.tasks.get(run.task), self.done.get_mut(run.task)) else { return };
        match &run.result {
            Err(failed) => {
                self.failed.insert(run.task, failed.why.clone());
                *done = match failed.did_its_work {
                    true => task::after_well(*done, run.began, now),
                    false => task::after_failure(*done, now),
                };
            }
            Ok(()) => {
                self.failed.remove(&run.task);
                *done = task::after_well(*done, run.began, now);
            }
        }
        let word = if run.result.is_ok() { "ended" } else { "FAILED" };
        output::tell(&self.global, &format!("{now} `{}` {word}", task.name));
        if task.schedule.is_none() && !*stopping.borrow() {
            let (task, tell, mut stopping, number) = (task.clone(), tell.clone(), stopping.clone(), run.task);
            let wait = Duration::from_millis(pause(done.failures.max(1)).0.cast_unsigned());
            self.running.insert(number, now);
            tokio::spawn(async move {
                tokio::select! {
                    () = tokio::time::sleep(wait) => start(number, &task, &tell),
                    _ = stopping.changed() => {
                        // It was waiting, and has nothing to stop.
                        let _ = tell.send(Ended { task: number, began: now, result: Ok(()) });
                    }
                }
            });
        }
    }

    fn state(&self, state: State) -> Health {
        let now = SystemClock.now();
        let job = |(number, task): (usize, &Task)| {
            let done = self.done.get(number).copied().unwrap_or_default();
            let since = self.running.get(&number).copied();
            JobHealth {
                name: task.name.clone(),
                running_since: since,
                last_well: done.well,
                failures: done.failures,
                failed: self.failed.get(&number).cloned(),
                due: self.next(number, now).and_then(|next| match next {
                    Next::Now { .. } => Some(now),
                    Next::At(at) => Some(at),
                    Next::Never => None,
                }),
                hangs: since.is_some_and(|since| now - since > task.limit),
            }
        };
        let jobs = self.tasks.iter().enumerate().map(job).collect();
        Health { format: 1, policy: self.policy.name.clone(), pid: std::process::id(), at: now, state, jobs }
    }

    /// That it cannot be written is told, and the work goes on.
    fn write_health(&self, state: State) {
        let Some(path) = self.health.as_deref().map(Path::new) else { return };
        if let Err(fault) = self.state(state).write(path) {
            output::tell(&self.global, &format!("warning: {}", record::chain(&fault)));
        }
    }

    /// The dead man's switch: once a minute, while nothing fails.
    async fn ping(&mut self) {
        let now = SystemClock.now();
        let is_time = self.pinged_at.is_none_or(|at| now - at >= PING_EVERY);
        if !is_time || !self.state(State::Running).is_well() {
            return;
        }
        self.pinged_at = Some(now);
        let recording = Recording::Changes { failed_before: self.ping_failed };
        let store = Some(self.store.as_ref());
        self.ping_failed = telling::ping_all(&self.global, &self.policy, Work::Run, store, recording).await;
    }
}

/// Runs it on a thread of its own, as a process of its own would.
fn start(number: usize, task: &Task, tell: &mpsc::UnboundedSender<Ended>) {
    let (words, tell, began) = (task.words.clone(), tell.clone(), SystemClock.now());
    let work = move || {
        let ran = std::panic::catch_unwind(|| super::again(&words));
        let result = match ran.unwrap_or_else(|_| Err(Fault::bug("the run broke off"))) {
            Ok(Exit::Failed) => Err(Failed { why: "it found what must not be".to_string(), did_its_work: true }),
            Ok(_) => Ok(()),
            Err(fault) => {
                output::print_fault(&fault);
                Err(Failed { why: record::chain(&fault), did_its_work: false })
            }
        };
        // Nobody listens once the service has stopped.
        let _ = tell.send(Ended { task: number, began, result });
    };
    std::thread::spawn(work);
}
