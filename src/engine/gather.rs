//! Whole documents out of a reader, gathered into batches.

use std::io::{self, Read};

use bytes::Bytes;

use super::content::Tally;

/// Whole documents, concatenated, and what they are.
#[derive(Debug, Clone)]
pub struct Batch {
    pub bytes: Bytes,
    pub tally: Tally,
}

/// 1,000 documents a batch load fastest; four million bytes keep a few batches in flight within memory.
const BATCH_DOCUMENTS: u64 = 1_000;
const BATCH_BYTES: usize = 4 << 20;
/// The server's own limit: 16 MiB and room for its own fields. What claims to be longer is no document.
pub const DOCUMENT_BYTES_MAX: usize = (16 << 20) + (16 << 10);

/// The batch that is being filled.
#[derive(Default)]
pub struct Gather {
    bytes: Vec<u8>,
    tally: Tally,
}

impl Gather {
    /// Reads the rest of a document whose length was read; false if it is none.
    pub fn read(&mut self, length: i32, reader: &mut impl Read) -> io::Result<bool> {
        let Some(bytes) = usize::try_from(length).ok().filter(|n| (5..=DOCUMENT_BYTES_MAX).contains(n)) else {
            return Ok(false);
        };
        if self.bytes.is_empty() {
            self.bytes.reserve(BATCH_BYTES);
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.resize(start + bytes, 0);
        reader.read_exact(self.bytes.get_mut(start + 4..).unwrap_or_default())?;
        let document = self.bytes.get(start..).unwrap_or_default();
        self.tally.content.add(document);
        self.tally.documents += 1;
        self.tally.bytes += bytes as u64;
        Ok(document.ends_with(&[0]))
    }

    /// Takes a document that was read elsewhere.
    pub fn push(&mut self, document: &[u8]) {
        if self.bytes.is_empty() {
            self.bytes.reserve(BATCH_BYTES);
        }
        self.bytes.extend_from_slice(document);
        self.tally.content.add(document);
        self.tally.documents += 1;
        self.tally.bytes += document.len() as u64;
    }

    pub fn is_full(&self) -> bool {
        self.tally.documents >= BATCH_DOCUMENTS || self.bytes.len() >= BATCH_BYTES
    }

    /// What was gathered; none if that is nothing.
    pub fn take(&mut self) -> Option<Batch> {
        let (bytes, tally) = (std::mem::take(&mut self.bytes), std::mem::take(&mut self.tally));
        (tally.documents > 0).then(|| Batch { bytes: bytes.into(), tally })
    }
}

/// The length that begins the next document; none at a clean end.
pub fn next_length(reader: &mut impl Read) -> io::Result<Option<i32>> {
    let mut length = [0; 4];
    let mut filled = 0;
    while let Some(rest) = length.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Some(i32::from_le_bytes(length)))
}
