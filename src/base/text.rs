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
