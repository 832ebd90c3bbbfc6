//! Act 2: PixelCraft opens its doors.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

use super::lab::Lab;
use super::stage::Stage;
use crate::base::quantity::grouped;
use crate::base::{Bytes, Result};
use crate::lab::pixelcraft::{self, PixelCraft, SharedLedger, Size, Writer};

/// Writes a second: some hundreds, as a busy small site has, and what two cores do beside everything else.
const WRITES_A_SECOND: u32 = 300;

pub struct Site {
    pub craft: PixelCraft,
    pub ledger: SharedLedger,
    pub writer: Writer,
}

pub async fn open(stage: &Stage<'_>, lab: &Lab, seed: u64) -> Result<Site> {
    stage.act("PixelCraft");
    lab.make_buckets().await?;
    let database = lab.client.database(&lab.database);
    let craft = PixelCraft { database, uploads: lab.uploads().await?, clock: Arc::clone(&stage.clock), seed };
    let size = Size::default();
    let ledger = pixelcraft::fill(&craft, &size).await?;
    let bytes = ledger.uploads.values().map(|upload| upload.bytes).sum();
    stage.say(&format!(
        "{} users, {} images, {} edits and {} log lines; {} uploads of {}",
        grouped(size.users),
        grouped(size.images),
        grouped(size.edits),
        grouped(size.activity),
        grouped(ledger.uploads.len() as u64),
        Bytes(bytes)
    ));
    let ledger = pixelcraft::share(ledger);
    let writer = Writer::start(&craft, &size, &ledger, WRITES_A_SECOND).await?;
    stage.say(&format!(
        "its users write on, up to {WRITES_A_SECOND} times a second; a ledger notes what was acknowledged"
    ));
    Ok(Site { craft, ledger, writer })
}

impl Site {
    /// Changes of documents acknowledged so far.
    pub fn writes(&self) -> u64 {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).writes()
    }

    /// Keys of the objects that the bucket really holds.
    pub async fn keys(&self) -> Result<BTreeSet<String>> {
        Ok(self.craft.uploads.list("").await?.into_iter().map(|object| object.key).collect())
    }
}
