//! `plimsoll drill`: restores for practice into a throwaway server, compares everything, records the times.

use std::path::PathBuf;
use std::sync::Arc;

use super::Exit;
use super::connect::RepositoryArgs;
use super::mongo_args::TargetArgs;
use super::output::{self, Format, Global};
use super::progress::Progress;
use super::recovery_target::RecoveryTarget;
use super::signals;
use crate::base::{Bytes, Result, Span};
use crate::clock::SystemClock;
use crate::engine::drill::{self, DrillRequest, Practised};
use crate::evidence::{Drill, DrillOutcome, Phase};
use crate::lab::guard::Guard;
use crate::lab::server::{MongoOptions, MongoServer, ServerKind, locate};
use crate::mongo::{Target, client};
use crate::{repository, store};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    wanted: RecoveryTarget,
    /// Drill a dump of another tool: a directory or an archive of mongodump, or a tar of the original scripts
    ///
    /// A path, file:///path or s3://bucket/key. The drill is recorded in the repository, which is made if need be.
    #[arg(long, value_name = "URL", conflicts_with_all = ["at", "point"])]
    from: Option<String>,
    /// Without an address, a throwaway mongod is started on this machine
    #[command(flatten)]
    target: TargetArgs,
    /// The mongod to start [default: PLIMSOLL_MONGOD, else the PATH]
    #[arg(long, value_name = "FILE")]
    mongod: Option<PathBuf>,
}

impl Args {
    pub fn run(&self, global: &Global) -> Result<Exit> {
        output::runtime()?.block_on(self.drill(global))
    }

    async fn drill(&self, global: &Global) -> Result<Exit> {
        let wanted = self.wanted.request()?;
        let (store, what) = match &self.from {
            None => (self.repository.open_existing().await?, Practised::Point(wanted.target)),
            Some(from) => {
                let (dumps, name) = store::locate(from, &self.repository.s3.options()).await?;
                let store = self.repository.open().await?;
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
        let target = Target::new(client::connect(&address).await?);
        let request = DrillRequest { asset: wanted.asset, what, before };
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

    /// A server of the drill's own, and how long it took to have it.
    async fn provision(&self, global: &Global) -> Result<(MongoServer, Phase)> {
        let guard = Guard::this_program()?;
        let mongod = locate(ServerKind::Mongod, self.mongod.as_deref(), &guard, &|line| output::tell(global, line))?;
        let since = std::time::Instant::now();
        // What has expired must come back as well, or nothing could be compared.
        let options = MongoOptions { without_ttl: true, ..MongoOptions::default() };
        let server = MongoServer::start(&mongod, &guard, &options).await?;
        let took = Span::millis(i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX));
        Ok((server, Phase { name: "provision".to_string(), took, bytes: 0 }))
    }
}

fn told(drill: &Drill) -> String {
    let outcome = match &drill.outcome {
        DrillOutcome::Passed => "passed".to_string(),
        DrillOutcome::Failed { why } => format!("FAILED: {why}"),
    };
    let size = Bytes(drill.bytes_restored);
    let mut text = format!("Drill {} of {}: {outcome}\n", drill.id, drill.point);
    text += &format!("  {} documents, {size}, in {}\n", drill.documents, drill.took());
    for phase in &drill.phases {
        text += &format!("    {:<10} {}\n", phase.name, phase.took);
    }
    for check in &drill.checks {
        let mark = if check.passed { "ok" } else { "WRONG" };
        text += &format!("  {mark:<5} {:<9} {}\n", check.name, check.detail);
    }
    text
}
