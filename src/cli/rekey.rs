//! `plimsoll rekey`: prints its plan, and carries it out with `--apply`.

use super::Exit;
use super::connect::RepositoryArgs;
use super::keys::{IdentityArgs, RecipientArgs};
use super::output::{self, Format, Global};
use super::progress::Progress;
use crate::base::{Fault, Result};
use crate::clock::SystemClock;
use crate::engine::plan::count;
use crate::engine::rekey::{self, Rekeyed};
use crate::port::Clock;
use crate::seal::Keys;
use crate::store::keyed;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Name all that shall be able to open what is stored, also those who can already: whoever is left out \
                        cannot any more. What was there before goes with a later `prune --apply`, a week after; until then \
                        an old identity opens it. New objects are kept in the bucket's own class."
)]
pub struct Args {
    #[command(flatten)]
    repository: RepositoryArgs,
    /// Points and log of this asset alone [default: all of the repository]
    #[arg(long, value_name = "NAME")]
    asset: Option<String>,
    #[command(flatten)]
    recipients: RecipientArgs,
    #[command(flatten)]
    identity: IdentityArgs,
    /// Do it; without this, the plan is printed and nothing is written
    #[arg(long)]
    apply: bool,
}

impl Args {
    pub fn run(&self, global: &Global) -> Result<Exit> {
        let recipients = self.recipients.load()?;
        if recipients.is_empty() {
            return Err(Fault::usage("nobody is named to seal for")
                .help("give --recipient age1…, once for each who shall be able to open it"));
        }
        let keys = Keys::new(recipients, self.identity.load()?);
        output::runtime()?.block_on(self.rekey(global, keys))
    }

    async fn rekey(&self, global: &Global, keys: Keys) -> Result<Exit> {
        let store = keyed::with(self.repository.open_existing().await?, keys);
        let plan = rekey::make(store.as_ref(), SystemClock.now(), self.asset.as_deref()).await?;
        let left = plan.points.iter().any(|p| p.stays.is_some()) || plan.slices.iter().any(|s| s.stays.is_some());
        if !self.apply {
            match global.format {
                Format::Json => output::print_json(&plan)?,
                Format::Human => {
                    output::print(&(plan.describe() + "Nothing was written. Run again with --apply to do it.\n"))?;
                }
            }
            return Ok(Exit::Done);
        }
        output::tell(global, plan.describe().trim_end());
        let rekeyed = rekey::apply(store.as_ref(), &SystemClock, &Progress::new(global), &plan).await?;
        match global.format {
            Format::Json => output::print_json(&rekeyed)?,
            Format::Human => output::print(&told(&rekeyed))?,
        }
        // What a lock holds is not what was asked for.
        Ok(if left { Exit::Failed } else { Exit::Done })
    }
}

fn told(rekeyed: &Rekeyed) -> String {
    let (points, slices) = (count(rekeyed.points, "point"), count(rekeyed.slices, "slice"));
    let mut text = format!("{points} and {slices} of the log sealed anew\n");
    if let Some(from) = rekeyed.swept_from {
        let many = count(rekeyed.marked, "object");
        text += &format!(
            "  {many} of before: `prune --apply` removes them from {from} on; an old identity opens them until then\n"
        );
        text += "  drill with a new identity: nothing shows yet that it is there\n";
    }
    text
}
