//! The tar format, read strictly: ordinary files and folders alone, every header's sum right, every name inside, and an
//! end that is marked as such. Links, devices and names that lead out have no place in a backup; an archive that holds
//! them was made to do harm, or is none.

use std::io::Read;

use super::contents::Contents;
use crate::base::Result;

const BLOCK: usize = 512;
/// Of a name, and of the records that may hold one.
const NAME_BYTES_MAX: u64 = 64 << 10;

/// An ordinary file: its name, and how many bytes of it follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub path: String,
    pub bytes: u64,
}

/// What the records before a header say of the file after them.
#[derive(Default)]
struct Ahead {
    path: Option<Vec<u8>>,
    bytes: Option<u64>,
}

/// The next file. Its bytes must be read to their end, and then [`pad`]; none at the archive's end.
pub fn next<R: Read>(tar: &mut Contents<R>) -> Result<Option<File>> {
    let mut ahead = Ahead::default();
    loop {
        let mut header = [0; BLOCK];
        tar.exact(&mut header)?;
        if header.iter().all(|byte| *byte == 0) {
            return end(tar).map(|()| None);
        }
        check_sum(&header).ok_or_else(|| tar.wrong("a header of the tar is damaged"))?;
        let bytes = number(field(&header, 124, 12)).ok_or_else(|| tar.wrong("a header of the tar has no size"))?;
        let name = ahead.path.take().unwrap_or_else(|| name(&header));
        match header.get(156) {
            Some(b'L') => ahead.path = Some(until_zero(&record(tar, bytes)?).to_vec()),
            Some(b'x') => {
                let text = record(tar, bytes)?;
                ahead = extended(&text).ok_or_else(|| tar.wrong("an extended header of the tar cannot be read"))?;
            }
            Some(b'g') => drop(record(tar, bytes)?),
            Some(b'0' | 0) => {
                let path = inside(&name).ok_or_else(|| leads_out(tar, &name))?;
                return Ok(Some(File { path, bytes: ahead.bytes.unwrap_or(bytes) }));
            }
            Some(b'5') if bytes == 0 => {
                inside(&name).ok_or_else(|| leads_out(tar, &name))?;
                ahead = Ahead::default();
            }
            kind => {
                let what = match kind {
                    Some(b'1') => "a hard link",
                    Some(b'2') => "a symbolic link",
                    _ => "neither an ordinary file nor a folder",
                };
                return Err(tar.wrong(&format!("`{}` in it is {what}", shown(&name))));
            }
        }
    }
}

/// What fills the last block of a file.
pub fn pad<R: Read>(tar: &mut Contents<R>, bytes: u64) -> Result<()> {
    let over = usize::try_from(bytes % BLOCK as u64).unwrap_or_default();
    let mut rest = [0; BLOCK];
    let rest = rest.get_mut(..(BLOCK - over) % BLOCK).unwrap_or_default();
    tar.exact(rest)
}

/// Two empty blocks, and nothing but zeros after them.
fn end<R: Read>(tar: &mut Contents<R>) -> Result<()> {
    let mut block = [0; BLOCK];
    tar.exact(&mut block)?;
    loop {
        if block.iter().any(|byte| *byte != 0) {
            return Err(tar.wrong("something follows the end of the tar"));
        }
        match tar.reader.read(&mut block) {
            Ok(0) => return Ok(()),
            Ok(n) => block.get_mut(n..).unwrap_or_default().fill(0),
            Err(error) => return Err(tar.fault(error)),
        }
    }
}

/// The data of a header that speaks of the next one.
fn record<R: Read>(tar: &mut Contents<R>, bytes: u64) -> Result<Vec<u8>> {
    let length = usize::try_from(bytes).ok().filter(|_| bytes <= NAME_BYTES_MAX);
    let length = length.ok_or_else(|| tar.wrong("a name in the tar is too long to be one"))?;
    let mut data = vec![0; length];
    tar.exact(&mut data)?;
    pad(tar, bytes)?;
    Ok(data)
}

/// Records of the form `length key=value`, each ended by a line feed.
fn extended(mut text: &[u8]) -> Option<Ahead> {
    let mut ahead = Ahead::default();
    while !text.is_empty() {
        let space = text.iter().position(|byte| *byte == b' ')?;
        let length: usize = std::str::from_utf8(text.get(..space)?).ok()?.parse().ok()?;
        let record = text.get(space + 1..length)?.strip_suffix(b"\n")?;
        text = text.get(length..)?;
        let equals = record.iter().position(|byte| *byte == b'=')?;
        let (key, value) = (record.get(..equals)?, record.get(equals + 1..)?);
        match key {
            b"path" => ahead.path = Some(value.to_vec()),
            b"size" => ahead.bytes = Some(std::str::from_utf8(value).ok()?.parse().ok()?),
            // A file with holes has other bytes than those that follow.
            _ if key.starts_with(b"GNU.sparse") => return None,
            _ => {}
        }
    }
    Some(ahead)
}

/// The sum of all bytes, its own field taken for spaces.
fn check_sum(header: &[u8; BLOCK]) -> Option<()> {
    let own = 148..156;
    let sum = header.iter().enumerate().map(|(at, byte)| if own.contains(&at) { 32 } else { u64::from(*byte) });
    (number(field(header, 148, 8)) == Some(sum.sum())).then_some(())
}

fn field(header: &[u8; BLOCK], at: usize, length: usize) -> &[u8] {
    header.get(at..at + length).unwrap_or_default()
}

/// Octal digits; or, where the first bit is set, a binary number.
fn number(field: &[u8]) -> Option<u64> {
    if let Some((128, rest)) = field.split_first() {
        let (high, low) = rest.split_at_checked(rest.len().checked_sub(8)?)?;
        return low.first_chunk().map(|low| u64::from_be_bytes(*low)).filter(|_| high.iter().all(|byte| *byte == 0));
    }
    let digits = std::str::from_utf8(until_zero(field)).ok()?.trim_matches(' ');
    u64::from_str_radix(digits, 8).ok()
}

fn until_zero(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn name(header: &[u8; BLOCK]) -> Vec<u8> {
    let own = until_zero(field(header, 0, 100));
    let is_posix = field(header, 257, 6) == b"ustar\0";
    match until_zero(field(header, 345, 155)) {
        prefix if is_posix && !prefix.is_empty() => [prefix, b"/", own].concat(),
        _ => own.to_vec(),
    }
}

/// The path without `./`; none if it leads out of the archive's own folder, or is no text.
fn inside(name: &[u8]) -> Option<String> {
    let path = std::str::from_utf8(name).ok().filter(|path| !path.starts_with('/') && !path.contains('\0'))?;
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    (!parts.contains(&"..")).then(|| parts.join("/"))
}

fn leads_out<R: Read>(tar: &Contents<R>, name: &[u8]) -> crate::base::Fault {
    tar.wrong(&format!("`{}` in it leads out of its folder, or is no name", shown(name)))
}

fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).escape_debug().to_string()
}
