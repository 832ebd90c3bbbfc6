//! Who can open what was sealed: a secret key of age. It is read, used, and never shown.

use std::fmt;
use std::str::FromStr;

use super::Recipient;
use crate::base::{Fault, Result};

/// An X25519 secret key, known to others by its recipient alone.
#[derive(Clone)]
pub struct Identity {
    pub(super) key: age::x25519::Identity,
    recipient: Recipient,
}

impl Identity {
    pub fn recipient(&self) -> &Recipient {
        &self.recipient
    }

    /// All identities of a file as `age-keygen` writes it: one a line, with comments. No message repeats any of its text.
    pub fn read_all(text: &str, place: &str) -> Result<Vec<Identity>> {
        let is_sealed = |start: &str| text.starts_with(start);
        if is_sealed("age-encryption.org/") || is_sealed("-----BEGIN AGE ENCRYPTED FILE-----") {
            return Err(Fault::usage(format!("{place} is itself encrypted"))
                .help("open it on the way: `age -d key.age | plimsoll … --identity-fd 0`"));
        }
        let mut identities = Vec::new();
        for (number, line) in text.lines().map(str::trim).enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            identities.push(line.parse().map_err(|why: String| {
                Fault::usage(format!("line {} of {place} is no age identity: {why}", number + 1))
                    .help("an identity is a line that begins with AGE-SECRET-KEY-1, as `age-keygen` writes it")
            })?);
        }
        match identities.is_empty() {
            true => Err(Fault::usage(format!("{place} holds no identity")).help("`age-keygen` makes one")),
            false => Ok(identities),
        }
    }
}

/// What the text of an identity begins with.
const SECRET: &str = "AGE-SECRET-KEY-";

/// Text that may hold an identity where none should be, without it: as long as it was, so that columns stay true.
pub fn masked(text: &str) -> String {
    let upper = text.to_ascii_uppercase();
    let Some(at) = upper.find(SECRET) else { return text.to_string() };
    let (before, rest) = text.split_at(at + SECRET.len());
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(rest.len());
    let (secret, after) = rest.split_at(end);
    format!("{before}{}{}", "*".repeat(secret.len()), masked(after))
}

impl FromStr for Identity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("age1") {
            return Err("it is a recipient, which is public and opens nothing".to_string());
        }
        let key: age::x25519::Identity = text.parse().map_err(|_| "its kind or its checksum is wrong".to_string())?;
        let recipient = key.to_public().to_string().parse()?;
        Ok(Identity { key, recipient })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity of {}", self.recipient)
    }
}
