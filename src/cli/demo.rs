//! `plimsoll demo`: the whole job on real servers, in eight steps, by the functions that the other verbs call.

mod backup;
mod disaster;
mod drill;
mod judge;
mod lab;
mod report;
mod site;
mod stage;
mod summary;

use std::path::PathBuf;
use std::sync::Arc;

use self::lab::Lab;
use self::stage::Stage;
use super::Exit;
use super::output::{self, Format, Global};
use super::signals;
use crate::base::{Fault, FaultKind, Result};
use crate::engine::record;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The mongod to run [default: PLIMSOLL_MONGOD, PATH, or one that is fetched once]
    #[arg(long, value_name = "FILE")]
    mongod: Option<PathBuf>,
    /// The SeaweedFS to run [default: PLIMSOLL_WEED, PATH, or one that is fetched once]
    #[arg(long, value_name = "FILE")]
    weed: Option<PathBuf>,
    /// Keep the servers' data in this folder, which must be empty
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// A replica set to use in place of a mongod of its own; touches only a new database, pixelcraft_demo
    #[arg(long, value_name = "URI")]
    uri: Option<String>,
    /// An S3 server to use in place of one of its own, with the usual AWS credentials; touches only two new buckets
    #[arg(long, value_name = "URL")]
    s3_endpoint: Option<String>,
    /// Where the reports are written
    #[arg(long, value_name = "DIR", default_value = "plimsoll-demo")]
    out: PathBuf,
    /// The same seed makes the same users, images and simulated failures
    #[arg(long, value_name = "NUMBER", default_value_t = 2026)]
    seed: u64,
}

impl Args {
    pub fn run(&self, global: &Global) -> Result<Exit> {
        let runtime = output::runtime()?;
        let ended = runtime.block_on(self.perform(global));
        // What still runs in the background has nothing to say any more, and must not keep us.
        runtime.shutdown_background();
        let (summary, worked) = ended?;
        output::print(&summary)?;
        // What the audit finds is a result; a restore that is not what was there is a failure.
        Ok(if worked { Exit::Done } else { Exit::Failed })
    }

    /// Every act, and the clearing away whatever happened. The answer is the summary, and whether all that was restored
    /// is what was there.
    async fn perform(&self, global: &Global) -> Result<(String, bool)> {
        let mut stop = std::pin::pin!(signals::asked_to_stop()?);
        let stage = Stage::new(global);
        let lab = tokio::select! {
            () = &mut stop => return Err(stopped()),
            lab = Lab::open(&stage, self) => lab?,
        };
        let ended = tokio::select! {
            () = &mut stop => Err(stopped()),
            ended = self.acts(&stage, &lab) => ended,
        };
        let cleared = lab.clear().await;
        if let (Err(_), Err(left)) = (&ended, &cleared) {
            let help = left.help.as_deref().unwrap_or_default();
            output::tell(global, &format!("warning: {}; {help}", record::chain(left)));
        }
        let summary = ended?;
        cleared?;
        Ok(summary)
    }

    async fn acts(&self, stage: &Stage<'_>, lab: &Lab) -> Result<(String, bool)> {
        let site = site::open(stage, lab, self.seed).await?;
        let policy = judge::policy()?;
        let mut stored = backup::run(stage, lab, &site, &policy).await?;
        let drill = drill::run(stage, lab, &stored).await?;
        let disaster = disaster::run(stage, lab, site, &mut stored).await?;
        let judged = Arc::new(judge::run(stage, &stored, policy).await?);
        let reported = report::run(stage, judged, self.seed, &self.out).await?;
        stage.act("Summary");
        if let Some(folder) = &self.keep {
            stage.say(&format!("the servers' data stays in {}", folder.display()));
        }
        let worked = drill.passed() && disaster.reckoning.is_clean();
        let summary = match stage.format() {
            Format::Human => summary::text(&stored, &drill, &disaster, &reported),
            Format::Json => summary::json(&stored, &drill, &disaster, &reported)?,
        };
        Ok((summary, worked))
    }
}

fn stopped() -> Fault {
    Fault::new(FaultKind::Interrupted, "stopped: no server runs any more, and their temporary data is gone")
}
