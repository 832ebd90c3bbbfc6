//! What a run of `backup` or `capture` serves: an asset, and the policy's protection that says how its points are kept.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::connect::RepositoryArgs;
use super::keys::RecipientArgs;
use super::policy_file;
use super::telling::About;
use crate::base::{Compression, Fault, Keeping, Result, ServerEncryption, Span, StorageClass};
use crate::policy::{self, Mechanism, Placed, Policy, Problem, Protection};
use crate::port::ObjectStore;
use crate::seal::{Identity, Keys, Recipient};
use crate::store::keyed;

#[derive(Debug, Clone, Args)]
pub struct ServingArgs {
    /// The policy's name for what is protected
    #[arg(long, value_name = "NAME")]
    pub asset: String,
    /// The policy's protection that this run serves
    #[arg(long, value_name = "NAME")]
    pub protection: Option<String>,
    /// Policy to take the protection's retention, compression, lock, storage class and encryption from; flags win
    #[arg(long, env = "PLIMSOLL_POLICY", value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Let nobody, not even the writer, delete a point for so long: needs a bucket with object lock
    #[arg(long, value_name = "SPAN")]
    pub lock: Option<Span>,
    /// Storage class of S3 for what is large enough to be cheaper in it: STANDARD_IA, ONEZONE_IA or GLACIER_IR
    #[arg(long, value_name = "CLASS")]
    pub storage_class: Option<StorageClass>,
    /// The store's own encryption: aes256, kms or kms:KEY
    #[arg(long, value_name = "HOW")]
    pub server_side_encryption: Option<ServerEncryption>,
    #[command(flatten)]
    pub recipients: RecipientArgs,
}

/// Which of a policy's protections a run can serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    Points,
    Log,
}

/// What flags and policy say together.
#[derive(Debug, Clone, Default)]
pub struct Serving {
    pub asset: String,
    pub protection: Option<String>,
    pub retention: Option<Span>,
    pub compression: Option<Compression>,
    pub keeping: Keeping,
    /// Of a log: how far behind it may be.
    pub lag: Option<Span>,
    /// For whom it is sealed; empty where nothing is.
    pub recipients: Vec<Recipient>,
}

impl Serving {
    /// The store, sealed for the recipients.
    pub fn seal(&self, store: Arc<dyn ObjectStore>, identities: Vec<Identity>) -> Arc<dyn ObjectStore> {
        keyed::with(store, Keys::new(self.recipients.clone(), identities))
    }
}

impl ServingArgs {
    /// What a run was for, for whoever is told how it ended.
    pub fn about(&self, work: Work, repository: &RepositoryArgs) -> About<'_> {
        let policy = self.policy.as_deref().and_then(|path| policy_file::load(path).ok());
        let served = policy.as_ref().and_then(|policy| {
            served(policy, &self.asset, self.protection.as_deref(), work).ok().map(|served| served.name.clone())
        });
        About {
            work: if work == Work::Log { policy::Work::Capture } else { policy::Work::Backup },
            asset: Some(&self.asset),
            protection: served.or(self.protection.clone()),
            policy: self.policy.as_deref(),
            repository: repository.clone(),
        }
    }

    pub fn resolve(&self, work: Work) -> Result<Serving> {
        let mut serving = match &self.policy {
            None => Serving { protection: self.protection.clone(), ..Serving::default() },
            Some(path) => {
                let policy = policy_file::load(path)?;
                let served = served(&policy, &self.asset, self.protection.as_deref(), work)?;
                let serving = of_protection(&policy, served)?;
                self.must_seal(&policy, served)?;
                serving
            }
        };
        serving.asset.clone_from(&self.asset);
        let named = self.recipients.load()?;
        if !named.is_empty() {
            serving.recipients = named;
        }
        let keeping = &mut serving.keeping;
        keeping.lock = self.lock.or(keeping.lock);
        keeping.storage_class = self.storage_class.or(keeping.storage_class);
        keeping.encryption = self.server_side_encryption.clone().or(keeping.encryption.take());
        Ok(serving)
    }
}

