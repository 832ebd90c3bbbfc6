//! Act 1: the servers, of the lab's own or of the user's, and all that must be cleared away in the end.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::Args;
use super::stage::Stage;
use bson::{Document, doc};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::base::fault::redact_uri;
use crate::base::{Fault, FaultKind, Result};
use crate::lab::guard::Guard;
use crate::lab::server::{Keep, MongoOptions, MongoServer, S3Server, ServerKind, locate};
use crate::mongo::client;
use crate::port::ObjectStore;
use crate::store::S3Options;
use crate::store::s3::S3Store;

/// How long clearing away may take when somebody waits at Ctrl-C.
const CLEAR_WITHIN: Duration = Duration::from_secs(20);

/// What a writer had sent when it was stopped may still be on its way: looked for so often, this long apart.
const LOOKS: u32 = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

pub struct Lab {
    guard: Guard,
    mongod: PathBuf,
    keep: Option<PathBuf>,
    /// Of our own; none where the user's is used.
    mongo: Option<MongoServer>,
    s3: Option<S3Server>,
    pub client: mongodb::Client,
    pub database: String,
    options: S3Options,
    /// Buckets: PixelCraft's uploads, and the repository.
    uploads: String,
    backups: String,
}

impl Lab {
    pub async fn open(stage: &Stage<'_>, args: &Args) -> Result<Lab> {
        stage.act("Servers");
        refuse_secret(args.uri.as_deref())?;
        refuse_full(args.keep.as_deref())?;
        let guard = Guard::this_program()?;
        // Restores go to servers of our own in any case: a mongod is always needed.
        let mongod = find(stage, ServerKind::Mongod, args.mongod.clone(), &guard).await?;
        let (mongo, s3) = tokio::try_join!(own_mongo(args, &guard, &mongod), own_s3(stage, args, &guard),)?;
        let (uri, database) = match (&mongo, &args.uri) {
            (Some(server), _) => (server.uri.clone(), "pixelcraft"),
            (None, uri) => (uri.clone().unwrap_or_default(), "pixelcraft_demo"),
        };
        let client = client::connect(&uri).await?;
        let there = client.list_database_names().await.map_err(|e| client::fault("cannot list databases", &e))?;
        if there.iter().any(|name| name == database) {
            let what = format!("there is a database `{database}` at {}", redact_uri(&uri));
            return Err(Fault::new(FaultKind::Conflict, what)
                .help("the demo makes and drops its own: rename or drop that one first"));
        }
        let options = match &s3 {
            Some(server) => server.options(),
            None => S3Options { endpoint: args.s3_endpoint.clone(), ..S3Options::default() },
        };
        let suffix = if s3.is_some() { String::new() } else { format!("-{}", bson::oid::ObjectId::new()) };
        let lab = Lab {
            guard,
            mongod,
            keep: args.keep.clone(),
            client,
            database: database.to_string(),
            uploads: format!("pixelcraft-uploads{suffix}"),
            backups: format!("pixelcraft-backups{suffix}"),
            options,
            mongo,
            s3,
        };
        let endpoint = lab.options.endpoint.clone().unwrap_or_default();
        stage.say(&format!("MongoDB answers at {}, S3 at {}", redact_uri(&uri), redact_uri(&endpoint)));
        if lab.mongo.is_none() || lab.s3.is_none() {
            stage.say(&format!("to be made and removed there: {}", lab.made()));
        }
        Ok(lab)
    }

    /// Makes its buckets: a step of its own, so that what it made is cleared away should it fail half way.
    pub async fn make_buckets(&self) -> Result<()> {
        for bucket in [&self.uploads, &self.backups] {
            S3Store::open(bucket, "", &self.options).await?.create_bucket().await?;
        }
        Ok(())
    }

    fn made(&self) -> String {
        format!("database `{}`, buckets `{}` and `{}`", self.database, self.uploads, self.backups)
    }

    /// A store in the bucket of PixelCraft's uploads.
    pub async fn uploads(&self) -> Result<Arc<dyn ObjectStore>> {
        crate::store::open(&format!("s3://{}", self.uploads), &self.options).await
    }

    /// The repository, and its address.
    pub async fn repository(&self) -> Result<Arc<dyn ObjectStore>> {
        crate::store::open(&format!("s3://{}/pixelcraft", self.backups), &self.options).await
    }

    /// An empty server to restore into, which deletes nothing by itself.
    pub async fn spare_mongo(&self, name: &str) -> Result<MongoServer> {
        let keep = keep(self.keep.as_deref(), name);
        MongoServer::start(
            &self.mongod,
            &self.guard,
            &MongoOptions { keep, without_ttl: true, ..MongoOptions::default() },
        )
        .await
    }

