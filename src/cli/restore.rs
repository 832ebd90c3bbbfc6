//! `plimsoll restore`: prints its plan, and carries it out with `--apply`.

mod together;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Exit;
use super::connect::{RepositoryArgs, S3Args};
use super::keys::IdentityArgs;
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
use crate::engine::selection::{Name, Rename, Selection};
use crate::engine::uploads::UploadsRestored;
use crate::engine::{download, foreign, uploads, users};
use crate::mongo::{Target, client};
use crate::port::ObjectStore;
use crate::store;
use crate::store::directory::Staging;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Repository: s3://bucket/prefix, or a directory
    #[arg(long, env = "PLIMSOLL_REPO", value_name = "URL")]
    repo: Option<String>,
    #[command(flatten)]
    s3: S3Args,
    #[command(flatten)]
    wanted: Option<RecoveryTarget>,
    /// Restore a dump that another tool made, without a repository: a directory or archive of mongodump, or a tar of such
    /// a directory, packed by gzip or not (a path, or s3://bucket/key)
    #[arg(long, value_name = "URL", conflicts_with_all = ["asset", "at", "point"])]
    from: Option<String>,
    /// Restore this database (DB) or collection (DB.COLLECTION) alone; may be given more than once
    #[arg(long, value_name = "NAME", conflicts_with = "uploads")]
    only: Vec<Name>,
    /// Restore under another name: DB=OTHER, or DB.COLLECTION=DB.OTHER; may be given more than once
    #[arg(long, value_name = "FROM=TO", conflicts_with = "uploads")]
    rename: Vec<Rename>,
    #[command(flatten)]
    target: TargetArgs,
    /// Restore uploads, into the bucket or directory of --to: with --at, as of that instant where the bucket kept versions,
    /// else as of the newest snapshot before it; with --from, those in a tarball of the original scripts
    #[arg(long, requires = "to", conflicts_with = "to_uri", group = "of_uploads")]
    uploads: bool,
    /// Restore this asset's uploads beside the database, as they stood at the instant that the database is brought to
    #[arg(long, value_name = "ASSET", requires = "to", conflicts_with_all = ["from", "download"], group = "of_uploads")]
    with_uploads: Option<String>,
    /// Bucket (s3://bucket/prefix) or directory for uploads
    #[arg(long, value_name = "URL", requires = "of_uploads")]
    to: Option<String>,
    /// Write a directory that stock mongorestore reads, in place of restoring into a server; with --at, the log up to there
    /// is beside the dump, for mongorestore --oplogReplay
    #[arg(long, value_name = "DIR", conflicts_with_all = ["from", "uploads", "only", "rename", "to_uri", "replace"])]
    download: Option<PathBuf>,
    /// Restore users and roles too, as they stood when the base was read; those of the same names are replaced
    #[arg(long, conflicts_with_all = ["uploads", "from", "download"])]
    users_and_roles: bool,
    #[command(flatten)]
    identity: IdentityArgs,
    /// Drop databases (with --only, single collections) of the same names first; overwrite uploads of the same keys
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
            if let (Some(asset), Some(to)) = (&self.with_uploads, &self.to) {
                return self.together(global, asset, to).await;
            }
            match (&self.to, &self.download) {
                (Some(to), _) if self.from.is_some() => self.uploads_of_tarball(global, to).await,
                (Some(to), _) => self.uploads(global, to).await,
                (None, Some(directory)) => self.download(global, directory).await,
                (None, None) => self.database(global).await,
            }
        })
    }

    async fn database(&self, global: &Global) -> Result<Exit> {
        let address = self.target.is_named().then(|| self.target.address()).transpose()?;
        let (store, plan) = self.plan(global).await?;
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

    async fn download(&self, global: &Global, directory: &Path) -> Result<Exit> {
        let (store, plan) = self.plan(global).await?;
        Staging::check(directory)?;
        let shown = directory.display();
        let read_by = format!("mongorestore {} {shown}", download::flags(&plan).join(" "));
        let described = plan.describe() + &format!("  {:<10} {shown}, which `{read_by}` reads\n", "into");
        if !self.apply {
            match global.format {
                Format::Json => output::print_json(&plan)?,
                Format::Human => output::print(&(described + NOT_APPLIED))?,
            }
            return Ok(Exit::Done);
        }
        output::tell(global, described.trim_end());
        let (staging, stop) = (Staging::begin(directory)?, signals::asked_to_stop()?);
        let (into, progress) = (staging.store(), Progress::new(global));
        let downloaded = tokio::select! {
            downloaded = download::run(&plan, store.as_ref(), &into, &progress) => downloaded?,
            () = stop => {
                let what = "the download was stopped before its end";
                return Err(Fault::new(FaultKind::Interrupted, what).help("nothing of it was left; run it again"));
            }
        };
        staging.publish()?;
        match global.format {
            Format::Json => output::print_json(&downloaded)?,
            Format::Human => output::print(&format!(
                "Downloaded {}: {} files, {} read and proven by their hashes, in {shown}\n  restore it with: {read_by}\n",
                downloaded.point,
                downloaded.files,
                Bytes(downloaded.bytes),
            ))?,
        }
        Ok(Exit::Done)
    }

    async fn plan(&self, global: &Global) -> Result<(Arc<dyn ObjectStore>, RestorePlan)> {
        let selection = Selection::new(self.only.clone(), self.rename.clone())?;
        if let Some(from) = &self.from {
            let (store, name) = store::locate(from, &self.s3.options()).await?;
            let mut plan = foreign::plan(store.as_ref(), &name, &Progress::new(global)).await?;
            plan.select(selection)?;
            return Ok((store, plan));
        }
        let request = self.wanted()?.request()?;
        let store = self.identity.with(self.repository()?.open_existing().await?)?;
        let plan = plan::make_of(store.as_ref(), &request, selection).await?;
        Ok((store, plan))
    }

    fn wanted(&self) -> Result<&RecoveryTarget> {
        let unnamed = || Fault::usage("nothing is named to be restored");
        self.wanted.as_ref().ok_or_else(|| unnamed().help("give --asset NAME, or --from for the dump of another tool"))
    }

    fn repository(&self) -> Result<RepositoryArgs> {
        let repo = self.repo.clone().filter(|repo| !repo.is_empty());
        let repo =
            repo.ok_or_else(|| Fault::usage("no repository is named").help("give --repo, or set PLIMSOLL_REPO"))?;
        Ok(RepositoryArgs { repo, s3: self.s3.clone() })
    }

    async fn apply(
        &self,
        global: &Global,
        plan: &RestorePlan,
        store: Arc<dyn ObjectStore>,
        target: &Target,
    ) -> Result<Restored> {
        let progress = Progress::new(global);
        let options = RestoreOptions {
            replace: self.replace,
            users_and_roles: self.users_and_roles,
            ..RestoreOptions::default()
        };
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
            text += &format!("  {:<10} {}, if the server holds them\n", "drops", plan.drops().join(", "));
        }
        if let Some((users, roles)) = users::counted(&plan.base) {
            let how = match self.users_and_roles {
                true => "restored too, as they stood when they were read; those of the same names are replaced",
                false => "left out (restored with --users-and-roles)",
            };
            text += &format!("  {:<10} {users} users and {roles} roles: {how}\n", "accounts");
        }
        text
    }

    async fn uploads_of_tarball(&self, global: &Global, to: &str) -> Result<Exit> {
        let (store, plan) = self.plan(global).await?;
        if !self.apply {
            let into = format!("  {:<10} {}, the uploads alone\n", "into", redact_uri(to));
            match global.format {
                Format::Json => output::print_json(&plan)?,
                Format::Human => output::print(&(plan.describe() + &into + NOT_APPLIED))?,
            }
            return Ok(Exit::Done);
        }
        let destination = store::open(to, &self.s3.options()).await?;
        let (address, progress) = (destination.address(), Progress::new(global));
        let out = foreign::uploads::restore(&plan, store.as_ref(), destination, &progress, self.replace).await?;
        match global.format {
            Format::Json => output::print_json(&out)?,
            Format::Human => {
                output::print(&format!("{} files, {}, restored into {address}\n", out.objects, Bytes(out.bytes)))?;
            }
        }
        Ok(Exit::Done)
    }

    async fn uploads(&self, global: &Global, to: &str) -> Result<Exit> {
        let (store, request) = (self.repository()?.open_existing().await?, self.wanted()?.request()?);
        let store = self.identity.with(store)?;
        let plan = uploads::plan(store.as_ref(), &request.asset, &request.target).await?;
        if !self.apply {
            let into = format!("  {:<10} {}\n", "into", redact_uri(to));
            match global.format {
                Format::Json => output::print_json(&plan.manifest)?,
                Format::Human => output::print(&(plan.describe() + &into + NOT_APPLIED))?,
            }
            return Ok(Exit::Done);
        }
        let destination = store::open(to, &self.s3.options()).await?;
        let progress = Progress::new(global);
        let restored = uploads::restore(store.as_ref(), destination.as_ref(), &progress, &plan, self.replace).await?;
        match global.format {
            Format::Json => output::print_json(&restored)?,
            Format::Human => output::print(&told_uploads(&restored, &destination.address()))?,
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

fn stopped_uploads(address: &str) -> Fault {
    Fault::new(FaultKind::Interrupted, "the restore was stopped before its end").help(format!(
        "{address} may hold a part of the uploads: run the same command with --replace, which writes all of them again"
    ))
}

fn told_uploads(restored: &UploadsRestored, address: &str) -> String {
    format!(
        "{} objects, {}, as of {}, restored from {} into {address}, each compared by SHA-256\n",
        restored.objects,
        Bytes(restored.bytes),
        restored.state_of,
        restored.point,
    )
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
    if restored.accounts > 0 {
        text += &format!("  {} users and roles taken over\n", restored.accounts);
    }
    if let Some(until) = restored.until {
        text += &format!("  holds every write up to {} ({until})\n", until.instant());
    }
    text += &format!("  took {}\n", restored.ended_at - restored.started_at);
    text
}
