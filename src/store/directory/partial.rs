//! A file that is still being written.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::direct::Direct;
use crate::base::{Fault, FaultKind, Result};
use crate::port::Written;

/// A temporary file's name; a run that was killed may leave one, and no listing shows it.
pub const TEMP_PREFIX: &str = ".plimsoll-";
pub const TEMP_SUFFIX: &str = ".partial";

pub fn is_temporary(name: &str) -> bool {
    name.starts_with(TEMP_PREFIX) && name.ends_with(TEMP_SUFFIX)
}

/// A file under a temporary name in the folder of its later one; dropped, it removes itself.
pub struct Partial {
    file: NamedTempFile,
    path: PathBuf,
    /// Where a large file is written for as long as it grows.
    direct: Option<Direct>,
}

impl Partial {
    pub fn begin(path: PathBuf) -> Result<Self> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let begin = || -> io::Result<NamedTempFile> {
            make_folders(folder)?;
            tempfile::Builder::new().prefix(TEMP_PREFIX).suffix(TEMP_SUFFIX).tempfile_in(folder)
        };
        let begun = begin().map(|file| Partial { file, path: path.clone(), direct: None });
        begun.map_err(|e| write_fault(&path, e))
    }

    /// For a file that may become large.
    pub fn begin_large(path: PathBuf) -> Result<Self> {
        let mut partial = Partial::begin(path)?;
        partial.direct = Direct::open(partial.file.path());
        Ok(partial)
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = match &mut self.direct {
            Some(direct) => direct.write(bytes),
            None => self.file.write_all(bytes),
        };
        written.map_err(|e| write_fault(&self.path, e))
    }

    fn write_rest(&mut self) -> io::Result<()> {
        let Some(direct) = self.direct.take() else { return Ok(()) };
        self.file.seek(SeekFrom::End(0))?;
        self.file.write_all(direct.rest())
    }

    /// Flushes to the disk, then gives the file its name, then flushes the folder: after that a power cut loses nothing.
    pub fn publish(mut self, keep_existing: bool) -> Result<Written> {
        self.write_rest().map_err(|e| write_fault(&self.path, e))?;
        let Partial { file, path, .. } = self;
        file.as_file().sync_all().map_err(|e| write_fault(&path, e))?;
        let named = match keep_existing {
            true => file.persist_noclobber(&path),
            false => file.persist(&path),
        };
        match named {
            Err(e) if keep_existing && e.error.kind() == ErrorKind::AlreadyExists => return Ok(Written::Existed),
            Err(e) => return Err(write_fault(&path, e.error)),
            Ok(_) => {}
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        sync_folder(folder).map_err(|e| write_fault(&path, e))?;
        Ok(Written::New)
    }
}

/// Makes `folder` and those above it, and flushes each one that gained an entry.
pub fn make_folders(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().unwrap_or(Path::new("."));
    make_folders(above)?;
    match fs::create_dir(folder) {
        Err(e) if e.kind() == ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(e) => Err(e),
        Ok(()) => sync_folder(above),
    }
}

/// Only Unix lets a folder be flushed; elsewhere the rename itself is all there is.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}

pub fn write_fault(path: &Path, error: io::Error) -> Fault {
    match error.kind() {
        // A file where a folder is needed, or the other way round: `a` and `a/b` cannot both be files.
        ErrorKind::NotADirectory | ErrorKind::IsADirectory | ErrorKind::AlreadyExists => {
            Fault::new(FaultKind::Conflict, format!("cannot write `{}`", path.display()))
                .because(error)
                .help("a file or folder of that name is in the way")
        }
        ErrorKind::InvalidFilename => Fault::new(FaultKind::Unsupported, format!("cannot write `{}`", path.display()))
            .because(error)
            .help("this file system does not hold such a name; keep the repository on S3 or on another file system"),
        ErrorKind::FileTooLarge => Fault::new(FaultKind::Exhausted, format!("cannot write `{}`", path.display()))
            .because(error)
            .help("raise the limit on the size of a file (ulimit -f), or use a file system that holds larger ones"),
        _ => Fault::io("write", path.display(), error),
    }
}
