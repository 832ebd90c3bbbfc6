//! A campaign in parts: each machine simulates some of the years, and the parts join to the very bytes of the whole.

use serde::{Deserialize, Serialize};

use super::tally::Tally;
use crate::base::{Fault, FaultKind, Result};

/// Part `index` (from 1) of `of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    pub index: u64,
    pub of: u64,
}

/// Version of the form of a part. Others are refused.
pub const FORMAT: u32 = 2;
const MOST: u64 = 100_000;

/// What one shard found, to be joined with the others.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partial {
    pub format: u32,
    /// Of all that the result depends on: parts of other policies, evidence, seeds or years do not join.
    pub inputs: String,
    pub shard: Shard,
    pub tally: Tally,
}

impl Shard {
    /// The half-open range of whole chunks that are this shard's, of `chunks` in all: neighbouring, and as even as can be.
    pub fn of_chunks(self, chunks: u64) -> (u64, u64) {
        let at = |index: u64| u64::try_from(u128::from(chunks) * u128::from(index) / u128::from(self.of.max(1)));
        (at(self.index.saturating_sub(1)).unwrap_or(chunks), at(self.index).unwrap_or(chunks))
    }
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let number = |text: &str| text.parse::<u64>().ok().filter(|n| (1..=MOST).contains(n));
        text.split_once('/')
            .and_then(|(index, of)| Some(Shard { index: number(index)?, of: number(of)? }))
            .filter(|shard| shard.index <= shard.of)
            .ok_or_else(|| format!("`{}` is no part of a whole; write 3/16 for the third of 16", text.escape_debug()))
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

/// All parts as one tally. Every part must be there once, and be of the campaign of `inputs`.
pub fn join(inputs: &str, mut partials: Vec<Partial>, empty: Tally) -> Result<Tally> {
    let unlike = |what: String, help: &str| Err(Fault::new(FaultKind::Usage, what).help(help.to_string()));
    if let Some(other) = partials.iter().find(|part| part.format != FORMAT) {
        let what = format!("part {} has format {}; this version reads {FORMAT}", other.shard, other.format);
        return unlike(what, "simulate the parts and join them with the same version of plimsoll");
    }
    if let Some(other) = partials.iter().find(|part| part.inputs != inputs) {
        let what = format!("part {} is not of this policy, evidence, seed and number of years", other.shard);
        return unlike(
            what,
            "join with the same policy, --evidence, --as-of, --seed, --years and --source as the parts",
        );
    }
    if let Some(other) = partials.iter().find(|part| !part.tally.is_like(&empty)) {
        let what = format!("part {} counts other scenarios than the policy has", other.shard);
        return unlike(what, "it was changed after it was printed: simulate it again");
    }
    partials.sort_by_key(|part| part.shard);
    let of = partials.first().map_or(0, |part| part.shard.of);
    let expected = (1..=of).map(|index| Shard { index, of });
    if partials.is_empty() || !expected.eq(partials.iter().map(|part| part.shard)) {
        let given: Vec<String> = partials.iter().map(|part| part.shard.to_string()).collect();
        return unlike(format!("these parts are no whole: {}", given.join(", ")), "give each part once");
    }
    Ok(partials.into_iter().fold(empty, |mut whole, part| {
        whole.merge(part.tally);
        whole
    }))
}
