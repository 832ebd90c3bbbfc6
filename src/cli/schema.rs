//! `plimsoll schema`: the policy's JSON Schema, for editors.

use super::Exit;
use super::output::{self, Global};
use crate::base::Result;
use crate::policy;

/// The schema is JSON whatever the format of results is.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Completion in editors: save it (plimsoll schema > plimsoll.schema.json) and begin the policy with the line
#:schema ./plimsoll.schema.json")]
pub struct Args {}

impl Args {
    pub fn run(&self, _global: &Global) -> Result<Exit> {
        output::print_json(&policy::schema::json())?;
        Ok(Exit::Done)
    }
}
