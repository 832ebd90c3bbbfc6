//! A directory that is filled under another name beside its own, and becomes visible whole.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::DirectoryStore;
use super::partial::{TEMP_PREFIX, TEMP_SUFFIX, make_folders, sync_folder, write_fault};
use crate::base::{Fault, FaultKind, Result};

/// Dropped without [`Staging::publish`], it takes everything away.
#[derive(Debug)]
pub struct Staging {
    beside: TempDir,
    path: PathBuf,
}

impl Staging {
    /// Refuses a path that holds anything already.
    pub fn begin(path: &Path) -> Result<Self> {
        Self::check(path)?;
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let begin = || {
            make_folders(folder)?;
            tempfile::Builder::new().prefix(TEMP_PREFIX).suffix(TEMP_SUFFIX).tempdir_in(folder)
        };
        let beside = begin().map_err(|error| write_fault(path, error))?;
        Ok(Staging { beside, path: path.to_path_buf() })
    }

    /// Whether a directory could be published at `path`.
    pub fn check(path: &Path) -> Result<()> {
        let held = match fs::read_dir(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(write_fault(path, error)),
            Ok(mut entries) => entries.next().is_some(),
        };
        if !held {
            return Ok(());
        }
        let what = format!("`{}` holds something already", path.display());
        Err(Fault::new(FaultKind::Conflict, what).help("name a directory that does not exist yet, or an empty one"))
    }

    pub fn store(&self) -> DirectoryStore {
        DirectoryStore::new(self.beside.path())
    }

    /// Gives the directory its name. Each file in it was flushed to the disk when it was written.
    pub fn publish(self) -> Result<()> {
        let named = fs::rename(self.beside.path(), &self.path);
        named.map_err(|error| write_fault(&self.path, error))?;
        // There is nothing under the old name any more that could be taken away.
        drop(self.beside.keep());
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        sync_folder(folder).map_err(|error| write_fault(&self.path, error))
    }
}
