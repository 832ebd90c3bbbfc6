//! The whole view as JSON, for tools.

use super::View;
use crate::base::{Fault, Result};

pub fn of(view: &View) -> Result<String> {
    let text =
        serde_json::to_string_pretty(view).map_err(|e| Fault::bug("cannot write the report as JSON").because(e))?;
    Ok(text + "\n")
}
