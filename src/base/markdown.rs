//! Text inside Markdown that people also read as it is written, in a terminal or a diff: marked up no more than it must be.

use super::text::harmless;

/// Text that is nothing but text, wherever it stands on a line: no HTML, no markup, no list, no name that somebody is
/// called by. What stands between two backticks stays code.
pub fn prose(text: &str) -> String {
    escaped(text, false)
}

/// The same for a cell of a table.
pub fn cell(text: &str) -> String {
    escaped(text, true)
}

/// A line of a table.
pub fn row<T: AsRef<str>>(cells: impl IntoIterator<Item = T>) -> String {
    let cells: Vec<String> = cells.into_iter().map(|text| cell(text.as_ref())).collect();
    format!("| {} |", cells.join(" | "))
}

/// The line between a table's head and its rows; `true` sets a column on the right.
pub fn rule(right: &[bool]) -> String {
    let cells: Vec<&str> = right.iter().map(|right| if *right { "--:" } else { "---" }).collect();
    format!("|{}|", cells.join("|"))
}

fn escaped(text: &str, in_table: bool) -> String {
    let text = harmless(text);
    let mut out = String::with_capacity(text.len() + 8);
    let parts: Vec<&str> = text.split('`').collect();
    for (n, part) in parts.iter().enumerate() {
        let paired = n % 2 == 1 && n + 1 < parts.len();
        match (n % 2, paired) {
            (1, true) if part.trim().is_empty() => out.push_str(&format!("\\`{part}\\`")),
            // A table ends its cells before it looks for code.
            (1, true) => {
                let inside = if in_table { part.replace('|', "\\|") } else { part.to_string() };
                out.push_str(&format!("`{inside}`"));
            }
            (1, false) => {
                out.push_str("\\`");
                plain(&mut out, part, in_table);
            }
            _ => plain(&mut out, part, in_table),
        }
    }
    out
}

/// Appends text without backticks.
fn plain(out: &mut String, text: &str, in_table: bool) {
    let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let mut before = out.chars().next_back();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let after = chars.peek().copied();
        match c {
            '\\' | '*' | '[' | ']' | '<' | '|' | '~' | '$' => out.extend(['\\', c]),
            // Within a word it marks nothing up.
            '_' if !(word(before) && word(after)) => out.push_str("\\_"),
            '&' if after == Some('#') || word(after) => out.push_str("&amp;"),
            // A zero-width space keeps a name from being a mention; an address is none.
            '@' if !word(before) && word(after) => out.push_str("@&#8203;"),
            '#' | '>' | '+' | '-' | '=' if before.is_none() && !in_table => out.extend(['\\', c]),
            '.' | ')' if !in_table && !out.is_empty() && out.chars().all(|c| c.is_ascii_digit()) => {
                out.extend(['\\', c])
            }
            '#' if after.is_some_and(|c| c.is_ascii_digit()) && !word(before) => out.push_str("\\#"),
            c => out.push(c),
        }
        before = Some(c);
    }
}