    /// Removes what we made on the user's servers, then ends our own.
    pub async fn clear(self) -> Result<()> {
        let cleared = match tokio::time::timeout(CLEAR_WITHIN, self.clear_away()).await {
            Ok(cleared) => cleared,
            Err(_) => Err(Fault::unreachable("could not clear away in time what the demo made")),
        };
        let left = format!("look for what may be left behind: {}", self.made());
        if let Some(server) = self.mongo {
            server.stop().await?;
        }
        if let Some(server) = self.s3 {
            server.stop().await?;
        }
        cleared.map_err(|fault| fault.help(left))
    }

    /// What a writer had sent when it was stopped may arrive after its database or bucket is gone, and make it again or
    /// keep it from going: tried until nothing is there.
    async fn clear_away(&self) -> Result<()> {
        if self.keep.is_some() || (self.mongo.is_some() && self.s3.is_some()) {
            return Ok(());
        }
        let mut quiet = 0;
        while quiet < LOOKS {
            let cleared = self.clear_once().await;
            tokio::time::sleep(BETWEEN_LOOKS).await;
            quiet = if cleared.is_ok() && self.is_gone().await? { quiet + 1 } else { 0 };
        }
        Ok(())
    }

    /// Whether neither the database is there nor anything at work on it.
    async fn is_gone(&self) -> Result<bool> {
        if self.mongo.is_some() {
            return Ok(true);
        }
        let there = self.client.list_database_names().await;
        let there = there.map_err(|e| client::fault("cannot list databases", &e))?;
        let own = doc! { "ns": { "$regex": format!("^{}\\.", self.database) } };
        let running =
            self.client.database("admin").aggregate([doc! { "$currentOp": {} }, doc! { "$match": own }]).await;
        let running: Vec<Document> = match running {
            Ok(running) => running.try_collect().await.unwrap_or_default(),
            // Not every user may ask; then only time tells.
            Err(_) => Vec::new(),
        };
        Ok(running.is_empty() && !there.contains(&self.database))
    }

    async fn clear_once(&self) -> Result<()> {
        if self.mongo.is_none() {
            let dropped = self.client.database(&self.database).drop().await;
            dropped.map_err(|e| client::fault("cannot drop the demo's own database", &e))?;
        }
        if self.s3.is_none() {
            for bucket in [&self.uploads, &self.backups] {
                empty(&S3Store::open(bucket, "", &self.options).await?).await?;
            }
        }
        Ok(())
    }
}

/// Removes every object of a bucket that we made, and the bucket, if we came so far.
async fn empty(bucket: &S3Store) -> Result<()> {
    let objects = match bucket.list("").await {
        Err(fault) if fault.kind == FaultKind::Missing => return Ok(()),
        listed => listed?,
    };
    stream::iter(objects.iter().map(|object| bucket.delete(&object.key)))
        .buffer_unordered(16)
        .try_collect::<()>()
        .await?;
    bucket.delete_bucket().await
}

/// Off this thread: fetching takes a while, in which Ctrl-C must be heard.
async fn find(stage: &Stage<'_>, kind: ServerKind, explicit: Option<PathBuf>, guard: &Guard) -> Result<PathBuf> {
    let (tell, guard) = (stage.teller(), guard.clone());
    let found = tokio::task::spawn_blocking(move || locate(kind, explicit.as_deref(), &guard, &tell)).await;
    found.map_err(|e| Fault::bug("the look for a server broke").because(e))?
}

async fn own_mongo(args: &Args, guard: &Guard, mongod: &Path) -> Result<Option<MongoServer>> {
    if args.uri.is_some() {
        return Ok(None);
    }
    let options = MongoOptions { keep: keep(args.keep.as_deref(), "mongod"), ..MongoOptions::default() };
    MongoServer::start(mongod, guard, &options).await.map(Some)
}

async fn own_s3(stage: &Stage<'_>, args: &Args, guard: &Guard) -> Result<Option<S3Server>> {
    if args.s3_endpoint.is_some() {
        return Ok(None);
    }
    let weed = find(stage, ServerKind::Weed, args.weed.clone(), guard).await?;
    S3Server::start(&weed, guard, &keep(args.keep.as_deref(), "s3")).await.map(Some)
}

fn keep(folder: Option<&Path>, name: &str) -> Keep {
    folder.map_or(Keep::Nothing, |folder| Keep::In(folder.join(name)))
}

fn refuse_secret(uri: Option<&str>) -> Result<()> {
    match uri {
        Some(uri) if client::holds_secret(uri) => {
            Err(Fault::usage("--uri holds a password, which every user of this machine could read")
                .help("use a server without one for the demo"))
        }
        _ => Ok(()),
    }
}

fn refuse_full(folder: Option<&Path>) -> Result<()> {
    let Some(folder) = folder else { return Ok(()) };
    match std::fs::read_dir(folder).map(|mut entries| entries.next().is_some()) {
        Ok(true) => {
            Err(Fault::usage(format!("`{}` is not empty", folder.display()))
                .help("name a new folder, or empty this one"))
        }
        Ok(false) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Fault::io("look into", folder.display(), error)),
    }
}
