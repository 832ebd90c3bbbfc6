//! `plimsoll schema`: JSON Schemas, of the policy for editors, of what is printed for tools.

use clap::ValueEnum;

use super::Exit;
use super::output::{self, Global};
use crate::base::Result;
use crate::policy;
use crate::report::format;

/// The schema is JSON whatever the format of results is.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Completion in editors: save it (plimsoll schema > plimsoll.schema.json) and begin the policy with the line
#:schema ./plimsoll.schema.json")]
pub struct Args {
    /// Whose schema
    #[arg(long, value_enum, default_value_t = Of::Policy)]
    of: Of,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Of {
    /// The policy file
    Policy,
    /// What `check` and `audit` print with --format json
    #[value(alias = "check")]
    Audit,
}

impl Args {
    pub fn run(&self, _global: &Global) -> Result<Exit> {
        output::print_json(&match self.of {
            Of::Policy => policy::schema::json(),
            Of::Audit => format::schema::json(),
        })?;
        Ok(Exit::Done)
    }
}
