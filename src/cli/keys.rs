//! For whom a run seals, and with what it opens. Recipients are public; an identity comes from a file or a descriptor, and
//! never stands on a command line or in the environment, which others can read.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::policy_file;
use crate::base::{Fault, FaultKind, Result};
use crate::port::ObjectStore;
use crate::seal::{Identity, Keys, Recipient};
use crate::store::keyed;

/// A file of identities is short; what goes on is none.
const MOST_READ: u64 = 1 << 20;

/// For whom what is written is sealed.
#[derive(Debug, Clone, Args)]
pub struct RecipientArgs {
    /// Encrypt for this age recipient before anything leaves the host; may be given more than once
    ///
    /// [default: as the policy says, else nothing is encrypted]
    #[arg(long = "recipient", value_name = "age1…")]
    pub recipients: Vec<String>,
    /// Encrypt for the recipients in a file, one a line
    #[arg(long, value_name = "FILE")]
    pub recipients_file: Vec<PathBuf>,
}

/// What something sealed is opened with.
#[derive(Debug, Clone, Args)]
pub struct IdentityArgs {
    /// File of age identities that open what is encrypted, readable by its owner alone; may be given more than once
    #[arg(long, value_name = "FILE")]
    pub identity: Vec<PathBuf>,
    /// Read the identities from this descriptor, such as 0: `age -d key.age | plimsoll … --identity-fd 0`
    #[arg(long, value_name = "N")]
    pub identity_fd: Option<u32>,
}

impl RecipientArgs {
    pub fn are_named(&self) -> bool {
        !self.recipients.is_empty() || !self.recipients_file.is_empty()
    }

    /// All that were named; empty if none was.
    pub fn load(&self) -> Result<Vec<Recipient>> {
        // Read here and not by the parser of flags, which repeats what it cannot read.
        let named = self.recipients.iter().map(|text| text.parse());
        let mut all: Vec<Recipient> = named.collect::<Result<_, _>>().map_err(|why: String| Fault::usage(why))?;
        for file in &self.recipients_file {
            let (text, shown) = (policy_file::read("file of recipients", file)?, file.display());
            let before = all.len();
            for (number, line) in text.lines().map(str::trim).enumerate() {
                if !line.is_empty() && !line.starts_with('#') {
                    all.push(
                        line.parse().map_err(|why| Fault::usage(format!("`{shown}`, line {}: {why}", number + 1)))?,
                    );
                }
            }
            if all.len() == before {
                return Err(Fault::usage(format!("`{shown}` names no recipient"))
                    .help("write one a line, as `age-keygen -y` prints it"));
            }
        }
        Ok(all)
    }
}

impl IdentityArgs {
    /// All that were named; empty if none was.
    pub fn load(&self) -> Result<Vec<Identity>> {
        let mut all = Vec::new();
        for file in &self.identity {
            private(file)?;
            all.extend(read(file, &format!("`{}`", file.display()))?);
        }
        if let Some(number) = self.identity_fd {
            all.extend(read(Path::new(&format!("/dev/fd/{number}")), &format!("descriptor {number}"))?);
        }
        Ok(all)
    }

    /// The store, read with these identities.
    pub fn with(&self, store: Arc<dyn ObjectStore>) -> Result<Arc<dyn ObjectStore>> {
        Ok(keyed::with(store, Keys::new(Vec::new(), self.load()?)))
    }
}

fn read(file: &Path, place: &str) -> Result<Vec<Identity>> {
    let mut text = String::new();
    let read = std::fs::File::open(file).and_then(|file| file.take(MOST_READ).read_to_string(&mut text));
    read.map_err(|error| {
        // What was read of it is not shown: it may be a secret.
        let mut fault = Fault::io("read the identities in", place.trim_matches('`').to_string(), error);
        fault.kind = FaultKind::Usage;
        fault
    })?;
    Identity::read_all(&text, place)
}

/// As `ssh` has it: a secret that others can read is none.
#[cfg(unix)]
fn private(file: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    // That it cannot be looked at is told by reading it.
    let Ok(metadata) = std::fs::metadata(file) else { return Ok(()) };
    let mode = metadata.permissions().mode() & 0o777;
    if metadata.is_file() && mode & 0o077 != 0 {
        let shown = file.display();
        return Err(Fault::usage(format!(
            "others than its owner can read the identity file `{shown}` (mode {mode:03o})"
        ))
        .help(format!("chmod 600 {shown}; and make a new identity if somebody may have read this one")));
    }
    Ok(())
}

#[cfg(not(unix))]
fn private(_file: &Path) -> Result<()> {
    Ok(())
}
