//! The contents of an age file, as a reader.

use std::io::{self, Chain, Cursor, Read};

use super::{Identity, Keys};
use crate::base::{Fault, FaultKind, Result};

/// A hundred recipients come nowhere near it; what goes on for longer is no header.
const HEAD_BYTES_MAX: usize = 64 << 10;
const NONCE_BYTES: usize = 16;

/// What an age file begins with: for whom it is sealed, and the nonce.
pub struct Head(Vec<u8>);

/// The contents. Bytes come only from chunks that were proven, and an end only from one that says to be the last.
pub type Plain<R> = age::stream::StreamReader<Chain<Cursor<Vec<u8>>, R>>;

impl Head {
    /// Reads exactly the head.
    pub fn read(source: &mut impl Read) -> io::Result<Head> {
        let (mut head, mut line) = (Vec::new(), 0);
        loop {
            let mut byte = [0];
            source.read_exact(&mut byte)?;
            head.extend_from_slice(&byte);
            if byte == *b"\n" {
                if head.get(line..).is_some_and(|line| line.starts_with(b"---")) {
                    break;
                }
                line = head.len();
            }
            if head.len() > HEAD_BYTES_MAX {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "its header has no end"));
            }
        }
        let nonce = head.len();
        head.resize(nonce + NONCE_BYTES, 0);
        source.read_exact(head.get_mut(nonce..).unwrap_or_default())?;
        Ok(Head(head))
    }

    /// The head of what these bytes begin with; none if they end before it does.
    pub fn of(start: &[u8]) -> io::Result<Option<Head>> {
        match Head::read(&mut &*start) {
            Ok(head) => Ok(Some(head)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The identity that opens it.
    pub fn opened_by<'k>(&self, keys: &'k Keys, name: &str) -> Result<&'k Identity> {
        if keys.identities().is_empty() {
            return Err(Fault::new(FaultKind::Sealed, format!("`{name}` is encrypted, and no identity is given"))
                .help("give the identity of one of its recipients with --identity FILE or --identity-fd N"));
        }
        for identity in keys.identities() {
            match self.decryptor(name)?.decrypt(one(identity)) {
                Ok(_) => return Ok(identity),
                Err(age::DecryptError::NoMatchingKeys) => {}
                Err(error) => return Err(damaged(name, error)),
            }
        }
        let given: Vec<&str> = keys.identities().iter().map(|identity| identity.recipient().as_str()).collect();
        let what = format!("`{name}` is not sealed for {}: the identity given does not open it", given.join(" or "));
        Err(Fault::new(FaultKind::Sealed, what).help(
            "`plimsoll inventory --format json` lists the recipients of each point; if yours is among them, the object was \
             damaged: `plimsoll verify` tells",
        ))
    }

    /// Opens what follows this head in `source`, with the one of `keys` that fits.
    pub fn open<R: Read>(self, source: R, keys: &Keys, name: &str) -> Result<Plain<R>> {
        let identity = self.opened_by(keys, name)?;
        let whole = Cursor::new(self.0).chain(source);
        let decryptor = age::Decryptor::new(whole).map_err(|error| damaged(name, error))?;
        decryptor.decrypt(one(identity)).map_err(|error| damaged(name, error))
    }

    fn decryptor(&self, name: &str) -> Result<age::Decryptor<&[u8]>> {
        age::Decryptor::new_buffered(self.0.as_slice()).map_err(|error| damaged(name, error))
    }
}

fn one(identity: &Identity) -> impl Iterator<Item = &dyn age::Identity> {
    std::iter::once(&identity.key as &dyn age::Identity)
}

fn damaged(name: &str, error: impl std::error::Error + Send + Sync + 'static) -> Fault {
    Fault::corrupt(format!("the age header of `{name}` is damaged"))
        .because(error)
        .help("restore another recovery point; this one was damaged after it was written")
}
