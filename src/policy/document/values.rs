//! The values that a policy's fields hold: how each is read, and how a schema describes it.

use serde_json::{Value as Json, json};
use toml::de::DeValue;

use super::reader::{Node, Reader, Table, Value, in_order};
use super::suggest;
use crate::base::{Bytes, Compression, ServerEncryption, Span, Speed};
use crate::policy::place::Placed;

const LONGEST_TEXT: usize = 2_000;
const LONGEST_NAME: usize = 64;

/// One or more words for people.
#[derive(Debug, Clone, PartialEq)]
pub struct Text(pub String);

/// A name: of an asset, a domain and so on. It becomes part of keys in the repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(pub String);

/// A duration above zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Positive(pub Span);

/// A list of at least one, no text in it twice.
#[derive(Debug, Default)]
pub struct List<T>(pub Vec<Placed<T>>);

/// Tables under double brackets, one after the other.
#[derive(Debug, Default)]
pub struct Rows<T>(pub Vec<Placed<T>>);

/// What a step waits for: the empty list is a statement, "at once".
#[derive(Debug, Default)]
pub struct Wait(pub Vec<Placed<Name>>);

/// Sub-tables by name, in the file's order: `[asset.database]`, `[asset.uploads]`.
#[derive(Debug, Default)]
pub struct Named<T>(pub Vec<(Placed<String>, T)>);

/// A closed set of words.
pub trait Word: Sized + Copy + 'static {
    const TAKES: &'static str;
    /// Each word, its value, and what it means.
    const WORDS: &'static [(&'static str, Self, &'static str)];
}

impl<T: Word> Value for T {
    const TAKES: &'static str = T::TAKES;

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Some(text) = node.value.as_str() else {
            return reader.wrong_type(node, T::TAKES);
        };
        let found = T::WORDS.iter().find(|(word, ..)| *word == text);
        match found {
            Some((_, value, _)) => Some(*value),
            None => {
                let words: Vec<&str> = T::WORDS.iter().map(|(word, ..)| *word).collect();
                let message = format!("`{}` cannot be `{}`", node.name, suggest::short(text));
                reader.wrong(node.at, message, suggest::help(text, "allowed", &words))
            }
        }
    }

    fn schema() -> Json {
        let one = |(word, _, about): &(&str, T, &str)| json!({ "const": word, "description": about });
        json!({ "oneOf": T::WORDS.iter().map(one).collect::<Vec<_>>() })
    }
}

impl Value for bool {
    const TAKES: &'static str = "true or false";

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        node.value.as_bool().or_else(|| reader.wrong_type(node, Self::TAKES))
    }

    fn schema() -> Json {
        json!({ "type": "boolean" })
    }
}

impl Value for u32 {
    const TAKES: &'static str = "a whole number, at least 0 and at most 1000";

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Some(integer) = node.value.as_integer() else {
            return reader.wrong_type(node, Self::TAKES);
        };
        let number = u32::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|n| *n <= 1000);
        number.or_else(|| {
            let message = format!("`{}` cannot be {}", node.name, suggest::short(integer.as_str()));
            reader.wrong(node.at, message, format!("it takes {}", Self::TAKES))
        })
    }

    fn schema() -> Json {
        json!({ "type": "integer", "minimum": 0, "maximum": 1000 })
    }
}

/// Reads a number from zero to `most`. Not a number and infinity are in no range.
fn read_number(node: &Node, reader: &mut Reader, most: f64, takes: &str) -> Option<f64> {
    let (text, number) = match node.value {
        DeValue::Integer(n) => (n.as_str(), i64::from_str_radix(n.as_str(), n.radix()).ok().map(|n| n as f64)),
        DeValue::Float(n) => (n.as_str(), n.as_str().parse::<f64>().ok()),
        _ => return reader.wrong_type(node, takes),
    };
    number.filter(|n| (0.0..=most).contains(n)).or_else(|| {
        let message = format!("`{}` cannot be {}", node.name, suggest::short(text));
        reader.wrong(node.at, message, format!("it takes {takes}"))
    })
}

macro_rules! number {
    ($(#[doc = $doc:literal])+ $name:ident, $most:literal, $takes:literal) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub struct $name(pub f64);

        impl Value for $name {
            const TAKES: &'static str = $takes;

            fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
                read_number(node, reader, $most, $takes).map($name)
            }

            fn schema() -> Json {
                json!({ "type": "number", "minimum": 0, "maximum": $most })
            }
        }
    };
}

