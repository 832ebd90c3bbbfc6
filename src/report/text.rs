//! How texts are put: counted, shortened, held together.

use std::borrow::Cow;

pub use crate::base::text::{harmless, steers};

/// At most `most` characters; what is left out is said by an ellipsis.
pub fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    if text.chars().count() <= most {
        return Cow::Borrowed(text);
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    Cow::Owned(kept.trim_end().to_string() + "…")
}

/// `1 finding`, `3 findings`.
pub fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// The text with numbers held to their units, so that no line breaks between the two.
pub fn unbroken(text: &str) -> String {
    const UNITS: [&str; 14] = ["ms", "s", "min", "h", "d", "%", "B", "kB", "MB", "GB", "TB", "PB", "y", "times"];
    let mut out = String::with_capacity(text.len());
    let mut words = text.split(' ').peekable();
    while let Some(word) = words.next() {
        out.push_str(word);
        let Some(next) = words.peek() else { break };
        let unit = next.trim_end_matches(|c: char| c.is_ascii_punctuation() && c != '%');
        let currency = word.len() == 3 && word.chars().all(|c| c.is_ascii_uppercase());
        let held = (word.ends_with(|c: char| c.is_ascii_digit()) && UNITS.contains(&unit))
            || (currency && next.starts_with(|c: char| c.is_ascii_digit()));
        out.push(if held { '\u{a0}' } else { ' ' });
    }
    out
}

/// The first letter large: a sentence from a fragment.
pub fn sentence(fragment: &str) -> String {
    let mut chars = fragment.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
