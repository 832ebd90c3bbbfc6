//! Where a value stands in the user's file, so that a finding can point at it.

use std::ops::{Deref, Range};
use std::sync::Arc;

pub use crate::base::Place;

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed<T> {
    pub value: T,
    pub at: Place,
}

impl<T> Placed<T> {
    pub fn new(value: T, at: Place) -> Self {
        Placed { value, at }
    }

    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Placed<U> {
        Placed { value: f(self.value), at: self.at }
    }
}

impl<T> Deref for Placed<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

/// The text of a policy and the name to show for it, with the files that were read beside it.
#[derive(Debug, Clone)]
pub struct SourceText {
    pub name: String,
    pub text: Arc<str>,
    /// Files numbered from 1: what the policy includes, schedules and scripts.
    pub beside: Vec<SourceText>,
}

impl SourceText {
    pub fn new(name: impl Into<String>, text: impl Into<Arc<str>>) -> Self {
        SourceText { name: name.into(), text: text.into(), beside: vec![] }
    }

    /// The file that `place` is in.
    pub fn of(&self, place: Place) -> &SourceText {
        let beside = place.file.checked_sub(1).and_then(|number| self.beside.get(number as usize));
        beside.unwrap_or(self)
    }

    /// Adds a file and gives its number.
    pub fn add(&mut self, file: SourceText) -> u32 {
        self.beside.push(file);
        count(self.beside.len())
    }

    /// The names of all files, by their numbers.
    pub fn names(&self) -> Vec<String> {
        std::iter::once(self).chain(&self.beside).map(|file| file.name.clone()).collect()
    }

    /// The place of a byte range. For many of them, make an [`Index`] once.
    pub fn place(&self, range: Range<usize>) -> Place {
        Index::new(&self.text).place(range)
    }

    /// The line at `place`, without its end.
    pub fn line(&self, place: Place) -> &str {
        self.of(place).text.lines().nth((place.line as usize).saturating_sub(1)).unwrap_or_default()
    }
}

/// Finds places without walking the text from its start each time: a hostile file of one long line stays cheap.
#[derive(Debug)]
pub struct Index<'a> {
    text: &'a str,
    file: u32,
    /// Byte at which each line starts.
    lines: Vec<usize>,
    /// Characters that start before each multiple of `STRIDE` bytes.
    characters: Vec<usize>,
}

const STRIDE: usize = 64;

impl<'a> Index<'a> {
    pub fn new(text: &'a str) -> Self {
        Index::in_file(text, 0)
    }

    /// For the file of this number.
    pub fn in_file(text: &'a str, file: u32) -> Self {
        let after_newline = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let mut characters = vec![0];
        for chunk in text.as_bytes().chunks(STRIDE) {
            characters.push(characters.last().copied().unwrap_or_default() + starts(chunk));
        }
        Index { text, file, lines: std::iter::once(0).chain(after_newline).collect(), characters }
    }

    /// The place of a byte range; the part of it on its first line is what `len` counts.
    pub fn place(&self, range: Range<usize>) -> Place {
        let start = range.start.min(self.text.len());
        let line = self.lines.partition_point(|at| *at <= start);
        let line_start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let line_end = self.lines.get(line).map_or(self.text.len(), |next| next - 1);
        let end = range.end.clamp(start, line_end.max(start));
        let before = self.characters_before(start);
        Place {
            file: self.file,
            line: count(line.max(1)),
            column: count(before - self.characters_before(line_start) + 1),
            len: count((self.characters_before(end) - before).max(1)),
        }
    }

    fn characters_before(&self, at: usize) -> usize {
        let stride = at / STRIDE;
        let rest = self.text.as_bytes().get(stride * STRIDE..at).unwrap_or_default();
        self.characters.get(stride).copied().unwrap_or_default() + starts(rest)
    }
}

/// Number of characters that start in these bytes of UTF-8.
fn starts(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
