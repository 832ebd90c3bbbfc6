//! The one way to print a table: plain columns into a pipe, light borders on a terminal.

use std::io::IsTerminal;

use comfy_table::presets::{NOTHING, UTF8_HORIZONTAL_ONLY};
use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle};

use super::text::harmless;

/// How a column's cells are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    Text,
    /// Numbers, spans, sizes, money: aligned on the right, so that they compare by eye.
    Number,
}

/// Where a table goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// A pipe or a file: one line a row, no borders, never wrapped, so that tools can cut it.
    Plain,
    /// A terminal: light rules; `width` wraps long cells, None asks the terminal itself.
    Terminal { width: Option<u16> },
}

impl Look {
    pub fn of_stdout() -> Self {
        match std::io::stdout().is_terminal() {
            true => Look::Terminal { width: None },
            false => Look::Plain,
        }
    }
}

/// Rows under a header. Every cell is made harmless when it is added.
#[derive(Debug, Clone)]
pub struct Table {
    set: Vec<Set>,
    inner: comfy_table::Table,
    rows: usize,
}

impl Table {
    pub fn new(columns: &[(&str, Set)]) -> Self {
        let mut inner = comfy_table::Table::new();
        let set: Vec<Set> = columns.iter().map(|(_, set)| *set).collect();
        inner.set_header(cells(&set, columns.iter().map(|(title, _)| *title)));
        Table { set, inner, rows: 0 }
    }

    /// Adds a row; cells beyond the columns are left out, missing ones are empty.
    pub fn row<T: AsRef<str>>(&mut self, row: impl IntoIterator<Item = T>) -> &mut Self {
        let row: Vec<T> = row.into_iter().take(self.set.len()).collect();
        let missing = self.set.len().saturating_sub(row.len());
        let texts = row.iter().map(AsRef::as_ref).chain(std::iter::repeat_n("", missing));
        self.inner.add_row(cells(&self.set, texts));
        self.rows += 1;
        self
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The table as text, each line ended; no trailing blanks.
    pub fn render(&self, look: Look) -> String {
        let mut table = self.inner.clone();
        match look {
            Look::Plain => {
                table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
                table.force_no_tty();
            }
            Look::Terminal { width } => {
                let rule = LineStyle::none().fill('─').junction('─');
                table.load_style(UTF8_HORIZONTAL_ONLY.header_separator(rule).row_separator(LineStyle::none()));
                table.set_content_arrangement(ContentArrangement::Dynamic);
                if let Some(width) = width {
                    table.set_width(width).force_no_tty();
                }
            }
        }
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((if index == 0 && look == Look::Plain { 0 } else { 1 }, 1));
        }
        table.trim_fmt() + "\n"
    }

    /// As stdout wants it.
    pub fn for_stdout(&self) -> String {
        self.render(Look::of_stdout())
    }
}

fn cells<'a>(set: &[Set], texts: impl Iterator<Item = &'a str>) -> Vec<Cell> {
    let align = |set: Set| match set {
        Set::Text => CellAlignment::Left,
        Set::Number => CellAlignment::Right,
    };
    texts.zip(set).map(|(text, set)| Cell::new(harmless(text)).set_alignment(align(*set))).collect()
}
