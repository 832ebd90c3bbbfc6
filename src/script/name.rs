//! Names that a script makes from text, variables and dates, and whether two of them can ever be equal.

use std::collections::BTreeMap;

use super::shell::{Piece, Word, plain};

/// A name as far as it can be told.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Name {
    pub parts: Vec<Part>,
    /// Whether it holds only where the script is started without an argument, or a variable is not set.
    pub by_default: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    Text(String),
    /// The instant of the run, in strftime's letters.
    Date(String),
    Unclear,
}

/// What plain assignments have set so far. A variable that is set twice is unclear.
#[derive(Debug, Default)]
pub struct Variables {
    known: BTreeMap<String, Option<Name>>,
}

impl Variables {
    pub fn set(&mut self, name: &str, value: &Word) {
        let value = self.name(value);
        let known = self.known.entry(name.to_string()).or_insert_with(|| Some(value.clone()));
        if *known != Some(value) {
            *known = None;
        }
    }

    pub fn forget(&mut self, name: &str) {
        self.known.insert(name.to_string(), None);
    }

    pub fn name(&self, word: &Word) -> Name {
        let mut name = Name::default();
        for piece in word {
            match piece {
                Piece::Text(text) => name.push(Part::Text(text.clone())),
                Piece::Variable(variable, default) => match (self.known.get(variable), default) {
                    (Some(Some(known)), _) => name.append(known.clone()),
                    (Some(None), _) | (None, None) => name.push(Part::Unclear),
                    (None, Some(default)) => {
                        name.append(self.name(default));
                        name.by_default = true;
                    }
                },
                Piece::Output(words) => name.push(date(words)),
                Piece::Unclear => name.push(Part::Unclear),
            }
        }
        name
    }
}

/// `date +%F`, in UTC or not; a date that is not now is unclear.
fn date(words: &[Word]) -> Part {
    let words: Option<Vec<String>> = words.iter().map(plain).collect();
    let words = words.unwrap_or_default();
    let Some((command, rest)) = words.split_first() else { return Part::Unclear };
    let mut formats = rest.iter().filter(|word| !matches!(word.as_str(), "-u" | "--utc" | "--universal"));
    match (command.as_str(), formats.next().and_then(|word| word.strip_prefix('+')), formats.next()) {
        ("date", Some(format), None) => Part::Date(format.to_string()),
        _ => Part::Unclear,
    }
}

/// One character of a name as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Character {
    Is(char),
    Digit,
}

impl Name {
    fn push(&mut self, part: Part) {
        match (self.parts.last_mut(), part) {
            (Some(Part::Text(before)), Part::Text(text)) => before.push_str(&text),
            (_, Part::Text(text)) if text.is_empty() => {}
            (_, part) => self.parts.push(part),
        }
    }

    fn append(&mut self, other: Name) {
        self.by_default |= other.by_default;
        other.parts.into_iter().for_each(|part| self.push(part));
    }

    /// With more text at its end.
    pub fn and(mut self, part: Part) -> Name {
        self.push(part);
        self
    }

    pub fn with(mut self, other: Name) -> Name {
        self.append(other);
        self
    }

    /// What stands before anything that is not known.
    pub fn start(&self) -> &str {
        match self.parts.first() {
            Some(Part::Text(text)) => text,
            _ => "",
        }
    }

    /// The store that it is in, `s3://bucket/`; None if it is in none.
    pub fn store(&self) -> Option<&str> {
        let start = self.start();
        let (scheme, rest) = start.split_once("://")?;
        let bucket = rest.find('/')?;
        start.get(..scheme.len() + 3 + bucket + 1).filter(|_| bucket > 0)
    }

    /// Whether two names can be equal; None where that cannot be told.
    pub fn may_equal(&self, other: &Name) -> Option<bool> {
        let (own, theirs) = (self.characters()?, other.characters()?);
        let fits = |(a, b): (&Character, &Character)| match (a, b) {
            (Character::Is(a), Character::Is(b)) => a == b,
            (Character::Is(c), Character::Digit) | (Character::Digit, Character::Is(c)) => c.is_ascii_digit(),
            (Character::Digit, Character::Digit) => true,
        };
        Some(own.len() == theirs.len() && own.iter().zip(&theirs).all(fits))
    }

    fn characters(&self) -> Option<Vec<Character>> {
        let mut all = vec![];
        for part in &self.parts {
            match part {
                Part::Text(text) => all.extend(text.chars().map(Character::Is)),
                Part::Date(format) => all.extend(date_characters(format)?),
                Part::Unclear => return None,
            }
        }
        Some(all)
    }

    /// For people: dates as their letters, the unclear as an ellipsis.
    pub fn shown(&self) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Date(format) => format.clone(),
            Part::Unclear => "…".to_string(),
        };
        self.parts.iter().map(part).collect()
    }
}

/// strftime's directives of fixed width; None for the others.
fn date_characters(format: &str) -> Option<Vec<Character>> {
    let mut all = vec![];
    let mut letters = format.chars();
    while let Some(c) = letters.next() {
        if c != '%' {
            all.push(Character::Is(c));
            continue;
        }
        match letters.next()? {
            'Y' => all.extend([Character::Digit; 4]),
            'm' | 'd' | 'H' | 'M' | 'S' | 'y' | 'I' | 'V' | 'U' | 'W' | 'C' => all.extend([Character::Digit; 2]),
            'j' => all.extend([Character::Digit; 3]),
            'u' | 'w' => all.push(Character::Digit),
            'F' => all.extend(date_characters("%Y-%m-%d")?),
            'T' => all.extend(date_characters("%H:%M:%S")?),
            'R' => all.extend(date_characters("%H:%M")?),
            '%' => all.push(Character::Is('%')),
            _ => return None,
        }
    }
    Some(all)
}
