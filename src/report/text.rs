//! Names that strangers chose, made harmless: what could steer a terminal or turn a line of text around becomes visible.

use std::borrow::Cow;

/// Whether a character changes what its neighbours look like: controls (terminal escapes among them), bidirectional
/// overrides and isolates, invisible joiners, line and paragraph separators, byte order marks and tags.
pub fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text on one line with everything that steers replaced: white space by a space, the rest by U+FFFD, which shows.
pub fn harmless(text: &str) -> Cow<'_, str> {
    if !text.chars().any(steers) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| match c {
        '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => ' ',
        c if steers(c) => '\u{fffd}',
        c => c,
    };
    Cow::Owned(text.chars().map(shown).collect())
}

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
