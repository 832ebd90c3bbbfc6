//! A database and the uploads that it refers to, brought to matching instants: one plan, one run.

use std::sync::Arc;

use serde::Serialize;

use super::{Args, NOT_APPLIED, told};
use crate::base::fault::redact_uri;
use crate::base::{OpTime, Result, Span};
use crate::cli::output::{self, Format, Global};
use crate::cli::progress::Progress;
use crate::cli::restore::told_uploads;
use crate::cli::{Exit, signals};
use crate::engine::plan::{RestorePlan, RestoreTo};
use crate::engine::restore::Restored;
use crate::engine::uploads::{self, UploadsPlan, UploadsRestored};
use crate::mongo::{Target, client};
use crate::port::ObjectStore;
use crate::store;

#[derive(Serialize)]
struct Plans<'a> {
    database: &'a RestorePlan,
    uploads: &'a crate::repository::Manifest,
    /// The instant whose state the uploads will be.
    uploads_state_of: crate::base::Instant,
}

#[derive(Serialize)]
struct Both {
    database: Restored,
    uploads: UploadsRestored,
}

impl Args {
    /// Both are planned and both places looked at before either is written to.
    pub(super) async fn together(&self, global: &Global, asset: &str, to: &str) -> Result<Exit> {
        let address = self.target.is_named().then(|| self.target.address()).transpose()?;
        let (store, plan) = self.plan(global).await?;
        let pictures = uploads::plan(store.as_ref(), asset, &RestoreTo::At(reached(&plan))).await?;
        let described = self.described(&plan, address.as_deref()) + &beside(&plan, &pictures, to);
        if !self.apply {
            match global.format {
                Format::Human => output::print(&(described + NOT_APPLIED))?,
                Format::Json => {
                    let (uploads, uploads_state_of) = (&pictures.manifest, pictures.state_of);
                    output::print_json(&Plans { database: &plan, uploads, uploads_state_of })?;
                }
            }
            return Ok(Exit::Done);
        }
        output::tell(global, described.trim_end());
        let destination = store::open(to, &self.s3.options()).await?;
        if !self.replace {
            uploads::must_be_empty(destination.as_ref()).await?;
        }
        let target = Target::new(client::connect(&self.target.address()?).await?);
        let database = self.apply(global, &plan, Arc::clone(&store), &target).await?;
        let uploads = self.write_uploads(global, store.as_ref(), destination.as_ref(), &pictures).await?;
        match global.format {
            Format::Json => output::print_json(&Both { database, uploads })?,
            Format::Human => {
                output::print(&(told(&database) + &told_uploads(&uploads, &destination.address())))?;
            }
        }
        Ok(Exit::Done)
    }

    async fn write_uploads(
        &self,
        global: &Global,
        store: &dyn ObjectStore,
        destination: &dyn ObjectStore,
        plan: &UploadsPlan,
    ) -> Result<UploadsRestored> {
        let progress = Progress::new(global);
        let stop = signals::asked_to_stop()?;
        tokio::select! {
            restored = uploads::restore(store, destination, &progress, plan, self.replace) => restored,
            () = stop => Err(super::stopped_uploads(&destination.address())),
        }
        .map_err(|fault| fault.within("the database is restored, its uploads are not"))
    }
}

/// The instant that the database will stand at.
fn reached(plan: &RestorePlan) -> OpTime {
    let own = plan.until.or(plan.base.cluster_time);
    own.unwrap_or_else(|| OpTime::last_in_second(plan.base.consistent_at))
}

fn beside(plan: &RestorePlan, pictures: &UploadsPlan, to: &str) -> String {
    let mut text = pictures.describe() + &format!("  {:<10} {}\n", "into", redact_uri(to));
    let apart = reached(plan).instant() - pictures.state_of;
    if apart > Span::ZERO && !pictures.knows_every_instant() {
        text += &format!(
            "  {:<10} the uploads are as they stood {apart} before the database: what it came to refer to since then is \
             missing\n",
            "note"
        );
    }
    text
}
