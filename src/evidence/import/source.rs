//! One inventory as bytes: checked to be text within bounds, and places in it as line and column.

use sha2::{Digest, Sha256};

use crate::base::{Fault, Instant, Result};

/// A larger inventory is asked for in parts: what is read is held in memory.
pub const BYTES_MAX: usize = 32 << 20;

/// An inventory as a tool printed it.
#[derive(Debug)]
pub struct Source {
    /// File name or address, as the user gave it.
    pub name: String,
    pub text: String,
    /// None where a store itself was asked, so that there is no file.
    pub sha256: Option<String>,
    /// When the tool wrote it: nothing is known of later instants.
    pub written_at: Instant,
    marks: Vec<Mark>,
}

/// What comes before a multiple of `STRIDE` bytes.
#[derive(Debug, Clone, Copy)]
struct Mark {
    lines: usize,
    line_start: usize,
}

const STRIDE: usize = 1 << 12;

impl Source {
    pub fn new(name: impl Into<String>, bytes: Vec<u8>, written_at: Instant) -> Result<Source> {
        let name = name.into().escape_debug().to_string();
        check_size(&name, bytes.len() as u64)?;
        if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
            return Err(Fault::usage(format!("`{name}` is UTF-16")).help("save it as UTF-8"));
        }
        let sha256 = Some(Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect());
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            Fault::usage(format!("`{name}` is not text in UTF-8: byte {at} is not")).help("save it as UTF-8")
        })?;
        let text = text.strip_prefix('\u{feff}').map(str::to_string).unwrap_or(text);
        let source = Source { marks: marks(text.as_bytes()), name, text, sha256, written_at };
        let control = |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\n' | b'\r' | b'\t');
        if let Some(at) = source.text.as_bytes().iter().position(control) {
            return Err(source.wrong(at, "a control character stands there"));
        }
        if source.text.trim().is_empty() {
            return Err(Fault::usage(format!("`{}` is empty", source.name))
                .help("a tool that found nothing still prints an empty list: run it again, and look at its errors"));
        }
        Ok(source)
    }

    /// A place that was listed, in place of a file.
    pub fn listing(name: impl Into<String>, listed_at: Instant) -> Source {
        let name = name.into().escape_debug().to_string();
        Source { name, text: String::new(), sha256: None, written_at: listed_at, marks: vec![] }
    }

    /// `name:line:column` of a byte, both from 1; the column counts bytes, as most tools do.
    pub fn place(&self, at: usize) -> String {
        let at = at.min(self.text.len());
        let mark = self.marks.get(at / STRIDE).copied().unwrap_or(Mark { lines: 0, line_start: 0 });
        let from = at / STRIDE * STRIDE;
        let (mut lines, mut line_start) = (mark.lines, mark.line_start);
        for (offset, byte) in self.text.as_bytes().get(from..at).unwrap_or_default().iter().enumerate() {
            if *byte == b'\n' {
                (lines, line_start) = (lines + 1, from + offset + 1);
            }
        }
        format!("{}:{}:{}", self.name, lines + 1, at - line_start + 1)
    }

    /// The whole of it is of no use, for what stands at `at`.
    pub fn wrong(&self, at: usize, why: impl std::fmt::Display) -> Fault {
        Fault::usage(format!("cannot read the inventory `{}`: {why}", self.place(at)))
    }
}

/// Refuses what is too large, before it is read where its size is known.
pub fn check_size(name: &str, bytes: u64) -> Result<()> {
    match bytes > BYTES_MAX as u64 {
        true => Err(Fault::usage(format!("`{name}` has more than {} MiB", BYTES_MAX >> 20))
            .help("ask the tool for a part at a time, by host, tag, source or date; `--evidence` takes several files")),
        false => Ok(()),
    }
}

fn marks(bytes: &[u8]) -> Vec<Mark> {
    let (mut lines, mut line_start) = (0, 0);
    let mut marks = Vec::with_capacity(bytes.len() / STRIDE + 1);
    for (index, chunk) in bytes.chunks(STRIDE).enumerate() {
        marks.push(Mark { lines, line_start });
        for (offset, _) in chunk.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
            (lines, line_start) = (lines + 1, index * STRIDE + offset + 1);
        }
    }
    marks.push(Mark { lines, line_start });
    marks
}
