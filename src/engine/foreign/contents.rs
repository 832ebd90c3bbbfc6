//! What is in a file of unknown origin, read by a thread that may block, within bounds of memory and of time.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use super::structure;
use crate::base::{Codec, Fault, Result};
use crate::engine::gather::{DOCUMENT_BYTES_MAX, next_length};
use crate::engine::pieces::Trouble;
use crate::engine::unpacked::Unpacked;

/// So much may come of anything, however small.
const FREE_BYTES: u64 = 1 << 30;
/// Past that, so many bytes for each that was stored. Data of databases stays far below; bombs are made of more.
const RATIO_MAX: u64 = 500;

/// Unpacked bytes. A few bytes cannot ask for endless work.
pub struct Bounded<R: Read> {
    unpacked: Unpacked<Counted<R>>,
    stored: Rc<Cell<u64>>,
    given: u64,
}

impl<R: Read> Bounded<R> {
    pub fn new(codec: Codec, source: R) -> io::Result<Self> {
        let stored = Rc::new(Cell::new(0));
        let counted = Counted { source, stored: Rc::clone(&stored) };
        Ok(Bounded { unpacked: Unpacked::new(codec, counted)?, stored, given: 0 })
    }

    pub fn into_source(self) -> R {
        self.unpacked.into_source().source
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.unpacked.read(into)?;
        self.given += n as u64;
        if self.given > FREE_BYTES && self.given / RATIO_MAX > self.stored.get() {
            return Err(io::Error::other(format!("it unpacks to more than {RATIO_MAX} times its size")));
        }
        Ok(n)
    }
}

struct Counted<R> {
    source: R,
    stored: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read(into)?;
        self.stored.set(self.stored.get() + n as u64);
        Ok(n)
    }
}

/// A reader with the name that its faults tell.
pub struct Contents<R> {
    pub reader: R,
    pub name: String,
    trouble: Trouble,
    document: Vec<u8>,
}

impl<R: Read> Contents<R> {
    pub fn new(reader: R, name: String, trouble: Trouble) -> Self {
        Contents { reader, name, trouble, document: Vec::new() }
    }

    /// The length or mark that comes next; none at the end.
    pub fn length(&mut self) -> Result<Option<i32>> {
        next_length(&mut self.reader).map_err(|error| self.fault(error))
    }

    pub fn exact(&mut self, into: &mut [u8]) -> Result<()> {
        self.reader.read_exact(into).map_err(|error| self.fault(error))
    }

    /// The rest of a document whose length was read: proven to be one.
    pub fn document(&mut self, length: i32) -> Result<&[u8]> {
        let bytes = usize::try_from(length).ok().filter(|n| (5..=DOCUMENT_BYTES_MAX).contains(n));
        let bytes = bytes.ok_or_else(|| self.wrong(&format!("{length} is not the length of a document")))?;
        self.document.clear();
        self.document.extend_from_slice(&length.to_le_bytes());
        self.document.resize(bytes, 0);
        let rest = self.document.get_mut(4..).unwrap_or_default();
        self.reader.read_exact(rest).map_err(|error| fault(&self.name, &self.trouble, error))?;
        match structure::fault(&self.document) {
            None => Ok(&self.document),
            Some(why) => Err(self.wrong(&format!("it holds what is no document: {why}"))),
        }
    }

    pub fn wrong(&self, why: &str) -> Fault {
        wrong(&self.name, why)
    }

    pub fn fault(&self, error: io::Error) -> Fault {
        fault(&self.name, &self.trouble, error)
    }

    pub fn trouble(&self) -> Trouble {
        self.trouble.clone()
    }
}

fn fault(name: &str, trouble: &Trouble, error: io::Error) -> Fault {
    trouble.explain(error, |error| match error.kind() {
        io::ErrorKind::UnexpectedEof => wrong(name, "it ends too early"),
        _ => Fault::corrupt(format!("cannot read `{}`", name.escape_debug())).because(error).help(UNTOUCHED),
    })
}

/// What is said of a source that cannot be trusted.
pub fn wrong(name: &str, why: &str) -> Fault {
    Fault::corrupt(format!("cannot read `{}`: {why}", name.escape_debug())).help(UNTOUCHED)
}

pub const UNTOUCHED: &str = "nothing was written; name another dump, or make this one again";
