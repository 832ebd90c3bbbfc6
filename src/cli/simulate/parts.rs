//! A simulation on many machines: `--shard 3/16` prints a part, `simulate merge` joins them.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Campaign;
use super::shown::shown;
use crate::base::{Fault, Result};
use crate::cli::Exit;
use crate::cli::output::{self, Format, Global};
use crate::evidence::Evidence;
use crate::policy::Policy;
use crate::sim::{Options, Partial, Shard, campaign};

#[derive(Debug, clap::Args)]
pub struct Merge {
    #[command(flatten)]
    campaign: Campaign,
    /// A part, as `simulate --shard` printed it; every part is given, once
    #[arg(long = "part", value_name = "FILE", required = true)]
    parts: Vec<PathBuf>,
}

impl Merge {
    pub fn run(&self, global: &Global) -> Result<Exit> {
        let (policy, evidence) = self.campaign.load(global)?;
        let options = self.campaign.of_one_basis()?;
        let parts = self.parts.iter().map(read).collect::<Result<Vec<Partial>>>()?;
        let inputs = inputs(&policy, evidence.as_ref(), &options)?;
        let simulation = campaign::join(&policy, evidence.as_ref(), &options, &inputs, parts)?;
        match global.format {
            Format::Json => output::print_json(&simulation)?,
            Format::Human => output::print(&shown(&policy, &simulation))?,
        }
        Ok(Exit::Done)
    }
}

impl Campaign {
    pub(super) fn print_part(&self, policy: &Policy, evidence: Option<&Evidence>, shard: Shard) -> Result<Exit> {
        let options = self.of_one_basis()?;
        let inputs = inputs(policy, evidence, &options)?;
        output::print_json(&campaign::part(policy, evidence, &options, inputs, shard))?;
        Ok(Exit::Done)
    }

    /// Parts are simulated at different instants, so the instant that they are of must be given.
    fn of_one_basis(&self) -> Result<Options> {
        let [basis] = self.bases()[..] else {
            return Err(Fault::usage("a part is of the declared plan or of the observed record, not of both")
                .help("give --source declared or --source observed"));
        };
        match self.evidence.as_of {
            Some(_) => Ok(self.options(basis)),
            None => Err(Fault::usage("parts must all be as of one instant, and none is given")
                .help("give the same --as-of to every part and to merge, such as --as-of 2026-11-20T00:00:00Z")),
        }
    }
}

fn read(path: &PathBuf) -> Result<Partial> {
    let text = std::fs::read(path).map_err(|e| Fault::io("read", path.display(), e))?;
    let told = |e| Fault::usage(format!("`{}` is no part of a simulation", Path::new(path).display())).because(e);
    serde_json::from_slice(&text).map_err(|e| told(e).help("`plimsoll simulate --shard 1/4` prints such a file"))
}

/// SHA-256 of all that the result depends on; the names of files are no part of it.
fn inputs(policy: &Policy, evidence: Option<&Evidence>, options: &Options) -> Result<String> {
    let mut sha = Sha256::new();
    let sources = std::iter::once(&policy.source).chain(&policy.source.beside);
    for source in sources {
        sha.update((source.text.len() as u64).to_le_bytes());
        sha.update(source.text.as_bytes());
    }
    let evidence = serde_json::to_vec(&evidence).map_err(|e| Fault::bug("cannot write JSON").because(e))?;
    sha.update(evidence);
    let Options { seed, years, basis, as_of, threads: _ } = options;
    sha.update(format!("{seed} {years} {basis:?} {as_of} {}", env!("CARGO_PKG_VERSION")));
    Ok(sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
