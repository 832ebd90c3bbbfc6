//! One write of one row, with the row as it must be afterwards.

use bson::{Bson, Document, doc};
use mongodb::ClientSession;
use mongodb::error::Error;

use super::PixelCraft;

#[derive(Debug)]
pub(super) struct Step {
    pub collection: &'static str,
    pub deed: Deed,
    /// The whole row after the write; for a deletion the row that goes.
    pub row: Document,
}

#[derive(Debug)]
pub(super) enum Deed {
    Insert,
    /// Update operators, whose effect on the row the writer worked out by itself.
    Update(Document),
    Replace,
    Delete,
}

impl Step {
    pub fn insert(collection: &'static str, row: Document) -> Step {
        Step { collection, deed: Deed::Insert, row }
    }

    pub fn update(collection: &'static str, change: Document, row: Document) -> Step {
        Step { collection, deed: Deed::Update(change), row }
    }

    pub fn delete(collection: &'static str, row: Document) -> Step {
        Step { collection, deed: Deed::Delete, row }
    }

    pub fn id(&self) -> &Bson {
        self.row.get("_id").unwrap_or(&Bson::Null)
    }

    /// The row that is there once the write is acknowledged.
    pub fn after(&self) -> Option<&Document> {
        (!matches!(self.deed, Deed::Delete)).then_some(&self.row)
    }

    /// Whether the row was there to be changed.
    pub async fn send(&self, craft: &PixelCraft, session: &mut ClientSession) -> Result<bool, Error> {
        let rows = craft.database.collection::<Document>(self.collection);
        let this = doc! { "_id": self.id() };
        let touched = match &self.deed {
            Deed::Insert => rows.insert_one(&self.row).session(session).await.map(|_| 1)?,
            Deed::Update(change) => rows.update_one(this, change.clone()).session(session).await?.matched_count,
            Deed::Replace => rows.replace_one(this, &self.row).session(session).await?.matched_count,
            Deed::Delete => rows.delete_one(this).session(session).await?.deleted_count,
        };
        Ok(touched == 1)
    }
}
