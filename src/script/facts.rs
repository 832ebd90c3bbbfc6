//! What the commands of a script do to stores: write, read, list, delete.

use super::name::{Name, Part, Variables};
use super::shell::{Command, Piece, Word, plain};
use crate::base::Place;

/// What a script does, in its order.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    pub actions: Vec<Action>,
    /// A command that compares or hashes contents, or that checks a repository of its own.
    pub compares: bool,
    /// A test, or a choice by count, that this reader does not follow.
    pub decides: bool,
}

#[derive(Debug, Clone)]
pub struct Action {
    pub at: Place,
    pub act: Act,
    pub name: Name,
    /// Everything that it stands under asks for a date, and something does.
    pub by_age: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Write,
    Read,
    List,
    Delete,
}

/// Options of the tools below that take a value of their own.
const WITH_VALUE: &[&str] = &[
    "--profile",
    "--region",
    "--endpoint-url",
    "--storage-class",
    "--sse",
    "--sse-kms-key-id",
    "--acl",
    "--expected-size",
    "--content-type",
    "--metadata",
    "--exclude",
    "--include",
    "--output",
    "--query",
    "--config",
    "--min-age",
    "--max-age",
    "--transfers",
    "-P",
];
/// Words of commands that hold contents against something.
const COMPARES: &[&str] =
    &["cmp", "diff", "check", "verify", "cryptcheck", "md5sum", "sha1sum", "sha256sum", "sha512sum", "b2sum", "shasum"];

pub fn of(commands: &[Command]) -> Facts {
    let mut facts = Facts::default();
    let mut variables = Variables::default();
    for (index, command) in commands.iter().enumerate() {
        for (name, value) in &command.assigns {
            variables.set(name, value);
        }
        let words: Vec<String> = command.words.iter().map(|w| plain(w).unwrap_or_default()).collect();
        let Some((first, rest)) = words.split_first() else { continue };
        let tool = first.rsplit('/').next().unwrap_or(first);
        match tool {
            "export" | "local" | "readonly" | "declare" => declare(&mut variables, &command.words),
            "read" => rest.iter().for_each(|name| variables.forget(name)),
            "[" | "[[" | "test" => facts.decides |= !asks_for_date(commands, command),
            "head" | "tail" => facts.decides |= rest.iter().any(|word| word.starts_with("-n") || word == "-n"),
            "wc" => facts.decides = true,
            "find" => facts.actions.extend(found(command, &words, &variables)),
            _ => {
                let names: Vec<Name> = command.words.iter().map(|word| variables.name(word)).collect();
                for (act, name) in transfers(tool, &words, &names) {
                    let by_age = act == Act::Delete && stands_under_dates(commands, index);
                    facts.actions.push(Action { at: command.at, act, name, by_age });
                }
            }
        }
        facts.compares |= COMPARES.contains(&tool) || rest.iter().take(2).any(|word| COMPARES.contains(&word.as_str()));
    }
    facts
}

fn declare(variables: &mut Variables, words: &[Word]) {
    for word in words.iter().skip(1) {
        let Some((Piece::Text(text), rest)) = word.split_first() else { continue };
        if let Some((name, value)) = text.split_once('=') {
            variables.set(name, &[vec![Piece::Text(value.to_string())], rest.to_vec()].concat());
        }
    }
}

