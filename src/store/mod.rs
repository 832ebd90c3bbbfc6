//! Places that hold objects: a directory, an S3 bucket, memory. All three keep the one contract of
//! [`ObjectStore`](crate::port::ObjectStore).

pub mod directory;
pub mod keyed;
pub mod memory;
pub mod remembering;
pub mod s3;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::base::fault::redact_uri;
use crate::base::{Fault, Result};
use crate::port::ObjectStore;

/// Where an S3 server is and who asks; `None` leaves it to the environment, as every AWS tool does.
#[derive(Clone, Default)]
pub struct S3Options {
    /// Address of an S3-compatible server; buckets are then named in the path.
    pub endpoint: Option<String>,
    pub region: Option<String>,
    /// Access key and secret key.
    pub credentials: Option<(String, String)>,
}

impl fmt::Debug for S3Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Options")
            .field("endpoint", &self.endpoint.as_deref().map(redact_uri))
            .field("region", &self.region)
            .field("credentials", &self.credentials.as_ref().map(|_| "…"))
            .finish()
    }
}

const FORMS: &str = "write s3://bucket/prefix, a path, or file:///path";

/// Opens the store at `url`: `s3://bucket/prefix`, a path, or `file:///path`. Writes nothing.
pub async fn open(url: &str, s3: &S3Options) -> Result<Arc<dyn ObjectStore>> {
    match url.split_once("://") {
        Some(("s3", rest)) => {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            if bucket.is_empty() || bucket.contains(['@', '?', '#']) {
                return Err(Fault::usage(format!("`{}` names no bucket", redact_uri(url))).help(FORMS));
            }
            Ok(Arc::new(s3::S3Store::open(bucket, prefix, s3).await?))
        }
        Some(("file", path)) if path.starts_with('/') => Ok(Arc::new(directory::DirectoryStore::new(Path::new(path)))),
        Some(_) => Err(Fault::usage(format!("`{}` is no address of a store", redact_uri(url))).help(FORMS)),
        None if url.is_empty() => Err(Fault::usage("the address of the store is empty").help(FORMS)),
        None => Ok(Arc::new(directory::DirectoryStore::new(Path::new(url)))),
    }
}

/// The store that holds the file or folder at `url`, and its name in there; empty for the whole of the store.
pub async fn locate(url: &str, s3: &S3Options) -> Result<(Arc<dyn ObjectStore>, String)> {
    if let Some(("s3", rest)) = url.split_once("://") {
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        return Ok((open(&format!("s3://{bucket}"), s3).await?, key.trim_end_matches('/').to_string()));
    }
    let path = url.strip_prefix("file://").unwrap_or(url);
    let path = Path::new(path).canonicalize().map_err(|error| Fault::io("read", path, error))?;
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_string();
    let folder = if name.is_empty() { &path } else { path.parent().unwrap_or(&path) };
    Ok((Arc::new(directory::DirectoryStore::new(folder)), name))
}

/// Refuses keys that some server or file system would take for another one, or that leave the store's root.
fn check_key(key: &str) -> Result<()> {
    let wrong = if key.is_empty() {
        "is empty"
    } else if key.len() > 1024 {
        "is longer than 1,024 bytes"
    } else if key.contains('\0') {
        "holds a NUL"
    } else if key.split('/').any(|part| part == "." || part == "..") {
        "has a part `.` or `..`"
    } else {
        return Ok(());
    };
    Err(Fault::usage(format!("the key `{}` {wrong}", key.escape_debug())))
}

fn missing(key: &str, address: &str) -> Fault {
    Fault::missing(format!("there is no object `{key}` in {address}"))
}
