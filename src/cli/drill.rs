//! `plimsoll drill`: restores for practice into a throwaway server, compares everything, records the times.

mod step;

use std::path::PathBuf;
use std::sync::Arc;

use super::Exit;
use super::connect::{RepositoryArgs, S3Args};
use super::keys::IdentityArgs;
use super::mongo_args::{self, TargetArgs};
use super::output::{self, Format, Global};
use super::policy_file;
use super::progress::Progress;
use super::recovery_target;
use super::signals;
use super::telling::About;
use crate::base::{Bytes, Fault, FaultKind, Result, Span};
use crate::clock::SystemClock;
use crate::engine::drill::{self, DrillRequest, Practised};
use crate::engine::expectation::Expectations;
use crate::engine::plan::RestoreTo;
use crate::engine::points;
use crate::evidence::{Drill, DrillOutcome, KeyProof, Phase};
use crate::lab::guard::Guard;
use crate::lab::server::{MongoOptions, MongoServer, ServerKind, locate};
use crate::mongo::{Target, client};
use crate::policy::Work;
use crate::port::{Clock, MongoTarget};
use crate::{repository, store};

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Args {
    #[command(subcommand)]
    step: Option<step::Verb>,
    /// Repository: s3://bucket/prefix, or a directory
    #[arg(long, env = "PLIMSOLL_REPO", value_name = "URL", required = true)]
    repo: Option<String>,
    #[command(flatten)]
    s3: S3Args,
    /// The policy's name for what is restored
    #[arg(long, value_name = "NAME", required = true)]
    asset: Option<String>,
    /// Restore to this instant, its second included (2026-11-20T14:03:07Z), or to a cluster time (secs:inc)
    #[arg(long, value_name = "INSTANT", conflicts_with = "point")]
    at: Option<String>,
    /// Restore this recovery point [default: the newest]
    #[arg(long, value_name = "ID")]
    point: Option<String>,
    /// Restore a recovery point by lot: the same all day, in time each of them
    #[arg(long, conflicts_with_all = ["at", "point"])]
    random: bool,
    /// Draw the lot from this number in place of the day
    #[arg(long, value_name = "NUMBER", requires = "random")]
    seed: Option<u64>,
    /// Drill a dump of another tool: a directory or an archive of mongodump, or a tar of the original scripts
    ///
    /// A path, file:///path or s3://bucket/key. The drill is recorded in the repository, which is made if need be.
    #[arg(long, value_name = "URL", conflicts_with_all = ["at", "point", "random"])]
    from: Option<String>,
    /// Policy whose own checks of the asset are run (`expect`)
    #[arg(long, env = "PLIMSOLL_POLICY", value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    identity: IdentityArgs,
    /// Without an address, a throwaway mongod is started on this machine
    #[command(flatten)]
    target: TargetArgs,
    /// Drill beside other databases of the server that is named; without it, a server that holds any is refused
    #[arg(long)]
    beside_others: bool,
    /// The mongod to start [default: PLIMSOLL_MONGOD, else the PATH]
    #[arg(long, value_name = "FILE")]
    mongod: Option<PathBuf>,
}

impl Args {
    pub fn run(&self, global: &Global) -> Result<Exit> {
        match &self.step {
            Some(step) => step.run(global),
            None => output::runtime()?.block_on(self.drill(global)),
        }
    }

