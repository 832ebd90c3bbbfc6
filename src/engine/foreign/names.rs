//! What a file of a dump is, by its path.

use crate::base::Codec;
use crate::engine::unpack::codec;

/// A file of a dump, relative to the dump's own root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part<'a> {
    Documents {
        db: &'a str,
        stem: &'a str,
        codec: Codec,
    },
    Metadata {
        db: &'a str,
        stem: &'a str,
        codec: Codec,
    },
    /// The log of the dump's own time. Its name does not tell how it is packed.
    Log,
    /// Versions of server and tool.
    Prelude,
    /// A file that was uploaded to the application, which its scripts copy beside the dump.
    Upload(&'a str),
    Other,
}

/// The dump's root within `path`, and what the file is.
pub fn split(path: &str) -> (&str, Part<'_>) {
    if let Some((root, name)) = upload(path) {
        return (root, Part::Upload(name));
    }
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    match file {
        "oplog.bson" => return (folder, Part::Log),
        "prelude.json" | "prelude.json.gz" => return (folder, Part::Prelude),
        _ => {}
    }
    let (root, db) = folder.rsplit_once('/').unwrap_or(("", folder));
    let plain = Codec::split(file).0;
    let part = match (plain.strip_suffix(".metadata.json"), plain.strip_suffix(".bson")) {
        (Some(stem), _) => Part::Metadata { db, stem, codec: codec(file) },
        (_, Some(stem)) => Part::Documents { db, stem, codec: codec(file) },
        _ => Part::Other,
    };
    match db.is_empty() {
        true => (root, Part::Other),
        false => (root, part),
    }
}

fn upload(path: &str) -> Option<(&str, &str)> {
    if let Some(name) = path.strip_prefix("uploads/") {
        return Some(("", name));
    }
    path.split_once("/uploads/")
}
