//! `plimsoll restore`: prints its plan, and carries it out with `--apply`.

use std::sync::Arc;

use super::Exit;
use super::connect::RepositoryArgs;
use super::mongo_args::TargetArgs;
use super::output::{self, Format, Global};
use super::progress::Progress;
use super::recovery_target::RecoveryTarget;
use super::signals;
use crate::base::fault::redact_uri;
use crate::base::{Bytes, Fault, FaultKind, Result};
use crate::clock::SystemClock;
use crate::engine::plan::{self, RestorePlan};
use crate::engine::restore::{self, RestoreOptions, Restored};
use crate::engine::sync;
use crate::mongo::{Target, client};
use crate::port::ObjectStore;
use crate::store;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    wanted: RecoveryTarget,
    #[command(flatten)]
    target: TargetArgs,
    /// Restore uploads, into the bucket or directory of --to
    #[arg(long, requires = "to", conflicts_with_all = ["at", "to_uri"])]
    uploads: bool,
    /// Bucket (s3://bucket/prefix) or directory for uploads
    #[arg(long, value_name = "URL", requires = "uploads")]
    to: Option<String>,
    /// Drop databases of the same names first; overwrite uploads of the same keys
    #[arg(long)]
    replace: bool,
    /// Do it; without this, the plan is printed and nothing is written
    #[arg(long)]
    apply: bool,
}

const NOT_APPLIED: &str = "Nothing was written. Run again with --apply to do it.\n";

impl Args {
    pub fn run(&self, global: &Global) -> Result<Exit> {
        output::runtime()?.block_on(async {
            match &self.to {
                Some(to) => self.uploads(global, to).await,
                None => self.database(global).await,
            }
        })
    }

    async fn database(&self, global: &Global) -> Result<Exit> {
        let request = self.wanted.request()?;
        let address = self.target.is_named().then(|| self.target.address()).transpose()?;
        let store = self.repository.open_existing().await?;
        let plan = plan::make(store.as_ref(), &request).await?;
        if !self.apply {
            self.show(global, &plan, address.as_deref())?;
            return Ok(Exit::Done);
        }
        output::tell(global, self.described(&plan, address.as_deref()).trim_end());
        let target = Target::new(client::connect(&self.target.address()?).await?);
        let restored = self.apply(global, &plan, store, &target).await?;
        match global.format {
            Format::Json => output::print_json(&restored)?,
            Format::Human => output::print(&told(&restored))?,
        }
        Ok(Exit::Done)
    }

    async fn apply(
        &self,
        global: &Global,
        plan: &RestorePlan,
        store: Arc<dyn ObjectStore>,
        target: &Target,
    ) -> Result<Restored> {
        let progress = Progress::new(global);
        let options = RestoreOptions { replace: self.replace, ..RestoreOptions::default() };
        let stop = signals::asked_to_stop()?;
        tokio::select! {
            restored = restore::run(plan, store, target, &SystemClock, &progress, &options) => restored,
            () = stop => Err(stopped(plan)),
        }
    }

    fn show(&self, global: &Global, plan: &RestorePlan, address: Option<&str>) -> Result<()> {
        match global.format {
            Format::Json => output::print_json(plan),
            Format::Human => output::print(&(self.described(plan, address) + NOT_APPLIED)),
        }
    }

    fn described(&self, plan: &RestorePlan, address: Option<&str>) -> String {
        let into = address.map_or_else(|| "not named yet (--to-uri)".to_string(), redact_uri);
        let mut text = plan.describe() + &format!("  {:<10} {into}\n", "into");
        if self.replace {
            text += &format!("  {:<10} {}, if the server holds them\n", "drops", plan.databases().join(", "));
        }
        text
    }

    async fn uploads(&self, global: &Global, to: &str) -> Result<Exit> {
        let store = self.repository.open_existing().await?;
        let point = self.wanted.point.as_deref();
        let (manifest, entries) = sync::plan_uploads(store.as_ref(), &self.wanted.asset, point).await?;
        let size = Bytes(manifest.bytes_raw);
        if !self.apply {
            match global.format {
                Format::Json => output::print_json(&manifest)?,
                Format::Human => output::print(&format!(
                    "Restore uploads `{}`\n  point      {}, read from {} on\n  holds      {}, {size}\n  \
                     into       {}\n{NOT_APPLIED}",
                    manifest.asset,
                    manifest.id,
                    manifest.consistent_at,
                    plan::count(entries.len(), "object"),
                    redact_uri(to),
                ))?,
            }
            return Ok(Exit::Done);
        }
        let destination = store::open(to, &self.repository.s3.options()).await?;
        let progress = Progress::new(global);
        let (asset, id) = (&self.wanted.asset, Some(manifest.id.as_str()));
        let restored = sync::restore(store, destination.as_ref(), &progress, asset, id, self.replace).await?;
        match global.format {
            Format::Json => output::print_json(&restored)?,
            Format::Human => output::print(&format!(
                "{} objects, {}, restored from {} into {}, each compared by SHA-256\n",
                restored.objects,
                Bytes(restored.bytes),
                restored.point,
                destination.address(),
            ))?,
        }
        Ok(Exit::Done)
    }
}

fn stopped(plan: &RestorePlan) -> Fault {
    let databases = plan.databases().join("`, `");
    Fault::new(FaultKind::Interrupted, "the restore was stopped before its end").help(format!(
        "the target may hold a part of `{databases}`, without indexes: do not use it; run the same command with \
         --replace, which drops it first, or drop it"
    ))
}

fn told(restored: &Restored) -> String {
    let mut text = format!(
        "Restored {}: {} documents, {}, in {}\n",
        restored.point,
        restored.documents,
        Bytes(restored.bytes),
        restored.databases.join(", ")
    );
    if restored.operations > 0 {
        text += &format!("  {} operations of the log applied\n", restored.operations);
    }
    if let Some(until) = restored.until {
        text += &format!("  holds every write up to {} ({until})\n", until.instant());
    }
    text += &format!("  took {}\n", restored.ended_at - restored.started_at);
    text
}
