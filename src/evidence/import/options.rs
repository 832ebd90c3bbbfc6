//! What a foreign inventory does not say and the user must: to which part of the policy it belongs, and what to take of it.

use std::str::FromStr;

use super::pattern::Pattern;
use super::when::Zone;
use crate::base::Span;

/// How an inventory maps to the policy. Nothing here is guessed from the inventory.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub asset: Option<String>,
    /// The protection that made the points.
    pub protection: Option<String>,
    /// The protection that made the log, where the inventory holds one beside the points.
    pub log_protection: Option<String>,
    /// The zone of times that name none.
    pub timezone: Option<Zone>,
    pub pattern: Option<Pattern>,
    pub select: Vec<Select>,
    /// How long a run takes at most, for tools that record no end.
    pub takes: Option<Span>,
    /// How far a log is behind at most, for tools that do not record when its pieces were stored.
    pub lag: Option<Span>,
}

/// One thing that a record must have to be taken: `host=db1`. `*` stands for any characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    pub label: String,
    pub value: String,
}

/// What a record says of where it comes from, such as its host, its paths, its tags.
pub type Labels = Vec<(&'static str, String)>;

impl FromStr for Select {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((label, value)) if !label.is_empty() && !value.is_empty() => {
                Ok(Select { label: label.to_string(), value: value.to_string() })
            }
            _ => Err(format!("`{}` selects nothing; write LABEL=VALUE, such as host=db1", text.escape_debug())),
        }
    }
}

impl Select {
    pub fn admits(&self, labels: &Labels) -> bool {
        labels.iter().any(|(label, value)| *label == self.label && matches(&self.value, value))
    }
}

/// Whether `text` is as `wanted` says, in which `*` stands for any characters, none among them.
fn matches(wanted: &str, text: &str) -> bool {
    let mut parts = wanted.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}
