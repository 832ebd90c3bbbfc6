//! Names that carry a date, as `date +FORMAT` writes them: `%Y-%m-%d_%H-%M.tar.gz`.

use std::str::FromStr;

use chrono::{NaiveDate, NaiveDateTime};

/// A pattern of names. `*` stands for any characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    pub text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Literal(char),
    /// A number of so many digits.
    Field(char, usize),
    Any,
}

/// What a name says of its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// Some instant of that day, or of that minute: the earliest.
    Wall(NaiveDateTime),
    Seconds(i64),
    /// Digits that no calendar has.
    NoDate,
}

const FORMS: &str =
    "write the name as `date` formats it, such as %Y-%m-%d_%H-%M.tar.gz, with %Y %m %d (%j) %H %M %S or %s";
const LONGEST: usize = 512;

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("a pattern of {} bytes; {LONGEST} are allowed", text.len()));
        }
        let mut parts = vec![];
        let mut characters = text.chars();
        while let Some(c) = characters.next() {
            match (c, if c == '%' { characters.next() } else { None }) {
                ('%', Some('%')) => parts.push(Part::Literal('%')),
                ('%', Some('F')) => parts.extend(day("-")),
                ('%', Some('Y')) => parts.push(Part::Field('Y', 4)),
                ('%', Some('j')) => parts.push(Part::Field('j', 3)),
                ('%', Some(c @ ('m' | 'd' | 'H' | 'M' | 'S'))) => parts.push(Part::Field(c, 2)),
                ('%', Some('s')) => parts.push(Part::Field('s', 10)),
                ('%', other) => {
                    let shown = other.map(String::from).unwrap_or_default();
                    return Err(format!("`%{}` is not known; {FORMS}", shown.escape_debug()));
                }
                ('*', _) => parts.push(Part::Any),
                (c, _) => parts.push(Part::Literal(c)),
            }
        }
        let fields: Vec<char> = parts.iter().filter_map(|part| part.field()).collect();
        let has = |c: char| fields.contains(&c);
        let dated = has('s') || has('Y') && (has('j') || has('m') && has('d'));
        let times = (!has('M') || has('H')) && (!has('S') || has('M'));
        let once = fields.iter().all(|c| fields.iter().filter(|other| *other == c).count() == 1);
        match dated && times && once && fields.iter().filter(|c| **c == 'j').count() <= 1 {
            true => Ok(Pattern { text: text.to_string(), parts }),
            false => Err(format!("`{}` does not say on which day, each part once; {FORMS}", text.escape_debug())),
        }
    }
}

fn day(between: &str) -> Vec<Part> {
    let mut parts = vec![Part::Field('Y', 4)];
    for c in ['m', 'd'] {
        parts.extend(between.chars().map(Part::Literal));
        parts.push(Part::Field(c, 2));
    }
    parts
}

impl Part {
    fn field(self) -> Option<char> {
        match self {
            Part::Field(c, _) => Some(c),
            _ => None,
        }
    }
}

impl Pattern {
    /// None if the name is not of this pattern. A pattern without `/` is held against the last part of the name.
    pub fn read(&self, key: &str) -> Option<Named> {
        let name = if self.text.contains('/') { key } else { key.rsplit('/').next()? };
        let mut fields = Fields::default();
        self.follow(name, &mut fields).then(|| fields.named())
    }

    /// Whether the whole name follows the pattern. Where more than one way leads to the end, `*` is as short as it can be;
    /// going back to the last `*` alone keeps it linear in each.
    fn follow(&self, name: &str, fields: &mut Fields) -> bool {
        let (mut part, mut rest) = (0, name);
        let mut retry: Option<(usize, &str)> = None;
        loop {
            let stepped = match self.parts.get(part) {
                None if rest.is_empty() => return true,
                None => None,
                Some(Part::Any) => {
                    retry = Some((part + 1, rest));
                    Some(rest)
                }
                Some(Part::Literal(c)) => rest.strip_prefix(*c),
                Some(Part::Field(c, digits)) => fields.take(*c, rest, *digits),
            };
            match (stepped, retry) {
                (Some(next), _) => (part, rest) = (part + 1, next),
                (None, None) => return false,
                (None, Some((after, from))) => {
                    let mut later = from.chars();
                    if later.next().is_none() {
                        return false;
                    }
                    (part, rest) = (after, later.as_str());
                    retry = Some((after, rest));
                }
            }
        }
    }
}

#[derive(Debug, Default)]
struct Fields(std::collections::BTreeMap<char, i64>);

impl Fields {
    fn take<'a>(&mut self, field: char, text: &'a str, digits: usize) -> Option<&'a str> {
        let number = text.get(..digits).filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))?;
        self.0.insert(field, number.parse().ok()?);
        text.get(digits..)
    }

    fn named(&self) -> Named {
        let of = |field: char| self.0.get(&field).copied();
        let small = |field: char| of(field).and_then(|n| u32::try_from(n).ok());
        if let Some(seconds) = of('s') {
            return Named::Seconds(seconds);
        }
        let year = of('Y').and_then(|year| i32::try_from(year).ok()).unwrap_or_default();
        let date = match (small('j'), small('m'), small('d')) {
            (Some(day), _, _) => NaiveDate::from_yo_opt(year, day),
            (None, month, day) => NaiveDate::from_ymd_opt(year, month.unwrap_or_default(), day.unwrap_or_default()),
        };
        let [hour, minute, second] = ['H', 'M', 'S'].map(|field| small(field).unwrap_or_default());
        date.and_then(|date| date.and_hms_opt(hour, minute, second)).map_or(Named::NoDate, Named::Wall)
    }
}
