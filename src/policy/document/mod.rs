//! The policy file as it is written: TOML read into tables of placed values, with every problem noted.

pub mod chances;
pub mod operations;
pub mod reader;
mod suggest;
pub mod tables;
pub mod tradeoff;
pub mod values;
pub mod words;

use reader::Reader;
use tables::PolicyTable;
use toml::de::{DeTable, DeValue};

use super::{Place, SourceText};

pub use suggest::help as suggestion;
pub use suggest::short;

/// A policy is written by hand: anything larger is another file. What one of this size can be made to take stays under
/// 100 MB, whatever is in it.
pub const LARGEST_BYTES: usize = 768 << 10;
/// Each dot of a key is a table inside a table, and the library allows 80 levels of braces besides: this many of them
/// together still fit a small stack.
const MOST_DOTS: usize = 16;

/// Reads the tables of the file of this number, as far as they can be read. The reader holds what was wrong. A file that
/// is included, or includes others, may lack what they have.
pub fn read(source: &SourceText, file: u32) -> (PolicyTable, Reader<'_>) {
    let text: &str = &source.text;
    let mut reader = Reader::new(text, file);
    if let Err((span, message)) = check_size(text) {
        let at = reader.place(span);
        reader.wrong::<()>(at, message, "a policy is a file that people write and read");
        return (PolicyTable::default(), reader);
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let span = error.span().unwrap_or(0..1);
        let at = reader.place(span.clone());
        let (message, help) = match (error.message(), text.get(span)) {
            ("duplicate key", Some(key)) => {
                (format!("`{}` stands twice", short(key)), "name each field and table once")
            }
            (said, _) => (format!("this is not TOML: {said}"), "see https://toml.io for the format"),
        };
        reader.wrong::<()>(at, message, help);
    }
    let at = Place::on(file, 1, 1, 1);
    reader.part = file > 0 || document.get_ref().contains_key("include");
    // After an error of syntax the tables hold guesses: their problems would only hide it.
    let tables = match reader.problems.is_empty() {
        true => reader.table(document.get_ref(), at),
        false => PolicyTable::default(),
    };
    dismantle(document.into_inner());
    (tables, reader)
}

/// What the TOML library must not be given: it nests tables as deep as keys have dots, and dropping them recurses.
fn check_size(text: &str) -> Result<(), (std::ops::Range<usize>, String)> {
    if text.len() > LARGEST_BYTES {
        return Err((0..0, format!("the file has {} bytes; {LARGEST_BYTES} are allowed", text.len())));
    }
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        // Dots in a row are no key, so a line of them in a comment stays allowed.
        let dots = line.split('.').skip(1).filter(|part| !part.trim().is_empty()).count();
        if dots > MOST_DOTS {
            return Err((start..start + line.len(), format!("a line with {dots} dots; {MOST_DOTS} are allowed")));
        }
        start += line.len();
    }
    Ok(())
}

/// Drops nested tables one by one, however deep, without a call for each level.
fn dismantle(root: DeTable) {
    let mut heap = vec![DeValue::Table(root)];
    while let Some(value) = heap.pop() {
        match value {
            DeValue::Table(table) => heap.extend(table.into_iter().map(|(_, value)| value.into_inner())),
            DeValue::Array(array) => heap.extend(array.into_iter().map(|value| value.into_inner())),
            _ => {}
        }
    }
}
