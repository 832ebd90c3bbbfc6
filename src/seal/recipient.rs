//! For whom something is sealed: a public key of age.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An X25519 public key, written as age writes it. It is no secret.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Recipient(String);

impl Recipient {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As the library takes it. The text was read by it before.
    pub(super) fn key(&self) -> Option<age::x25519::Recipient> {
        self.0.parse().ok()
    }
}

impl FromStr for Recipient {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.get(..15).is_some_and(|start| start.eq_ignore_ascii_case("AGE-SECRET-KEY-")) {
            // Not shown again: it is the one thing that must not stand there.
            return Err(
                "this is an identity, which is secret; write its recipient, as `age-keygen -y` prints it, and \
                        make a new identity if others could read this one"
                    .to_string(),
            );
        }
        let key = text.parse::<age::x25519::Recipient>();
        key.map(|key| Recipient(key.to_string())).map_err(|why| {
            let shown: String = text.chars().take(80).collect();
            format!(
                "`{}` is no age recipient ({why}); write one such as age1…, as `age-keygen -y` prints it",
                shown.escape_debug()
            )
        })
    }
}

impl TryFrom<String> for Recipient {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Recipient> for String {
    fn from(recipient: Recipient) -> String {
        recipient.0
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
