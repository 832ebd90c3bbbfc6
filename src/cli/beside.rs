//! The files beside a policy that a command line names: schedules and scripts.

use std::path::{Path, PathBuf};

use chrono_tz::Tz;

use super::policy_file;
use crate::base::Result;
use crate::policy::beside::Sort;
use crate::policy::{Policy, SourceText};

#[derive(Debug, Clone, clap::Args)]
pub struct BesideArgs {
    /// Files that schedulers run from: crontabs, systemd timers, GitHub Actions workflows, Kubernetes CronJobs
    #[arg(long, value_name = "FILE", num_args = 1..)]
    schedules: Vec<PathBuf>,
    /// Shell scripts of the backups and restores
    #[arg(long, value_name = "FILE", num_args = 1..)]
    scripts: Vec<PathBuf>,
    /// Time zone of the hosts whose schedules do not say their own, such as UTC
    #[arg(long, value_name = "ZONE")]
    host_zone: Option<Tz>,
}

impl BesideArgs {
    /// The policy with these files beside it.
    pub fn attach(&self, mut policy: Policy) -> Result<Policy> {
        policy.beside.host_zone = self.host_zone;
        for path in &self.schedules {
            add(&mut policy, Sort::Schedule, "schedule", path)?;
        }
        for path in &self.scripts {
            add(&mut policy, Sort::Script, "script", path)?;
        }
        Ok(policy)
    }
}

fn add(policy: &mut Policy, sort: Sort, what: &str, path: &Path) -> Result<()> {
    let file = SourceText::new(path.display().to_string(), policy_file::read(what, path)?);
    let Policy { source, beside, .. } = policy;
    beside.add(sort, file, source).map_err(|problem| policy_file::refused(source, &[problem]))
}
