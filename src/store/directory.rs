//! A store in a directory: each object a file, written beside under a temporary name, flushed to the disk, then renamed.

mod direct;
mod partial;
mod staging;
mod walk;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use tokio::io::AsyncReadExt;

use self::partial::Partial;
pub use self::staging::Staging;
use self::walk::{info, is_absent, walk};
use super::{check_key, missing};
use crate::base::{Fault, Result};
use crate::port::ObjectStore;
use crate::port::{Flow, ObjectInfo, Upload, Written};

/// How much of an object is read at once.
const CHUNK_BYTES: usize = 1 << 20;

#[derive(Debug, Clone)]
pub struct DirectoryStore {
    root: PathBuf,
}

impl DirectoryStore {
    /// The folder is made by the first write: reading a mistyped path must not make one.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        DirectoryStore { root: root.into() }
    }

    fn path(&self, key: &str) -> Result<PathBuf> {
        check_key(key)?;
        if key.split('/').any(str::is_empty) {
            let what = format!("the key `{}` has an empty part, which no file system holds", key.escape_debug());
            return Err(Fault::usage(what));
        }
        if key.split('/').any(partial::is_temporary) {
            let what = format!("the key `{key}` is kept for files that are still being written");
            return Err(Fault::usage(what).help("rename that object"));
        }
        Ok(self.root.join(key))
    }

    /// Runs file work on a thread that may block.
    async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|e| Fault::bug("file work was cut short").because(e))?
    }

    async fn write(&self, key: &str, body: Bytes, keep_existing: bool) -> Result<Written> {
        let path = self.path(key)?;
        Self::blocking(move || {
            let mut file = Partial::begin(path)?;
            file.write(&body)?;
            file.publish(keep_existing)
        })
        .await
    }
}

#[async_trait]
impl ObjectStore for DirectoryStore {
    fn address(&self) -> String {
        self.root.display().to_string()
    }

    async fn put(&self, key: &str, body: Bytes) -> Result<()> {
        self.write(key, body, false).await.map(|_| ())
    }

    async fn put_new(&self, key: &str, body: Bytes) -> Result<Written> {
        self.write(key, body, true).await
    }

    async fn upload(&self, key: &str) -> Result<Box<dyn Upload>> {
        let path = self.path(key)?;
        let file = Self::blocking(move || Partial::begin_large(path)).await?;
        Ok(Box::new(DirectoryUpload { file: Some(file) }))
    }

    async fn get(&self, key: &str) -> Result<Bytes> {
        let (path, key, address) = (self.path(key)?, key.to_string(), self.address());
        Self::blocking(move || match fs::read(&path) {
            Err(e) if is_absent(&e) => Err(missing(&key, &address)),
            read => read.map(Bytes::from).map_err(|e| Fault::io("read", path.display(), e)),
        })
        .await
    }

    async fn read(&self, key: &str) -> Result<Flow<Bytes>> {
        let path = self.path(key)?;
        let fault = |path: &Path, e: io::Error| Fault::io("read", path.display(), e);
        let mut file = match tokio::fs::File::open(&path).await {
            Err(e) if is_absent(&e) => return Err(missing(key, &self.address())),
            file => file.map_err(|e| fault(&path, e))?,
        };
        file.set_max_buf_size(CHUNK_BYTES);
        let left = file.metadata().await.map_err(|e| fault(&path, e))?.len();
        let pieces = stream::try_unfold((file, left, path), move |(mut file, left, path)| async move {
            if left == 0 {
                return Ok(None);
            }
            let mut chunk = Vec::with_capacity(left.min(CHUNK_BYTES as u64) as usize);
            let read = file.read_buf(&mut chunk).await.map_err(|e| fault(&path, e))?;
            if read == 0 {
                return Err(Fault::corrupt(format!("`{}` ended {left} bytes early", path.display())));
            }
            Ok(Some((Bytes::from(chunk), (file, left.saturating_sub(read as u64), path))))
        });
        Ok(Box::pin(pieces))
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectInfo>> {
        let (path, key) = (self.path(key)?, key.to_string());
        Self::blocking(move || match fs::metadata(&path) {
            Err(e) if is_absent(&e) => Ok(None),
            Ok(found) if !found.is_file() => Ok(None),
            found => found.map(|found| Some(info(key, &found))).map_err(|e| Fault::io("look at", path.display(), e)),
        })
        .await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>> {
        let (root, prefix) = (self.root.clone(), prefix.to_string());
        Self::blocking(move || {
            let mut found = Vec::new();
            // Begin as deep as the prefix allows.
            let (at, _) = prefix.rsplit_once('/').map_or(("", ""), |(folder, rest)| (folder, rest));
            if !at.is_empty() {
                check_key(at)?;
            }
            let below = if at.is_empty() { String::new() } else { format!("{at}/") };
            walk(&root.join(at), &below, &prefix, &mut found)?;
            found.sort_by(|a, b| a.key.cmp(&b.key));
            Ok(found)
        })
        .await
    }

    async fn delete(&self, key: &str) -> Result<()> {
        let path = self.path(key)?;
        Self::blocking(move || match fs::remove_file(&path) {
            Err(e) if is_absent(&e) => Ok(()),
            removed => removed.map_err(|e| Fault::io("delete", path.display(), e)),
        })
        .await
    }
}

/// `None` only while a write is on another thread; a write that failed or was dropped leaves it so, and nothing visible.
struct DirectoryUpload {
    file: Option<Partial>,
}

#[async_trait]
impl Upload for DirectoryUpload {
    async fn write(&mut self, part: Bytes) -> Result<()> {
        let mut file = self.file.take().ok_or_else(broken)?;
        let file = DirectoryStore::blocking(move || file.write(&part).map(|()| file)).await?;
        self.file = Some(file);
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<()> {
        let file = self.file.take().ok_or_else(broken)?;
        DirectoryStore::blocking(move || file.publish(false)).await.map(|_| ())
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

fn broken() -> Fault {
    Fault::bug("an upload went on after one of its writes had failed")
}