/// What one command of a known tool does to a store.
fn transfers(tool: &str, words: &[String], names: &[Name]) -> Vec<(Act, Name)> {
    let skip = match (tool, words.get(1).map(String::as_str)) {
        ("aws", Some("s3")) => 2,
        ("aws", Some("s3api")) => return object_call(words, names),
        ("s5cmd" | "s3cmd" | "gsutil" | "rclone" | "mc", Some(_)) => 1,
        _ => return vec![],
    };
    let mut rest = words.iter().zip(names).skip(skip);
    let Some((verb, _)) = rest.by_ref().find(|(word, _)| !word.starts_with('-')) else { return vec![] };
    let (mut at, mut many, mut takes_value) = (vec![], false, false);
    for (word, name) in rest {
        if std::mem::take(&mut takes_value) {
            continue;
        }
        if word.starts_with('-') && word != "-" {
            takes_value = WITH_VALUE.contains(&word.as_str());
            many |= matches!(word.as_str(), "--recursive" | "-r" | "--include" | "--exclude" | "--min-age");
            continue;
        }
        at.push(name.clone());
    }
    // Of a tree, the names below are not known.
    let whole = |name: &Name| match many || matches!(verb.as_str(), "sync" | "copy" | "move" | "mirror") {
        true => name.clone().and(Part::Unclear),
        false => name.clone(),
    };
    match (verb.as_str(), at.as_slice()) {
        ("cp" | "mv" | "sync" | "put" | "get" | "copy" | "copyto" | "move" | "moveto" | "mirror", [from, to]) => {
            let from = from.store().map(|_| (Act::Read, whole(from)));
            // What is named by its folder alone keeps a name that is not known.
            let into = if to.shown().ends_with('/') { to.clone().and(Part::Unclear) } else { whole(to) };
            let to = to.store().map(|_| (Act::Write, into));
            from.into_iter().chain(to).collect()
        }
        ("ls" | "lsf" | "lsl" | "stat" | "head" | "du", [name, ..]) => vec![(Act::List, name.clone())],
        ("rm" | "del" | "delete" | "deletefile" | "purge", [name, ..]) => vec![(Act::Delete, whole(name))],
        _ => vec![],
    }
}

/// `aws s3api VERB --bucket B --key K`.
fn object_call(words: &[String], names: &[Name]) -> Vec<(Act, Name)> {
    let act = match words.get(2).map(String::as_str) {
        Some("put-object") => Act::Write,
        Some("get-object") => Act::Read,
        Some("head-object" | "list-objects-v2" | "list-objects") => Act::List,
        Some("delete-object") => Act::Delete,
        _ => return vec![],
    };
    let value = |option: &str| words.iter().position(|word| word == option).and_then(|at| names.get(at + 1)).cloned();
    let Some(bucket) = value("--bucket") else { return vec![] };
    let key = value("--key").unwrap_or(Name { parts: vec![Part::Unclear], by_default: false });
    let start = Name { parts: vec![Part::Text("s3://".to_string())], by_default: false };
    vec![(act, start.with(bucket).and(Part::Text("/".to_string())).with(key))]
}

/// `find DIR -mtime +N -delete`, which knows nothing but ages.
fn found(command: &Command, words: &[String], variables: &Variables) -> Option<Action> {
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(&word.as_str()));
    let deletes = has(&["-delete"]) || (has(&["-exec", "-execdir"]) && has(&["rm"]));
    let by_age = has(&["-mtime", "-mmin", "-ctime", "-cmin"]);
    let name = command.words.get(1).map(|word| variables.name(word)).unwrap_or_default();
    deletes.then_some(Action { at: command.at, act: Act::Delete, name, by_age })
}

/// Whether a loop or test leads to the command that asks for a date, and none that asks for anything else.
fn stands_under_dates(commands: &[Command], index: usize) -> bool {
    let under = commands.get(index).map(|command| command.under.as_slice()).unwrap_or_default();
    let heads: Vec<&Command> = under.iter().filter_map(|head| commands.get(*head)).collect();
    let tests = heads.iter().filter(|head| !is(head, "read"));
    let mut tests = tests.filter(|head| ["[", "[[", "test"].iter().any(|word| is(head, word))).peekable();
    tests.peek().is_some() && tests.all(|test| asks_for_date(commands, test))
}

fn is(command: &Command, word: &str) -> bool {
    command.words.first().and_then(plain).as_deref() == Some(word)
}

/// Whether a test compares with a date: `date` stands in it, or in what a variable of it was set to.
fn asks_for_date(commands: &[Command], test: &Command) -> bool {
    let compares =
        test.words.iter().filter_map(plain).any(|w| matches!(w.as_str(), "<" | ">" | "-lt" | "-gt" | "-le" | "-ge"));
    let set =
        |name: &str| commands.iter().flat_map(|c| &c.assigns).any(|(own, value)| own == name && calls_date(value));
    let names_date = |piece: &Piece| matches!(piece, Piece::Variable(name, _) if set(name));
    compares && test.words.iter().any(|word| calls_date(word) || word.iter().any(names_date))
}

fn calls_date(word: &Word) -> bool {
    word.iter().any(|piece| match piece {
        Piece::Output(words) => words.first().and_then(plain).as_deref() == Some("date"),
        _ => false,
    })
}
