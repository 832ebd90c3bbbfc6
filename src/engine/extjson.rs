//! Canonical extended JSON, the form of mongodump's metadata files: every type kept, and the order of fields too, since
//! in an index key the order is the meaning. The JSON crate's own map would sort them.

use bson::spec::BinarySubtype;
use bson::{Binary, Bson, Document, RawArray, RawBinaryRef, RawBsonRef, RawDocument};
use serde_json::json;

use crate::base::{Fault, Result};

/// A document as one line of canonical extended JSON.
pub fn write(document: &RawDocument) -> Result<String> {
    let mut text = String::new();
    write_document(&mut text, document)?;
    Ok(text)
}

/// Reads extended JSON of either form, in order.
pub fn read(text: &[u8]) -> Result<Document> {
    serde_json::from_slice(text).map_err(|error| Fault::corrupt("cannot read extended JSON").because(error))
}

fn write_document(text: &mut String, document: &RawDocument) -> Result<()> {
    text.push('{');
    for (at, field) in document.iter().enumerate() {
        let (name, value) = field.map_err(unreadable)?;
        if at > 0 {
            text.push(',');
        }
        text.push_str(&serde_json::Value::from(name.as_str()).to_string());
        text.push(':');
        write_value(text, value)?;
    }
    text.push('}');
    Ok(())
}

fn write_array(text: &mut String, array: &RawArray) -> Result<()> {
    text.push('[');
    for (at, value) in array.into_iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        write_value(text, value.map_err(unreadable)?)?;
    }
    text.push(']');
    Ok(())
}

fn write_value(text: &mut String, value: RawBsonRef<'_>) -> Result<()> {
    match value {
        RawBsonRef::Document(document) => write_document(text, document),
        RawBsonRef::Array(array) => write_array(text, array),
        RawBsonRef::Double(number) => put(
            text,
            json!({ "$numberDouble": if number.is_infinite() { infinity(number) } else { format!("{number:?}") } }),
        ),
        RawBsonRef::Int32(number) => put(text, json!({ "$numberInt": number.to_string() })),
        RawBsonRef::Int64(number) => put(text, json!({ "$numberLong": number.to_string() })),
        RawBsonRef::DateTime(at) => put(text, json!({ "$date": { "$numberLong": at.timestamp_millis().to_string() } })),
        RawBsonRef::Binary(RawBinaryRef { subtype: BinarySubtype::Generic, bytes, .. }) => {
            // The BSON crate gives plain bytes their JSON form only under another subtype.
            let other = Binary { subtype: BinarySubtype::UserDefined(0x80), bytes: bytes.to_vec() };
            let mut value = serde_json::to_value(Bson::Binary(other)).map_err(unreadable)?;
            if let Some(subtype) = value.pointer_mut("/$binary/subType") {
                *subtype = json!("00");
            }
            put(text, value)
        }
        // For the rest the two forms are the same, and the BSON crate knows it.
        other => {
            let scalar = Bson::try_from(other).map_err(unreadable)?;
            put(text, serde_json::to_value(scalar).map_err(unreadable)?)
        }
    }
}

fn put(text: &mut String, value: serde_json::Value) -> Result<()> {
    text.push_str(&value.to_string());
    Ok(())
}

fn infinity(number: f64) -> String {
    if number > 0.0 { "Infinity".to_string() } else { "-Infinity".to_string() }
}

fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> Fault {
    Fault::corrupt("cannot read BSON of the server's own reply").because(error)
}
