//! What a finding is known by when its figures and its line have changed: its code and what it is about.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::audit::Finding;
use crate::audit::finding::names;

/// One key for each thing that the finding tells, of the policy called `policy`.
pub fn keys(policy: &str, finding: &Finding) -> Vec<String> {
    let subject = &finding.subject;
    if !finding.parts.is_empty() {
        return finding.parts.iter().map(|part| digest(&[policy, finding.code.name(), part])).collect();
    }
    let about = [&subject.asset, &subject.scenario, &subject.protection];
    let mut words: Vec<&str> = vec![policy, finding.code.name()];
    match about.iter().any(|name| name.is_some()) {
        true => words.extend(about.iter().map(|name| name.as_deref().unwrap_or_default())),
        false => words.extend(names(&finding.message)),
    }
    vec![digest(&words)]
}

/// The whole finding in one key.
pub fn fingerprint(policy: &str, finding: &Finding) -> String {
    let mut keys = keys(policy, finding);
    keys.sort_unstable();
    match keys.as_slice() {
        [only] => only.clone(),
        several => digest(&several.iter().map(String::as_str).collect::<Vec<_>>()),
    }
}

/// Each word with its length before it, so that no two lists of words read the same.
fn digest(words: &[&str]) -> String {
    let mut hash = Sha256::new();
    for word in words {
        hash.update((word.len() as u64).to_be_bytes());
        hash.update(word.as_bytes());
    }
    let mut hex = String::with_capacity(32);
    for byte in hash.finalize().iter().take(16) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
