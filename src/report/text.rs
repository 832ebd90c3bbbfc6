//! Text for people: counts, sentences, numbers held to their units; names that strangers chose are made harmless.

pub use crate::base::text::{harmless, shortened, steers};

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

/// Things that a message names before it only counts them.
const FEW: usize = 6;

/// A message that lists many things (`lead: one; another; …`), cut into what is read at once and the rest of the list, none
/// where it is short. What stands between backticks is one thing whatever is in it.
pub fn few(message: &str) -> (String, Vec<&str>) {
    let mut inside = false;
    let mut items: Vec<&str> = Vec::new();
    let mut from = 0;
    for (at, c) in message.char_indices() {
        inside ^= c == '`';
        if c == ';' && !inside && message.get(at..).is_some_and(|rest| rest.starts_with("; ")) {
            items.extend(message.get(from..at));
            from = at + 2;
        }
    }
    items.extend(message.get(from..));
    // One or two more are read as fast as counted.
    if items.len() <= FEW + 2 {
        return (message.to_string(), Vec::new());
    }
    let rest = items.split_off(FEW);
    (format!("{}; and {} more", items.join("; "), rest.len()), rest)
}