impl ServingArgs {
    /// What the plan says is encrypted is never stored as it is.
    fn must_seal(&self, policy: &Policy, served: &Protection) -> Result<()> {
        let asked = served.encrypted.as_ref().filter(|asked| asked.value && served.recipients.is_empty());
        let Some(asked) = asked.filter(|_| !self.recipients.are_named()) else { return Ok(()) };
        let said = format!("`{}` is to be encrypted, and nothing says for whom", served.name);
        let problem = Problem::new(asked.at, said).help(
            "name recipients in [encryption], or with --recipient; `age-keygen` makes an identity and its recipient",
        );
        Err(policy_file::refused(&policy.source, &[problem]))
    }
}

/// The protection that was named, or the only one that fits.
fn served<'a>(policy: &'a Policy, asset: &'a str, named: Option<&str>, work: Work) -> Result<&'a Protection> {
    let file = &policy.source.name;
    if policy.asset(asset).is_none() {
        let known: Vec<&str> = policy.assets.iter().map(|asset| asset.name.as_str()).collect();
        return Err(Fault::usage(format!("`{file}` declares no asset `{asset}`"))
            .help(format!("its assets are: {}", known.join(", "))));
    }
    let fits = |protection: &Protection| match work {
        Work::Points => matches!(protection.mechanism, Mechanism::Snapshot { .. } | Mechanism::Mirror { .. }),
        Work::Log => matches!(protection.mechanism, Mechanism::Log { .. }),
    };
    let fitting: Vec<&Protection> = policy.protections_of(asset).filter(|protection| fits(protection)).collect();
    let names = || fitting.iter().map(|protection| protection.name.as_str()).collect::<Vec<_>>().join(", ");
    let what = match work {
        Work::Points => "snapshot",
        Work::Log => "log",
    };
    match (named, fitting.as_slice()) {
        (Some(named), _) => fitting.iter().find(|protection| protection.name == named).copied().ok_or_else(|| {
            let fault = Fault::usage(format!("`{file}` declares no {what} `{named}` of `{asset}`"));
            if fitting.is_empty() { fault } else { fault.help(format!("those that it declares are: {}", names())) }
        }),
        (None, [only]) => Ok(only),
        (None, []) => Err(Fault::usage(format!("`{file}` declares no {what} of `{asset}` that this run could serve"))
            .help("declare it, or run without a policy")),
        (None, _) => Err(Fault::usage(format!("`{file}` declares more than one {what} of `{asset}`"))
            .help(format!("name the one that this run serves with --protection: {}", names()))),
    }
}

fn of_protection(policy: &Policy, served: &Protection) -> Result<Serving> {
    let class = served.storage_class.as_ref().map(|class| storage_class(policy, class)).transpose()?;
    let lag = match &served.mechanism {
        Mechanism::Log { lag, .. } => Some(lag.value),
        _ => None,
    };
    Ok(Serving {
        asset: String::new(),
        protection: Some(served.name.clone()),
        retention: served.retention.as_ref().map(|retention| retention.value),
        compression: served.compress.as_ref().map(|compress| compress.value),
        keeping: Keeping {
            storage_class: class,
            encryption: served.server_side_encryption.as_ref().map(|encryption| encryption.value.clone()),
            lock: served.lock.as_ref().map(|lock| lock.value),
        },
        lag,
        recipients: served.recipients.iter().map(|recipient| recipient.value.clone()).collect(),
    })
}

/// A class that has a price and cannot be written to, or not read back in time, is a mistake in the policy's line.
fn storage_class(policy: &Policy, class: &Placed<String>) -> Result<StorageClass> {
    class.value.parse().map_err(|said: String| {
        let problem =
            Problem::new(class.at, said).help("this run writes to S3 and must be able to read back what it wrote");
        policy_file::refused(&policy.source, &[problem])
    })
}
