//! Reads tables of values and notes every problem on the way, never stopping at the first.

use std::ops::Range;

use serde_json::{Map, Value as Json, json};
use toml::de::{DeTable, DeValue};

use super::suggest;
use crate::policy::place::{Index, Place, Placed};
use crate::policy::problem::Problem;

/// A value of the file with its field's name and its place in the text.
#[derive(Clone)]
pub struct Node<'a> {
    pub name: &'a str,
    pub value: &'a DeValue<'a>,
    pub at: Place,
}

/// What a field can hold: how it is read, and what an editor is told about it. One definition for both.
pub trait Value: Sized {
    /// What it takes, put after "takes": "a duration, such as \"15min\"".
    const TAKES: &'static str;
    /// None after a problem was noted.
    fn read(node: &Node, reader: &mut Reader) -> Option<Self>;
    fn schema() -> Json;
}

/// A table with known fields; made by [`table!`] alone, so that struct, reading, allowed names and schema agree.
pub trait Table: Default {
    /// What it is in a message, article included: "a protection".
    const WHAT: &'static str;
    const ABOUT: &'static str;
    const FIELDS: &'static [Field];
    /// Reads the value of a field that is in `FIELDS`.
    fn set(&mut self, node: &Node, reader: &mut Reader);
    fn set_place(&mut self, at: Place);
}

/// What is known of one field.
pub struct Field {
    pub name: &'static str,
    /// One line for people and for the schema.
    pub about: &'static str,
    pub required: bool,
    /// The kinds of this table that it fits; empty: all.
    pub kinds: &'static [&'static str],
    pub schema: fn() -> Json,
}

impl Field {
    fn fits(&self, kind: Option<&str>) -> bool {
        self.kinds.is_empty() || kind.is_some_and(|kind| self.kinds.contains(&kind))
    }
}

/// Collects the problems of one file.
pub struct Reader<'a> {
    pub index: Index<'a>,
    pub problems: Vec<Problem>,
    /// The outermost table is one of several that make a whole: what it lacks may stand in another.
    pub part: bool,
}

impl<'a> Reader<'a> {
    /// For the text of the file of this number.
    pub fn new(text: &'a str, file: u32) -> Self {
        Reader { index: Index::in_file(text, file), problems: vec![], part: false }
    }

    pub fn place(&self, span: Range<usize>) -> Place {
        self.index.place(span)
    }

    /// Notes a problem; the `None` is for the caller to return.
    pub fn wrong<T>(&mut self, at: Place, message: impl Into<String>, help: impl Into<String>) -> Option<T> {
        self.problems.push(Problem::new(at, message).help(help));
        None
    }

    pub fn wrong_type<T>(&mut self, node: &Node, takes: &str) -> Option<T> {
        let found = match node.value.type_str() {
            word @ ("integer" | "array") => format!("an {word}"),
            word => format!("a {word}"),
        };
        self.wrong(node.at, format!("`{}` is {found}", node.name), format!("it takes {takes}"))
    }

    /// Notes what a parser of text said: the part after the first semicolon is what is allowed.
    pub fn wrong_text<T>(&mut self, at: Place, said: &str) -> Option<T> {
        let problem = match said.split_once("; ") {
            Some((message, help)) => Problem::new(at, message).help(help),
            None => Problem::new(at, said),
        };
        self.problems.push(problem);
        None
    }

    /// A value with its place, if it could be read.
    pub fn placed<T: Value>(&mut self, node: &Node) -> Option<Placed<T>> {
        T::read(node, self).map(|value| Placed::new(value, node.at))
    }

    /// Reads a table's fields in the file's order; what could not be read is absent, with its problem noted.
    pub fn table<T: Table>(&mut self, fields: &DeTable, at: Place) -> T {
        let part = std::mem::take(&mut self.part);
        let mut table = T::default();
        table.set_place(at);
        let kind = fields.get("kind").and_then(|kind| kind.get_ref().as_str());
        // An unknown kind is a problem of its own: whether the other fields fit it cannot be said.
        let kind_known = kind.is_some_and(|kind| T::FIELDS.iter().any(|field| field.kinds.contains(&kind)));
        for (key, value) in in_order(fields) {
            let (name, key_end, key_at) = (key.0, key.1.end, self.place(key.1));
            match T::FIELDS.iter().find(|field| field.name == name) {
                None => self.unknown_field::<T>(name, key_at, kind.filter(|_| kind_known)),
                Some(field) if kind_known && !field.fits(kind) => {
                    let message = format!("`{name}` does not fit the kind `{}`", kind.unwrap_or_default());
                    self.wrong::<()>(key_at, message, format!("it fits: {}", field.kinds.join(", ")));
                }
                Some(_) => {
                    // A table under a header of its own: the name in the header is what a reader looks for.
                    let inline = value.span().start >= key_end;
                    let at = if inline { self.place(value.span()) } else { key_at };
                    table.set(&Node { name, value: value.get_ref(), at }, self);
                }
            }
        }
        for field in T::FIELDS.iter().filter(|field| field.required && !part && !fields.contains_key(field.name)) {
            if field.kinds.is_empty() || (kind_known && field.fits(kind)) {
                let what = match kind.filter(|_| kind_known && !field.kinds.is_empty()) {
                    Some(kind) => format!("{} of kind `{kind}`", T::WHAT),
                    None => T::WHAT.to_string(),
                };
                self.wrong::<()>(at, format!("{what} needs `{}`", field.name), field.about);
            }
        }
        table
    }