number!(
    /// An amount of money.
    Amount, 1e15, "an amount, at least 0 and at most 1e15"
);
number!(
    /// A number of incidents in a year; more than one an hour is no incident.
    Rate, 8760.0, "a number of incidents in a year, at least 0 and at most 8760"
);
number!(
    /// A part of a whole, or a growth: 0.4 is 40 %.
    Fraction, 100.0, "a fraction, at least 0 and at most 100: 0.4 is 40 %"
);

number!(
    /// A part of a whole, at most all of it.
    Share, 1.0, "a share, at least 0 and at most 1: 0.95 is 95 %"
);

number!(
    /// A time of observation.
    Years, 10_000.0, "a number of years, more than 0 and at most 10000"
);

impl Value for Span {
    const TAKES: &'static str = "a duration in quotes, such as \"90s\", \"15min\", \"6h\", \"1h30min\" or \"30d\"";

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        match node.value.as_str() {
            Some(text) => text.parse().or_else(|said: String| reader.wrong_text(node.at, &said).ok_or(())).ok(),
            None => reader.wrong_type(node, Self::TAKES),
        }
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^\\s*([0-9]+\\s*(ms|s|min|h|d|w|y)\\s*)+$", "examples": ["15min", "6h", "30d"] })
    }
}

impl Value for Positive {
    const TAKES: &'static str = Span::TAKES;

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        match Span::read(node, reader)? {
            Span::ZERO => {
                let message = format!("`{}` cannot be zero", node.name);
                reader.wrong(node.at, message, format!("it takes {}", Self::TAKES))
            }
            span => Some(Positive(span)),
        }
    }

    fn schema() -> Json {
        Span::schema()
    }
}

impl Value for Bytes {
    const TAKES: &'static str = "a size in quotes, such as \"64 GB\"";

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        match node.value.as_str() {
            Some(text) => text.parse().or_else(|said: String| reader.wrong_text(node.at, &said).ok_or(())).ok(),
            None => reader.wrong_type(node, Self::TAKES),
        }
    }

    fn schema() -> Json {
        let pattern = "^\\s*[0-9]+(\\.[0-9]*)?\\s*([kMGTP]?B|[KMGTP]iB)\\s*$";
        json!({ "type": "string", "pattern": pattern, "examples": ["64 GB"] })
    }
}

impl Value for Speed {
    const TAKES: &'static str = "a speed in quotes, such as \"60 Mbit/s\" or \"200 MB/s\"";

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        match node.value.as_str() {
            Some(text) => text.parse().or_else(|said: String| reader.wrong_text(node.at, &said).ok_or(())).ok(),
            None => reader.wrong_type(node, Self::TAKES),
        }
    }

    fn schema() -> Json {
        let pattern = "^\\s*[0-9]+(\\.[0-9]*)?\\s*([kMG]bit|[kMGTP]?B|[KMGTP]iB)/s\\s*$";
        json!({ "type": "string", "pattern": pattern, "examples": ["60 Mbit/s", "200 MB/s"] })
    }
}

impl Value for Compression {
    const TAKES: &'static str = "a compression in quotes, such as \"gzip\", \"zstd\", \"zstd:9\" or \"none\"";

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        match node.value.as_str() {
            Some(text) => text.parse().or_else(|said: String| reader.wrong_text(node.at, &said).ok_or(())).ok(),
            None => reader.wrong_type(node, Self::TAKES),
        }
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^(none|gzip(:[0-9]+)?|zstd(:-?[0-9]+)?)$", "examples": ["gzip", "zstd"] })
    }
}

impl Value for ServerEncryption {
    const TAKES: &'static str = "a server-side encryption in quotes: \"aes256\", \"kms\" or \"kms:KEY\"";

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        match node.value.as_str() {
            Some(text) => text.parse().or_else(|said: String| reader.wrong_text(node.at, &said).ok_or(())).ok(),
            None => reader.wrong_type(node, Self::TAKES),
        }
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^(aes256|kms|kms:[!-~]+)$", "examples": ["aes256", "kms"] })
    }
}

