//! What is in the directory.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use chrono::{DateTime, Utc};

use super::partial::is_temporary;
use crate::base::{Fault, FaultKind, Instant, Result};
use crate::port::ObjectInfo;

/// Whether the operating system says that there is no such file (below a file there is none either).
pub fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

pub fn info(key: String, found: &fs::Metadata) -> ObjectInfo {
    let modified_at = found.modified().ok().map(|at| Instant::from_utc(DateTime::<Utc>::from(at)));
    // No tag: neither size nor time of a file promises equal bytes.
    ObjectInfo { key, bytes: found.len(), etag: None, modified_at }
}

/// Adds the files under `folder`, whose keys begin with `at`, and that match `prefix`.
pub fn walk(folder: &Path, at: &str, prefix: &str, found: &mut Vec<ObjectInfo>) -> Result<()> {
    let fault = |e: io::Error| Fault::io("list", folder.display(), e);
    let entries = match fs::read_dir(folder) {
        // Never made, or removed while the listing ran.
        Err(e) if is_absent(&e) => return Ok(()),
        entries => entries.map_err(fault)?,
    };
    for entry in entries {
        let entry = entry.map_err(fault)?;
        let shown = entry.path();
        let name = entry.file_name().into_string().map_err(|_| {
            Fault::new(FaultKind::Unsupported, format!("the name of `{}` is not UTF-8", shown.display()))
                .help("rename that file, or move it out of the folder")
        })?;
        let key = format!("{at}{name}");
        let below = format!("{key}/");
        // Into a folder only if a key in it can match.
        if is_temporary(&name) || !(key.starts_with(prefix) || below.starts_with(prefix) || prefix.starts_with(&below))
        {
            continue;
        }
        let kind = entry.file_type().map_err(fault)?;
        if kind.is_dir() {
            walk(&shown, &below, prefix, found)?;
        } else if kind.is_file() {
            match entry.metadata() {
                Err(e) if is_absent(&e) => {}
                metadata => found.extend(key.starts_with(prefix).then_some(info(key, &metadata.map_err(fault)?))),
            }
        } else {
            // Left out it would be missing from a backup without a word; followed it could lead anywhere.
            return Err(Fault::new(FaultKind::Unsupported, format!("`{}` is no ordinary file", shown.display()))
                .help("links, sockets and devices are not followed: replace it by the file itself, or move it away"));
        }
    }
    Ok(())
}
