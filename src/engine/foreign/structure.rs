//! Whether bytes of unknown origin are BSON through and through, without recursion: what was written to harm us nests
//! deeply and lies about its lengths. Only the structure is looked at; what a string says is its owner's affair.

/// The server stores no document that nests deeper.
const DEPTH_MAX: usize = 200;

/// None if `document` is one whole BSON document; else what is wrong with it.
pub fn fault(document: &[u8]) -> Option<&'static str> {
    walk(document).err()
}

type Checked<T> = Result<T, &'static str>;

const CUT: &str = "a value reaches past the end of its document";

fn walk(bytes: &[u8]) -> Checked<()> {
    let mut at = 0;
    // Where each document that is open ends, the outermost first.
    let mut ends: Vec<usize> = Vec::with_capacity(8);
    open(bytes, &mut at, bytes.len(), &mut ends)?;
    while let Some(end) = ends.last().copied() {
        let kind = *bytes.get(at).ok_or(CUT)?;
        at += 1;
        if kind == 0 {
            if at != end {
                return Err("a document ends before or after its length says");
            }
            ends.pop();
            continue;
        }
        skip_text(bytes, &mut at, end)?;
        match kind {
            0x03 | 0x04 => open(bytes, &mut at, end, &mut ends)?,
            0x0F => open_scope(bytes, &mut at, end, &mut ends)?,
            _ => skip_value(kind, bytes, &mut at, end)?,
        }
    }
    if at == bytes.len() { Ok(()) } else { Err("bytes follow the end of the document") }
}

fn open(bytes: &[u8], at: &mut usize, within: usize, ends: &mut Vec<usize>) -> Checked<()> {
    let length = number(bytes, *at)?;
    let end = at.checked_add(length).filter(|end| *end <= within && length >= 5).ok_or(CUT)?;
    if ends.len() == DEPTH_MAX {
        return Err("it nests deeper than the 200 levels that MongoDB stores");
    }
    ends.push(end);
    *at += 4;
    Ok(())
}

/// JavaScript with variables: a length over all, the code, and a document.
fn open_scope(bytes: &[u8], at: &mut usize, within: usize, ends: &mut Vec<usize>) -> Checked<()> {
    let end = at.checked_add(number(bytes, *at)?).filter(|end| *end <= within).ok_or(CUT)?;
    *at += 4;
    skip_string(bytes, at, end)?;
    open(bytes, at, end, ends)?;
    if ends.last() == Some(&end) { Ok(()) } else { Err(CUT) }
}

fn skip_value(kind: u8, bytes: &[u8], at: &mut usize, end: usize) -> Checked<()> {
    match kind {
        0x06 | 0x0A | 0x7F | 0xFF => Ok(()),
        0x08 => skip(at, 1, end),
        0x10 => skip(at, 4, end),
        0x01 | 0x09 | 0x11 | 0x12 => skip(at, 8, end),
        0x07 => skip(at, 12, end),
        0x13 => skip(at, 16, end),
        0x02 | 0x0D | 0x0E => skip_string(bytes, at, end),
        0x0C => {
            skip_string(bytes, at, end)?;
            skip(at, 12, end)
        }
        0x0B => {
            skip_text(bytes, at, end)?;
            skip_text(bytes, at, end)
        }
        0x05 => {
            let length = number(bytes, *at)?;
            skip(at, 5, end)?;
            skip(at, length, end)
        }
        _ => Err("it holds a value of a type that does not exist"),
    }
}

/// A length, the text and a final zero.
fn skip_string(bytes: &[u8], at: &mut usize, end: usize) -> Checked<()> {
    let length = number(bytes, *at)?;
    skip(at, 4, end)?;
    skip(at, length, end)?;
    match at.checked_sub(1).and_then(|last| bytes.get(last)) {
        Some(0) if length > 0 => Ok(()),
        _ => Err("a string does not end where its length says"),
    }
}

/// Text up to a zero.
fn skip_text(bytes: &[u8], at: &mut usize, end: usize) -> Checked<()> {
    let rest = bytes.get(*at..end).ok_or(CUT)?;
    let zero = rest.iter().position(|byte| *byte == 0).ok_or(CUT)?;
    skip(at, zero + 1, end)
}

fn skip(at: &mut usize, by: usize, end: usize) -> Checked<()> {
    // The last byte of a document is its final zero, and no part of a value.
    *at = at.checked_add(by).filter(|at| *at < end).ok_or(CUT)?;
    Ok(())
}

/// A length; a negative one is none.
fn number(bytes: &[u8], at: usize) -> Checked<usize> {
    let four = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()).ok_or(CUT)?;
    usize::try_from(i32::from_le_bytes(*four)).map_err(|_| "a length is negative")
}
