//! A file of recorded evidence, read as it comes: it may be long, and nobody knows who wrote it.

use std::io::{self, BufReader, Read};
use std::path::Path;

use crate::base::{Fault, Result};
use crate::evidence::Evidence;

/// No text in evidence is longer; one that is would fill memory before anything is said of it.
const TEXT_MAX: usize = 1 << 20;

pub fn read(file: &Path) -> Result<Evidence> {
    let shown = file.display();
    let bytes = std::fs::File::open(file).map_err(|e| Fault::io("read", shown.to_string(), e))?;
    let texts = Bounded { inner: bytes, line: 1, text: None, escaped: false };
    serde_json::from_reader(BufReader::with_capacity(1 << 16, texts)).map_err(|e| {
        Fault::usage(format!("cannot read evidence from `{shown}`"))
            .because(e)
            .help("`plimsoll inventory --format json` writes such a file")
    })
}

/// Lets JSON through up to a text that is too long.
struct Bounded<R> {
    inner: R,
    line: usize,
    /// Bytes since the quote that opened the text.
    text: Option<usize>,
    escaped: bool,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        for byte in buffer.iter().take(count) {
            match (byte, self.text) {
                (b'"', None) => self.text = Some(0),
                (b'"', Some(_)) if !self.escaped => self.text = None,
                (_, Some(length)) => {
                    self.escaped = *byte == b'\\' && !self.escaped;
                    self.text = Some(length + 1);
                    if length >= TEXT_MAX {
                        let what = format!("a text in line {} is longer than {} KiB", self.line, TEXT_MAX >> 10);
                        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
                    }
                }
                (b'\n', None) => self.line += 1,
                (_, None) => {}
            }
        }
        Ok(count)
    }
}
