//! File names of a dump, exactly as mongodump forms them, so that stock mongorestore finds each collection.

use std::fmt;

use sha1::{Digest, Sha1};

use crate::base::{Fault, FaultKind, Result};

/// Database and file stem of a collection: `shop/orders`, `shop/a%2Fb`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace {
    db: String,
    stem: String,
}

/// With `.metadata.json.gz` the file name stays within the 255 bytes that file systems hold.
const STEM_BYTES_MAX: usize = 238;
/// What is left of a longer one; `$` escaped and 27 letters of hash follow.
const STEM_BYTES_KEPT: usize = 208;

impl Namespace {
    pub fn new(db: &str, collection: &str) -> Result<Self> {
        let plain = !db.is_empty() && db.len() <= 63 && !db.contains(['/', '\\', '.', '\0']);
        if !plain || collection.is_empty() || collection.contains('\0') {
            let shown = format!("{db}.{collection}").escape_debug().to_string();
            return Err(Fault::new(FaultKind::Unsupported, format!("`{shown}` is not a name that MongoDB allows")));
        }
        Ok(Namespace { db: db.to_string(), stem: stem(collection) })
    }

    /// From the two parts of a key. A shortened stem does not give its collection back; its manifest entry does.
    pub fn read(db: &str, stem: &str) -> Option<Self> {
        if is_shortened(stem) {
            let any = Namespace::new(db, "any").ok()?;
            return Some(Namespace { stem: stem.to_string(), ..any });
        }
        Namespace::new(db, &unescape(stem)?).ok()
    }

    /// The name of its files, without what tells their kind.
    pub fn stem(&self) -> &str {
        &self.stem
    }

    pub fn db(&self) -> &str {
        &self.db
    }

    /// The collection's name; none where the file name had to be shortened.
    pub fn collection(&self) -> Option<String> {
        if is_shortened(&self.stem) { None } else { unescape(&self.stem) }
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.db, self.stem)
    }
}

fn stem(collection: &str) -> String {
    let escaped = escape(collection);
    match escaped.get(..STEM_BYTES_KEPT) {
        Some(kept) if escaped.len() > STEM_BYTES_MAX => {
            format!("{kept}%24{}", base64_url(&Sha1::digest(collection.as_bytes())))
        }
        _ => escaped,
    }
}

/// No other stem holds `%24`, since `$` itself is not escaped.
fn is_shortened(stem: &str) -> bool {
    let in_a_stem = |byte: u8| byte == b'%' || is_plain(byte);
    stem.len() == STEM_BYTES_MAX
        && stem.get(STEM_BYTES_KEPT..).is_some_and(|rest| rest.starts_with("%24"))
        && stem.bytes().all(in_a_stem)
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~$&+=:@".contains(&byte)
}

/// As one segment of a URL path is escaped: all but letters, digits and `-_.~$&+=:@` as `%XX`.
fn escape(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for byte in name.bytes() {
        if is_plain(byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// The inverse of [`escape`].
fn unescape(stem: &str) -> Option<String> {
    let mut bytes = stem.bytes();
    let mut name = Vec::with_capacity(stem.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            name.push(byte);
            continue;
        }
        let digits = [bytes.next()?, bytes.next()?];
        let digits = std::str::from_utf8(&digits).ok()?;
        name.push(u8::from_str_radix(digits, 16).ok()?);
    }
    String::from_utf8(name).ok()
}

/// Base64 in the URL's alphabet, without padding.
fn base64_url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, byte| (bits << 8) | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for i in 0..=chunk.len() {
            let index = (bits >> (18 - 6 * i)) & 63;
            text.extend(ALPHABET.get(index as usize).copied().map(char::from));
        }
    }
    text
}