    pub fn about(&self) -> Option<About<'_>> {
        let repo = self.repo.clone().filter(|_| self.step.is_none())?;
        Some(About {
            work: Work::Drill,
            asset: self.asset.as_deref(),
            protection: None,
            policy: self.policy.as_deref(),
            repository: RepositoryArgs { repo, s3: self.s3.clone() },
        })
    }

    async fn drill(&self, global: &Global) -> Result<Exit> {
        let (Some(repo), Some(asset)) = (&self.repo, &self.asset) else {
            return Err(Fault::usage("a drill needs --repo and --asset"));
        };
        let expectations = self.expectations(asset)?;
        let given = RepositoryArgs { repo: repo.clone(), s3: self.s3.clone() };
        let (store, what) = match &self.from {
            None => {
                let store = self.identity.with(given.open_existing().await?)?;
                let wanted = match self.random {
                    true => {
                        let lot = points::by_lot(store.as_ref(), asset, SystemClock.now(), self.seed).await?;
                        RestoreTo::Point(lot)
                    }
                    false => recovery_target::wanted(self.at.as_deref(), self.point.as_deref())?,
                };
                (store, Practised::Point(wanted))
            }
            Some(from) => {
                let (dumps, name) = store::locate(from, &self.s3.options()).await?;
                let store = given.open().await?;
                repository::open(Arc::clone(&store), &SystemClock).await?;
                (store, Practised::Dump(dumps, name))
            }
        };
        let stop = signals::asked_to_stop()?;
        let (server, before) = match self.target.is_named() {
            true => (None, Vec::new()),
            false => {
                let (server, phase) = self.provision(global).await?;
                (Some(server), vec![phase])
            }
        };
        let address = server.as_ref().map_or_else(|| self.target.address(), |server| Ok(server.uri.clone()))?;
        if server.is_none() {
            mongo_args::refuse_the_source(&address)?;
        }
        let target = Target::new(client::connect(&address).await?);
        if server.is_none() && !self.beside_others {
            must_hold_nothing(&target).await?;
        }
        let request = DrillRequest { asset: asset.clone(), what, before, expectations };
        let progress = Progress::new(global);
        let drill = drill::run_until(store, &target, &SystemClock, &progress, &request, stop).await?;
        if let Some(server) = server {
            server.stop().await?;
        }
        match global.format {
            Format::Json => output::print_json(&drill)?,
            Format::Human => output::print(&told(&drill))?,
        }
        Ok(if drill.passed() { Exit::Done } else { Exit::Failed })
    }

    /// What the policy's own checks of the asset are.
    fn expectations(&self, asset: &str) -> Result<Expectations> {
        let Some(file) = &self.policy else { return Ok(Expectations::default()) };
        let policy = policy_file::load(file)?;
        let Some(asset) = policy.asset(asset) else {
            return Err(Fault::usage(format!("`{}` declares no asset `{asset}`", policy.source.name))
                .help("name one of its assets, or drill without a policy"));
        };
        let uploads = asset.references.as_ref().map(|uploads| uploads.value.clone());
        Ok(Expectations { all: asset.expect.clone(), uploads })
    }

    /// A server of the drill's own, and how long it took to have it.
    async fn provision(&self, global: &Global) -> Result<(MongoServer, Phase)> {
        let guard = Guard::this_program()?;
        let mongod = locate(ServerKind::Mongod, self.mongod.as_deref(), &guard, &|line| output::tell(global, line))?;
        let since = std::time::Instant::now();
        // What has expired must come back as well, or nothing could be compared.
        let options = MongoOptions { without_ttl: true, ..MongoOptions::default() };
        let server = MongoServer::start(&mongod, &guard, &options).await?;
        let took = Span::millis(i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX));
        Ok((server, Phase::new("provision", took, 0)))
    }
}

/// A server that holds somebody's data looks like one that somebody uses: a drill loads it, stops its deletion of expired
/// documents, and drops what it made.
async fn must_hold_nothing(target: &Target) -> Result<()> {
    let Some(first) = target.databases().await?.into_iter().next() else { return Ok(()) };
    let what = format!("the server holds `{}`: it looks like one that somebody uses", first.escape_debug());
    Err(Fault::new(FaultKind::Conflict, what)
        .help("nothing was changed; leave the address out to drill on a server of its own, or say --beside-others"))
}

fn told(drill: &Drill) -> String {
    let outcome = match &drill.outcome {
        DrillOutcome::Passed => "passed".to_string(),
        DrillOutcome::Failed { why } => format!("FAILED: {why}"),
    };
    let size = Bytes(drill.bytes_restored);
    let mut text = format!("Drill {} of {}: {outcome}\n", drill.id, drill.point);
    text += &format!("  {} documents, {size}, in {}\n", drill.documents, drill.took());
    if let Some(KeyProof::Opened { recipients }) = &drill.key {
        let by: Vec<&str> = recipients.iter().map(|recipient| recipient.as_str()).collect();
        text += &format!("  opened by the identity of {}\n", by.join(", "));
    }
    for phase in &drill.phases {
        let size = if phase.bytes > 0 { format!("  {}", Bytes(phase.bytes)) } else { String::new() };
        text += &match &phase.within {
            None => format!("    {:<12} {}{size}\n", phase.name, phase.took),
            // Its threads' time in sum: two at once spend two seconds in one.
            Some(_) => format!("      {:<12} {} in sum, beside the others{size}\n", phase.name, phase.took),
        };
    }
    for check in &drill.checks {
        let mark = if check.passed { "ok" } else { "WRONG" };
        text += &format!("  {mark:<5} {:<9} {}\n", check.name, check.detail);
    }
    text
}
