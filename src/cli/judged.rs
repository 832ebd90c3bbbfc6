//! What `check` and `audit` share: where their result goes, and how the run ends.

use std::path::PathBuf;

use super::Exit;
use super::output::{self, Global};
use crate::base::Result;
use crate::gate::Judgement;
use crate::report::format::{self, Form, words};
use crate::report::table::Look;
use crate::report::write;

/// Where the result goes.
#[derive(Debug, Clone, clap::Args)]
pub struct OutArg {
    /// Write the result into this file, whole or not at all, in place of stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl OutArg {
    /// Prints or writes the result, and gives the status that it stands for.
    pub fn deliver(&self, global: &Global, judgement: &Judgement, form: Form) -> Result<Exit> {
        match &self.out {
            None => output::print(&format::write(judgement, form, Look::of_stdout())?)?,
            Some(path) => {
                write::file(path, &format::write(judgement, form, Look::Plain)?)?;
                output::tell(global, &format!("wrote {}: {}", path.display(), words::overall(judgement)));
            }
        }
        Ok(judgement.outcome().into())
    }
}
