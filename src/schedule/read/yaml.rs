//! As much of YAML as schedules need: scalars, lists and maps with their places. Anchors are never followed, so no text
//! can grow when it is read.

use saphyr_parser::{Event, Parser, Span};

use super::Refused;
use crate::base::Place;

const DEEPEST: usize = 64;

#[derive(Debug)]
pub struct Node {
    pub at: Place,
    pub value: Value,
}

#[derive(Debug)]
pub enum Value {
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
    /// A reference to something else in the file, which is not followed.
    Alias,
}

impl Node {
    pub fn get(&self, name: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(fields) => fields.iter().find(|(key, _)| key == name).map(|(_, node)| node),
            _ => None,
        }
    }

    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    pub fn fields(&self) -> &[(String, Node)] {
        match &self.value {
            Value::Map(fields) => fields,
            _ => &[],
        }
    }
}

/// A list or map that is still being filled; a map's key waits for its value.
struct Open {
    node: Node,
    key: Option<String>,
}

/// Every document of the text.
pub fn read(text: &str, file: u32) -> Result<Vec<Node>, Refused> {
    let mut documents = vec![];
    let mut open: Vec<Open> = vec![];
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let at = Place::on(file, error.marker().line(), error.marker().col() + 1, 1);
            (at, format!("this is not YAML: {}", error.info()))
        })?;
        let at = place(file, span);
        let done = match event {
            Event::Scalar(text, ..) => Node { at, value: Value::Text(text.into_owned()) },
            Event::Alias(_) => Node { at, value: Value::Alias },
            Event::SequenceStart(..) | Event::MappingStart(..) if open.len() >= DEEPEST => {
                return Err((at, format!("nested deeper than {DEEPEST} levels")));
            }
            Event::SequenceStart(..) => {
                open.push(Open { node: Node { at, value: Value::List(vec![]) }, key: None });
                continue;
            }
            Event::MappingStart(..) => {
                open.push(Open { node: Node { at, value: Value::Map(vec![]) }, key: None });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(open) => open.node,
                None => continue,
            },
            _ => continue,
        };
        match open.last_mut() {
            Some(outer) => outer.take(done),
            None => documents.push(done),
        }
    }
    Ok(documents)
}

impl Open {
    fn take(&mut self, node: Node) {
        match &mut self.node.value {
            Value::List(items) => items.push(node),
            Value::Map(fields) => match self.key.take() {
                Some(key) => fields.push((key, node)),
                // A key that is no scalar names nothing that a schedule has.
                None => self.key = Some(node.text().unwrap_or_default().to_string()),
            },
            Value::Text(_) | Value::Alias => {}
        }
    }
}

fn place(file: u32, span: Span) -> Place {
    let same_line = span.start.line() == span.end.line();
    let len = if same_line { span.end.col().saturating_sub(span.start.col()) } else { 1 };
    Place::on(file, span.start.line(), span.start.col() + 1, len)
}
