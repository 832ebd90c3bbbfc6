//! Values in an inventory of JSON, read one at a time and each with its place: a long list is never held as a tree, and
//! one record that cannot be read does not take the others with it.

use std::ops::Range;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::source::Source;
use crate::base::Result;

/// No tool nests deeper; what does was made to harm.
const DEPTH_MAX: usize = 100;

/// A value that is known to be well formed.
#[derive(Debug, Clone)]
pub struct Value<'a> {
    pub source: &'a Source,
    range: Range<usize>,
}

/// Why a value is not what was expected, and where.
#[derive(Debug)]
pub struct Mismatch {
    pub place: String,
    pub why: String,
}

/// The values that stand one after the other in the source: most tools print one, several outputs may be joined.
pub fn documents(source: &Source) -> Result<Vec<Value<'_>>> {
    if let Some(at) = too_deep(source.text.as_bytes()) {
        return Err(source.wrong(at, format!("it is nested more than {DEPTH_MAX} deep")));
    }
    let mut stream = serde_json::Deserializer::from_str(&source.text).into_iter::<IgnoredAny>();
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some(document) = stream.next() {
        if let Err(error) = document {
            return Err(source.wrong(offset(&source.text, error.line(), error.column()), plain(&error)));
        }
        let range = skip_blanks(source, from)..stream.byte_offset();
        from = range.end;
        found.push(Value { source, range });
        if found.len() > DOCUMENTS_MAX {
            return Err(source.wrong(from, format!("more than {DOCUMENTS_MAX} documents follow each other")));
        }
    }
    Ok(found)
}

const DOCUMENTS_MAX: usize = 20_000;

impl<'a> Value<'a> {
    pub fn place(&self) -> String {
        self.source.place(self.range.start)
    }

    pub fn start(&self) -> usize {
        self.range.start
    }

    fn text(&self) -> &'a str {
        self.source.text.get(self.range.clone()).unwrap_or_default()
    }

    pub fn is_list(&self) -> bool {
        self.text().starts_with('[')
    }

    pub fn is_object(&self) -> bool {
        self.text().starts_with('{')
    }

    pub fn is_null(&self) -> bool {
        self.text() == "null"
    }

    /// The value as a record of known fields; others are passed over.
    pub fn read<T: Deserialize<'a>>(&self) -> std::result::Result<T, Mismatch> {
        serde_json::from_str(self.text()).map_err(|error| Mismatch {
            place: self.source.place(self.range.start + offset(self.text(), error.line(), error.column())),
            why: plain(&error),
        })
    }

    /// The elements of a list; none of anything else.
    pub fn items(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let list = self.is_list();
        let mut walk = Walk { source: self.source, at: self.range.start + 1, end: self.range.end.saturating_sub(1) };
        std::iter::from_fn(move || if list { walk.value() } else { None })
    }

    /// The names and values of an object; none of anything else.
    pub fn fields(&self) -> impl Iterator<Item = (String, Value<'a>)> + use<'a> {
        let object = self.is_object();
        let mut walk = Walk { source: self.source, at: self.range.start + 1, end: self.range.end.saturating_sub(1) };
        std::iter::from_fn(move || {
            let name = if object { walk.value()?.read().ok()? } else { return None };
            Some((name, walk.value()?))
        })
    }

    /// The field of that name, unless it is null. One that is there twice says two things, and so nothing.
    pub fn field(&self, name: &str) -> Result<Option<Value<'a>>> {
        let mut found = self.fields().filter(|(key, _)| key == name).map(|(_, value)| value);
        let first = found.next();
        match found.next() {
            Some(second) => Err(self.source.wrong(second.range.start, format!("`{name}` is there twice"))),
            None => Ok(first.filter(|value| !value.is_null())),
        }
    }
}

/// From value to value within a list or an object, over what separates them.
struct Walk<'a> {
    source: &'a Source,
    at: usize,
    end: usize,
}

impl<'a> Walk<'a> {
    fn value(&mut self) -> Option<Value<'a>> {
        let inner = self.source.text.as_bytes().get(self.at..self.end)?;
        let blank = inner.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b':'))?;
        let start = self.at + blank;
        let rest = self.source.text.get(start..self.end)?;
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<IgnoredAny>();
        stream.next()?.ok()?;
        self.at = start + stream.byte_offset();
        Some(Value { source: self.source, range: start..self.at })
    }
}

fn skip_blanks(source: &Source, from: usize) -> usize {
    let rest = source.text.get(from..).unwrap_or_default();
    from + rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len()
}

/// Where brackets outside of texts are nested too deep.
fn too_deep(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut in_text, mut escaped) = (0usize, false, false);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return Some(at);
        }
    }
    None
}

/// The byte at a line and column that the reader reports, both from 1.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let before = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum::<usize>();
    (before + column.saturating_sub(1)).min(text.len())
}

/// The reader's words without its own line and column, which count from the record and not from the file.
fn plain(error: &serde_json::Error) -> String {
    let said = error.to_string();
    said.rsplit_once(" at line ").map_or(said.as_str(), |(what, _)| what).escape_debug().to_string()
}
