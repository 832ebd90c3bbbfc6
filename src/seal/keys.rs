//! The keys that a run works with.

use std::sync::Arc;

use super::{Identity, Recipient, Sealing};
use crate::base::Result;

/// For whom what is written is sealed, and with what something sealed is read. Cheap to copy; shows no secret.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    recipients: Arc<Vec<Recipient>>,
    identities: Arc<Vec<Identity>>,
}

impl Keys {
    pub fn new(mut recipients: Vec<Recipient>, identities: Vec<Identity>) -> Self {
        recipients.sort();
        recipients.dedup();
        Keys { recipients: Arc::new(recipients), identities: Arc::new(identities) }
    }

    /// In order; none where nothing is sealed.
    pub fn recipients(&self) -> &[Recipient] {
        &self.recipients
    }

    pub fn identities(&self) -> &[Identity] {
        &self.identities
    }

    pub fn are_none(&self) -> bool {
        self.recipients.is_empty() && self.identities.is_empty()
    }

    pub fn seals(&self) -> bool {
        !self.recipients.is_empty()
    }

    /// Begins an object for the recipients; none where nothing is sealed.
    pub fn sealing(&self) -> Result<Option<Sealing>> {
        self.seals().then(|| Sealing::begin(&self.recipients)).transpose()
    }
}
