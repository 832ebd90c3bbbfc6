//! What a place of the policy was told. Notices to one place are numbered, and the store lets only one host write the
//! next number: so of all hosts that see the same trouble, one tells of it. What came of it stands beside it; a notice
//! that did not arrive was not told, and the next one tells it anew.

use serde::{Deserialize, Serialize};

use super::Key;
use super::key::{NOTICES, Name};
use super::prune::Record;
use crate::base::{Instant, Result};
use crate::notice::Told;

/// `notices/<place>/<number>.json`, written before anything is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telling {
    pub format: u32,
    /// Never shared by two tries.
    pub id: String,
    pub at: Instant,
    /// All that the place knows of, once this has arrived.
    pub told: Told,
}

/// `notices/<place>/<number>.end.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TellingEnd {
    pub format: u32,
    pub id: String,
    pub at: Instant,
    /// Why it did not arrive; absent where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

impl Record for Telling {}
impl Record for TellingEnd {}

/// One notice to one place of the policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NoticeName {
    pub place: Name,
    pub number: u64,
}

impl NoticeName {
    pub fn new(place: &str, number: u64) -> Result<Self> {
        Ok(NoticeName { place: place.parse()?, number })
    }

    /// Of what is told.
    pub fn key(&self) -> Key {
        Key::Notice(self.clone(), false)
    }

    /// Of what came of it.
    pub fn end(&self) -> Key {
        Key::Notice(self.clone(), true)
    }

    /// Begins the key of each notice to `place`.
    pub fn prefix(place: &str) -> Result<String> {
        Ok(format!("{NOTICES}{}/", place.parse::<Name>()?))
    }

    pub(super) fn show(&self, is_end: bool) -> String {
        let end = if is_end { ".end" } else { "" };
        format!("{NOTICES}{}/{:020}{end}.json", self.place, self.number)
    }

    /// Back from what follows `notices/`, and whether it is of what came of it.
    pub(super) fn read(rest: &str) -> Option<(Self, bool)> {
        let (place, file) = rest.split_once('/')?;
        let stem = file.strip_suffix(".json")?;
        let (number, is_end) = stem.strip_suffix(".end").map_or((stem, false), |number| (number, true));
        Some((NoticeName::new(place, number.parse().ok()?).ok()?, is_end))
    }
}
