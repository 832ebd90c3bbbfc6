//! One thing that is wrong with a policy file, shown as a compiler would.

use std::fmt::Write as _;

use super::place::{Place, SourceText};
use crate::seal::masked;

/// What is wrong, where, and what is allowed there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub at: Place,
    pub message: String,
    pub help: Option<String>,
}

impl Problem {
    pub fn new(at: Place, message: impl Into<String>) -> Self {
        Problem { at, message: message.into(), help: None }
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Message, file and place, the line itself with the value underlined, and the help. What the file holds is shown
    /// harmless: no control character reaches the terminal, and a long line is cut around the place.
    pub fn render(&self, source: &SourceText) -> String {
        let number = self.at.line.to_string();
        let gutter = " ".repeat(number.len());
        let (shown, lead, carets) = self.excerpt(&masked(source.line(self.at)));
        let mut out = String::new();
        let _ = writeln!(out, "error: {}", harmless(&masked(&self.message)));
        let _ = writeln!(out, "{gutter}--> {}:{}:{}", harmless(&source.of(self.at).name), self.at.line, self.at.column);
        let _ = writeln!(out, "{gutter} |\n{}\n{gutter} | {lead}{carets}", format!("{number} | {shown}").trim_end());
        if let Some(help) = &self.help {
            let _ = writeln!(out, "{gutter} = help: {}", harmless(help));
        }
        out
    }

    /// The part of the line that is shown, the blanks under what comes before the value, and its underline.
    fn excerpt(&self, line: &str) -> (String, String, String) {
        let before = (self.at.column as usize).saturating_sub(1);
        let skipped = if before < WIDEST { 0 } else { before - WIDEST / 2 };
        let rest: Vec<char> = line.chars().skip(skipped).take(WIDEST + 1).collect();
        let cut = if rest.len() > WIDEST { "…" } else { "" };
        let start = if skipped > 0 { "…" } else { "" };
        let shown: String = rest.iter().take(WIDEST).collect();
        let lead = before - skipped + start.chars().count();
        let room = (rest.len().min(WIDEST) + start.chars().count()).saturating_sub(lead).max(1);
        let carets = (self.at.len as usize).clamp(1, room);
        (format!("{start}{}{cut}", harmless(&shown)), " ".repeat(lead), "^".repeat(carets))
    }
}

/// Characters of a line that are shown.
const WIDEST: usize = 120;

/// Each control character as one blank, so that columns stay true; so too those that turn the direction of writing.
fn harmless(text: &str) -> String {
    let hides = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if hides(c) { ' ' } else { c }).collect()
}
