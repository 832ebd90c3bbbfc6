//! The files beside a policy that a command line names: schedules, scripts and the recovery plan.

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
    /// The committed recovery plan, as `report runbook` made it; where it and the policy differ is a finding
    #[arg(long, value_name = "FILE")]
    runbook: Option<PathBuf>,
    /// Time zone of the hosts whose schedules do not say their own, such as UTC
    #[arg(long, value_name = "ZONE")]
    host_zone: Option<Tz>,
}

impl BesideArgs {
    /// The policy with these files beside it.
    pub fn attach(&self, policy: Policy) -> Result<Policy> {
        self.attach_from(policy, |what, path| policy_file::read(what, path).map(Some))
    }

    /// The same, with files read by `read`; one that is not there is left out.
    pub fn attach_from(
        &self,
        mut policy: Policy,
        read: impl Fn(&str, &Path) -> Result<Option<String>>,
    ) -> Result<Policy> {
        policy.beside.host_zone = self.host_zone;
        let schedules = self.schedules.iter().map(|path| (Sort::Schedule, "schedule", path));
        let scripts = self.scripts.iter().map(|path| (Sort::Script, "script", path));
        let runbook = self.runbook.iter().map(|path| (Sort::Runbook, "runbook", path));
        for (sort, what, path) in schedules.chain(scripts).chain(runbook) {
            let Some(text) = read(what, path)? else { continue };
            let Policy { source, beside, .. } = &mut policy;
            let file = SourceText::new(path.display().to_string(), text);
            beside.add(sort, file, source).map_err(|problem| policy_file::refused(source, &[problem]))?;
        }
        Ok(policy)
    }
}
