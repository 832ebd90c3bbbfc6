//! Flags that say where the repository and the evidence are. No flag carries a secret.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::evidence_file;
use super::output::{self, Global};
use crate::base::{Instant, Result};
use crate::clock::SystemClock;
use crate::evidence::Evidence;
use crate::port::{Clock, ObjectStore};
use crate::repository::{self, catalog};
use crate::store::remembering::Remembering;
use crate::store::{self, S3Options};

/// Where the repository is.
#[derive(Debug, Clone, Args)]
pub struct RepositoryArgs {
    /// Repository: s3://bucket/prefix, or a directory
    #[arg(long, env = "PLIMSOLL_REPO", value_name = "URL")]
    pub repo: String,
    #[command(flatten)]
    pub s3: S3Args,
}

/// Where S3 is; credentials come from the environment or the profile, as for every AWS tool.
#[derive(Debug, Clone, Args)]
pub struct S3Args {
    /// Endpoint of an S3-compatible server, where it is not AWS
    #[arg(long, env = "AWS_ENDPOINT_URL_S3", value_name = "URL")]
    pub s3_endpoint: Option<String>,
    /// Region of the bucket
    #[arg(long, env = "AWS_REGION", value_name = "REGION")]
    pub s3_region: Option<String>,
}

/// Where evidence comes from: files, the repository itself, or both.
#[derive(Debug, Clone, Args)]
pub struct EvidenceArgs {
    /// Evidence from a file, as `inventory --format json` prints it; may be given several times, and with a repository
    #[arg(long, value_name = "FILE")]
    pub evidence: Vec<PathBuf>,
    /// Repository to read the evidence from: s3://bucket/prefix, or a directory
    #[arg(long, env = "PLIMSOLL_REPO", value_name = "URL")]
    pub repo: Option<String>,
    #[command(flatten)]
    pub s3: S3Args,
    /// Read everything from the repository, also what earlier runs have read and this machine remembers
    #[arg(long)]
    pub no_cache: bool,
    /// Judge as of this instant, such as 2026-11-20T14:03:07Z: later evidence is left out
    #[arg(long, value_name = "INSTANT")]
    pub as_of: Option<Instant>,
}

impl S3Args {
    pub fn options(&self) -> S3Options {
        // A variable that is set to nothing is not set.
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        S3Options { endpoint: given(&self.s3_endpoint), region: given(&self.s3_region), credentials: None }
    }
}

impl RepositoryArgs {
    /// The store, whether or not it holds a repository yet. What writes to it calls [`repository::open`] next.
    pub async fn open(&self) -> Result<Arc<dyn ObjectStore>> {
        store::open(&self.repo, &self.s3.options()).await
    }

    /// The store of a repository that is there, to read from.
    pub async fn open_existing(&self) -> Result<Arc<dyn ObjectStore>> {
        let store = self.open().await?;
        repository::require(store.as_ref()).await?;
        Ok(store)
    }
}

impl EvidenceArgs {
    /// The evidence of all that was named, made one; none if nothing was.
    pub fn load(&self, global: &Global) -> Result<Option<Evidence>> {
        self.load_with(None, global)
    }

    /// As [`EvidenceArgs::load`], with what another tool's inventory shows. That stands beside files of evidence; a
    /// repository that the environment names is left for the other verbs to add.
    pub fn load_with(&self, imported: Option<Evidence>, global: &Global) -> Result<Option<Evidence>> {
        let mut parts = self.evidence.iter().map(|file| evidence_file::read(file)).collect::<Result<Vec<_>>>()?;
        let repository = self.repo.as_ref().filter(|repo| !repo.is_empty() && imported.is_none());
        if let Some(repo) = repository {
            let repository = RepositoryArgs { repo: repo.clone(), s3: self.s3.clone() };
            parts.push(output::runtime()?.block_on(read_repository(&repository, self.cache()))?);
        }
        parts.extend(imported);
        let Some(evidence) = Evidence::merged(parts) else { return Ok(None) };
        let evidence = match self.as_of {
            Some(at) => evidence.as_of(at),
            None => evidence,
        };
        if !evidence.unreadable.is_empty() {
            let count = evidence.unreadable.len();
            output::tell(global, &format!("warning: evidence that cannot be read: {count}; `inventory` names it"));
        }
        Ok(Some(evidence))
    }

    /// `$XDG_CACHE_HOME/plimsoll/read`, or below `~/.cache`; none where there is no such place, or none is wanted.
    fn cache(&self) -> Option<PathBuf> {
        let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
        let folder = named.or_else(|| std::env::home_dir().map(|home| home.join(".cache")))?;
        (!self.no_cache).then(|| folder.join("plimsoll").join("read"))
    }
}

/// What the repository holds, as of now. With a cache, what was read before is not read again.
async fn read_repository(repository: &RepositoryArgs, cache: Option<PathBuf>) -> Result<Evidence> {
    let store = repository.open_existing().await?;
    let Some(cache) = cache else { return catalog::read(store.as_ref(), SystemClock.now()).await };
    let store = Remembering::new(store, &cache);
    let evidence = catalog::read(&store, SystemClock.now()).await?;
    store.forget_the_rest();
    Ok(evidence)
}