    fn unknown_field<T: Table>(&mut self, name: &str, at: Place, kind: Option<&str>) {
        let message = format!("unknown field `{}` in {}", suggest::short(name), T::WHAT);
        // A file with this many problems is no policy: finding the nearest word for each would only take time.
        if self.problems.len() >= MOST_HELPED {
            self.problems.push(Problem::new(at, message));
            return;
        }
        let fields = T::FIELDS.iter().filter(|field| kind.is_none() || field.fits(kind));
        let allowed: Vec<&str> = fields.map(|field| field.name).collect();
        self.wrong::<()>(at, message, suggest::help(name, "allowed", &allowed));
    }
}

const MOST_HELPED: usize = 1_000;

/// A key with its place, and its value.
pub type KeyAndValue<'t, 'a> = ((&'t str, Range<usize>), &'t toml::Spanned<DeValue<'a>>);

/// A table's keys and values in the order that they stand in the file.
pub fn in_order<'t, 'a>(table: &'t DeTable<'a>) -> Vec<KeyAndValue<'t, 'a>> {
    let mut all: Vec<_> = table.iter().map(|(key, value)| ((key.get_ref().as_ref(), key.span()), value)).collect();
    all.sort_by_key(|((_, span), _)| span.start);
    all
}

/// The JSON Schema of a table.
pub fn schema_of<T: Table>() -> Json {
    let property = |field: &Field| {
        let mut schema = (field.schema)();
        if let Some(object) = schema.as_object_mut() {
            object.insert("description".into(), json!(field.about));
        }
        (field.name.to_string(), schema)
    };
    let always: Vec<&str> =
        T::FIELDS.iter().filter(|field| field.required && field.kinds.is_empty()).map(|field| field.name).collect();
    let mut schema = json!({
        "type": "object",
        "description": T::ABOUT,
        "additionalProperties": false,
        "required": always,
        "properties": T::FIELDS.iter().map(property).collect::<Map<_, _>>(),
    });
    let mut kinds: Vec<&str> = T::FIELDS.iter().flat_map(|field| field.kinds.iter().copied()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    if let (false, Some(object)) = (kinds.is_empty(), schema.as_object_mut()) {
        object.insert("allOf".into(), kinds.into_iter().map(rules_of_kind::<T>).collect());
    }
    schema
}

/// What a kind adds: the fields that it needs, and those that it cannot have.
fn rules_of_kind<T: Table>(kind: &str) -> Json {
    let own = || T::FIELDS.iter().filter(|field| !field.kinds.is_empty());
    let needed: Vec<&str> = own().filter(|f| f.required && f.fits(Some(kind))).map(|f| f.name).collect();
    let unfit: Map<String, Json> =
        own().filter(|f| !f.fits(Some(kind))).map(|f| (f.name.to_string(), json!(false))).collect();
    json!({
        "if": { "properties": { "kind": { "const": kind } }, "required": ["kind"] },
        "then": { "required": needed, "properties": unfit },
    })
}

/// Declares a table once: its struct, how it is read, which names it allows and its schema all follow from it.
///
/// Every field is an `Option`: a problem leaves it empty, and so does the writer of an optional one. `required` fields
/// that are missing are noted as problems; `for [..]` names the kinds of this table that a field fits.
macro_rules! table {
    (
        $(#[doc = $about:literal])+
        $table:ident = $what:literal {
            $( $(#[doc = $doc:literal])+ $field:ident: $type:ty, $presence:ident $(for [$($kind:literal),+])?; )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Default)]
        pub struct $table {
            pub at: $crate::policy::Place,
            $( $(#[doc = $doc])+ pub $field: Option<$crate::policy::Placed<$type>>, )+
        }

        impl $crate::policy::document::reader::Table for $table {
            const WHAT: &'static str = $what;
            const ABOUT: &'static str = concat!($($about),+).trim_ascii();
            const FIELDS: &'static [$crate::policy::document::reader::Field] = &[
                $( $crate::policy::document::reader::Field {
                    name: stringify!($field),
                    about: concat!($($doc),+).trim_ascii(),
                    required: table!(@ $presence),
                    kinds: &[$($($kind),+)?],
                    schema: <$type as $crate::policy::document::reader::Value>::schema,
                }, )+
            ];

            fn set(
                &mut self,
                node: &$crate::policy::document::reader::Node,
                reader: &mut $crate::policy::document::reader::Reader,
            ) {
                match node.name {
                    $( stringify!($field) => self.$field = reader.placed(node), )+
                    _ => {}
                }
            }

            fn set_place(&mut self, at: $crate::policy::Place) {
                self.at = at;
            }
        }

        impl $crate::policy::document::reader::Value for $table {
            const TAKES: &'static str = concat!("a table that describes ", $what);

            fn read(
                node: &$crate::policy::document::reader::Node,
                reader: &mut $crate::policy::document::reader::Reader,
            ) -> Option<Self> {
                match node.value.as_table() {
                    Some(fields) => Some(reader.table(fields, node.at)),
                    None => reader.wrong_type(node, Self::TAKES),
                }
            }

            fn schema() -> serde_json::Value {
                $crate::policy::document::reader::schema_of::<Self>()
            }
        }
    };
    (@ required) => { true };
    (@ optional) => { false };
}
pub(crate) use table;
