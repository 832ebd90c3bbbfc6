//! Bytes into an age file, piece by piece.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::Recipient;
use crate::base::{Fault, Result};

/// An age file that is being written. Not finished, it is cut short, and nobody opens it.
pub struct Sealing {
    writer: age::stream::StreamWriter<Spill>,
    spill: Spill,
}

/// What the library has written and nobody has taken yet.
#[derive(Clone, Default)]
struct Spill(Arc<Mutex<Vec<u8>>>);

impl Spill {
    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl Write for Spill {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sealing {
    /// Begins one that each of `recipients` can open, by a key of its own that nothing else is sealed with.
    pub fn begin(recipients: &[Recipient]) -> Result<Self> {
        let cannot = || Fault::bug("cannot begin an age file");
        let keys = recipients.iter().map(Recipient::key).collect::<Option<Vec<_>>>().ok_or_else(cannot)?;
        let encryptor = age::Encryptor::with_recipients(keys.iter().map(|key| key as &dyn age::Recipient));
        let encryptor = encryptor.map_err(|error| cannot().because(error))?;
        let spill = Spill::default();
        let writer = encryptor.wrap_output(spill.clone()).map_err(|error| cannot().because(error))?;
        Ok(Sealing { writer, spill })
    }

    /// What is ready to be stored once these bytes are in it; maybe nothing yet.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Bytes> {
        self.writer.write_all(bytes).map_err(|error| Fault::bug("cannot encrypt").because(error))?;
        Ok(self.spill.take())
    }

    /// The rest.
    pub fn finish(self) -> Result<Bytes> {
        self.writer.finish().map_err(|error| Fault::bug("cannot encrypt").because(error))?;
        Ok(self.spill.take())
    }

    /// Something small, whole.
    pub fn whole(recipients: &[Recipient], plain: &[u8]) -> Result<Bytes> {
        let mut sealing = Sealing::begin(recipients)?;
        let begun = sealing.push(plain)?;
        Ok([begun, sealing.finish()?].concat().into())
    }
}
