//! Where something stands in a file that a user wrote.

/// Line and column, both from 1; the column counts characters. `len` is the number of characters to underline. `file` is
/// 0 for the policy itself, else the number of a file that was read beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize)]
pub struct Place {
    pub file: u32,
    pub line: u32,
    pub column: u32,
    pub len: u32,
}

impl Place {
    /// A place on one line, counted in characters from 1.
    pub fn on(file: u32, line: usize, column: usize, len: usize) -> Self {
        let whole = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Place { file, line: whole(line.max(1)), column: whole(column.max(1)), len: whole(len.max(1)) }
    }
}
