//! The JSON Schema of what `check` and `audit` print as JSON. Its lists of words are those of the code itself; the rest
//! is written by hand, and held against real documents.

use serde_json::{Value, json};

use crate::audit::Code;

const SCHEMA: &str = include_str!("judgement.schema.json");

/// Draft 2020-12.
pub fn json() -> Value {
    let mut schema: Value = serde_json::from_str(SCHEMA).unwrap_or_default();
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    if let Some(code) = schema.pointer_mut("/$defs/code") {
        *code = json!({ "description": "What a finding is about; `plimsoll explain CODE` explains it", "enum": codes });
    }
    schema
}
