//! The plain form as CSV: a header with the names of [`super::plain::COLUMNS`] that are used, and one row for each piece.

use super::gather::Gather;
use super::plain::{COLUMNS, Row};
use super::source::Source;
use super::when::shown;
use crate::base::{Fault, Result};

pub fn read(source: &Source, gather: &mut Gather<'_>) -> Result<()> {
    if !source.text.ends_with('\n') {
        // A cell cut short can still look whole.
        return Err(source.wrong(source.text.len(), "the file ends within a line").help("end the last line too"));
    }
    if let Some(at) = too_long(source.text.as_bytes()) {
        return Err(source.wrong(at, format!("a row of more than {} KiB: is a quote left open?", ROW_BYTES_MAX >> 10)));
    }
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(source.text.as_bytes());
    let header = reader.headers().map_err(|error| wrong(source, &error))?.clone();
    for (index, column) in header.iter().enumerate() {
        let known = COLUMNS.iter().any(|(known, ..)| *known == column);
        if !known || header.iter().take(index).any(|earlier| earlier == column) {
            let what = if known { "is there twice" } else { "is no column that is known here" };
            let names: Vec<&str> = COLUMNS.iter().map(|(name, ..)| *name).collect();
            return Err(source
                .wrong(0, format!("`{}` {what}", shown(column)))
                .help(format!("the columns are {}", names.join(", "))));
        }
    }
    for record in reader.records() {
        let record = record.map_err(|error| wrong(source, &error))?;
        let at = record.position().map_or(0, |position| usize::try_from(position.byte()).unwrap_or_default());
        let cells = header.iter().zip(&record).filter(|(_, cell)| !cell.is_empty());
        let row = Row(cells.map(|(column, cell)| (column.to_string(), cell.to_string())).collect());
        gather.take(row, source, source.place(at))?;
    }
    Ok(())
}

/// No row needs more; a quote that is never closed would make one row of all that follows.
const ROW_BYTES_MAX: usize = 64 << 10;

/// Where a row begins that is too long.
fn too_long(bytes: &[u8]) -> Option<usize> {
    let (mut start, mut quoted) = (0, false);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => start = at + 1,
            _ => {}
        }
        if at - start.min(at) > ROW_BYTES_MAX {
            return Some(start);
        }
    }
    None
}

fn wrong(source: &Source, error: &csv::Error) -> Fault {
    let at = error.position().map_or(0, |position| usize::try_from(position.byte()).unwrap_or_default());
    let why = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("a row of {len} cells, where the header has {expected_len}")
        }
        _ => error.to_string().escape_debug().to_string(),
    };
    source.wrong(at, why)
}
