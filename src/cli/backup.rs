//! `plimsoll backup`.

use std::sync::Arc;

use super::Exit;
use super::connect::RepositoryArgs;
use super::keys::IdentityArgs;
use super::mongo_args::MongoArgs;
use super::output::{self, Format, Global};
use super::progress::Progress;
use super::serving::{Serving, ServingArgs, Work};
use super::signals;
use super::telling::About;
use crate::base::{Compression, Result, Span};
use crate::clock::SystemClock;
use crate::engine::backup::{self, BackupRequest};
use crate::engine::dump::Wanted;
use crate::engine::sync::{self, SyncRequest};
use crate::mongo::Source;
use crate::policy::Consistency;
use crate::repository;
use crate::repository::{Exclusion, Manifest};
use crate::store;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    mongo: MongoArgs,
    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    serving: ServingArgs,
    /// A database to back up; may be given more than once [default: all but admin, config and local]
    #[arg(long = "db", value_name = "NAME")]
    databases: Vec<String>,
    /// A database, or a collection, to leave out; may be given more than once
    #[arg(long, value_name = "DB[.COLLECTION]")]
    exclude: Vec<Exclusion>,
    /// Back up users and roles too: hashes of passwords among them
    #[arg(long)]
    users_and_roles: bool,
    /// Read plainly, with the oplog of that time, in place of one snapshot that the server must keep so long
    #[arg(long)]
    with_log: bool,
    /// Back up uploads in place of a database: a bucket (s3://bucket/prefix) or a directory
    #[arg(long, value_name = "URL", conflicts_with_all = ["uri", "databases", "exclude", "users_and_roles", "with_log"])]
    bucket: Option<String>,
    /// How the dump is compressed: gzip and none are read by mongorestore; zstd is smaller and faster, read by Plimsoll
    ///
    /// [default: as the policy says, else gzip]
    #[arg(long, value_name = "HOW")]
    compress: Option<Compression>,
    /// How long the recovery point is to be kept, such as 30d [default: as the policy says, else for ever]
    #[arg(long, value_name = "SPAN")]
    keep: Option<Span>,
    #[command(flatten)]
    identity: IdentityArgs,
}

impl Args {
    pub fn run(&self, global: &Global) -> Result<Exit> {
        output::runtime()?.block_on(async {
            match &self.bucket {
                Some(bucket) => self.back_up_uploads(global, bucket).await,
                None => self.back_up(global).await,
            }
        })
    }

    pub fn about(&self) -> Option<About<'_>> {
        Some(self.serving.about(Work::Points, &self.repository))
    }

    fn serving(&self) -> Result<Serving> {
        let mut serving = self.serving.resolve(Work::Points)?;
        serving.retention = self.keep.or(serving.retention);
        serving.compression = self.compress.or(serving.compression);
        Ok(serving)
    }

    /// A run that is stopped leaves blobs that the next one finds there already, and no manifest.
    async fn back_up_uploads(&self, global: &Global, bucket: &str) -> Result<Exit> {
        let serving = self.serving()?;
        let identities = self.identity.load()?;
        let uploads = store::open(bucket, &self.repository.s3.options()).await?;
        let store = serving.seal(self.repository.open().await?, identities);
        let Serving { asset, protection, retention, keeping, .. } = serving;
        repository::open(Arc::clone(&store), &SystemClock).await?;
        let request = SyncRequest { asset, protection, expires_after: retention, keeping };
        let progress = Progress::new(global);
        let stop = signals::asked_to_stop()?;
        let manifest = sync::run_until(uploads.as_ref(), store, &SystemClock, &progress, &request, stop).await?;
        match global.format {
            Format::Json => output::print_json(&manifest)?,
            Format::Human => output::print(&told(&manifest, &sync::summary(&manifest)))?,
        }
        Ok(Exit::Done)
    }

    async fn back_up(&self, global: &Global) -> Result<Exit> {
        // The address is looked at before anything is opened, so that a slip costs no time.
        let uri = self.mongo.address()?;
        let serving = self.serving()?;
        let store = serving.seal(self.repository.open().await?, Vec::new());
        let Serving { asset, protection, retention, compression, keeping, .. } = serving;
        let source = Source::new(crate::mongo::client::connect(&uri).await?);
        repository::open(Arc::clone(&store), &SystemClock).await?;
        let request = BackupRequest {
            asset,
            protection,
            wanted: Wanted {
                databases: self.databases.clone(),
                exclude: self.exclude.clone(),
                users_and_roles: self.users_and_roles,
            },
            with_log: self.with_log,
            expires_after: retention,
            compression: compression.unwrap_or_default(),
            keeping,
        };
        let progress = Progress::new(global);
        let manifest =
            backup::run_until(&source, store, &SystemClock, &progress, &request, signals::asked_to_stop()?).await?;
        match global.format {
            Format::Json => output::print_json(&manifest)?,
            Format::Human => output::print(&told(&manifest, &backup::summary(&manifest)))?,
        }
        Ok(Exit::Done)
    }
}

fn told(manifest: &Manifest, summary: &str) -> String {
    let when = match manifest.cluster_time {
        Some(at) if manifest.own_log.is_some() => {
            format!("of one instant by its own log: {} (cluster time {at})", manifest.consistent_at)
        }
        Some(at) => format!("all of one instant: {} (cluster time {at})", manifest.consistent_at),
        None if manifest.consistency == Consistency::Snapshot => {
            format!("all of one instant: {}", manifest.consistent_at)
        }
        None => format!("not of one instant; read from {} on", manifest.consistent_at),
    };
    let until =
        manifest.expires_at.map_or_else(|| "not set to expire".to_string(), |at| format!("to be kept until {at}"));
    let until = manifest.locked_until.map_or(until.clone(), |at| format!("{until}; locked until {at}"));
    let sealed = manifest.seal.as_ref().map_or_else(String::new, |seal| {
        let recipients: Vec<&str> = seal.recipients.iter().map(|recipient| recipient.as_str()).collect();
        format!("  encrypted for {}\n", recipients.join(", "))
    });
    format!("{}\n  {summary}\n  {when}\n  {until}\n{sealed}", manifest.id)
}