impl Value for Text {
    const TAKES: &'static str = "text in quotes";

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Some(text) = node.value.as_str() else {
            return reader.wrong_type(node, Self::TAKES);
        };
        let length = text.chars().count();
        if text.trim().is_empty() {
            return reader.wrong(node.at, format!("`{}` is empty", node.name), format!("it takes {}", Self::TAKES));
        }
        if length > LONGEST_TEXT || text.chars().any(|c| c.is_control() && c != '\n') {
            let message =
                format!("`{}` is longer than {LONGEST_TEXT} characters or holds control characters", node.name);
            return reader.wrong(node.at, message, "it takes text that a person can read");
        }
        Some(Text(text.to_string()))
    }

    fn schema() -> Json {
        json!({ "type": "string", "minLength": 1, "maxLength": LONGEST_TEXT })
    }
}

/// The grammar of names, with what is wrong with this one.
fn check_name(name: &str) -> Result<(), String> {
    const ALLOWED: &str = "a name is made of letters a-z, A-Z, digits, `-` and `_`, begins with a letter or a digit, and has at most 64 of them";
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let begins_well = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    match begins_well && name.len() <= LONGEST_NAME && name.chars().all(good) {
        true => Ok(()),
        false => Err(format!("`{}` cannot be a name; {ALLOWED}", suggest::short(name))),
    }
}

const NAME_PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$";

/// A reference takes any text: what it must be is a name that stands, which says more than a grammar could.
impl Value for Name {
    const TAKES: &'static str = "a name in quotes";

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        match node.value.as_str() {
            Some(text) => Some(Name(text.to_string())),
            None => reader.wrong_type(node, Self::TAKES),
        }
    }

    fn schema() -> Json {
        json!({ "type": "string", "minLength": 1 })
    }
}

fn read_array<T: Value>(node: &Node, reader: &mut Reader, takes: &str) -> Option<Vec<Placed<T>>> {
    let Some(array) = node.value.as_array() else {
        return reader.wrong_type(node, takes);
    };
    let nodes = array.iter().map(|item| (item.get_ref(), item.span()));
    let items: Vec<Node> = nodes.map(|(value, span)| Node { name: node.name, value, at: reader.place(span) }).collect();
    Some(items.iter().filter_map(|item| reader.placed(item)).collect())
}

impl<T: Value> Value for List<T> {
    const TAKES: &'static str = "a list in brackets, such as [\"a\", \"b\"]";

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        if node.value.as_array().is_some_and(|array| array.is_empty()) {
            let help = format!("it takes at least one, each {}; leave the field out if there is none", T::TAKES);
            return reader.wrong(node.at, format!("`{}` is an empty list", node.name), help);
        }
        read_array(node, reader, Self::TAKES).map(List)
    }

    fn schema() -> Json {
        json!({ "type": "array", "minItems": 1, "items": T::schema() })
    }
}

impl<T: Table + Value> Value for Rows<T> {
    const TAKES: &'static str = "tables, each under a header in double brackets, such as [[contact]]";

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        read_array(node, reader, Self::TAKES).map(Rows)
    }

    fn schema() -> Json {
        json!({ "type": "array", "items": T::schema() })
    }
}

impl Value for Wait {
    const TAKES: &'static str = "a list of the names of earlier steps; [] begins at once";

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        read_array(node, reader, Self::TAKES).map(Wait)
    }

    fn schema() -> Json {
        json!({ "type": "array", "items": { "type": "string" } })
    }
}

impl<T: Table + Value> Value for Named<T> {
    const TAKES: &'static str = "tables with names of their own, such as [asset.database]";

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Some(table) = node.value.as_table() else {
            return reader.wrong_type(node, Self::TAKES);
        };
        if table.is_empty() {
            let help = format!("declare at least one, as [{}.NAME]", node.name);
            return reader.wrong(node.at, format!("`{}` is empty", node.name), help);
        }
        let mut named = vec![];
        for ((name, span), value) in in_order(table) {
            let at = reader.place(span);
            if let Err(said) = check_name(name) {
                reader.wrong_text::<()>(at, &said);
            }
            let node = Node { name, value: value.get_ref(), at };
            named.extend(T::read(&node, reader).map(|inner| (Placed::new(name.to_string(), at), inner)));
        }
        Some(Named(named))
    }

    fn schema() -> Json {
        json!({
            "type": "object",
            "propertyNames": { "pattern": NAME_PATTERN },
            "additionalProperties": T::schema(),
        })
    }
}
