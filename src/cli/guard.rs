//! `plimsoll lab-guard`: not for people; see `lab::guard`.

use std::ffi::OsString;
use std::path::PathBuf;

use super::Exit;
use super::output::{self, Global};
use crate::base::Result;
use crate::lab::guard;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Removed after the command has ended
    #[arg(long, value_name = "PATH")]
    remove: Vec<PathBuf>,
    /// Killed once our standard input closes
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl Args {
    pub fn run(&self, _global: &Global) -> Result<Exit> {
        // A parent that no longer listens needs no word.
        guard::watch(&self.command, &self.remove, &|word| drop(output::print(&format!("{word}\n"))))?;
        Ok(Exit::Done)
    }
}
