//! `plimsoll init --ci`: what runs `check` before a change is merged or committed.

use std::path::Path;

use crate::base::{Fault, Result};

/// A file to write, and what it holds.
pub struct File {
    pub path: String,
    pub text: String,
}

const WORKFLOW: &str = include_str!("../../../policies/ci/github.yml");
const HOOK: &str = include_str!("../../../policies/ci/pre-commit.yaml");

pub const HOOK_PATH: &str = ".pre-commit-config.yaml";

/// The workflow and the hook for the policy at `path`, which is seen from the root of the repository.
pub fn files(path: &Path) -> Result<Vec<File>> {
    let policy = plain(path)?;
    let workflow = WORKFLOW.replace("@POLICY@", &policy).replace("@VERSION@", env!("CARGO_PKG_VERSION"));
    let hook = HOOK.replace("@PATTERN@", &policy.replace('.', "\\."));
    Ok(vec![
        File { path: ".github/workflows/plimsoll.yml".into(), text: workflow },
        File { path: HOOK_PATH.into(), text: hook },
    ])
}

/// The path in the characters that mean themselves in YAML, in a shell and in a pattern alike.
fn plain(path: &Path) -> Result<String> {
    let text = path.to_str().unwrap_or_default();
    let text = text.strip_prefix("./").unwrap_or(text);
    let means_itself = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
    let inside = !text.starts_with('/') && !text.split('/').any(|part| part == "..");
    if inside && !text.is_empty() && text.chars().all(means_itself) {
        return Ok(text.to_string());
    }
    let fault = Fault::usage(format!("the policy's path `{}` cannot stand in a workflow", path.display()));
    Err(fault.help(
        "run this in the root of the repository, with a path inside it of letters, digits, `.`, `-`, `_` and `/`",
    ))
}
