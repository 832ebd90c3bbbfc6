//! "Did you mean": the nearest of the words that are allowed.

/// Lists longer than this are left out of a message; the schema and the template hold them.
const MOST_SHOWN: usize = 24;
const LONGEST_WORD: usize = 48;

/// "did you mean `x`? allowed: a, b, c", or what of it there is to say. `label` is the word before the list.
pub fn help(word: &str, label: &str, allowed: &[&str]) -> String {
    let near = nearest(word, allowed).map(|near| format!("did you mean `{near}`?"));
    let list = match allowed.len() {
        0 => Some("none is declared".to_string()),
        n if n <= MOST_SHOWN => Some(format!("{label}: {}", allowed.join(", "))),
        n if near.is_none() => Some(format!(
            "allowed: {}, … and {} more",
            allowed.iter().take(8).copied().collect::<Vec<_>>().join(", "),
            n - 8
        )),
        _ => None,
    };
    near.into_iter().chain(list).collect::<Vec<_>>().join(" ")
}

/// The word cut to a length that fits a message.
pub fn short(word: &str) -> String {
    match word.char_indices().nth(LONGEST_WORD) {
        Some((at, _)) => format!("{}…", word.get(..at).unwrap_or_default()),
        None => word.to_string(),
    }
}

/// The allowed word that this one was probably meant to be.
pub fn nearest<'a>(word: &str, allowed: &[&'a str]) -> Option<&'a str> {
    let letters: Vec<char> = word.to_lowercase().chars().collect();
    if letters.len() > LONGEST_WORD {
        return None;
    }
    // A third of the letters may be wrong: enough for slips, too little for another word.
    let limit = (letters.len() / 3).max(1).min(letters.len().saturating_sub(1));
    // Letters that are missing or too many are all wrong: most words are ruled out by their length alone.
    let close = allowed.iter().filter(|candidate| candidate.chars().count().abs_diff(letters.len()) <= limit);
    let distances = close.map(|candidate| (distance(&letters, candidate), *candidate));
    distances.filter(|(distance, _)| *distance <= limit).min_by_key(|(distance, _)| *distance).map(|(_, word)| word)
}

/// Letters put in, left out, replaced, or swapped with their neighbour (optimal string alignment).
fn distance(a: &[char], b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let width = b.len() + 1;
    let mut rows: Vec<Vec<usize>> = vec![(0..width).collect()];
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let cell = |r: usize, c: usize| rows.get(r).and_then(|row| row.get(c)).copied().unwrap_or(usize::MAX / 2);
            let left = row.last().copied().unwrap_or_default();
            let mut best = (left + 1).min(cell(i, j + 1) + 1).min(cell(i, j) + usize::from(x != y));
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                best = best.min(cell(i - 1, j - 1) + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows.last().and_then(|row| row.last()).copied().unwrap_or_default()
}
