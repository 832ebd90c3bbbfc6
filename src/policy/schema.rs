//! The policy's JSON Schema, for editors: made from the same tables that read the file.

use serde_json::{Value, json};

use super::document::reader::schema_of;
use super::document::tables::PolicyTable;

/// Draft 2020-12.
pub fn json() -> Value {
    let mut schema = schema_of::<PolicyTable>();
    if let Some(object) = schema.as_object_mut() {
        object.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
        object.insert("title".into(), json!("Plimsoll policy"));
    }
    schema
}
