//! Large files past the page cache: a backup must not push what the server and its neighbours keep there out of memory,
//! and half of its own time would go into that copy.
//!
//! The operating system takes such writes only in whole, aligned blocks, so all but the file's end is written directly,
//! from a buffer that is aligned itself. Where a file system does not offer it, nothing is lost but the gain.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::Path;

/// A multiple of every block size in use.
const ALIGN: usize = 4096;
/// What is written at once.
const BUFFER: usize = 4 << 20;

/// The first part of a file, in whole buffers.
pub struct Direct {
    file: File,
    memory: Vec<u8>,
    /// Where in `memory` the aligned buffer begins, and how much of it is filled.
    start: usize,
    filled: usize,
}

impl Direct {
    /// A second handle on a file that is still empty; none where the file system does not offer it.
    pub fn open(path: &Path) -> Option<Direct> {
        let mut file = open_direct(path).ok()?;
        let memory = vec![0; BUFFER + ALIGN];
        let start = memory.as_ptr().align_offset(ALIGN);
        // Some file systems take the handle and then refuse the write.
        file.write_all(memory.get(start..start + ALIGN)?).ok()?;
        file.set_len(0).ok()?;
        file.rewind().ok()?;
        Some(Direct { file, memory, start, filled: 0 })
    }

    pub fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let room = self.memory.get_mut(self.start + self.filled..self.start + BUFFER).unwrap_or_default();
            let (now, later) = bytes.split_at(room.len().min(bytes.len()));
            room.get_mut(..now.len()).unwrap_or_default().copy_from_slice(now);
            self.filled += now.len();
            bytes = later;
            if self.filled == BUFFER {
                let buffer = self.memory.get(self.start..self.start + BUFFER).unwrap_or_default();
                self.file.write_all(buffer)?;
                self.filled = 0;
            }
        }
        Ok(())
    }

    /// What is left to be written behind it, in the ordinary way.
    pub fn rest(&self) -> &[u8] {
        self.memory.get(self.start..self.start + self.filled).unwrap_or_default()
    }
}

#[cfg(target_os = "linux")]
fn open_direct(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = rustix::fs::OFlags::DIRECT.bits();
    let flags = i32::try_from(flags).map_err(io::Error::other)?;
    std::fs::OpenOptions::new().write(true).custom_flags(flags).open(path)
}

#[cfg(not(target_os = "linux"))]
fn open_direct(_path: &Path) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}
