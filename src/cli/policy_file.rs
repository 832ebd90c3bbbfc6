//! The argument that names the policy file, and reading it with all its problems shown.

use std::io::Read;
use std::path::PathBuf;

use clap::Args;

use crate::base::{Fault, FaultKind, Result};
use crate::policy::{self, Policy, Problem, SourceText};

/// Problems shown at once: more than a screen or two of them is one mistake repeated.
const MOST_SHOWN: usize = 50;
/// Read one byte past what a policy may have, so that the reader can say that it is too large.
const MOST_READ: u64 = (4 << 20) + 1;

/// Where the policy is.
#[derive(Debug, Clone, Args)]
pub struct PolicyArg {
    /// Policy file
    #[arg(env = "PLIMSOLL_POLICY", value_name = "POLICY", default_value = "plimsoll.toml")]
    pub policy: PathBuf,
}

impl PolicyArg {
    pub fn load(&self) -> Result<Policy> {
        load(&self.policy)
    }
}

/// Reads and validates a policy; the fault holds all its problems, each shown at its place.
pub fn load(path: &std::path::Path) -> Result<Policy> {
    let shown = path.display();
    let file = std::fs::File::open(path).map_err(|error| {
        let mut fault = Fault::io("read the policy", shown.to_string(), error);
        // The command line named a file that is not there.
        if fault.kind == FaultKind::Missing {
            fault.kind = FaultKind::Usage;
        }
        fault.help("check the path, or write a policy to start from with `plimsoll init`")
    })?;
    let mut bytes = vec![];
    file.take(MOST_READ).read_to_end(&mut bytes).map_err(|e| Fault::io("read the policy", shown.to_string(), e))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Fault::usage(format!("the policy `{shown}` is not text in UTF-8: byte {at} is not")).help("save it as UTF-8")
    })?;
    let source = SourceText::new(shown.to_string(), text);
    policy::parse(source.clone()).map_err(|problems| refused(&source, &problems))
}

/// All problems as one usage fault.
pub fn refused(source: &SourceText, problems: &[Problem]) -> Fault {
    let mut text = match problems.len() {
        1 => format!("the policy `{}` has a problem\n", source.name),
        n => format!("the policy `{}` has {n} problems\n", source.name),
    };
    for problem in problems.iter().take(MOST_SHOWN) {
        text.push('\n');
        text.push_str(&problem.render(source));
    }
    if let Some(more) = problems.len().checked_sub(MOST_SHOWN).filter(|more| *more > 0) {
        text.push_str(&format!("\n… and {more} more"));
    }
    Fault::usage(text.trim_end().to_string())
}
