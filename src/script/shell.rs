//! Shell text to simple commands: words with their quotes resolved, and under which conditions each command stands.

use crate::base::Place;

/// Substitutions inside substitutions, at most; deeper ones are unclear.
const DEEPEST: usize = 8;

/// A simple command with its place, its assignments first.
#[derive(Debug, Clone, Default)]
pub struct Command {
    pub at: Place,
    pub assigns: Vec<(String, Word)>,
    pub words: Vec<Word>,
    /// The tests and loop heads that it stands under, as indices of commands.
    pub under: Vec<usize>,
}

pub type Word = Vec<Piece>;

#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    Text(String),
    /// `$name` or `${name:-default}`.
    Variable(String, Option<Word>),
    /// `$(…)`: the words of its one command; none if there are several.
    Output(Vec<Word>),
    Unclear,
}

/// The simple commands of a script in their order.
pub fn read(text: &str, file: u32) -> Vec<Command> {
    let mut reader = Reader::new(text, file, 0);
    reader.run();
    reader.commands
}

/// Words that open or close a block; what comes after them is a command of its own.
const OPENS: &[&str] = &["if", "while", "until", "for", "elif", "case", "select"];
const CLOSES: &[&str] = &["fi", "done", "esac"];
const PASSES: &[&str] = &["then", "do", "else", "!", "{", "}", "time"];

struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    line_start: usize,
    file: u32,
    depth: usize,
    open: Command,
    word: Option<Word>,
    /// Whether the next word is a file that a redirection names.
    redirect: bool,
    heredocs: Vec<String>,
    commands: Vec<Command>,
    /// For each open block the commands that are its condition, and whether that is still being read.
    blocks: Vec<(Vec<usize>, bool)>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, file: u32, depth: usize) -> Self {
        Reader {
            text,
            at: 0,
            line: 1,
            line_start: 0,
            file,
            depth,
            open: Command::default(),
            word: None,
            redirect: false,
            heredocs: vec![],
            commands: vec![],
            blocks: vec![],
        }
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at..).and_then(|rest| rest.chars().next())
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        if c == '\n' {
            (self.line, self.line_start) = (self.line + 1, self.at);
        }
        Some(c)
    }

    fn run(&mut self) {
        while let Some(c) = self.peek() {
            match c {
                '\\' => {
                    self.next();
                    match self.next() {
                        Some('\n') | None => {}
                        Some(c) => self.push(Piece::Text(c.to_string())),
                    }
                }
                '\'' | '"' => self.quoted(c),
                '$' => {
                    let piece = self.dollar();
                    self.push(piece);
                }
                '`' => {
                    self.next();
                    let inner = self.until('`');
                    let piece = self.output(&inner);
                    self.push(piece);
                }
                '#' if self.word.is_none() => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.next();
                    }
                }
                ' ' | '\t' | '\r' => {
                    self.next();
                    self.end_word();
                }
                '\n' => {
                    self.next();
                    self.end_command();
                    self.skip_heredocs();
                }
                '<' | '>' if !self.in_test() => self.redirection(),
                ';' | '&' | '|' | '(' | ')' if !self.in_test() => {
                    self.next();
                    self.end_command();
                }
                c => {
                    self.next();
                    self.push(Piece::Text(c.to_string()));
                }
            }
        }
        self.end_command();
    }

    /// Within `[[ … ]]`, `<` compares and `(` groups.
    fn in_test(&self) -> bool {
        let is = |word: Option<&Word>, text: &str| word.and_then(plain).as_deref() == Some(text);
        is(self.open.words.first(), "[[") && !is(self.word.as_ref(), "]]") && !is(self.open.words.last(), "]]")
    }

    fn push(&mut self, piece: Piece) {
        if self.word.is_none() && self.open.words.is_empty() && self.open.assigns.is_empty() {
            let column = self.text.get(self.line_start..self.at).map_or(1, |s| s.chars().count());
            let rest = self.text.get(self.at..).and_then(|rest| rest.lines().next()).unwrap_or_default();
            self.open.at = Place::on(self.file, self.line, column, rest.trim_end().chars().count() + 1);
        }
        let word = self.word.get_or_insert_default();
        match (word.last_mut(), piece) {
            (Some(Piece::Text(before)), Piece::Text(text)) => before.push_str(&text),
            (_, piece) => word.push(piece),
        }
    }

    fn quoted(&mut self, quote: char) {
        // An empty pair of quotes is a word too.
        self.push(Piece::Text(String::new()));
        self.next();
        while let Some(c) = self.peek() {
            match c {
                c if c == quote => {
                    self.next();
                    return;
                }
                '\\' if quote == '"' => {
                    self.next();
                    match self.next() {
                        Some('\n') | None => {}
                        Some(c @ ('$' | '`' | '"' | '\\')) => self.push(Piece::Text(c.to_string())),
                        Some(c) => self.push(Piece::Text(format!("\\{c}"))),
                    }
                }
                '$' if quote == '"' => {
                    let piece = self.dollar();
                    self.push(piece);
                }
                '`' if quote == '"' => {
                    self.next();
                    self.until('`');
                    self.push(Piece::Unclear);
                }
                c => {
                    self.next();
                    self.push(Piece::Text(c.to_string()));
                }
            }
        }
    }

    fn dollar(&mut self) -> Piece {
        self.next();
        match self.peek() {
            Some('(') => {
                self.next();
                let inner = self.until_closed('(', ')');
                self.output(&inner)
            }
            Some('{') => {
                self.next();
                let inner = self.until_closed('{', '}');
                self.parameter(&inner)
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let start = self.at;
                while self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
                    self.next();
                }
                Piece::Variable(self.text.get(start..self.at).unwrap_or_default().to_string(), None)
            }
            Some(c @ ('0'..='9' | '@' | '*' | '#' | '?' | '$' | '!' | '-')) => {
                self.next();
                Piece::Variable(c.to_string(), None)
            }
            _ => Piece::Text("$".to_string()),
        }
    }

    fn parameter(&self, inner: &str) -> Piece {
        let end = inner.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(inner.len());
        let (name, rest) = inner.split_at(end);
        let default = rest.strip_prefix(":-").or_else(|| rest.strip_prefix('-').filter(|_| !rest.is_empty()));
        match (name.is_empty(), rest, default) {
            (false, "", _) => Piece::Variable(name.to_string(), None),
            (false, _, Some(default)) if self.depth < DEEPEST => {
                let mut reader = Reader::new(default, self.file, self.depth + 1);
                reader.run();
                let word = reader.commands.into_iter().next().map(|c| c.words.into_iter().next().unwrap_or_default());
                Piece::Variable(name.to_string(), Some(word.unwrap_or_default()))
            }
            _ => Piece::Unclear,
        }
    }

    /// `$(…)` of one command; arithmetic and pipes are unclear.
    fn output(&self, inner: &str) -> Piece {
        if self.depth >= DEEPEST || inner.starts_with('(') {
            return Piece::Unclear;
        }
        let mut reader = Reader::new(inner, self.file, self.depth + 1);
        reader.run();
        match reader.commands.as_slice() {
            [only] if only.assigns.is_empty() => Piece::Output(only.words.clone()),
            several => Piece::Output(
                several.iter().flat_map(|c| [c.words.clone(), vec![vec![Piece::Unclear]]]).flatten().collect(),
            ),
        }
    }

    fn until(&mut self, end: char) -> String {
        let start = self.at;
        while self.peek().is_some_and(|c| c != end) {
            self.next();
        }
        let inner = self.text.get(start..self.at).unwrap_or_default().to_string();
        self.next();
        inner
    }

    fn until_closed(&mut self, opens: char, closes: char) -> String {
        let (start, mut depth, mut quote) = (self.at, 1_usize, None);
        while let Some(c) = self.peek() {
            match (quote, c) {
                (None, '\'' | '"') => quote = Some(c),
                (Some(open), c) if open == c => quote = None,
                (None, c) if c == opens => depth += 1,
                (None, c) if c == closes => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            self.next();
        }
        let inner = self.text.get(start..self.at).unwrap_or_default().to_string();
        self.next();
        inner
    }

    fn redirection(&mut self) {
        // A number right before it names a descriptor and is no word.
        if self.word.as_ref().and_then(plain).is_some_and(|w| w.bytes().all(|b| b.is_ascii_digit())) {
            self.word = None;
        }
        self.end_word();
        let start = self.at;
        while self.peek().is_some_and(|c| matches!(c, '<' | '>' | '&' | '-')) {
            self.next();
        }
        match self.text.get(start..self.at) {
            Some("<<" | "<<-") => {
                while self.peek().is_some_and(|c| c == ' ' || c == '\t') {
                    self.next();
                }
                let from = self.at;
                while self.peek().is_some_and(|c| !c.is_whitespace() && !matches!(c, ';' | '|' | '&' | '>' | ')')) {
                    self.next();
                }
                let word = self.text.get(from..self.at).unwrap_or_default();
                self.heredocs.push(word.trim_matches(|c| matches!(c, '"' | '\'' | '\\')).to_string());
            }
            _ => self.redirect = true,
        }
    }

    fn skip_heredocs(&mut self) {
        for end in std::mem::take(&mut self.heredocs) {
            while self.peek().is_some() {
                if self.until('\n').trim() == end {
                    break;
                }
            }
        }
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        if std::mem::take(&mut self.redirect) {
            return;
        }
        if self.open.words.is_empty() {
            if let Some((name, value)) = assignment(&word) {
                self.open.assigns.push((name, value));
                return;
            }
            if let Some(key) = plain(&word).filter(|_| self.open.assigns.is_empty())
                && self.keyword(&key)
            {
                return;
            }
        }
        self.open.words.push(word);
    }

    /// Whether the word opens, turns or closes a block; a `for` keeps its words, since they are its head.
    fn keyword(&mut self, word: &str) -> bool {
        if word == "elif" || CLOSES.contains(&word) {
            self.blocks.pop();
        }
        if OPENS.contains(&word) {
            self.blocks.push((vec![], true));
        }
        if let (true, Some(block)) = (matches!(word, "then" | "do" | "in"), self.blocks.last_mut()) {
            block.1 = false;
        }
        OPENS.contains(&word) || CLOSES.contains(&word) || PASSES.contains(&word)
    }

    fn end_command(&mut self) {
        self.end_word();
        self.redirect = false;
        let mut command = std::mem::take(&mut self.open);
        if command.words.is_empty() && command.assigns.is_empty() {
            return;
        }
        command.under = self.blocks.iter().filter(|(_, open)| !open).flat_map(|(heads, _)| heads.clone()).collect();
        let index = self.commands.len();
        if let Some((heads, true)) = self.blocks.last_mut() {
            heads.push(index);
        }
        self.commands.push(command);
    }
}

/// `NAME=value`.
fn assignment(word: &Word) -> Option<(String, Word)> {
    let Some(Piece::Text(text)) = word.first() else { return None };
    let (name, value) = text.split_once('=')?;
    let good = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let rest = word.get(1..).unwrap_or_default();
    good.then(|| (name.to_string(), [vec![Piece::Text(value.to_string())], rest.to_vec()].concat()))
}

/// The word's text if nothing in it has to be worked out.
pub fn plain(word: &Word) -> Option<String> {
    match word.as_slice() {
        [] => Some(String::new()),
        [Piece::Text(text)] => Some(text.clone()),
        _ => None,
    }
}
